//! What the interface adds to a request: envelope, dispatch, parameters, answer. The pool behind it
//! takes everything and checks nothing, so that only the interface is measured; over loopback, hyper
//! and the kernel come on top.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

#[path = "../tests/it/chain.rs"]
#[expect(dead_code, reason = "shared with the tests, which need more of it")]
mod chain;

use chain::TestChain;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hanse_rpc::{RpcLimits, ServerOptions, handle_text, serve_http};
use serde_json::json;
use std::{hint::black_box, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};

/// Transactions of a batch.
const BATCH: usize = 100;

/// As the known libraries spell it.
fn send(id: usize, raw: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"eth_sendRawTransaction","params":["{raw}"]}}"#)
}

fn batch(raw: &str) -> String {
    let calls: Vec<_> = (0..BATCH).map(|id| send(id, raw)).collect();
    format!("[{}]", calls.join(","))
}

fn in_process(c: &mut Criterion) {
    let chain = TestChain::accepting(RpcLimits::default());
    let raw = chain.emit(0, alloy_primitives::B256::ZERO);
    let (single, batch) = (send(1, &raw), batch(&raw));
    let cheap = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_chainId" }).to_string();
    let balance = json!({
        "jsonrpc": "2.0", "id": 1, "method": "eth_getBalance",
        "params": [chain::rich().address(), "latest"],
    });
    let balance = balance.to_string();
    let mut group = c.benchmark_group("in process");
    for (name, request, count) in [
        ("eth_chainId", &cheap, 1),
        ("eth_getBalance", &balance, 1),
        ("eth_sendRawTransaction", &single, 1),
        ("eth_sendRawTransaction x 100", &batch, BATCH),
    ] {
        group.throughput(Throughput::Elements(u64::try_from(count).unwrap()));
        group.bench_function(name, |b| {
            b.iter(|| black_box(handle_text(&chain.rpc, black_box(request.as_bytes()))));
        });
    }
    group.finish();
}

async fn round_trip(stream: &mut TcpStream, request: &[u8], answer: &mut Vec<u8>) {
    stream.write_all(request).await.unwrap();
    answer.clear();
    loop {
        stream.read_buf(answer).await.unwrap();
        let Some(head) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
        let fields = std::str::from_utf8(&answer[..head]).unwrap();
        let length = fields.split("content-length: ").nth(1).unwrap();
        let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
        if answer.len() >= head + 4 + length {
            return;
        }
    }
}

fn over_loopback(c: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let chain = TestChain::accepting(RpcLimits::default());
    let address: SocketAddr = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let options = ServerOptions::default();
        tokio::spawn(serve_http(listener, chain.rpc.clone(), options, std::future::pending()));
        address
    });
    let mut stream = runtime.block_on(TcpStream::connect(address)).unwrap();
    stream.set_nodelay(true).unwrap();
    let raw = chain.emit(0, alloy_primitives::B256::ZERO);
    let mut answer = Vec::new();
    let mut group = c.benchmark_group("over loopback");
    for (name, body, count) in [
        ("one transaction, one connection", send(1, &raw), 1),
        ("100 transactions, one connection", batch(&raw), BATCH),
    ] {
        let request = format!(
            "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        group.throughput(Throughput::Elements(u64::try_from(count).unwrap()));
        group.bench_function(name, |b| {
            b.iter(|| runtime.block_on(round_trip(&mut stream, request.as_bytes(), &mut answer)));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(3)).sample_size(30);
    targets = in_process, over_loopback
}
criterion_main!(benches);
