use alloy_primitives::{Address, Bytes, Log};
use alloy_rpc_types_eth::{AccessList, BlockOverrides, state::StateOverride};
use hanse_primitives::SealedBlock;

/// What a call pretends about state and block.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Accounts that differ from the state.
    pub state: Option<StateOverride>,
    /// Block fields that differ from the block.
    pub block: Option<BlockOverrides>,
}

/// What a call did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallOutcome {
    /// What it returned.
    pub output: Bytes,
    /// Gas it used, after refunds.
    pub gas_used: u64,
    /// Events it emitted.
    pub logs: Vec<Log>,
}

/// An access list that covers what a call touches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessListOutcome {
    /// The list.
    pub access_list: AccessList,
    /// Gas that the call uses with it.
    pub gas_used: u64,
    /// Why the call failed, if it did; the list is still right.
    pub error: Option<String>,
}

/// A block of `eth_simulateV1`.
#[derive(Clone, Debug)]
pub struct SimulatedBlock {
    /// The block. Its transactions bear no signature (`r`, `s` and the parity are zero).
    pub block: SealedBlock,
    /// Who sends each transaction.
    pub senders: Vec<Address>,
    /// What each call did.
    pub calls: Vec<SimulatedCall>,
}

/// What a call of `eth_simulateV1` did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SimulatedCall {
    /// What it returned; empty when it failed.
    pub return_data: Bytes,
    /// Events, and transfers of ether as pseudo-events of ERC-7528 when they were asked for.
    pub logs: Vec<Log>,
    /// Gas after refunds.
    pub gas_used: u64,
    /// Gas before refunds.
    pub gas_used_max: u64,
    /// Why it failed, if it did.
    pub failure: Option<SimulatedFailure>,
}

/// Why a call of `eth_simulateV1` failed, as its `error` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedFailure {
    /// 3 for a revert, -32015 for any other failure of the EVM.
    pub code: i64,
    /// For people.
    pub message: String,
    /// What it reverted with.
    pub data: Option<Bytes>,
}
