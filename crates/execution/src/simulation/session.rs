use super::{
    Overrides, overrides,
    request::{NONCE_MAX, Place, explain, transaction_env},
};
use crate::{
    CallError, InvalidCall,
    machine::{BlockEvm, environment, evm},
    permissions::{self, Admitted, Stopped, Subject},
    precompiles::PrecompileSet,
    state::{BlockState, Failure, Source},
};
use alloy_eips::{eip4844::BLOB_TX_MIN_BLOB_GASPRICE, eip7702::constants::EIP7702_TX_TYPE_ID};
use alloy_evm::{Evm, EvmEnv, eth::EthEvmContext};
use alloy_rpc_types_eth::TransactionRequest;
use hanse_primitives::{ChainSpec, Header};
use revm::{
    Inspector,
    context::{
        TxEnv,
        result::{EVMError, HaltReason, ResultAndState},
    },
    context_interface::block::BlobExcessGasAndPrice,
};

/// A place where requests run again and again on one state, each without a trace in the next.
pub(super) struct Session<'a, S: Source, I> {
    evm: BlockEvm<'a, S, I>,
    place: Place,
    failure: Failure,
    base_fee: u64,
    blob_fee: Option<BlobExcessGasAndPrice>,
    gas_max: u64,
}

/// The environment of a call: that of the block, without what only a real transaction must keep.
pub(super) fn lenient(mut env: EvmEnv, blob_fee: Option<u128>, strict: bool) -> EvmEnv {
    env.cfg_env.disable_nonce_check = !strict;
    env.cfg_env.disable_base_fee = !strict;
    env.cfg_env.disable_eip3607 = true;
    env.cfg_env.tx_gas_limit_cap = Some(u64::MAX);
    let excess_blob_gas = env.block_env.blob_excess_gas_and_price.map(|b| b.excess_blob_gas);
    if let Some(blob_gasprice) = blob_fee {
        let excess_blob_gas = excess_blob_gas.unwrap_or(0);
        env.block_env.blob_excess_gas_and_price =
            Some(BlobExcessGasAndPrice { excess_blob_gas, blob_gasprice });
    } else if excess_blob_gas.is_none() {
        // A time of after Cancun on a header of before it: the EVM insists on some blob fee.
        let blob_gasprice = BLOB_TX_MIN_BLOB_GASPRICE;
        env.block_env.blob_excess_gas_and_price =
            Some(BlobExcessGasAndPrice { excess_blob_gas: 0, blob_gasprice });
    }
    env
}

impl<'a, S: Source, I: Inspector<EthEvmContext<&'a mut BlockState<S>>>> Session<'a, S, I> {
    /// Opens the environment of `header`, overridden, on `state`. The inspector sees every run.
    pub(super) fn open(
        spec: &ChainSpec,
        header: &Header,
        state: &'a mut BlockState<S>,
        pretended: &Overrides,
        gas_max: u64,
        inspector: Option<I>,
        idle: I,
    ) -> Result<Self, CallError> {
        let mut header = header.clone();
        let mut blob_fee = None;
        if let Some(block) = &pretended.block {
            overrides::apply_to_header(&mut header, block)?;
            blob_fee = overrides::blob_fee(block)?;
            for (height, hash) in block.block_hash.iter().flatten() {
                state.set_block_hash(*height, *hash);
            }
        }
        let mut env = lenient(environment(spec, &header), blob_fee, false);
        env.cfg_env.disable_block_gas_limit = true;
        let mut precompiles = PrecompileSet::new(env.cfg_env.spec);
        if let Some(accounts) = &pretended.state {
            overrides::apply_to_state(state, &mut precompiles, accounts)?;
        }
        let place =
            Place { chain_id: spec.chain_id(), base_fee: header.base_fee_per_gas, strict: false };
        let (base_fee, blob_fee) = (env.block_env.basefee, env.block_env.blob_excess_gas_and_price);
        let failure = state.failure();
        let active = inspector.is_some();
        let evm = evm(state, env, Some(precompiles), inspector.unwrap_or(idle), active);
        Ok(Self { evm, place, failure, base_fee, blob_fee, gas_max })
    }

    /// Gas limit that the request asks for, within what it may have.
    pub(super) fn gas_limit(&self, request: &TransactionRequest) -> u64 {
        request.gas.unwrap_or(self.gas_max).min(self.gas_max)
    }

    /// What the EVM is to run for a request.
    pub(super) fn prepare(
        &mut self,
        request: &TransactionRequest,
        gas_limit: u64,
    ) -> Result<TxEnv, CallError> {
        transaction_env(request, gas_limit, self.place, self.evm.db_mut())
    }

    /// Measures whatever runs from now on by the rights that the sender of a transaction has.
    pub(super) fn enter<'t>(&mut self, env: &'t TxEnv) -> Result<Admitted<'t>, CallError> {
        let entered = permissions::enter(&mut self.evm, &self.failure, subject(env));
        entered.map_err(stopped)
    }

    /// Whether a transaction has the endorsements for what it changes.
    pub(super) fn check_endorsed(
        &mut self,
        admitted: &Admitted<'_>,
        env: TxEnv,
    ) -> Result<(), CallError> {
        if !admitted.is_guarded() {
            return Ok(());
        }
        let changed = self.run(env)?.state;
        let guarded = |guard: &permissions::Guard| guard.is_hit(&changed);
        let endorsed = permissions::endorsed(&mut self.evm, &self.failure, admitted, guarded);
        endorsed.map_err(stopped)
    }

    /// Runs a transaction and forgets what it changed.
    pub(super) fn run(&mut self, mut env: TxEnv) -> Result<ResultAndState<HaltReason>, CallError> {
        // Whoever offers no fee must not see one either: contracts rely on the price never being
        // below the base fee.
        let block = &mut self.evm.ctx_mut().block;
        block.basefee = if env.gas_price == 0 { 0 } else { self.base_fee };
        block.blob_excess_gas_and_price = self.blob_fee.map(|mut fee| {
            if env.max_fee_per_blob_gas == 0 {
                fee.blob_gasprice = 0;
            }
            fee
        });
        env.nonce = env.nonce.min(NONCE_MAX);
        let gas = env.gas_limit;
        let asked = env.clone();
        self.evm.transact_raw(env).map_err(|error| match (self.failure.take(), error) {
            (Some(failure), _) => failure.into(),
            (None, EVMError::Transaction(invalid)) => {
                Place::refusal(explain(&invalid, &asked), gas)
            }
            (None, other) => CallError::Internal(other.to_string()),
        })
    }

    pub(super) const fn evm_mut(&mut self) -> &mut BlockEvm<'a, S, I> {
        &mut self.evm
    }

    pub(super) const fn failure(&self) -> &Failure {
        &self.failure
    }
}

fn subject(env: &TxEnv) -> Subject<'_> {
    Subject {
        sender: env.caller,
        nonce: env.nonce,
        to: env.kind,
        value: env.value,
        input: &env.data,
        sets_code: env.tx_type == EIP7702_TX_TYPE_ID,
    }
}

fn stopped(stopped: Stopped) -> CallError {
    match stopped {
        Stopped::Forbidden(forbidden) => InvalidCall::Forbidden(forbidden).into(),
        Stopped::Failed(error) => error.into(),
    }
}
