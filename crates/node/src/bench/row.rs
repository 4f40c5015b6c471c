//! Measures one row after another.

use super::{
    book::Book,
    catch_up,
    check::{self, Balances},
    host::Host,
    load::{Load, Outcome},
    plan::{Kind, Plan, Target, Workload},
    setup,
    summary::{Row, Summary},
    usage,
};
use crate::{NodeError, client::Client};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Most transactions that are sent a second time to see what they take on disk.
const DISK_TRANSACTIONS_MAX: usize = 20_000;

/// Most transactions that a node misses to see how it catches up.
const MISSED_TRANSACTIONS_MAX: usize = 60_000;

/// Measures all rows of a plan.
pub(crate) async fn run(plan: &Plan) -> Result<Summary, NodeError> {
    if let Target::Started { peer: Some(peer), .. } = &plan.target {
        // A command that does not work should not be found out after a long row.
        let folder = scratch()?;
        peer.start(folder.path()).await?.stop().await?;
    }
    let mut summary = Summary::default();
    for accounts in &plan.accounts {
        for workload in &plan.workloads {
            match &plan.target {
                Target::Running(running) => {
                    let host = running.host().await?;
                    summary.rows.push(row(host, plan, workload, *accounts).await?);
                }
                // One after the other, each alone on the machine and on a chain of its own.
                Target::Started { own, peer } => {
                    let folder = scratch()?;
                    let host = own.start(folder.path()).await?;
                    summary.rows.push(row(host, plan, workload, *accounts).await?);
                    drop(folder);
                    if let Some(peer) = peer {
                        let folder = scratch()?;
                        let host = peer.start(folder.path()).await?;
                        summary.rows.push(row(host, plan, workload, *accounts).await?);
                    }
                }
            }
        }
    }
    Ok(summary)
}

/// A folder on a real disk, if there is one: in memory a sync costs nothing.
fn scratch() -> Result<TempDir, NodeError> {
    // The Filesystem Hierarchy Standard has this for temporary files that outlive a restart.
    const ON_DISK: &str = "/var/tmp";
    let mut parent = std::env::temp_dir();
    if usage::in_memory(&parent)? && Path::new(ON_DISK).is_dir() {
        parent = PathBuf::from(ON_DISK);
    }
    if usage::in_memory(&parent)? {
        let folder = parent.display();
        eprintln!("bench: {folder} is in memory, so syncs cost nothing; set TMPDIR to a disk");
    }
    let folder = tempfile::Builder::new().prefix("hanse-bench-").tempdir_in(&parent);
    folder.map_err(|e| NodeError::file("make a folder in", &parent, e))
}

/// One row: prepares, loads, checks, and stops the node.
async fn row(
    mut host: Host,
    plan: &Plan,
    workload: &Workload,
    accounts: u64,
) -> Result<Row, NodeError> {
    let name = host.name.clone();
    let say = |what: &str| {
        if !plan.quiet {
            eprintln!("bench: {name}, {workload}, {accounts} accounts: {what}");
        }
    };
    say("preparing");
    let again = plan.transactions.min(DISK_TRANSACTIONS_MAX);
    let missed = plan.transactions.min(MISSED_TRANSACTIONS_MAX);
    let total = match (host.can_restart(), host.can_spare_one()) {
        (true, _) => plan.transactions + again,
        (_, true) => plan.transactions + missed,
        _ => plan.transactions,
    };
    let mut book = setup::prepare(&host, plan, workload, accounts, total).await?;
    let phases = book.phases(plan.transactions);
    let mut client = Client::new(host.endpoint.clone());
    let before = check::balances(&mut client, &book).await?;
    let load = Load::prepare(&host.endpoint, &phases, workload, plan.rate).await?;
    say("loading");
    let mut row = measure(&host, load, workload, accounts).await?;
    let outcome = &row.outcome;
    say("checking");
    // What our own node says is read to the last receipt.
    let all = host.can_restart();
    let findings = check::blocks(&mut client, &book, &phases, outcome, all).await?;
    row.receipts = findings.receipts;
    row.problems.extend(findings.problems);
    if row.problems.is_empty() {
        row.problems = compare(&mut client, &book, &before, &findings.fees).await?;
    }
    drop(client);
    if host.can_restart() && row.problems.is_empty() {
        say("measuring the disk");
        disk(&mut host, plan, &mut book, again, &mut row).await?;
    }
    if host.can_spare_one() && row.problems.is_empty() {
        say("measuring how a node catches up");
        miss(&mut host, plan, &mut book, missed, &mut row).await?;
    }
    host.stop().await?;
    Ok(row)
}

/// Sends a prepared load and reads the counters before and after.
async fn measure(
    host: &Host,
    load: Load,
    workload: &Workload,
    accounts: u64,
) -> Result<Row, NodeError> {
    let synced = host.sync_micros().await?;
    let wired = host.wire_bytes().await?;
    let (used, own) = (host.usage()?, usage::own_cpu_micros()?);
    let outcome = load.run().await?;
    let own_cpu_micros = usage::own_cpu_micros()? - own;
    let now = host.usage()?;
    let node_cpu_micros = now.zip(used).map(|(now, used)| now.cpu_micros - used.cpu_micros);
    let synced = host.sync_micros().await?.zip(synced).map(|(now, before)| now - before);
    let wired = host.wire_bytes().await?.zip(wired).map(|(now, before)| now - before);
    Ok(Row {
        node: host.name.clone(),
        workload: *workload,
        accounts,
        problems: refused(&outcome),
        outcome,
        node_cpu_micros,
        own_cpu_micros,
        peak_bytes: now.map(|now| now.peak_bytes),
        disk_bytes_each: None,
        receipts: 0,
        sync_micros: synced,
        wire_bytes: wired,
        catch_up: None,
    })
}

fn refused(outcome: &Outcome) -> Vec<String> {
    let first = outcome.refusals.first();
    let count = outcome.refusals.len();
    first.map(|first| format!("{count} transactions were refused: {first}")).into_iter().collect()
}

/// What is wrong with balances and escrow.
async fn compare(
    client: &mut Client,
    book: &Book,
    before: &Balances,
    fees: &check::Fees,
) -> Result<Vec<String>, NodeError> {
    let after = check::balances(client, book).await?;
    // Fees are paid in wei; a balance of currency does not see them.
    let none = check::Fees::new();
    let fees = if book.kind == Kind::Value { fees } else { &none };
    let wrong = check::compare(before, &after, book.changes(), fees);
    Ok(wrong.into_iter().chain(check::escrow(client, book).await?).collect())
}

/// Sends more while one node is away, and lets it catch up.
async fn miss(
    host: &mut Host,
    plan: &Plan,
    book: &mut Book,
    transactions: usize,
    row: &mut Row,
) -> Result<(), NodeError> {
    host.stop_last().await?;
    let phases = book.phases(transactions);
    let load = Load::prepare(&host.endpoint, &phases, &row.workload, plan.rate).await?;
    let outcome = load.run().await?;
    row.problems.extend(refused(&outcome));
    let mut client = Client::new(host.endpoint.clone());
    let findings = check::blocks(&mut client, book, &phases, &outcome, false).await?;
    row.problems.extend(findings.problems);
    row.catch_up = catch_up::measure(host).await?;
    Ok(())
}

/// How much the ledger grows on disk. The store is behind the log until the node stops, and when it
/// starts it folds its journal into tables: only the sizes after two starts can be compared. What
/// lies between them is checked like the rest.
async fn disk(
    host: &mut Host,
    plan: &Plan,
    book: &mut Book,
    transactions: usize,
    row: &mut Row,
) -> Result<(), NodeError> {
    let first = host.restart().await?;
    let mut client = Client::new(host.endpoint.clone());
    let changed = book.changes().clone();
    let phases = book.phases(transactions);
    let mut before = check::balances(&mut client, book).await?;
    // The book tells changes since its beginning: take back those from before the restart.
    for (address, balance) in &mut before {
        let change = changed.get(address).copied().unwrap_or_default();
        let change = alloy_primitives::I256::try_from(change).expect("128 bits fit in 256");
        *balance = balance.wrapping_sub(change.into_raw());
    }
    let load = Load::prepare(&host.endpoint, &phases, &row.workload, plan.rate).await?;
    let outcome = load.run().await?;
    row.problems.extend(refused(&outcome));
    let findings = check::blocks(&mut client, book, &phases, &outcome, true).await?;
    row.problems.extend(findings.problems);
    if row.problems.is_empty() {
        row.problems = compare(&mut client, book, &before, &findings.fees).await?;
    }
    drop(client);
    let second = host.restart().await?;
    let sent: usize = phases.iter().map(Vec::len).sum();
    let sent = u64::try_from(sent).expect("a length fits in 64 bits");
    row.disk_bytes_each = Some(second.saturating_sub(first) / sent);
    Ok(())
}
