//! Puts the head of this node's audit log on the ledger from time to time, so that whoever holds the log can
//! see that nothing was cut off its end.

use crate::{NodeError, audit::AuditLog, own::OwnAccount};
use alloy_primitives::{Address, B256, Bytes};
use alloy_sol_types::SolCall;
use bindings::IAnchors;
use std::{sync::Arc, time::Duration};

/// Generated from the checked-in artifact, so that Rust cannot drift from the contract.
mod bindings {
    #![allow(missing_docs, reason = "generated code")]
    alloy_sol_types::sol!(
        #[derive(Debug)]
        IAnchors,
        "../../contracts/artifacts/IAnchors.json"
    );
}

/// Time between two anchors, if there is something to anchor.
const EVERY: Duration = Duration::from_secs(60);

/// Time until the first look: a node that has just come has no peers yet.
const FIRST: Duration = Duration::from_secs(5);

/// Anchors a log in the name of the validator that this node acts for.
pub(crate) struct Anchorage {
    pub(crate) own: OwnAccount,
    pub(crate) contract: Address,
    pub(crate) log: Arc<AuditLog>,
}

impl Anchorage {
    /// Runs for as long as the runtime.
    pub(crate) fn start(self) {
        tokio::spawn(async move {
            let (mut anchored, mut wait, mut said) = (0, FIRST, String::new());
            loop {
                tokio::time::sleep(wait).await;
                wait = EVERY;
                let head = self.log.head();
                if head.entries <= anchored || self.own.has_pending().unwrap_or(true) {
                    continue;
                }
                let call = IAnchors::anchorCall { head: head.hash, entries: head.entries };
                match self.own.call(self.contract, call.abi_encode().into()) {
                    Ok(hash) => {
                        tracing::debug!(%hash, entries = head.entries, "anchored the audit log");
                        anchored = head.entries;
                    }
                    Err(error) => {
                        // Once, not every minute: it stays so until somebody does something.
                        let text = error.to_string();
                        if said != text {
                            tracing::warn!(
                                %error,
                                "the audit log is not anchored, and is tried again; in a network for \
                                 members only the validator's account has to be enrolled (hanse org \
                                 account enroll --account-key validator.key --roles validator)"
                            );
                            said = text;
                        }
                    }
                }
            }
        });
    }
}

/// An anchor on the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Anchor {
    pub(crate) head: B256,
    pub(crate) entries: u64,
}

/// The question for an account's last anchor, as the input of a call.
pub(crate) fn last_anchor(account: Address) -> Bytes {
    IAnchors::lastAnchorCall { account }.abi_encode().into()
}

/// Reads the answer to [`last_anchor`]; `None` when nothing was anchored.
///
/// # Errors
/// When it is none.
pub(crate) fn read_anchor(answer: &[u8]) -> Result<Option<Anchor>, NodeError> {
    let anchor = IAnchors::lastAnchorCall::abi_decode_returns(answer)
        .map_err(|error| NodeError::Client(format!("no anchor: {error}")))?;
    let found = Anchor { head: anchor.head, entries: anchor.entries };
    Ok((found.entries > 0).then_some(found))
}
