//! ECDSA signatures over P-256 in their one accepted form.
//!
//! Of a signature (r, s) anybody can make another valid one, (r, n - s), and so of a certificate another
//! with another fingerprint. Only the one with the smaller s is taken, as on the chain (EIP-2).

use crate::{CertificateError, der};
use alloy_primitives::{U256, uint};
use rcgen::{KeyPair, PublicKeyData, SignatureAlgorithm, SigningKey};
use x509_parser::{
    asn1_rs::BitString,
    prelude::FromDer,
    verify::verify_signature,
    x509::{AlgorithmIdentifier, SubjectPublicKeyInfo},
};

/// `AlgorithmIdentifier` of ECDSA with SHA-256 (RFC 5758, section 3.2): no parameters.
pub(crate) const ECDSA_SHA256: [u8; 12] =
    [0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

/// Body and signature of what an authority has signed: a certificate or a list (RFC 5280, section 4.1.1).
///
/// Here and not by the library, which takes other tags for the outermost sequence. What is not in the body is
/// not signed, so that anybody could change it.
pub(crate) fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), CertificateError> {
    let malformed = CertificateError::Malformed("it is not a body, an algorithm and a signature");
    let (outer, rest) = der::read(bytes, 0)?;
    if outer.tag != der::SEQUENCE || !rest.is_empty() {
        return Err(malformed);
    }
    let (body, rest) = der::read(outer.content, 0)?;
    let (algorithm, rest) = der::read(rest, 0)?;
    let (signature, rest) = der::read(rest, 0)?;
    if body.tag != der::SEQUENCE || signature.tag != der::BIT_STRING || !rest.is_empty() {
        return Err(malformed);
    }
    if algorithm.whole != ECDSA_SHA256 {
        return Err(CertificateError::Algorithm);
    }
    let signature = signature.content.strip_prefix(&[0]).ok_or(CertificateError::BadSignature)?;
    check_form(signature)?;
    Ok((body.whole, signature))
}

/// The order of the group (SEC 2, section 2.4.2).
const ORDER: U256 = uint!(0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551_U256);

/// Reads r and s.
fn numbers(signature: &[u8]) -> Result<(U256, U256), CertificateError> {
    let (outer, rest) = der::read(signature, 0)?;
    let (r, after) = der::read(outer.content, 0)?;
    let (s, end) = der::read(after, 0)?;
    let number = |element: der::Element<'_>| {
        let digits = element.content.strip_prefix(&[0]).unwrap_or(element.content);
        let is_unsigned = element.tag == der::INTEGER
            && element.content.first().is_some_and(|first| first & 0x80 == 0);
        let value = U256::try_from_be_slice(digits).filter(|_| is_unsigned)?;
        // Written again it must be the same: no needless zeros.
        let is_exact = der::write_unsigned(digits) == element.whole;
        (is_exact && !value.is_zero() && value < ORDER).then_some(value)
    };
    let is_pair = outer.tag == der::SEQUENCE && rest.is_empty() && end.is_empty();
    match (number(r), number(s)) {
        (Some(r), Some(s)) if is_pair => Ok((r, s)),
        _ => Err(CertificateError::BadSignature),
    }
}

/// Makes sure that a signature is in its one form.
fn check_form(signature: &[u8]) -> Result<(), CertificateError> {
    let (_, s) = numbers(signature)?;
    if s > ORDER >> 1 { Err(CertificateError::HighSignature) } else { Ok(()) }
}

/// The same signature in its one form.
pub(crate) fn lowered(signature: &[u8]) -> Result<Vec<u8>, CertificateError> {
    let (r, s) = numbers(signature)?;
    let s = if s > ORDER >> 1 { ORDER - s } else { s };
    let write = |number: U256| der::write_unsigned(&number.to_be_bytes::<32>());
    Ok(der::write(der::SEQUENCE, &[&write(r), &write(s)]))
}

/// Verifies a signature under a key that is given as `SubjectPublicKeyInfo`.
pub(crate) fn verify(key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), CertificateError> {
    let bad = CertificateError::BadSignature;
    let (_, key) = SubjectPublicKeyInfo::from_der(key).map_err(|_| bad.clone())?;
    let (_, algorithm) = AlgorithmIdentifier::from_der(&ECDSA_SHA256)
        .expect("the constant is an algorithm identifier; every check of a certificate reads it");
    verify_signature(&key, &algorithm, &BitString::new(0, signature), message).map_err(|_| bad)
}

/// A key whose signatures are in their one form.
#[derive(Debug)]
pub(crate) struct Signer<'a>(pub(crate) &'a KeyPair);

impl PublicKeyData for Signer<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.der_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.0.algorithm()
    }
}

impl SigningKey for Signer<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signature = self.0.sign(message)?;
        Ok(lowered(&signature).expect("a signature that was just made is one of two numbers"))
    }
}

/// The signature in its other form.
#[cfg(any(test, feature = "test-utils"))]
pub(crate) fn raised(signature: &[u8]) -> Vec<u8> {
    let (r, s) = numbers(signature).expect("a signature");
    let write = |number: U256| der::write_unsigned(&number.to_be_bytes::<32>());
    der::write(der::SEQUENCE, &[&write(r), &write(ORDER - s)])
}
