use super::{Overrides, call::outcome, request::other, session::Session};
use crate::{
    CallError, Executor, InvalidCall,
    state::{BlockState, Source},
};
use alloy_eips::{eip4844::DATA_GAS_PER_BLOB, eip7825::MAX_TX_GAS_LIMIT_OSAKA};
use alloy_evm::{Evm, eth::EthEvmContext};
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{TxKind, U256};
use alloy_rpc_types_eth::TransactionRequest;
use hanse_primitives::{BlockHash, ChainSpec, Header};
use revm::{
    Database, Inspector,
    context::{
        TxEnv,
        result::{ExecutionResult, HaltReason},
    },
    inspector::NoOpInspector,
};

/// Gas of a transaction that moves ether and does nothing else.
const TRANSFER_GAS: u64 = 21_000;

/// Gas that a callee gets for free with a transfer; a call may need it without using it up.
const STIPEND: u64 = 2_300;

/// The search ends once the answer is known to this many thousandths, always rounded up.
const ERROR_PER_MILLE: u64 = 15;

impl Executor {
    /// The least gas limit with which the request succeeds, up to 1.5 percent above
    /// (`eth_estimateGas`).
    ///
    /// # Errors
    /// [`CallError`] of the request at the largest gas limit that it may have.
    pub fn estimate_gas(
        &self,
        at: BlockHash,
        request: &TransactionRequest,
        overrides: &Overrides,
    ) -> Result<u64, CallError> {
        let (header, mut state) = self.view(at)?;
        estimate_gas(self.spec(), &header, &mut state, request, overrides, self.call_gas_max())
    }
}

pub(crate) fn estimate_gas<S: Source>(
    spec: &ChainSpec,
    header: &Header,
    state: &mut BlockState<S>,
    request: &TransactionRequest,
    overrides: &Overrides,
    gas_max: u64,
) -> Result<u64, CallError> {
    let block = overrides.block.as_ref();
    let time = block.and_then(|block| block.time).unwrap_or(header.timestamp);
    let limit = block.and_then(|block| block.gas_limit).unwrap_or(header.gas_limit);
    let mut highest = request.gas.filter(|gas| *gas >= TRANSFER_GAS).unwrap_or(limit);
    if spec.is_osaka_active_at_timestamp(time) {
        highest = highest.min(MAX_TX_GAS_LIMIT_OSAKA);
    }
    let mut session = Session::open(spec, header, state, overrides, gas_max, None, NoOpInspector)?;
    highest = affordable(&mut session, request, highest)?.min(gas_max);
    let env = session.prepare(request, highest)?;
    let admitted = session.enter(&env)?;
    let gas = least_gas(&mut session, request, highest)?;
    session.check_endorsed(&admitted, TxEnv { gas_limit: gas, ..env.clone() })?;
    Ok(gas)
}

fn least_gas<'a, S, I>(
    session: &mut Session<'a, S, I>,
    request: &TransactionRequest,
    highest: u64,
) -> Result<u64, CallError>
where
    S: Source,
    I: Inspector<EthEvmContext<&'a mut BlockState<S>>>,
{
    if is_transfer(session, request)?
        && let Ok(Trial::Success { .. }) = trial(session, request, TRANSFER_GAS)
    {
        return Ok(TRANSFER_GAS);
    }
    search(session, request, highest)
}

/// What a gas limit led to.
enum Trial {
    Success {
        used: u64,
        peak: u64,
    },
    /// It failed in a way that more gas may mend.
    Starved,
    /// It failed otherwise.
    Failed(ExecutionResult<HaltReason>),
}

fn trial<'a, S, I>(
    session: &mut Session<'a, S, I>,
    request: &TransactionRequest,
    gas: u64,
) -> Result<Trial, CallError>
where
    S: Source,
    I: Inspector<EthEvmContext<&'a mut BlockState<S>>>,
{
    let run = session.prepare(request, gas).and_then(|env: TxEnv| session.run(env));
    match run {
        Ok(run) => Ok(match run.result {
            ExecutionResult::Success { gas, .. } => {
                Trial::Success { used: gas.tx_gas_used(), peak: gas.total_gas_spent() }
            }
            ExecutionResult::Halt { reason: HaltReason::OutOfGas(_), .. } => Trial::Starved,
            failed => Trial::Failed(failed),
        }),
        Err(CallError::Refused { invalid, .. }) if invalid.is_about_intrinsic_gas() => {
            Ok(Trial::Starved)
        }
        Err(error) => Err(error),
    }
}

fn search<'a, S, I>(
    session: &mut Session<'a, S, I>,
    request: &TransactionRequest,
    highest: u64,
) -> Result<u64, CallError>
where
    S: Source,
    I: Inspector<EthEvmContext<&'a mut BlockState<S>>>,
{
    let (used, peak) = match trial(session, request, highest)? {
        Trial::Success { used, peak } => (used, peak),
        Trial::Starved => return Err(InvalidCall::GasAllowance(highest).into()),
        Trial::Failed(failed) => {
            return Err(outcome(failed).err().unwrap_or_else(|| other("the call failed")));
        }
    };
    // What the call used with all the gas in the world is nearly always too little or just enough.
    let (mut low, mut high) = (used.saturating_sub(1), highest);
    let guess = peak.saturating_add(STIPEND).saturating_mul(64) / 63;
    if guess < high {
        narrow(trial(session, request, guess)?, guess, &mut low, &mut high);
    }
    while low + 1 < high
        && (high - low).saturating_mul(1_000) >= high.saturating_mul(ERROR_PER_MILLE)
    {
        // Most calls need little more than they use, so the search leans to the low side.
        let middle = low.midpoint(high).min(low.saturating_mul(2));
        narrow(trial(session, request, middle)?, middle, &mut low, &mut high);
    }
    Ok(high)
}

fn narrow(trial: Trial, gas: u64, low: &mut u64, high: &mut u64) {
    match trial {
        Trial::Success { .. } => *high = gas,
        Trial::Starved | Trial::Failed(_) => *low = gas,
    }
}

/// The most gas that the sender can pay for, if the request names a price.
fn affordable<'a, S, I>(
    session: &mut Session<'a, S, I>,
    request: &TransactionRequest,
    highest: u64,
) -> Result<u64, CallError>
where
    S: Source,
    I: Inspector<EthEvmContext<&'a mut BlockState<S>>>,
{
    let price = request.gas_price.or(request.max_fee_per_gas).unwrap_or(0);
    if price == 0 {
        return Ok(highest);
    }
    let sender = request.from.unwrap_or_default();
    let account = session.evm_mut().db_mut().basic(sender);
    let account = account.map_err(|error| CallError::unreadable(session.failure(), &error))?;
    let balance = account.unwrap_or_default().balance;
    let value = request.value.unwrap_or_default();
    let blobs = request.blob_versioned_hashes.as_ref().map_or(0, Vec::len);
    let blob_price = U256::from(request.max_fee_per_blob_gas.unwrap_or(0));
    let blob_cost = (U256::from(blobs) * U256::from(DATA_GAS_PER_BLOB)).saturating_mul(blob_price);
    let poor = || other("insufficient funds for transfer");
    let left = balance.checked_sub(value).filter(|left| !left.is_zero()).ok_or_else(poor)?;
    let left = if blobs == 0 {
        left
    } else {
        left.checked_sub(blob_cost)
            .filter(|left| !left.is_zero())
            .ok_or_else(|| other("insufficient funds for gas * price + value"))?
    };
    let allowance = u64::try_from(left / U256::from(price)).unwrap_or(u64::MAX);
    Ok(highest.min(allowance))
}

/// Moves ether to an account without code. It may still cost more than a transfer, so 21,000 is
/// tried, not assumed.
fn is_transfer<'a, S, I>(
    session: &mut Session<'a, S, I>,
    request: &TransactionRequest,
) -> Result<bool, CallError>
where
    S: Source,
    I: Inspector<EthEvmContext<&'a mut BlockState<S>>>,
{
    let (Some(TxKind::Call(to)), None | Some([])) =
        (request.to, request.input.input().map(|data| &data[..]))
    else {
        return Ok(false);
    };
    let account = session.evm_mut().db_mut().basic(to);
    let account = account.map_err(|error| CallError::unreadable(session.failure(), &error))?;
    Ok(account.is_none_or(|account| account.is_empty_code_hash()))
}
