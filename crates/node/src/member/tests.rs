use super::*;
use crate::Config;
use std::os::unix::fs::PermissionsExt;

fn settings(peers: Vec<PeerAddress>) -> Settings {
    Settings {
        name: "a \"bank\"\nof ours".to_owned(),
        chain: PathBuf::from("/somewhere/ge\"nesis\\.json"),
        listen: "[::]:7".parse().expect("an address"),
        peers,
        allow: vec![PeerId([7; 32])],
        miner: None,
        http_port: 1,
        ws_port: 2,
        web_port: 3,
        nodes: Vec::new(),
    }
}

#[test]
fn what_is_written_is_what_a_node_reads() {
    let directory = tempfile::tempdir().expect("a folder");
    let folder = Folder::create(&directory.path().join("o'hara \u{301} & \"sons\"")).expect("made");
    let keys = folder.keys(true).expect("keys");
    let peer = PeerAddress::new(PeerId([9; 32]), "10.0.0.1:30303".parse().expect("an address"));
    let mut wanted = settings(vec![peer.clone()]);
    wanted.miner = keys.validator;
    wanted.nodes = vec![NodeInfo {
        name: "a \"bank\"".to_owned(),
        validator: Address::repeat_byte(4),
        rpc: "http://127.0.0.1:1".to_owned(),
        web: "http://localhost:3".to_owned(),
    }];
    folder.save(&wanted, Existing::Keep).expect("written");
    let config = Config::load(Some(&folder.settings())).expect("a configuration");
    assert_eq!(config.chain.as_ref(), Some(&wanted.chain));
    assert_eq!(config.datadir, Some(folder.data()));
    assert_eq!((config.http.port, config.ws.port, config.web.port), (1, 2, 3));
    assert_eq!(config.network.listen, wanted.listen);
    assert_eq!(config.network.peers, [peer.to_string()]);
    assert_eq!(config.network.allow, [alloy_primitives::hex::encode([7; 32])]);
    assert_eq!(config.network.miner, keys.validator);
    assert_eq!(config.network.nodes, wanted.nodes);
    assert_eq!(config.http.corsdomain, ["http://localhost:3"]);
    assert!(config.dev.faults && !config.dev.enabled);
    let key = config.network.key.expect("a key");
    assert_eq!(node_key(&key).expect("readable").id(), keys.peer);
    let key = ValidatorKey::load(&config.network.validator_key.expect("a key")).expect("readable");
    assert_eq!(Some(key.account()), keys.validator);
}

#[test]
fn keys_are_the_owners_alone_and_never_written_again() {
    let directory = tempfile::tempdir().expect("a folder");
    let folder = Folder::create(directory.path()).expect("made");
    let keys = folder.keys(true).expect("keys");
    for file in ["node.key", "validator.key"] {
        let path = directory.path().join(file);
        let mode = fs::metadata(&path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let bytes = || fs::read(directory.path().join("validator.key")).expect("readable");
    let before = bytes();
    assert_eq!(folder.keys(true).expect("keys"), keys);
    assert_eq!(folder.keys(false).expect("keys"), keys);
    assert_eq!(bytes(), before);
    fs::write(directory.path().join("validator.key"), "no key\n").expect("written");
    let error = folder.keys(true).expect_err("that is no key").to_string();
    assert!(error.contains("no key of 64 hex digits"), "{error}");
    assert_eq!(bytes(), b"no key\n");
}

#[test]
fn a_follower_has_no_key_to_vote_with() {
    let directory = tempfile::tempdir().expect("a folder");
    let folder = Folder::create(directory.path()).expect("made");
    assert_eq!(folder.keys(false).expect("keys").validator, None);
    folder.save(&settings(Vec::new()), Existing::Keep).expect("written");
    let config = Config::load(Some(&folder.settings())).expect("a configuration");
    assert_eq!(config.network.validator_key, None);
}

#[test]
fn an_operators_edits_are_kept_unless_told_otherwise() {
    let directory = tempfile::tempdir().expect("a folder");
    let folder = Folder::create(directory.path()).expect("made");
    folder.save(&settings(Vec::new()), Existing::Keep).expect("written");
    folder.save(&settings(Vec::new()), Existing::Keep).expect("the same again is fine");
    fs::write(folder.settings(), "# mine\n").expect("written");
    let error = folder.save(&settings(Vec::new()), Existing::Keep).expect_err("it differs");
    assert!(error.to_string().contains("--overwrite"), "{error}");
    assert_eq!(fs::read(folder.settings()).expect("readable"), b"# mine\n");
    folder.save(&settings(Vec::new()), Existing::Overwrite).expect("written");
    assert!(Config::load(Some(&folder.settings())).expect("valid").chain.is_some());
}
