//! The exit kit: what an organization has on the chain, as files in open formats, each thing with the proof that
//! it is in a final block; and the check of such files, which needs no server.
//!
//! Lines are made of what was proven and of nothing else, when they are written as when they are checked, so
//! the check compares whole files. What a node merely said (names, proposals, the catalog) is in files of
//! their own, and `README.md` says so.

mod check;
mod collect;
mod lines;
mod said;
mod state;

pub(crate) use check::check;

use crate::{
    NodeError,
    consortium::{Consortium, Names},
    member::absolute,
};
use alloy_primitives::{B256, TxHash, hex};
use hanse_identity::MspId;
use hanse_light::{FinalBlock, LightError, ProvenTransaction, TransactionProof, Verifier};
use hanse_primitives::ChainSpec;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// Proofs that are asked for at once.
const PROOFS_AT_ONCE: usize = 20;

/// What is told to whoever opens the folder.
const README: &str = include_str!("exit/README.md");

/// What the kit is, and the sum of each of its files.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    version: u32,
    organization: String,
    chain_id: u64,
    genesis: B256,
    /// The last block that was looked at, which is final.
    block: u64,
    block_hash: B256,
    /// SHA-256 of each file.
    files: BTreeMap<String, String>,
}

/// What is in a kit, for people.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) transactions: usize,
    pub(crate) events: usize,
    pub(crate) accounts: usize,
    pub(crate) orders: usize,
    pub(crate) block: u64,
    pub(crate) genesis: B256,
}

/// Files that come about, in a folder.
struct Kit {
    /// Where it is to be: whole, or not at all.
    place: PathBuf,
    folder: TempDir,
    files: BTreeMap<String, String>,
}

impl Kit {
    fn create(place: &Path) -> Result<Self, NodeError> {
        let place = absolute(place)?;
        fs::create_dir_all(&place).map_err(|e| NodeError::file("make", &place, e))?;
        let mut entries = fs::read_dir(&place).map_err(|e| NodeError::file("read", &place, e))?;
        if entries.next().is_some() {
            return Err(NodeError::Input(format!("{} is not empty", place.display())));
        }
        // Beside its place, so that it can be moved there in one step.
        let beside = place.parent().unwrap_or(&place);
        let folder = tempfile::Builder::new().prefix(".export-").tempdir_in(beside);
        let folder = folder.map_err(|e| NodeError::file("write in", beside, e))?;
        Ok(Self { place, folder, files: BTreeMap::new() })
    }

    /// Moves it to its place, which is empty.
    fn finish(self) -> Result<(), NodeError> {
        let Self { place, folder, .. } = self;
        fs::rename(folder.keep(), &place).map_err(|e| NodeError::file("write", &place, e))
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), NodeError> {
        let path = self.folder.path().join(name);
        let folder = path.parent().unwrap_or(self.folder.path());
        fs::create_dir_all(folder).map_err(|e| NodeError::file("make", folder, e))?;
        fs::write(&path, bytes).map_err(|e| NodeError::file("write", &path, e))?;
        self.files.insert(name.to_owned(), sum(bytes));
        Ok(())
    }

    fn write_json(&mut self, name: &str, value: &impl Serialize) -> Result<(), NodeError> {
        let mut text = serde_json::to_vec_pretty(value).expect("what is written is plain data");
        text.push(b'\n');
        self.write(name, &text)
    }
}

/// SHA-256, as `sha256sum` writes it.
fn sum(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Lines of JSON.
fn json_lines<T: Serialize>(lines: &[T]) -> String {
    let mut text = String::new();
    for line in lines {
        text.push_str(&serde_json::to_string(line).expect("a line is plain data"));
        text.push('\n');
    }
    text
}

fn unproven(what: &str, error: LightError) -> NodeError {
    NodeError::Failed(format!("{what} is not proven: {error}"))
}

/// Checks the proof of a transaction, from genesis on.
fn prove(
    trusted: &Verifier,
    hash: TxHash,
    proof: &TransactionProof,
) -> Result<(FinalBlock, ProvenTransaction), NodeError> {
    let what = format!("transaction {hash}");
    let mut verifier = trusted.clone();
    let number = proof.finality.number;
    let block =
        verifier.finality(&proof.finality, number).map_err(|error| unproven(&what, error))?;
    let proven = block.transaction(proof, hash).map_err(|error| unproven(&what, error))?;
    Ok((block, proven))
}

/// Writes the kit of an organization into an empty folder. What the node answers is verified before it is
/// written; `genesis` says what is trusted.
pub(crate) async fn export(
    consortium: &mut Consortium,
    organization: &MspId,
    genesis: &Path,
    folder: &Path,
) -> Result<Contents, NodeError> {
    let bytes = fs::read(genesis).map_err(|e| NodeError::file("read", genesis, e))?;
    let spec = ChainSpec::parse(&bytes)?;
    let trusted = Verifier::genesis(&spec).map_err(|error| unproven("this chain", error))?;
    let names = Names::of(&spec)?;
    if names.membership != consortium.membership {
        return Err(NodeError::Input(format!(
            "{} is the genesis of another chain",
            genesis.display()
        )));
    }
    let mut kit = Kit::create(folder)?;
    kit.write("genesis.json", &bytes)?;
    kit.write("README.md", README.as_bytes())?;

    let accounts = consortium.accounts(organization.to_word()).await?;
    if accounts.is_empty() {
        return Err(NodeError::Input(format!("no organization {organization} has accounts here")));
    }
    let last = state::last_block(consortium, &trusted, &mut kit).await?;
    let until = last.header().number;
    let whole: BTreeSet<_> = accounts.iter().copied().collect();
    let found = collect::collect(consortium, &names, organization, &whole, until).await?;
    let book = proofs(consortium, &trusted, &found.transactions, &names, &mut kit).await?;
    lines::write(&mut kit, &book)?;
    let orders: Vec<B256> = found.orders.into_iter().collect();
    let state = state::fetch(consortium, &last, &names, &accounts, &orders, &mut kit).await?;
    state.complete(&book)?;
    said::write(consortium, organization, &mut kit).await?;

    let contents = Contents {
        transactions: book.transactions.len(),
        events: book.events.len(),
        accounts: accounts.len(),
        orders: orders.len(),
        block: until,
        genesis: spec.genesis_reference().hash,
    };
    let manifest = Manifest {
        version: 1,
        organization: organization.to_string(),
        chain_id: spec.chain_id(),
        genesis: contents.genesis,
        block: until,
        block_hash: last.hash(),
        files: std::mem::take(&mut kit.files),
    };
    kit.write_json("manifest.json", &manifest)?;
    kit.finish()?;
    Ok(contents)
}

/// Gets, verifies and keeps the proof of each transaction.
async fn proofs(
    consortium: &mut Consortium,
    trusted: &Verifier,
    transactions: &BTreeSet<TxHash>,
    names: &Names,
    kit: &mut Kit,
) -> Result<lines::Book, NodeError> {
    let mut book = lines::Book::default();
    let all: Vec<TxHash> = transactions.iter().copied().collect();
    for some in all.chunks(PROOFS_AT_ONCE) {
        let params = some.iter().map(|hash| json!([hash, "0x0"]));
        let answers: Vec<Option<TransactionProof>> =
            consortium.batch("hanse_getTransactionProof", params).await?;
        for (hash, proof) in some.iter().zip(answers) {
            let proof = proof.ok_or_else(|| {
                NodeError::Failed(format!("the node proves no transaction {hash}"))
            })?;
            let (block, proven) = prove(trusted, *hash, &proof)?;
            book.add(names, &block, &proven);
            let text = serde_json::to_vec(&proof).expect("a proof is plain data");
            kit.write(&format!("proofs/{hash}.json"), &text)?;
        }
    }
    book.sort();
    Ok(book)
}

#[cfg(test)]
mod tests;
