//! Prometheus metrics: calls as they happen, everything else when it is asked for.

use hanse_ledger::Ledger;
use hanse_network::{Channel, Network};
use hanse_primitives::Height;
use hanse_rpc::Meter;
use hanse_txpool::Pool;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::{sync::Arc, time::Duration};

use crate::NodeError;

/// Time in which blocks became durable; the disk's part of it is [`SYNC_MICROS`].
const COMMIT_MICROS: &str = "hanse_ledger_commit_micros";
/// Time in which commits waited for the disk. `hanse bench` reads its sum.
pub(crate) const SYNC_MICROS: &str = "hanse_ledger_sync_micros";

/// The height of the change of engine that members have decided on.
const ENGINE_CHANGE_HEIGHT: &str = "hanse_engine_change_height";

/// Bytes that went to peers and came from them. `hanse bench` reads what went out.
pub(crate) const NETWORK_BYTES: &str = "hanse_network_bytes_total";

/// Bounds of the latency histograms, in microseconds.
const MICROS: [f64; 10] =
    [10.0, 30.0, 100.0, 300.0, 1_000.0, 3_000.0, 10_000.0, 100_000.0, 1_000_000.0, 10_000_000.0];

/// Counts what the servers do, and reads the gauges of the other rooms when asked to render.
pub(crate) struct NodeMeter {
    handle: PrometheusHandle,
    ledger: Ledger,
    pool: Pool,
    network: Option<Arc<Network>>,
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
    metrics::describe_gauge!(
        "hanse_history_height",
        "Height from which on nothing has been let go"
    );
    metrics::describe_gauge!(
        ENGINE_CHANGE_HEIGHT,
        "Height from which on another engine decides, as members have voted; 0: none is known"
    );
    metrics::describe_gauge!("hanse_pool_transactions", "Transactions in the pool by kind");
    metrics::describe_gauge!("hanse_pool_bytes", "Encoded bytes in the pool");
    metrics::describe_gauge!("hanse_peers", "Connected peers");
    metrics::describe_counter!(NETWORK_BYTES, "Bytes of messages by channel and direction");
    metrics::describe_counter!(
        "hanse_network_dropped_total",
        "Messages dropped because one side was too slow for them"
    );
    metrics::describe_counter!("hanse_network_faults_total", "Proven faults of peers");
    metrics::describe_gauge!("hanse_ledger_memory_bytes", "Memory of the ledger by part");
    metrics::describe_gauge!("hanse_ledger_disk_bytes", "Disk of the ledger by part");
    Ok(handle)
}

/// Notes from which height on another engine decides; 0 when no change is known.
pub(crate) fn engine_changes_at(height: Option<Height>) {
    metrics::gauge!(ENGINE_CHANGE_HEIGHT).set(gauge(height.unwrap_or_default().0));
}

/// Notes how long a commit took, and how much of that the disk did.
pub(crate) fn committed(commit: Duration, sync: Duration) {
    let micros = |time: Duration| gauge(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    metrics::histogram!(COMMIT_MICROS).record(micros(commit));
    metrics::histogram!(SYNC_MICROS).record(micros(sync));
}

impl NodeMeter {
    pub(crate) const fn new(
        handle: PrometheusHandle,
        ledger: Ledger,
        pool: Pool,
        network: Option<Arc<Network>>,
    ) -> Self {
        Self { handle, ledger, pool, network }
    }

    fn render_network(network: &Network) {
        let totals = network.totals();
        metrics::gauge!("hanse_peers").set(gauge(u64::try_from(totals.peers).unwrap_or(u64::MAX)));
        metrics::counter!("hanse_network_faults_total").absolute(totals.faults);
        for (channel, traffic) in Channel::ALL.iter().zip(totals.traffic) {
            let channel = channel.to_string();
            let sides = [
                ("out", traffic.bytes_out, traffic.dropped_out),
                ("in", traffic.bytes_in, traffic.dropped_in),
            ];
            for (direction, bytes, dropped) in sides {
                let labels = [("channel", channel.clone()), ("direction", direction.to_owned())];
                metrics::counter!(NETWORK_BYTES, &labels).absolute(bytes);
                metrics::counter!("hanse_network_dropped_total", &labels).absolute(dropped);
            }
        }
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
        if let Some(network) = &self.network {
            Self::render_network(network);
        }
        let usage = self.ledger.usage();
        let pool = self.pool.status();
        let count = |count: usize| gauge(u64::try_from(count).unwrap_or(u64::MAX));
        metrics::gauge!("hanse_head_height").set(gauge(self.ledger.head().height.0));
        metrics::gauge!("hanse_finalized_height").set(gauge(self.ledger.finalized().height.0));
        let whole = self.ledger.horizon().highest();
        metrics::gauge!("hanse_history_height").set(gauge(whole.0));
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
