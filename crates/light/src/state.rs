use crate::{FinalBlock, LightError, TrieFault, limits, quantity, trie::Nodes};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::Decodable;
use alloy_trie::TrieAccount;
use serde::{Deserialize, Serialize};

/// What `eth_getProof` (EIP-1186) answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountProof {
    /// The account.
    pub address: Address,
    /// Nodes of the state trie on the way to it.
    pub account_proof: Vec<Bytes>,
    /// Its balance, as the server says.
    pub balance: U256,
    /// Hash of its code, as the server says.
    pub code_hash: B256,
    /// Its nonce, as the server says.
    #[serde(with = "quantity")]
    pub nonce: u64,
    /// Root of its storage trie, as the server says.
    pub storage_hash: B256,
    /// The slots that were asked for.
    pub storage_proof: Vec<SlotProof>,
}

/// One slot of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotProof {
    /// The slot.
    pub key: U256,
    /// Its value, as the server says.
    pub value: U256,
    /// Nodes of the storage trie on the way to it.
    pub proof: Vec<Bytes>,
}

/// An account as it is in the state after a final block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenAccount {
    /// The account.
    pub address: Address,
    /// False when it is proven that there is none; all else is zero then.
    pub exists: bool,
    /// Its nonce.
    pub nonce: u64,
    /// Its balance.
    pub balance: U256,
    /// Hash of its code.
    pub code_hash: B256,
    /// The slots that were asked for, in that order, with their values.
    pub slots: Vec<(U256, U256)>,
}

impl FinalBlock {
    /// Checks an answer of `eth_getProof` for this block.
    ///
    /// # Errors
    /// [`LightError`]: nothing is proven.
    pub fn account(
        &self,
        proof: &AccountProof,
        address: Address,
        slots: &[U256],
    ) -> Result<ProvenAccount, LightError> {
        if proof.address != address {
            return Err(LightError::OtherAccount("account"));
        }
        if proof.storage_proof.len() > limits::SLOTS_MAX {
            let (what, most) = ("slots", limits::SLOTS_MAX);
            return Err(LightError::TooLarge { what, count: proof.storage_proof.len(), most });
        }
        if !proof.storage_proof.iter().map(|one| &one.key).eq(slots) {
            return Err(LightError::OtherAccount("slot"));
        }
        let root = self.header().state_root;
        let found = account_in(&proof.account_proof, root, address, "the account")?;
        let account = found.unwrap_or_default();
        proof.compare(&account, found.is_some())?;
        let mut proven = Vec::with_capacity(slots.len());
        for one in &proof.storage_proof {
            let what = "the slot";
            let failed = |fault| LightError::Proof { what, fault };
            let mut nodes = Nodes::new(&one.proof).map_err(failed)?;
            let value = slot_in(&mut nodes, account.storage_root, one.key, what)?;
            nodes.finish().map_err(failed)?;
            if value != one.value {
                return Err(LightError::OtherValue {
                    slot: one.key,
                    proven: value,
                    said: one.value,
                });
            }
            proven.push((one.key, value));
        }
        Ok(ProvenAccount {
            address,
            exists: found.is_some(),
            nonce: account.nonce,
            balance: account.balance,
            code_hash: account.code_hash,
            slots: proven,
        })
    }
}

impl AccountProof {
    /// Servers differ in what they say of an account that is not there: zero, or the hash of nothing.
    fn compare(&self, account: &TrieAccount, exists: bool) -> Result<(), LightError> {
        let same = |field, proven: String, said: String, alike: bool| {
            if alike { Ok(()) } else { Err(LightError::Contradiction { field, proven, said }) }
        };
        let nothing = |said: &B256| !exists && said.is_zero();
        let (proven, said) = (account.nonce, self.nonce);
        same("nonce", proven.to_string(), said.to_string(), proven == said)?;
        let (proven, said) = (account.balance, self.balance);
        same("balance", proven.to_string(), said.to_string(), proven == said)?;
        let (proven, said) = (account.code_hash, self.code_hash);
        same("code hash", proven.to_string(), said.to_string(), proven == said || nothing(&said))?;
        let (proven, said) = (account.storage_root, self.storage_hash);
        same("storage root", proven.to_string(), said.to_string(), proven == said || nothing(&said))
    }
}

/// An account in the state with this root; `None` when it is proven that there is none.
pub(crate) fn account_in(
    nodes: &[Bytes],
    root: B256,
    address: Address,
    what: &'static str,
) -> Result<Option<TrieAccount>, LightError> {
    let failed = |fault| LightError::Proof { what, fault };
    let mut nodes = Nodes::new(nodes).map_err(failed)?;
    let account = find_account(&mut nodes, root, address, what)?;
    nodes.finish().map_err(failed)?;
    Ok(account)
}

/// The same, where the nodes are for more than this account.
pub(crate) fn find_account(
    nodes: &mut Nodes<'_>,
    root: B256,
    address: Address,
    what: &'static str,
) -> Result<Option<TrieAccount>, LightError> {
    let failed = |fault| LightError::Proof { what, fault };
    let found = nodes.get(root, keccak256(address).as_slice()).map_err(failed)?;
    found.map(exactly::<TrieAccount>).transpose().map_err(failed)
}

/// A slot in the storage with this root; zero when it is proven that it is not set.
pub(crate) fn slot_in(
    nodes: &mut Nodes<'_>,
    root: B256,
    slot: U256,
    what: &'static str,
) -> Result<U256, LightError> {
    let failed = |fault| LightError::Proof { what, fault };
    let key = keccak256(B256::from(slot));
    let found = nodes.get(root, key.as_slice()).map_err(failed)?;
    Ok(found.map(exactly::<U256>).transpose().map_err(failed)?.unwrap_or_default())
}

fn exactly<T: Decodable>(mut bytes: &[u8]) -> Result<T, TrieFault> {
    let value = T::decode(&mut bytes).map_err(|_| TrieFault::Value)?;
    if bytes.is_empty() { Ok(value) } else { Err(TrieFault::Value) }
}
