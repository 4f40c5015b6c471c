//! Names of subject and issuer: one organization, one name for people, units.

use crate::{CertificateError, IdentityError, MspId, der, limits::NAME_CHARACTERS_MAX};
use x509_parser::{asn1_rs::Tag, x509::X509Name};

const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];
const ORGANIZATION: [u8; 3] = [0x55, 0x04, 0x0a];
const UNIT: [u8; 3] = [0x55, 0x04, 0x0b];

/// What stands in a name.
#[derive(Debug)]
pub(crate) struct Name {
    pub(crate) organization: MspId,
    /// For people.
    pub(crate) common: String,
    pub(crate) units: Vec<String>,
}

/// Which of a certificate's two names, for messages.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    Subject,
    Issuer,
}

impl Part {
    const fn organization(self) -> &'static str {
        match self {
            Self::Subject => "subject's organization (O)",
            Self::Issuer => "issuer's organization (O)",
        }
    }

    const fn common(self) -> &'static str {
        match self {
            Self::Subject => "subject's name (CN)",
            Self::Issuer => "issuer's name (CN)",
        }
    }

    const fn whole(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Issuer => "issuer",
        }
    }
}

impl Name {
    pub(crate) fn parse(name: &X509Name<'_>, part: Part) -> Result<Self, CertificateError> {
        let bad = |part, problem| CertificateError::Name { part, problem };
        let (mut organization, mut common, mut units) = (None, None, Vec::new());
        for attributes in name.iter() {
            let mut attributes = attributes.iter();
            let (Some(attribute), None) = (attributes.next(), attributes.next()) else {
                return Err(bad(part.whole(), "has an element with several attributes"));
            };
            let value = attribute.attr_value();
            let text = std::str::from_utf8(value.data).ok();
            let is_text = matches!(value.header.tag(), Tag::Utf8String | Tag::PrintableString);
            let text = text.filter(|_| is_text);
            let text =
                text.ok_or_else(|| bad(part.whole(), "has text in another form than UTF-8"))?;
            match attribute.attr_type().as_bytes() {
                oid if oid == ORGANIZATION && organization.is_none() => organization = Some(text),
                oid if oid == COMMON_NAME && common.is_none() => common = Some(text),
                oid if oid == UNIT => units.push(text.to_owned()),
                oid if oid == ORGANIZATION => {
                    return Err(bad(part.organization(), "is there twice"));
                }
                oid if oid == COMMON_NAME => return Err(bad(part.common(), "is there twice")),
                _ => return Err(bad(part.whole(), "has more than O, OU and CN")),
            }
        }
        let organization = organization.ok_or_else(|| bad(part.organization(), "is missing"))?;
        let organization = MspId::new(organization).map_err(|_| {
            bad(
                part.organization(),
                "is no MSP id (a letter, then up to 30 letters, digits, - or _)",
            )
        })?;
        let common = common.ok_or_else(|| bad(part.common(), "is missing"))?;
        if !is_name(common) {
            return Err(bad(part.common(), NOT_A_NAME));
        }
        Ok(Self { organization, common: common.to_owned(), units })
    }

    /// The bytes of a name.
    pub(crate) fn write(organization: &MspId, units: &[&str], common: &str) -> Vec<u8> {
        let one = |kind: [u8; 3], text: &str| {
            let kind = der::write(der::OBJECT_IDENTIFIER, &[&kind]);
            let text = der::write(der::UTF8_STRING, &[text.as_bytes()]);
            der::write(der::SET, &[&der::write(der::SEQUENCE, &[&kind, &text])])
        };
        let mut parts = vec![one(ORGANIZATION, organization.as_str())];
        parts.extend(units.iter().map(|unit| one(UNIT, unit)));
        parts.push(one(COMMON_NAME, common));
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        der::write(der::SEQUENCE, &parts)
    }
}

const NOT_A_NAME: &str = "has no or more than 64 characters, or others than letters, digits, spaces and . - _ @ ' ( ) + , : / &";

/// Whether people can be shown this as a name: no controls, no marks that turn or hide text.
fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || " .-_@'()+,:/&".contains(c);
    (1..=NAME_CHARACTERS_MAX).contains(&text.chars().count()) && text.chars().all(allowed)
}

/// Makes sure that a name can stand in a certificate.
pub(crate) fn check_name(text: &str) -> Result<(), IdentityError> {
    if is_name(text) { Ok(()) } else { Err(IdentityError::Request(BAD_NAME)) }
}

const BAD_NAME: &str = "a name has 1 to 64 letters, digits, spaces and . - _ @ ' ( ) + , : / &";
