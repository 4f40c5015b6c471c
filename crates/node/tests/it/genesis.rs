//! The chain that everybody begins with.

use hanse_node::{Config, Dev, chain_spec};
use hanse_primitives::BaseFee;

/// Ledgers of development, tutorials and saved requests know this chain by its hash. A change of the
/// contracts changes it: then this changes with them, knowingly, and old development ledgers are of
/// another chain.
#[test]
fn the_development_chain_is_the_same_everywhere() {
    let dev = Dev { enabled: true, ..Dev::default() };
    let config = Config { dev, ..Config::default() };
    let spec = chain_spec(&config, BaseFee::Eip1559).expect("the contracts can be constructed");
    let header = spec.genesis_block_sealed().header();
    let hash = spec.genesis_reference().hash;
    let text = format!("state root {}\nhash {hash}\n", header.state_root);
    assert_eq!(text, include_str!("fixtures/development.txt"));
}
