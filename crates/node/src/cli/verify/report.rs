//! Says what was proven, and by whom.

use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, B256};
use hanse_commerce::orders::OrderRecord;
use hanse_light::{Decision, FinalBlock, ProvenAccount, ProvenTransaction};
use serde_json::{Value, json};

/// What was asked for.
pub(super) enum Subject {
    Transaction(Box<ProvenTransaction>),
    Account(ProvenAccount),
    Order { id: B256, currency: Address, record: OrderRecord },
}

/// What was proven.
pub(super) struct Report {
    block: FinalBlock,
    subject: Subject,
}

impl Report {
    pub(super) const fn new(block: FinalBlock, subject: Subject) -> Self {
        Self { block, subject }
    }

    pub(super) fn text(&self) -> String {
        let header = self.block.header();
        let mut lines = vec![format!("proven    {}", self.subject.title())];
        lines.extend(
            self.subject.lines().into_iter().map(|(name, value)| format!("{name:<9} {value}")),
        );
        lines.push(format!("block     {} {}", header.number, self.block.hash()));
        lines.push(format!("time      {} (seconds since 1970)", header.timestamp));
        let support = self.block.support();
        lines.push(match support.decision {
            Decision::Own { signed, total } => {
                format!("final     signed with {signed} of {total} voting power, round {}", support.round)
            }
            Decision::Child => format!(
                "final     block {}, which builds on it, is signed with {} of {} trusted voting power",
                support.number, support.signed, support.total
            ),
        });
        lines.push(format!(
            "trust     {} of {} voting power known since block {} signed",
            support.signed, support.total, support.trusted_since
        ));
        lines.extend(support.signers.iter().map(|signer| format!("signer    {signer}")));
        lines.join("\n")
    }

    pub(super) fn json(&self) -> String {
        let (header, support) = (self.block.header(), self.block.support());
        let own = match support.decision {
            Decision::Own { signed, total } => {
                json!({ "signedPower": signed.to_string(), "totalPower": total.to_string() })
            }
            Decision::Child => Value::Null,
        };
        json!({
            "proven": self.subject.json(),
            "block": {
                "number": header.number, "hash": self.block.hash(), "timestamp": header.timestamp,
            },
            "support": {
                "block": support.number, "round": support.round, "signers": support.signers,
                "trustedSince": support.trusted_since,
                "signedPower": support.signed.to_string(),
                "totalPower": support.total.to_string(),
                "own": own,
            },
        })
        .to_string()
    }
}

impl Subject {
    fn title(&self) -> String {
        match self {
            Self::Transaction(proven) => format!("transaction {}", proven.transaction.tx_hash()),
            Self::Account(account) if account.exists => format!("account {}", account.address),
            Self::Account(account) => format!("there is no account {}", account.address),
            Self::Order { id, .. } => format!("order {id}"),
        }
    }

    fn lines(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Transaction(proven) => {
                let (transaction, receipt) = (&proven.transaction, &proven.receipt);
                let to = transaction.to();
                let to = to.map_or_else(|| "a new contract".to_owned(), |to| to.to_string());
                let outcome = if receipt.status() { "succeeded" } else { "failed" };
                vec![
                    ("position", proven.index.to_string()),
                    ("from", transaction.signer().to_string()),
                    ("to", to),
                    ("value", transaction.value().to_string()),
                    ("outcome", format!("{outcome}, {} logs", receipt.logs().len())),
                ]
            }
            Self::Account(account) => {
                let mut lines = vec![
                    ("balance", account.balance.to_string()),
                    ("nonce", account.nonce.to_string()),
                    ("code", account.code_hash.to_string()),
                ];
                let slot = |(slot, value)| ("slot", format!("{slot:#x} = {value:#x}"));
                lines.extend(account.slots.iter().copied().map(slot));
                lines
            }
            Self::Order { currency, record, .. } => vec![
                ("state", record.state.name().to_owned()),
                ("amount", format!("{} minor units of {currency}", record.amount)),
                ("delivery", format!("{} of it", record.shipping_fee)),
                ("refunded", record.refunded.to_string()),
                ("shopper", record.shopper.to_string()),
                ("merchant", record.merchant.to_string()),
                ("carrier", record.carrier.to_string()),
                ("document", record.document.to_string()),
            ],
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Transaction(proven) => json!({
                "transaction": proven.transaction.tx_hash(),
                "index": proven.index,
                "from": proven.transaction.signer(),
                "to": proven.transaction.to(),
                "value": proven.transaction.value().to_string(),
                "succeeded": proven.receipt.status(),
                "logs": proven.receipt.logs().iter().map(|log| json!({
                    "address": log.address, "topics": log.topics(), "data": log.data.data,
                })).collect::<Vec<_>>(),
            }),
            Self::Account(account) => json!({
                "account": account.address,
                "exists": account.exists,
                "balance": account.balance.to_string(),
                "nonce": account.nonce,
                "codeHash": account.code_hash,
                "slots": account.slots.iter().map(|(slot, value)| json!({
                    "slot": slot, "value": value,
                })).collect::<Vec<_>>(),
            }),
            Self::Order { id, currency, record } => {
                json!({ "order": id, "currency": currency, "record": record })
            }
        }
    }
}
