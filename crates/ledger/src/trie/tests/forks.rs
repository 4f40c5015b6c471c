use super::*;
use proptest::sample::Index;

/// What may happen to the versions of a chain that forks.
#[derive(Clone, Debug)]
enum Step {
    Apply {
        parent: Index,
        changes: StateChanges,
    },
    Drop(Index),
    /// A version becomes final and is written; meanwhile `during` is applied to it. When the batch
    /// is lost, nothing has happened.
    Finalize {
        version: Index,
        during: Option<StateChanges>,
        lost: bool,
    },
    Evict {
        version: Index,
        bytes_max: usize,
    },
    Reopen,
}

fn arb_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (any::<Index>(), arb_changes())
            .prop_map(|(parent, changes)| Step::Apply { parent, changes }),
        1 => any::<Index>().prop_map(Step::Drop),
        2 => (any::<Index>(), prop::option::of(arb_changes()), prop::bool::weighted(0.3))
            .prop_map(|(version, during, lost)| Step::Finalize { version, during, lost }),
        2 => (any::<Index>(), prop_oneof![Just(0), 0..60_000usize])
            .prop_map(|(version, bytes_max)| Step::Evict { version, bytes_max }),
        1 => Just(Step::Reopen),
    ]
}

#[derive(Clone)]
struct Version {
    /// Its own number last.
    lineage: Vec<usize>,
    trie: StateTrie,
    model: Model,
}

/// A chain: all versions that are alive descend from the persisted one.
struct Chain {
    store: Arc<Store>,
    versions: Vec<Version>,
    persisted: Model,
    born: usize,
}

impl Chain {
    fn new() -> Self {
        let store = Arc::new(Store::default());
        let trie = StateTrie::empty(store.clone());
        let first = Version { lineage: vec![0], trie, model: Model::default() };
        Self { store, versions: vec![first], persisted: Model::default(), born: 1 }
    }

    fn apply(&mut self, parent: usize, changes: &StateChanges) {
        let parent = &self.versions[parent];
        let mut child = parent.clone();
        child.lineage.push(self.born);
        child.trie = parent.trie.apply(changes).unwrap();
        child.model.apply(changes);
        assert_eq!(child.trie.root(), child.model.root());
        self.born += 1;
        self.versions.push(child);
    }

    fn finalize(&mut self, index: usize, during: Option<&StateChanges>, lost: bool) {
        let version = self.versions[index].clone();
        let mut batch = Batch::default();
        let unconfirmed = version.trie.persist(&mut batch).unwrap();
        if let Some(changes) = during {
            self.apply(index, changes);
        }
        if lost {
            return;
        }
        batch.commit(&self.store);
        unconfirmed.confirm();
        let own = *version.lineage.last().unwrap();
        self.versions.retain(|other| other.lineage.contains(&own));
        assert_eq!(*self.store.0.lock(), version.model.records(), "nothing missing, nothing stale");
        self.persisted = version.model;
    }

    fn step(&mut self, step: &Step) {
        let count = self.versions.len();
        match step {
            Step::Apply { parent, changes } => self.apply(parent.index(count), changes),
            Step::Drop(version) if count > 1 => {
                self.versions.remove(version.index(count));
            }
            Step::Drop(_) => {}
            Step::Finalize { version, during, lost } => {
                self.finalize(version.index(count), during.as_ref(), *lost);
            }
            Step::Evict { version, bytes_max } => {
                let trie = &mut self.versions[version.index(count)].trie;
                let before = trie.memory_bytes();
                trie.evict(*bytes_max);
                assert!(trie.memory_bytes() <= before);
            }
            Step::Reopen => {
                let model = self.persisted.clone();
                let trie = StateTrie::open(self.store.clone(), model.root()).unwrap();
                self.versions = vec![Version { lineage: vec![self.born], trie, model }];
                self.born += 1;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn forks_checkpoints_and_evictions_keep_every_version(
        steps in prop::collection::vec(arb_step(), 1..40)
    ) {
        let mut chain = Chain::new();
        for step in &steps {
            chain.step(step);
            for version in &chain.versions {
                check_memory(&version.trie);
            }
        }
        for version in &chain.versions {
            check_contents(&version.trie, &version.model);
        }
        let reopened = StateTrie::open(chain.store.clone(), chain.persisted.root()).unwrap();
        check_contents(&reopened, &chain.persisted);
    }

    /// A view that outlives a checkpoint answers right or says that it cannot; it never lies.
    #[test]
    fn an_old_view_says_when_its_nodes_are_gone(
        first in arb_changes(), second in arb_changes(), bytes_max in 0..20_000usize,
    ) {
        let store = Arc::new(Store::default());
        let mut model = Model::default();
        model.apply(&first);
        let mut old = StateTrie::empty(store.clone()).apply(&first).unwrap();
        persist(&old, &store);
        old.evict(bytes_max);
        persist(&old.apply(&second).unwrap(), &store);
        for address in (0..ADDRESSES).map(address) {
            if let Ok(account) = old.account(&address) {
                prop_assert_eq!(account.map(|(info, _)| info), model.0.get(&address).map(|a| a.0));
            }
        }
    }
}

/// Nothing but the root stays of a persisted trie when no memory is allowed, and what has changed
/// since stays whole.
#[test]
fn eviction_unloads_all_that_is_persisted_and_no_more() {
    let mut numbers = Numbers(11);
    let store = Arc::new(Store::default());
    let accounts = (0..5_000).map(|_| {
        let info = AccountInfo { balance: U256::from(numbers.next()), ..AccountInfo::default() };
        let address = Address::left_padding_from(&numbers.next().to_be_bytes());
        (address, AccountChange { info: Some(info), ..AccountChange::default() })
    });
    let changes = StateChanges::new(accounts.collect(), Vec::new());
    let mut trie = StateTrie::empty(store.clone()).apply(&changes).unwrap();
    let full = trie.memory_bytes();
    trie.evict(0);
    assert_eq!(trie.memory_bytes(), full, "nothing is persisted yet");
    persist(&trie, &store);
    let some = StateChanges::new(changes.accounts()[..3].to_vec(), Vec::new());
    trie = trie.apply(&some).unwrap();
    trie.evict(0);
    assert_eq!(trie.memory_bytes(), 0);

    let mut info = changes.accounts()[0].1.clone();
    info.info.as_mut().unwrap().nonce = 9;
    let one = StateChanges::new(vec![(changes.accounts()[0].0, info)], Vec::new());
    trie = trie.apply(&one).unwrap();
    trie.evict(0);
    assert!(trie.memory_bytes() > 0 && trie.memory_bytes() < full / 100);
    let account = trie.account(&changes.accounts()[0].0).unwrap().unwrap();
    assert_eq!(account.0.nonce, 9);
}

/// Eviction prefers what has not changed for long.
#[test]
fn eviction_keeps_what_is_in_use() {
    let store = Arc::new(Store::default());
    let mut numbers = Numbers(13);
    let addresses: Vec<_> =
        (0..40_000).map(|_| Address::left_padding_from(&numbers.next().to_be_bytes())).collect();
    let pay = |addresses: &[Address], nonce: u64| {
        let info = AccountInfo { nonce, ..AccountInfo::default() };
        let change = AccountChange { info: Some(info), ..AccountChange::default() };
        let accounts = addresses.iter().map(|address| (*address, change.clone()));
        StateChanges::new(accounts.collect(), Vec::new())
    };
    let mut trie = StateTrie::empty(store.clone()).apply(&pay(&addresses, 0)).unwrap();
    persist(&trie, &store);
    let bytes_max = trie.memory_bytes() / 2;
    for nonce in 1..20 {
        trie = trie.apply(&pay(&addresses[..300], nonce)).unwrap();
        persist(&trie, &store);
        trie.evict(bytes_max);
    }
    assert!(trie.memory_bytes() <= bytes_max);
    let hot = trie.apply(&pay(&addresses[..300], 20)).unwrap();
    let loaded = hot.memory_bytes() - trie.memory_bytes();
    assert!(loaded < bytes_max / 100, "{loaded} bytes had to be read again");
}
