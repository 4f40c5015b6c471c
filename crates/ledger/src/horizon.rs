use crate::codec::{Malformed, Reader, put_length, put_number};
use alloy_primitives::Address;
use hanse_primitives::Height;
use std::collections::BTreeMap;

/// How far back history is kept. Blocks below a height keep their headers, their seals and the hashes of
/// their transactions' leaves; the states of blocks below the one before it are gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Horizon {
    /// For everything.
    pub all: Height,
    /// For transactions that call or create a contract or in which it writes a log, and for its storage.
    pub contracts: BTreeMap<Address, Height>,
}

impl Horizon {
    /// That of a contract.
    #[must_use]
    pub fn of(&self, contract: &Address) -> Height {
        self.contracts.get(contract).copied().unwrap_or_default().max(self.all)
    }

    /// The highest of all: from there on nothing is missing.
    #[must_use]
    pub fn highest(&self) -> Height {
        self.contracts.values().copied().max().unwrap_or_default().max(self.all)
    }

    /// True when the state after a block is kept, as far as `below` says.
    pub(crate) fn keeps_state(below: Height, height: Height) -> bool {
        height.next() >= below
    }

    /// The higher of both, everywhere.
    pub(crate) fn raised(&self, other: &Self) -> Self {
        let mut raised = self.clone();
        raised.all = raised.all.max(other.all);
        for (contract, height) in &other.contracts {
            let own = raised.contracts.entry(*contract).or_default();
            *own = (*own).max(*height);
        }
        raised
    }

    /// Nowhere above `most`.
    pub(crate) fn bounded(mut self, most: Height) -> Self {
        self.all = self.all.min(most);
        self.contracts.values_mut().for_each(|height| *height = (*height).min(most));
        self
    }

    /// The heights that are to be looked at to get from `self` to `to`.
    pub(crate) fn range(&self, to: &Self) -> std::ops::Range<Height> {
        let contracts = to.contracts.keys().map(|one| (self.of(one), to.of(one)));
        let raised = contracts.chain([(self.all, to.all)]).filter(|(from, to)| from < to);
        let (first, last) = raised.fold((None, Height::GENESIS), |(first, last), (from, to)| {
            (Some(first.map_or(from, |first: Height| first.min(from))), last.max(to))
        });
        first.unwrap_or(last)..last
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_number(&mut bytes, self.all.0);
        put_length(&mut bytes, self.contracts.len());
        for (contract, height) in &self.contracts {
            bytes.extend_from_slice(contract.as_slice());
            put_number(&mut bytes, height.0);
        }
        bytes
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let all = Height(reader.number()?);
        let mut contracts = BTreeMap::new();
        for _ in 0..reader.length()? {
            let contract = Address::from(reader.array()?);
            contracts.insert(contract, Height(reader.number()?));
        }
        reader.end()?;
        Ok(Self { all, contracts })
    }
}

/// What a pruning took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PruneReport {
    /// Blocks of which something went.
    pub blocks: u64,
    /// Transactions, with their receipts.
    pub transactions: u64,
    /// Past values of accounts and slots.
    pub versions: u64,
    /// Bytes of the block log that became free on disk.
    pub log_bytes: u64,
}
