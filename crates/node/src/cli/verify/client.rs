//! Asks a server, and lets `hanse-light` judge the answers.

use crate::{
    NodeError,
    client::{Client, Endpoint},
};
use alloy_primitives::{Address, TxHash, U256};
use hanse_light::{
    AccountProof, Checkpoint, FinalBlock, FinalityProof, LightError, Network, ProvenAccount,
    ProvenTransaction, TransactionProof, Verifier, decode,
};
use hanse_primitives::ChainSpec;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json, value::RawValue};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a server may take for one answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);

/// A client that trusts a genesis file and perhaps a checkpoint.
pub(super) struct Light {
    client: Client,
    spec: ChainSpec,
    genesis: Verifier,
    /// What was verified before, and where it is kept.
    kept: Option<(PathBuf, Option<Verifier>)>,
}

/// The part of a receipt that tells where to start from.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Where {
    block_number: alloy_primitives::U64,
}

impl Light {
    pub(super) fn new(
        rpc: Endpoint,
        genesis: &Path,
        checkpoint: Option<PathBuf>,
    ) -> Result<Self, NodeError> {
        let text = fs::read(genesis).map_err(|e| NodeError::file("read", genesis, e))?;
        let spec = ChainSpec::parse(&text)?;
        let verifier = Verifier::genesis(&spec).map_err(nothing)?;
        let kept = match checkpoint {
            Some(path) => Some((path.clone(), read(&path, verifier.network())?)),
            None => None,
        };
        Ok(Self { client: Client::new(rpc), spec, genesis: verifier, kept })
    }

    pub(super) fn escrow(&self) -> Option<Address> {
        self.spec.hanse()?.contracts.escrow
    }

    /// The transaction, and the block that it is in.
    pub(super) async fn transaction(
        &mut self,
        hash: TxHash,
    ) -> Result<(FinalBlock, ProvenTransaction), NodeError> {
        let unknown =
            || NodeError::Failed(format!("the node knows no transaction {hash} in a final block"));
        // Only to choose where to start from: what is said here is believed by nobody.
        let said: Option<Where> = self.ask("eth_getTransactionReceipt", &json!([hash])).await?;
        let number = said.ok_or_else(unknown)?.block_number.to();
        let start = quantity(self.start(number).checkpoint().number);
        let proof: Option<TransactionProof> =
            self.ask("hanse_getTransactionProof", &json!([hash, start])).await?;
        let proof = proof.ok_or_else(unknown)?;
        let block = self.start(number).finality(&proof.finality, number).map_err(nothing)?;
        let proven = block.transaction(&proof, hash).map_err(nothing)?;
        Ok((block, proven))
    }

    /// The last final block that the server proves.
    pub(super) async fn last_block(&mut self) -> Result<FinalBlock, NodeError> {
        let start = quantity(self.start(u64::MAX).checkpoint().number);
        let proof: FinalityProof =
            self.ask("hanse_getFinalityProof", &json!(["finalized", start])).await?;
        self.start(u64::MAX).finality(&proof, proof.number).map_err(nothing)
    }

    /// An account and slots of it in the state after a block.
    pub(super) async fn account(
        &mut self,
        block: &FinalBlock,
        address: Address,
        slots: &[U256],
    ) -> Result<ProvenAccount, NodeError> {
        let at = json!({ "blockHash": block.hash() });
        let keys: Vec<String> = slots.iter().map(|slot| format!("{slot:#x}")).collect();
        let proof: AccountProof = self.ask("eth_getProof", &json!([address, keys, at])).await?;
        block.account(&proof, address, slots).map_err(nothing)
    }

    /// Keeps what is trusted by now.
    pub(super) fn save(&self) -> Result<(), NodeError> {
        let Some((path, verifier)) = &self.kept else { return Ok(()) };
        let checkpoint = verifier.as_ref().unwrap_or(&self.genesis).checkpoint();
        let mut text = serde_json::to_vec_pretty(&checkpoint).expect("a checkpoint is plain data");
        text.push(b'\n');
        // Never half a file, whatever happens meanwhile.
        let new = path.with_extension("new");
        fs::write(&new, text).map_err(|e| NodeError::file("write", &new, e))?;
        fs::rename(&new, path).map_err(|e| NodeError::file("write", path, e))
    }

    /// The newest trusted point from which a block can be reached.
    fn start(&mut self, number: u64) -> &mut Verifier {
        match &mut self.kept {
            Some((_, Some(kept))) if kept.checkpoint().number < number => kept,
            _ => &mut self.genesis,
        }
    }

    async fn ask<T: DeserializeOwned>(
        &mut self,
        method: &str,
        params: &Value,
    ) -> Result<T, NodeError> {
        let call = self.client.call::<Box<RawValue>>(method, params);
        let answer = tokio::time::timeout(ANSWER_TIME_MAX, call).await.map_err(|_| {
            NodeError::Client(format!("{method}: no answer within {ANSWER_TIME_MAX:?}"))
        })??;
        decode(answer.get().as_bytes())
            .map_err(|error| NodeError::Failed(format!("not verified: {method}: {error}")))
    }
}

/// The checkpoint in a file, if there is one, and it is of the network.
fn read(path: &Path, network: &Network) -> Result<Option<Verifier>, NodeError> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|e| NodeError::file("read", path, e))?,
    };
    let refuse = |error: LightError| NodeError::Input(format!("{}: {error}", path.display()));
    let checkpoint: Checkpoint = decode(&bytes).map_err(refuse)?;
    checkpoint.require_network(network).map_err(refuse)?;
    Verifier::new(checkpoint).map(Some).map_err(refuse)
}

fn quantity(number: u64) -> String {
    format!("{number:#x}")
}

fn nothing(error: LightError) -> NodeError {
    let what = match error {
        LightError::NotSigned { .. } | LightError::Foreign => "nothing to verify",
        _ => "not verified",
    };
    NodeError::Failed(format!("{what}: {error}"))
}
