//! Generated from the checked-in artifacts, so that Rust cannot drift from the contracts.
#![allow(missing_docs, clippy::too_many_arguments, reason = "generated code")]

alloy_sol_types::sol!(
    #[derive(Debug, serde::Serialize)]
    IEscrow,
    "../../contracts/artifacts/IEscrow.json"
);
alloy_sol_types::sol!(
    #[derive(Debug, serde::Serialize)]
    ICurrency,
    "../../contracts/artifacts/ICurrency.json"
);
/// The contract itself, with its bytecode and constructor.
pub(super) mod escrow {
    alloy_sol_types::sol!(
        #[derive(Debug)]
        Escrow,
        "../../contracts/artifacts/Escrow.json"
    );
}
/// The contract itself, with its bytecode and constructor.
pub(super) mod currency {
    alloy_sol_types::sol!(
        #[derive(Debug)]
        Currency,
        "../../contracts/artifacts/Currency.json"
    );
}
