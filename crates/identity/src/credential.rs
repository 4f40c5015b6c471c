use crate::{
    IdentityError,
    limits::{CERTIFICATE_BYTES_MAX, CREDENTIAL_BYTES_MAX},
};
use alloy_primitives::hex;
use std::fmt;

/// What the first byte says: how the rest is to be read.
const VERSION: u8 = 1;
/// Bit of the second byte: a validator's signature follows.
const VALIDATOR: u8 = 1;
/// Bit of the second byte: a certificate follows.
const CERTIFICATE: u8 = 2;

/// What a node shows its peers: for which validator it acts, and what its organization certifies.
///
/// `docs/protocol/certificates.md` has the bytes. This reads them and judges nothing: the signature is
/// still to be recovered, the certificate to be parsed and checked.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credential {
    /// The validator's signature of the node's key.
    pub validator: Option<[u8; 65]>,
    /// The certificate of the node's key, DER.
    pub certificate: Option<Vec<u8>>,
}

impl Credential {
    /// The bytes. A node that shows nothing has none.
    ///
    /// # Errors
    /// [`IdentityError::Credential`] for a certificate that is empty or longer than any may be.
    pub fn encode(&self) -> Result<Vec<u8>, IdentityError> {
        if self.validator.is_none() && self.certificate.is_none() {
            return Ok(Vec::new());
        }
        let mut flags = 0;
        let mut body = Vec::new();
        if let Some(signature) = &self.validator {
            flags |= VALIDATOR;
            body.extend_from_slice(signature);
        }
        if let Some(certificate) = &self.certificate {
            flags |= CERTIFICATE;
            let length = u16::try_from(certificate.len()).ok().filter(|length| *length > 0);
            let length = length.filter(|length| usize::from(*length) <= CERTIFICATE_BYTES_MAX);
            let length =
                length.ok_or(IdentityError::Credential("its certificate is empty or too long"))?;
            body.extend_from_slice(&length.to_be_bytes());
            body.extend_from_slice(certificate);
        }
        Ok([&[VERSION, flags], body.as_slice()].concat())
    }

    /// Reads what a peer shows. Each credential has exactly one form.
    ///
    /// # Errors
    /// [`IdentityError::Credential`], the peer's fault; [`IdentityError::CredentialVersion`] from a peer
    /// that speaks a later version.
    pub fn decode(bytes: &[u8]) -> Result<Self, IdentityError> {
        let bad = IdentityError::Credential;
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        if bytes.len() > CREDENTIAL_BYTES_MAX {
            return Err(bad("it is too long"));
        }
        let (version, rest) = bytes.split_first().expect("it is not empty, checked above");
        if *version != VERSION {
            return Err(IdentityError::CredentialVersion(*version));
        }
        let (flags, mut rest) = rest.split_first().ok_or(bad("it ends early"))?;
        if *flags == 0 || *flags & !(VALIDATOR | CERTIFICATE) != 0 {
            return Err(bad("it says to contain nothing, or something unknown"));
        }
        let mut credential = Self::default();
        if flags & VALIDATOR != 0 {
            let (signature, after) =
                rest.split_first_chunk().ok_or(bad("its signature ends early"))?;
            (credential.validator, rest) = (Some(*signature), after);
        }
        if flags & CERTIFICATE != 0 {
            let (length, after) = rest.split_first_chunk().ok_or(bad("it ends early"))?;
            let length = usize::from(u16::from_be_bytes(*length));
            if length == 0 || length > CERTIFICATE_BYTES_MAX {
                return Err(bad("its certificate is empty or too long"));
            }
            let (certificate, after) =
                after.split_at_checked(length).ok_or(bad("its certificate ends early"))?;
            (credential.certificate, rest) = (Some(certificate.to_vec()), after);
        }
        if rest.is_empty() { Ok(credential) } else { Err(bad("something follows its end")) }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let validator = self.validator.map(|signature| hex::encode(&signature[..4]));
        let certificate = self.certificate.as_ref().map(Vec::len);
        write!(f, "Credential(validator {validator:?}, certificate of {certificate:?} bytes)")
    }
}
