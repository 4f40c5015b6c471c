//! Decides which block comes next. One seam, [`Chain`], and the engines that drive it.
//!
//! The engine drives and the chain is passive: an engine asks for a block to be built or imported,
//! sets the head and finalizes. It never sees a transaction, a database, a socket or a clock; time and
//! messages come in as arguments, and what it wants done goes out as [`Effect`]s. The node's driver and
//! the simulator run the same engines.
//!
//! - [`Solo`] seals alone, for development.
//! - [`Pow`] competes with other miners; the heaviest chain counts.
//! - [`Bft`] lets validators vote, equal or weighted by stake; what they decide is final.
//! - [`Succession`] lets miners compete up to a height, and validators vote from there on.

mod bft;
mod chain;
mod engine;
mod pow;
mod randao;
mod solo;
mod succession;
#[cfg(feature = "test-utils")]
pub mod testing;

pub use bft::{Ballot, Bft, BftSettings, MESSAGE_BYTES_MAX, RoundView, logged_height};
#[cfg(feature = "treason")]
pub use bft::{Said, Traitor, Treason, TreasonOrder, said};
pub use chain::{BuildError, Chain, ChainError, ChainUpdate, InvalidBlock, Seal, Verdict};
pub use engine::{
    Effect, Engine, EngineError, EngineStatus, Event, HANDOVER, Host, Job, PeerFault, Signer,
    Urgency, Wal, WalError,
};
pub use pow::{Found, MinerSettings, Pow, PowSettings, search};
pub use solo::{Solo, SoloError, SoloSettings, Step};
pub use succession::{Heir, Succession};
