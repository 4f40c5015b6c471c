//! What the demo has to say for itself in the end.

use crate::latencies::Latencies;
use alloy_primitives::U256;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt::Write};

/// Money of one currency that went through the escrow, in minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) paid_in: U256,
    pub(crate) held: U256,
    pub(crate) paid_out: U256,
    pub(crate) refunded: U256,
    /// Tokens that the escrow's account really has.
    pub(crate) balance: U256,
}

/// The whole account of a run.
#[derive(Clone, Debug)]
pub(crate) struct Summary {
    /// Nodes that it went through, all of which have the same last block.
    pub(crate) nodes: usize,
    pub(crate) orders: BTreeMap<&'static str, u64>,
    pub(crate) skipped: BTreeMap<&'static str, usize>,
    pub(crate) lines: usize,
    pub(crate) shoppers: usize,
    pub(crate) transactions: u64,
    pub(crate) seconds: f64,
    pub(crate) latencies: Latencies,
    pub(crate) currencies: BTreeMap<&'static str, Totals>,
    /// Everything that did not go as expected. Empty: all is well.
    pub(crate) failures: Vec<String>,
}

impl Totals {
    /// What came in is held, paid out or refunded, and what is held is really there.
    pub(crate) fn balanced(&self) -> bool {
        self.paid_in == self.held + self.paid_out + self.refunded && self.held == self.balance
    }

    /// What has come since `earlier`. What is held is compared as it stands, not as it changed.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let paid_in = self.paid_in.saturating_sub(earlier.paid_in);
        Self {
            paid_in,
            held: self.held.saturating_sub(earlier.held),
            paid_out: self.paid_out.saturating_sub(earlier.paid_out),
            refunded: self.refunded.saturating_sub(earlier.refunded),
            balance: self.balance.saturating_sub(earlier.balance),
        }
    }
}

impl Summary {
    fn per_second(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a rate is for people")]
        let transactions = self.transactions as f64;
        transactions / self.seconds.max(f64::EPSILON)
    }

    /// One JSON object; amounts are strings of minor units.
    pub(crate) fn json(&self) -> Value {
        let money = |totals: &Totals| {
            json!({
                "paidIn": totals.paid_in.to_string(), "held": totals.held.to_string(),
                "paidOut": totals.paid_out.to_string(), "refunded": totals.refunded.to_string(),
                "escrowBalance": totals.balance.to_string(), "balanced": totals.balanced(),
            })
        };
        let currencies: BTreeMap<_, _> =
            self.currencies.iter().map(|(code, totals)| (code, money(totals))).collect();
        let round = |value: f64| (value * 10.0).round() / 10.0;
        json!({
            "ok": self.failures.is_empty(),
            "nodes": self.nodes,
            "orders": self.orders,
            "skippedInvoices": self.skipped,
            "invoiceLines": self.lines,
            "shoppers": self.shoppers,
            "transactions": self.transactions,
            "seconds": (self.seconds * 1_000.0).round() / 1_000.0,
            "includedPerSecond": round(self.per_second()),
            "inclusionMs": {
                "p50": round(self.latencies.percentile_ms(50)),
                "p99": round(self.latencies.percentile_ms(99)),
            },
            "currencies": currencies,
            "failures": self.failures,
        })
    }

    /// A page for people.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: &dyn std::fmt::Display| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {name:<22}{value}");
        };
        line("nodes", &self.nodes);
        for (state, count) in &self.orders {
            line(&format!("orders {state}"), count);
        }
        for (reason, count) in &self.skipped {
            line("invoices skipped", &format!("{count} ({reason})"));
        }
        line("shoppers", &self.shoppers);
        line("transactions", &self.transactions);
        line("included", &format!("{:.0} tx/s", self.per_second()));
        let (p50, p99) = (self.latencies.percentile_ms(50), self.latencies.percentile_ms(99));
        line("inclusion", &format!("p50 {p50:.0} ms, p99 {p99:.0} ms"));
        for (code, totals) in &self.currencies {
            let pounds = |minor: &U256| {
                let digits = format!("{minor:0>3}");
                let (whole, fraction) = digits.split_at(digits.len() - 2);
                format!("{whole}.{fraction}")
            };
            let sum = format!(
                "{} = {} held + {} paid out + {} refunded: {}",
                pounds(&totals.paid_in),
                pounds(&totals.held),
                pounds(&totals.paid_out),
                pounds(&totals.refunded),
                if totals.balanced() { "balanced" } else { "NOT BALANCED" }
            );
            line(&format!("{code} paid in"), &sum);
        }
        for failure in self.failures.iter().take(20) {
            line("FAILED", failure);
        }
        text
    }
}
