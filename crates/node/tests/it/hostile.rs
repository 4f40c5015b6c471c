//! A real node, as a process, and peers that speak its protocol and mean it no good: who is of another
//! chain or unknown, sends what is no message, forges, or repeats what is long past.

#![allow(clippy::unwrap_used, reason = "a test that cannot have what it needs has failed")]

use alloy_primitives::{Address, B256, Bytes};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use hanse_consensus::{Signer, testing::messages_of_votes};
use hanse_identity::Credential;
use hanse_network::{AllowList, Channel, Event, Hello, Network, NodeKey, PeerAddress, Settings};
use hanse_primitives::{Block, ChainSpec, PeerId, SealedBlock, SigningDomain, ValidatorSignature};
use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Longest wait for anything; a test that needs it has failed.
const PATIENCE: Duration = Duration::from_secs(40);

/// Keys of the peers, by what they are up to.
const HONEST: u8 = 1;
const STRANGER: u8 = 2;
const FOREIGNER: u8 = 3;
const BABBLER: u8 = 4;
const FORGER: u8 = 5;
const CERTIFIER: u8 = 6;
const REPEATER: u8 = 7;
const SPAMMER: u8 = 8;
const PRETENDER: u8 = 9;
const BORROWER: u8 = 10;

fn key(number: u8) -> NodeKey {
    NodeKey::from_seed([number; 32])
}

fn wait<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Four ports in a row that nobody listens on, below those that the system hands out.
fn ports() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = 10_000 + u16::try_from(std::process::id() % 3_000).unwrap() * 4;
    loop {
        let first = start + NEXT.fetch_add(4, Ordering::Relaxed);
        let free = |offset| TcpListener::bind(("127.0.0.1", first + offset)).is_ok();
        if (0..4).all(free) {
            return first;
        }
    }
}

fn hanse(arguments: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hanse"));
    let status = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).status();
    assert!(status.unwrap().success(), "{arguments:?}");
}

/// Has an organization issue a certificate for the key of a peer.
fn certify(organization: &Path, number: u8) {
    let (name, id) = (format!("peer-{number}"), key(number).id().to_string());
    let directory = organization.to_str().unwrap();
    hanse(&["org", "enroll", "node", &name, "--directory", directory, "--peer", &id]);
}

/// The certificate that [`certify`] has issued.
fn holder(organization: &Path, number: u8) -> PathBuf {
    organization.join(format!("nodes/peer-{number}/msp/signcerts/cert.pem"))
}

/// The node that is to stand all this: the only validator of its network, so that it makes blocks alone.
struct Victim {
    child: Child,
    folder: TempDir,
    spec: ChainSpec,
    address: PeerAddress,
    http: SocketAddr,
}

impl Victim {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let first = ports();
        let port = |offset: u16| (first + offset).to_string();
        let hanse = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_hanse"));
            command.stdin(Stdio::null()).stdout(Stdio::null());
            command
        };
        let mut prepare = hanse();
        prepare.args(["localnet", "--prepare", "--validators", "1", "--directory"]);
        prepare.arg(folder.path()).args(["--http.port", &port(0), "--network.port", &port(1)]);
        prepare.args(["--ws.port", &port(2), "--web.port", &port(3)]);
        assert!(prepare.status().unwrap().success());
        let member = folder.path().join("brand");
        let certified = [HONEST, FOREIGNER, BABBLER, FORGER, CERTIFIER, REPEATER, SPAMMER];
        for number in certified {
            certify(&member.join("org"), number);
        }
        let mut node = hanse();
        node.arg("node").arg("--config").arg(member.join("config.toml"));
        node.args(["--ws.disable", "--web.disable"]);
        let child = node.stderr(File::create(log_of(&folder)).unwrap()).spawn().unwrap();
        let genesis = fs::read(folder.path().join("genesis.json")).unwrap();
        let at = SocketAddr::from(([127, 0, 0, 1], first + 1));
        let id = NodeKey::load(&member.join("node.key")).unwrap().id();
        let victim = Self {
            child,
            spec: ChainSpec::parse(&genesis).unwrap(),
            address: PeerAddress::new(id, at),
            http: SocketAddr::from(([127, 0, 0, 1], first)),
            folder,
        };
        victim.wait_log("is ready");
        victim
    }

    fn log(&self) -> String {
        fs::read_to_string(log_of(&self.folder)).unwrap()
    }

    fn wait_log(&self, words: &str) {
        wait(&format!("{words:?} in the log"), || self.log().contains(words).then_some(()));
    }

    /// Until a line of the log has these words and names this peer.
    fn wait_line(&self, peer: &Peer, words: &str) {
        let id = peer.network.id().to_string();
        let is_it = |line: &str| line.contains(&id) && line.contains(words);
        let look = || self.log().lines().any(is_it).then_some(());
        wait(&format!("{words:?} about {id}; the log is:\n{}", self.log()), look);
    }

    fn height(&self) -> u64 {
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}"#;
        let mut stream = TcpStream::connect(self.http).unwrap();
        let length = body.len();
        let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
        write!(stream, "{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let answer: serde_json::Value = serde_json::from_str(body).unwrap();
        let height = answer["result"].as_str().unwrap().trim_start_matches("0x");
        u64::from_str_radix(height, 16).unwrap()
    }

    /// What a peer says of itself, with the certificate that the victim's own organization has issued for a key.
    fn hello(&self, certified: u8) -> Hello {
        let path = holder(&self.folder.path().join("brand/org"), certified);
        self.hello_with(fs::read_to_string(path).ok())
    }

    fn hello_with(&self, certificate: Option<String>) -> Hello {
        let certificate = certificate
            .map(|pem| hanse_identity::Certificate::from_pem(&pem).unwrap().der().to_vec());
        let credential = Credential { validator: None, certificate }.encode().unwrap();
        Hello {
            chain_id: self.spec.chain_id(),
            genesis_hash: self.spec.genesis_reference().hash,
            engine: "hanse/2".to_owned(),
            software: "a peer of a test".to_owned(),
            credential: credential.into(),
        }
    }

    fn peer(&self, number: u8) -> Peer {
        Peer::start(number, self.hello(number), self.address.clone())
    }

    fn connected(&self, number: u8) -> Peer {
        let peer = self.peer(number);
        wait("a connection", || peer.is_connected().then_some(()));
        peer
    }
}

fn log_of(folder: &TempDir) -> PathBuf {
    folder.path().join("log")
}

impl Drop for Victim {
    fn drop(&mut self) {
        // An error says that it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Peer {
    network: Arc<Network>,
    heard: Arc<Mutex<Vec<(Channel, bytes::Bytes)>>>,
    victim: PeerId,
    _runtime: Runtime,
}

impl Peer {
    fn start(number: u8, hello: Hello, victim: PeerAddress) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let writes = Arc::clone(&heard);
        let handler = move |event: Event| {
            if let Event::Message(message) = event {
                writes.lock().unwrap().push((message.channel, message.bytes));
            }
        };
        let id = victim.id;
        let settings = Settings {
            allow: AllowList::Only([id].into()),
            peers: vec![victim],
            ..Settings::default()
        };
        let network =
            Network::start(runtime.handle(), settings, &key(number), hello, handler).unwrap();
        Self { network: Arc::new(network), heard, victim: id, _runtime: runtime }
    }

    fn is_connected(&self) -> bool {
        self.network.peers().iter().any(|peer| peer.id == self.victim)
    }

    /// Sends, if the victim still listens.
    fn send(&self, channel: Channel, message: impl Into<bytes::Bytes>) {
        let _ = self.network.send(self.victim, channel, message.into());
    }

    fn heard(&self, channel: Channel) -> Vec<bytes::Bytes> {
        let heard = self.heard.lock().unwrap();
        heard.iter().filter(|(on, _)| *on == channel).map(|(_, bytes)| bytes.clone()).collect()
    }

    /// Until the last attempt to connect failed in these words.
    fn wait_problem(&self, words: &str) {
        wait(&format!("the problem {words:?}"), || {
            let known = self.network.known();
            let problem = known.into_iter().find(|known| known.id == self.victim)?.problem?;
            problem.contains(words).then_some(())
        });
    }
}

/// A validator of some other network.
#[derive(Debug)]
struct Nobody(PrivateKeySigner);

impl Signer for Nobody {
    fn address(&self) -> Address {
        self.0.address()
    }

    fn sign(&self, digest: B256) -> ValidatorSignature {
        self.0.sign_hash_sync(&digest).unwrap().into()
    }
}

/// Messages about a block that nobody has seen, signed by somebody who has no vote.
fn forged(domain: &SigningDomain, height: u64) -> Vec<(&'static str, Vec<u8>)> {
    let mut block = Block::default();
    block.header.number = height;
    let block = SealedBlock::new(block);
    let nobody = Nobody(PrivateKeySigner::from_bytes(&B256::repeat_byte(1)).unwrap());
    messages_of_votes(domain, &[&nobody], &block)
}

fn named(messages: &[(&'static str, Vec<u8>)], name: &str) -> Vec<u8> {
    messages.iter().find(|(other, _)| *other == name).unwrap().1.clone()
}

#[test]
fn who_does_not_belong_here_is_refused_and_told_why() {
    let victim = Victim::start();
    let honest = victim.connected(HONEST);
    let hello = victim.hello(FOREIGNER);
    let others = [
        (Hello { chain_id: 1, ..hello.clone() }, "another chain id"),
        (Hello { genesis_hash: B256::ZERO, ..hello.clone() }, "another genesis block"),
        (Hello { engine: "hanse/0".to_owned(), ..hello }, "another consensus engine"),
    ];
    for (hello, why) in others {
        let peer = Peer::start(FOREIGNER, hello, victim.address.clone());
        peer.wait_problem(why);
        victim.wait_line(&peer, why);
    }
    let refused = "not certified as the node of a member";
    let stranger = victim.peer(STRANGER);
    stranger.wait_problem(refused);
    victim.wait_line(&stranger, "it shows no certificate");
    // An authority of the same name, which nobody has admitted.
    let own = tempfile::tempdir().unwrap();
    let org = own.path().join("org");
    hanse(&["org", "create", "--name", "Brand", "--directory", org.to_str().unwrap()]);
    certify(&org, PRETENDER);
    let pem = fs::read_to_string(holder(&org, PRETENDER)).unwrap();
    let hello = victim.hello_with(Some(pem));
    let pretender = Peer::start(PRETENDER, hello, victim.address.clone());
    pretender.wait_problem(refused);
    victim.wait_line(&pretender, "Brand");
    // Somebody else's certificate.
    let borrower = Peer::start(BORROWER, victim.hello(HONEST), victim.address.clone());
    borrower.wait_problem(refused);
    victim.wait_line(&borrower, "is for another key");
    assert!(honest.is_connected());
}

#[test]
fn whatever_a_peer_sends_the_node_goes_on_and_the_others_with_it() {
    let victim = Victim::start();
    let domain = victim.spec.signing_domain();
    let honest = victim.connected(HONEST);
    let repeater = victim.connected(REPEATER);

    // No messages at all, long ones and empty ones among them.
    for (number, channel) in [(BABBLER, Channel::Consensus), (SPAMMER, Channel::Transactions)] {
        let peer = victim.connected(number);
        peer.send(channel, b"nothing".to_vec());
        peer.send(channel, Vec::new());
        peer.send(channel, vec![1; channel.message_bytes_max()]);
        victim.wait_line(&peer, "banned");
        peer.wait_problem("banned");
    }

    // A chain of the future, which the victim asks for, with certificates of nobody.
    let forger = victim.connected(FORGER);
    forger.send(Channel::Consensus, named(&forged(&domain, 1_000), "status"));
    let from = wait("a request for blocks", || {
        forger.heard(Channel::Sync).iter().find_map(|bytes| {
            let [1, 6, body @ ..] = &bytes[..] else { return None };
            let request: Vec<u64> = alloy_rlp::decode_exact(body).ok()?;
            request.first().copied()
        })
    });
    forger.send(Channel::Sync, named(&forged(&domain, from), "response"));
    victim.wait_line(&forger, "does not check out");

    // Certificates, a proposal and a vote of nobody, about whatever is being decided.
    let certifier = victim.connected(CERTIFIER);
    for height in 0..20 {
        for (_, message) in forged(&domain, height) {
            certifier.send(Channel::Consensus, Bytes::from(message).0);
        }
    }

    // What was said long ago, again.
    let height = victim.height();
    wait("two more blocks", || (victim.height() >= height + 2).then_some(()));
    for channel in Channel::ALL {
        for message in repeater.heard(channel) {
            repeater.send(channel, message);
        }
    }
    let height = victim.height();
    wait("one more block", || (victim.height() > height).then_some(()));
    assert!(honest.is_connected() && repeater.is_connected(), "{}", victim.log());
    assert!(!victim.log().contains("panic"), "{}", victim.log());
}
