//! Bounds of this room. What an operator may tune is in [`RpcLimits`]; the rest is fixed. They are
//! checked against each other when compiling.

use std::time::Duration;

/// Bytes of a method's name; a longer one is not looked up.
pub const METHOD_BYTES_MAX: usize = 64;

/// Bytes of a request's `id`. It is echoed, so a long one would be a way to make us shout.
pub const ID_BYTES_MAX: usize = 256;

/// Positional parameters of any method.
pub const PARAMETERS_MAX: usize = 16;

/// Alternatives in one position of a log filter, and addresses in it.
pub const FILTER_ALTERNATIVES_MAX: usize = 1_000;

/// Topics of a log.
pub const TOPICS_MAX: usize = 4;

/// Blocks of one `eth_feeHistory`.
pub const FEE_HISTORY_BLOCKS_MAX: u64 = 1_024;

/// Percentiles of one `eth_feeHistory`.
pub const PERCENTILES_MAX: usize = 100;

/// Slots of one `eth_getProof` or `eth_getStorageValues`.
pub const SLOTS_MAX: usize = 1_024;

/// Transactions of a batch that are decoded and submitted on the thread that read the request;
/// more go to the worker threads, since each costs about 30 us.
pub const INLINE_TRANSACTIONS_MAX: usize = 8;

/// Transactions of one `testing_buildBlockV1`.
pub const TESTING_TRANSACTIONS_MAX: usize = 10_000;

/// Unit in which memory for answers is counted.
pub const BUDGET_UNIT_BYTES: usize = 1024;

/// Answers up to this size are not counted.
pub const ANSWER_BYTES_FREE: usize = 64 * 1024;

/// Answers of one WebSocket connection that may wait to be sent; then no more of its requests are read.
pub const ANSWERS_WAITING_MAX: usize = 4;

/// Transactions of the pool that `txpool_content` shows at once.
pub const POOL_CONTENT_MAX: usize = 20_000;

/// Transactions of a block that a suggestion of fees looks at.
pub const TIP_SAMPLE_MAX: usize = 1_000;

/// Parts of a page of the REST interface.
pub const PAGE_ITEMS_MAX: usize = 200;

/// Chain events that a slow subscriber may lag behind.
pub const CHAIN_EVENTS_MAX: usize = 256;

/// Announcements of pending transactions (each of a whole batch) that a slow subscriber may lag behind.
pub const PENDING_EVENTS_MAX: usize = 1_024;

/// Longest time that work is given to end once its time is up.
pub const LAST_WORD_TIME_MAX: Duration = Duration::from_millis(500);

/// What an operator may tune. The defaults suit a node that is open to a consortium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcLimits {
    /// Bytes of a request, single or batch.
    pub request_bytes_max: usize,
    /// Bytes of an answer, single or batch.
    pub response_bytes_max: usize,
    /// Bytes of all larger answers that have not been sent yet; beyond it the answer is "busy".
    pub answers_bytes_max: usize,
    /// Calls of a batch.
    pub batch_calls_max: usize,
    /// Blocks that one `eth_getLogs` may span.
    pub log_blocks_max: u64,
    /// Logs that one `eth_getLogs` may find.
    pub logs_max: usize,
    /// Worker threads that read the ledger at one time.
    pub reads_max: usize,
    /// Worker threads that run the EVM at one time (calls, estimates, simulations, traces).
    pub calls_max: usize,
    /// Requests that may wait for a worker, in each lane; beyond it the answer is "busy".
    pub waiting_max: usize,
    /// Longest time a request may wait and run.
    pub request_time_max: Duration,
    /// Open connections.
    pub connections_max: usize,
    /// Open connections from one address.
    pub connections_per_peer_max: usize,
    /// Longest time for the head of a request to arrive; also the longest idle time.
    pub head_time_max: Duration,
    /// Longest time for the body of a request to arrive.
    pub body_time_max: Duration,
    /// Longest time a client may refuse to take an answer's next bytes.
    pub send_time_max: Duration,
    /// Subscriptions of one WebSocket connection.
    pub subscriptions_max: usize,
    /// Messages that may wait for a slow WebSocket client before it is dropped.
    pub backlog_messages_max: usize,
    /// Filters (`eth_newFilter` and its kin) at one time.
    pub filters_max: usize,
    /// A filter that nobody asks about for this long is dropped.
    pub filter_idle_max: Duration,
    /// Longest time `eth_sendRawTransactionSync` waits for a receipt.
    pub receipt_wait_max: Duration,
}

impl Default for RpcLimits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            request_bytes_max: 5 * MIB,
            response_bytes_max: 64 * MIB,
            answers_bytes_max: 512 * MIB,
            batch_calls_max: 1_000,
            log_blocks_max: 10_000,
            logs_max: 20_000,
            reads_max: 16,
            calls_max: 2,
            waiting_max: 1_024,
            request_time_max: Duration::from_secs(15),
            connections_max: 2_048,
            connections_per_peer_max: 512,
            head_time_max: Duration::from_secs(30),
            body_time_max: Duration::from_secs(15),
            send_time_max: Duration::from_secs(20),
            subscriptions_max: 128,
            backlog_messages_max: 256,
            filters_max: 10_000,
            filter_idle_max: Duration::from_secs(300),
            receipt_wait_max: Duration::from_secs(20),
        }
    }
}

/// Proven equivocations in one answer.
pub const EVIDENCE_ITEMS_MAX: u64 = 100;

/// Longest time for which a node of a development network is made to misbehave at once.
pub const FAULT_TIME_MAX: Duration = Duration::from_secs(600);

const _: () = assert!(TOPICS_MAX <= PARAMETERS_MAX);
const _: () = assert!(ANSWER_BYTES_FREE >= BUDGET_UNIT_BYTES);
const _: () = assert!(CHAIN_EVENTS_MAX <= PENDING_EVENTS_MAX);
const _: () =
    assert!(INLINE_TRANSACTIONS_MAX * 30 < 1_000, "under a millisecond on the reader's thread");
