//! The pool against a naive model that works everything out anew after each step.

use crate::world::*;
use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, U256};
use hanse_primitives::Executed;
use hanse_txpool::{Account, Admitted, Decoded, Pool, PoolSettings, Rules};
use proptest::prelude::*;
use std::{collections::BTreeMap, sync::Arc};

const SENDERS: u64 = 5;
const BALANCE: u64 = 60 * GAS;

#[derive(Clone, Debug)]
enum Step {
    Add {
        sender: u64,
        ahead: u64,
        fee: u128,
        tip: u128,
    },
    /// Includes the best ones, then the base fee becomes this and a balance is set.
    Block {
        take: usize,
        base_fee: u64,
        pay: u64,
        balance: u64,
    },
    /// Reverts blocks, then adopts empty ones.
    Reorg {
        depth: usize,
        base_fee: u64,
    },
    Remove {
        which: prop::sample::Index,
    },
    GasLimit {
        low: bool,
    },
    Wait {
        seconds: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let base_fee = prop_oneof![3 => Just(0_u64), 2 => 0..8_u64];
    prop_oneof![
        12 => (0..SENDERS, 0..8_u64, 0..12_u128, 0..12_u128)
            .prop_map(|(sender, ahead, fee, tip)| Step::Add { sender, ahead, fee, tip: tip.min(fee) }),
        3 => (0..6_usize, base_fee.clone(), 0..SENDERS, 0..2 * BALANCE)
            .prop_map(|(take, base_fee, pay, balance)| Step::Block { take, base_fee, pay, balance }),
        1 => (1..4_usize, base_fee).prop_map(|(depth, base_fee)| Step::Reorg { depth, base_fee }),
        1 => any::<prop::sample::Index>().prop_map(|which| Step::Remove { which }),
        1 => any::<bool>().prop_map(|low| Step::GasLimit { low }),
        1 => (0..90_u64).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

/// The pool under test, the chain it follows, and what it should hold.
struct Trial {
    pool: Pool,
    world: World,
    /// Each block with the state before it.
    blocks: Vec<(World, Executed)>,
    /// By sender and nonce; `None` where eviction makes the content hard to foretell.
    naive: Option<BTreeMap<(Address, u64), Naive>>,
    now: u64,
}

#[derive(Clone)]
struct Naive {
    transaction: Admitted,
    since: u64,
}

fn settings(tight: bool) -> PoolSettings {
    let settings = PoolSettings { queued_seconds_max: 100, ..PoolSettings::default() };
    if !tight {
        return settings;
    }
    PoolSettings {
        transactions_max: 20,
        bytes_max: 20 * 110,
        sender_transactions_max: 8,
        ..settings
    }
}

fn cost(transaction: &Admitted) -> U256 {
    let transaction = transaction.transaction();
    U256::from(transaction.gas_limit()) * U256::from(transaction.max_fee_per_gas())
}

fn tip(transaction: &Admitted, base_fee: u64) -> Option<u128> {
    transaction.transaction().effective_tip_per_gas(base_fee)
}

impl Trial {
    fn new(tight: bool) -> Self {
        let world = world(SENDERS, BALANCE);
        let pool = pool_with(settings(tight), &world, 0);
        let naive = (!tight).then(BTreeMap::new);
        Self { pool, world, blocks: vec![], naive, now: 1_000 }
    }

    fn account(&self, sender: &Address) -> Account {
        self.world.accounts[sender]
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Add { sender, ahead, fee, tip } => self.add(address(sender), ahead, fee, tip),
            Step::Block { take, base_fee, pay, balance } => {
                let rules = self.pool.rules();
                let taken: Vec<_> = self.pool.best(rules.base_fee, 0).take(take).collect();
                let before = self.world.clone();
                for transaction in &taken {
                    self.spend(transaction);
                }
                let account = self.world.accounts.get_mut(&address(pay));
                account.expect("each sender has an account").balance = U256::from(balance);
                let executed = block(1, &taken, &self.world);
                self.blocks.push((before, executed.clone()));
                self.tell(&[executed], &[], Rules { base_fee, ..rules });
            }
            Step::Reorg { depth, base_fee } => self.reorg(depth, base_fee),
            Step::Remove { which } => {
                let all = self.pool.all();
                if !all.is_empty() {
                    let gone = which.get(&all);
                    assert_eq!(self.pool.remove(&[*gone.hash()], self.now), 1);
                    self.naive.as_mut().map(|n| n.remove(&(gone.sender(), gone.nonce())));
                }
            }
            Step::GasLimit { low } => {
                let gas_limit = if low { GAS - 1 } else { 30_000_000 };
                let rules = Rules { gas_limit, ..self.pool.rules() };
                self.tell(&[block(1, &[], &self.world)], &[], rules);
            }
            Step::Wait { seconds } => self.now += seconds,
        }
    }

    fn spend(&mut self, transaction: &Admitted) {
        let account = self.world.accounts.get_mut(&transaction.sender());
        let account = account.expect("each sender has an account");
        assert_eq!(account.nonce, transaction.nonce());
        account.nonce += 1;
        account.balance -= cost(transaction);
    }

    fn add(&mut self, sender: Address, ahead: u64, fee: u128, tip: u128) {
        let nonce = (self.account(&sender).nonce + ahead).saturating_sub(2);
        let decoded = claim(sender, plain(nonce, fee, tip));
        assert!(self.pool.add(vec![], self.now).is_empty());
        self.expire(); // adding looks for expired ones first, as does each block
        let expected = self.expect_add(&decoded, nonce, fee, tip);
        let result = self.pool.add(vec![decoded], self.now).remove(0);
        if let (Some(expected), Some(naive)) = (expected, &mut self.naive) {
            assert_eq!(result.is_ok(), expected, "{result:?}");
            if let Ok(hash) = result {
                let transaction = self.pool.get(&hash).expect("it was admitted");
                naive.insert((sender, nonce), Naive { transaction, since: self.now });
            }
        }
    }

    /// Whether a transaction should be admitted.
    fn expect_add(&self, decoded: &Decoded, nonce: u64, fee: u128, tip: u128) -> Option<bool> {
        let account = self.account(&decoded.sender());
        let gas_limit = self.pool.rules().gas_limit;
        let naive = self.naive.as_ref()?;
        let cost = U256::from(GAS) * U256::from(fee);
        if nonce < account.nonce || cost > account.balance || gas_limit < GAS {
            return Some(false);
        }
        let old = naive.get(&(decoded.sender(), nonce));
        if let Some(old) = old {
            let raised = |old: u128, new: u128| new > old && new * 10 >= old * 11;
            let old = old.transaction.transaction();
            if !raised(old.max_fee_per_gas(), fee) || !raised(old.priority_fee_or_price(), tip) {
                return Some(false);
            }
        }
        let pending = self.expected_pending(&decoded.sender());
        let next = account.nonce + pending.len() as u64;
        let others = pending.iter().filter(|t| t.nonce() != nonce).map(self::cost);
        let queued = if nonce <= next { others.sum() } else { U256::ZERO };
        Some(queued + cost <= account.balance)
    }

    /// The run of transactions that the next block could include, found the simple way.
    fn expected_pending(&self, sender: &Address) -> Vec<Admitted> {
        let rules = self.pool.rules();
        let account = self.account(sender);
        let (mut pending, mut left) = (vec![], account.balance);
        let all = self.waiting(sender);
        for nonce in account.nonce.. {
            let Some(transaction) = all.get(&nonce) else { break };
            let runs = tip(transaction, rules.base_fee).is_some() && rules.gas_limit >= GAS;
            if !runs || cost(transaction) > left {
                break;
            }
            left -= cost(transaction);
            pending.push(transaction.clone());
        }
        pending
    }

    /// A sender's transactions: as the model has them, or else as the pool says.
    fn waiting(&self, sender: &Address) -> BTreeMap<u64, Admitted> {
        if let Some(naive) = &self.naive {
            let of = naive.range((*sender, 0)..=(*sender, u64::MAX));
            return of.map(|((_, nonce), n)| (*nonce, n.transaction.clone())).collect();
        }
        let content = self.pool.content_from(sender);
        content.pending.into_iter().chain(content.queued).map(|t| (t.nonce(), t)).collect()
    }

    /// Drops from the model what has waited too long: the pool looks every so often, so the model asks
    /// whether it has, and only checks that it had the right to.
    fn expire(&mut self) {
        let Some(mut naive) = self.naive.take() else { return };
        let gone = |n: &Naive| self.pool.get(n.transaction.hash()).is_none();
        let expired = naive.values().filter(|n| gone(n));
        for n in expired {
            assert!(self.now - n.since > 100, "{:?} left too early", n.transaction);
        }
        naive.retain(|_, n| !gone(n));
        self.naive = Some(naive);
    }

    fn tell(&mut self, adopted: &[Executed], reverted: &[Executed], rules: Rules) {
        let before: Vec<Address> = self.world.accounts.keys().copied().collect();
        // As `check` has found it after the step before: the world of the model has moved on already.
        let pending: Vec<_> =
            before.iter().flat_map(|sender| self.pool.content_from(sender).pending).collect();
        let accounts = Arc::new(self.world.clone());
        self.pool.on_block(adopted, reverted, rules, accounts, self.now).expect("it can be read");
        let world = &self.world;
        if let Some(naive) = &mut self.naive {
            naive.retain(|(sender, nonce), _| *nonce >= world.accounts[sender].nonce);
        }
        self.take_back(reverted);
        // What was pending until now has only now begun to wait.
        for was in pending {
            let key = (was.sender(), was.nonce());
            if let Some(n) = self.naive.as_mut().and_then(|naive| naive.get_mut(&key)) {
                n.since = self.now;
            }
        }
        self.expire();
    }

    /// Reverted transactions come back one by one, each as if it were added.
    fn take_back(&mut self, reverted: &[Executed]) {
        let Some(mut naive) = self.naive.take() else { return };
        for executed in reverted.iter().rev() {
            let all = executed.block().transactions().iter().zip(executed.senders());
            for (transaction, sender) in all {
                if let Some(admitted) = self.pool.get(transaction.tx_hash()) {
                    let n = Naive { transaction: admitted, since: self.now };
                    naive.insert((*sender, transaction.nonce()), n);
                }
            }
        }
        self.naive = Some(naive);
    }

    fn reorg(&mut self, depth: usize, base_fee: u64) {
        let at = self.blocks.len().saturating_sub(depth);
        let mut reverted: Vec<(World, Executed)> = self.blocks.split_off(at);
        let Some((before, _)) = reverted.first() else { return };
        self.world = before.clone();
        reverted.reverse();
        let reverted: Vec<Executed> = reverted.into_iter().map(|(_, executed)| executed).collect();
        let lost: usize = reverted.iter().map(|e| e.block().transactions().len()).sum();
        let held = self.pool.all().len();
        let rules = Rules { base_fee, ..self.pool.rules() };
        self.tell(&[block(1, &[], &self.world)], &reverted, rules);
        assert!(self.pool.all().len() <= held + lost);
    }

    fn check(&self) {
        let rules = self.pool.rules();
        let settings = self.pool.settings();
        let (mut all, mut pending) = (vec![], vec![]);
        for sender in self.world.accounts.keys() {
            let content = self.pool.content_from(sender);
            let waiting = self.waiting(sender);
            let hashes = |list: &[Admitted]| list.iter().map(|t| *t.hash()).collect::<Vec<_>>();
            let expected = self.expected_pending(sender);
            assert_eq!(hashes(&content.pending), hashes(&expected), "the longest run is pending");
            let next = self.account(sender).nonce + expected.len() as u64;
            let queued: Vec<Admitted> = waiting.range(next..).map(|(_, t)| t.clone()).collect();
            assert_eq!(hashes(&content.queued), hashes(&queued), "the rest is queued, in order");
            assert_eq!(
                self.pool.pending_nonce(sender),
                (!waiting.is_empty()).then_some(next),
                "the next nonce follows the run"
            );
            assert!(waiting.len() <= settings.sender_transactions_max);
            all.extend(waiting.into_values());
            pending.extend(expected);
        }
        let status = self.pool.status();
        assert_eq!((status.pending, status.queued), (pending.len(), all.len() - pending.len()));
        assert_eq!(status.bytes, all.iter().map(Admitted::size).sum::<usize>(), "bytes are exact");
        assert!(all.len() <= settings.transactions_max && status.bytes <= settings.bytes_max);
        assert!(all.iter().all(|t| self.pool.sender_of(t.hash()) == Some(t.sender())));
        assert_eq!(self.pool.all().len(), all.len());
        self.check_order(&rules, pending);
    }

    /// Always the best of the senders' next ones, by tip, then turns, then arrival.
    fn check_order(&self, rules: &Rules, pending: Vec<Admitted>) {
        let arrivals = self.pool.all();
        let arrival = |t: &Admitted| arrivals.iter().position(|a| a.hash() == t.hash());
        let mut queues: BTreeMap<Address, (usize, Vec<Admitted>)> = BTreeMap::new();
        for transaction in pending.into_iter().rev() {
            queues.entry(transaction.sender()).or_default().1.push(transaction);
        }
        for best in self.pool.best(rules.base_fee, 0) {
            let rank = |(round, queue): &(usize, Vec<Admitted>)| {
                let next = queue.last()?;
                let tip = tip(next, rules.base_fee).expect("pending ones pay the base fee");
                Some((std::cmp::Reverse(tip), *round, arrival(next)))
            };
            let next = queues.values_mut().filter(|q| !q.1.is_empty()).min_by_key(|q| rank(q));
            let (round, queue) = next.expect("the cursor gives no more than is pending");
            *round += 1;
            assert_eq!(queue.pop().expect("it is not empty").hash(), best.hash());
        }
        assert!(queues.values().all(|q| q.1.is_empty()), "the cursor gives all that is pending");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn with_room_the_pool_is_as_the_model(steps in prop::collection::vec(step(), 1..120)) {
        let mut trial = Trial::new(false);
        for step in steps {
            trial.run(step);
            trial.check();
        }
    }

    #[test]
    fn without_room_its_promises_hold_all_the_same(steps in prop::collection::vec(step(), 1..120)) {
        let mut trial = Trial::new(true);
        for step in steps {
            trial.run(step);
            trial.check();
        }
    }
}

/// The model took the balance that a reorganization gave back for one that had been there before it, so
/// that it thought transactions had been pending, and had begun to wait anew, which had waited all along.
#[test]
fn what_waits_through_a_reorganization_has_not_begun_anew() {
    let add = |ahead, fee| Step::Add { sender: 1, ahead, fee, tip: 0 };
    let mut trial = Trial::new(false);
    let steps = [
        add(2, 8),
        add(3, 1),
        add(4, 1),
        Step::GasLimit { low: true },
        Step::Wait { seconds: 47 },
        Step::Block { take: 0, base_fee: 0, pay: 1, balance: 0 },
        Step::GasLimit { low: false },
        Step::Reorg { depth: 1, base_fee: 2 },
        Step::Wait { seconds: 54 },
        add(2, 0),
        Step::Wait { seconds: 30 },
        Step::GasLimit { low: false },
    ];
    for step in steps {
        trial.run(step);
        trial.check();
    }
}
