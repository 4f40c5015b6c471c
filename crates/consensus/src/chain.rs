use hanse_primitives::{
    Attributes, BlockHash, BlockRef, CommitCertificate, Executed, Height, SealedBlock, ValidatorSet,
};
use thiserror::Error;

/// What an engine may ask of the chain. Implemented once, in `hanse-node`, over execution and ledger.
pub trait Chain {
    /// The head: the block that the next one is built on.
    fn head(&self) -> BlockRef;

    /// The last final block.
    fn finalized(&self) -> BlockRef;

    /// A block of any branch that is still known.
    ///
    /// # Errors
    /// [`ChainError::Storage`].
    fn block(&self, hash: BlockHash) -> Result<Option<SealedBlock>, ChainError>;

    /// The block of the head's branch at a height, and, once it is final, what made it so.
    ///
    /// # Errors
    /// [`ChainError::Storage`].
    fn block_at(&self, height: Height) -> Result<Option<(SealedBlock, Option<Seal>)>, ChainError>;

    /// Builds and executes a block on top of `parent`, with transactions from the pool.
    ///
    /// # Errors
    /// When the parent is unknown, or our own machinery failed.
    fn build(&self, parent: BlockHash, attributes: Attributes) -> Result<SealedBlock, BuildError>;

    /// Gives a block that [`Chain::build`] made another nonce in its header (proof of work): nothing
    /// else changes, so it is not executed again when it is imported.
    ///
    /// # Errors
    /// When the block was not built here, or has been forgotten since.
    fn reseal(&mut self, built: BlockHash, nonce: u64) -> Result<SealedBlock, BuildError>;

    /// Executes a block and keeps its outcome as an overlay on its parent. Idempotent; a block that
    /// [`Chain::build`] made is not executed again.
    fn import(&mut self, block: SealedBlock) -> Verdict;

    /// Makes an imported block the head of the chain. Proof of work may reorganize.
    ///
    /// # Errors
    /// When the block was not imported, or it contradicts what is final.
    fn set_head(&mut self, head: BlockHash) -> Result<ChainUpdate, ChainError>;

    /// Makes the head's ancestors up to `block` final: durable when this returns, siblings dropped.
    ///
    /// # Errors
    /// When the block is not on the head's branch, or the disk failed.
    fn finalize(&mut self, block: BlockHash, seal: Seal) -> Result<(), ChainError>;

    /// Who may vote on the block at `height`; from the world state at `height - 1`, whose block must be
    /// on the head's branch.
    ///
    /// # Errors
    /// [`ChainError::Storage`] when the state cannot be read.
    fn validators_at(&self, height: Height) -> Result<ValidatorSet, ChainError>;

    /// The last height that the engine decides which began at `first`; `None` while the state after the head
    /// knows of no other that follows. Later blocks may bring a change, or take one back in time.
    ///
    /// # Errors
    /// [`ChainError::Storage`] when the state cannot be read.
    fn last_of_engine(&self, first: Height) -> Result<Option<Height>, ChainError>;
}

/// What became of an imported block.
///
/// `Later` is not `Reject`: a missing parent or a fast clock must never condemn an honest block.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Every rule is kept; the block can be voted for and built upon.
    Accept(Executed),
    /// A rule is broken, whoever looks at it and whenever.
    Reject(InvalidBlock),
    /// It cannot be judged yet.
    Later,
}

/// How the head of the chain moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainUpdate {
    /// Blocks that are no longer part of the chain, newest first. Empty under BFT and stake.
    pub reverted: Vec<BlockHash>,
    /// Blocks that now are, oldest first.
    pub adopted: Vec<BlockHash>,
    /// The highest final height; it never falls.
    pub finalized: Height,
}

/// What makes a block final besides its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seal {
    /// A single sealer's word.
    Solo,
    /// The work in its header, and that of the blocks on top of it.
    Work,
    /// The precommits of a quorum.
    Certificate(CommitCertificate),
}

/// The rule that a block breaks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("invalid block {hash}: {reason}")]
pub struct InvalidBlock {
    /// The block.
    pub hash: BlockHash,
    /// What is wrong with it.
    pub reason: String,
}

/// Why no block could be built.
#[derive(Debug, Error)]
pub enum BuildError {
    /// The parent has not been imported, or was dropped when a sibling became final.
    #[error("cannot build on {0}: the block is not known")]
    UnknownParent(BlockHash),
    /// The attributes break a rule (timestamp not above the parent's, extra data too long).
    #[error("cannot build with these attributes: {0}")]
    Attributes(String),
    /// Our own storage or execution failed; nothing was written.
    #[error("cannot build a block: {0}")]
    Internal(String),
}

/// Why the head could not move or the block could not be made final.
#[derive(Debug, Error)]
pub enum ChainError {
    /// The block has not been imported.
    #[error("block {0} is not known")]
    Unknown(BlockHash),
    /// The block is not a descendant of what is final, or not an ancestor of the head.
    #[error("block {0} contradicts the final chain")]
    ContradictsFinality(BlockHash),
    /// The disk failed. The chain must stop: what it would say next could be wrong.
    #[error("the ledger failed: {0}")]
    Storage(String),
}
