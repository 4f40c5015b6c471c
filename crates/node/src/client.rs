//! A JSON-RPC client over one keep-alive HTTP connection: what demo and benchmark drive a node
//! with, as any program outside would.

use crate::NodeError;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, Uri, client::conn::http1, header, http::uri::PathAndQuery};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use std::{fmt, net::SocketAddr, str::FromStr};
use tokio::net::TcpStream;

/// Where a node answers: host, port and path of an `http://` address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    authority: String,
    path: String,
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self { authority: address.to_string(), path: "/".to_owned() }
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|error| format!("not a URL: {error}"))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some(other) => return Err(format!("{other}:// is not spoken here, only http://")),
            None => return Err("a URL begins with http://".to_owned()),
        }
        let host = uri.host().filter(|host| !host.is_empty()).ok_or("a URL names a host")?;
        let path = uri.path_and_query().map_or("/", PathAndQuery::as_str).to_owned();
        Ok(Self { authority: format!("{host}:{}", uri.port_u16().unwrap_or(80)), path })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority, self.path)
    }
}

/// One connection. A closed one is opened again before the next request is sent; a request that
/// has been sent is never sent twice.
pub(crate) struct Client {
    endpoint: Endpoint,
    /// What it says who is calling.
    token: Option<String>,
    sender: Option<http1::SendRequest<Full<Bytes>>>,
}

#[derive(Debug, Deserialize)]
struct Reply {
    #[serde(default)]
    id: Value,
    result: Option<Box<RawValue>>,
    error: Option<Refusal>,
}

/// What a node answers instead of a result.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Refusal {
    code: i64,
    message: String,
    #[serde(default)]
    data: Value,
}

impl Refusal {
    /// What a contract reverted with, as hexadecimal digits.
    pub(crate) fn data(&self) -> Option<&str> {
        self.data.as_str()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

/// One answer of a batch: the result as it came, or the error's text.
pub(crate) type Answer = Result<Box<RawValue>, String>;

impl Client {
    pub(crate) fn new(endpoint: impl Into<Endpoint>) -> Self {
        Self { endpoint: endpoint.into(), token: None, sender: None }
    }

    /// Shows a token with every request.
    pub(crate) fn with_token(self, token: Option<String>) -> Self {
        Self { token, ..self }
    }

    fn failed(&self, error: &dyn fmt::Display) -> NodeError {
        NodeError::Client(format!("{} did not answer: {error}", self.endpoint))
    }

    /// Opens the connection unless there is one that can be used.
    async fn connection(&mut self) -> Result<&mut http1::SendRequest<Full<Bytes>>, NodeError> {
        let usable = match &mut self.sender {
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        if !usable {
            let stream = TcpStream::connect(&self.endpoint.authority).await;
            let stream = stream.map_err(|e| self.failed(&e))?;
            stream.set_nodelay(true).map_err(|e| self.failed(&e))?;
            let (sender, connection) =
                http1::handshake(TokioIo::new(stream)).await.map_err(|e| self.failed(&e))?;
            tokio::spawn(connection);
            self.sender = Some(sender);
        }
        Ok(self.sender.as_mut().expect("a connection was opened above"))
    }

    async fn exchange(&mut self, method: Method, body: Bytes) -> Result<Bytes, NodeError> {
        let mut request = Request::builder()
            .method(method)
            .uri(&self.endpoint.path)
            .header(header::HOST, &self.endpoint.authority)
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Full::new(body)).map_err(|e| self.failed(&e))?;
        let response = self.connection().await?.send_request(request).await;
        let response = response.map_err(|e| self.failed(&e))?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|e| self.failed(&e))?.to_bytes();
        if !status.is_success() {
            let text = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
            return Err(self.failed(&format!("HTTP {status}: {text}")));
        }
        Ok(body)
    }

    /// Reads the page at the endpoint.
    pub(crate) async fn get(&mut self) -> Result<Bytes, NodeError> {
        self.exchange(Method::GET, Bytes::new()).await
    }

    /// Sends a request, single or batch, whose text was made before; returns why calls were
    /// refused, in any order. Neither request nor answer is looked at more closely: this is for
    /// whoever measures.
    pub(crate) async fn deliver(
        &mut self,
        body: Bytes,
        calls: usize,
    ) -> Result<Vec<String>, NodeError> {
        let body = self.exchange(Method::POST, body).await?;
        let replies: Vec<Reply> = match body.first() {
            Some(b'[') => parse(&body)?,
            _ => vec![parse(&body)?],
        };
        if replies.len() != calls {
            let got = replies.len();
            return Err(NodeError::Client(format!("{got} answers to {calls} calls")));
        }
        let refused = replies.into_iter().filter_map(|reply| answer(reply).err());
        Ok(refused.map(|refusal| refusal.to_string()).collect())
    }

    /// Calls one method.
    pub(crate) async fn call<T: for<'de> Deserialize<'de>>(
        &mut self,
        method: &str,
        params: &Value,
    ) -> Result<T, NodeError> {
        let asked = self.ask(method, params).await?;
        asked.map_err(|refusal| NodeError::Client(format!("{method}: {refusal}")))
    }

    /// Calls one method whose refusal says something.
    pub(crate) async fn ask<T: for<'de> Deserialize<'de>>(
        &mut self,
        method: &str,
        params: &Value,
    ) -> Result<Result<T, Refusal>, NodeError> {
        let body = request(0, method, &params.to_string());
        let body = self.exchange(Method::POST, body.into()).await?;
        let reply: Reply = parse(&body)?;
        let result = match answer(reply) {
            Ok(result) => result,
            Err(refusal) => return Ok(Err(refusal)),
        };
        serde_json::from_str(result.get()).map(Ok).map_err(|error| {
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
        let body = format!("[{}]", calls.join(","));
        let body = self.exchange(Method::POST, body.into()).await?;
        let mut replies: Vec<Reply> = parse(&body)?;
        if replies.len() != calls.len() {
            let (got, asked) = (replies.len(), calls.len());
            return Err(NodeError::Client(format!("{got} answers to a batch of {asked}")));
        }
        replies.sort_by_key(|reply| reply.id.as_u64());
        let answers = replies.into_iter().map(answer);
        Ok(answers.map(|answer| answer.map_err(|refusal| refusal.to_string())).collect())
    }
}

/// The text of one call.
pub(crate) fn request(id: usize, method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, NodeError> {
    serde_json::from_slice(body).map_err(|error| {
        let text = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
        NodeError::Client(format!("not an answer of JSON-RPC ({error}): {text}"))
    })
}

fn answer(reply: Reply) -> Result<Box<RawValue>, Refusal> {
    match (reply.result, reply.error) {
        (_, Some(refusal)) => Err(refusal),
        (Some(result), None) => Ok(result),
        (None, None) => Ok(RawValue::from_string("null".to_owned()).expect("null is JSON")),
    }
}

#[cfg(test)]
mod tests;
