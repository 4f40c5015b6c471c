//! What is sent arrives: whole, in order, the urgent first; and the slow harm nobody else.

use crate::node::{Node, Setup, Told, messages, wait};
use bytes::{BufMut, Bytes, BytesMut};
use hanse_network::{Channel, Clock, Disconnect, NetworkError, Refusal};

fn numbered(number: usize, bytes: usize) -> Bytes {
    let mut message = BytesMut::new();
    message.put_u64(u64::try_from(number).unwrap());
    message.resize(bytes.max(8), 0xab);
    message.freeze()
}

fn number(message: &Bytes) -> usize {
    usize::try_from(u64::from_be_bytes(message[..8].try_into().unwrap())).unwrap()
}

#[test]
fn ten_thousand_messages_between_four_nodes_arrive_in_order() {
    const EACH: usize = 2_500;
    let roomy = |setup: Setup| {
        setup.limits(|limits| {
            for channel in Channel::ALL {
                limits.channel_mut(channel).queue.messages_max = EACH;
                limits.channel_mut(channel).queue.bytes_max = 64 * 1024 * 1024;
            }
        })
    };
    let mut nodes = Vec::new();
    for seed in 1..=4 {
        let others: Vec<_> = nodes.iter().collect();
        let node = roomy(Setup::new(seed)).peers(&others).start();
        nodes.push(node);
    }
    for one in &nodes {
        for other in nodes.iter().filter(|other| other.id() != one.id()) {
            let hello = one.wait_connected(other.id());
            assert!(hello.software.starts_with("node "));
        }
    }
    // From every node to every other, on every channel: one of a few hundred spans several frames.
    for count in 0..EACH {
        for channel in Channel::ALL {
            let bytes = if count % 300 == 299 { 40_000 } else { 20 + count % 500 };
            for node in &nodes {
                assert_eq!(node.network.broadcast(channel, &numbered(count, bytes)).unwrap(), 3);
            }
        }
    }
    for one in &nodes {
        for other in nodes.iter().filter(|other| other.id() != one.id()) {
            for channel in Channel::ALL {
                let heard = one.diary.wait("all messages", |told| {
                    let heard = messages(told, other.id(), channel);
                    (heard.len() >= EACH).then_some(heard)
                });
                let numbers: Vec<_> = heard.iter().map(number).collect();
                assert_eq!(numbers, (0..EACH).collect::<Vec<_>>());
                assert!(heard.iter().all(|message| message[8..].iter().all(|byte| *byte == 0xab)));
            }
        }
        let totals = one.network.totals();
        assert_eq!(totals.traffic.map(|traffic| traffic.dropped_out), [0; 4]);
        assert_eq!(totals.traffic.map(|traffic| traffic.messages_in), [3 * EACH as u64; 4]);
        assert_eq!(totals.traffic.map(|traffic| traffic.messages_out), [3 * EACH as u64; 4]);
    }
}

#[test]
fn the_longest_message_of_each_channel_arrives_and_a_longer_one_is_refused() {
    let one = Setup::new(1).start();
    let two = Setup::new(2).peers(&[&one]).start();
    two.wait_connected(one.id());
    for channel in Channel::ALL {
        let longest = channel.message_bytes_max();
        two.network.send(one.id(), channel, numbered(1, longest)).unwrap();
        let heard = one.diary.wait("the longest message", |told| {
            messages(told, two.id(), channel).into_iter().next()
        });
        assert_eq!(heard, numbered(1, longest));
        let longer = two.network.broadcast(channel, &numbered(1, longest + 1));
        assert!(matches!(longer, Err(NetworkError::Oversized { .. })));
    }
    let stranger = Setup::new(9).key().id();
    let sent = two.network.send(stranger, Channel::Sync, Bytes::new());
    assert!(matches!(sent, Err(NetworkError::NotConnected(peer)) if peer == stranger));
}

#[test]
fn a_vote_overtakes_blocks_of_the_past() {
    const SYNC: usize = 32;
    /// The largest receive buffer of Linux holds 6 MiB by default.
    const KERNEL: usize = 8;
    const MIB: usize = 1024 * 1024;
    // It reads slowly, so that what is sent at once has to wait.
    let slow = Setup::new(1).limits(|limits| {
        let rate = &mut limits.channel_mut(Channel::Sync).rate;
        (rate.bytes_per_second, rate.burst_seconds) = (8 * 1024 * 1024, 1);
    });
    let slow = slow.start();
    let sender = Setup::new(2).peers(&[&slow]).start();
    sender.wait_connected(slow.id());
    for count in 0..SYNC {
        sender.network.send(slow.id(), Channel::Sync, numbered(count, MIB)).unwrap();
        sender.network.send(slow.id(), Channel::Transactions, numbered(count, MIB / 4)).unwrap();
    }
    slow.diary.wait("the first block", |told| {
        (!messages(told, sender.id(), Channel::Sync).is_empty()).then_some(())
    });
    sender.network.send(slow.id(), Channel::Consensus, numbered(0, 200)).unwrap();
    sender.network.send(slow.id(), Channel::Blocks, numbered(0, MIB)).unwrap();
    let there_already = slow.diary.messages(sender.id(), Channel::Sync).len();
    let order = slow.diary.wait("everything", |told| {
        let order: Vec<_> = told
            .iter()
            .filter_map(|told| match told {
                Told::Message(_, channel, _) => Some(*channel),
                _ => None,
            })
            .collect();
        (order.len() == 2 * SYNC + 2).then_some(order)
    });
    let place = |channel| order.iter().position(|other| *other == channel).unwrap();
    let last = |channel| order.iter().rposition(|other| *other == channel).unwrap();
    assert!(place(Channel::Consensus) < place(Channel::Blocks), "{order:?}");
    // Before it stands what the kernels held at that moment, and nothing else.
    assert!(place(Channel::Blocks) <= there_already + KERNEL, "{there_already}: {order:?}");
    assert!(place(Channel::Blocks) < last(Channel::Sync), "{order:?}");
    // Of the transactions only the one that had begun, or slipped through before sync was queued.
    assert!(last(Channel::Sync) < last(Channel::Transactions), "{order:?}");
    let before = &order[..last(Channel::Sync)];
    let slipped = before.iter().filter(|channel| **channel == Channel::Transactions).count();
    assert!(slipped <= SYNC / 2, "{order:?}");
}

#[test]
fn whoever_takes_no_consensus_messages_is_dropped_and_nobody_else_is_slowed() {
    const VOTES: usize = 6_000;
    let bounded = |setup: Setup| {
        setup.limits(|limits| {
            let limits = limits.channel_mut(Channel::Consensus);
            limits.queue.messages_max = 1_000;
            limits.unread_bytes_max = 1024 * 1024;
        })
    };
    // It never deals with what it gets, so it stops reading.
    let stuck = bounded(Setup::new(1)).hoards().start();
    let brisk = bounded(Setup::new(2)).start();
    let sender = bounded(Setup::new(3)).peers(&[&stuck, &brisk]).start();
    sender.wait_connected(stuck.id());
    sender.wait_connected(brisk.id());
    for count in 0..VOTES {
        sender.network.broadcast(Channel::Consensus, &numbered(count, 4_000)).unwrap();
        if count % 200 == 199 {
            brisk.diary.wait("votes up to here", |told| {
                (messages(told, sender.id(), Channel::Consensus).len() > count).then_some(())
            });
        }
    }
    assert_eq!(sender.wait_disconnected(stuck.id()), Disconnect::ByUs(Refusal::TooSlow));
    let heard = brisk.diary.messages(sender.id(), Channel::Consensus);
    assert_eq!(heard.iter().map(number).collect::<Vec<_>>(), (0..VOTES).collect::<Vec<_>>());
    // Being slow is no fault: once it has dealt with everything, it is welcome again.
    assert!(sender.network.banned().is_empty());
    stuck.diary.clear();
    stuck.wait_connected(sender.id());
}

#[test]
fn the_oldest_transactions_are_dropped_for_a_slow_peer() {
    const BURST: usize = 400;
    let slow = Setup::new(1).limits(|limits| {
        let rate = &mut limits.channel_mut(Channel::Transactions).rate;
        (rate.bytes_per_second, rate.burst_seconds) = (16 * 1024 * 1024, 1);
    });
    let slow = slow.start();
    let sender = Setup::new(2).peers(&[&slow]).limits(|limits| {
        limits.channel_mut(Channel::Transactions).queue.messages_max = 20;
    });
    let sender = sender.start();
    sender.wait_connected(slow.id());
    for count in 0..BURST {
        sender.network.broadcast(Channel::Transactions, &numbered(count, 128 * 1024)).unwrap();
    }
    let heard = slow.diary.wait("the newest transaction", |told| {
        let heard = messages(told, sender.id(), Channel::Transactions);
        heard.last().is_some_and(|last| number(last) == BURST - 1).then_some(heard)
    });
    let dropped = sender.network.totals().traffic[Channel::Transactions.index()].dropped_out;
    assert!(dropped > 0);
    assert_eq!(heard.len() + usize::try_from(dropped).unwrap(), BURST);
    assert!(heard.iter().map(number).is_sorted());
    assert!(sender.is_connected_to(slow.id()));
}

#[test]
fn transactions_that_the_node_does_not_deal_with_are_dropped_and_votes_still_arrive() {
    let busy = Setup::new(1).hoards().limits(|limits| {
        limits.channel_mut(Channel::Transactions).unread_bytes_max = 4 * 1024 * 1024;
    });
    let busy = busy.start();
    let sender = Setup::new(2).peers(&[&busy]).start();
    sender.wait_connected(busy.id());
    for count in 0..10 {
        sender.network.broadcast(Channel::Transactions, &numbered(count, 1024 * 1024)).unwrap();
    }
    wait("dropped transactions", || {
        let traffic = busy.network.totals().traffic[Channel::Transactions.index()];
        (traffic.messages_in == 4 && traffic.dropped_in == 6).then_some(())
    });
    sender.network.broadcast(Channel::Consensus, &numbered(0, 100)).unwrap();
    busy.diary.wait("the vote", |told| {
        let vote = |told: &Told| matches!(told, Told::Unread(m) if m.channel == Channel::Consensus);
        told.iter().any(vote).then_some(())
    });
}

/// By how much a peer's clock differs is found out by the way, and who tells no time is not compared.
#[test]
fn clocks_are_compared() {
    let at = |seed, ms: u64| {
        let mut setup = Setup::new(seed);
        setup.settings.clock = Clock::new(move || ms);
        setup
    };
    let one = at(1, 1_000_000).start();
    let two = at(2, 1_060_000).peers(&[&one]).start();
    let three = Setup::new(3).peers(&[&one]).start();
    let ahead = |of: &Node, who: &Node| {
        let peers = of.network.peers();
        let info = peers.iter().find(|info| info.id == who.id() && info.round_trip.is_some());
        info.map(|info| info.clock_ahead_ms)
    };
    let near = |ms: i64, expected: i64| (expected..expected + 10_000).contains(&ms);
    let of_one = wait("an answer of two", || ahead(&one, &two)).expect("both tell the time");
    let of_two = wait("an answer of one", || ahead(&two, &one)).expect("both tell the time");
    // Half of a round trip is added; these clocks stand still.
    assert!(near(of_one, 60_000) && near(of_two, -60_000), "{of_one} {of_two}");
    assert_eq!(wait("an answer of three", || ahead(&one, &three)), None);
    assert_eq!(wait("an answer to three", || ahead(&three, &one)), None);
}

#[test]
fn peers_are_described() {
    let one = Setup::new(1).start();
    let two = Setup::new(2).peers(&[&one]).start();
    one.wait_connected(two.id());
    two.wait_connected(one.id());
    let info = wait("a round trip", || {
        two.network.peers().into_iter().find(|info| info.round_trip.is_some())
    });
    assert_eq!((info.id, Some(info.remote)), (one.id(), one.network.local()));
    assert_eq!(info.direction, hanse_network::Direction::Outbound);
    assert_eq!((info.points, info.queued_bytes), (0, 0));
    assert_eq!(info.hello.software, "node 1");
    let info = &one.network.peers()[0];
    assert_eq!(info.direction, hanse_network::Direction::Inbound);
    assert_eq!(info.listens_at, two.network.local());
}
