//! What the state after the last final block says of accounts and orders, with proofs.

use super::{Kit, json_lines, lines::Book, unproven};
use crate::{
    NodeError,
    consortium::{Consortium, Names, roles_text},
};
use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256, keccak256};
use hanse_commerce::orders::OrderRecord;
use hanse_light::{AccountProof, FinalBlock, FinalityProof, ProvenAccount, Verifier};
use serde::Serialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Slots that are proven at once; orders have five each.
const SLOTS_AT_ONCE: usize = 500;

/// An account of the organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccountLine {
    account: Address,
    /// Transactions that it has sent.
    nonce: u64,
    #[serde(serialize_with = "decimal")]
    balance: U256,
    /// Number of the admission of its organization, from 1; 0 for one that is enrolled no more.
    admission: u64,
    roles: String,
    /// The last second of its enrollment; 0 for ever.
    valid_until: u64,
    #[serde(skip)]
    is_plain: bool,
}

/// An order of the organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct OrderLine {
    order: B256,
    currency: Address,
    #[serde(flatten)]
    record: OrderRecord,
}

fn decimal<S: serde::Serializer>(value: &U256, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// What is proven of the state.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) accounts: Vec<AccountLine>,
    pub(super) orders: Vec<OrderLine>,
}

/// The slot of an account's record: in the mapping `RECORDS_SLOT` of `Members.sol`, whose place is named as
/// ERC-7201 says.
fn record_slot(account: Address) -> U256 {
    let name: U256 = keccak256("hanse.members.records").into();
    let place: U256 = keccak256(B256::from(name - U256::from(1))).into();
    let mapping = B256::from(place & !U256::from(0xff));
    keccak256([account.into_word(), mapping].concat()).into()
}

/// The last final block, verified.
pub(super) async fn last_block(
    consortium: &mut Consortium,
    trusted: &Verifier,
    kit: &mut Kit,
) -> Result<FinalBlock, NodeError> {
    let proof: FinalityProof =
        consortium.call("hanse_getFinalityProof", &json!(["finalized", "0x0"])).await?;
    let block = trusted.clone().finality(&proof, proof.number);
    let block = block.map_err(|error| unproven("the last block", error))?;
    kit.write_json("state/finality.json", &proof)?;
    Ok(block)
}

/// Gets, verifies and keeps the proofs.
pub(super) async fn fetch(
    consortium: &mut Consortium,
    last: &FinalBlock,
    names: &Names,
    accounts: &[Address],
    orders: &[B256],
    kit: &mut Kit,
) -> Result<State, NodeError> {
    let mut reader = Reader::new(names);
    let mut wanted: Vec<(Address, Vec<U256>)> =
        accounts.iter().map(|account| (*account, Vec::new())).collect();
    let records: Vec<U256> = accounts.iter().map(|account| record_slot(*account)).collect();
    wanted.extend(
        records.chunks(SLOTS_AT_ONCE).map(|some| (names.membership.members, some.to_vec())),
    );
    if let Some(escrow) = names.contracts.escrow {
        let slots: Vec<U256> = orders.iter().flat_map(|order| OrderRecord::slots(*order)).collect();
        wanted.extend(slots.chunks(SLOTS_AT_ONCE).map(|some| (escrow, some.to_vec())));
    }
    for (at, (address, slots)) in wanted.iter().enumerate() {
        reader.ask(consortium, last, *address, slots, at, kit).await?;
    }
    // Which slots name the currencies is in the orders.
    let currencies = reader.currency_slots(orders);
    if let (Some(escrow), false) = (names.contracts.escrow, currencies.is_empty()) {
        reader.ask(consortium, last, escrow, &currencies, wanted.len(), kit).await?;
    }
    let state = reader.state(accounts, orders)?;
    state.files().into_iter().try_for_each(|(name, text)| kit.write(name, text.as_bytes()))?;
    Ok(state)
}

/// What was proven so far.
pub(super) struct Reader<'a> {
    names: &'a Names,
    accounts: BTreeMap<Address, ProvenAccount>,
    slots: BTreeMap<(Address, U256), U256>,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(names: &'a Names) -> Self {
        Self { names, accounts: BTreeMap::new(), slots: BTreeMap::new() }
    }

    async fn ask(
        &mut self,
        consortium: &mut Consortium,
        last: &FinalBlock,
        address: Address,
        slots: &[U256],
        at: usize,
        kit: &mut Kit,
    ) -> Result<(), NodeError> {
        let block = json!({ "blockHash": last.hash() });
        let proof: AccountProof =
            consortium.call("eth_getProof", &json!([address, slots, block])).await?;
        self.take(last, &proof, slots)?;
        kit.write(
            &format!("state/{at:06}.json"),
            &serde_json::to_vec(&proof).expect("a proof is plain data"),
        )
    }

    /// Verifies a proof of an account and slots of it, and remembers what it proves.
    pub(super) fn take(
        &mut self,
        last: &FinalBlock,
        proof: &AccountProof,
        slots: &[U256],
    ) -> Result<(), NodeError> {
        let address = proof.address;
        let proven = last.account(proof, address, slots);
        let proven = proven.map_err(|error| unproven(&format!("account {address}"), error))?;
        self.slots.extend(proven.slots.iter().map(|(slot, value)| ((address, *slot), *value)));
        self.accounts.insert(address, proven);
        Ok(())
    }

    fn record(&self, order: B256) -> Option<OrderRecord> {
        let escrow = self.names.contracts.escrow?;
        let value = |slot| self.slots.get(&(escrow, slot)).copied();
        let [one, two, three, four, five] = OrderRecord::slots(order).map(value);
        OrderRecord::read([one?, two?, three?, four?, five?])
    }

    fn currency_slots(&self, orders: &[B256]) -> Vec<U256> {
        let numbers: BTreeSet<u32> = orders
            .iter()
            .filter_map(|order| self.record(*order))
            .map(|record| record.currency_number)
            .collect();
        numbers.into_iter().map(OrderRecord::currency_slot).collect()
    }

    /// What all proofs together say.
    pub(super) fn state(&self, accounts: &[Address], orders: &[B256]) -> Result<State, NodeError> {
        let unproven = |what: String| NodeError::Failed(format!("{what} is not proven"));
        let members = self.names.membership.members;
        let mut state = State::default();
        for account in accounts {
            let proven = self.accounts.get(account);
            let record = self.slots.get(&(members, record_slot(*account)));
            let (Some(proven), Some(record)) = (proven, record) else {
                return Err(unproven(format!("account {account}")));
            };
            let part = |shift: usize, bits: usize| {
                let mask = (U256::from(1) << bits) - U256::from(1);
                ((*record >> shift) & mask).saturating_to::<u64>()
            };
            let roles = u32::try_from(part(64, 32)).expect("32 bits are left");
            state.accounts.push(AccountLine {
                account: *account,
                nonce: proven.nonce,
                balance: proven.balance,
                admission: part(0, 64),
                roles: roles_text(roles),
                valid_until: part(96, 64),
                is_plain: !proven.exists || proven.code_hash == KECCAK256_EMPTY,
            });
        }
        for order in orders {
            let record = self.record(*order).ok_or_else(|| unproven(format!("order {order}")))?;
            let escrow = self.names.contracts.escrow.unwrap_or_default();
            let slot = OrderRecord::currency_slot(record.currency_number);
            let currency = self.slots.get(&(escrow, slot));
            let currency = currency.ok_or_else(|| unproven(format!("order {order}")))?;
            let currency = Address::from_word((*currency).into());
            state.orders.push(OrderLine { order: *order, currency, record });
        }
        Ok(state)
    }
}

impl State {
    /// The files, by their names.
    pub(super) fn files(&self) -> Vec<(&'static str, String)> {
        vec![
            ("accounts.jsonl", json_lines(&self.accounts)),
            ("orders.jsonl", json_lines(&self.orders)),
        ]
    }

    /// Makes sure that no transaction of an account is missing: each has a number of its own, and the state
    /// says how many there are. Accounts with code have other ways to use numbers up.
    pub(super) fn complete(&self, book: &Book) -> Result<(), NodeError> {
        for account in self.accounts.iter().filter(|account| account.is_plain) {
            let sent = book.transactions.iter().filter(|line| line.from == account.account);
            let numbers: BTreeSet<u64> =
                sent.map(|line| line.nonce).filter(|nonce| *nonce < account.nonce).collect();
            let found = u64::try_from(numbers.len()).unwrap_or(u64::MAX);
            if found != account.nonce {
                return Err(NodeError::Failed(format!(
                    "{} has sent {} transactions, and {found} of them are here",
                    account.account, account.nonce
                )));
            }
        }
        Ok(())
    }
}
