//! The contracts by which a consortium decides, as one of its members uses them from outside: reads through
//! `eth_call`, signs and sends transactions, waits for them, and says in words what a contract refused.
//!
//! Nothing is judged here; what a node answers is believed as far as its operator is. Whoever must not
//! believe it has `hanse verify` and the exit kit.

mod bindings;
mod calls;
mod refusal;
mod signing;
mod words;

pub(crate) use bindings::{
    catalog::IDataCatalog, engines::IEngines, members::IMembers, policies::IPolicies,
    registry::IValidatorRegistry, staking::IStaking, upgrades::IUpgrades,
};
pub(crate) use calls::{
    BFT, Names, POS, method, place, status, times, upgrade_failure, upgrade_status, voters,
};
pub(crate) use refusal::reason;
pub(crate) use signing::{Approval, Consent, Endorsement, Signable, SignedApproval, content_of};
pub(crate) use words::{date, moment, msp_id, name_of, policy_text, roles_text, word_of};

use crate::{
    NodeError,
    client::{Client, Endpoint, Refusal},
};
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxHash, TxKind, U64, U128, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use hanse_primitives::{Contracts, Membership};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// How long a transaction is waited for.
const WAIT: Duration = Duration::from_secs(60);

/// How often it is asked for.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// Items that are read from a contract at once.
const PAGE: usize = 100;

/// Gas beyond what an estimate says: what is in the way of a call can grow before it is made.
const GAS_MARGIN: u64 = 100_000;

/// A consortium, over one of its nodes.
pub(crate) struct Consortium {
    client: Client,
    pub(crate) chain_id: u64,
    pub(crate) membership: Membership,
    pub(crate) names: Names,
}

/// A transaction that did what it was to do.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    pub(crate) hash: TxHash,
    pub(crate) block: u64,
    pub(crate) logs: Vec<Log>,
}

/// What a contract said.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Log {
    pub(crate) address: Address,
    pub(crate) topics: Vec<B256>,
    pub(crate) data: Bytes,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    block_number: U64,
    status: U64,
    logs: Vec<Log>,
}

impl Consortium {
    /// Asks a node what consortium it serves.
    pub(crate) async fn connect(node: Endpoint, token: Option<String>) -> Result<Self, NodeError> {
        let mut client = Client::new(node).with_token(token);
        let chain_id: U64 = client.call("eth_chainId", &json!([])).await?;
        let contracts: Option<Contracts> = client.call("hanse_getContracts", &json!([])).await?;
        let contracts = contracts.unwrap_or_default();
        let membership = contracts.membership.ok_or_else(|| {
            NodeError::Config("this chain has no organizations: its genesis names none".to_owned())
        })?;
        let who: Voters = client.call("hanse_getValidators", &json!([])).await?;
        let status: Status = client.call("hanse_status", &json!([])).await?;
        let has_stakes = status.engine.as_deref() == Some("pos");
        let names = Names { contracts, membership, registry: who.contract, has_stakes };
        Ok(Self { client, chain_id: chain_id.to(), membership, names })
    }

    /// The catalog of data.
    pub(crate) fn catalog(&self) -> Result<Address, NodeError> {
        let missing = "this chain has no catalog of data: its genesis names none";
        self.names.contracts.data_catalog.ok_or_else(|| NodeError::Config(missing.to_owned()))
    }

    /// The contract that gives others other code.
    pub(crate) fn upgrades(&self) -> Result<Address, NodeError> {
        let missing = "no contract of this chain is replaced: its genesis names none that does it";
        self.names.contracts.upgrades.ok_or_else(|| NodeError::Config(missing.to_owned()))
    }

    /// The hash of the code of a contract.
    pub(crate) async fn code_hash(&mut self, account: Address) -> Result<B256, NodeError> {
        let code: Bytes = self.call("eth_getCode", &json!([account, "latest"])).await?;
        match code.is_empty() {
            true => Err(NodeError::Input(format!("{account} has no code"))),
            false => Ok(keccak256(&code)),
        }
    }

    /// All upgrades that ever were.
    pub(crate) async fn all_upgrades(&mut self) -> Result<Vec<IUpgrades::Upgrade>, NodeError> {
        let contract = self.upgrades()?;
        self.pages(contract, |first, count| IUpgrades::upgradesCall { first, count }).await
    }

    /// The contract of votes on the engine.
    pub(crate) fn engines(&self) -> Result<Address, NodeError> {
        let missing = "members do not vote on the engine of this chain: its genesis names no contract for that";
        self.names.contracts.engines.ok_or_else(|| NodeError::Config(missing.to_owned()))
    }

    /// How the next block is decided, and what is known of a change.
    pub(crate) async fn engine(&mut self) -> Result<EngineAnswer, NodeError> {
        self.call("hanse_getEngine", &json!([])).await
    }

    /// All changes of the engine that members have decided on.
    pub(crate) async fn engine_changes(&mut self) -> Result<Vec<IEngines::Change>, NodeError> {
        let engines = self.engines()?;
        self.pages(engines, |first, count| IEngines::changesCall { first, count }).await
    }

    /// The contract that knows the validators, and what the node says of them.
    pub(crate) async fn validators(&mut self) -> Result<(Address, Vec<Validator>), NodeError> {
        let answer: Voters = self.call("hanse_getValidators", &json!([])).await?;
        let contract = answer.contract.ok_or_else(|| {
            NodeError::Config("nobody votes on this chain, so there are no validators".to_owned())
        })?;
        Ok((contract, answer.validators))
    }

    /// The time of the newest block, in seconds.
    pub(crate) async fn time(&mut self) -> Result<u64, NodeError> {
        #[derive(Deserialize)]
        struct Head {
            timestamp: U64,
        }
        let head: Head = self.call("eth_getBlockByNumber", &json!(["latest", false])).await?;
        Ok(head.timestamp.to())
    }

    /// Calls a method of the node.
    pub(crate) async fn call<T: for<'de> Deserialize<'de>>(
        &mut self,
        method: &str,
        params: &Value,
    ) -> Result<T, NodeError> {
        self.client.call(method, params).await
    }

    /// Calls a method of the node once for each of `params`.
    pub(crate) async fn batch<T: for<'de> Deserialize<'de>>(
        &mut self,
        method: &str,
        params: impl Iterator<Item = Value>,
    ) -> Result<Vec<T>, NodeError> {
        let answers = self.client.batch(method, params.map(|params| params.to_string())).await?;
        let read = |answer: crate::client::Answer| {
            let answer = answer.map_err(|why| NodeError::Client(format!("{method}: {why}")))?;
            serde_json::from_str(answer.get()).map_err(|error| {
                NodeError::Client(format!("{method} answered with something else: {error}"))
            })
        };
        answers.into_iter().map(read).collect()
    }

    /// Reads from a contract.
    pub(crate) async fn view<C: SolCall>(
        &mut self,
        contract: Address,
        call: &C,
    ) -> Result<C::Return, NodeError> {
        let question =
            json!([{ "to": contract, "input": Bytes::from(call.abi_encode()) }, "latest"]);
        let answer: Result<Bytes, Refusal> = self.client.ask("eth_call", &question).await?;
        let answer = answer.map_err(|refusal| refused(&refusal))?;
        C::abi_decode_returns(&answer).map_err(|error| {
            NodeError::Client(format!(
                "{contract} answered {} with something else: {error}",
                C::SIGNATURE
            ))
        })
    }

    /// Why a call would fail now, if its caller were `from`. Nothing is sent.
    pub(crate) async fn problem(
        &mut self,
        from: Address,
        to: Address,
        input: &Bytes,
    ) -> Result<Option<String>, NodeError> {
        let question = json!([{ "from": from, "to": to, "input": input }, "latest"]);
        let answer: Result<Bytes, Refusal> = self.client.ask("eth_call", &question).await?;
        Ok(answer.err().map(|refusal| refusal::sentence(&refusal)))
    }

    /// Sends a transaction that calls a contract, and waits until it is in a block.
    ///
    /// # Errors
    /// With the contract's reason when it would fail, which is found out before it is sent; and when it
    /// failed all the same.
    pub(crate) async fn transact<C: SolCall>(
        &mut self,
        key: &PrivateKeySigner,
        to: Address,
        call: &C,
    ) -> Result<Done, NodeError> {
        let plan = Plan { to, value: U256::ZERO, input: call.abi_encode().into() };
        self.send(key, &plan, None).await
    }

    /// Sends a transaction, with this nonce or the next one.
    pub(crate) async fn send(
        &mut self,
        key: &PrivateKeySigner,
        plan: &Plan,
        nonce: Option<u64>,
    ) -> Result<Done, NodeError> {
        let request = json!({
            "from": key.address(), "to": plan.to, "value": plan.value, "input": plan.input,
        });
        let gas: Result<U64, Refusal> =
            self.client.ask("eth_estimateGas", &json!([request])).await?;
        let gas: u64 = gas.map_err(|refusal| refused(&refusal))?.to();
        let nonce = match nonce {
            Some(nonce) => nonce,
            None => self.nonce(key.address()).await?,
        };
        let price: U128 = self.call("eth_gasPrice", &json!([])).await?;
        let tip: U128 = self.call("eth_maxPriorityFeePerGas", &json!([])).await?;
        let most = price.to::<u128>().saturating_mul(2);
        let transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce,
            gas_limit: gas.saturating_add(gas / 4).saturating_add(GAS_MARGIN),
            max_fee_per_gas: most,
            max_priority_fee_per_gas: tip.to::<u128>().min(most),
            to: TxKind::Call(plan.to),
            value: plan.value,
            input: plan.input.clone(),
            ..TxEip1559::default()
        };
        let signature = key
            .sign_hash_sync(&transaction.signature_hash())
            .map_err(|error| NodeError::Failed(format!("the key does not sign: {error}")))?;
        let raw = Bytes::from(TxEnvelope::from(transaction.into_signed(signature)).encoded_2718());
        let sent: Result<TxHash, Refusal> =
            self.client.ask("eth_sendRawTransaction", &json!([raw])).await?;
        let hash = sent.map_err(|refusal| refused(&refusal))?;
        let receipt = self.wait(hash).await?;
        let block = receipt.block_number.to::<u64>();
        if receipt.status.is_zero() {
            let at = json!([request, receipt.block_number]);
            let again: Result<Bytes, Refusal> = self.client.ask("eth_call", &at).await?;
            let why = again.err().map_or_else(
                || "it does not say why".to_owned(),
                |refusal| refusal::sentence(&refusal),
            );
            return Err(NodeError::Failed(format!(
                "transaction {hash} failed in block {block}: {why}"
            )));
        }
        Ok(Done { hash, block, logs: receipt.logs })
    }

    /// The nonce of the next transaction of an account.
    pub(crate) async fn nonce(&mut self, account: Address) -> Result<u64, NodeError> {
        let nonce: U64 = self.call("eth_getTransactionCount", &json!([account, "pending"])).await?;
        Ok(nonce.to())
    }

    async fn wait(&mut self, hash: TxHash) -> Result<Receipt, NodeError> {
        let asked = tokio::time::timeout(WAIT, async {
            loop {
                let receipt: Option<Receipt> =
                    self.client.call("eth_getTransactionReceipt", &json!([hash])).await?;
                if let Some(receipt) = receipt {
                    return Ok(receipt);
                }
                tokio::time::sleep(ASK_EVERY).await;
            }
        });
        asked.await.unwrap_or_else(|_| {
            let text =
                format!("{hash} was sent, but is in no block after {WAIT:?}; it may still come");
            Err(NodeError::Failed(text))
        })
    }

    // What several commands read.

    /// All organizations that ever were.
    pub(crate) async fn organizations(&mut self) -> Result<Vec<IMembers::Organization>, NodeError> {
        self.view(self.membership.members, &IMembers::organizationsCall {}).await
    }

    /// All accounts that an organization ever enrolled.
    pub(crate) async fn accounts(&mut self, id: B256) -> Result<Vec<Address>, NodeError> {
        let members = self.membership.members;
        self.pages(members, |first, count| IMembers::accountsCall { id, first, count }).await
    }

    /// All certificates that an organization ever made known.
    pub(crate) async fn certificates(
        &mut self,
        id: B256,
    ) -> Result<Vec<IMembers::Certificate>, NodeError> {
        let members = self.membership.members;
        self.pages(members, |first, count| IMembers::certificatesCall { id, first, count }).await
    }

    /// An account's enrollment.
    pub(crate) async fn enrollment(
        &mut self,
        account: Address,
    ) -> Result<IMembers::Enrollment, NodeError> {
        self.view(self.membership.members, &IMembers::enrollmentCall { account }).await
    }

    /// The organization and the roles in effect of accounts.
    pub(crate) async fn standings(
        &mut self,
        accounts: &[Address],
    ) -> Result<Vec<Standing>, NodeError> {
        let mut all = Vec::new();
        for page in accounts.chunks(PAGE) {
            let call = IMembers::standingsCall { accounts_: page.to_vec() };
            let answer = self.view(self.membership.members, &call).await?;
            let known = answer.organizations_.into_iter().zip(answer.roles);
            all.extend(page.iter().zip(known).map(|(account, (organization, roles))| Standing {
                account: *account,
                organization,
                roles,
            }));
        }
        Ok(all)
    }

    /// A named policy.
    pub(crate) async fn policy(&mut self, name: B256) -> Result<Bytes, NodeError> {
        self.view(self.membership.policies, &IPolicies::policyCall { name }).await
    }

    /// All entries of the catalog of data.
    pub(crate) async fn data(&mut self) -> Result<Vec<IDataCatalog::Entry>, NodeError> {
        let catalog = self.catalog()?;
        self.pages(catalog, |first, count| IDataCatalog::entriesCall { first, count }).await
    }

    /// The rules by which nodes let data go.
    pub(crate) async fn rules(&mut self) -> Result<Vec<IDataCatalog::Rule>, NodeError> {
        let catalog = self.catalog()?;
        self.view(catalog, &IDataCatalog::rulesCall {}).await
    }

    /// A list that a contract gives in pages.
    async fn pages<C: SolCall<Return = Vec<T>>, T>(
        &mut self,
        contract: Address,
        page: impl Fn(U256, U256) -> C,
    ) -> Result<Vec<T>, NodeError> {
        let mut all = Vec::new();
        loop {
            let asked = page(U256::from(all.len()), U256::from(PAGE));
            let some = self.view(contract, &asked).await?;
            let is_last = some.len() < PAGE;
            all.extend(some);
            if is_last {
                return Ok(all);
            }
        }
    }
}

/// How blocks are decided, as a node says.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct EngineAnswer {
    /// The next block.
    pub(crate) decides: U64,
    pub(crate) now: Option<EngineTold>,
    pub(crate) next: Option<EngineTold>,
}

/// An engine from a block on.
#[derive(Clone, Debug, Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EngineTold {
    pub(crate) from: U64,
    pub(crate) engine: String,
    pub(crate) contract: Option<Address>,
    #[serde(flatten)]
    pub(crate) times: Option<TimesTold>,
}

/// The times of an engine.
#[derive(Clone, Copy, Debug, Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TimesTold {
    block_time_ms: U64,
    empty_block_time_ms: U64,
    propose_timeout_ms: U64,
    vote_timeout_ms: U64,
    timeout_step_ms: U64,
}

impl From<TimesTold> for IEngines::Timing {
    fn from(told: TimesTold) -> Self {
        Self {
            blockTimeMs: told.block_time_ms.saturating_to(),
            emptyBlockTimeMs: told.empty_block_time_ms.saturating_to(),
            proposeTimeoutMs: told.propose_timeout_ms.saturating_to(),
            voteTimeoutMs: told.vote_timeout_ms.saturating_to(),
            timeoutStepMs: told.timeout_step_ms.saturating_to(),
        }
    }
}

/// What an account is now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) account: Address,
    /// 0 when it is in none that is active.
    pub(crate) organization: B256,
    pub(crate) roles: u32,
}

#[derive(Debug, Deserialize)]
struct Status {
    engine: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Voters {
    contract: Option<Address>,
    validators: Vec<Validator>,
}

/// Who votes, or did.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Validator {
    pub(crate) address: Address,
    pub(crate) name: String,
    pub(crate) power: U128,
}

/// What a transaction is to do.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) to: Address,
    pub(crate) value: U256,
    pub(crate) input: Bytes,
}

fn refused(refusal: &Refusal) -> NodeError {
    NodeError::Failed(refusal::sentence(refusal))
}

#[cfg(test)]
mod tests;
