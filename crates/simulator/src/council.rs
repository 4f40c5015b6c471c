//! Members who change the engine by vote, again and again: as a proposal that its admin carries out.

use crate::{error::Broken, genesis};
use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, Bytes, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use contracts::{engines::IEngines, policies::IPolicies};
use hanse_node::{DevelopmentWallet, simulation::LocalChain};
use hanse_primitives::{ChainSpec, Engine, Height, Tenure, Transaction, ValidatorSettings};
use rand::{Rng, rngs::StdRng};

/// Generated from the checked-in artifacts, so that Rust cannot drift from the contracts.
mod contracts {
    #![allow(missing_docs, clippy::too_many_arguments, reason = "generated code")]

    pub(super) mod engines {
        alloy_sol_types::sol!(IEngines, "../../contracts/artifacts/IEngines.json");
    }

    pub(super) mod policies {
        alloy_sol_types::sol!(IPolicies, "../../contracts/artifacts/IPolicies.json");
    }
}

/// Which of the well-known accounts acts: none that trades.
const ADMIN: usize = 8;

/// `IEngines.Kind`.
const BFT: u8 = 1;
const POS: u8 = 2;

/// Blocks beyond the notice after which a change is to take effect, at most. Some come too late.
const AHEAD_MAX: u64 = 8;

/// Those who decide on the engine.
pub(crate) struct Council {
    key: PrivateKeySigner,
    chain_id: u64,
    policies: Address,
    engines: Address,
    registry: Address,
    /// By nonce.
    sent: Vec<Bytes>,
    /// The nonce in the newest final state.
    done: u64,
    highest: Height,
    proposals: u64,
    tenure: Option<Tenure>,
}

impl Council {
    /// The council of a network whose members vote on the engine.
    pub(crate) fn of(spec: &ChainSpec) -> Option<Self> {
        let hanse = spec.hanse()?;
        Some(Self {
            key: DevelopmentWallet::new().keys()[ADMIN].clone(),
            chain_id: spec.chain_id(),
            policies: hanse.contracts.membership?.policies,
            engines: hanse.contracts.engines?,
            registry: hanse.consensus.validators()?.contract,
            sent: Vec::new(),
            done: 0,
            highest: Height::GENESIS,
            proposals: 0,
            tenure: None,
        })
    }

    /// Reads how things stand, when a member has come further than all before.
    pub(crate) fn look(&mut self, chain: &LocalChain) -> Result<(), Broken> {
        let at = chain.ledger().finalized();
        if at.height <= self.highest && self.tenure.is_some() {
            return Ok(());
        }
        self.highest = at.height;
        let state = chain.ledger().state(at.hash).map_err(Broken::machine)?;
        let info = state.account(&self.key.address()).map_err(Broken::machine)?;
        self.done = info.map_or(0, |info| info.nonce);
        self.tenure = chain.executor().tenure(at).map_err(Broken::machine)?;
        Ok(())
    }

    /// The next transaction, or one that has not become final yet.
    pub(crate) fn next(&mut self, rng: &mut StdRng) -> Option<Bytes> {
        let oldest = usize::try_from(self.done).unwrap_or(usize::MAX);
        if let Some(raw) = self.sent.get(oldest) {
            return Some(raw.clone());
        }
        let tenure = self.tenure.clone()?;
        let input = match &tenure.next {
            Some(_) if rng.gen_ratio(1, 6) => IEngines::cancelCall {}.abi_encode(),
            Some(_) => return None,
            None => self.change(&tenure, rng).abi_encode(),
        };
        let call = IPolicies::Call { target: self.engines, data: input.into() };
        let propose = IPolicies::proposeCall {
            calls: vec![call],
            description: "another engine".to_owned(),
            lifetime: 1_000,
        };
        let execute = IPolicies::executeCall { id: U256::from(self.proposals) };
        self.proposals += 1;
        for input in [propose.abi_encode(), execute.abi_encode()] {
            let raw = self.sign(input.into());
            self.sent.push(raw);
        }
        self.sent.get(oldest).cloned()
    }

    /// Mostly the other engine, sometimes other times of the same.
    fn change(&self, tenure: &Tenure, rng: &mut StdRng) -> IEngines::changeCall {
        let by_stake = matches!(tenure.engine, Engine::Pos(_)) ^ rng.gen_ratio(3, 4);
        let (kind, validators) =
            if by_stake { (POS, genesis::STAKES) } else { (BFT, self.registry) };
        let times = ValidatorSettings::default();
        let milliseconds = |time: u64| u32::try_from(time).expect("defaults are seconds at most");
        let timing = IEngines::Timing {
            blockTimeMs: *[0, 100, 500].get(rng.gen_range(0..3)).expect("one of three"),
            emptyBlockTimeMs: rng.gen_range(500..3_000),
            proposeTimeoutMs: milliseconds(times.propose_timeout_ms),
            voteTimeoutMs: milliseconds(times.vote_timeout_ms),
            timeoutStepMs: milliseconds(times.timeout_step_ms),
        };
        // Three blocks may pass until it is carried out, or many more: then it comes too late and is no change.
        let ahead = genesis::NOTICE + rng.gen_range(2..=AHEAD_MAX);
        IEngines::changeCall { from: self.highest.0 + ahead, kind, validators, timing }
    }

    fn sign(&self, input: Bytes) -> Bytes {
        let transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce: self.sent.len() as u64,
            gas_limit: 3_000_000,
            to: TxKind::Call(self.policies),
            input,
            ..TxEip1559::default()
        };
        let digest = transaction.signature_hash();
        let signature = self.key.sign_hash_sync(&digest);
        let signature = signature.expect("a key in memory signs any digest");
        let signed: Transaction = transaction.into_signed(signature).into();
        signed.encoded_2718().into()
    }
}
