use super::Endpoint;

#[test]
fn an_address_has_host_port_and_path() {
    let cases = [
        ("http://127.0.0.1:8545", "http://127.0.0.1:8545/"),
        ("http://node.example/rpc?key=1", "http://node.example:80/rpc?key=1"),
        ("http://[::1]:9/", "http://[::1]:9/"),
    ];
    for (url, expected) in cases {
        let endpoint: Endpoint = url.parse().expect(url);
        assert_eq!(endpoint.to_string(), expected);
    }
}

#[test]
fn what_cannot_be_called_is_refused_with_the_reason() {
    let cases = [
        ("https://node.example", "https://"),
        ("127.0.0.1:8545", "http://"),
        ("localhost", "http://"),
        ("http://", "URL"),
        ("ws://localhost:8546", "ws://"),
    ];
    for (url, reason) in cases {
        let why = url.parse::<Endpoint>().expect_err(url);
        assert!(why.contains(reason), "{url}: {why}");
    }
}
