//! Peers that do what no honest peer does, over real sockets.

use crate::{
    AllowList, Channel, Disconnect, Event, Hello, Network, NetworkLimits, NodeKey, Refusal,
    Settings,
    hello::{Greeting, Salutation},
    limits::{CHUNK_BYTES_MAX, PROTOCOL_VERSION},
    tls::Tls,
};
use bytes::Bytes;
use std::{
    sync::mpsc::{Receiver, channel},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Runtime,
};
use tokio_rustls::TlsStream;

const PATIENCE: Duration = Duration::from_secs(20);

fn hello() -> Hello {
    Hello {
        chain_id: 1,
        genesis_hash: [1; 32].into(),
        engine: "e".into(),
        software: "s".into(),
        credential: Default::default(),
    }
}

/// An honest node, and a friend that is connected to it and has to stay so.
struct Victim {
    runtime: Runtime,
    node: Network,
    events: Receiver<Event>,
    friend: Network,
}

impl Victim {
    fn new(change: impl FnOnce(&mut NetworkLimits)) -> Self {
        let runtime = Runtime::new().unwrap();
        let (sender, events) = channel();
        let mut settings = Settings {
            listen: Some(([127, 0, 0, 1], 0).into()),
            allow: AllowList::Open,
            ..Settings::default()
        };
        change(&mut settings.limits);
        let handler = move |event| sender.send(event).unwrap_or_default();
        let key = NodeKey::from_seed([1; 32]);
        let node = Network::start(runtime.handle(), settings, &key, hello(), handler).unwrap();
        let at = crate::PeerAddress::new(node.id(), node.local().unwrap());
        let settings = Settings { peers: vec![at], ..Settings::default() };
        let key = NodeKey::from_seed([2; 32]);
        let friend = Network::start(runtime.handle(), settings, &key, hello(), |_: Event| {});
        let victim = Self { runtime, node, events, friend: friend.unwrap() };
        assert!(matches!(victim.next(), Event::Connected(peer, _) if peer == victim.friend.id()));
        victim
    }

    fn next(&self) -> Event {
        self.events.recv_timeout(PATIENCE).unwrap()
    }

    /// The friend is still there and heard.
    fn is_unharmed(&self) {
        self.friend.broadcast(Channel::Consensus, &Bytes::from_static(b"vote")).unwrap();
        let event = self.next();
        let Event::Message(message) = event else { panic!("{event:?}") };
        assert_eq!((message.from, &message.bytes[..]), (self.friend.id(), &b"vote"[..]));
        assert_eq!(self.node.peers().len(), 1);
    }

    async fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.node.local().unwrap()).await.unwrap()
    }

    async fn tls(&self, seed: u8) -> TlsStream<TcpStream> {
        let tls = Tls::new(&NodeKey::from_seed([seed; 32])).unwrap();
        let (peer, stream) = tls.connect(self.tcp().await).await.unwrap();
        assert_eq!(peer, self.node.id());
        stream
    }

    /// A connection past the greeting, with no code of ours behind it.
    async fn greeted(&self, seed: u8) -> TlsStream<TcpStream> {
        let mut stream = self.tls(seed).await;
        let greeting =
            Greeting { version: PROTOCOL_VERSION, instance: 5, listen_port: 0, hello: hello() };
        stream.write_all(&Salutation::Hello(greeting).encode()).await.unwrap();
        // Both orders of keys work, since the victim reads this when it needs it.
        stream.write_all(&Salutation::Accept.encode()).await.unwrap();
        stream.flush().await.unwrap();
        let Event::Connected(peer, _) = self.next() else { panic!() };
        assert_eq!(peer, NodeKey::from_seed([seed; 32]).id());
        stream
    }

    /// The bytes are the last that the peer may send.
    fn drops(&self, bytes: &[u8], severe: bool) {
        let seed = 77;
        let mut stream = self.runtime.block_on(self.greeted(seed));
        self.runtime.block_on(async {
            stream.write_all(bytes).await.unwrap();
            stream.flush().await.unwrap();
        });
        let event = self.next();
        let Event::Disconnected(peer, reason) = event else { panic!("{event:?}") };
        assert_eq!(peer, NodeKey::from_seed([seed; 32]).id());
        assert_eq!(reason, Disconnect::ByUs(Refusal::Malformed));
        assert_eq!(self.node.totals().faults, u64::from(severe));
        // The last word says why, before the connection ends.
        let rest = self.runtime.block_on(read_to_end(&mut stream));
        assert!(rest.ends_with(&[0x23, 0, 0, 1, Refusal::Malformed.code()]), "{rest:?}");
        self.is_unharmed();
    }
}

async fn read_to_end(stream: &mut (impl AsyncReadExt + Unpin)) -> Vec<u8> {
    let mut rest = Vec::new();
    // However it ends: what matters is that it does.
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap();
    rest
}

#[test]
fn garbage_instead_of_a_handshake_ends_the_connection() {
    let victim = Victim::new(|_| {});
    victim.runtime.block_on(async {
        for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 4_096], &[0xff; 70_000], &[22, 3, 1]] {
            let mut tcp = victim.tcp().await;
            // It may hang up before it has read everything.
            let _ = tcp.write_all(garbage).await;
            let _ = tcp.shutdown().await;
            read_to_end(&mut tcp).await;
        }
    });
    victim.is_unharmed();
}

#[test]
fn garbage_instead_of_a_greeting_ends_the_connection() {
    let victim = Victim::new(|_| {});
    victim.runtime.block_on(async {
        for garbage in [
            &[0, 0][..],
            &[0xff, 0xff, 1],
            &[0, 1, 9],
            &[0, 4, 1, 0, 1, 0],
            &Salutation::Accept.encode(),
        ] {
            let mut stream = victim.tls(50).await;
            stream.write_all(garbage).await.unwrap();
            stream.flush().await.unwrap();
            read_to_end(&mut stream).await;
        }
    });
    victim.is_unharmed();
}

#[test]
fn whoever_begins_a_handshake_and_does_not_end_it_keeps_no_place() {
    let victim = Victim::new(|limits| {
        limits.handshakes_max = 3;
        limits.handshake_time_max = Duration::from_millis(500);
    });
    victim.runtime.block_on(async {
        let mut half_open = Vec::new();
        for _ in 0..2 {
            half_open.push(victim.tcp().await);
        }
        // A byte now and then does not help: here is one that announces a thousand.
        let mut drip = victim.tls(60).await;
        drip.write_all(&1_000u16.to_be_bytes()).await.unwrap();
        let dripping = async {
            for _ in 0..100 {
                tokio::time::sleep(Duration::from_millis(50)).await;
                if drip.write_all(&[0]).await.is_err() || drip.flush().await.is_err() {
                    return;
                }
            }
            panic!("the drip goes on for five seconds");
        };
        // While they wait, there is no place for a fourth.
        let mut fourth = victim.tcp().await;
        assert!(read_to_end(&mut fourth).await.is_empty());
        dripping.await;
        for mut tcp in half_open {
            assert!(read_to_end(&mut tcp).await.is_empty());
        }
        // The places are free again.
        victim.greeted(61).await;
    });
    assert!(matches!(victim.next(), Event::Disconnected(..)));
    victim.is_unharmed();
}

#[test]
fn whoever_does_not_end_a_handshake_keeps_nobody_from_stopping() {
    let victim = Victim::new(|_| {});
    let _half_open = victim.runtime.block_on(victim.tcp());
    let _half_greeted = victim.runtime.block_on(victim.tls(62));
    assert!(victim.node.shutdown());
}

#[test]
fn one_address_gets_no_more_than_its_share() {
    // The friend has one of the three.
    let victim = Victim::new(|limits| limits.inbound_per_ip_max = 3);
    victim.runtime.block_on(async {
        let _one = victim.tls(70).await;
        let _two = victim.tls(71).await;
        let mut third = victim.tcp().await;
        assert!(read_to_end(&mut third).await.is_empty());
    });
    victim.is_unharmed();
    assert!(victim.node.totals().refused >= 1);
}

#[test]
fn an_oversized_message_is_a_fault() {
    let oversized = u32::try_from(Channel::Consensus.message_bytes_max() + 1).unwrap();
    let bytes = [&[0x10, 0, 0, 8][..], &oversized.to_be_bytes(), b"vote"].concat();
    Victim::new(|_| {}).drops(&bytes, true);
}

#[test]
fn an_oversized_frame_is_a_fault() {
    let length = u32::try_from(CHUNK_BYTES_MAX + 1).unwrap().to_be_bytes();
    Victim::new(|_| {}).drops(&[0x10, length[1], length[2], length[3]], true);
}

#[test]
fn an_unknown_frame_is_a_fault() {
    Victim::new(|_| {}).drops(&[0x42, 0, 0, 0], true);
}

#[test]
fn malformed_bytes_again_and_again_ban() {
    let victim = Victim::new(|_| {});
    for _ in 0..3 {
        let mut stream = victim.runtime.block_on(victim.greeted(80));
        victim.runtime.block_on(async {
            stream.write_all(&[0x42, 0, 0, 0]).await.unwrap();
            stream.flush().await.unwrap();
        });
        assert!(matches!(victim.next(), Event::Disconnected(..)));
    }
    let banned = victim.node.banned();
    assert_eq!(banned.len(), 1);
    assert_eq!(banned[0].0, NodeKey::from_seed([80; 32]).id());
    // It is told so in place of a greeting.
    let mut stream = victim.runtime.block_on(victim.tls(80));
    let said = victim.runtime.block_on(read_to_end(&mut stream));
    assert_eq!(said, Salutation::Refuse(Refusal::Banned).encode());
    victim.is_unharmed();
}

#[test]
fn a_peer_without_a_key_gets_nowhere() {
    let victim = Victim::new(|_| {});
    victim.runtime.block_on(async {
        // TLS with an authority and without a key of its own, as browsers speak it.
        let config = rustls::ClientConfig::builder_with_provider(std::sync::Arc::new(
            rustls::crypto::ring::default_provider(),
        ))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
        let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
        let name = rustls::pki_types::ServerName::try_from("hanse").unwrap();
        assert!(connector.connect(name, victim.tcp().await).await.is_err());
    });
    victim.is_unharmed();
}

#[test]
fn a_peer_told_of_lies_gains_nothing() {
    let victim = Victim::new(|_| {});
    let mut stream = victim.runtime.block_on(victim.greeted(90));
    let known = victim.node.known().len();
    // The victim itself, nowhere, everybody, no port: none of them is an address to dial.
    let me = victim.node.id();
    let somebody = hanse_primitives::PeerId([9; 32]);
    let lies = vec![
        (me, ([127, 0, 0, 1], 9).into()),
        (somebody, ([0, 0, 0, 0], 9).into()),
        (somebody, ([255, 255, 255, 255], 9).into()),
        (somebody, ([224, 0, 0, 1], 9).into()),
        (somebody, ([127, 0, 0, 1], 0).into()),
    ];
    let mut bytes = bytes::BytesMut::new();
    crate::frame::control(&mut bytes, &crate::frame::Control::Peers(lies));
    crate::frame::begin(&mut bytes, Channel::Sync, 2, b"ok");
    victim.runtime.block_on(async {
        stream.write_all(&bytes).await.unwrap();
        stream.flush().await.unwrap();
    });
    assert!(matches!(victim.next(), Event::Message(message) if &message.bytes[..] == b"ok"));
    assert_eq!(victim.node.known().len(), known);
}
