//! What members sign for others to hand in (EIP-712).

use super::bindings::policies::IPolicies;
use crate::NodeError;
use alloy_primitives::{Address, B256, Bytes, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{Eip712Domain, SolStruct, SolValue, eip712_domain};
use serde::{Deserialize, Serialize};

mod typed {
    #![allow(missing_docs, reason = "generated code")]
    alloy_sol_types::sol! {
        #[derive(Debug)]
        struct Enrollment {
            bytes32 organization;
            address account;
            uint32 roles;
            uint64 validUntil;
            bytes32 certificate;
            uint256 nonce;
        }

        #[derive(Debug)]
        struct Approval {
            uint256 proposal;
            bytes32 content;
        }

        #[derive(Debug)]
        struct Endorsement {
            address sender;
            uint64 nonce;
            address to;
            uint256 value;
            bytes32 data;
        }
    }
}

pub(crate) use typed::{Approval, Endorsement, Enrollment as Consent};

/// What can be signed, and under which name its contract knows it.
pub(crate) trait Signable: SolStruct {
    /// The name of the domain.
    const DOMAIN: &'static str;

    /// What a wallet signs.
    fn digest(&self, chain_id: u64, contract: Address) -> B256 {
        self.eip712_signing_hash(&domain(Self::DOMAIN, chain_id, contract))
    }

    /// Signs it.
    fn sign(
        &self,
        key: &PrivateKeySigner,
        chain_id: u64,
        contract: Address,
    ) -> Result<Bytes, NodeError> {
        let signature = key
            .sign_hash_sync(&self.digest(chain_id, contract))
            .map_err(|error| NodeError::Failed(format!("the key does not sign: {error}")))?;
        Ok(Bytes::copy_from_slice(&signature.as_bytes()))
    }
}

impl Signable for Consent {
    const DOMAIN: &'static str = "Hanse Members";
}

impl Signable for Approval {
    const DOMAIN: &'static str = "Hanse Policies";
}

impl Signable for Endorsement {
    const DOMAIN: &'static str = "Hanse Policies";
}

fn domain(name: &'static str, chain_id: u64, contract: Address) -> Eip712Domain {
    eip712_domain! {
        name: name,
        version: "1",
        chain_id: chain_id,
        verifying_contract: contract,
    }
}

/// A signature with whose it is, as one line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SignedApproval {
    pub(crate) account: Address,
    pub(crate) signature: Bytes,
    /// What was signed, for whoever sorts files.
    pub(crate) of: B256,
}

impl From<SignedApproval> for IPolicies::Approval {
    fn from(signed: SignedApproval) -> Self {
        Self { account: signed.account, signature: signed.signature }
    }
}

/// What the approvals of a proposal sign, besides its number.
pub(crate) fn content_of(calls: &[IPolicies::Call], description: &str) -> B256 {
    keccak256((calls.to_vec(), description.to_owned()).abi_encode_params())
}
