use crate::{NetworkError, limits::HOST_NAME_BYTES_MAX};
use alloy_primitives::hex;
use hanse_primitives::PeerId;
use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

/// Where a node can be: an IP address, or a name that is looked up at each attempt.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    /// IPv4 or IPv6.
    Ip(IpAddr),
    /// A DNS name.
    Name(String),
}

/// A node and where it listens: `<64 hex digits>@<host>:<port>`, IPv6 addresses in brackets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PeerAddress {
    /// Which node; the connection proves it.
    pub id: PeerId,
    /// Where.
    pub host: Host,
    /// TCP port.
    pub port: u16,
}

impl PeerAddress {
    /// A node at a socket address.
    #[must_use]
    pub const fn new(id: PeerId, at: SocketAddr) -> Self {
        Self { id, host: Host::Ip(at.ip()), port: at.port() }
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Ip(IpAddr::V6(ip)) => write!(f, "{}@[{ip}]:{}", self.id, self.port),
            Host::Ip(IpAddr::V4(ip)) => write!(f, "{}@{ip}:{}", self.id, self.port),
            Host::Name(name) => write!(f, "{}@{name}:{}", self.id, self.port),
        }
    }
}

impl FromStr for PeerAddress {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        parse(text).map_err(|problem| NetworkError::BadPeerAddress {
            text: text.chars().take(400).collect(),
            problem,
        })
    }
}

fn parse(text: &str) -> Result<PeerAddress, String> {
    let (id, place) = text.split_once('@').ok_or("there is no @ after the node's key")?;
    let mut key = [0; 32];
    if id.len() != 64 {
        return Err(format!("the node's key has {} characters", id.chars().count()));
    }
    hex::decode_to_slice(id, &mut key).map_err(|_| "the node's key is not hexadecimal")?;
    let (host, port) = place.rsplit_once(':').ok_or("there is no :port at the end")?;
    let port = match port.parse::<u16>() {
        Ok(0) | Err(_) => return Err(format!("{port:?} is no port from 1 to 65535")),
        Ok(port) => port,
    };
    Ok(PeerAddress { id: PeerId(key), host: parse_host(host)?, port })
}

fn parse_host(host: &str) -> Result<Host, String> {
    if let Some(inner) = host.strip_prefix('[') {
        let ip = inner.strip_suffix(']').and_then(|inner| inner.parse::<Ipv6Addr>().ok());
        return ip
            .map(|ip| Host::Ip(IpAddr::V6(ip)))
            .ok_or_else(|| format!("{host} is no IPv6 address"));
    }
    if host.contains(':') {
        return Err(format!("write the IPv6 address in brackets: [{host}]"));
    }
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(Host::Ip(ip));
    }
    if is_name(host) {
        return Ok(Host::Name(host.to_owned()));
    }
    Err(format!("{host:?} is neither an IP address nor a DNS name"))
}

/// Letters, digits, hyphens and underscores between dots; the last part is no number (RFC 3696).
fn is_name(text: &str) -> bool {
    let labels_fine = text.split('.').all(|label| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            && !label.starts_with('-')
            && !label.ends_with('-')
    });
    let last = text.rsplit('.').next().unwrap_or_default();
    labels_fine
        && text.len() <= HOST_NAME_BYTES_MAX
        && !last.bytes().all(|byte| byte.is_ascii_digit())
}
