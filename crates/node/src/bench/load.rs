//! Sends transactions over several connections and waits until they are in blocks.

use super::{
    book::Phase,
    follow::{Follower, Progress, Seen},
    plan::Workload,
    wallet::Signed,
};
use crate::{
    NodeError,
    client::{self, Client, Endpoint},
    latencies::Latencies,
};
use alloy_primitives::hex;
use bytes::Bytes;
use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// Time between looks at whether a phase is complete.
const POLL: Duration = Duration::from_millis(1);

/// The text of a request, made before the clock starts.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) body: Bytes,
    /// Places of its transactions in the whole load.
    pub(super) transactions: Vec<usize>,
}

/// What one connection sends, in order. A sender's transactions share a connection, so that they
/// arrive in the order of their nonces.
pub(super) type Lane = Vec<Request>;

/// Everything to be sent, ready.
pub(super) struct Load {
    phases: Vec<Vec<Lane>>,
    lengths: Vec<usize>,
    follower: Follower,
    progress: Arc<Progress>,
    endpoint: Endpoint,
    /// Transactions offered a second.
    rate: Option<u64>,
}

/// What became of it.
#[derive(Debug)]
pub(super) struct Outcome {
    /// From the first request to the last inclusion.
    pub(super) elapsed: Duration,
    pub(super) included: usize,
    pub(super) latencies: Latencies,
    pub(super) seen: Seen,
    /// Why the node took some transactions not.
    pub(super) refusals: Vec<String>,
}

/// What a connection has done.
#[derive(Debug, Default)]
struct Report {
    sent: Vec<(usize, Instant)>,
    refusals: Vec<String>,
}

/// Divides a phase, whose first transaction has the place `first`, over connections.
pub(super) fn lanes(phase: &[Signed], first: usize, workload: &Workload) -> Vec<Lane> {
    let mut shares: Vec<Vec<usize>> = vec![Vec::new(); workload.connections];
    for (index, transaction) in phase.iter().enumerate() {
        shares[transaction.sender % workload.connections].push(index);
    }
    shares.retain(|share| !share.is_empty());
    let request = |indices: &[usize]| {
        let call = |(id, index): (usize, &usize)| {
            let raw = hex::encode_prefixed(&phase[*index].raw);
            client::request(id, "eth_sendRawTransaction", &format!("[\"{raw}\"]"))
        };
        let calls: Vec<String> = indices.iter().enumerate().map(call).collect();
        let body = match workload.batch {
            1 => calls.concat(),
            _ => format!("[{}]", calls.join(",")),
        };
        let transactions = indices.iter().map(|index| first + index).collect();
        Request { body: body.into(), transactions }
    };
    shares.iter().map(|share| share.chunks(workload.batch).map(request).collect()).collect()
}

impl Load {
    /// Makes the requests and looks where the chain is.
    pub(super) async fn prepare(
        endpoint: &Endpoint,
        phases: &[Phase],
        workload: &Workload,
        rate: Option<u64>,
    ) -> Result<Self, NodeError> {
        let mut first = 0;
        let mut ready = Vec::with_capacity(phases.len());
        for phase in phases {
            ready.push(lanes(phase, first, workload));
            first += phase.len();
        }
        let progress = Arc::new(Progress::default());
        let hashes = phases.iter().flatten().map(|transaction| transaction.hash);
        let client = Client::new(endpoint.clone());
        let follower = Follower::new(client, hashes, Arc::clone(&progress)).await?;
        let lengths = phases.iter().map(Vec::len).collect();
        Ok(Self { phases: ready, lengths, follower, progress, endpoint: endpoint.clone(), rate })
    }

    /// Sends everything.
    pub(super) async fn run(self) -> Result<Outcome, NodeError> {
        let begun = Instant::now();
        let following = tokio::spawn(self.follower.run());
        let mut sent: Vec<Option<Instant>> = vec![None; self.lengths.iter().sum()];
        let mut refusals = Vec::new();
        let mut due = 0;
        for (lanes, length) in self.phases.into_iter().zip(self.lengths) {
            // An open loop goes on where it is; it does not make up for the end of a phase.
            let clock = self.rate.map(|rate| Clock { begun: Instant::now(), first: due, rate });
            due += length;
            let report = send(&self.endpoint, lanes, clock).await?;
            for (index, at) in report.sent {
                sent[index] = Some(at);
            }
            refusals.extend(report.refusals);
            if !refusals.is_empty() {
                // What follows would build on what was refused.
                break;
            }
            while self.progress.included.load(Ordering::Acquire) < due && !following.is_finished() {
                tokio::time::sleep(POLL).await;
            }
        }
        self.progress.expected.store(due - refusals.len(), Ordering::Release);
        let seen = following.await.map_err(|e| NodeError::Failed(e.to_string()))??;
        let mut latencies = Latencies::default();
        for (sent, seen) in sent.iter().zip(&seen.at) {
            if let (Some(sent), Some(seen)) = (sent, seen) {
                latencies.add(seen.saturating_duration_since(*sent));
            }
        }
        let last = seen.at.iter().flatten().max().copied().unwrap_or(begun);
        Ok(Outcome {
            elapsed: last - begun,
            included: seen.at.iter().flatten().count(),
            latencies,
            seen,
            refusals,
        })
    }
}

/// When transactions of an open loop are due.
#[derive(Clone, Copy, Debug)]
struct Clock {
    begun: Instant,
    /// Place of the transaction that is due at `begun`.
    first: usize,
    rate: u64,
}

impl Clock {
    fn due(&self, place: usize) -> Instant {
        let nanos = u64::try_from(place - self.first).unwrap_or(u64::MAX);
        let nanos = nanos.saturating_mul(1_000_000_000) / self.rate;
        self.begun + Duration::from_nanos(nanos)
    }
}

async fn send(
    endpoint: &Endpoint,
    lanes: Vec<Lane>,
    clock: Option<Clock>,
) -> Result<Report, NodeError> {
    let mut sending = JoinSet::new();
    for lane in lanes {
        sending.spawn(send_lane(Client::new(endpoint.clone()), lane, clock));
    }
    let mut all = Report::default();
    while let Some(report) = sending.join_next().await {
        let report = report.map_err(|e| NodeError::Failed(e.to_string()))??;
        all.sent.extend(report.sent);
        all.refusals.extend(report.refusals);
    }
    Ok(all)
}

async fn send_lane(
    mut client: Client,
    lane: Lane,
    clock: Option<Clock>,
) -> Result<Report, NodeError> {
    let mut report = Report::default();
    for Request { body, transactions } in lane {
        let at = match clock {
            None => Instant::now(),
            Some(clock) => {
                // Latency counts from when it was due, even if the node held us up.
                let due = clock.due(transactions[0]);
                tokio::time::sleep_until(due.into()).await;
                due
            }
        };
        report.sent.extend(transactions.iter().map(|place| (*place, at)));
        report.refusals.extend(client.deliver(body, transactions.len()).await?);
    }
    Ok(report)
}
