//! Who gets in, who does not, and who is shown out.

use crate::node::{Setup, Told, wait};
use bytes::Bytes;
use hanse_network::{
    AllowList, Channel, Disconnect, Event, Network, NetworkError, Refusal, Severity,
};

/// Two nodes that know each other's address.
fn acquainted(one: Setup, two: Setup) -> [crate::node::Node; 2] {
    let one = one.start();
    let two = two.peers(&[&one]).start();
    one.network.add_peer(two.address()).unwrap();
    [one, two]
}

#[test]
fn nodes_of_different_chains_refuse_each_other_and_both_know_why() {
    let mut genesis = Setup::new(2);
    genesis.hello.genesis_hash = [8; 32].into();
    let mut chain = Setup::new(2);
    chain.hello.chain_id = 8;
    let mut engine = Setup::new(2);
    engine.hello.engine = "work".into();
    for (other, words, difference) in [
        (genesis, "another genesis block", "theirs 0x0"),
        (chain, "another chain id", "ours 7, theirs 8"),
        (engine, "another consensus engine", "ours bft, theirs work"),
    ] {
        let [one, two] = acquainted(Setup::new(1), other);
        one.wait_problem(two.id(), words);
        one.wait_problem(two.id(), difference);
        two.wait_problem(one.id(), words);
        assert!(one.network.peers().is_empty() && two.network.peers().is_empty());
        assert_eq!(one.diary.count(|_| true) + two.diary.count(|_| true), 0);
    }
}

#[test]
fn a_stranger_is_refused_and_told_so() {
    let friend = Setup::new(3);
    let one = Setup::new(1).allow(&[friend.key().id()]).start();
    let stranger = Setup::new(2).peers(&[&one]).start();
    stranger.wait_problem(one.id(), "it refused: not on the list of peers");
    let friend = friend.peers(&[&one]).start();
    friend.wait_connected(one.id());
    one.wait_connected(friend.id());
    assert_eq!(one.network.peers().len(), 1);
    assert!(one.network.totals().refused >= 1);
    assert!(stranger.network.peers().is_empty());
}

#[test]
fn a_change_of_the_list_cuts_one_peer_off_and_calls_another() {
    let one = Setup::new(1).start();
    let two = Setup::new(2).peers(&[&one]).start();
    let three = Setup::new(3).start();
    one.wait_connected(two.id());
    one.network.allow(AllowList::Only([two.id()].into()));
    one.network.add_peer(three.address()).unwrap();
    one.network.allow(AllowList::Only([three.id()].into()));
    assert_eq!(one.wait_disconnected(two.id()), Disconnect::ByUs(Refusal::NotAllowed));
    assert_eq!(two.wait_disconnected(one.id()), Disconnect::ByPeer(Refusal::NotAllowed));
    // Nobody but the list's change makes node 1 call node 3.
    one.wait_connected(three.id());
    assert!(!one.is_connected_to(two.id()));
    // And back.
    one.diary.clear();
    one.network.add_peer(two.address()).unwrap();
    one.network.allow(AllowList::Open);
    one.wait_connected(two.id());
}

#[test]
fn faults_ban_and_a_pardon_lifts_the_ban() {
    let one = Setup::new(1).start();
    let two = Setup::new(2).peers(&[&one]).start();
    let three = Setup::new(3).peers(&[&one]).start();
    one.wait_connected(two.id());
    one.wait_connected(three.id());
    one.network.penalize(two.id(), Severity::Serious, "bytes that are no message");
    assert_eq!(one.network.peers().iter().map(|info| info.points).max(), Some(40));
    assert!(one.is_connected_to(two.id()));
    one.network.penalize(two.id(), Severity::Grave, "a block that breaks a rule");
    assert_eq!(one.wait_disconnected(two.id()), Disconnect::ByUs(Refusal::Banned));
    assert_eq!(two.wait_disconnected(one.id()), Disconnect::ByPeer(Refusal::Banned));
    two.wait_problem(one.id(), "it refused: banned");
    assert_eq!(one.network.banned().len(), 1);
    assert!(one.is_connected_to(three.id()));
    one.diary.clear();
    one.network.pardon(two.id());
    one.network.add_peer(two.address()).unwrap();
    one.wait_connected(two.id());
    assert!(one.network.banned().is_empty());
    assert_eq!((one.network.totals().bans, one.network.totals().faults), (1, 2));
}

#[test]
fn a_flood_is_slowed_down_first_and_banned_when_it_goes_on() {
    let one = Setup::new(1).limits(|limits| {
        limits.excess_window = std::time::Duration::from_millis(200);
        let rate = &mut limits.channel_mut(Channel::Transactions).rate;
        (rate.messages_per_second, rate.burst_seconds) = (200, 1);
    });
    let one = one.start();
    let flood = Setup::new(2).peers(&[&one]).start();
    let honest = Setup::new(3).peers(&[&one]).start();
    one.wait_connected(flood.id());
    one.wait_connected(honest.id());
    for _ in 0..10_000 {
        flood.network.broadcast(Channel::Transactions, &Bytes::from_static(b"spam")).unwrap();
    }
    assert_eq!(one.wait_disconnected(flood.id()), Disconnect::ByUs(Refusal::Banned));
    let let_in = one.diary.messages(flood.id(), Channel::Transactions).len();
    assert!((200..10_000).contains(&let_in), "{let_in}");
    honest.network.broadcast(Channel::Consensus, &Bytes::from_static(b"vote")).unwrap();
    one.diary.wait("the honest vote", |told| {
        let vote = |told: &Told| matches!(told, Told::Message(from, ..) if *from == honest.id());
        told.iter().any(vote).then_some(())
    });
}

#[test]
fn no_more_peers_than_there_is_place_for() {
    let one = Setup::new(1).limits(|limits| limits.peers_max = 2).start();
    let peers: Vec<_> = (2..5).map(|seed| Setup::new(seed).peers(&[&one]).start()).collect();
    wait("a peer that finds no place", || {
        let refused = peers.iter().flat_map(|peer| peer.network.known());
        let mut problems = refused.filter_map(|known| known.problem);
        problems.find(|problem| problem.contains("no place for more peers"))
    });
    assert_eq!(one.network.peers().len(), 2);
    // Whoever lost a race for the last place hears why, too.
    for peer in &peers {
        let wrong = |told: &Told| match told {
            Told::Disconnected(_, reason) => *reason != Disconnect::ByPeer(Refusal::Full),
            _ => false,
        };
        assert_eq!(peer.diary.count(wrong), 0);
    }
}

#[test]
fn a_port_in_use_is_named() {
    let one = Setup::new(1).start();
    let setup = Setup::new(2).listen(one.network.local().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let key = setup.key();
    let started =
        Network::start(runtime.handle(), setup.settings, &key, setup.hello, |_: Event| {});
    let error = started.unwrap_err();
    assert!(matches!(error, NetworkError::PortInUse(at) if Some(at) == one.network.local()));
    assert!(error.to_string().contains("is in use"), "{error}");
}
