//! Blocks are decided, and how fast.

use super::network::Network;

#[test]
fn four_equal_validators_decide_blocks() {
    let mut network = Network::new(1, &[1; 4], 1);
    network.start_all().run_for(12_000);
    println!("{:?} {:?}", network.heights(), network.rounds);
    network.check();
    assert_eq!(network.heights(), [2; 5], "one empty block each five seconds");
    network.submit(7);
    network.run_for(100);
    assert_eq!(network.heights(), [3; 5], "a transaction is decided at once");
    network.check();
}
