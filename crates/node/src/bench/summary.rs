//! What the benchmark has to say in the end.

use super::{catch_up::CatchUp, load::Outcome, plan::Workload};
use serde_json::{Value, json};
use std::fmt::Write;

/// The figures of one row.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) node: String,
    pub(super) workload: Workload,
    /// Accounts in the state before the load.
    pub(super) accounts: u64,
    pub(super) outcome: Outcome,
    pub(super) node_cpu_micros: Option<u64>,
    pub(super) own_cpu_micros: u64,
    pub(super) peak_bytes: Option<u64>,
    pub(super) disk_bytes_each: Option<u64>,
    /// Receipts that were read afterwards; a slow peer's are only sampled.
    pub(super) receipts: usize,
    /// Time that the node has waited for its disk.
    pub(super) sync_micros: Option<u64>,
    /// Bytes that the nodes of a network sent to each other.
    pub(super) wire_bytes: Option<u64>,
    /// How a node that was away caught up.
    pub(super) catch_up: Option<CatchUp>,
    /// Everything that is not as it must be. Empty: all is well.
    pub(super) problems: Vec<String>,
}

/// The whole account of a run.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(super) rows: Vec<Row>,
}

/// One row against another, as quotients.
#[derive(Debug)]
struct Ratio {
    what: String,
    included_per_second: f64,
    /// How much processor time the first node takes for each of the second's.
    cpu: Option<f64>,
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
const fn float(value: u64) -> f64 {
    value as f64
}

fn count(value: usize) -> f64 {
    float(u64::try_from(value).unwrap_or(u64::MAX))
}

fn round(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

impl Row {
    fn seconds(&self) -> f64 {
        self.outcome.elapsed.as_secs_f64()
    }

    pub(super) fn per_second(&self) -> f64 {
        count(self.outcome.included) / self.seconds().max(f64::EPSILON)
    }

    /// Of something that all included transactions share.
    fn each(&self, total: u64) -> f64 {
        float(total) / count(self.outcome.included).max(1.0)
    }

    fn node_cpu_each(&self) -> Option<f64> {
        self.node_cpu_micros.map(|micros| self.each(micros))
    }

    fn wire_bytes_each(&self) -> Option<f64> {
        self.wire_bytes.map(|bytes| self.each(bytes))
    }

    /// Part of the time in which the node waited for its disk.
    fn sync_share(&self) -> Option<f64> {
        let seconds = self.seconds().max(f64::EPSILON);
        self.sync_micros.map(|micros| float(micros) / 1_000_000.0 / seconds)
    }

    /// Transactions a second of a node that catches up, and how many times the network's rate that is.
    fn catch_up_rate(&self) -> Option<(f64, f64)> {
        let caught = self.catch_up?;
        let seconds = caught.elapsed.as_secs_f64().max(f64::EPSILON);
        let rate = float(caught.transactions) / seconds;
        Some((rate, rate / self.per_second().max(f64::EPSILON)))
    }

    fn catch_up_json(&self) -> Option<Value> {
        let (caught, (rate, ratio)) = self.catch_up.zip(self.catch_up_rate())?;
        Some(json!({
            "transactions": caught.transactions,
            "blocks": caught.blocks,
            "seconds": round(caught.elapsed.as_secs_f64(), 3),
            "perSecond": round(rate, 1),
            "ofLiveRate": round(ratio, 2),
        }))
    }

    fn json(&self) -> Value {
        let latency = |percent| round(self.outcome.latencies.percentile_ms(percent), 1);
        json!({
            "node": self.node,
            "load": self.workload.to_string(),
            "kind": self.workload.kind.to_string(),
            "batch": self.workload.batch,
            "connections": self.workload.connections,
            "accounts": self.accounts,
            "included": self.outcome.included,
            "receiptsRead": self.receipts,
            "seconds": round(self.seconds(), 3),
            "includedPerSecond": round(self.per_second(), 1),
            "inclusionMs": {"p50": latency(50), "p99": latency(99), "max": latency(100)},
            "nodeCpuMicros": self.node_cpu_each().map(|micros| round(micros, 1)),
            "generatorCpuMicros": round(self.each(self.own_cpu_micros), 1),
            "peakMemoryBytes": self.peak_bytes,
            "diskBytes": self.disk_bytes_each,
            "blocks": self.outcome.seen.blocks,
            "wireBytes": self.wire_bytes_each().map(|bytes| round(bytes, 1)),
            "syncShare": self.sync_share().map(|share| round(share, 4)),
            "catchUp": self.catch_up_json(),
            "problems": self.problems,
        })
    }

    fn cells(&self) -> [String; 14] {
        let latency = |percent| format!("{:.0}", self.outcome.latencies.percentile_ms(percent));
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        [
            self.node.clone(),
            self.workload.to_string(),
            self.accounts.to_string(),
            format!("{:.0}", self.per_second()),
            latency(50),
            latency(99),
            latency(100),
            or_dash(self.node_cpu_each().map(|micros| format!("{micros:.1}"))),
            format!("{:.1}", self.each(self.own_cpu_micros)),
            or_dash(self.peak_bytes.map(|bytes| (bytes / 1024 / 1024).to_string())),
            or_dash(self.disk_bytes_each.map(|bytes| bytes.to_string())),
            or_dash(self.wire_bytes_each().map(|bytes| format!("{bytes:.0}"))),
            self.outcome.seen.blocks.to_string(),
            or_dash(self.sync_share().map(|share| format!("{:.0} %", share * 100.0))),
        ]
    }

    /// This row against another.
    fn against(&self, other: &Self, what: String) -> Ratio {
        let cpu = self.node_cpu_each().zip(other.node_cpu_each());
        let cpu = cpu.filter(|(_, other)| *other > 0.0).map(|(this, other)| this / other);
        let included_per_second = self.per_second() / other.per_second().max(f64::EPSILON);
        Ratio { what, included_per_second, cpu }
    }
}

impl Summary {
    /// Everything that went wrong, with the row it belongs to.
    pub(crate) fn failures(&self) -> Vec<String> {
        let each = self.rows.iter().flat_map(|row| {
            let named = move |problem| format!("{}, {}: {problem}", row.node, row.workload);
            row.problems.iter().map(named)
        });
        each.collect()
    }

    /// The first node against the other, row by row; then each node on the largest state against
    /// itself on the smallest.
    fn ratios(&self) -> Vec<Ratio> {
        let mut ratios = Vec::new();
        for (at, row) in self.rows.iter().enumerate() {
            let later = &self.rows[at + 1..];
            let same = |other: &&Row| other.workload == row.workload;
            let peer = later.iter().filter(same).find(|o| o.accounts == row.accounts);
            if let Some(peer) = peer.filter(|peer| peer.node != row.node) {
                let what = format!("{} / {}: {}", row.node, peer.node, row.workload);
                ratios.push(row.against(peer, format!("{what}, {} accounts", row.accounts)));
            }
        }
        for (at, row) in self.rows.iter().enumerate() {
            let same = |other: &&Row| other.workload == row.workload && other.node == row.node;
            if self.rows[..at].iter().any(|earlier| same(&earlier)) {
                continue;
            }
            let last = self.rows[at + 1..].iter().rfind(same);
            if let Some(last) = last.filter(|last| last.accounts != row.accounts) {
                let accounts = format!("{} / {} accounts", last.accounts, row.accounts);
                let what = format!("{}: {}, {accounts}", row.node, row.workload);
                ratios.push(last.against(row, what));
            }
        }
        ratios
    }

    /// One JSON object; times are in the unit that the name says, shares are of one.
    pub(crate) fn json(&self) -> Value {
        let ratio = |ratio: Ratio| {
            json!({
                "of": ratio.what,
                "includedPerSecond": round(ratio.included_per_second, 2),
                "nodeCpuMicros": ratio.cpu.map(|cpu| round(cpu, 2)),
            })
        };
        let failures = self.failures();
        json!({
            "ok": failures.is_empty(),
            "rows": self.rows.iter().map(Row::json).collect::<Vec<_>>(),
            "ratios": self.ratios().into_iter().map(ratio).collect::<Vec<_>>(),
            "failures": failures,
        })
    }

    /// A table for people.
    pub(crate) fn text(&self) -> String {
        const HEADS: [&str; 14] = [
            "node", "load", "accounts", "tx/s", "p50 ms", "p99 ms", "max ms", "node us", "load us",
            "peak MiB", "disk B", "wire B", "blocks", "sync",
        ];
        let mut lines = vec![HEADS.map(str::to_owned)];
        lines.extend(self.rows.iter().map(Row::cells));
        let width = |column: usize| lines.iter().map(|cells| cells[column].len()).max();
        let widths: Vec<usize> =
            (0..HEADS.len()).map(|column| width(column).unwrap_or(0)).collect();
        let mut text = String::new();
        for cells in &lines {
            for (column, (cell, width)) in cells.iter().zip(&widths).enumerate() {
                // Names to the left, figures to the right. Writing to a string cannot fail.
                let _ = match column {
                    0 | 1 => write!(text, "{cell:<width$}  "),
                    _ => write!(text, "{cell:>width$}  "),
                };
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
        for row in &self.rows {
            let Some((caught, (rate, ratio))) = row.catch_up.zip(row.catch_up_rate()) else {
                continue;
            };
            let CatchUp { transactions, blocks, .. } = caught;
            let missed = format!("{transactions} transactions in {blocks} blocks");
            let (node, load) = (&row.node, row.workload);
            let _ = writeln!(
                text,
                "{node}, {load}: one that missed {missed} caught up at {rate:.0} tx/s, {ratio:.2} times the live rate"
            );
        }
        for Ratio { what, included_per_second, cpu } in self.ratios() {
            let cpu = cpu.map(|cpu| format!(", {cpu:.2} of the processor time"));
            let cpu = cpu.unwrap_or_default();
            let _ = writeln!(text, "{what}: {included_per_second:.2} times the tx/s{cpu}");
        }
        for failure in self.failures() {
            let _ = writeln!(text, "FAILED  {failure}");
        }
        text
    }
}
