//! Whether this machine's clock is right, as far as its peers' clocks can tell: for the operator, who alone
//! can set it. Nothing that nodes have to agree on depends on what peers say of the time.

use hanse_network::{Network, PeerInfo};
use hanse_primitives::PeerId;
use parking_lot::Mutex;
use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

/// How often the clocks are compared; peers tell the time every few seconds.
const LOOK_TIME: Duration = Duration::from_secs(2);

/// A clock that is further off than this is worth a word. Blocks may be 5 seconds ahead of who looks.
const OFF_MS_MAX: u64 = 2_000;

/// Beyond this a validator takes no part: what it proposes comes from the future of the others, or the
/// other way round.
const TOO_MUCH_MS: u64 = 5_000;

/// How often what stays wrong is said again.
const REPEAT_TIME: Duration = Duration::from_secs(60);

const _: () = assert!(OFF_MS_MAX < TOO_MUCH_MS);

/// By how much our clock is ahead of most peers', in milliseconds, while that is too much.
#[derive(Clone, Debug, Default)]
pub(crate) struct Skew(Arc<Mutex<Option<i64>>>);

/// What the peers' clocks tell of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Finding {
    /// By how much ours is ahead; negative: behind.
    ahead_ms: i64,
    /// So many peers say so.
    peers: usize,
    /// Of so many.
    of: usize,
}

/// Ours is off if more than half of the peers find it off in the same direction: so no smaller part of them
/// can talk us into anything. `theirs_ms`: by how much each is ahead of us.
fn find(theirs_ms: &[i64]) -> Option<Finding> {
    let is_off = |ahead: &&i64| ahead.unsigned_abs() > OFF_MS_MAX;
    let (mut ahead, mut behind): (Vec<i64>, Vec<i64>) = theirs_ms
        .iter()
        .filter(is_off)
        .map(|theirs| theirs.saturating_neg())
        .partition(|by| *by > 0);
    let of = theirs_ms.len();
    let most = if ahead.len() > behind.len() { &mut ahead } else { &mut behind };
    if most.len() * 2 <= of {
        return None;
    }
    most.sort_unstable();
    Some(Finding { ahead_ms: most[most.len() / 2], peers: most.len(), of })
}

/// Seconds, and the direction, for people.
fn told(ahead_ms: i64) -> String {
    let tenths = ahead_ms.unsigned_abs() / 100;
    let direction = if ahead_ms > 0 { "ahead of" } else { "behind" };
    format!("{}.{} s {direction}", tenths / 10, tenths % 10)
}

impl Skew {
    /// True when this node should take no part because of its clock.
    pub(crate) fn is_too_much(&self) -> bool {
        self.0.lock().is_some_and(|ahead| ahead.unsigned_abs() > TOO_MUCH_MS)
    }

    /// Compares the clocks now and then, until the runtime ends.
    pub(crate) fn watch(&self, network: Arc<Network>) {
        let skew = self.clone();
        tokio::spawn(async move {
            let mut said = Said::default();
            loop {
                tokio::time::sleep(LOOK_TIME).await;
                let peers = network.peers();
                let theirs: Vec<i64> =
                    peers.iter().filter_map(|peer| peer.clock_ahead_ms).collect();
                if theirs.is_empty() {
                    continue; // nobody to compare with, so whatever was found stays
                }
                let finding = find(&theirs);
                *skew.0.lock() = finding.map(|finding| finding.ahead_ms);
                said.speak(finding, &peers, Instant::now());
            }
        });
    }
}

/// What the operator has been told.
#[derive(Debug, Default)]
struct Said {
    /// That our clock is off, and when.
    ours: Option<Instant>,
    /// Whose clocks are off.
    theirs: BTreeSet<PeerId>,
}

impl Said {
    fn speak(&mut self, finding: Option<Finding>, peers: &[PeerInfo], now: Instant) {
        match finding {
            Some(finding) => {
                if self.ours.is_none_or(|at| now.saturating_duration_since(at) >= REPEAT_TIME) {
                    self.ours = Some(now);
                    warn(finding);
                }
            }
            None if self.ours.take().is_some() => {
                tracing::info!("this machine's clock agrees with its peers' again");
            }
            // Whose clock is wrong can be said only while ours is right.
            None => self.speak_of(peers),
        }
    }

    fn speak_of(&mut self, peers: &[PeerInfo]) {
        let off =
            |peer: &&PeerInfo| peer.clock_ahead_ms.is_some_and(|by| by.unsigned_abs() > OFF_MS_MAX);
        let off: Vec<&PeerInfo> = peers.iter().filter(off).collect();
        self.theirs.retain(|known| off.iter().any(|peer| peer.id == *known));
        for peer in off {
            if self.theirs.insert(peer.id) {
                let by = told(peer.clock_ahead_ms.unwrap_or_default());
                tracing::warn!(peer = %peer.id, "the clock of a peer is about {by} ours");
            }
        }
    }
}

fn warn(Finding { ahead_ms, peers, of }: Finding) {
    let harm = if ahead_ms > 0 {
        "the others refuse what it proposes as coming from the future"
    } else {
        "it cannot vote for the others' blocks, which seem to come from the future, and may lose its seat"
    };
    tracing::warn!(
        ahead_ms,
        "THIS MACHINE'S CLOCK IS WRONG: about {} {peers} of {of} peers; a validator takes no proper part like that: \
         {harm}. Set the clock and keep it set by NTP (chrony or systemd-timesyncd; `timedatectl` shows it)",
        told(ahead_ms)
    );
}

#[cfg(test)]
mod tests;
