use crate::IdentityError;
use hanse_primitives::PeerId;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData};
use sha2::{Digest, Sha256};
use std::fmt;

/// `SubjectPublicKeyInfo` before the point of a P-256 key (RFC 5480); the point follows uncompressed.
const P256_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// `SubjectPublicKeyInfo` before the 32 bytes of an Ed25519 key (RFC 8410, section 4).
const ED25519_PREFIX: [u8; 12] =
    [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// First byte of a point that is not compressed.
const UNCOMPRESSED: u8 = 0x04;

/// A key that a certificate speaks of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PublicKey {
    /// The network key of a node.
    Ed25519(PeerId),
    /// The key of an authority, a client or a server: an uncompressed point.
    P256([u8; 65]),
}

impl PublicKey {
    /// As certificates have it: `SubjectPublicKeyInfo`, DER.
    #[must_use]
    pub fn to_info(&self) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => [ED25519_PREFIX.as_slice(), &key.0].concat(),
            Self::P256(point) => [P256_PREFIX.as_slice(), point].concat(),
        }
    }

    /// Reads what stands in a certificate; nothing but the one form of a known key.
    pub(crate) fn from_info(info: &[u8]) -> Option<Self> {
        if let Some(key) = info.strip_prefix(&ED25519_PREFIX) {
            return key.try_into().ok().map(|key| Self::Ed25519(PeerId(key)));
        }
        let point: [u8; 65] = info.strip_prefix(&P256_PREFIX)?.try_into().ok()?;
        (point[0] == UNCOMPRESSED).then_some(Self::P256(point))
    }

    /// What certificates call it by (RFC 7093, section 2, method 1).
    #[must_use]
    pub fn identifier(&self) -> [u8; 20] {
        let hash = match self {
            Self::Ed25519(key) => Sha256::digest(key.0),
            Self::P256(point) => Sha256::digest(point),
        };
        *hash.first_chunk().expect("a SHA-256 hash has 32 bytes")
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if matches!(self, Self::Ed25519(_)) { "Ed25519" } else { "P256" };
        write!(f, "PublicKey({kind} {})", alloy_primitives::hex::encode(&self.identifier()[..4]))
    }
}

/// The secret P-256 key of an authority, a client or a server.
pub struct SecretKey(KeyPair);

impl SecretKey {
    /// A new key, from the operating system's random bytes.
    ///
    /// # Errors
    /// [`IdentityError::Key`] when the system has none.
    pub fn generate() -> Result<Self, IdentityError> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256);
        pair.map(Self).map_err(|_| IdentityError::Key("cannot be made: no random bytes"))
    }

    /// Reads a key file: PKCS #8 in PEM.
    ///
    /// # Errors
    /// [`IdentityError::Key`].
    pub fn from_pem(text: &str) -> Result<Self, IdentityError> {
        let bad = "is no P-256 key in PKCS #8; convert with `openssl pkcs8 -topk8 -nocrypt`";
        let pair = KeyPair::from_pem(text).map_err(|_| IdentityError::Key(bad))?;
        if !pair.is_compatible(&PKCS_ECDSA_P256_SHA256) {
            return Err(IdentityError::Key(bad));
        }
        Ok(Self(pair))
    }

    /// The text of a key file. It is secret.
    #[must_use]
    pub fn to_pem(&self) -> String {
        self.0.serialize_pem()
    }

    /// Its public key.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        let point = self.0.der_bytes();
        PublicKey::P256(point.try_into().expect("a P-256 key is a point of 65 bytes"))
    }

    pub(crate) const fn pair(&self) -> &KeyPair {
        &self.0
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {:?})", self.public())
    }
}
