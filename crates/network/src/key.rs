use crate::{NetworkError, limits::KEY_FILE_BYTES_MAX};
use alloy_primitives::hex;
use hanse_primitives::PeerId;
use ring::{
    rand::{SecureRandom, SystemRandom},
    signature::{Ed25519KeyPair, KeyPair},
};
use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
};

/// What stands before the secret in a key file.
const PREFIX: &str = "ed25519:";

/// PKCS #8 around the secret of an ed25519 key (RFC 8410, section 7).
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// A node's secret ed25519 key. Its public key is the node's [`PeerId`].
#[derive(Clone)]
pub struct NodeKey {
    seed: [u8; 32],
    id: PeerId,
}

impl NodeKey {
    /// A new key, from the operating system's random bytes.
    ///
    /// # Errors
    /// [`NetworkError::Randomness`].
    pub fn generate() -> Result<Self, NetworkError> {
        Ok(Self::from_seed(random()?))
    }

    /// The key with this secret (RFC 8032, section 5.1.5).
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed)
            .expect("any 32 bytes are the seed of an ed25519 key");
        let public = pair.public_key().as_ref();
        let id = PeerId(public.try_into().expect("an ed25519 public key has 32 bytes"));
        Self { seed, id }
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// When it cannot be read, holds no key, or others than its owner may read it.
    pub fn load(path: &Path) -> Result<Self, NetworkError> {
        let failed = |source| NetworkError::KeyFile { path: path.to_owned(), source };
        let bad = |problem: &str| NetworkError::BadKeyFile {
            path: path.to_owned(),
            problem: problem.to_owned(),
        };
        let file = File::open(path).map_err(failed)?;
        check_mode(&file).map_err(failed)?.map_or(Ok(()), |mode| {
            Err(bad(&format!("others may read it (mode {mode:03o}); run chmod 600 on it")))
        })?;
        let mut text = String::new();
        file.take(KEY_FILE_BYTES_MAX).read_to_string(&mut text).map_err(|error| {
            if error.kind() == io::ErrorKind::InvalidData {
                bad("it is not text")
            } else {
                failed(error)
            }
        })?;
        let digits = text
            .trim()
            .strip_prefix(PREFIX)
            .ok_or_else(|| bad("it does not begin with \"ed25519:\""))?;
        let mut seed = [0; 32];
        hex::decode_to_slice(digits, &mut seed)
            .map_err(|_| bad("what follows \"ed25519:\" is not 64 hex digits"))?;
        Ok(Self::from_seed(seed))
    }

    /// Writes a key file that only its owner may read.
    ///
    /// # Errors
    /// When it exists already (keys are not overwritten) or cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), NetworkError> {
        let failed = |source| NetworkError::KeyFile { path: path.to_owned(), source };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(failed)?;
        writeln!(file, "{PREFIX}{}", hex::encode(self.seed)).map_err(failed)?;
        file.sync_all().map_err(failed)
    }

    /// The public key.
    #[must_use]
    pub const fn id(&self) -> PeerId {
        self.id
    }

    /// As PKCS #8, which the TLS library takes.
    pub(crate) fn to_pkcs8(&self) -> Vec<u8> {
        [PKCS8_PREFIX.as_slice(), &self.seed].concat()
    }
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeKey(of {})", self.id)
    }
}

/// The mode of a file that others than its owner may read; `None` for one that is well kept.
#[cfg(unix)]
fn check_mode(file: &File) -> io::Result<Option<u32>> {
    let mode = std::os::unix::fs::MetadataExt::mode(&file.metadata()?) & 0o777;
    Ok((mode & 0o077 != 0).then_some(mode))
}

#[cfg(not(unix))]
fn check_mode(_file: &File) -> io::Result<Option<u32>> {
    Ok(None)
}

/// Random bytes of the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], NetworkError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| NetworkError::Randomness)?;
    Ok(bytes)
}
