use crate::{
    Authority, Certificate, CertificateError, IdentityError, MspId, Root, Serial, Validity,
    certificate::{check_algorithm, from_pem, to_pem},
    der,
    limits::{REVOCATION_LIST_BYTES_MAX, REVOCATIONS_MAX},
    name::{Name, Part},
    signature::{self, Signer},
};
use rcgen::{
    CertificateRevocationListParams, Issuer, KeyIdMethod, RevocationReason, RevokedCertParams,
    SerialNumber,
};
use std::{collections::BTreeSet, fmt, str::FromStr, time::Duration};
use x509_parser::{
    prelude::FromDer,
    revocation_list::{CertificateRevocationList, RevokedCertificate},
    x509::X509Version,
};

/// Why a certificate was revoked (RFC 5280, section 5.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reason {
    /// Not said.
    #[default]
    Unspecified,
    /// Somebody else has the key.
    KeyCompromise,
    /// Its owner has other tasks now.
    AffiliationChanged,
    /// There is another certificate in its place.
    Superseded,
    /// It is not used any more.
    CessationOfOperation,
    /// Its owner may not do any more what it says.
    PrivilegeWithdrawn,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::PrivilegeWithdrawn,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "key-compromise",
            Self::AffiliationChanged => "affiliation-changed",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessation-of-operation",
            Self::PrivilegeWithdrawn => "privilege-withdrawn",
        }
    }

    const fn code(self) -> RevocationReason {
        match self {
            Self::Unspecified => RevocationReason::Unspecified,
            Self::KeyCompromise => RevocationReason::KeyCompromise,
            Self::AffiliationChanged => RevocationReason::AffiliationChanged,
            Self::Superseded => RevocationReason::Superseded,
            Self::CessationOfOperation => RevocationReason::CessationOfOperation,
            Self::PrivilegeWithdrawn => RevocationReason::PrivilegeWithdrawn,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Reason {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|reason| reason.name() == text);
        found.ok_or(IdentityError::RevocationList(
            "knows the reasons unspecified, key-compromise, affiliation-changed, superseded, \
             cessation-of-operation and privilege-withdrawn",
        ))
    }
}

/// One certificate that is no longer to be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Which one.
    pub serial: Serial,
    /// Since when, in seconds.
    pub time: u64,
    /// Why.
    pub reason: Reason,
}

/// A signed list of what is revoked of the certificates that one key of an authority has issued (RFC 5280,
/// section 5).
#[derive(Clone, PartialEq, Eq)]
pub struct RevocationList {
    der: Vec<u8>,
    organization: MspId,
    issuer: Vec<u8>,
    number: u64,
    validity: Validity,
    revoked: Vec<Revocation>,
    body: Vec<u8>,
    signature: Vec<u8>,
}

impl RevocationList {
    /// Reads a list: DER.
    ///
    /// # Errors
    /// [`IdentityError::RevocationList`], and [`IdentityError::Certificate`] for what lists and certificates
    /// have in common.
    pub fn parse(bytes: &[u8]) -> Result<Self, IdentityError> {
        let bad = IdentityError::RevocationList;
        if bytes.len() > REVOCATION_LIST_BYTES_MAX {
            return Err(bad("has more than 1 MiB"));
        }
        der::check(bytes)?;
        let (signed, signature) = signature::split(bytes)?;
        let (rest, parsed) = CertificateRevocationList::from_der(bytes)
            .map_err(|_| bad("has other fields than those of RFC 5280"))?;
        let body = &parsed.tbs_cert_list;
        if !rest.is_empty() || body.version != Some(X509Version(1)) {
            return Err(bad("is not of version 2"));
        }
        check_algorithm(&body.signature)?;
        if body.extensions().iter().any(|extension| extension.critical) {
            return Err(bad("has an extension that must be understood, and is not known here"));
        }
        let number = parsed.crl_number().and_then(|number| u64::try_from(number).ok());
        if body.revoked_certificates.len() > REVOCATIONS_MAX {
            return Err(bad("has more than 10,000 entries"));
        }
        let revoked = body.revoked_certificates.iter().map(revocation);
        let revoked = revoked.collect::<Result<Vec<_>, _>>()?;
        let serials: BTreeSet<&Serial> = revoked.iter().map(|entry| &entry.serial).collect();
        if serials.len() != revoked.len() {
            return Err(bad("has an entry twice"));
        }
        let seconds = |seconds: i64| u64::try_from(seconds).map_err(|_| bad("begins before 1970"));
        let next = body.next_update.ok_or(bad("does not say when the next one is due"))?;
        Ok(Self {
            der: bytes.to_vec(),
            organization: Name::parse(&body.issuer, Part::Issuer)?.organization,
            issuer: body.issuer.as_raw().to_vec(),
            number: number.ok_or(bad("has no number"))?,
            validity: Validity::new(
                seconds(body.this_update.timestamp())?,
                seconds(next.timestamp())?,
            )?,
            revoked,
            body: signed.to_vec(),
            signature: signature.to_vec(),
        })
    }

    /// Reads a file with one list in PEM.
    ///
    /// # Errors
    /// [`IdentityError::Pem`], and as [`RevocationList::parse`].
    pub fn from_pem(text: &str) -> Result<Self, IdentityError> {
        Self::parse(&from_pem(text, PEM_LABEL, "X509 CRL block")?)
    }

    /// The text of a file.
    #[must_use]
    pub fn to_pem(&self) -> String {
        to_pem(PEM_LABEL, &self.der)
    }

    /// Makes sure that the authority with this root has signed it.
    ///
    /// # Errors
    /// [`CertificateError::UnknownIssuer`], [`CertificateError::BadSignature`].
    pub fn verify(&self, root: &Root) -> Result<(), CertificateError> {
        let root = root.certificate();
        if root.subject() != self.issuer {
            return Err(CertificateError::UnknownIssuer {
                organization: self.organization.clone(),
            });
        }
        signature::verify(&root.key().to_info(), &self.body, &self.signature)
    }

    /// The bytes, DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Whose certificates it is about.
    #[must_use]
    pub const fn organization(&self) -> &MspId {
        &self.organization
    }

    /// Rises from one list to the next.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// From when it was made until the next is due.
    #[must_use]
    pub const fn validity(&self) -> Validity {
        self.validity
    }

    /// What is revoked.
    #[must_use]
    pub fn revoked(&self) -> &[Revocation] {
        &self.revoked
    }

    /// What it says of a certificate. Whether the list and the certificate are of one authority is for the
    /// caller to see.
    #[must_use]
    pub fn find(&self, certificate: &Certificate) -> Option<&Revocation> {
        let is_issuer = self.issuer == certificate.issuer();
        let mut revoked = self.revoked.iter();
        revoked.find(|entry| is_issuer && entry.serial == *certificate.serial())
    }
}

impl fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { organization, number, revoked, .. } = self;
        write!(f, "RevocationList({number} of {organization}, {} entries)", revoked.len())
    }
}

const PEM_LABEL: &str = "X509 CRL";

/// Signs a list.
pub(crate) fn write(
    authority: &Authority,
    revoked: &[Revocation],
    number: u64,
    validity: Validity,
) -> Result<Vec<u8>, IdentityError> {
    if revoked.len() > REVOCATIONS_MAX {
        return Err(IdentityError::RevocationList("has more than 10,000 entries"));
    }
    let date = |seconds| rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
    let root = authority.root().certificate();
    let entry = |entry: &Revocation| RevokedCertParams {
        serial_number: SerialNumber::from_slice(entry.serial.bytes()),
        revocation_time: date(entry.time),
        reason_code: Some(entry.reason.code()),
        invalidity_date: None,
    };
    let parameters = CertificateRevocationListParams {
        this_update: date(validity.not_before()),
        next_update: date(validity.not_after()),
        crl_number: SerialNumber::from(number),
        issuing_distribution_point: None,
        revoked_certs: revoked.iter().map(entry).collect(),
        key_identifier_method: KeyIdMethod::PreSpecified(root.key().identifier().to_vec()),
    };
    let failed = |_| IdentityError::RevocationList("cannot be signed");
    let signer = Signer(authority.key().pair());
    let issuer = Issuer::from_ca_cert_der(&root.der().into(), signer).map_err(failed)?;
    Ok(parameters.signed_by(&issuer).map_err(failed)?.der().to_vec())
}

fn revocation(entry: &RevokedCertificate<'_>) -> Result<Revocation, IdentityError> {
    let bad = IdentityError::RevocationList;
    if entry.extensions().iter().any(|extension| extension.critical) {
        return Err(bad("has an entry that must be understood, and is not known here"));
    }
    let reason = match entry.reason_code() {
        None => Reason::Unspecified,
        Some((_, code)) => {
            let known = Reason::ALL.into_iter().find(|reason| reason.code() as u8 == code.0);
            known.ok_or(bad("has an entry with a reason that is not known here"))?
        }
    };
    let time = u64::try_from(entry.revocation_date.timestamp());
    Ok(Revocation {
        serial: Serial::new(entry.raw_serial())?,
        time: time.map_err(|_| bad("has an entry from before 1970"))?,
        reason,
    })
}
