use crate::{
    Certificate, IdentityError, Kind, MspId, Purpose, Request, Revocation, RevocationList, Root,
    SecretKey, Serial, Validity, certificate, check, der, extensions,
    name::{Name, check_name},
    revocation,
    signature::{ECDSA_SHA256, Signer},
};
use rcgen::SigningKey;
use std::collections::BTreeSet;

/// The certificate authority of an organization: its root certificate with the key to it.
#[derive(Debug)]
pub struct Authority {
    root: Root,
    key: SecretKey,
}

/// What is in a certificate apart from the signature.
struct Body<'a> {
    kind: Kind,
    serial: &'a Serial,
    issuer: &'a [u8],
    validity: Validity,
    subject: &'a [u8],
    /// `SubjectPublicKeyInfo`.
    key: &'a [u8],
    extensions: Vec<u8>,
}

impl Authority {
    /// Founds the authority of an organization, with a new key. `name` is for people.
    ///
    /// # Errors
    /// [`IdentityError::Request`] for a name that no certificate can have; [`IdentityError::Key`] without
    /// random bytes.
    pub fn create(
        organization: &MspId,
        name: &str,
        validity: Validity,
        serial: &Serial,
    ) -> Result<Self, IdentityError> {
        check_name(name)?;
        let subject = Name::write(organization, &[], name);
        Self::certify(organization, &subject, SecretKey::generate()?, validity, serial)
    }

    /// The authority with this root certificate and this key.
    ///
    /// # Errors
    /// [`IdentityError::Key`] when they do not belong together.
    pub fn new(root: Root, key: SecretKey) -> Result<Self, IdentityError> {
        if *root.certificate().key() != key.public() {
            return Err(IdentityError::Key("is not the one of this root certificate"));
        }
        Ok(Self { root, key })
    }

    /// The same authority with a further root certificate, for the same key or a new one. Both are valid side
    /// by side; what the first has issued stays valid with it.
    ///
    /// # Errors
    /// As [`Authority::create`].
    pub fn renewed(
        &self,
        key: SecretKey,
        validity: Validity,
        serial: &Serial,
    ) -> Result<Self, IdentityError> {
        let root = self.root.certificate();
        Self::certify(root.organization(), root.subject(), key, validity, serial)
    }

    /// The root certificate.
    #[must_use]
    pub const fn root(&self) -> &Root {
        &self.root
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &SecretKey {
        &self.key
    }

    /// Issues a certificate. What comes out has passed [`check`].
    ///
    /// # Errors
    /// [`IdentityError::Validity`] when it would outlive the authority, [`IdentityError::Certificate`] when
    /// it would be too long.
    pub fn issue(
        &self,
        request: &Request,
        validity: Validity,
        serial: &Serial,
    ) -> Result<Certificate, IdentityError> {
        let root = self.root.certificate();
        if !root.validity().contains(validity) {
            let problem = "is not within that of the authority: renew the authority first, or ask for fewer days";
            return Err(IdentityError::Validity(problem));
        }
        let units = certificate::units(request.kind, request.roles);
        let subject = Name::write(root.organization(), &units, &request.name);
        let identifier = request.key.identifier();
        let authority = root.key().identifier();
        let body = Body {
            kind: request.kind,
            serial,
            issuer: root.subject(),
            validity,
            subject: &subject,
            key: &request.key.to_info(),
            extensions: extensions::write(
                request.kind,
                &identifier,
                Some(&authority),
                &request.alternative_names(),
            ),
        };
        let issued = Certificate::parse(&body.sign(&self.key)?)?;
        let purpose = match request.kind {
            Kind::Node => Purpose::Node,
            Kind::Server => Purpose::Server,
            Kind::Client | Kind::Root => Purpose::Client,
        };
        let roots = std::slice::from_ref(&self.root);
        check(&issued, roots, &BTreeSet::new(), validity.not_before(), purpose)?;
        Ok(issued)
    }

    /// Signs the list of what is revoked of the certificates that this key has issued.
    ///
    /// # Errors
    /// [`IdentityError::RevocationList`] when there are more than a list may have.
    pub fn revocation_list(
        &self,
        revoked: &[Revocation],
        number: u64,
        validity: Validity,
    ) -> Result<RevocationList, IdentityError> {
        let bytes = revocation::write(self, revoked, number, validity)?;
        let list = RevocationList::parse(&bytes)?;
        list.verify(&self.root)?;
        Ok(list)
    }

    fn certify(
        organization: &MspId,
        subject: &[u8],
        key: SecretKey,
        validity: Validity,
        serial: &Serial,
    ) -> Result<Self, IdentityError> {
        let public = key.public();
        let body = Body {
            kind: Kind::Root,
            serial,
            issuer: subject,
            validity,
            subject,
            key: &public.to_info(),
            extensions: extensions::write(Kind::Root, &public.identifier(), None, &[]),
        };
        let root = Root::parse(organization, &body.sign(&key)?)?;
        Self::new(root, key)
    }
}

impl Body<'_> {
    /// The certificate, DER (RFC 5280, section 4.1). Laid out here because a role is a unit of the subject's
    /// name, and the library writes one unit.
    fn sign(&self, key: &SecretKey) -> Result<Vec<u8>, IdentityError> {
        debug_assert!(self.kind != Kind::Root || self.issuer == self.subject);
        let version = der::write(0xa0, &[&der::write_unsigned(&[2])]);
        let body = der::write(
            der::SEQUENCE,
            &[
                &version,
                &der::write_unsigned(self.serial.bytes()),
                &ECDSA_SHA256,
                self.issuer,
                &self.validity.write(),
                self.subject,
                self.key,
                &self.extensions,
            ],
        );
        let signature = Signer(key.pair()).sign(&body);
        let signature =
            signature.map_err(|_| IdentityError::Key("cannot sign: no random bytes"))?;
        let signature = der::write(der::BIT_STRING, &[&[0], &signature]);
        Ok(der::write(der::SEQUENCE, &[&body, &ECDSA_SHA256, &signature]))
    }
}
