//! Keeps what is derived from the chain up to date.

use crate::{NodeError, history::Gone};
use alloy_primitives::Address;
use hanse_commerce::orders::Orders;
use hanse_ledger::{Ledger, LedgerError};
use hanse_rpc::{ChainEvent, Events};
use std::sync::Arc;
use tokio::sync::broadcast::error::RecvError;

/// Rebuilds the order view from the ledger and keeps it up to date; what the ledger lets go, it forgets.
pub(crate) fn orders(
    escrow: Address,
    events: &Events,
    ledger: &Ledger,
    mut gone: Gone,
) -> Result<Arc<Orders>, NodeError> {
    let orders = Arc::new(Orders::new(escrow));
    let mut chain = events.chain();
    let (view, ledger) = (Arc::clone(&orders), ledger.clone());
    catch_up(&view, &ledger)?;
    tokio::spawn(async move {
        let mut is_pruning = true;
        loop {
            tokio::select! {
                event = chain.recv() => match event {
                    Ok(event) => take(&view, &event),
                    // Too far behind for the channel: the ledger has what was missed.
                    Err(RecvError::Lagged(_)) => {
                        if let Err(error) = catch_up(&view, &ledger) {
                            tracing::error!(%error, "the order view cannot follow the chain");
                        }
                    }
                    Err(RecvError::Closed) => return,
                },
                changed = gone.changed(), if is_pruning => {
                    is_pruning = changed.is_ok();
                    if is_pruning {
                        forget(&view, &ledger, escrow).await;
                    }
                }
            }
        }
    });
    Ok(orders)
}

fn take(view: &Orders, event: &ChainEvent) {
    for block in event.adopted.iter() {
        if view.next() == block.block().height() {
            view.apply(&block.clone().into());
        }
    }
}

fn catch_up(view: &Orders, ledger: &Ledger) -> Result<(), LedgerError> {
    for block in ledger.blocks(view.next())? {
        view.apply(&block?);
    }
    Ok(())
}

/// Reads what is left from the beginning, and shows that from then on.
async fn forget(view: &Orders, ledger: &Ledger, escrow: Address) {
    let ledger = ledger.clone();
    let read = tokio::task::spawn_blocking(move || {
        let fresh = Orders::new(escrow);
        catch_up(&fresh, &ledger).map(|()| fresh)
    });
    match read.await {
        Ok(Ok(fresh)) => view.replace(fresh),
        Ok(Err(error)) => tracing::error!(%error, "orders are not forgotten yet"),
        Err(error) => tracing::error!(%error, "reading the orders anew has failed"),
    }
}
