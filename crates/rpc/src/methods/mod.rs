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
    pub(crate) handler: fn(&Call<'_>) -> Answer,
}

/// Ascending by name, so that it can be searched.
#[rustfmt::skip]
const METHODS: &[Method] = &[
    Method { name: "debug_getBadBlocks", lane: Memory, arity: 0, handler: debug::bad_blocks },
    Method { name: "debug_getRawBlock", lane: Read, arity: 1, handler: debug::raw_block },
    Method { name: "debug_getRawHeader", lane: Read, arity: 1, handler: debug::raw_header },
    Method { name: "debug_getRawReceipts", lane: Read, arity: 1, handler: debug::raw_receipts },
    Method { name: "debug_getRawTransaction", lane: Read, arity: 1, handler: debug::raw_transaction },
    Method { name: "debug_traceBlockByHash", lane: Evm, arity: 2, handler: debug::trace_block_by_hash },
    Method { name: "debug_traceBlockByNumber", lane: Evm, arity: 2, handler: debug::trace_block_by_number },
    Method { name: "debug_traceCall", lane: Evm, arity: 3, handler: debug::trace_call },
    Method { name: "debug_traceTransaction", lane: Evm, arity: 2, handler: debug::trace_transaction },
    Method { name: "eth_accounts", lane: Memory, arity: 0, handler: wallet::accounts },
    Method { name: "eth_baseFee", lane: Read, arity: 0, handler: fees::base_fee },
    Method { name: "eth_blobBaseFee", lane: Read, arity: 0, handler: fees::blob_base_fee },
    Method { name: "eth_blockNumber", lane: Memory, arity: 0, handler: chain::block_number },
    Method { name: "eth_call", lane: Evm, arity: 4, handler: calls::call },
    Method { name: "eth_capabilities", lane: Memory, arity: 0, handler: chain::capabilities },
    Method { name: "eth_chainId", lane: Memory, arity: 0, handler: chain::chain_id },
    Method { name: "eth_coinbase", lane: Memory, arity: 0, handler: chain::coinbase },
    Method { name: "eth_config", lane: Read, arity: 0, handler: config::config },
    Method { name: "eth_createAccessList", lane: Evm, arity: 3, handler: calls::create_access_list },
    Method { name: "eth_estimateGas", lane: Evm, arity: 4, handler: calls::estimate_gas },
    Method { name: "eth_feeHistory", lane: Read, arity: 3, handler: fees::fee_history },
    Method { name: "eth_fillTransaction", lane: Evm, arity: 1, handler: wallet::fill_transaction },
    Method { name: "eth_gasPrice", lane: Read, arity: 0, handler: fees::gas_price },
    Method { name: "eth_getBalance", lane: Read, arity: 2, handler: state::balance },
    Method { name: "eth_getBlockByHash", lane: Read, arity: 2, handler: blocks::by_hash },
    Method { name: "eth_getBlockByNumber", lane: Read, arity: 2, handler: blocks::by_number },
    Method { name: "eth_getBlockReceipts", lane: Read, arity: 1, handler: blocks::receipts },
    Method { name: "eth_getBlockTransactionCountByHash", lane: Read, arity: 1, handler: blocks::transaction_count_by_hash },
    Method { name: "eth_getBlockTransactionCountByNumber", lane: Read, arity: 1, handler: blocks::transaction_count_by_number },
    Method { name: "eth_getCode", lane: Read, arity: 2, handler: state::code },
    Method { name: "eth_getFilterChanges", lane: Read, arity: 1, handler: filters::changes },
    Method { name: "eth_getFilterLogs", lane: Read, arity: 1, handler: filters::logs },
    Method { name: "eth_getLogs", lane: Read, arity: 1, handler: logs::logs },
    Method { name: "eth_getProof", lane: Read, arity: 3, handler: state::proof },
    Method { name: "eth_getStorageAt", lane: Read, arity: 3, handler: state::storage_at },
    Method { name: "eth_getStorageValues", lane: Read, arity: 2, handler: state::storage_values },
    Method { name: "eth_getTransactionByBlockHashAndIndex", lane: Read, arity: 2, handler: transactions::by_block_hash_and_index },
    Method { name: "eth_getTransactionByBlockNumberAndIndex", lane: Read, arity: 2, handler: transactions::by_block_number_and_index },
    Method { name: "eth_getTransactionByHash", lane: Read, arity: 1, handler: transactions::by_hash },
    Method { name: "eth_getTransactionCount", lane: Read, arity: 2, handler: state::transaction_count },
    Method { name: "eth_getTransactionReceipt", lane: Read, arity: 1, handler: transactions::receipt },
    Method { name: "eth_getUncleByBlockHashAndIndex", lane: Read, arity: 2, handler: blocks::uncle_by_hash },
    Method { name: "eth_getUncleByBlockNumberAndIndex", lane: Read, arity: 2, handler: blocks::uncle_by_number },
    Method { name: "eth_getUncleCountByBlockHash", lane: Read, arity: 1, handler: blocks::uncle_count_by_hash },
    Method { name: "eth_getUncleCountByBlockNumber", lane: Read, arity: 1, handler: blocks::uncle_count_by_number },
    Method { name: "eth_maxPriorityFeePerGas", lane: Read, arity: 0, handler: fees::max_priority_fee },
    Method { name: "eth_newBlockFilter", lane: Memory, arity: 0, handler: filters::new_blocks },
    Method { name: "eth_newFilter", lane: Memory, arity: 1, handler: filters::new_logs },
    Method { name: "eth_newPendingTransactionFilter", lane: Memory, arity: 1, handler: filters::new_pending },
    Method { name: "eth_protocolVersion", lane: Memory, arity: 0, handler: chain::protocol_version },
    Method { name: submit::SEND_RAW, lane: Memory, arity: 1, handler: submit::send_raw },
    Method { name: submit::SEND_RAW_SYNC, lane: Read, arity: 2, handler: submit::send_raw_sync },
    Method { name: "eth_sendTransaction", lane: Evm, arity: 1, handler: wallet::send_transaction },
    Method { name: "eth_sign", lane: Memory, arity: 2, handler: wallet::sign },
    Method { name: "eth_signTransaction", lane: Evm, arity: 1, handler: wallet::sign_transaction },
    Method { name: "eth_signTypedData_v4", lane: Memory, arity: 2, handler: wallet::sign_typed_data },
    Method { name: "eth_simulateV1", lane: Evm, arity: 2, handler: simulate::simulate },
    Method { name: "eth_subscribe", lane: Memory, arity: 2, handler: subscriptions::subscribe },
    Method { name: "eth_syncing", lane: Memory, arity: 0, handler: chain::syncing },
    Method { name: "eth_uninstallFilter", lane: Memory, arity: 1, handler: filters::uninstall },
    Method { name: "eth_unsubscribe", lane: Memory, arity: 1, handler: subscriptions::unsubscribe },
    Method { name: "evm_mine", lane: Evm, arity: 1, handler: testing::mine },
    Method { name: "hanse_getCertificate", lane: Evm, arity: 1, handler: consensus::certificate },
    Method { name: "hanse_getCheckpoint", lane: Read, arity: 1, handler: light::checkpoint },
    Method { name: "hanse_getEvidence", lane: Evm, arity: 2, handler: consensus::evidence },
    Method { name: "hanse_getFinalityProof", lane: Read, arity: 2, handler: light::finality },
    Method { name: "hanse_getPeers", lane: Memory, arity: 0, handler: consensus::peers },
    Method { name: "hanse_getTransactionProof", lane: Read, arity: 2, handler: light::transaction },
    Method { name: "hanse_getValidators", lane: Evm, arity: 1, handler: consensus::validators },
    Method { name: "hanse_setFault", lane: Memory, arity: 2, handler: consensus::set_fault },
    Method { name: "hanse_status", lane: Read, arity: 0, handler: consensus::status },
    Method { name: "net_listening", lane: Memory, arity: 0, handler: net::listening },
    Method { name: "net_peerCount", lane: Memory, arity: 0, handler: net::peer_count },
    Method { name: "net_version", lane: Memory, arity: 0, handler: net::version },
    Method { name: "rpc_modules", lane: Memory, arity: 0, handler: net::modules },
    Method { name: "testing_buildBlockV1", lane: Evm, arity: 4, handler: testing::build_block },
    Method { name: "txpool_content", lane: Read, arity: 0, handler: pool::content },
    Method { name: "txpool_contentFrom", lane: Read, arity: 1, handler: pool::content_from },
    Method { name: "txpool_inspect", lane: Read, arity: 0, handler: pool::inspect },
    Method { name: "txpool_status", lane: Memory, arity: 0, handler: pool::status },
    Method { name: "web3_clientVersion", lane: Memory, arity: 0, handler: net::client_version },
    Method { name: "web3_sha3", lane: Memory, arity: 1, handler: net::sha3 },
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
