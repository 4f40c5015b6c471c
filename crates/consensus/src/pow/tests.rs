use super::limits::{BLOCKS_MAX, LOCATOR_MAX, MEDIAN_SPAN};
use super::rules::{
    BoundedSet, Context, Fault, Final, Judgement, Message, Record, Schedule, Tree, earliest,
    expected_difficulty, is_good, judge, next_difficulty, seal_hash, target,
};
use super::search;
use crate::Job;
use alloy_consensus::constants::{EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH};
use alloy_primitives::{B64, B256, U256, b256, hex, keccak256};
use hanse_primitives::{Block, BlockRef, Header, Height, SealedBlock, WorkSettings};
use proptest::prelude::*;
use std::sync::atomic::AtomicBool;

fn schedule(block_time_ms: u64, half_life_seconds: u64) -> Schedule {
    let settings = WorkSettings { block_time_ms, half_life_seconds, ..WorkSettings::default() };
    Schedule::new(&settings, Height(1))
}

fn float(value: U256) -> f64 {
    value.to_string().parse().unwrap()
}

#[expect(clippy::cast_precision_loss, reason = "a reference to compare with")]
fn reference(difficulty: U256, block_time_ms: u64, half_life_seconds: u64, seconds: u64) -> f64 {
    let exponent = (block_time_ms as f64 / 1_000.0 - seconds as f64) / half_life_seconds as f64;
    float(difficulty) * exponent.clamp(-2.0, 2.0).exp2()
}

proptest! {
    #[test]
    fn difficulty_follows_the_formula(
        difficulty in 1_u128 << 20..u128::MAX >> 2,
        block_time_ms in 1_000_u64..86_400_000,
        half_life_seconds in 1_u64..31_536_000,
        seconds in prop_oneof![0_u64..100, 0_u64..100_000, any::<u64>()],
    ) {
        let schedule = schedule(block_time_ms, half_life_seconds);
        let difficulty = U256::from(difficulty);
        let next = float(next_difficulty(&schedule, Height(9), difficulty, seconds));
        let due = reference(difficulty, block_time_ms, half_life_seconds, seconds)
            .max(float(schedule.least()));
        // A unit from rounding, and what 32 bits of exponent and 53 bits of the reference leave open.
        prop_assert!((next - due).abs() <= 1.0 + due * 1e-9, "{next} is not {due}");
    }

    #[test]
    fn difficulty_falls_with_the_interval_and_never_below_the_least(
        difficulty in any::<u64>(), seconds in 0_u64..10_000, half_life_seconds in 1_u64..100_000,
    ) {
        let schedule = schedule(5_000, half_life_seconds);
        let next = |s| next_difficulty(&schedule, Height(9), U256::from(difficulty), s);
        prop_assert!(next(seconds) >= next(seconds + 1));
        prop_assert!(next(seconds) >= schedule.least());
        prop_assert!(next(u64::MAX) >= schedule.least());
    }

    #[test]
    fn relative_steps_do_not_drift_from_the_anchored_form(
        intervals in prop::collection::vec(0_u64..15, 2_000),
        difficulty in 20_000_u64..1 << 40,
    ) {
        // ASERT as it was specified computes from the first block; step by step must come to the same.
        let schedule = schedule(7_000, 600);
        let mut stepped = U256::from(difficulty);
        for seconds in &intervals {
            stepped = next_difficulty(&schedule, Height(9), stepped, *seconds);
        }
        let elapsed: i64 = intervals.iter().map(|s| i64::try_from(*s).unwrap()).sum();
        let ahead = f64::from(i32::try_from(7 * 2_000 - elapsed).unwrap());
        let anchored = float(U256::from(difficulty)) * (ahead / 600.0).exp2();
        prop_assume!(anchored > 20_000.0);
        let drift = (float(stepped) / anchored - 1.0).abs();
        prop_assert!(drift < 0.01, "{drift}");
    }

    #[test]
    fn arbitrary_bytes_are_a_message_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let framed = [&[1, bytes.first().copied().unwrap_or(0) % 5][..], &bytes].concat();
        for bytes in [&bytes, &framed] {
            if let Ok(message) = Message::decode(bytes) {
                prop_assert_eq!(message.encode(), bytes.clone());
            }
            let _ = Record::decode(bytes);
        }
    }

    #[test]
    fn a_block_time_is_above_the_median_and_not_below_the_parent(
        mut times in prop::collection::vec(0_u64..1_000, 1..20),
    ) {
        times.sort_unstable_by(|one, other| other.cmp(one));
        let least = earliest(&times);
        prop_assert!(least >= times[0]);
        let span = &times[..times.len().min(MEDIAN_SPAN)];
        prop_assert!(span.iter().filter(|time| **time < least).count() * 2 >= span.len());
        prop_assert!(least <= times[0] + 1);
    }
}

#[test]
fn the_pause_before_the_first_block_of_work_does_not_count() {
    let schedule = schedule(5_000, 600);
    for height in [0, 1] {
        let next = next_difficulty(&schedule, Height(height), U256::ZERO, 1 << 40);
        assert_eq!(next, U256::from(WorkSettings::default().initial_difficulty));
    }
    // Later pauses ease the work by no more than a factor of four.
    let next = next_difficulty(&schedule, Height(2), U256::from(1 << 20), 1 << 40);
    assert_eq!(next, U256::from(1 << 18));
}

#[test]
fn a_second_moves_even_the_least_difficulty() {
    for half_life_seconds in [1, 60, 600, 86_400, 31_536_000] {
        let schedule = schedule(5_000, half_life_seconds);
        let least = schedule.least();
        assert!(next_difficulty(&schedule, Height(2), least, 4) > least, "{half_life_seconds}");
    }
}

/// Draws block times at a power of `power` hashes a second; a small generator is enough for that.
struct Miner {
    schedule: Schedule,
    state: u64,
    difficulty: U256,
    interval_ms: f64,
    clock_ms: f64,
}

impl Miner {
    #[expect(clippy::cast_precision_loss, reason = "a simulation")]
    fn mine(&mut self, power: f64) -> f64 {
        // splitmix64, public domain (S. Vigna).
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let uniform = ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
        let before = (self.clock_ms / 1_000.0).floor();
        self.interval_ms = -(1.0 - uniform).ln() * float(self.difficulty) / power * 1_000.0;
        self.clock_ms += self.interval_ms;
        // Header times are whole seconds.
        let seconds = (self.clock_ms / 1_000.0).floor() - before;
        let seconds = format!("{seconds:.0}").parse().unwrap();
        self.difficulty = next_difficulty(&self.schedule, Height(9), self.difficulty, seconds);
        self.interval_ms
    }
}

/// Blocks until the expected block time is within 15 % of the aim and stays there on average.
#[test]
fn after_tenfold_and_a_tenth_of_the_power_the_block_time_comes_back() {
    let (power, mut told) = (1e6, Vec::new());
    for factor in [10.0, 0.1] {
        let settings = WorkSettings::default();
        let difficulty = U256::from(5_000_000);
        let schedule = Schedule::new(&settings, Height(1));
        let mut miner = Miner {
            schedule,
            state: 7,
            difficulty,
            interval_ms: 0.0,
            clock_ms: 1_700_000_000_000.0,
        };
        (0..2_000).for_each(|_| _ = miner.mine(power));
        let mut blocks = 0;
        while (float(miner.difficulty) / (power * factor) / 5.0 - 1.0).abs() > 0.15 {
            miner.mine(power * factor);
            blocks += 1;
        }
        let mean = (0..4_000).map(|_| miner.mine(power * factor)).sum::<f64>() / 4_000.0;
        assert!((mean / 5_000.0 - 1.0).abs() < 0.15, "{mean} ms");
        told.push((factor, blocks, mean));
        // Theory: 709 blocks up, 334 down.
        assert!(blocks < 1_000, "{told:?}");
    }
}

fn work_block(parent: B256, number: u64, timestamp: u64, difficulty: u64) -> SealedBlock {
    let mut seed = [0; 40];
    seed[..32].copy_from_slice(parent.as_slice());
    seed[32..].copy_from_slice(&number.to_be_bytes());
    let mut header = Header {
        parent_hash: parent,
        number,
        timestamp,
        difficulty: U256::from(difficulty),
        mix_hash: keccak256(seed),
        transactions_root: EMPTY_ROOT_HASH,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        ..Header::default()
    };
    let job = Job { seal_hash: seal_hash(&header), target: target(header.difficulty) };
    let found = search(&job, 0, u64::MAX, &AtomicBool::new(false));
    header.nonce = B64::from(found.nonce.unwrap());
    SealedBlock::new(Block::uncle(header))
}

#[test]
fn work_is_done_on_the_header_without_its_nonce() {
    let block = work_block(B256::repeat_byte(1), 5, 1_000, 5_000);
    let header = block.header();
    let without = Header { nonce: B64::ZERO, ..header.clone() };
    assert_eq!(seal_hash(header), without.hash_slow());
    assert_eq!(seal_hash(header), seal_hash(&without));
    let job = Job { seal_hash: seal_hash(header), target: target(header.difficulty) };
    assert!(is_good(&job, header.nonce.into()));
    // Golden: what the seal hash and the nonce of this header are. A change forks every chain.
    assert_eq!(
        (seal_hash(header), u64::from(header.nonce)),
        (b256!("dc9f19f5a66649d9fdcdfcfc0ed480758e4c66725f46d96159a5e0e709794aec"), 2_289)
    );
    assert_eq!(target(U256::from(1)), U256::MAX);
    assert_eq!(target(U256::from(3)), U256::MAX / U256::from(3));
    assert_eq!(target(U256::ZERO), U256::MAX);
}

#[test]
fn a_search_stops_when_told_or_when_its_attempts_are_used_up_and_wraps_around() {
    let never = Job { seal_hash: B256::ZERO, target: U256::ZERO };
    let go = AtomicBool::new(false);
    let found = search(&never, u64::MAX - 5, 5_000, &go);
    assert_eq!((found.nonce, found.attempts), (None, 5_000));
    let stopped = search(&never, 0, u64::MAX, &AtomicBool::new(true));
    assert_eq!((stopped.nonce, stopped.attempts), (None, 0));
    let easy = Job { seal_hash: B256::ZERO, target: target(U256::from(1_000)) };
    let found = search(&easy, 0, u64::MAX, &go);
    let nonce = found.nonce.unwrap();
    assert!(is_good(&easy, nonce));
    assert_eq!(found.attempts, nonce + 1, "the first good one");
    assert!((0..nonce).all(|earlier| !is_good(&easy, earlier)));
    assert_eq!(search(&easy, nonce.wrapping_sub(3), 4, &go).nonce, Some(nonce));
}

fn root(times: Vec<u64>) -> Final {
    let hash = B256::repeat_byte(9);
    let reference = BlockRef { height: Height(10), hash };
    Final { reference, work: U256::from(100), difficulty: U256::from(2_000), times }
}

/// A tree with a branch of blocks, `seconds` apart.
fn grow(tree: &mut Tree, on: B256, height: u64, count: u64, time: u64, difficulty: u64) -> B256 {
    let mut at = on;
    for n in 0..count {
        let block = work_block(at, height + n, time + 5 * n, difficulty);
        at = block.hash();
        assert!(tree.insert(block, None));
    }
    at
}

#[test]
fn the_heaviest_branch_wins_not_the_longest_and_of_equals_the_first() {
    let mut tree = Tree::new(root(vec![1_000]));
    let base = tree.root().reference.hash;
    let long = grow(&mut tree, base, 11, 3, 1_005, 20);
    assert_eq!(tree.heaviest(), Some((long, U256::from(160))));
    let equal = grow(&mut tree, base, 11, 2, 1_006, 30);
    assert_eq!(tree.heaviest(), Some((long, U256::from(160))), "first seen wins");
    let heavy = grow(&mut tree, base, 11, 1, 1_007, 61);
    assert_eq!(tree.heaviest(), Some((heavy, U256::from(161))), "one block against three");
    assert_eq!(tree.unexecuted(long).len(), 3);
    tree.condemn(heavy);
    assert_eq!(tree.heaviest(), Some((long, U256::from(160))));
    assert!(tree.is_condemned(&heavy) && !tree.contains(&heavy));
    let first = tree.ancestor(long, Height(11)).unwrap();
    assert_eq!(tree.ancestor(long, Height(10)), Some(base));
    assert_eq!(tree.ancestor(long, Height(9)), None);
    tree.advance(first);
    assert_eq!(tree.root().work, U256::from(120));
    assert!(!tree.contains(&equal), "what does not contain the final block is gone");
    assert_eq!(tree.len(), 2);
    assert_eq!(tree.root().times, [1_005, 1_000]);
    // A child of the last final block is judged by the same as before it was final.
    assert_eq!(tree.context(&long).unwrap().times, [1_015, 1_010, 1_005, 1_000]);
}

#[test]
fn a_condemned_block_takes_its_descendants_with_it() {
    let mut tree = Tree::new(root(vec![1_000]));
    let base = tree.root().reference.hash;
    let tip = grow(&mut tree, base, 11, 5, 1_005, 20);
    let second = tree.ancestor(tip, Height(12)).unwrap();
    tree.condemn(second);
    assert_eq!(tree.len(), 1);
    assert!(tree.is_condemned(&tip));
    let memory = &mut BoundedSet::new(3);
    (0..5).for_each(|n| assert!(memory.insert(B256::repeat_byte(n))));
    assert!(!memory.contains(&B256::repeat_byte(1)) && memory.contains(&B256::repeat_byte(2)));
}

#[test]
fn a_locator_reaches_the_root_in_few_hashes() {
    let mut tree = Tree::new(root(vec![1_000]));
    let base = tree.root().reference.hash;
    assert_eq!(tree.locator(base), [base]);
    let tip = grow(&mut tree, base, 11, 384, 1_005, 2);
    let locator = tree.locator(tip);
    assert!(locator.len() < LOCATOR_MAX, "{}", locator.len());
    assert_eq!((locator[0], *locator.last().unwrap()), (tip, base));
    for (back, hash) in locator[..10].iter().enumerate() {
        let height = Height(394 - u64::try_from(back).unwrap());
        assert_eq!(tree.ancestor(tip, height), Some(*hash));
    }
}

#[test]
fn times_from_the_future_are_early_and_not_bad() {
    let schedule = schedule(5_000, 600);
    let reference = BlockRef { height: Height(10), hash: B256::repeat_byte(9) };
    let times = vec![1_000, 995, 990];
    let parent = Context { reference, difficulty: U256::from(4_096), times };
    let due: u64 = expected_difficulty(&schedule, &parent).to();
    assert_eq!(due, 4_096, "the interval was as it should be");
    let block = work_block(reference.hash, 11, 1_005, due);
    assert_eq!(judge(&schedule, &parent, &block, 990), Judgement::Good);
    assert_eq!(judge(&schedule, &parent, &block, 989), Judgement::Early(990));
    let old = work_block(reference.hash, 11, 999, due);
    assert!(matches!(judge(&schedule, &parent, &old, 2_000), Judgement::Bad(Fault::Rule(_))));
    let high = work_block(reference.hash, 12, 1_005, due);
    assert!(matches!(judge(&schedule, &parent, &high, 2_000), Judgement::Bad(Fault::Rule(_))));
    let light = work_block(reference.hash, 11, 1_005, due - 1);
    assert!(matches!(judge(&schedule, &parent, &light, 2_000), Judgement::Bad(Fault::Work(_))));
}

#[test]
fn messages_and_records_keep_their_bytes() {
    let block = work_block(B256::repeat_byte(1), 5, 1_000, 2);
    let at = BlockRef { height: Height(7), hash: B256::repeat_byte(2) };
    let work = U256::from(0x1234);
    let messages = [
        Message::Status { head: at, work, finalized: at },
        Message::NewBlock { work, block: block.clone() },
        Message::Announce { head: at, work },
        Message::GetBlocks { id: 3, locator: vec![B256::repeat_byte(4); 2] },
        Message::Blocks { id: 3, blocks: vec![block.clone(), block.clone()] },
        Message::Blocks { id: 3, blocks: vec![] },
    ];
    let mut all = Vec::new();
    for message in messages {
        let bytes = message.encode();
        assert_eq!(Message::decode(&bytes).unwrap(), message);
        all.extend_from_slice(&bytes);
    }
    for record in [Record::Root { block: at, work }, Record::Block(block.clone())] {
        let bytes = record.encode();
        assert_eq!(Record::decode(&bytes).unwrap(), record);
        assert!(Record::decode(&bytes[..bytes.len() - 1]).is_err());
        all.extend_from_slice(&bytes);
    }
    let status = Message::Status { head: at, work, finalized: at }.encode();
    assert_eq!(
        hex::encode(&status),
        format!("0100f84707a0{}82123407a0{}", "02".repeat(32), "02".repeat(32))
    );
    let golden = b256!("15274673cba361067b9372e5773f86476c9391e6639ed6be756e1c6cd8cea2ec");
    assert_eq!(keccak256(all), golden, "a byte of a message or a record has changed");
    let many = Message::Blocks { id: 3, blocks: vec![block; BLOCKS_MAX + 1] }.encode();
    assert!(Message::decode(&many).unwrap_err().to_string().contains("65 entries"));
}
