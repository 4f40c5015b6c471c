use crate::{IdentityError, limits::HOST_CHARACTERS_MAX, organization::shown};
use std::{fmt, net::IpAddr, str::FromStr};

/// Where a server is reached.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    /// A name of the DNS, in lower case.
    Name(String),
    /// An address.
    Address(IpAddr),
}

/// Whether text is a host name as certificates have it (RFC 1123, section 2.1; lower case).
pub(crate) fn is_host_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(allowed)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= HOST_CHARACTERS_MAX
        && text.split('.').all(is_label)
        // What looks like an address is none of the DNS.
        && text.split('.').next_back().is_some_and(|last| !last.bytes().all(|b| b.is_ascii_digit()))
}

impl FromStr for Host {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let name = text.to_ascii_lowercase();
        if is_host_name(&name) {
            Ok(Self::Name(name))
        } else {
            Err(IdentityError::Host(shown(text)))
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}
