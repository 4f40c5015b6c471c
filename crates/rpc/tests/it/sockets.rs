//! The HTTP server over loopback, with a client that can misbehave.

use super::chain::{SPINNER, TestChain};
use hanse_rpc::{Methods, RpcLimits, ServerOptions, serve_http};
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

/// A server that ends when told to.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) chain: TestChain,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Server {
    async fn start(limits: RpcLimits, options: ServerOptions) -> Self {
        Self::of(TestChain::with(limits), options).await
    }

    async fn of(chain: TestChain, options: ServerOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve_http(listener, chain.rpc.clone(), options, async {
            let _ = stopped.await;
        }));
        Self { address, chain, stop: Some(stop), task }
    }

    async fn plain() -> Self {
        Self::start(RpcLimits::default(), ServerOptions::default()).await
    }
}

/// Sends bytes and reads until the server closes or nothing comes for a while.
async fn raw(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may have seen enough before the end.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// A whole request with these extra header lines; status and body.
pub(crate) async fn post(address: SocketAddr, path: &str, head: &str, body: &str) -> (u16, String) {
    let request = format!(
        "POST {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n{head}\r\n{body}",
        body.len()
    );
    split(&raw(address, request.as_bytes()).await)
}

pub(crate) async fn get(address: SocketAddr, path: &str, head: &str) -> (u16, String, String) {
    let request = format!("GET {path} HTTP/1.1\r\nconnection: close\r\n{head}\r\n");
    let answer = raw(address, request.as_bytes()).await;
    let (status, body) = split(&answer);
    let head = answer.split("\r\n\r\n").next().unwrap_or_default().to_lowercase();
    (status, head, body)
}

fn split(answer: &str) -> (u16, String) {
    let status = answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status, body.to_owned())
}

pub(crate) const JSON: &str = "host: localhost\r\ncontent-type: application/json\r\n";

async fn ask(address: SocketAddr, method: &str, params: Value) -> Value {
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let (_, body) = post(address, "/", JSON, &request.to_string()).await;
    serde_json::from_str(&body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_answered() {
    let server = Server::plain().await;
    assert_eq!(ask(server.address, "eth_chainId", json!([])).await["result"], "0x7");
    let balance = ask(server.address, "eth_getBalance", json!([SPINNER, "latest"])).await;
    assert_eq!(balance["result"], "0x0", "by a worker thread");
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"eth_chainId"},{"jsonrpc":"2.0","id":2,"method":"eth_call","params":[{}]}]"#;
    let (status, body) = post(server.address, "/", JSON, batch).await;
    assert_eq!(status, 200);
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()[1]["result"], "0x");
    let (status, body) =
        post(server.address, "/", JSON, r#"{"jsonrpc":"2.0","method":"eth_chainId"}"#).await;
    assert_eq!((status, &*body), (204, ""), "nobody asked for an answer");
    let (status, ..) = get(server.address, "/", "host: localhost\r\n").await;
    assert_eq!(status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_get_json_errors() {
    let server = Server::plain().await;
    let (status, body) = post(server.address, "/", JSON, "{nonsense").await;
    assert_eq!(status, 200);
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["error"]["code"], -32700);
    let text = "host: localhost\r\ncontent-type: text/plain\r\n";
    let (status, body) = post(server.address, "/", text, "{}").await;
    assert_eq!(status, 415, "a foreign page can send this without asking");
    assert!(serde_json::from_str::<Value>(&body).unwrap()["error"].is_object());
    let answer = raw(server.address, b"nonsense\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    let (status, _) = post(server.address, "/elsewhere", JSON, "{}").await;
    assert_eq!(status, 404);
    let deep = "[".repeat(500_000);
    let (_, body) = post(server.address, "/", JSON, &deep).await;
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["error"]["code"], -32700);
}

#[tokio::test(flavor = "multi_thread")]
async fn huge_bodies_are_refused_told_or_not() {
    let limits = RpcLimits { request_bytes_max: 1_000, ..RpcLimits::default() };
    let server = Server::start(limits, ServerOptions::default()).await;
    let (status, body) = post(server.address, "/", JSON, &"x".repeat(2_000)).await;
    assert_eq!(status, 413);
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["error"]["code"], -32005);
    let chunk = format!("{:x}\r\n{}\r\n", 600, "x".repeat(600));
    let request = format!(
        "POST / HTTP/1.1\r\nconnection: close\r\ntransfer-encoding: chunked\r\n{JSON}\r\n{chunk}{chunk}0\r\n\r\n"
    );
    let answer = raw(server.address, request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_senders_are_cut_off() {
    let limits = RpcLimits {
        head_time_max: Duration::from_millis(300),
        body_time_max: Duration::from_millis(300),
        ..RpcLimits::default()
    };
    let server = Server::start(limits, ServerOptions::default()).await;
    let started = Instant::now();
    let mut slow_head = TcpStream::connect(server.address).await.unwrap();
    slow_head.write_all(b"POST / HTTP/1.1\r\nhost: loc").await.unwrap();
    let mut rest = Vec::new();
    timeout(Duration::from_secs(5), slow_head.read_to_end(&mut rest)).await.unwrap().unwrap();
    let mut slow_body = TcpStream::connect(server.address).await.unwrap();
    let head = format!("POST / HTTP/1.1\r\n{JSON}content-length: 100\r\n\r\n{{");
    slow_body.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    timeout(Duration::from_secs(5), slow_body.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&answer));
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(ask(server.address, "eth_chainId", json!([])).await["result"], "0x7");
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_hosts_and_pages_are_turned_away() {
    let options = ServerOptions {
        origins: vec!["https://shop.example".to_owned()],
        ..ServerOptions::default()
    };
    let server = Server::start(RpcLimits::default(), options).await;
    let kind = "content-type: application/json\r\n";
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#;
    let status = |head: String| async move { post(server.address, "/", &head, body).await.0 };
    assert_eq!(status(format!("host: attacker.example\r\n{kind}")).await, 403);
    assert_eq!(status(format!("host: 127.0.0.1\r\n{kind}")).await, 200);
    let foreign = "origin: https://attacker.example\r\n";
    assert_eq!(status(format!("host: localhost\r\n{foreign}{kind}")).await, 403);
    let allowed = "origin: https://shop.example\r\n";
    assert_eq!(status(format!("host: localhost\r\n{allowed}{kind}")).await, 200);
    let preflight = |origin: &str| {
        let request = format!(
            "OPTIONS / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{origin}access-control-request-method: POST\r\n\r\n"
        );
        async move { raw(server.address, request.as_bytes()).await.to_lowercase() }
    };
    assert!(preflight(allowed).await.contains("access-control-allow-origin: https://shop.example"));
    assert!(!preflight(foreign).await.contains("access-control-allow"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_offers_only_what_it_is_told_to() {
    let options = ServerOptions {
        methods: Methods::Only(vec!["net".to_owned(), "eth_chainId".to_owned()]),
        ..ServerOptions::default()
    };
    let server = Server::start(RpcLimits::default(), options).await;
    assert_eq!(ask(server.address, "net_version", json!([])).await["result"], "7");
    assert_eq!(ask(server.address, "eth_chainId", json!([])).await["result"], "0x7");
    assert_eq!(ask(server.address, "eth_blockNumber", json!([])).await["error"]["code"], -32601);
    let raw = server.chain.emit(0, alloy_primitives::B256::ZERO);
    let sent =
        json!([{ "jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction", "params": [raw] }]);
    let (_, body) = post(server.address, "/", JSON, &sent.to_string()).await;
    assert!(body.contains("-32601"), "not by way of a batch either: {body}");
    assert_eq!(server.chain.pool.status().pending, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_counted() {
    let limits = RpcLimits { connections_per_peer_max: 2, ..RpcLimits::default() };
    let server = Server::start(limits, ServerOptions::default()).await;
    let one = TcpStream::connect(server.address).await.unwrap();
    let two = TcpStream::connect(server.address).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    let mut three = TcpStream::connect(server.address).await.unwrap();
    let mut nothing = Vec::new();
    let read = timeout(Duration::from_secs(5), three.read_to_end(&mut nothing)).await.unwrap();
    assert!(read.is_err() || nothing.is_empty(), "the third is closed at once");
    drop((one, two));
    sleep(Duration::from_millis(100)).await;
    assert_eq!(ask(server.address, "eth_chainId", json!([])).await["result"], "0x7");
}

/// Calls that spin until their gas is gone fill the lane of the EVM; whoever asks for anything else
/// must not notice, and beyond the queue the answer is "busy" and not silence.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_calls_harms_only_calls() {
    let limits = RpcLimits { calls_max: 1, waiting_max: 2, ..RpcLimits::default() };
    let server = Server::start(limits, ServerOptions::default()).await;
    let address = server.address;
    let flood: Vec<_> = (0..12)
        .map(|_| tokio::spawn(ask(address, "eth_call", json!([{ "to": SPINNER }]))))
        .collect();
    sleep(Duration::from_millis(50)).await;
    let mut slowest = Duration::ZERO;
    for _ in 0..20 {
        let started = Instant::now();
        assert_eq!(ask(address, "eth_blockNumber", json!([])).await["result"], "0x0");
        assert!(ask(address, "eth_getBalance", json!([SPINNER])).await["result"].is_string());
        slowest = slowest.max(started.elapsed());
    }
    assert!(slowest < Duration::from_secs(2), "others waited {slowest:?}");
    let mut busy = 0;
    for call in flood {
        let code = call.await.unwrap()["error"]["code"].as_i64();
        busy += usize::from(code == Some(-32002));
        assert!(matches!(code, Some(-32000 | -32002)), "out of gas, or busy: {code:?}");
    }
    assert!(busy >= 1, "one runs, two wait, the others are told to come again");
}

/// Gas was the only bound of a call: when its time was up the client was told so, but the worker went
/// on until the gas was spent, and a few such calls kept all workers busy. Now the EVM stops, and the
/// next call has the worker.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_its_time() {
    let limits = RpcLimits {
        calls_max: 1,
        request_time_max: Duration::from_millis(100),
        ..RpcLimits::default()
    };
    let chain = TestChain::without_gas_cap(limits);
    let server = Server::of(chain, ServerOptions::default()).await;
    let endless = json!({ "to": SPINNER });
    let simulated = json!({ "blockStateCalls": [{
        "blockOverrides": { "gasLimit": "0xfffffffffffff" }, "calls": [endless],
    }] });
    for (method, params) in [
        ("eth_call", json!([endless])),
        ("eth_estimateGas", json!([endless, "latest", {}, { "gasLimit": "0xfffffffffffff" }])),
        ("eth_createAccessList", json!([endless])),
        ("eth_simulateV1", json!([simulated])),
        ("debug_traceCall", json!([endless, "latest", { "tracer": "callTracer" }])),
    ] {
        let answer = ask(server.address, method, params).await;
        let expected = json!({ "code": -32000, "message": "execution aborted (timeout = 100ms)" });
        assert_eq!(answer["error"], expected, "{method}: {answer}");
    }
    let batch = json!([
        { "jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [{}] },
        { "jsonrpc": "2.0", "id": 2, "method": "eth_call", "params": [{ "to": SPINNER }] },
        { "jsonrpc": "2.0", "id": 3, "method": "eth_call", "params": [{}] },
    ]);
    let (_, body) = post(server.address, "/", JSON, &batch.to_string()).await;
    let answers: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(answers[0]["result"], "0x", "what was answered in time is not lost: {answers}");
    assert_eq!(answers[1]["error"]["code"], -32000, "{answers}");
    assert_eq!(answers[2]["error"]["code"], -32002, "{answers}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_server_finishes_what_it_began() {
    let mut server = Server::plain().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [{ "to": SPINNER }] });
    let request = request.to_string();
    let head = format!("POST / HTTP/1.1\r\n{JSON}content-length: {}\r\n\r\n", request.len());
    stream.write_all((head + &request).as_bytes()).await.unwrap();
    sleep(Duration::from_millis(20)).await;
    let _ = server.stop.take().unwrap().send(());
    let mut answer = Vec::new();
    timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    timeout(Duration::from_secs(10), server.task).await.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(server.address).await.is_err(), "the port is free again");
}

/// A client that asks for much and never reads loses its connection, and what it asked for leaves
/// our memory.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_cut_off() {
    let limits = RpcLimits { send_time_max: Duration::from_millis(300), ..RpcLimits::default() };
    let server = Server::start(limits, ServerOptions::default()).await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(server.address).await.unwrap();
    // PUSH3 4194304; PUSH0; RETURN: eight million digits, more than the kernel takes off our hands.
    let code = json!({ SPINNER.to_string(): { "code": "0x624000005ff3" } });
    let params = json!([{ "to": SPINNER }, "latest", code]);
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": params });
    let request = request.to_string();
    let head = format!("POST / HTTP/1.1\r\n{JSON}content-length: {}\r\n\r\n", request.len());
    stream.write_all((head + &request).as_bytes()).await.unwrap();
    sleep(Duration::from_secs(3)).await;
    let mut answer = Vec::new();
    let end = timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await.unwrap();
    assert!(end.is_err() || answer.len() < 8 << 20, "{} bytes came", answer.len());
    assert!(answer.starts_with(b"HTTP/1.1 200"), "it was on its way");
}

/// Those who wait for receipts occupy no worker: with a single one everybody else is still served.
#[tokio::test(flavor = "multi_thread")]
async fn receipts_are_waited_for_without_a_worker() {
    let limits = RpcLimits { reads_max: 1, ..RpcLimits::default() };
    let server = Server::start(limits, ServerOptions::default()).await;
    let waiting: Vec<_> = (0..5)
        .map(|nonce| {
            let raw = server.chain.emit(nonce, alloy_primitives::B256::ZERO);
            tokio::spawn(ask(server.address, "eth_sendRawTransactionSync", json!([raw])))
        })
        .collect();
    while server.chain.pool.status().pending + server.chain.pool.status().queued < 5 {
        sleep(Duration::from_millis(5)).await;
    }
    assert!(ask(server.address, "eth_getBalance", json!([SPINNER])).await["result"].is_string());
    server.chain.seal();
    for receipt in waiting {
        assert_eq!(receipt.await.unwrap()["result"]["status"], "0x1");
    }
    let raw = server.chain.emit(9, alloy_primitives::B256::ZERO);
    let late = ask(server.address, "eth_sendRawTransactionSync", json!([raw, "0x32"])).await;
    assert_eq!(late["error"]["code"], 4, "{late}");
}
