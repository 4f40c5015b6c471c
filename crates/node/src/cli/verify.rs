//! `hanse verify`

mod client;
mod report;

use super::{block_on, quiet_logs, say};
use crate::{NodeError, client::Endpoint};
use alloy_primitives::{Address, B256, TxHash, U256};
use clap::Subcommand;
use client::Light;
use hanse_commerce::orders::OrderRecord;
use report::{Report, Subject};
use std::path::PathBuf;

/// Asks a node and believes nothing that it cannot prove: the genesis file says who the first
/// validators are, their signatures say which block is final and who comes after them, and Merkle
/// proofs say what is in that block. Ends with a non-zero code, and the reason, when anything is not
/// proven.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    from: From,
}

#[derive(Debug, clap::Args)]
struct From {
    /// The node that is asked.
    #[arg(long, global = true, value_name = "URL", default_value = "http://127.0.0.1:8545")]
    rpc: Endpoint,
    /// Genesis file of the chain: what is trusted.
    #[arg(long, global = true, value_name = "FILE", env = "HANSE_CHAIN")]
    genesis: Option<PathBuf>,
    /// File in which the last verified point is kept. It is trusted as the genesis is, and later calls
    /// start from it; it is made if it is not there.
    #[arg(long, global = true, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Say it as JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// That a transaction is in a final block, and what it did.
    Tx {
        /// Its hash.
        hash: TxHash,
    },
    /// An account, and slots of its storage, in the state after the last final block.
    Account {
        /// Its address.
        address: Address,
        /// A slot of its storage, as a number; may be given several times.
        #[arg(long = "slot", value_name = "SLOT")]
        slots: Vec<U256>,
    },
    /// An order, in the state after the last final block.
    Order {
        /// Its id.
        id: B256,
        /// The escrow contract, where genesis does not name it.
        #[arg(long, value_name = "ADDRESS")]
        escrow: Option<Address>,
    },
}

pub(super) fn run(args: Args) -> Result<(), NodeError> {
    quiet_logs()?;
    block_on(async move {
        let From { rpc, genesis, checkpoint, json } = args.from;
        let genesis = genesis.ok_or_else(|| {
            NodeError::Config("--genesis FILE is missing: it says what to trust".to_owned())
        })?;
        let mut light = Light::new(rpc, &genesis, checkpoint)?;
        let report = verify(&mut light, args.what).await?;
        light.save()?;
        say(&if json { report.json() } else { report.text() });
        Ok(None)
    })
}

async fn verify(light: &mut Light, what: What) -> Result<Report, NodeError> {
    match what {
        What::Tx { hash } => {
            let (block, proven) = light.transaction(hash).await?;
            Ok(Report::new(block, Subject::Transaction(Box::new(proven))))
        }
        What::Account { address, slots } => {
            let block = light.last_block().await?;
            let account = light.account(&block, address, &slots).await?;
            Ok(Report::new(block, Subject::Account(account)))
        }
        What::Order { id, escrow } => {
            let escrow = escrow.or_else(|| light.escrow()).ok_or_else(|| {
                NodeError::Config("genesis names no escrow; give --escrow ADDRESS".to_owned())
            })?;
            let block = light.last_block().await?;
            let slots = OrderRecord::slots(id);
            let account = light.account(&block, escrow, &slots).await?;
            let values: Vec<U256> = account.slots.iter().map(|(_, value)| *value).collect();
            let values = <[U256; 5]>::try_from(values).expect("one value is proven for each slot");
            let record = OrderRecord::read(values).ok_or_else(|| {
                NodeError::Failed(format!(
                    "it is proven that the escrow {escrow} has no order {id} in block {}",
                    block.header().number
                ))
            })?;
            let slot = OrderRecord::currency_slot(record.currency_number);
            let named = light.account(&block, escrow, &[slot]).await?;
            let currency = named.slots.first().map(|(_, value)| *value).unwrap_or_default();
            let currency = Address::from_word(currency.into());
            Ok(Report::new(block, Subject::Order { id, currency, record }))
        }
    }
}
