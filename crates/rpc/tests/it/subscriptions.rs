//! WebSocket connections: requests, subscriptions, and clients that do not keep up.

use super::chain::{EMITTER, TestChain};
use alloy_primitives::{B256, TxHash};
use futures::{SinkExt, StreamExt};
use hanse_rpc::{RpcLimits, ServerOptions, serve_ws};
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};
use tokio::{net::TcpListener, sync::oneshot, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

struct Client(WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>);

async fn serve(limits: RpcLimits) -> (TestChain, SocketAddr, oneshot::Sender<()>) {
    let chain = TestChain::with(limits);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(serve_ws(listener, chain.rpc.clone(), ServerOptions::default(), async {
        let _ = stopped.await;
    }));
    (chain, address, stop)
}

impl Client {
    async fn connect(address: SocketAddr) -> Self {
        Self(connect_async(format!("ws://{address}/")).await.unwrap().0)
    }

    async fn send(&mut self, method: &str, params: Value) {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.0.send(Message::text(request.to_string())).await.unwrap();
    }

    /// The next message of text.
    async fn next(&mut self) -> Value {
        loop {
            let message = timeout(Duration::from_secs(10), self.0.next()).await;
            match message.expect("a message comes in time").unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Close(frame) => panic!("closed: {frame:?}"),
                _ => {}
            }
        }
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.send(method, params).await;
        self.next().await
    }

    async fn subscribe(&mut self, params: Value) -> Value {
        let answer = self.ask("eth_subscribe", params).await;
        assert!(answer["result"].is_string(), "{answer}");
        answer["result"].clone()
    }

    /// The result of the next notification, which must be of this subscription.
    async fn told(&mut self, subscription: &Value) -> Value {
        let message = self.next().await;
        assert_eq!(message["method"], "eth_subscription", "{message}");
        assert_eq!(&message["params"]["subscription"], subscription);
        message["params"]["result"].clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_batches_are_answered() {
    let (_chain, address, _stop) = serve(RpcLimits::default()).await;
    let mut client = Client::connect(address).await;
    assert_eq!(client.ask("eth_chainId", json!([])).await["result"], "0x7");
    client.0.send(Message::text("{nonsense")).await.unwrap();
    assert_eq!(client.next().await["error"]["code"], -32700);
    let batch =
        json!([{ "jsonrpc": "2.0", "id": 1, "method": "eth_getBalance", "params": [EMITTER] }]);
    client.0.send(Message::text(batch.to_string())).await.unwrap();
    assert_eq!(client.next().await[0]["result"], "0x0");
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_logs_and_transactions_are_told() {
    let (chain, address, _stop) = serve(RpcLimits::default()).await;
    let mut client = Client::connect(address).await;
    let pending = client.subscribe(json!(["newPendingTransactions"])).await;
    let topic = B256::repeat_byte(5);
    let hash = chain.result("eth_sendRawTransaction", json!([chain.emit(0, topic)]));
    let told: TxHash = hash.as_str().unwrap().parse().unwrap();
    chain.events.publish_pending([told].into());
    assert_eq!(client.told(&pending).await, hash);
    assert_eq!(client.ask("eth_unsubscribe", json!([pending])).await["result"], true);
    assert!(client.ask("eth_unsubscribe", json!([pending])).await["error"].is_object());

    let full = client.subscribe(json!(["newPendingTransactions", true])).await;
    chain.events.publish_pending([told].into());
    assert_eq!(client.told(&full).await["hash"], hash);
    client.ask("eth_unsubscribe", json!([full])).await;

    let heads = client.subscribe(json!(["newHeads"])).await;
    let sealed = chain.seal();
    let head = client.told(&heads).await;
    assert_eq!(head["hash"], json!(sealed.block().hash()));
    assert!(head.get("transactions").is_none(), "a header only");
}

/// The branch with the log loses: its log is told once more, as removed.
#[tokio::test(flavor = "multi_thread")]
async fn a_turn_of_the_chain_takes_logs_back() {
    let (chain, address, _stop) = serve(RpcLimits::default()).await;
    let genesis = chain.ledger.head().hash;
    let mut client = Client::connect(address).await;
    let topic = B256::repeat_byte(5);
    let logs = client.subscribe(json!(["logs", { "address": EMITTER, "topics": [topic] }])).await;
    chain.result("eth_sendRawTransaction", json!([chain.emit(0, topic)]));
    let first = chain.build(genesis, 200);
    chain.set_head(&first);
    let told = client.told(&logs).await;
    assert_eq!((&told["removed"], &told["logIndex"]), (&json!(false), &json!("0x0")));

    let other = chain.build(genesis, 300);
    let longer = chain.build(other.block().hash(), 301);
    chain.set_head(&longer);
    let told = client.told(&logs).await;
    assert_eq!(told["removed"], true);
    assert_eq!(told["blockHash"], json!(first.block().hash()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_has_so_many_subscriptions() {
    let limits = RpcLimits { subscriptions_max: 2, ..RpcLimits::default() };
    let (_chain, address, _stop) = serve(limits).await;
    let mut client = Client::connect(address).await;
    let first = client.subscribe(json!(["newHeads"])).await;
    client.subscribe(json!(["syncing"])).await;
    let refused = client.ask("eth_subscribe", json!(["logs", {}])).await;
    assert_eq!(refused["error"]["code"], -32005);
    client.ask("eth_unsubscribe", json!([first])).await;
    client.subscribe(json!(["logs"])).await;
    let unknown = client.ask("eth_subscribe", json!(["weather"])).await;
    assert_eq!(unknown["error"]["code"], -32602);
}

/// A client that never reads is dropped with a reason, and another one is not disturbed.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_dropped() {
    let limits = RpcLimits { backlog_messages_max: 8, ..RpcLimits::default() };
    let (chain, address, _stop) = serve(limits).await;
    let mut lazy = Client::connect(address).await;
    lazy.subscribe(json!(["newPendingTransactions"])).await;
    let mut keen = Client::connect(address).await;
    let heads = keen.subscribe(json!(["newHeads"])).await;
    let hashes: Vec<TxHash> = (0..255).map(TxHash::repeat_byte).collect();
    for _ in 0..400 {
        chain.events.publish_pending(hashes.as_slice().into());
        tokio::task::yield_now().await;
    }
    chain.seal();
    assert_eq!(keen.told(&heads).await["number"], "0x1");
    let reason = loop {
        let message = timeout(Duration::from_secs(20), lazy.0.next()).await.unwrap();
        match message {
            Some(Ok(Message::Close(frame))) => break frame.map(|frame| frame.reason.to_string()),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => break None,
        }
    };
    let reason = reason.expect("the connection is closed with a reason");
    assert!(reason.starts_with("too slow"), "{reason}");
    assert_eq!(keen.ask("eth_chainId", json!([])).await["result"], "0x7");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_have_a_limit_and_pages_an_origin() {
    let limits = RpcLimits { request_bytes_max: 1_000, ..RpcLimits::default() };
    let (_chain, address, _stop) = serve(limits).await;
    let mut client = Client::connect(address).await;
    let _ = client.0.send(Message::text("x".repeat(5_000))).await;
    let end = timeout(Duration::from_secs(10), client.0.next()).await.unwrap();
    assert!(!matches!(end, Some(Ok(Message::Text(_)))), "{end:?}");
    let mut foreign = format!("ws://{address}/").into_client_request().unwrap();
    foreign.headers_mut().insert("origin", "https://attacker.example".parse().unwrap());
    assert!(connect_async(foreign).await.is_err(), "browsers let pages connect anywhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_server_says_goodbye() {
    let (_chain, address, stop) = serve(RpcLimits::default()).await;
    let mut client = Client::connect(address).await;
    client.ask("eth_chainId", json!([])).await;
    let _ = stop.send(());
    let last = timeout(Duration::from_secs(10), client.0.next()).await.unwrap();
    assert!(matches!(last, Some(Ok(Message::Close(Some(_))))), "{last:?}");
}
