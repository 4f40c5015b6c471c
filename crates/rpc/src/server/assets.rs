//! The web pages, built into the program.

use super::Shared;
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header},
};
use rust_embed::{Embed, EmbeddedFile};

#[cfg(test)]
mod tests;

/// What `npm run build` made of `web/`. Without it the program still builds, and says so.
#[derive(Embed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Dist;

const INDEX: &str = "index.html";

/// Pages may load nothing from elsewhere and be shown inside nothing. What they may talk to follows.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; \
    object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
    connect-src 'self'";

const NOT_BUILT: &str = "<!doctype html><meta charset=utf-8><title>Hanse</title>\
    <body style=\"font:16px/1.5 system-ui;max-width:40em;margin:4em auto\">\
    <h1>The web pages are not built in</h1>\
    <p>This program was compiled before them. Run <code>npm ci && npm run build</code> in \
    <code>web/</code>, then build the program again.</p>\
    <p>JSON-RPC answers at <code>POST /rpc</code> and <code>/ws</code> all the same.</p>";

/// Everything that is no other route: a file, or else the page that finds its way by itself.
pub(super) async fn page(State(shared): State<Shared>, request: Request) -> Response<Body> {
    let mut response = answer(request);
    let nodes = (shared.rpc.network)().nodes;
    let policy = policy(nodes.iter().map(|node| node.rpc.as_str()));
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

/// What a page may do. It talks to this node, and to the others of a network on one machine.
fn policy<'a>(nodes: impl Iterator<Item = &'a str>) -> HeaderValue {
    let fixed = HeaderValue::from_static(POLICY);
    // A source that is more than one word would be more than one source, or another rule.
    let plain = |node: &&str| !node.contains(|c: char| c.is_whitespace() || c == ';' || c == ',');
    let sources: Vec<_> = std::iter::once(POLICY).chain(nodes.filter(plain)).collect();
    HeaderValue::from_str(&sources.join(" ")).unwrap_or(fixed)
}

fn answer(request: Request) -> Response<Body> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return respond(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "GET only");
    }
    let path = request.uri().path().trim_start_matches('/');
    if path.starts_with("api/") {
        return respond(StatusCode::NOT_FOUND, "application/json", r#"{"error":"no such route"}"#);
    }
    match Dist::get(path).filter(|_| !path.is_empty()) {
        Some(file) => send(path, file, request.headers()),
        // A missing file is missing; a missing page is one that the index knows.
        None if path.contains('.') => respond(StatusCode::NOT_FOUND, "text/plain", "no such file"),
        None => match Dist::get(INDEX) {
            Some(file) => send(INDEX, file, request.headers()),
            None => respond(StatusCode::OK, "text/html; charset=utf-8", NOT_BUILT),
        },
    }
}

fn send(path: &str, file: EmbeddedFile, asked: &HeaderMap) -> Response<Body> {
    let tag = format!("\"{}\"", alloy_primitives::hex::encode(&file.metadata.sha256_hash()[..16]));
    let known =
        asked.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = if known {
        respond(StatusCode::NOT_MODIFIED, file.metadata.mimetype(), Body::empty())
    } else {
        let body = match file.data {
            std::borrow::Cow::Borrowed(bytes) => Body::from(bytes),
            std::borrow::Cow::Owned(bytes) => Body::from(bytes),
        };
        respond(StatusCode::OK, file.metadata.mimetype(), body)
    };
    let headers = response.headers_mut();
    // The names of assets change with their content; the others must be asked for again.
    let caching = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

fn respond(status: StatusCode, kind: &str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let fixed = HeaderValue::from_static;
    let kind = HeaderValue::from_str(kind);
    headers.insert(header::CONTENT_TYPE, kind.unwrap_or(fixed("application/octet-stream")));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff"));
    headers.insert(header::REFERRER_POLICY, fixed("no-referrer"));
    headers.insert(header::X_FRAME_OPTIONS, fixed("DENY"));
    response
}
