//! The gate in front of every server: the host a request names (against DNS rebinding), the page
//! it comes from (against foreign pages), and the headers that tell browsers about it.

use super::{ServerOptions, Shared, http};
use crate::RpcError;
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header},
};
use std::{convert::Infallible, net::IpAddr};
use tower_service::Service;

/// How long a browser may remember that a foreign page is allowed, in seconds.
const PREFLIGHT_SECONDS: &str = "600";

/// Lets requests through to the routes, or turns them away.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    shared: Shared,
    routes: Router,
}

/// What the gate thinks of the page that a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// No page, a browser's extension, or a page of this very server.
    Own,
    /// A foreign page that the operator allows.
    Allowed,
    /// A foreign page.
    Foreign,
}

impl Gate {
    pub(super) const fn new(shared: Shared, routes: Router) -> Self {
        Self { shared, routes }
    }

    pub(super) async fn answer(
        mut self,
        request: Request<hyper::body::Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        let options = &self.shared.options;
        let headers = request.headers();
        if !host_allowed(options, headers) {
            return Ok(refuse("invalid host specified"));
        }
        let origin = judge(options, headers);
        let page = headers.get(header::ORIGIN).cloned();
        if request.method() == Method::OPTIONS && page.is_some() {
            return Ok(preflight(origin, page));
        }
        // A foreign page may show our pictures; it may not make us do anything.
        let acts = request.method() != Method::GET || headers.contains_key(header::UPGRADE);
        if origin == Origin::Foreign && acts {
            return Ok(refuse("this page may not call"));
        }
        let mut response = self.routes.call(request.map(Body::new)).await?;
        if origin == Origin::Allowed {
            allow(&mut response, page);
        }
        Ok(response)
    }
}

fn refuse(why: &'static str) -> Response<Body> {
    http::error(StatusCode::FORBIDDEN, &RpcError::InvalidRequest(why))
}

fn preflight(origin: Origin, page: Option<HeaderValue>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    if origin != Origin::Foreign {
        let headers = response.headers_mut();
        let fixed = HeaderValue::from_static;
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, fixed("GET, POST"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, fixed("content-type"));
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, fixed(PREFLIGHT_SECONDS));
        allow(&mut response, page);
    }
    response
}

fn allow(response: &mut Response<Body>, page: Option<HeaderValue>) {
    if let Some(page) = page {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, page);
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
}

/// The `Host` without its port.
fn host(headers: &HeaderMap) -> Option<&str> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let end = match host.strip_prefix('[').and_then(|_| host.find(']')) {
        Some(bracket) => bracket + 1,
        None => host.rfind(':').unwrap_or(host.len()),
    };
    host.get(..end)
}

/// Addresses are allowed, since rebinding needs a name; of names those of the operator.
fn host_allowed(options: &ServerOptions, headers: &HeaderMap) -> bool {
    if !headers.contains_key(header::HOST) {
        return true; // HTTP/1.0, which no browser speaks
    }
    let Some(host) = host(headers) else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().is_ok()
        || options.hosts.iter().any(|name| name == "*" || name.eq_ignore_ascii_case(host))
}

fn judge(options: &ServerOptions, headers: &HeaderMap) -> Origin {
    let Some(origin) = headers.get(header::ORIGIN) else { return Origin::Own };
    let Ok(origin) = origin.to_str() else { return Origin::Foreign };
    if options.origins.iter().any(|known| known == "*" || known.eq_ignore_ascii_case(origin)) {
        return Origin::Allowed;
    }
    match origin.split_once("://") {
        Some(("http" | "https", page)) => {
            let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
            let same = host.is_some_and(|host| host.eq_ignore_ascii_case(page));
            if same { Origin::Own } else { Origin::Foreign }
        }
        // An extension (a wallet) is a program the user has chosen to trust, as with any node.
        Some(_) => Origin::Own,
        None => Origin::Foreign, // "null": a sandboxed page or a file
    }
}

#[cfg(test)]
mod tests;
