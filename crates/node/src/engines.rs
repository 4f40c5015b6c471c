//! Which engine decides the next block, and what carries out its wishes.

use crate::{
    driver::{Engines, Equipped, Outside},
    wal::NoWal,
};
use alloy_primitives::Address;
use hanse_consensus::{Chain, Effect, Solo, SoloSettings};
use hanse_primitives::Engine;

/// Makes engines as the chain's genesis names them.
pub(crate) fn engines() -> Engines {
    Box::new(|chain| {
        let head = chain.head();
        let block = chain.block(head.hash).map_err(|error| error.to_string())?;
        let block = block.ok_or_else(|| format!("the head {} is not known", head.hash))?;
        match chain.spec.engine_at(head.height.next()) {
            Some(Engine::Solo { block_time_ms }) => {
                let settings =
                    SoloSettings { block_time_ms: *block_time_ms, fee_recipient: Address::ZERO };
                let engine = Box::new(Solo::new(settings, &block));
                Ok(Equipped { engine, wal: Box::new(NoWal) })
            }
            Some(other) => {
                Err(format!("this version cannot run the consensus engine {other:?} yet"))
            }
            None => Err("the genesis names no consensus engine".to_owned()),
        }
    })
}

/// The outside of a node that seals alone: there is nobody.
#[derive(Debug)]
pub(crate) struct Alone;

impl Outside for Alone {
    fn carry(&mut self, effect: Effect) {
        tracing::debug!(?effect, "there is nobody to tell");
    }
}
