//! A chain in a temporary folder, behind an interface: what all tests here start from.

use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Signature, TxHash, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use hanse_execution::{BuildLimits, Executor};
use hanse_ledger::{Ledger, Settings, StateView};
use hanse_primitives::{Attributes, BlockHash, ChainSpec, Executed, SealedBlock, Transaction};
use hanse_rpc::{
    ChainEvent, Context, Events, NetworkInfo, Rpc, RpcLimits, Submit, SubmitError, Wallet,
    handle_text,
};
use hanse_txpool::{Account, Accounts, Pool, PoolSettings, Rules};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tempfile::TempDir;

/// A chain that can be moved by hand.
pub(crate) struct TestChain {
    pub(crate) rpc: Rpc,
    pub(crate) ledger: Ledger,
    pub(crate) executor: Executor,
    pub(crate) pool: Pool,
    pub(crate) events: Events,
    pub(crate) spec: Arc<ChainSpec>,
    /// Calls of [`Submit::submit`], to see what is batched.
    pub(crate) submissions: Arc<AtomicUsize>,
    _folder: TempDir,
}

/// The account that has everything.
pub(crate) fn rich() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(1)).unwrap()
}

/// A contract that emits one log with its call's first word as topic, and returns that word.
pub(crate) const EMITTER: Address = Address::repeat_byte(0xee);

/// A contract that never ends of itself.
pub(crate) const SPINNER: Address = Address::repeat_byte(0x55);

/// The genesis of [`TestChain::new`].
pub(crate) fn genesis() -> Value {
    json!({
        "config": {
            "chainId": 7,
            "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0,
            "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0,
            "istanbulBlock": 0, "berlinBlock": 0, "londonBlock": 0, "mergeNetsplitBlock": 0,
            "shanghaiTime": 0, "cancunTime": 0, "pragueTime": 0, "osakaTime": 0,
            "terminalTotalDifficulty": 0, "terminalTotalDifficultyPassed": true,
        },
        "gasLimit": "0x1c9c380", "difficulty": "0x0", "timestamp": "0x64",
        "alloc": {
            rich().address().to_string(): { "balance": "0xd3c21bcecceda1000000" },
            // CALLDATALOAD(0); MSTORE(0); LOG1(0, 32, CALLDATALOAD(0)); RETURN(0, 32)
            EMITTER.to_string(): { "balance": "0x0", "code": "0x5f355f525f3560205fa160205ff3" },
            // JUMPDEST; PUSH0; JUMP
            SPINNER.to_string(): { "balance": "0x0", "code": "0x5b5f56" },
        },
    })
}

struct StateAccounts(StateView);

impl Accounts for StateAccounts {
    fn account(&self, address: &Address) -> Result<Account, String> {
        let found = self.0.account(address).map_err(|error| error.to_string())?;
        let info = found.unwrap_or_default();
        Ok(Account { nonce: info.nonce, balance: info.balance, has_code: false })
    }
}

struct Submitter {
    pool: Pool,
    calls: Arc<AtomicUsize>,
}

impl Submit for Submitter {
    fn submit(&self, raw: Vec<Bytes>) -> Vec<Result<TxHash, SubmitError>> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let outcomes = self.pool.submit(&raw, 0);
        outcomes.into_iter().map(|outcome| outcome.map_err(SubmitError::from)).collect()
    }
}

/// Takes everything and checks nothing: for measuring what is in front of the pool.
struct Accepting;

impl Submit for Accepting {
    fn submit(&self, raw: Vec<Bytes>) -> Vec<Result<TxHash, SubmitError>> {
        raw.iter().map(|raw| Ok(TxHash::left_padding_from(&raw[..32.min(raw.len())]))).collect()
    }
}

struct OneKey(PrivateKeySigner);

impl Wallet for OneKey {
    fn accounts(&self) -> Vec<Address> {
        vec![self.0.address()]
    }

    fn sign(&self, address: &Address, digest: &B256) -> Option<Signature> {
        (*address == self.0.address()).then(|| self.0.sign_hash_sync(digest).ok()).flatten()
    }
}

/// The rooms behind an interface.
struct Parts {
    spec: Arc<ChainSpec>,
    ledger: Ledger,
    executor: Executor,
    pool: Pool,
    events: Events,
}

impl Parts {
    fn context(
        &self,
        submit: Arc<dyn Submit>,
        limits: RpcLimits,
        gas_limit: Option<u64>,
    ) -> Context {
        let chain_id = self.spec.chain_id();
        let now = self.spec.genesis_block_sealed().header().timestamp + 1;
        Context {
            spec: self.spec.clone(),
            ledger: self.ledger.clone(),
            executor: self.executor.clone(),
            pool: self.pool.clone(),
            submit,
            wallet: Some(Arc::new(OneKey(rich()))),
            development: None,
            consensus: None,
            faults: None,
            audit: None,
            testing: true,
            events: self.events.clone(),
            meter: None,
            clock: Arc::new(move || now),
            peers: Arc::new(|| 0),
            ready: Arc::new(|| true),
            fee_recipient: None,
            gas_limit,
            client_version: "hanse/test".to_owned(),
            network: Arc::new(move || NetworkInfo {
                name: "Test".to_owned(),
                chain_id,
                ..NetworkInfo::default()
            }),
            orders: Arc::new(|| None),
            limits,
        }
    }
}

impl TestChain {
    pub(crate) fn new() -> Self {
        Self::with(RpcLimits::default())
    }

    pub(crate) fn with(limits: RpcLimits) -> Self {
        Self::of(&serde_json::to_vec(&genesis()).unwrap(), limits, None)
    }

    /// As [`TestChain::with`], in front of a pool that takes everything.
    #[allow(dead_code, reason = "for benchmarks, which share this file")]
    pub(crate) fn accepting(limits: RpcLimits) -> Self {
        let mut chain = Self::with(limits.clone());
        chain.rpc = Rpc::new(chain.parts().context(Arc::new(Accepting), limits, None));
        chain
    }

    /// As [`TestChain::with`], with calls that may spend so much gas that only time ends them.
    #[allow(dead_code, reason = "for tests; benchmarks share this file")]
    pub(crate) fn without_gas_cap(limits: RpcLimits) -> Self {
        let mut chain = Self::with(limits.clone());
        chain.executor = chain.executor.with_call_gas_max(1 << 50);
        chain.rpc = Rpc::new(chain.parts().context(Arc::new(Accepting), limits, None));
        chain
    }

    fn parts(&self) -> Parts {
        Parts {
            spec: self.spec.clone(),
            ledger: self.ledger.clone(),
            executor: self.executor.clone(),
            pool: self.pool.clone(),
            events: self.events.clone(),
        }
    }

    /// A chain with this genesis. `gas_limit` is what built blocks move towards.
    pub(crate) fn of(genesis: &[u8], limits: RpcLimits, gas_limit: Option<u64>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let spec = Arc::new(ChainSpec::parse(genesis).unwrap());
        let ledger = Ledger::open(folder.path(), &spec, Settings::default()).unwrap();
        let executor = Executor::new(spec.clone(), ledger.clone());
        let head = spec.genesis_block_sealed();
        let state = ledger.state(head.hash()).unwrap();
        let rules = Rules::next(&spec, head.header(), head.header().timestamp + 1);
        let pool = Pool::new(PoolSettings::default(), rules, Arc::new(StateAccounts(state)));
        let events = Events::new();
        let submissions = Arc::new(AtomicUsize::new(0));
        let submit = Arc::new(Submitter { pool: pool.clone(), calls: submissions.clone() });
        let parts = Parts { spec, ledger, executor, pool, events };
        let rpc = Rpc::new(parts.context(submit, limits, gas_limit));
        let Parts { spec, ledger, executor, pool, events } = parts;
        Self { rpc, ledger, executor, pool, events, spec, submissions, _folder: folder }
    }

    /// Executes a block from elsewhere and makes it the final head, without telling anybody.
    pub(crate) fn import(&self, block: SealedBlock) {
        let (executed, root) = self.executor.execute(block, &|_| None).unwrap();
        let hash = executed.block().hash();
        self.ledger.insert(executed, Some(root)).unwrap();
        self.ledger.set_head(hash).unwrap();
        self.ledger.finalize(hash, Bytes::new()).unwrap();
    }

    /// Lets the pool start from the head.
    pub(crate) fn refresh_pool(&self, adopted: &[Executed], reverted: &[Executed]) {
        let head = self.ledger.head();
        let block = self.ledger.block(head.hash).unwrap().unwrap();
        let header = block.block().header();
        let rules = Rules::next(&self.spec, header, header.timestamp + 1);
        let state = Arc::new(StateAccounts(self.ledger.state(head.hash).unwrap()));
        self.pool.on_block(adopted, reverted, rules, state, 0).unwrap();
    }

    /// Builds a block of what the pool has on `parent`, at `timestamp`, and keeps it aside.
    pub(crate) fn build(&self, parent: BlockHash, timestamp: u64) -> Executed {
        let attributes = Attributes {
            timestamp,
            parent_beacon_block_root: Some(B256::ZERO),
            ..Attributes::default()
        };
        let best = self.pool.best(self.pool.rules().base_fee, 1);
        let best: Vec<_> = best.map(|admitted| admitted.recovered().clone()).collect();
        let limits = BuildLimits::default();
        let built = self.executor.build(parent, &attributes, best, &limits).unwrap();
        self.ledger.insert(built.executed.clone(), Some(built.root)).unwrap();
        built.executed
    }

    /// Makes a block the head and tells everybody.
    pub(crate) fn set_head(&self, executed: &Executed) {
        let change = self.ledger.set_head(executed.block().hash()).unwrap();
        let stored = |hashes: &[BlockHash]| -> Arc<[_]> {
            hashes.iter().map(|hash| self.ledger.block(*hash).unwrap().unwrap()).collect()
        };
        let event =
            ChainEvent { reverted: stored(&change.reverted), adopted: stored(&change.adopted) };
        self.refresh_pool(std::slice::from_ref(executed), &[]);
        self.events.publish_chain(event);
    }

    /// Seals what the pool has on top of the head.
    pub(crate) fn seal(&self) -> Executed {
        let head = self.ledger.head();
        let parent = self.ledger.block(head.hash).unwrap().unwrap();
        let executed = self.build(head.hash, parent.block().header().timestamp + 1);
        self.set_head(&executed);
        executed
    }

    /// A call of the rich account, signed.
    pub(crate) fn signed(&self, nonce: u64, to: Address, input: Bytes) -> Transaction {
        let transaction = TxEip1559 {
            chain_id: self.spec.chain_id(),
            nonce,
            gas_limit: 100_000,
            max_fee_per_gas: 10_000_000_000,
            max_priority_fee_per_gas: 1,
            to: TxKind::Call(to),
            value: U256::ZERO,
            input,
            ..TxEip1559::default()
        };
        let signature = rich().sign_hash_sync(&transaction.signature_hash()).unwrap();
        transaction.into_signed(signature).into()
    }

    /// Raw bytes of a transaction that makes [`EMITTER`] emit a log with this topic.
    pub(crate) fn emit(&self, nonce: u64, topic: B256) -> String {
        let transaction = self.signed(nonce, EMITTER, topic.0.into());
        Bytes::from(transaction.encoded_2718()).to_string()
    }

    /// Calls a method in-process; the whole answer.
    pub(crate) fn ask(&self, method: &str, params: Value) -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.text(&request.to_string())
    }

    /// The result of a call that must succeed.
    pub(crate) fn result(&self, method: &str, params: Value) -> Value {
        let answer = self.ask(method, params);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// Code and message of a call that must fail.
    pub(crate) fn error(&self, method: &str, params: Value) -> (i64, String) {
        let answer = self.ask(method, params);
        let error = &answer["error"];
        assert!(error.is_object(), "{method} should fail: {answer}");
        (error["code"].as_i64().unwrap(), error["message"].as_str().unwrap().to_owned())
    }

    /// Answers the text of a request; null when there is no answer.
    pub(crate) fn text(&self, request: &str) -> Value {
        let answer = handle_text(&self.rpc, request.as_bytes());
        if answer.is_empty() { Value::Null } else { serde_json::from_slice(&answer).unwrap() }
    }
}
