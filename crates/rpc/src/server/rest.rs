//! What the web pages ask besides JSON-RPC, and what operators' tools ask.

use super::Shared;
use crate::limits::PAGE_ITEMS_MAX;
use alloy_primitives::B256;
use axum::{
    Json,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use hanse_commerce::{
    CommerceError,
    orders::{Order, OrderEvent, OrderFilter, OrderPage},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Orders on a page when the request does not say.
const PAGE_ITEMS_DEFAULT: usize = 50;

/// Bytes of a search text.
const SEARCH_BYTES_MAX: usize = 128;

/// `GET /health`: 200 when the node may be given traffic, 503 when it only lives.
pub(super) async fn health(State(shared): State<Shared>) -> Response {
    let ready = (shared.rpc.ready)();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let ledger = &shared.rpc.ledger;
    let body = json!({
        "live": true,
        "ready": ready,
        "head": ledger.head().height,
        "finalized": ledger.finalized().height,
        "peers": (shared.rpc.peers)(),
        "version": shared.rpc.client_version,
    });
    (status, Json(body)).into_response()
}

/// `GET /metrics`
pub(super) async fn metrics(State(shared): State<Shared>) -> Response {
    match &shared.rpc.meter {
        Some(meter) => {
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], meter.render()).into_response()
        }
        None => refuse(StatusCode::NOT_FOUND, "metrics are off"),
    }
}

/// `GET /api/network`
pub(super) async fn network(State(shared): State<Shared>) -> Response {
    Json((shared.rpc.network)()).into_response()
}

/// The query of a list of orders.
#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    cursor: Option<String>,
    limit: Option<usize>,
    state: Option<String>,
    q: Option<String>,
}

/// `GET /api/orders`
pub(super) async fn orders(
    State(shared): State<Shared>,
    Query(query): Query<ListQuery>,
) -> Response {
    let limit = query.limit.unwrap_or(PAGE_ITEMS_DEFAULT);
    if limit == 0 || limit > PAGE_ITEMS_MAX {
        let why = format!("limit must be from 1 to {PAGE_ITEMS_MAX}");
        return refuse(StatusCode::BAD_REQUEST, &why);
    }
    if query.q.as_ref().is_some_and(|text| text.len() > SEARCH_BYTES_MAX) {
        return refuse(StatusCode::BAD_REQUEST, "the search text is too long");
    }
    match page(&shared, &query, limit) {
        Ok(page) => Json(page).into_response(),
        Err(error) => refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

fn page(shared: &Shared, query: &ListQuery, limit: usize) -> Result<OrderPage, CommerceError> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let state = given(&query.state).map(|name| name.parse()).transpose()?;
    let filter = OrderFilter { state, text: given(&query.q) };
    match (shared.rpc.orders)() {
        Some(orders) => orders.list(&filter, given(&query.cursor).as_deref(), limit),
        None => Ok(OrderPage { orders: Vec::new(), next: None, counts: Default::default() }),
    }
}

/// An order with everything that happened to it.
#[derive(Debug, Serialize)]
struct OrderDetail<'a> {
    #[serde(flatten)]
    order: &'a Order,
    events: &'a [OrderEvent],
}

/// `GET /api/orders/{id}`
pub(super) async fn order(State(shared): State<Shared>, Path(id): Path<String>) -> Response {
    let Ok(id) = id.parse::<B256>() else {
        return refuse(StatusCode::BAD_REQUEST, "an order's id has 32 bytes of hex");
    };
    let found = (shared.rpc.orders)().and_then(|orders| orders.get(&id));
    match found {
        Some(order) => Json(OrderDetail { order: &order, events: &order.events }).into_response(),
        None => refuse(StatusCode::NOT_FOUND, "no such order"),
    }
}

fn refuse(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "error": why }))).into_response()
}
