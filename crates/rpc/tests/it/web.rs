//! The web server: pages, REST routes, and JSON-RPC beside them.

use super::{
    chain::TestChain,
    sockets::{JSON, get, post},
};
use hanse_rpc::{ServerOptions, serve_web};
use serde_json::Value;
use std::net::SocketAddr;
use tokio::net::TcpListener;

async fn serve() -> (TestChain, SocketAddr) {
    let chain = TestChain::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (rpc, options) = (chain.rpc.clone(), ServerOptions::default());
    tokio::spawn(serve_web(listener, rpc, options, std::future::pending()));
    (chain, address)
}

const HOST: &str = "host: localhost\r\n";

async fn json(address: SocketAddr, path: &str) -> (u16, Value) {
    let (status, _, body) = get(address, path, HOST).await;
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_routes_answer() {
    let (_chain, address) = serve().await;
    let (status, network) = json(address, "/api/network").await;
    assert_eq!(status, 200);
    assert_eq!(network["chainId"], 7);
    assert_eq!(network["escrow"], Value::Null);
    assert_eq!(network["currencies"], serde_json::json!([]));
    let (status, orders) = json(address, "/api/orders?limit=5").await;
    assert_eq!(status, 200);
    assert_eq!(orders, serde_json::json!({ "orders": [], "next": null, "counts": {} }));
    assert_eq!(json(address, "/api/orders?limit=100000").await.0, 400);
    assert_eq!(json(address, "/api/orders?state=Nonsense").await.0, 400);
    assert_eq!(json(address, "/api/orders/0x12").await.0, 400);
    let id = alloy_primitives::B256::ZERO;
    assert_eq!(json(address, &format!("/api/orders/{id}")).await.0, 404);
    assert_eq!(json(address, "/api/nothing").await.0, 404);
    let (status, health) = json(address, "/health").await;
    assert_eq!((status, &health["ready"]), (200, &Value::Bool(true)));
    assert_eq!(get(address, "/metrics", HOST).await.0, 404, "there is no meter in this test");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_guarded_and_find_their_way() {
    let (_chain, address) = serve().await;
    for path in ["/", "/orders/0x12", "/block/7"] {
        let (status, head, body) = get(address, path, HOST).await;
        assert_eq!(status, 200, "{path}");
        assert!(body.contains("<title>Hanse</title>"), "{path}");
        assert!(head.contains("content-security-policy: default-src 'self'"), "{head}");
        assert!(head.contains("x-content-type-options: nosniff"), "{head}");
    }
    assert_eq!(get(address, "/missing.js", HOST).await.0, 404);
    assert_eq!(get(address, "/../../Cargo.toml", HOST).await.0, 404, "only what was built in");
    let (status, ..) = get(address, "/", "host: attacker.example\r\n").await;
    assert_eq!(status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_rpc_is_at_its_path() {
    let (_chain, address) = serve().await;
    let request = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#;
    let (status, body) = post(address, "/rpc", JSON, request).await;
    assert_eq!((status, &*body), (200, r#"{"jsonrpc":"2.0","id":1,"result":"0x7"}"#));
    let (socket, _) = tokio_tungstenite::connect_async(format!("ws://{address}/ws")).await.unwrap();
    drop(socket);
}
