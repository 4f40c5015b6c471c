//! Two nodes on loopback: how much goes through, and how long a small message takes there and back.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hanse_network::{
    AllowList, Channel, Event, Hello, Network, NetworkLimits, NodeKey, PeerAddress, Settings,
};
use std::{sync::mpsc, time::Duration};
use tokio::runtime::Runtime;

/// Bytes of a vote.
const VOTE_BYTES: usize = 200;

/// Bytes that are under way at a time, in the measurement of throughput.
const LOAD_BYTES: usize = 8 * 1024 * 1024;

fn limits() -> NetworkLimits {
    let mut limits = NetworkLimits::default();
    for channel in Channel::ALL {
        let rate = &mut limits.channel_mut(channel).rate;
        (rate.messages_per_second, rate.bytes_per_second) = (u32::MAX, u32::MAX);
        limits.channel_mut(channel).queue.messages_max = 100_000;
        limits.channel_mut(channel).unread_bytes_max = 128 * 1024 * 1024;
    }
    limits
}

fn start(runtime: &Runtime, seed: u8, peers: Vec<PeerAddress>) -> (Network, mpsc::Receiver<Event>) {
    let (sender, events) = mpsc::channel();
    let settings = Settings {
        listen: Some(([127, 0, 0, 1], 0).into()),
        allow: AllowList::Open,
        peers,
        exchange: false,
        limits: limits(),
        ..Settings::default()
    };
    let hello = Hello {
        chain_id: 1,
        genesis_hash: [7; 32].into(),
        engine: "bench".into(),
        software: "bench".into(),
        credential: Bytes::new(),
    };
    let key = NodeKey::from_seed([seed; 32]);
    let handler = move |event| sender.send(event).unwrap_or_default();
    let network = Network::start(runtime.handle(), settings, &key, hello, handler).unwrap();
    (network, events)
}

fn message(events: &mpsc::Receiver<Event>) -> hanse_network::Message {
    loop {
        match events.recv_timeout(Duration::from_secs(30)).unwrap() {
            Event::Message(message) => return message,
            Event::Connected(..) | Event::Disconnected(..) => {}
        }
    }
}

fn loopback(c: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let (one, one_hears) = start(&runtime, 1, Vec::new());
    let at = PeerAddress::new(one.id(), one.local().unwrap());
    let (two, two_hears) = start(&runtime, 2, vec![at]);
    let vote = Bytes::from(vec![1; VOTE_BYTES]);
    while one.peers().is_empty() || two.peers().is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }

    c.bench_function("200 B there and back", |b| {
        b.iter(|| {
            one.broadcast(Channel::Consensus, &vote).unwrap();
            let heard = message(&two_hears);
            two.send(heard.from, Channel::Consensus, heard.bytes).unwrap();
            message(&one_hears)
        });
    });

    let mut group = c.benchmark_group("one way");
    group.sample_size(20);
    group.throughput(Throughput::Bytes(u64::try_from(LOAD_BYTES).unwrap()));
    for (name, channel, bytes) in [
        ("200 B transactions", Channel::Transactions, VOTE_BYTES),
        ("64 KiB blocks", Channel::Blocks, 64 * 1024),
        ("1 MiB sync", Channel::Sync, 1024 * 1024),
    ] {
        let message_bytes = Bytes::from(vec![2; bytes]);
        group.bench_function(name, |b| {
            b.iter(|| {
                for _ in 0..LOAD_BYTES / bytes {
                    one.broadcast(channel, &message_bytes).unwrap();
                }
                for _ in 0..LOAD_BYTES / bytes {
                    message(&two_hears);
                }
            });
        });
    }
    group.finish();
    assert!(one.shutdown() && two.shutdown());
}

criterion_group!(benches, loopback);
criterion_main!(benches);
