use thiserror::Error;

/// Bytes or text that are not what they claim to be. Always the fault of whoever made them.
#[derive(Debug, Error)]
pub enum PrimitiveError {
    /// The genesis file is not JSON of the expected shape.
    #[error("the genesis is not valid: {0}")]
    GenesisSyntax(#[from] serde_json::Error),
    /// The genesis is well formed but contradicts itself or asks for what Hanse does not do.
    #[error("the genesis is not valid: {0}")]
    Genesis(String),
    /// RLP that does not decode, or has bytes left over.
    #[error("invalid RLP: {0}")]
    Rlp(#[from] alloy_rlp::Error),
    /// A transaction envelope that does not decode.
    #[error("invalid transaction: {0}")]
    Transaction(#[from] alloy_eips::eip2718::Eip2718Error),
    /// Nobody can have made the signature.
    #[error("invalid signature")]
    Signature,
    /// Two messages that do not contradict each other, or are not by one validator.
    #[error("this is no evidence: {0}")]
    Evidence(&'static str),
}
