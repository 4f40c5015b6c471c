//! Finds what concerns an organization: the transactions of its accounts, and whatever the contracts of the
//! network said about them. A node is believed about where to look; what is found is proven afterwards.

use crate::{
    NodeError,
    consortium::{Consortium, IPolicies, Log, Names},
};
use alloy_primitives::{Address, B256, TxHash};
use alloy_sol_types::SolEvent;
use hanse_commerce::orders::IEscrow;
use hanse_identity::MspId;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Blocks that are read at once.
const BLOCKS_AT_ONCE: u64 = 50;

/// Blocks that one question for logs spans; less when the node finds too many.
const LOG_BLOCKS: u64 = 5_000;

/// Alternatives in one question for logs.
const ALTERNATIVES: usize = 500;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) transactions: BTreeSet<TxHash>,
    pub(super) orders: BTreeSet<B256>,
    /// In which one of the accounts had a part, or that decided something about the organization.
    proposals: BTreeSet<B256>,
}

#[derive(Debug, Deserialize)]
struct Block {
    transactions: Vec<Sent>,
}

#[derive(Debug, Deserialize)]
struct Sent {
    hash: TxHash,
    from: Address,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Placed {
    transaction_hash: TxHash,
    #[serde(flatten)]
    log: Log,
}

pub(super) async fn collect(
    consortium: &mut Consortium,
    names: &Names,
    organization: &MspId,
    accounts: &BTreeSet<Address>,
    until: u64,
) -> Result<Found, NodeError> {
    let mut found = Found::default();
    sent(consortium, accounts, until, &mut found).await?;
    orders(consortium, names, accounts, until, &mut found).await?;
    let contracts: Vec<Address> = contracts(names);
    let who: Vec<B256> = accounts
        .iter()
        .map(|account| account.into_word())
        .chain([organization.to_word()])
        .collect();
    for some in who.chunks(ALTERNATIVES) {
        for place in 1..=3 {
            let mut topics = vec![Value::Null; place];
            topics.push(json!(some));
            for placed in logs(consortium, &contracts, &topics, until).await? {
                found.proposals.extend(proposal(names, &placed.log));
                found.transactions.insert(placed.transaction_hash);
            }
        }
    }
    // What was decided about the organization belongs to how it was decided.
    let topics = [json!(IPolicies::Executed::SIGNATURE_HASH)];
    for placed in logs(consortium, &[names.membership.policies], &topics, until).await? {
        if found.transactions.contains(&placed.transaction_hash) {
            found.proposals.extend(proposal(names, &placed.log));
        }
    }
    let proposals: Vec<B256> = found.proposals.iter().copied().collect();
    for some in proposals.chunks(ALTERNATIVES) {
        let topics = vec![json!(PROPOSALS), json!(some)];
        for placed in logs(consortium, &[names.membership.policies], &topics, until).await? {
            found.transactions.insert(placed.transaction_hash);
        }
    }
    Ok(found)
}

/// What is said of a proposal; its number is the first thing that each of these says.
const PROPOSALS: [B256; 5] = [
    IPolicies::Proposed::SIGNATURE_HASH,
    IPolicies::Approved::SIGNATURE_HASH,
    IPolicies::ApprovalWithdrawn::SIGNATURE_HASH,
    IPolicies::Executed::SIGNATURE_HASH,
    IPolicies::Withdrawn::SIGNATURE_HASH,
];

/// The proposal that somebody has made, approved or carried out.
fn proposal(names: &Names, log: &Log) -> Option<B256> {
    let [event, id, ..] = log.topics.as_slice() else { return None };
    (log.address == names.membership.policies && PROPOSALS.contains(event)).then_some(*id)
}

/// Contracts that speak of accounts and organizations.
fn contracts(names: &Names) -> Vec<Address> {
    let contracts = &names.contracts;
    let some = [contracts.escrow, contracts.anchors, contracts.data_catalog, names.registry];
    let membership = [names.membership.members, names.membership.policies];
    let all = membership.into_iter().chain(some.into_iter().flatten());
    all.chain(contracts.currencies.values().copied()).collect()
}

/// Transactions that the accounts sent.
async fn sent(
    consortium: &mut Consortium,
    accounts: &BTreeSet<Address>,
    until: u64,
    found: &mut Found,
) -> Result<(), NodeError> {
    let mut from = 1;
    while from <= until {
        let to = until.min(from + BLOCKS_AT_ONCE - 1);
        let params = (from..=to).map(|number| json!([format!("{number:#x}"), true]));
        let blocks: Vec<Block> = consortium.batch("eth_getBlockByNumber", params).await?;
        for sent in blocks.into_iter().flat_map(|block| block.transactions) {
            if accounts.contains(&sent.from) {
                found.transactions.insert(sent.hash);
            }
        }
        from = to + 1;
    }
    Ok(())
}

/// Orders in which one of the accounts is shopper, merchant or carrier, and all that happened to them.
async fn orders(
    consortium: &mut Consortium,
    names: &Names,
    accounts: &BTreeSet<Address>,
    until: u64,
    found: &mut Found,
) -> Result<(), NodeError> {
    let Some(escrow) = names.contracts.escrow else { return Ok(()) };
    let topics = vec![json!(IEscrow::Authorized::SIGNATURE_HASH)];
    for placed in logs(consortium, &[escrow], &topics, until).await? {
        let Log { topics, data, .. } = &placed.log;
        let Ok(event) = IEscrow::Authorized::decode_raw_log(topics.iter().copied(), data) else {
            continue;
        };
        let parties = [event.shopper, event.merchant, event.terms.carrier];
        if parties.iter().any(|party| accounts.contains(party)) {
            found.orders.insert(event.orderId);
        }
    }
    let orders: Vec<B256> = found.orders.iter().copied().collect();
    for some in orders.chunks(ALTERNATIVES) {
        let topics = vec![Value::Null, json!(some)];
        for placed in logs(consortium, &[escrow], &topics, until).await? {
            found.transactions.insert(placed.transaction_hash);
        }
    }
    Ok(())
}

/// Logs of contracts up to a block. A node refuses a question with too many answers, so the span is halved
/// until it takes it.
async fn logs(
    consortium: &mut Consortium,
    contracts: &[Address],
    topics: &[Value],
    until: u64,
) -> Result<Vec<Placed>, NodeError> {
    let mut all = Vec::new();
    let (mut from, mut span) = (0, LOG_BLOCKS);
    while from <= until {
        let to = until.min(from + span - 1);
        let filter = json!([{
            "fromBlock": format!("{from:#x}"), "toBlock": format!("{to:#x}"),
            "address": contracts, "topics": topics,
        }]);
        match consortium.call::<Vec<Placed>>("eth_getLogs", &filter).await {
            Ok(found) => {
                all.extend(found);
                from = to + 1;
            }
            Err(error) if span == 1 => return Err(error),
            Err(_) => span /= 2,
        }
    }
    Ok(all)
}
