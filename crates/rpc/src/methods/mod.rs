//! What the interface can do: one file a family, one line a method in the table.

mod blocks;
mod calls;
mod chain;
mod config;
mod consensus;
mod debug;
mod fees;
mod filters;
mod light;
mod log_filter;
mod logs;
mod net;
mod pending;
mod pool;
mod resolve;
mod simulate;
mod state;
pub(crate) mod submit;
mod subscriptions;
mod testing;
#[cfg(test)]
mod tests;
mod transactions;
mod wallet;

pub(crate) use fees::TipCache;
pub(crate) use log_filter::LogFilter;
pub(crate) use pending::PendingCache;

use crate::{
    Rpc, RpcError,
    lanes::{
        Cancel,
        Lane::{self, Evm, Memory, Read},
    },
    server::Session,
    wire::{Params, Reply},
};
use hanse_execution::Executor;
use std::sync::Arc;

/// A call on its way through a method.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) rpc: &'a Rpc,
    pub(crate) params: Params<'a>,
    pub(crate) session: Option<&'a Arc<Session>>,
    pub(crate) cancel: &'a Cancel,
}

impl Call<'_> {
    /// The executor, which stops when nobody waits for the answer any more.
    pub(crate) fn executor(&self) -> Executor {
        self.rpc.executor.interruptible(self.cancel.interrupt().clone())
    }
}

/// What a method answers.
pub(crate) type Answer = Result<Reply, RpcError>;

/// A method of the table.
pub(crate) struct Method {
    pub(crate) name: &'static str,
    pub(crate) lane: Lane,
    /// Parameters at most.
    pub(crate) arity: usize,
    /// It does something to the node, so that the audit log must have it.
    pub(crate) administrative: bool,
    pub(crate) handler: fn(&Call<'_>) -> Answer,
}

const fn method(
    name: &'static str,
    lane: Lane,
    arity: usize,
    handler: fn(&Call<'_>) -> Answer,
) -> Method {
    Method { name, lane, arity, administrative: false, handler }
}

const fn administrative(
    name: &'static str,
    lane: Lane,
    arity: usize,
    handler: fn(&Call<'_>) -> Answer,
) -> Method {
    Method { administrative: true, ..method(name, lane, arity, handler) }
}

/// Ascending by name, so that it can be searched.
#[rustfmt::skip]
const METHODS: &[Method] = &[
    method("debug_getBadBlocks", Memory, 0, debug::bad_blocks),
    method("debug_getRawBlock", Read, 1, debug::raw_block),
    method("debug_getRawHeader", Read, 1, debug::raw_header),
    method("debug_getRawReceipts", Read, 1, debug::raw_receipts),
    method("debug_getRawTransaction", Read, 1, debug::raw_transaction),
    method("debug_traceBlockByHash", Evm, 2, debug::trace_block_by_hash),
    method("debug_traceBlockByNumber", Evm, 2, debug::trace_block_by_number),
    method("debug_traceCall", Evm, 3, debug::trace_call),
    method("debug_traceTransaction", Evm, 2, debug::trace_transaction),
    method("eth_accounts", Memory, 0, wallet::accounts),
    method("eth_baseFee", Read, 0, fees::base_fee),
    method("eth_blobBaseFee", Read, 0, fees::blob_base_fee),
    method("eth_blockNumber", Memory, 0, chain::block_number),
    method("eth_call", Evm, 4, calls::call),
    method("eth_capabilities", Memory, 0, chain::capabilities),
    method("eth_chainId", Memory, 0, chain::chain_id),
    method("eth_coinbase", Memory, 0, chain::coinbase),
    method("eth_config", Read, 0, config::config),
    method("eth_createAccessList", Evm, 3, calls::create_access_list),
    method("eth_estimateGas", Evm, 4, calls::estimate_gas),
    method("eth_feeHistory", Read, 3, fees::fee_history),
    method("eth_fillTransaction", Evm, 1, wallet::fill_transaction),
    method("eth_gasPrice", Read, 0, fees::gas_price),
    method("eth_getBalance", Read, 2, state::balance),
    method("eth_getBlockByHash", Read, 2, blocks::by_hash),
    method("eth_getBlockByNumber", Read, 2, blocks::by_number),
    method("eth_getBlockReceipts", Read, 1, blocks::receipts),
    method("eth_getBlockTransactionCountByHash", Read, 1, blocks::transaction_count_by_hash),
    method("eth_getBlockTransactionCountByNumber", Read, 1, blocks::transaction_count_by_number),
    method("eth_getCode", Read, 2, state::code),
    method("eth_getFilterChanges", Read, 1, filters::changes),
    method("eth_getFilterLogs", Read, 1, filters::logs),
    method("eth_getLogs", Read, 1, logs::logs),
    method("eth_getProof", Read, 3, state::proof),
    method("eth_getStorageAt", Read, 3, state::storage_at),
    method("eth_getStorageValues", Read, 2, state::storage_values),
    method("eth_getTransactionByBlockHashAndIndex", Read, 2, transactions::by_block_hash_and_index),
    method("eth_getTransactionByBlockNumberAndIndex", Read, 2, transactions::by_block_number_and_index),
    method("eth_getTransactionByHash", Read, 1, transactions::by_hash),
    method("eth_getTransactionCount", Read, 2, state::transaction_count),
    method("eth_getTransactionReceipt", Read, 1, transactions::receipt),
    method("eth_getUncleByBlockHashAndIndex", Read, 2, blocks::uncle_by_hash),
    method("eth_getUncleByBlockNumberAndIndex", Read, 2, blocks::uncle_by_number),
    method("eth_getUncleCountByBlockHash", Read, 1, blocks::uncle_count_by_hash),
    method("eth_getUncleCountByBlockNumber", Read, 1, blocks::uncle_count_by_number),
    method("eth_maxPriorityFeePerGas", Read, 0, fees::max_priority_fee),
    method("eth_newBlockFilter", Memory, 0, filters::new_blocks),
    method("eth_newFilter", Memory, 1, filters::new_logs),
    method("eth_newPendingTransactionFilter", Memory, 1, filters::new_pending),
    method("eth_protocolVersion", Memory, 0, chain::protocol_version),
    method(submit::SEND_RAW, Memory, 1, submit::send_raw),
    method(submit::SEND_RAW_SYNC, Read, 2, submit::send_raw_sync),
    method("eth_sendTransaction", Evm, 1, wallet::send_transaction),
    method("eth_sign", Memory, 2, wallet::sign),
    method("eth_signTransaction", Evm, 1, wallet::sign_transaction),
    method("eth_signTypedData_v4", Memory, 2, wallet::sign_typed_data),
    method("eth_simulateV1", Evm, 2, simulate::simulate),
    method("eth_subscribe", Memory, 2, subscriptions::subscribe),
    method("eth_syncing", Memory, 0, chain::syncing),
    method("eth_uninstallFilter", Memory, 1, filters::uninstall),
    method("eth_unsubscribe", Memory, 1, subscriptions::unsubscribe),
    administrative("evm_mine", Evm, 1, testing::mine),
    method("hanse_getCertificate", Evm, 1, consensus::certificate),
    method("hanse_getCheckpoint", Read, 1, light::checkpoint),
    method("hanse_getContracts", Memory, 0, chain::contracts),
    method("hanse_getEngine", Evm, 1, consensus::engine_after),
    method("hanse_getEvidence", Evm, 2, consensus::evidence),
    method("hanse_getFinalityProof", Read, 2, light::finality),
    method("hanse_getHistory", Memory, 0, chain::history),
    method("hanse_getPeers", Memory, 0, consensus::peers),
    method("hanse_getTransactionProof", Read, 2, light::transaction),
    method("hanse_getValidators", Evm, 1, consensus::validators),
    administrative("hanse_setFault", Memory, 2, consensus::set_fault),
    method("hanse_status", Read, 0, consensus::status),
    method("net_listening", Memory, 0, net::listening),
    method("net_peerCount", Memory, 0, net::peer_count),
    method("net_version", Memory, 0, net::version),
    method("rpc_modules", Memory, 0, net::modules),
    method("testing_buildBlockV1", Evm, 4, testing::build_block),
    method("txpool_content", Read, 0, pool::content),
    method("txpool_contentFrom", Read, 1, pool::content_from),
    method("txpool_inspect", Read, 0, pool::inspect),
    method("txpool_status", Memory, 0, pool::status),
    method("web3_clientVersion", Memory, 0, net::client_version),
    method("web3_sha3", Memory, 1, net::sha3),
];

/// A method by its name.
pub(crate) fn find(name: &str) -> Option<&'static Method> {
    let at = METHODS.binary_search_by_key(&name, |method| method.name).ok()?;
    METHODS.get(at)
}

/// The namespaces on offer.
pub(crate) fn namespaces() -> impl Iterator<Item = &'static str> {
    let mut last = "";
    METHODS.iter().filter_map(move |method| {
        let (namespace, _) = method.name.split_once('_')?;
        let new = namespace != last;
        last = namespace;
        new.then_some(namespace)
    })
}
