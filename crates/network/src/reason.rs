//! Why a connection does not come about, or ends.

use std::fmt;

/// Why a node does not want a connection. It travels as one byte, so that both sides can say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// The peer is not on the list of those who may connect.
    NotAllowed,
    /// Its proven faults have banned it for a time.
    Banned,
    /// There are as many peers as there may be.
    Full,
    /// It speaks another version of the protocol.
    WrongVersion,
    /// It is of another chain.
    WrongChain,
    /// Its chain began with another block.
    WrongGenesis,
    /// Its engine or features do not go with ours.
    WrongEngine,
    /// The two are connected already.
    Duplicate,
    /// It is this very node.
    Itself,
    /// A development network plays being cut off.
    CutOff,
    /// The node stops.
    Stopping,
    /// It does not take what it must not miss as fast as it comes.
    TooSlow,
    /// It sent bytes that mean nothing.
    Malformed,
    /// A newer connection takes the place of this one.
    Replaced,
    /// The chain has put out for good whom it acts for.
    Expelled,
    /// It shows nothing that makes it the node of a member.
    Uncertified,
    /// A reason that only newer nodes know.
    Unknown(u8),
}

impl Refusal {
    const KNOWN: [Self; 16] = [
        Self::NotAllowed,
        Self::Banned,
        Self::Full,
        Self::WrongVersion,
        Self::WrongChain,
        Self::WrongGenesis,
        Self::WrongEngine,
        Self::Duplicate,
        Self::Itself,
        Self::CutOff,
        Self::Stopping,
        Self::TooSlow,
        Self::Malformed,
        Self::Replaced,
        Self::Expelled,
        Self::Uncertified,
    ];

    /// The byte that stands for it: its place in the list above, from 1 on.
    pub(crate) fn code(self) -> u8 {
        if let Self::Unknown(code) = self {
            return code;
        }
        let place = Self::KNOWN.iter().position(|known| *known == self);
        let place = place.expect("every reason but `Unknown` is in the table");
        u8::try_from(place + 1).expect("the table is short")
    }

    pub(crate) fn from_code(code: u8) -> Self {
        let place = usize::from(code).checked_sub(1);
        place.and_then(|place| Self::KNOWN.get(place)).copied().unwrap_or(Self::Unknown(code))
    }

    /// True when two nodes will not come together before one of them is set up anew.
    #[must_use]
    pub const fn is_mismatch(self) -> bool {
        matches!(
            self,
            Self::WrongVersion
                | Self::WrongChain
                | Self::WrongGenesis
                | Self::WrongEngine
                | Self::Itself
        )
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAllowed => "not on the list of peers",
            Self::Banned => "banned for proven faults",
            Self::Full => "no place for more peers",
            Self::WrongVersion => "another version of the protocol",
            Self::WrongChain => "another chain id",
            Self::WrongGenesis => "another genesis block",
            Self::WrongEngine => "another consensus engine",
            Self::Duplicate => "connected already",
            Self::Itself => "the node itself",
            Self::CutOff => "cut off on purpose",
            Self::Stopping => "stopping",
            Self::TooSlow => "too slow",
            Self::Malformed => "malformed bytes",
            Self::Replaced => "replaced by a newer connection",
            Self::Expelled => "put out of the network by the chain",
            Self::Uncertified => "not certified as the node of a member",
            Self::Unknown(code) => return write!(f, "reason {code}, unknown to this version"),
        })
    }
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disconnect {
    /// We ended it.
    ByUs(Refusal),
    /// The peer ended it and said why.
    ByPeer(Refusal),
    /// The peer ended it without a word.
    Closed,
    /// The connection failed.
    Failed(String),
    /// Nothing was heard of the peer for too long.
    Silent,
    /// The peer took none of our bytes for too long.
    Stalled,
}

impl Disconnect {
    /// True when nobody wanted it, so that dialling at once may help.
    pub(crate) const fn is_unexpected(&self) -> bool {
        matches!(self, Self::Closed | Self::Failed(_) | Self::Silent)
    }
}

impl fmt::Display for Disconnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByUs(refusal) => write!(f, "we ended it: {refusal}"),
            Self::ByPeer(refusal) => write!(f, "the peer ended it: {refusal}"),
            Self::Closed => f.write_str("the peer closed the connection"),
            Self::Failed(problem) => write!(f, "the connection failed: {problem}"),
            Self::Silent => f.write_str("the peer has fallen silent"),
            Self::Stalled => f.write_str("the peer takes no more bytes"),
        }
    }
}
