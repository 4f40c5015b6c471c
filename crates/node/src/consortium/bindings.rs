//! Generated from the checked-in artifacts, so that Rust cannot drift from the contracts.
#![allow(missing_docs, clippy::too_many_arguments, reason = "generated code")]

pub(crate) mod members {
    alloy_sol_types::sol!(
        #[derive(Debug, PartialEq, serde::Serialize)]
        IMembers,
        "../../contracts/artifacts/IMembers.json"
    );
}

pub(crate) mod policies {
    alloy_sol_types::sol!(
        #[derive(Debug, PartialEq, serde::Serialize)]
        IPolicies,
        "../../contracts/artifacts/IPolicies.json"
    );
}

pub(crate) mod catalog {
    alloy_sol_types::sol!(
        #[derive(Debug, PartialEq, serde::Serialize)]
        IDataCatalog,
        "../../contracts/artifacts/IDataCatalog.json"
    );
}

pub(crate) mod engines {
    alloy_sol_types::sol!(
        #[derive(Debug, PartialEq, serde::Serialize)]
        IEngines,
        "../../contracts/artifacts/IEngines.json"
    );
}

pub(crate) mod registry {
    alloy_sol_types::sol!(
        #[derive(Debug, PartialEq)]
        IValidatorRegistry,
        "../../contracts/artifacts/IValidatorRegistry.json"
    );
}

pub(crate) mod staking {
    alloy_sol_types::sol!(
        #[derive(Debug, PartialEq)]
        IStaking,
        "../../contracts/artifacts/IStaking.json"
    );
}

pub(crate) mod upgrades {
    alloy_sol_types::sol!(
        #[derive(Debug, PartialEq, serde::Serialize)]
        IUpgrades,
        "../../contracts/artifacts/IUpgrades.json"
    );
}
