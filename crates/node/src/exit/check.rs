//! Checks a kit without asking anybody.

use super::{Contents, Manifest, lines, prove, state::Reader, sum, unproven};
use crate::{NodeError, consortium::Names};
use alloy_primitives::{Address, B256, TxHash, U256};
use hanse_identity::{Certificate, MspId, Root};
use hanse_light::{AccountProof, FinalBlock, FinalityProof, TransactionProof, Verifier, decode};
use hanse_primitives::ChainSpec;
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Checks the files in a folder. `genesis` is one that is trusted; without it that of the kit is, and whoever
/// checks compares its hash.
pub(crate) fn check(folder: &Path, genesis: Option<&Path>) -> Result<Contents, NodeError> {
    let kit = Files(folder.to_owned());
    let manifest: Manifest = kit.json("manifest.json")?;
    if manifest.version != 1 {
        return Err(kit.wrong("manifest.json", "a version that this program does not know"));
    }
    kit.check_sums(&manifest)?;
    let spec = ChainSpec::parse(&kit.read("genesis.json")?)?;
    let hash = spec.genesis_reference().hash;
    if let Some(path) = genesis {
        let bytes = fs::read(path).map_err(|e| NodeError::file("read", path, e))?;
        let trusted = ChainSpec::parse(&bytes)?.genesis_reference().hash;
        if trusted != hash {
            return Err(
                kit.wrong("genesis.json", &format!("of another chain: {hash}, not {trusted}"))
            );
        }
    }
    let organization = MspId::new(&manifest.organization)?;
    let trusted = Verifier::genesis(&spec).map_err(|error| unproven("this chain", error))?;
    let names = Names::of(&spec)?;
    if manifest.genesis != hash || manifest.chain_id != spec.chain_id() {
        return Err(kit.wrong("manifest.json", "about another chain than genesis.json"));
    }

    let book = kit.transactions(&trusted, &names)?;
    for (name, bytes) in lines::files(&book)? {
        kit.same(name, &bytes)?;
    }
    let last = kit.last_block(&trusted)?;
    if (last.header().number, last.hash()) != (manifest.block, manifest.block_hash) {
        return Err(kit.wrong("manifest.json", "about another block than state/finality.json"));
    }
    let (accounts, orders) = (kit.accounts()?, kit.orders()?);
    let mut reader = Reader::new(&names);
    for path in kit.list("state")? {
        if path.ends_with("finality.json") {
            continue;
        }
        let proof: AccountProof = kit.proof(&path)?;
        let slots: Vec<U256> = proof.storage_proof.iter().map(|slot| slot.key).collect();
        reader.take(&last, &proof, &slots)?;
    }
    let state = reader.state(&accounts, &orders)?;
    for (name, text) in state.files() {
        kit.same(name, text.as_bytes())?;
    }
    state.complete(&book)?;
    kit.check_roots(&organization)?;
    Ok(Contents {
        transactions: book.transactions.len(),
        events: book.events.len(),
        accounts: accounts.len(),
        orders: orders.len(),
        block: manifest.block,
        genesis: hash,
    })
}

/// The folder.
struct Files(PathBuf);

impl Files {
    fn wrong(&self, name: &str, what: &str) -> NodeError {
        NodeError::Failed(format!("{}: {what}", self.0.join(name).display()))
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, NodeError> {
        let path = self.0.join(name);
        fs::read(&path).map_err(|e| NodeError::file("read", &path, e))
    }

    fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, NodeError> {
        let read = serde_json::from_slice(&self.read(name)?);
        read.map_err(|error| self.wrong(name, &error.to_string()))
    }

    fn proof<T: DeserializeOwned>(&self, name: &str) -> Result<T, NodeError> {
        decode(&self.read(name)?).map_err(|error| self.wrong(name, &error.to_string()))
    }

    /// Names of the files in a folder of the kit, in order; none when it is not there.
    fn list(&self, folder: &str) -> Result<Vec<String>, NodeError> {
        let path = self.0.join(folder);
        if !path.exists() {
            return Ok(Vec::new());
        }
        let failed = |error| NodeError::file("read", &path, error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&path).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            names.push(format!("{folder}/{}", name.to_string_lossy()));
        }
        names.sort();
        Ok(names)
    }

    fn check_sums(&self, manifest: &Manifest) -> Result<(), NodeError> {
        for (name, expected) in &manifest.files {
            let is_inside = name.split('/').all(|part| !part.is_empty() && part != "..");
            if !is_inside || sum(&self.read(name)?) != *expected {
                return Err(self.wrong(name, "not the file that manifest.json has the sum of"));
            }
        }
        for folder in ["proofs", "state", "roots", "said"] {
            for name in self.list(folder)? {
                if !manifest.files.contains_key(&name) {
                    return Err(self.wrong(&name, "not in manifest.json"));
                }
            }
        }
        Ok(())
    }

    /// That a file is what the proofs make of it.
    fn same(&self, name: &str, expected: &[u8]) -> Result<(), NodeError> {
        if self.read(name)? == expected {
            return Ok(());
        }
        Err(self.wrong(name, "something else is proven than it says"))
    }

    fn transactions(&self, trusted: &Verifier, names: &Names) -> Result<lines::Book, NodeError> {
        let mut book = lines::Book::default();
        for name in self.list("proofs")? {
            let hash = name.strip_prefix("proofs/").and_then(|rest| rest.strip_suffix(".json"));
            let hash: Option<TxHash> = hash.and_then(|hash| hash.parse().ok());
            let hash = hash.ok_or_else(|| self.wrong(&name, "not named after a transaction"))?;
            let proof: TransactionProof = self.proof(&name)?;
            let (block, proven) = prove(trusted, hash, &proof)?;
            book.add(names, &block, &proven);
        }
        book.sort();
        Ok(book)
    }

    fn last_block(&self, trusted: &Verifier) -> Result<FinalBlock, NodeError> {
        let proof: FinalityProof = self.proof("state/finality.json")?;
        let block = trusted.clone().finality(&proof, proof.number);
        block.map_err(|error| unproven("the last block", error))
    }

    fn lines<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<T>, NodeError> {
        let bytes = self.read(name)?;
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines
            .map(serde_json::from_slice)
            .collect::<Result<_, _>>()
            .map_err(|error| self.wrong(name, &error.to_string()))
    }

    /// Whom the kit is about. What else the lines say is compared to what is proven.
    fn accounts(&self) -> Result<Vec<Address>, NodeError> {
        #[derive(Deserialize)]
        struct Line {
            account: Address,
        }
        Ok(self.lines("accounts.jsonl")?.into_iter().map(|Line { account }| account).collect())
    }

    fn orders(&self) -> Result<Vec<B256>, NodeError> {
        #[derive(Deserialize)]
        struct Line {
            order: B256,
        }
        Ok(self.lines("orders.jsonl")?.into_iter().map(|Line { order }| order).collect())
    }

    /// That each root is one of the organization, and the one that its name says.
    fn check_roots(&self, organization: &MspId) -> Result<(), NodeError> {
        let mut seen = BTreeSet::new();
        for name in self.list("roots")? {
            let text = String::from_utf8(self.read(&name)?)
                .map_err(|_| self.wrong(&name, "not a text"))?;
            let certificate = Certificate::from_pem(&text)
                .map_err(|error| self.wrong(&name, &error.to_string()))?;
            let fingerprint = certificate.fingerprint();
            Root::new(organization, certificate)
                .map_err(|error| self.wrong(&name, &error.to_string()))?;
            if name != format!("roots/{fingerprint}.pem") || !seen.insert(fingerprint) {
                return Err(self.wrong(&name, "not the certificate that its name says"));
            }
        }
        Ok(())
    }
}
