//! What a certificate's extensions say. Each known one has exactly the bytes that its kind of certificate
//! needs; unknown ones are passed over unless they must be understood.

use crate::{CertificateError, Host, Kind, der, host::is_host_name, limits::HOSTS_MAX};
use alloy_primitives::{Address, hex};
use std::{collections::BTreeSet, net::IpAddr};
use x509_parser::extensions::{GeneralName, ParsedExtension, X509Extension};

const SUBJECT_KEY: [u8; 3] = [0x55, 0x1d, 0x0e];
const KEY_USAGE: [u8; 3] = [0x55, 0x1d, 0x0f];
const ALTERNATIVE_NAME: [u8; 3] = [0x55, 0x1d, 0x11];
const BASIC_CONSTRAINTS: [u8; 3] = [0x55, 0x1d, 0x13];
const AUTHORITY_KEY: [u8; 3] = [0x55, 0x1d, 0x23];
const EXTENDED_KEY_USAGE: [u8; 3] = [0x55, 0x1d, 0x25];

/// An authority that issues no further authorities: `cA` true, `pathLenConstraint` 0.
const AUTHORITY: [u8; 8] = [0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01, 0x00];
/// No authority: both left out.
const NO_AUTHORITY: [u8; 2] = [0x30, 0x00];
/// `keyCertSign` and `cRLSign`.
const SIGNS_CERTIFICATES: [u8; 4] = [0x03, 0x02, 0x01, 0x06];
/// `digitalSignature`.
const SIGNS: [u8; 4] = [0x03, 0x02, 0x07, 0x80];
const FOR_SERVERS: [u8; 10] = [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
const FOR_CLIENTS: [u8; 10] = [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

/// What stands before an account in the alternative name of a client.
const ACCOUNT_PREFIX: &str = "urn:hanse:account:0x";

/// What extensions say beyond what the kind of a certificate says already.
#[derive(Debug, Default)]
pub(crate) struct Extensions {
    pub(crate) account: Option<Address>,
    pub(crate) hosts: Vec<Host>,
    pub(crate) authority_key: Option<Vec<u8>>,
    pub(crate) subject_key: Option<Vec<u8>>,
}

fn bad(extension: &'static str, problem: &'static str) -> CertificateError {
    CertificateError::Extension { extension, problem }
}

/// Whether extensions say that this is an authority, whatever else they say.
pub(crate) fn is_authority(extensions: &[X509Extension<'_>]) -> bool {
    let mut constraints =
        extensions.iter().filter(|extension| extension.oid.as_bytes() == BASIC_CONSTRAINTS);
    constraints.any(|extension| extension.value != NO_AUTHORITY)
}

impl Extensions {
    /// Reads the extensions of a certificate of some kind.
    pub(crate) fn parse(
        extensions: &[X509Extension<'_>],
        kind: Kind,
    ) -> Result<Self, CertificateError> {
        let mut found = Self::default();
        let mut seen = BTreeSet::new();
        for extension in extensions {
            let identifier = extension.oid.as_bytes();
            if !seen.insert(identifier.to_vec()) {
                return Err(CertificateError::DuplicateExtension(extension.oid.to_id_string()));
            }
            found.take(extension, identifier, kind)?;
        }
        let needs = |extension: [u8; 3], name| {
            if seen.contains(extension.as_slice()) { Ok(()) } else { Err(bad(name, "is missing")) }
        };
        needs(KEY_USAGE, "key usage")?;
        match kind {
            Kind::Root => needs(BASIC_CONSTRAINTS, "basic constraints")?,
            _ => needs(EXTENDED_KEY_USAGE, "extended key usage")?,
        }
        if kind == Kind::Server && found.hosts.is_empty() {
            return Err(bad("subject alternative name", "does not say where the server is"));
        }
        Ok(found)
    }

    fn take(
        &mut self,
        extension: &X509Extension<'_>,
        identifier: &[u8],
        kind: Kind,
    ) -> Result<(), CertificateError> {
        let value = extension.value;
        let exact = |expected: &[u8], name, problem| {
            if value == expected { Ok(()) } else { Err(bad(name, problem)) }
        };
        match identifier {
            id if id == BASIC_CONSTRAINTS => {
                let name = "basic constraints";
                if kind != Kind::Root {
                    return exact(
                        &NO_AUTHORITY,
                        name,
                        "makes it an authority, which it must not be",
                    );
                }
                exact(&AUTHORITY, name, "must be those of an authority with path length 0")?;
                critical(extension, name)
            }
            id if id == KEY_USAGE => {
                let name = "key usage";
                let expected = if kind == Kind::Root { SIGNS_CERTIFICATES } else { SIGNS };
                let problem = "must be to sign certificates and revocation lists for an authority, \
                               and digital signatures for all others, and nothing else";
                exact(&expected, name, problem)?;
                critical(extension, name)
            }
            id if id == EXTENDED_KEY_USAGE => {
                let problem =
                    "must be TLS client for clients, TLS server for servers, both for nodes";
                exact(&extended_usage(kind), "extended key usage", problem)
            }
            id if id == SUBJECT_KEY => {
                self.subject_key =
                    Some(key_identifier(value, der::OCTET_STRING, "subject key identifier")?);
                Ok(())
            }
            id if id == AUTHORITY_KEY => {
                let name = "authority key identifier";
                let (outer, rest) = der::read(value, 0)?;
                if outer.tag != der::SEQUENCE || !rest.is_empty() {
                    return Err(bad(name, "must be a key identifier and nothing else"));
                }
                self.authority_key = Some(key_identifier(outer.content, 0x80, name)?);
                Ok(())
            }
            id if id == ALTERNATIVE_NAME => self.alternative_name(extension, kind),
            _ if extension.critical => {
                Err(CertificateError::UnknownExtension(extension.oid.to_id_string()))
            }
            _ => Ok(()),
        }
    }

    fn alternative_name(
        &mut self,
        extension: &X509Extension<'_>,
        kind: Kind,
    ) -> Result<(), CertificateError> {
        let name = "subject alternative name";
        der::check(extension.value)?;
        let ParsedExtension::SubjectAlternativeName(names) = extension.parsed_extension() else {
            return Err(bad(name, "cannot be read"));
        };
        let names = &names.general_names;
        match kind {
            Kind::Client => {
                let [GeneralName::URI(uri)] = names.as_slice() else {
                    return Err(bad(
                        name,
                        "must be one account, as urn:hanse:account:0x… in lower case",
                    ));
                };
                self.account = Some(account(uri).ok_or_else(|| {
                    bad(name, "must be one account, as urn:hanse:account:0x… in lower case")
                })?);
                Ok(())
            }
            Kind::Server => {
                if names.len() > HOSTS_MAX {
                    return Err(bad(name, "has more than 16 names"));
                }
                let hosts = names.iter().map(host).collect::<Option<Vec<Host>>>();
                self.hosts = hosts.ok_or_else(|| {
                    bad(name, "must be host names in lower case and IP addresses")
                })?;
                Ok(())
            }
            Kind::Root | Kind::Node => Err(bad(name, "must not be there")),
        }
    }
}

/// The bytes of all extensions of a certificate to be issued.
pub(crate) fn write(
    kind: Kind,
    subject_key: &[u8],
    authority_key: Option<&[u8]>,
    alternative_names: &[Vec<u8>],
) -> Vec<u8> {
    let one = |identifier: [u8; 3], is_critical: bool, value: &[u8]| {
        let identifier = der::write(der::OBJECT_IDENTIFIER, &[&identifier]);
        let flag = if is_critical { der::write(der::BOOLEAN, &[&[0xff]]) } else { Vec::new() };
        let value = der::write(der::OCTET_STRING, &[value]);
        der::write(der::SEQUENCE, &[&identifier, &flag, &value])
    };
    let mut parts = Vec::new();
    if kind == Kind::Root {
        parts.push(one(BASIC_CONSTRAINTS, true, &AUTHORITY));
        parts.push(one(KEY_USAGE, true, &SIGNS_CERTIFICATES));
    } else {
        parts.push(one(BASIC_CONSTRAINTS, true, &NO_AUTHORITY));
        parts.push(one(KEY_USAGE, true, &SIGNS));
        parts.push(one(EXTENDED_KEY_USAGE, false, &extended_usage(kind)));
    }
    parts.push(one(SUBJECT_KEY, false, &der::write(der::OCTET_STRING, &[subject_key])));
    if let Some(key) = authority_key {
        let key = der::write(der::SEQUENCE, &[&der::write(0x80, &[key])]);
        parts.push(one(AUTHORITY_KEY, false, &key));
    }
    if !alternative_names.is_empty() {
        let names: Vec<&[u8]> = alternative_names.iter().map(Vec::as_slice).collect();
        parts.push(one(ALTERNATIVE_NAME, false, &der::write(der::SEQUENCE, &names)));
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    der::write(0xa3, &[&der::write(der::SEQUENCE, &parts)])
}

/// An account as an alternative name.
pub(crate) fn write_account(account: &Address) -> Vec<u8> {
    der::write(0x86, &[ACCOUNT_PREFIX.as_bytes(), hex::encode(account).as_bytes()])
}

/// A host as an alternative name.
pub(crate) fn write_host(host: &Host) -> Vec<u8> {
    match host {
        Host::Name(name) => der::write(0x82, &[name.as_bytes()]),
        Host::Address(IpAddr::V4(address)) => der::write(0x87, &[&address.octets()]),
        Host::Address(IpAddr::V6(address)) => der::write(0x87, &[&address.octets()]),
    }
}

fn extended_usage(kind: Kind) -> Vec<u8> {
    match kind {
        Kind::Root => Vec::new(),
        Kind::Node => der::write(der::SEQUENCE, &[&FOR_SERVERS, &FOR_CLIENTS]),
        Kind::Client => der::write(der::SEQUENCE, &[&FOR_CLIENTS]),
        Kind::Server => der::write(der::SEQUENCE, &[&FOR_SERVERS]),
    }
}

fn critical(extension: &X509Extension<'_>, name: &'static str) -> Result<(), CertificateError> {
    if extension.critical { Ok(()) } else { Err(bad(name, "must be marked as critical")) }
}

fn key_identifier(value: &[u8], tag: u8, name: &'static str) -> Result<Vec<u8>, CertificateError> {
    let (identifier, rest) = der::read(value, 0)?;
    let is_one = identifier.tag == tag && rest.is_empty();
    if !is_one || !(1..=32).contains(&identifier.content.len()) {
        return Err(bad(name, "must be a key identifier and nothing else"));
    }
    Ok(identifier.content.to_vec())
}

fn account(uri: &str) -> Option<Address> {
    let digits = uri.strip_prefix(ACCOUNT_PREFIX)?;
    let is_lower = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let mut bytes = [0; 20];
    hex::decode_to_slice(digits, &mut bytes).ok().filter(|()| is_lower)?;
    Some(Address::from(bytes)).filter(|account| !account.is_zero())
}

fn host(name: &GeneralName<'_>) -> Option<Host> {
    match name {
        GeneralName::DNSName(name) => is_host_name(name).then(|| Host::Name((*name).to_owned())),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => Some(Host::Address(IpAddr::from(<[u8; 4]>::try_from(*bytes).ok()?))),
            16 => Some(Host::Address(IpAddr::from(<[u8; 16]>::try_from(*bytes).ok()?))),
            _ => None,
        },
        _ => None,
    }
}
