//! Finding each other, losing each other, and finding each other again.

use crate::node::{Node, Setup, Told, wait};
use bytes::Bytes;
use hanse_network::{Channel, Disconnect, Host, PeerAddress, Refusal};
use hanse_primitives::PeerId;

fn is_end(told: &Told) -> bool {
    matches!(told, Told::Disconnected(..))
}

/// A message gets from one to the other.
fn hears(one: &Node, from: &Node, text: &'static str) {
    from.network.send(one.id(), Channel::Consensus, Bytes::from_static(text.as_bytes())).unwrap();
    one.diary.wait("the message", |told| {
        let heard = |told: &Told| match told {
            Told::Message(peer, _, bytes) => *peer == from.id() && bytes == text.as_bytes(),
            _ => false,
        };
        told.iter().any(heard).then_some(())
    });
}

#[test]
fn two_nodes_that_dial_each_other_at_once_keep_one_connection() {
    for round in 0..8 {
        let one = Setup::new(10 + round).start();
        let two = Setup::new(100 - round).start();
        let start = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            for (from, to) in [(&one, two.address()), (&two, one.address())] {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    from.network.add_peer(to).unwrap();
                });
            }
        });
        one.wait_connected(two.id());
        two.wait_connected(one.id());
        // The loser of the two has to be gone before this, or its place would be taken.
        hears(&one, &two, "there");
        hears(&two, &one, "and back");
        wait("both attempts to be over", || {
            let dials = [&one, &two].map(|node| node.network.totals().dials);
            (dials.iter().sum::<u64>() >= 1).then_some(())
        });
        for (node, peer) in [(&one, &two), (&two, &one)] {
            assert_eq!(node.network.peers().len(), 1);
            assert!(node.is_connected_to(peer.id()));
            assert_eq!(node.diary.count(is_end), 0);
            assert_eq!(node.network.totals().connections, 1);
        }
        let ways = [&one, &two].map(|node| node.network.peers()[0].direction);
        assert_ne!(ways[0], ways[1], "the same connection on both sides");
    }
}

#[test]
fn a_killed_node_is_reached_again_when_it_is_back() {
    let one = Setup::new(1).start();
    let two = Setup::new(2).peers(&[&one]).start();
    two.wait_connected(one.id());
    let at = one.network.local().unwrap();
    let id = one.id();
    one.kill();
    let reason = two.wait_disconnected(id);
    assert!(matches!(reason, Disconnect::Closed | Disconnect::Failed(_)), "{reason:?}");
    two.diary.clear();
    let one = Setup::new(1).listen(at).start();
    two.wait_connected(id);
    one.wait_connected(two.id());
    hears(&one, &two, "welcome back");
}

#[test]
fn a_node_that_stops_says_so_and_gives_up_its_port() {
    let one = Setup::new(1).start();
    let two = Setup::new(2).peers(&[&one]).start();
    one.wait_connected(two.id());
    let at = one.network.local().unwrap();
    assert!(one.network.shutdown());
    assert_eq!(two.wait_disconnected(one.id()), Disconnect::ByPeer(Refusal::Stopping));
    assert_eq!(one.wait_disconnected(two.id()), Disconnect::ByUs(Refusal::Stopping));
    two.diary.clear();
    let again = Setup::new(1).listen(at).start();
    two.wait_connected(again.id());
}

#[test]
fn a_restarted_node_takes_its_own_place_before_the_old_connection_is_noticed() {
    // The one with the smaller key decides; both orders are tried.
    for (stays, restarts) in [(1, 2), (2, 1)] {
        let stays = Setup::new(stays).start();
        let first = Setup::new(restarts).peers(&[&stays]).start();
        stays.wait_connected(first.id());
        // The same key again, while the first is still there.
        let second = Setup::new(restarts).peers(&[&stays]).start();
        second.wait_connected(stays.id());
        stays.diary.wait("the new connection", |told| {
            let connected = |told: &&Told| matches!(told, Told::Connected(..));
            (told.iter().filter(connected).count() == 2).then_some(())
        });
        let order =
            stays.diary.wait("the order", |told| Some(told.iter().map(is_end).collect::<Vec<_>>()));
        assert_eq!(order[..3], [false, true, false], "connected, disconnected, connected");
        first.kill();
    }
}

#[test]
fn one_bootstrap_peer_is_enough_to_find_all_others() {
    let hub = Setup::new(1).exchange().start();
    let mut nodes: Vec<Node> =
        (2..6).map(|seed| Setup::new(seed).exchange().peers(&[&hub]).start()).collect();
    nodes.push(hub);
    let ids: Vec<PeerId> = nodes.iter().map(Node::id).collect();
    for node in &nodes {
        for id in ids.iter().filter(|id| **id != node.id()) {
            node.wait_connected(*id);
        }
    }
    wait("one connection for each pair", || {
        nodes.iter().all(|node| node.network.peers().len() == 4).then_some(())
    });
}

#[test]
fn without_exchange_nobody_is_told_of_anybody() {
    let hub = Setup::new(1).start();
    let nodes: Vec<Node> = (2..5).map(|seed| Setup::new(seed).peers(&[&hub]).start()).collect();
    for node in &nodes {
        hub.wait_connected(node.id());
    }
    for node in &nodes {
        node.wait_connected(hub.id());
        hears(&hub, node, "here");
        assert_eq!(node.network.known().len(), 1);
    }
}

#[test]
fn a_cut_ends_connections_and_healing_brings_them_back() {
    let one = Setup::new(1).start();
    let two = Setup::new(2).peers(&[&one]).start();
    let three = Setup::new(3).peers(&[&one]).start();
    one.wait_connected(two.id());
    one.wait_connected(three.id());
    one.network.cut([two.id()].into());
    assert_eq!(one.wait_disconnected(two.id()), Disconnect::ByUs(Refusal::CutOff));
    two.wait_problem(one.id(), "cut off");
    assert!(one.is_connected_to(three.id()));
    one.network.cut_all();
    one.wait_disconnected(three.id());
    one.diary.clear();
    one.network.heal();
    one.wait_connected(two.id());
    one.wait_connected(three.id());
}

#[test]
fn a_name_is_looked_up_and_somebody_else_there_is_noticed() {
    let one = Setup::new(1).start();
    let two = Setup::new(2).start();
    let port = one.network.local().unwrap().port();
    let named = |id| PeerAddress { id, host: Host::Name("localhost".into()), port };
    let other = Setup::new(9).key().id();
    two.network.add_peer(named(other)).unwrap();
    two.wait_problem(other, "another node answers there");
    assert!(two.network.peers().is_empty());
    two.network.add_peer(named(one.id())).unwrap();
    two.wait_connected(one.id());
    assert!(one.network.add_peer(one.address()).is_ok(), "its own address is left out");
    assert!(one.network.known().iter().all(|known| known.id != one.id()));
}
