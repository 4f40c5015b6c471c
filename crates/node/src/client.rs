//! A JSON-RPC client over one keep-alive HTTP connection: what the demo drives a node with, as
//! any program outside would.

use crate::NodeError;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// One connection. A closed one is opened again before the next request is sent; a request that
/// has been sent is never sent twice.
pub(crate) struct Client {
    address: SocketAddr,
    sender: Option<http1::SendRequest<Full<Bytes>>>,
}

#[derive(Debug, Deserialize)]
struct Reply {
    #[serde(default)]
    id: Value,
    result: Option<Box<RawValue>>,
    error: Option<ReplyError>,
}

#[derive(Debug, Deserialize)]
struct ReplyError {
    code: i64,
    message: String,
}

/// One answer of a batch: the result as it came, or the error's text.
pub(crate) type Answer = Result<Box<RawValue>, String>;

impl Client {
    pub(crate) const fn new(address: SocketAddr) -> Self {
        Self { address, sender: None }
    }

    async fn post(&mut self, body: String) -> Result<Bytes, NodeError> {
        let failed = |error: &dyn std::fmt::Display| {
            NodeError::Client(format!("the node at {} did not answer: {error}", self.address))
        };
        let usable = match &mut self.sender {
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        if !usable {
            let stream = TcpStream::connect(self.address).await.map_err(|e| failed(&e))?;
            stream.set_nodelay(true).map_err(|e| failed(&e))?;
            let (sender, connection) =
                http1::handshake(TokioIo::new(stream)).await.map_err(|e| failed(&e))?;
            tokio::spawn(connection);
            self.sender = Some(sender);
        }
        let request = Request::post("/")
            .header(header::HOST, self.address.to_string())
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|e| failed(&e))?;
        let sender = self.sender.as_mut().expect("a connection was opened above");
        let response = sender.send_request(request).await.map_err(|e| failed(&e))?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|e| failed(&e))?.to_bytes();
        if !status.is_success() {
            let text = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
            return Err(failed(&format!("HTTP {status}: {text}")));
        }
        Ok(body)
    }

    /// Calls one method.
    pub(crate) async fn call<T: for<'de> Deserialize<'de>>(
        &mut self,
        method: &str,
        params: &Value,
    ) -> Result<T, NodeError> {
        let body = self.post(request(0, method, &params.to_string())).await?;
        let reply: Reply = parse(&body)?;
        let result = answer(reply).map_err(|e| NodeError::Client(format!("{method}: {e}")))?;
        serde_json::from_str(result.get()).map_err(|error| {
            NodeError::Client(format!("{method} answered with something else: {error}"))
        })
    }

    /// Calls one method once for each of `params`; answers come back in that order.
    pub(crate) async fn batch(
        &mut self,
        method: &str,
        params: impl Iterator<Item = String>,
    ) -> Result<Vec<Answer>, NodeError> {
        let calls: Vec<String> =
            params.enumerate().map(|(id, params)| request(id, method, &params)).collect();
        if calls.is_empty() {
            return Ok(Vec::new());
        }
        let body = self.post(format!("[{}]", calls.join(","))).await?;
        let mut replies: Vec<Reply> = parse(&body)?;
        if replies.len() != calls.len() {
            let (got, asked) = (replies.len(), calls.len());
            return Err(NodeError::Client(format!("{got} answers to a batch of {asked}")));
        }
        replies.sort_by_key(|reply| reply.id.as_u64());
        Ok(replies.into_iter().map(answer).collect())
    }
}

fn request(id: usize, method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, NodeError> {
    serde_json::from_slice(body).map_err(|error| {
        let text = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
        NodeError::Client(format!("not an answer of JSON-RPC ({error}): {text}"))
    })
}

fn answer(reply: Reply) -> Answer {
    match (reply.result, reply.error) {
        (_, Some(error)) => Err(format!("{} ({})", error.message, error.code)),
        (Some(result), None) => Ok(result),
        (None, None) => RawValue::from_string("null".to_owned()).map_err(|e| e.to_string()),
    }
}
