use super::*;
use crate::Config;
use std::path::Path;

fn plan(directory: &Path) -> Plan {
    Plan {
        directory: directory.to_owned(),
        nodes: 3,
        choice: Choice::Bft,
        stakes: Vec::new(),
        hosts: Vec::new(),
        absence: Absence::default(),
        block_time_ms: 0,
        closed: false,
        http_port: 8545,
        ws_port: 8645,
        web_port: 8080,
        stride: 1,
        network_port: 30303,
    }
}

#[test]
fn members_know_each_other_at_addresses_of_their_own() {
    let directory = tempfile::tempdir().expect("a folder");
    let ip = |last: u8| IpAddr::from([10, 77, 0, last]);
    let plan = Plan { hosts: vec![ip(1), ip(2), ip(3)], ..plan(directory.path()) };
    let members = plan.prepare().expect("prepared");
    for (index, member) in members.iter().enumerate() {
        let config = Config::load(Some(&member.folder.settings())).expect("a configuration");
        assert_eq!(config.network.listen, member.listen);
        assert_eq!(member.listen.ip(), plan.hosts[index]);
        let others = members.iter().filter(|other| other.name != member.name);
        let others: Vec<String> = others.map(|other| other.network.to_string()).collect();
        assert_eq!(config.network.peers, others);
    }
    let genesis = fs::read(plan.genesis()).expect("a genesis");
    let again = plan.prepare().expect("prepared again");
    assert_eq!(fs::read(plan.genesis()).expect("a genesis"), genesis);
    let peers = |members: &[Member]| -> Vec<String> {
        members.iter().map(|member| member.network.to_string()).collect()
    };
    assert_eq!(peers(&again), peers(&members), "keys stay");
}

#[test]
fn lists_that_are_too_short_are_refused_before_anything_is_written() {
    let directory = tempfile::tempdir().expect("a folder");
    let hosts = Plan { hosts: vec![IpAddr::from([10, 77, 0, 1])], ..plan(directory.path()) };
    let stakes = Plan { stakes: vec![4, 4], ..plan(directory.path()) };
    for (plan, what) in [(hosts, "1 hosts for 3"), (stakes, "2 stakes for 3")] {
        let error = plan.prepare().expect_err("one each").to_string();
        assert!(error.contains(what), "{error}");
    }
    assert_eq!(fs::read_dir(directory.path()).expect("a folder").count(), 0);
}
