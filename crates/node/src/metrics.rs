//! Prometheus metrics: calls as they happen, everything else when it is asked for.

use hanse_ledger::Ledger;
use hanse_rpc::Meter;
use hanse_txpool::Pool;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::time::Duration;

use crate::NodeError;

/// Time in which blocks became durable; the disk's part of it is [`SYNC_MICROS`].
const COMMIT_MICROS: &str = "hanse_ledger_commit_micros";
/// Time in which commits waited for the disk. `hanse bench` reads its sum.
pub(crate) const SYNC_MICROS: &str = "hanse_ledger_sync_micros";

/// Bounds of the latency histograms, in microseconds.
const MICROS: [f64; 10] =
    [10.0, 30.0, 100.0, 300.0, 1_000.0, 3_000.0, 10_000.0, 100_000.0, 1_000_000.0, 10_000_000.0];

/// Counts what the servers do, and reads the gauges of the other rooms when asked to render.
pub(crate) struct NodeMeter {
    handle: PrometheusHandle,
    ledger: Ledger,
    pool: Pool,
}

/// Installs the process's recorder. Called once; a second call in one process shares nothing and
/// fails.
pub(crate) fn install() -> Result<PrometheusHandle, NodeError> {
    let refuse = |error: metrics_exporter_prometheus::BuildError| {
        NodeError::Config(format!("metrics cannot be set up: {error}"))
    };
    let mut builder = PrometheusBuilder::new();
    for name in ["hanse_rpc_micros", COMMIT_MICROS, SYNC_MICROS] {
        builder = builder
            .set_buckets_for_metric(Matcher::Full(name.to_owned()), &MICROS)
            .map_err(refuse)?;
    }
    let handle = builder.install_recorder().map_err(refuse)?;
    metrics::describe_counter!("hanse_rpc_calls_total", "JSON-RPC calls by method and outcome");
    metrics::describe_histogram!("hanse_rpc_micros", "Duration of JSON-RPC calls, microseconds");
    metrics::describe_histogram!(COMMIT_MICROS, "Time to make a block durable, microseconds");
    metrics::describe_histogram!(SYNC_MICROS, "Disk sync of a commit, microseconds");
    metrics::describe_gauge!("hanse_head_height", "Height of the chain's head");
    metrics::describe_gauge!("hanse_finalized_height", "Height of the last final block");
    metrics::describe_gauge!("hanse_pool_transactions", "Transactions in the pool by kind");
    metrics::describe_gauge!("hanse_pool_bytes", "Encoded bytes in the pool");
    metrics::describe_gauge!("hanse_ledger_memory_bytes", "Memory of the ledger by part");
    metrics::describe_gauge!("hanse_ledger_disk_bytes", "Disk of the ledger by part");
    Ok(handle)
}

/// Notes how long a commit took, and how much of that the disk did.
pub(crate) fn committed(commit: Duration, sync: Duration) {
    let micros = |time: Duration| gauge(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    metrics::histogram!(COMMIT_MICROS).record(micros(commit));
    metrics::histogram!(SYNC_MICROS).record(micros(sync));
}

impl NodeMeter {
    pub(crate) const fn new(handle: PrometheusHandle, ledger: Ledger, pool: Pool) -> Self {
        Self { handle, ledger, pool }
    }
}

/// Gauges are floating point in Prometheus; above 2^53 they lose the last digits.
#[expect(clippy::cast_precision_loss, reason = "a gauge is for people")]
const fn gauge(value: u64) -> f64 {
    value as f64
}

impl Meter for NodeMeter {
    fn called(&self, method: &'static str, micros: u64, ok: bool) {
        let outcome = if ok { "ok" } else { "error" };
        metrics::counter!("hanse_rpc_calls_total", "method" => method, "outcome" => outcome)
            .increment(1);
        metrics::histogram!("hanse_rpc_micros", "method" => method).record(gauge(micros));
    }

    fn render(&self) -> String {
        let usage = self.ledger.usage();
        let pool = self.pool.status();
        let count = |count: usize| gauge(u64::try_from(count).unwrap_or(u64::MAX));
        metrics::gauge!("hanse_head_height").set(gauge(self.ledger.head().height.0));
        metrics::gauge!("hanse_finalized_height").set(gauge(self.ledger.finalized().height.0));
        metrics::gauge!("hanse_pool_transactions", "kind" => "pending").set(count(pool.pending));
        metrics::gauge!("hanse_pool_transactions", "kind" => "queued").set(count(pool.queued));
        metrics::gauge!("hanse_pool_bytes").set(count(pool.bytes));
        metrics::gauge!("hanse_ledger_memory_bytes", "part" => "trie").set(gauge(usage.trie_bytes));
        metrics::gauge!("hanse_ledger_memory_bytes", "part" => "cache")
            .set(gauge(usage.cache_bytes));
        metrics::gauge!("hanse_ledger_disk_bytes", "part" => "log").set(gauge(usage.log_bytes));
        metrics::gauge!("hanse_ledger_disk_bytes", "part" => "store").set(gauge(usage.store_bytes));
        self.handle.render()
    }
}
