use crate::{
    Channel, NetworkLimits, PeerAddress, Severity,
    book::{Book, Retry},
    bucket::{Bucket, Meter},
    limits::{
        ADDRESSES_PER_PEER_MAX, BAN_MAX, BAN_MIN, BANS_FORGOTTEN_AFTER, FORGIVE_INTERVAL,
        LEARNED_ATTEMPTS_MAX, PEERS_LEARNED_MAX, REDIAL_MAX, REDIAL_MIN, REDIAL_MISMATCH,
        STABLE_TIME, STANDINGS_MAX,
    },
    standing::Standings,
};
use hanse_primitives::PeerId;
use std::time::{Duration, Instant};

const PEER: PeerId = PeerId([1; 32]);

fn numbered(number: usize) -> PeerId {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&(number as u64).to_be_bytes());
    PeerId(id)
}

fn address(id: PeerId, port: u16) -> PeerAddress {
    PeerAddress::new(id, ([10, 0, 0, 1], port).into())
}

#[test]
fn a_bucket_lets_a_burst_through_and_then_its_rate() {
    let start = Instant::now();
    let mut bucket = Bucket::new(100, 2, start);
    assert_eq!(bucket.take(200, start), Duration::ZERO);
    assert_eq!(bucket.take(50, start), Duration::from_millis(500));
    let later = start + Duration::from_millis(500);
    assert_eq!(bucket.take(0, later), Duration::ZERO);
    assert_eq!(bucket.take(1, later), Duration::from_millis(10));
    // However long it rests, it holds no more than its burst.
    let rested = start + Duration::from_secs(100);
    assert_eq!(bucket.take(200, rested), Duration::ZERO);
    assert!(bucket.take(1, rested) > Duration::ZERO);
}

#[test]
fn a_meter_marks_only_who_is_held_back_for_half_of_a_window() {
    let start = Instant::now();
    let mut limits = NetworkLimits::default();
    limits.channel_mut(Channel::Consensus).rate.messages_per_second = 10;
    let mut meter = Meter::new(&limits, start);
    for _ in 0..20 {
        assert_eq!(meter.take(Some(Channel::Consensus), true, 100, start), Duration::ZERO);
    }
    assert_eq!(meter.take(Some(Channel::Consensus), true, 100, start), Duration::from_millis(100));
    assert_eq!(meter.take(Some(Channel::Sync), true, 100, start), Duration::ZERO);
    let second = Duration::from_secs(1);
    assert!(!meter.paused(29 * second, start + 29 * second));
    assert!(meter.paused(second, start + 30 * second));
    assert!(!meter.paused(second, start + 31 * second), "a mark is made once");
    assert!(!meter.paused(29 * second, start + 200 * second), "what is long past counts nothing");
}

#[test]
fn faults_add_up_fade_and_ban_for_longer_each_time() {
    let mut now = Instant::now();
    let mut standings = Standings::default();
    assert_eq!(standings.penalize(PEER, Severity::Serious, now), None);
    assert_eq!(standings.penalize(PEER, Severity::Serious, now), None);
    assert_eq!(standings.points(PEER, now), 80);
    assert_eq!(standings.points(PEER, now + FORGIVE_INTERVAL * 10), 70);
    now += FORGIVE_INTERVAL * 80;
    assert_eq!(standings.points(PEER, now), 0);
    let mut expected = BAN_MIN;
    for _ in 0..10 {
        assert_eq!(standings.penalize(PEER, Severity::Grave, now), Some(expected));
        assert!(standings.is_banned(PEER, now));
        // Another fault during the ban does not prolong it.
        assert_eq!(standings.penalize(PEER, Severity::Slight, now), None);
        assert_eq!(standings.banned(now), [(PEER, expected)]);
        now += expected;
        assert!(!standings.is_banned(PEER, now));
        expected = (expected * 2).min(BAN_MAX);
    }
    now += BANS_FORGOTTEN_AFTER * 2;
    assert_eq!(standings.penalize(PEER, Severity::Grave, now), Some(BAN_MIN));
    standings.pardon(PEER);
    assert!(!standings.is_banned(PEER, now));
    assert_eq!(standings.points(PEER, now), 0);
}

#[test]
fn no_more_is_remembered_than_there_is_place_for() {
    let now = Instant::now();
    let mut standings = Standings::default();
    for number in 0..STANDINGS_MAX + 10 {
        standings.penalize(numbered(number), Severity::Grave, now);
    }
    assert_eq!(standings.banned(now).len(), STANDINGS_MAX);
}

#[test]
fn failed_attempts_back_off_within_bounds() {
    let mut now = Instant::now();
    let mut book = Book::default();
    book.configure(address(PEER, 1), now).unwrap();
    for attempt in 0..20u32 {
        assert_eq!(book.due(now, 9, |_| true), [address(PEER, 1)]);
        assert!(book.due(now, 9, |_| true).is_empty(), "it is being dialled");
        let news = book.failed(PEER, Retry::Soon, "refused".into(), now, u32::MAX / 2);
        assert_eq!(news, attempt == 0);
        let next = book.next_due(|_| true).unwrap();
        let full = REDIAL_MIN.saturating_mul(1 << attempt.min(10)).min(REDIAL_MAX);
        assert!((full / 2..=full).contains(&(next - now)), "attempt {attempt}: {:?}", next - now);
        assert!(next - now >= REDIAL_MIN);
        now = next;
    }
    assert_eq!(book.due(now, 9, |_| true).len(), 1);
    book.failed(PEER, Retry::Slowly, "another genesis".into(), now, u32::MAX);
    assert_eq!(book.next_due(|_| true), Some(now + REDIAL_MISMATCH));
    assert_eq!(book.known()[0].problem.as_deref(), Some("another genesis"));
    assert_eq!(book.next_due(|_| false), None);
}

#[test]
fn a_connection_that_lived_is_dialled_at_once_when_it_is_lost() {
    let now = Instant::now();
    let mut book = Book::default();
    book.configure(address(PEER, 1), now).unwrap();
    for _ in 0..5 {
        book.due(now, 9, |_| true);
        book.failed(PEER, Retry::Soon, "refused".into(), now, 0);
    }
    book.connected(PEER);
    book.lost(PEER, STABLE_TIME, true, now, 0);
    assert_eq!(book.next_due(|_| true), Some(now));
    // One that is lost again and again is not.
    book.due(now, 9, |_| true);
    book.connected(PEER);
    book.lost(PEER, Duration::ZERO, true, now, 0);
    assert!(book.next_due(|_| true) >= Some(now + REDIAL_MIN));
    // Nor is one that was ended on purpose.
    book.lost(PEER, STABLE_TIME, false, now, 0);
    assert!(book.next_due(|_| true) >= Some(now + REDIAL_MIN));
}

#[test]
fn what_is_only_told_of_is_bounded_and_forgotten() {
    let now = Instant::now();
    let mut book = Book::default();
    for number in 0..PEERS_LEARNED_MAX + 10 {
        book.learn(address(numbered(number), 1), now);
    }
    assert_eq!(book.known().len(), PEERS_LEARNED_MAX);
    book.configure(address(PEER, 1), now).unwrap();
    assert_eq!(book.known().len(), PEERS_LEARNED_MAX + 1);
    // What others say of a configured peer never takes the place of what the operator says.
    for port in 1..50 {
        book.learn(address(PEER, port), now);
    }
    let mut tried = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let at = book.due(now + REDIAL_MAX, usize::MAX, |id| *id == PEER);
        tried.extend(at.into_iter().map(|at| at.port));
        book.failed(PEER, Retry::Soon, "refused".into(), now - REDIAL_MAX, 0);
    }
    assert_eq!(tried.len(), ADDRESSES_PER_PEER_MAX);
    assert!(tried.contains(&1) && tried.contains(&49), "{tried:?}");
    for _ in 0..LEARNED_ATTEMPTS_MAX {
        book.failed(numbered(0), Retry::Soon, "refused".into(), now, 0);
    }
    assert_eq!(book.known().len(), PEERS_LEARNED_MAX, "one is forgotten");
}
