//! The key that a validator votes with.

use crate::NodeError;
use alloy_primitives::{Address, B256, hex};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use hanse_consensus::Signer;
use hanse_primitives::ValidatorSignature;
use std::{
    fmt,
    fs::OpenOptions,
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

/// A secp256k1 key whose account votes.
#[derive(Clone)]
pub(crate) struct ValidatorKey(PrivateKeySigner);

impl ValidatorKey {
    /// A new key, from the system's randomness.
    #[must_use]
    pub(crate) fn generate() -> Self {
        Self(PrivateKeySigner::random())
    }

    /// A key that is in memory already.
    #[cfg(feature = "simulation")]
    pub(crate) const fn of(key: PrivateKeySigner) -> Self {
        Self(key)
    }

    /// Reads a key file: 64 hex digits that only their owner may read.
    ///
    /// # Errors
    /// When it cannot be read, others may read it, or it is no key.
    pub(crate) fn load(path: &Path) -> Result<Self, NodeError> {
        let file = |error| NodeError::file("read", path, error);
        let mode = std::fs::metadata(path).map_err(file)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(NodeError::Input(format!(
                "{}: others may read this key (mode {mode:03o}); run chmod 600 on it",
                path.display()
            )));
        }
        let text = std::fs::read_to_string(path).map_err(file)?;
        let key = text.trim().parse::<PrivateKeySigner>().map_err(|_| {
            NodeError::Input(format!("{}: this is no key of 64 hex digits", path.display()))
        })?;
        Ok(Self(key))
    }

    /// Writes the key to a new file that only its owner may read.
    ///
    /// # Errors
    /// When the file exists, or cannot be written.
    pub(crate) fn save(&self, path: &Path) -> Result<(), NodeError> {
        let file = |error| NodeError::file("write", path, error);
        let mut options = OpenOptions::new();
        let mut out = options.write(true).create_new(true).mode(0o600).open(path).map_err(file)?;
        writeln!(out, "{}", hex::encode(self.0.to_bytes())).map_err(file)?;
        out.sync_all().map_err(file)
    }

    /// The account that votes.
    #[must_use]
    pub(crate) fn account(&self) -> Address {
        self.0.address()
    }

    /// The same key as a wallet's.
    pub(crate) const fn wallet(&self) -> &PrivateKeySigner {
        &self.0
    }
}

impl fmt::Debug for ValidatorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValidatorKey(of {})", self.0.address())
    }
}

impl Signer for ValidatorKey {
    fn address(&self) -> Address {
        self.0.address()
    }

    fn sign(&self, digest: B256) -> ValidatorSignature {
        let signature = self.0.sign_hash_sync(&digest);
        signature.expect("a key in memory signs any digest").into()
    }
}
