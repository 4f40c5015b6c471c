use std::fmt;

/// What travels between nodes, in the order of its urgency: of what waits for a peer, the channel that
/// stands first here goes first, in chunks, so that a vote never waits behind a megabyte of anything.
/// Within one channel, what was sent first arrives first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// Votes and small announcements. Never dropped; a peer that cannot keep up is disconnected.
    Consensus,
    /// Proposals and new blocks. Never dropped either.
    Blocks,
    /// Blocks of the past, for those who are behind. Never dropped either.
    Sync,
    /// Transactions for the pool. The oldest are dropped when a peer cannot keep up.
    Transactions,
}

impl Channel {
    /// How many there are.
    pub const COUNT: usize = 4;

    /// All of them, the most urgent first.
    pub const ALL: [Self; Self::COUNT] =
        [Self::Consensus, Self::Blocks, Self::Sync, Self::Transactions];

    /// Place in [`Channel::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Longest message. Part of the protocol: a longer one is a fault.
    #[must_use]
    pub const fn message_bytes_max(self) -> usize {
        const MIB: usize = 1024 * 1024;
        match self {
            Self::Consensus => MIB,
            Self::Blocks => 9 * MIB,
            Self::Sync => 16 * MIB,
            Self::Transactions => 4 * MIB,
        }
    }

    /// True where the oldest messages may be dropped for a slow peer.
    pub(crate) const fn is_lossy(self) -> bool {
        matches!(self, Self::Transactions)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Consensus => "consensus",
            Self::Blocks => "blocks",
            Self::Sync => "sync",
            Self::Transactions => "transactions",
        })
    }
}
