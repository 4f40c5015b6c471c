//! What two nodes say first, under encryption: who they are, or that they do not want to talk.
//!
//! Each message is two bytes of length, one of kind, and its body. The version stands first in a
//! greeting and stays there, so that nodes of any two versions can tell each other apart.

use crate::{
    NetworkError, Refusal,
    error::WireError,
    limits::{CREDENTIAL_BYTES_MAX, GREETING_BYTES_MAX, GREETING_TEXT_BYTES_MAX, PROTOCOL_VERSION},
};
use alloy_primitives::B256;
use bytes::{Buf, BufMut, Bytes};

const HELLO: u8 = 1;
const ACCEPT: u8 = 2;
const REFUSE: u8 = 3;

/// What a node says of itself. Two nodes talk only if all but `software` is equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Chain id.
    pub chain_id: u64,
    /// Hash of the first block.
    pub genesis_hash: B256,
    /// The consensus engine and whatever else must be equal; at most 200 bytes.
    pub engine: String,
    /// Name and version of the software, for people; at most 200 bytes.
    pub software: String,
    /// Shows for whom it acts; what it means is for the nodes to know, not for the connection.
    pub credential: Bytes,
}

/// [`Hello`] and what the network adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Greeting {
    pub(crate) version: u16,
    /// Drawn at each start: tells a restarted node from one that is connected already.
    pub(crate) instance: u64,
    /// 0 when it does not listen.
    pub(crate) listen_port: u16,
    pub(crate) hello: Hello,
}

impl Greeting {
    pub(crate) fn new(hello: Hello, instance: u64, listen_port: u16) -> Result<Self, NetworkError> {
        for text in [&hello.engine, &hello.software] {
            if text.len() > GREETING_TEXT_BYTES_MAX {
                let problem = format!("{text:?} is longer than {GREETING_TEXT_BYTES_MAX} bytes");
                return Err(NetworkError::Setup(problem));
            }
        }
        let length = hello.credential.len();
        if length > CREDENTIAL_BYTES_MAX {
            let problem = format!("a credential of {length} bytes; {CREDENTIAL_BYTES_MAX} at most");
            return Err(NetworkError::Setup(problem));
        }
        Ok(Self { version: PROTOCOL_VERSION, instance, listen_port, hello })
    }

    /// What keeps us from talking to a node that greets so, and the difference in words.
    pub(crate) fn mismatch(&self, theirs: &Self) -> Option<(Refusal, String)> {
        let (our, their) = (&self.hello, &theirs.hello);
        let differ = |ours: &dyn std::fmt::Display, theirs: &dyn std::fmt::Display| {
            format!("ours {ours}, theirs {theirs}")
        };
        if self.version != theirs.version {
            return Some((Refusal::WrongVersion, differ(&self.version, &theirs.version)));
        }
        if our.chain_id != their.chain_id {
            return Some((Refusal::WrongChain, differ(&our.chain_id, &their.chain_id)));
        }
        if our.genesis_hash != their.genesis_hash {
            let difference = differ(&our.genesis_hash, &their.genesis_hash);
            return Some((Refusal::WrongGenesis, difference));
        }
        if our.engine != their.engine {
            let (ours, theirs) = (our.engine.escape_debug(), their.engine.escape_debug());
            return Some((Refusal::WrongEngine, differ(&ours, &theirs)));
        }
        None
    }
}

/// A message of the handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Salutation {
    Hello(Greeting),
    Accept,
    Refuse(Refusal),
}

impl Salutation {
    /// With its length in front.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        match self {
            Self::Hello(greeting) => {
                body.put_u8(HELLO);
                body.put_u16(greeting.version);
                body.put_u64(greeting.instance);
                body.put_u16(greeting.listen_port);
                body.put_u64(greeting.hello.chain_id);
                body.put_slice(greeting.hello.genesis_hash.as_slice());
                for text in [&greeting.hello.engine, &greeting.hello.software] {
                    let length = u8::try_from(text.len());
                    body.put_u8(length.expect("texts are checked in Greeting::new"));
                    body.put_slice(text.as_bytes());
                }
                let length = u16::try_from(greeting.hello.credential.len());
                body.put_u16(length.expect("the credential is checked in Greeting::new"));
                body.put_slice(&greeting.hello.credential);
            }
            Self::Accept => body.put_u8(ACCEPT),
            Self::Refuse(refusal) => body.put_slice(&[REFUSE, refusal.code()]),
        }
        let length = u16::try_from(body.len()).expect("a greeting has bounded parts");
        [&length.to_be_bytes(), body.as_slice()].concat()
    }

    /// The length that the first two bytes announce.
    pub(crate) fn length(head: [u8; 2]) -> Result<usize, WireError> {
        match usize::from(u16::from_be_bytes(head)) {
            0 => Err(WireError::BadGreeting("it is empty")),
            length if length > GREETING_BYTES_MAX => Err(WireError::BadGreeting("it is too long")),
            length => Ok(length),
        }
    }

    /// Without its length.
    pub(crate) fn decode(mut body: &[u8]) -> Result<Self, WireError> {
        const SHORT: WireError = WireError::BadGreeting("it ends early");
        let kind = body.try_get_u8().map_err(|_| SHORT)?;
        let salutation = match kind {
            HELLO => {
                let version = body.try_get_u16().map_err(|_| SHORT)?;
                if version != PROTOCOL_VERSION {
                    // What follows is for that version to know.
                    return Ok(Self::Hello(foreign(version)));
                }
                Self::Hello(decode_greeting(version, &mut body).ok_or(SHORT)?)
            }
            ACCEPT => Self::Accept,
            REFUSE => Self::Refuse(Refusal::from_code(body.try_get_u8().map_err(|_| SHORT)?)),
            _ => return Err(WireError::BadGreeting("its kind is unknown")),
        };
        if body.is_empty() { Ok(salutation) } else { Err(WireError::BadGreeting("it is too long")) }
    }
}

/// All that is known of a node with another version.
fn foreign(version: u16) -> Greeting {
    let hello = Hello {
        chain_id: 0,
        genesis_hash: B256::ZERO,
        engine: String::new(),
        software: String::new(),
        credential: Bytes::new(),
    };
    Greeting { version, instance: 0, listen_port: 0, hello }
}

fn decode_greeting(version: u16, body: &mut &[u8]) -> Option<Greeting> {
    let instance = body.try_get_u64().ok()?;
    let listen_port = body.try_get_u16().ok()?;
    let chain_id = body.try_get_u64().ok()?;
    let (hash, rest) = body.split_first_chunk::<32>()?;
    *body = rest;
    let genesis_hash = B256::from(*hash);
    let engine = decode_text(body)?;
    let software = decode_text(body)?;
    let length = usize::from(body.try_get_u16().ok()?);
    let (credential, rest) = body.split_at_checked(length)?;
    *body = rest;
    let credential = Bytes::copy_from_slice(credential);
    let hello = Hello { chain_id, genesis_hash, engine, software, credential };
    Some(Greeting { version, instance, listen_port, hello })
}

fn decode_text(body: &mut &[u8]) -> Option<String> {
    let length = usize::from(body.try_get_u8().ok()?);
    if length > GREETING_TEXT_BYTES_MAX {
        return None;
    }
    let (text, rest) = body.split_at_checked(length)?;
    *body = rest;
    String::from_utf8(text.to_vec()).ok()
}
