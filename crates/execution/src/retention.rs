//! The network's rules for how long data are kept.

use crate::{ExecutionError, Executor};
use alloy_primitives::{Address, B256};
use bindings::IDataCatalog;
use hanse_primitives::BlockHash;

/// Generated from the checked-in artifact, so that Rust cannot drift from the contract.
mod bindings {
    #![allow(missing_docs, clippy::too_many_arguments, reason = "generated code")]
    alloy_sol_types::sol!(
        #[derive(Debug)]
        IDataCatalog,
        "../../contracts/artifacts/IDataCatalog.json"
    );
}

/// A rule that the network has adopted (`IDataCatalog.Rule`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionRule {
    /// The organization whose data they are, as a word of ASCII.
    pub owner: B256,
    /// The entry of the catalog that it comes from.
    pub id: B256,
    /// Days after which nodes let go; not 0.
    pub days: u32,
    /// The contracts that keep the data.
    pub contracts: Vec<Address>,
}

impl Executor {
    /// The rules after block `at`; none on a chain without a catalog of data.
    ///
    /// # Errors
    /// As [`Executor::validators`].
    pub fn retention_rules(&self, at: BlockHash) -> Result<Vec<RetentionRule>, ExecutionError> {
        let catalog = self.spec().hanse().and_then(|hanse| hanse.contracts.data_catalog);
        let Some(catalog) = catalog else { return Ok(Vec::new()) };
        let rules = self.ask_contract(at, catalog, &IDataCatalog::rulesCall {})?;
        let rule = |rule: IDataCatalog::Rule| RetentionRule {
            owner: rule.owner,
            id: rule.id,
            days: rule.retentionDays,
            contracts: rule.contracts,
        };
        Ok(rules.into_iter().map(rule).collect())
    }
}
