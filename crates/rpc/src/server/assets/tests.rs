use super::{POLICY, policy};

#[test]
fn a_page_may_talk_to_the_nodes_of_its_own_network_and_to_nobody_else() {
    assert_eq!(policy([].into_iter()), POLICY);
    assert!(POLICY.ends_with("connect-src 'self'"), "nodes follow it");
    let two = policy(["http://127.0.0.1:1", "http://127.0.0.1:2"].into_iter());
    assert_eq!(two, format!("{POLICY} http://127.0.0.1:1 http://127.0.0.1:2"));
    let sly = policy(["http://a; script-src *", "*\u{7f}"].into_iter());
    assert_eq!(sly, POLICY, "what is no single source is left out");
}
