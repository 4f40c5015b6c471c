//! How far back the store keeps history, and how it gets shorter.

use super::{Space, Store, WriteSet};
use crate::{Horizon, LedgerError, codec::Malformed, limits::PRUNE_ROWS};
use alloy_primitives::Address;
use hanse_primitives::Height;

/// Bytes of an inverted height at the end of a key.
const HEIGHT_BYTES: usize = 8;

impl Store {
    /// From where on history is kept. What is below may be there or not.
    pub(crate) fn horizon(&self) -> Horizon {
        self.horizon.read().clone()
    }

    /// Notes from where on history is kept, before anything goes.
    pub(crate) fn set_horizon(&self, horizon: &Horizon) -> Result<(), LedgerError> {
        self.note(b"horizon", horizon)?;
        *self.horizon.write() = horizon.clone();
        Ok(())
    }

    /// Notes the first state that there is anything of, in a ledger that was made of a snapshot.
    pub(crate) fn set_first_state(&self, height: Height) -> Result<(), LedgerError> {
        self.note(b"first state", &Horizon { all: height.next(), ..Horizon::default() })?;
        *self.first_state.write() = height.next();
        Ok(())
    }

    /// The height below which no past of anything is kept; the state below it is.
    pub(crate) fn state_horizon(&self) -> Height {
        self.horizon.read().all.max(*self.first_state.read())
    }

    /// The same of a contract's storage.
    pub(crate) fn storage_horizon(&self, contract: &Address) -> Height {
        self.horizon.read().of(contract).max(*self.first_state.read())
    }

    /// Up to where pruning has been completed.
    pub(crate) fn pruned(&self) -> Result<Horizon, LedgerError> {
        self.noted(b"pruned")
    }

    /// Notes that pruning has been completed.
    pub(crate) fn set_pruned(&self, horizon: &Horizon) -> Result<(), LedgerError> {
        self.note(b"pruned", horizon)
    }

    fn note(&self, key: &[u8], horizon: &Horizon) -> Result<(), LedgerError> {
        let mut set = WriteSet::default();
        set.rows(Space::Meta).put(key, &horizon.bytes());
        self.write(set)
    }

    pub(super) fn noted(&self, key: &[u8]) -> Result<Horizon, LedgerError> {
        let Some(bytes) = self.get(Space::Meta, key)? else { return Ok(Horizon::default()) };
        Horizon::read(&bytes).map_err(|error| self.malformed("meta", &error))
    }

    /// Refuses to speak of a state that is not kept. To be asked after the state has been read: what goes is
    /// noted first.
    pub(super) fn check_state(&self, below: Height, height: Height) -> Result<(), LedgerError> {
        if Horizon::keeps_state(below, height) {
            return Ok(());
        }
        Err(LedgerError::StateUnavailable(height))
    }

    pub(super) fn check_account(&self, height: Height) -> Result<(), LedgerError> {
        self.check_state(self.state_horizon(), height)
    }

    pub(super) fn check_slot(&self, address: &Address, height: Height) -> Result<(), LedgerError> {
        self.check_state(self.storage_horizon(address), height)
    }

    /// Deletes the versions of everything with a key that begins with `prefix`, but for the one that was the
    /// value before height `below`, and later ones. Returns how many went.
    pub(crate) fn prune_history(
        &self,
        space: Space,
        prefix: &[u8],
        below: Height,
    ) -> Result<u64, LedgerError> {
        let Some(last) = below.previous() else { return Ok(0) };
        let mut count = 0;
        let mut waiting = 0;
        let mut set = WriteSet::default();
        let mut key_of_last: Vec<u8> = Vec::new(); // of which the version that stays has been seen
        for guard in self.space(space).prefix(prefix) {
            let (key, value) = guard.into_inner()?;
            let Some((name, height)) = key.split_last_chunk::<HEIGHT_BYTES>() else {
                return Err(self.malformed(space.name(), &Malformed("a bad key")));
            };
            if Height(u64::MAX - u64::from_be_bytes(*height)) > last {
                continue;
            }
            let is_value_then = key_of_last != name;
            if is_value_then {
                key_of_last.clear();
                key_of_last.extend_from_slice(name);
            }
            // Nothing at all says the same as that there was nothing.
            if is_value_then && !value.is_empty() {
                continue;
            }
            set.rows(space).delete(&key);
            waiting += 1;
            if waiting >= PRUNE_ROWS {
                self.write(std::mem::take(&mut set))?;
                count += waiting;
                waiting = 0;
            }
        }
        if waiting > 0 {
            self.write(set)?;
        }
        Ok(count + waiting)
    }
}
