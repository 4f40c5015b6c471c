//! The gate in front of every server: the host a request names (against DNS rebinding), the page
//! it comes from (against foreign pages), who calls, and the headers that tell browsers about it.

use super::{ServerOptions, Shared, accept::Visitor, http};
use crate::{
    RpcError,
    access::{Caller, Guard, Identity},
};
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header},
};
use data_encoding::BASE64;
use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};
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
        mut request: Request<hyper::body::Incoming>,
        visitor: Visitor,
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
        match identify(options, &request, &visitor) {
            Ok((caller, credential)) => {
                request.extensions_mut().insert(caller);
                request.extensions_mut().insert(credential);
            }
            Err(refusal) => {
                let mut response = refusal.response();
                if origin == Origin::Allowed {
                    allow(&mut response, page);
                }
                return Ok(response);
            }
        }
        let mut response = self.routes.call(request.map(Body::new)).await?;
        if origin == Origin::Allowed {
            allow(&mut response, page);
        }
        Ok(response)
    }
}

/// Why a caller is not let in.
enum Refusal {
    /// Nobody knows who it is.
    Unknown(String),
    /// It is known, and may not.
    Barred(RpcError),
}

impl Refusal {
    fn response(self) -> Response<Body> {
        let mut response = match &self {
            Self::Unknown(why) => {
                let error = RpcError::Coded {
                    code: RpcError::NOT_PERMITTED,
                    message: format!("not permitted: {why}"),
                    data: None,
                };
                http::error(StatusCode::UNAUTHORIZED, &error)
            }
            Self::Barred(error @ RpcError::LimitExceeded(_)) => {
                http::error(StatusCode::TOO_MANY_REQUESTS, error)
            }
            Self::Barred(error) => http::error(StatusCode::FORBIDDEN, error),
        };
        if let Self::Unknown(_) = self {
            // Browsers can only be asked for a name and a password; the token is the password.
            let ask = HeaderValue::from_static("Basic realm=\"hanse\", Bearer realm=\"hanse\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, ask);
        }
        response
    }
}

/// What a caller has shown, so that a connection that lasts can be asked about again.
#[derive(Clone, Debug)]
pub(super) struct Credential {
    address: SocketAddr,
    shown: Shown,
}

#[derive(Clone, Debug)]
enum Shown {
    Nothing,
    Token(String),
    /// DER; its key was proven.
    Certificate(Arc<[u8]>),
}

impl Credential {
    fn of<B>(request: &Request<B>, visitor: &Visitor) -> Self {
        let shown = match (token(request.headers()), &visitor.certificate) {
            (Some(token), _) => Shown::Token(token),
            (None, Some(certificate)) => Shown::Certificate(Arc::from(&certificate[..])),
            (None, None) => Shown::Nothing,
        };
        Self { address: visitor.address, shown }
    }

    /// Whom it names now; the error is for the caller.
    fn identity(&self, guard: &dyn Guard) -> Result<Option<Arc<Identity>>, String> {
        match &self.shown {
            Shown::Token(token) => guard.token(token).map(Some),
            Shown::Certificate(certificate) => guard.certificate(certificate).map(Some),
            Shown::Nothing => Ok(guard.anonymous(self.address.ip())),
        }
    }

    const fn is_known(&self) -> bool {
        !matches!(self.shown, Shown::Nothing)
    }

    /// The caller as it is now; `None` when it may not call any more.
    pub(super) fn caller(&self, options: &ServerOptions) -> Option<Caller> {
        let remote = Some(self.address);
        let Some(guard) = &options.guard else {
            return Some(Caller { remote, ..Caller::default() });
        };
        let identity = self.identity(&**guard).ok().flatten()?;
        Some(Caller { identity: Some(identity), is_known: self.is_known(), remote })
    }
}

/// Who calls, and whether it may go where it wants to. Pages and signs of life are for everybody.
fn identify<B>(
    options: &ServerOptions,
    request: &Request<B>,
    visitor: &Visitor,
) -> Result<(Caller, Credential), Refusal> {
    let remote = Some(visitor.address);
    let credential = Credential::of(request, visitor);
    let Some(guard) = &options.guard else {
        return Ok((Caller { remote, ..Caller::default() }, credential));
    };
    let area = area(request);
    let identity = credential.identity(&**guard).map_err(Refusal::Unknown)?;
    if identity.is_none() && area != Area::Public {
        let why = "show a token (Authorization: Bearer) or a client certificate".to_owned();
        return Err(Refusal::Unknown(why));
    }
    let caller = Caller { identity, is_known: credential.is_known(), remote };
    if let Area::Named(name) = area {
        caller.may(name).and_then(|()| caller.take(1)).map_err(Refusal::Barred)?;
    }
    Ok((caller, credential))
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Area {
    /// Pages, and signs of life.
    Public,
    /// JSON-RPC, whose methods are looked at one by one.
    Methods,
    /// Something that a role names as if it were a method.
    Named(&'static str),
}

fn area<B>(request: &Request<B>) -> Area {
    let path = request.uri().path();
    if path.starts_with("/api/") {
        Area::Named("api")
    } else if path == "/metrics" {
        Area::Named("metrics")
    } else if request.method() != Method::GET || request.headers().contains_key(header::UPGRADE) {
        Area::Methods
    } else {
        Area::Public
    }
}

/// The token that a request shows: as such, or as the password that a browser has asked for.
fn token(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = BASE64.decode(rest.trim().as_bytes()).ok()?;
    let (_, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(password.to_owned())
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
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, fixed("authorization, content-type"));
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
