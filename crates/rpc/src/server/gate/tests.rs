use super::*;

fn headers(list: &[(header::HeaderName, &str)]) -> HeaderMap {
    list.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
}

#[test]
fn only_known_names_and_addresses_are_hosts() {
    let options = ServerOptions { hosts: vec!["node.example".into()], ..ServerOptions::default() };
    let allowed = |host: &str| host_allowed(&options, &headers(&[(header::HOST, host)]));
    assert!(allowed("127.0.0.1:8545"));
    assert!(allowed("[::1]:8545"));
    assert!(allowed("NODE.example"));
    assert!(allowed("node.example:8545"));
    assert!(!allowed("attacker.example:8545"));
    assert!(!allowed("node.example.attacker.example"));
    assert!(!allowed(""));
    assert!(host_allowed(&options, &HeaderMap::new()), "HTTP/1.0 names no host");
    let any = ServerOptions { hosts: vec!["*".into()], ..ServerOptions::default() };
    assert!(host_allowed(&any, &headers(&[(header::HOST, "whatever")])));
}

#[test]
fn foreign_pages_are_told_from_our_own() {
    let options =
        ServerOptions { origins: vec!["https://shop.example".into()], ..ServerOptions::default() };
    let origin = |origin: &str| {
        judge(&options, &headers(&[(header::HOST, "localhost:8080"), (header::ORIGIN, origin)]))
    };
    assert_eq!(judge(&options, &HeaderMap::new()), Origin::Own, "no browser");
    assert_eq!(origin("http://localhost:8080"), Origin::Own);
    assert_eq!(origin("https://shop.example"), Origin::Allowed);
    assert_eq!(origin("http://localhost:9999"), Origin::Foreign, "another port is another page");
    assert_eq!(origin("https://attacker.example"), Origin::Foreign);
    assert_eq!(origin("null"), Origin::Foreign);
    assert_eq!(origin("chrome-extension://abcdef"), Origin::Own);
}
