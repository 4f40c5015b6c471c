//! Decides which block comes next. One seam, [`Chain`], and the engines that drive it.
//!
//! The engine drives and the chain is passive: an engine asks for a block to be built or imported,
//! sets the head and finalizes. It never sees a transaction, a database, a socket or a clock; time
//! comes in as an argument. So far there is one engine, [`Solo`]; it seals alone, for development.

mod chain;
mod solo;

pub use chain::{
    BuildError, Chain, ChainError, ChainUpdate, InvalidBlock, Seal, Validator, ValidatorSet,
    Verdict,
};
pub use solo::{Solo, SoloError, SoloSettings, Step};
