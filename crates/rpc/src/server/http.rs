use super::Shared;
use crate::{
    RpcError,
    access::Caller,
    dispatch::{self, Access},
};
use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::sync::Arc;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// `POST`: a request of JSON-RPC.
pub(super) async fn rpc(State(shared): State<Shared>, request: Request) -> Response<Body> {
    if !is_json(request.headers()) {
        let why = "invalid content type, only application/json is supported";
        return error(StatusCode::UNSUPPORTED_MEDIA_TYPE, &RpcError::InvalidRequest(why));
    }
    let caller = request.extensions().get::<Caller>().cloned().unwrap_or_default();
    let access = Access { methods: Arc::clone(&shared.methods), session: None, caller };
    match body(&shared, request).await {
        Ok(body) => answer(dispatch::answer(&shared.rpc, &access, body).await),
        Err(response) => response,
    }
}

/// `GET /`: says that somebody is there, which is all that a load balancer asks.
pub(super) async fn alive() -> StatusCode {
    StatusCode::OK
}

async fn body(shared: &Shared, request: Request) -> Result<Bytes, Response<Body>> {
    let limits = &shared.rpc.limits;
    let most = limits.request_bytes_max;
    let too_large = || {
        let why = RpcError::LimitExceeded(format!("request too large, at most {most} bytes"));
        error(StatusCode::PAYLOAD_TOO_LARGE, &why)
    };
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let collect = Limited::new(request.into_body(), most).collect();
    match tokio::time::timeout(limits.body_time_max, collect).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(why)) if why.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(error(StatusCode::BAD_REQUEST, &RpcError::Parse)),
        Err(_) => {
            let why = RpcError::Unavailable("the request took too long to arrive");
            let mut response = error(StatusCode::REQUEST_TIMEOUT, &why);
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
            Err(response)
        }
    }
}

/// A page of another origin can send other types without asking first; this one it cannot.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or(kind).trim();
        ["application/json", "application/json-rpc", "application/jsonrequest"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(kind))
    })
}

fn answer(json: Bytes) -> Response<Body> {
    if json.is_empty() {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        return response;
    }
    let mut response = Response::new(Body::from(json));
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

/// An error before there is a request to answer.
pub(super) fn error(status: StatusCode, error: &RpcError) -> Response<Body> {
    let mut response = answer(dispatch::failure(error).into());
    *response.status_mut() = status;
    response
}
