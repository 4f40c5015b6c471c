use crate::world::*;
use alloy_primitives::U256;
use hanse_txpool::{Admitted, Pool, PoolError, PoolSettings, Rules};
use std::sync::Arc;

fn tell(pool: &Pool, world: &World, rules: Rules, now: u64) {
    let executed = block(1, &[], world);
    let told = pool.on_block(&[executed], &[], rules, Arc::new(world.clone()), now);
    told.expect("the world can be read");
}

#[test]
fn included_transactions_leave_and_their_rivals_too() {
    let mut world = world(2, RICH);
    let pool = pool(&world, 0);
    for nonce in 0..5 {
        add(&pool, address(0), plain(nonce, 5, 1)).unwrap();
    }
    // The block has another transaction with nonce 0, which this pool has never seen.
    world.accounts.get_mut(&address(0)).unwrap().nonce = 2;
    tell(&pool, &world, rules(0), 0);
    assert_eq!(names(pool.best(0, 0)), [(0, 2), (0, 3), (0, 4)]);
    assert_eq!(pool.pending_nonce(&address(0)), Some(5));
    let error = add(&pool, address(0), plain(1, 50, 10)).unwrap_err();
    assert_eq!(error, PoolError::NonceTooLow { next: 2, nonce: 1 });
}

#[test]
fn a_balance_that_falls_queues_the_tail_and_one_that_rises_brings_it_back() {
    let mut world = world(1, 30 * GAS);
    let pool = pool(&world, 0);
    for nonce in 0..3 {
        add(&pool, address(0), plain(nonce, 10, 1)).unwrap();
    }
    world.accounts.get_mut(&address(0)).unwrap().balance = U256::from(15 * GAS);
    tell(&pool, &world, rules(0), 0);
    assert_eq!((pool.status().pending, pool.status().queued), (1, 2));
    world.accounts.get_mut(&address(0)).unwrap().balance = U256::from(29 * GAS);
    tell(&pool, &world, rules(0), 0);
    assert_eq!((pool.status().pending, pool.status().queued), (2, 1));
    world.accounts.get_mut(&address(0)).unwrap().balance = U256::from(30 * GAS);
    tell(&pool, &world, rules(0), 0);
    assert_eq!((pool.status().pending, pool.status().queued), (3, 0));
}

#[test]
fn an_account_that_gets_code_cannot_send() {
    let mut world = world(1, RICH);
    let pool = pool(&world, 0);
    add(&pool, address(0), plain(0, 5, 1)).unwrap();
    world.accounts.get_mut(&address(0)).unwrap().has_code = true;
    tell(&pool, &world, rules(0), 0);
    assert_eq!((pool.status().pending, pool.status().queued), (0, 1));
}

#[test]
fn the_gas_limit_may_fall_and_rise() {
    let world = world(1, RICH);
    let pool = pool(&world, 0);
    for nonce in 0..3 {
        let mut transaction = plain(nonce, 5, 1);
        transaction.gas_limit = if nonce == 1 { 8_000_000 } else { GAS };
        add(&pool, address(0), transaction).unwrap();
    }
    tell(&pool, &world, Rules { gas_limit: 7_000_000, ..rules(0) }, 0);
    assert_eq!((pool.status().pending, pool.status().queued), (1, 2));
    tell(&pool, &world, rules(0), 0);
    assert_eq!((pool.status().pending, pool.status().queued), (3, 0));
}

#[test]
fn a_fork_may_forbid_what_was_admitted() {
    let world = world(2, RICH);
    let mut before = rules(0);
    before.forks.osaka = false;
    let pool = Pool::new(PoolSettings::default(), before, Arc::new(world.clone()));
    let mut large = plain(0, 5, 1);
    large.gas_limit = 20_000_000; // over the cap of EIP-7825
    add(&pool, address(0), large).unwrap();
    add(&pool, address(0), plain(1, 5, 1)).unwrap();
    add(&pool, address(1), plain(0, 5, 1)).unwrap();
    tell(&pool, &world, rules(0), 0);
    assert_eq!(names(pool.all()), [(0, 1), (1, 0)]);
    assert_eq!((pool.status().pending, pool.status().queued), (1, 1));
}

#[test]
fn a_reorg_brings_back_what_the_new_branch_has_not() {
    let genesis = world(3, RICH);
    let mut world = genesis.clone();
    let pool = pool(&world, 0);
    for sender in 0..3 {
        for nonce in 0..2 {
            add(&pool, address(sender), plain(nonce, 5, 1)).unwrap();
        }
    }
    let all: Vec<Admitted> = pool.best(0, 0).collect();
    let first = include(&pool, &mut world, &all[..3]);
    let second = include(&pool, &mut world, &all[3..]);
    assert_eq!(pool.status(), Default::default());
    // While the old branch is head, one more comes on top.
    add(&pool, address(0), plain(2, 5, 1)).unwrap();
    // The new branch has only the transactions of sender 2.
    let mut other = genesis.clone();
    other.accounts.get_mut(&address(2)).unwrap().nonce = 2;
    let adopted = block(1, &[], &other);
    let reverted = [second, first];
    pool.on_block(&[adopted], &reverted, rules(0), Arc::new(other), 0).unwrap();
    assert_eq!((pool.status().pending, pool.status().queued), (5, 0));
    let mut waiting = names(pool.best(0, 0));
    waiting.sort_unstable();
    assert_eq!(waiting, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]);
}

#[test]
fn what_cannot_run_expires_and_what_can_stays() {
    let settings = PoolSettings { queued_seconds_max: 100, ..PoolSettings::default() };
    let mut world = world(3, 10 * GAS);
    let pool = pool_with(settings, &world, 0);
    let at = |now, sender, nonce| {
        pool.add(vec![claim(address(sender), plain(nonce, 5, 1))], now).remove(0).unwrap()
    };
    at(1_000, 0, 0);
    at(1_000, 1, 1);
    at(1_050, 1, 2);
    at(1_060, 2, 0);
    // Sender 2 loses its money at 1,090 and waits from then on.
    world.accounts.get_mut(&address(2)).unwrap().balance = U256::ZERO;
    tell(&pool, &world, rules(0), 1_090);
    assert_eq!((pool.status().pending, pool.status().queued), (1, 3));
    tell(&pool, &world, rules(0), 1_110);
    assert_eq!(names(pool.all()), [(0, 0), (1, 2), (2, 0)]);
    tell(&pool, &world, rules(0), 1_170);
    assert_eq!(names(pool.all()), [(0, 0), (2, 0)]);
    tell(&pool, &world, rules(0), 9_999);
    assert_eq!(names(pool.all()), [(0, 0)]);
    // Time that goes back harms nothing.
    tell(&pool, &world, rules(0), 0);
    assert_eq!(pool.status().pending, 1);
}

#[test]
fn senders_that_cannot_be_read_lose_their_transactions() {
    let mut world = world(2, RICH);
    let pool = pool(&world, 0);
    add(&pool, address(0), plain(0, 5, 1)).unwrap();
    add(&pool, address(1), plain(0, 5, 1)).unwrap();
    // With code, only the state can tell whether it is a delegation.
    world.accounts.get_mut(&address(0)).unwrap().has_code = true;
    world.broken = true;
    let executed = block(1, &[], &world);
    let result = pool.on_block(&[executed], &[], rules(0), Arc::new(world), 0);
    assert_eq!(result, Err(PoolError::State("the disk failed".to_owned())));
    assert_eq!(names(pool.all()), [(1, 0)]);
}

#[test]
fn a_block_between_look_and_lock_is_noticed() {
    // A state that brings a block the first time it is read: just between the first look at a batch
    // and its admission. What was read of the old state must not be believed.
    #[derive(Debug, Default)]
    struct Racing {
        pool: std::sync::OnceLock<Pool>,
        fired: std::sync::atomic::AtomicBool,
    }
    impl hanse_txpool::Accounts for Racing {
        fn account(&self, _: &alloy_primitives::Address) -> Result<hanse_txpool::Account, String> {
            if !self.fired.swap(true, std::sync::atomic::Ordering::SeqCst) {
                let mut world = world(1, RICH);
                world.accounts.get_mut(&address(0)).unwrap().nonce = 1;
                tell(self.pool.get().unwrap(), &world, rules(0), 0);
            }
            Ok(hanse_txpool::Account { balance: U256::MAX, ..Default::default() })
        }
    }
    let racing = Arc::new(Racing::default());
    let accounts: Arc<dyn hanse_txpool::Accounts> = Arc::<Racing>::clone(&racing);
    let pool = Pool::new(PoolSettings::default(), rules(0), accounts);
    racing.pool.set(pool.clone()).unwrap();
    let error = add(&pool, address(0), plain(0, 5, 1)).unwrap_err();
    assert_eq!(error, PoolError::NonceTooLow { next: 1, nonce: 0 });
}
