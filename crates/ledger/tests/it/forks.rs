//! Branches, heads and finality.

use crate::chain::{Chain, check_view, settings};
use alloy_primitives::Bytes;
use hanse_ledger::{HeadChange, Ledger, LedgerError, testing::spec};
use hanse_primitives::{BlockHash, Height};
use tempfile::TempDir;

#[test]
fn a_branch_of_five_gives_way_to_one_of_six() {
    let folder = TempDir::new().unwrap();
    let mut chain = Chain::open(folder.path(), 2);
    chain.commit(3);
    for _ in 0..5 {
        chain.grow();
    }
    chain.check();
    chain.reorganize(5);
    chain.check();
    chain.reorganize(2);
    chain.check();
    chain.finalize(chain.hash_at(9));
    assert_eq!(chain.ledger.finalized().height, Height(9));
    assert_eq!(chain.ledger.head().height, Height(10));
    chain.check();
    // The ancestors became final with it, and only the last one has the seal.
    assert!(chain.ledger.seal(Height(8)).unwrap().unwrap().is_empty());
    assert!(!chain.ledger.seal(Height(9)).unwrap().unwrap().is_empty());
    assert!(chain.ledger.seal(Height(10)).unwrap().is_none());
    chain.reopen(folder.path()).check();
}

#[test]
fn siblings_are_dropped_and_descendants_stay() {
    let folder = TempDir::new().unwrap();
    let mut chain = Chain::open(folder.path(), 3);
    chain.commit(2);
    let (parent, model) = (chain.headers[2].clone(), chain.models[2].clone());
    let (loser, loser_model) = chain.child(&parent, &model);
    let (heir, _) = chain.child(&loser.block().header().clone(), &loser_model);
    let lost_view = chain.ledger.state(heir.block().hash()).unwrap();
    let winner = chain.grow();
    let kept = chain.grow();
    let (cousin, cousin_model) = chain.child(&chain.headers[3].clone(), &chain.models[3].clone());
    chain.finalize(winner);
    for gone in [&loser, &heir] {
        let hash = gone.block().hash();
        assert!(matches!(chain.ledger.state(hash), Err(LedgerError::UnknownBlock(_))));
        assert!(chain.ledger.block(hash).unwrap().is_none());
        assert!(matches!(chain.ledger.set_head(hash), Err(LedgerError::UnknownBlock(_))));
    }
    // Whoever holds a view of a dropped block may finish reading.
    assert_eq!(lost_view.block().hash, heir.block().hash());
    lost_view.account(&hanse_ledger::testing::address(1)).unwrap();
    check_view(&chain.ledger.state(cousin.block().hash()).unwrap(), &cousin_model);
    assert_eq!(chain.ledger.head().hash, kept);
    chain.check();
}

#[test]
fn wrong_questions_get_their_own_answers() {
    let folder = TempDir::new().unwrap();
    let mut chain = Chain::open(folder.path(), 4);
    chain.commit(3);
    let hash = chain.grow();
    let unknown = BlockHash::repeat_byte(9);
    let ledger = chain.ledger.clone();
    assert!(matches!(ledger.finalize(unknown, Bytes::new()), Err(LedgerError::UnknownBlock(_))));
    assert!(matches!(ledger.set_head(unknown), Err(LedgerError::UnknownBlock(_))));
    let old = chain.hash_at(1);
    assert!(matches!(ledger.set_head(old), Err(LedgerError::NotOnChain(_))));
    assert!(matches!(ledger.finalize(old, Bytes::new()), Err(LedgerError::NotOnChain(_))));
    let changes = Default::default();
    // What would have been on an old block can be asked, though nothing can be built there.
    assert_eq!(ledger.root(old, &changes).unwrap().root(), chain.headers[1].state_root);
    assert!(matches!(ledger.root(unknown, &changes), Err(LedgerError::UnknownBlock(_))));
    assert!(matches!(ledger.rollback(Height(99)), Err(LedgerError::UnknownHeight(_))));
    // Saying the same again changes nothing.
    let (sibling, _) = chain.child(&chain.headers[3].clone(), &chain.models[3].clone());
    let sibling_hash = sibling.block().hash();
    ledger.insert(sibling, None).unwrap();
    ledger.insert(chain.executed[2].clone().unwrap(), None).unwrap();
    assert_eq!(ledger.set_head(hash).unwrap(), HeadChange::default());
    ledger.finalize(hash, Bytes::new()).unwrap();
    ledger.finalize(hash, Bytes::from_static(b"again")).unwrap();
    assert!(ledger.seal(Height(4)).unwrap().unwrap().is_empty());
    let error = ledger.set_head(sibling_hash).unwrap_err();
    assert!(matches!(error, LedgerError::UnknownBlock(_)) && error.is_caller_fault());
    chain.check();
}

/// An engine whose blocks are final at once shows a block only when it is durable: it becomes final
/// first, and the head with that.
#[test]
fn a_block_may_become_final_before_it_is_the_head() {
    let folder = TempDir::new().unwrap();
    let mut chain = Chain::open(folder.path(), 14);
    chain.commit(2);
    let (parent, model) = (chain.headers[2].clone(), chain.models[2].clone());
    let shown = chain.grow();
    let (hidden, hidden_model) = chain.child(&parent, &model);
    let (next, _) = chain.child(&hidden.block().header().clone(), &hidden_model);
    let reference = hidden.block().reference();
    assert_eq!(chain.ledger.head().hash, shown);
    chain.finalize(reference.hash);
    assert_eq!((chain.ledger.head(), chain.ledger.finalized()), (reference, reference));
    assert!(chain.ledger.block(shown).unwrap().is_none());
    assert!(chain.ledger.is_canonical(reference).unwrap());
    check_view(&chain.ledger.state(reference.hash).unwrap(), &hidden_model);
    chain.finalize(next.block().hash());
    assert_eq!(chain.ledger.head(), next.block().reference());
}

#[test]
fn a_folder_is_one_process_and_one_chain() {
    let folder = TempDir::new().unwrap();
    let mut chain = Chain::open(folder.path(), 5);
    chain.commit(2);
    let second = Ledger::open(folder.path(), &chain.spec, settings());
    assert!(matches!(second, Err(LedgerError::Locked(_))));
    drop(chain);
    let other = Ledger::open(folder.path(), &spec(6), settings()).unwrap_err();
    assert!(matches!(other, LedgerError::OtherGenesis { .. }), "{other}");
    let other = Ledger::open(folder.path(), &spec(5), settings()).unwrap();
    assert_eq!(other.finalized().height, Height(2));
}

#[test]
fn final_blocks_are_read_in_order() {
    let folder = TempDir::new().unwrap();
    let mut chain = Chain::open(folder.path(), 6);
    chain.commit(30);
    chain.ledger.checkpoint().unwrap();
    chain.commit(5);
    chain.grow();
    for from in [0, 1, 17, 35, 36, 37] {
        let blocks: Vec<_> = chain
            .ledger
            .blocks(Height(from))
            .unwrap()
            .map(|past| past.unwrap().whole().unwrap())
            .collect();
        let heights: Vec<_> = blocks.iter().map(|block| block.block().height().0).collect();
        assert_eq!(heights, (from..36).collect::<Vec<_>>());
        for block in blocks.iter().filter(|block| block.block().height() > Height(0)) {
            let at = usize::try_from(block.block().height().0).unwrap();
            let executed = chain.executed[at].as_ref().unwrap();
            assert_eq!(block.block(), executed.block());
            assert_eq!(block.receipts(), executed.receipts());
        }
    }
}

/// Work that the ledger has left to other threads must not keep the folder open behind its back.
#[test]
fn a_closed_ledger_can_be_opened_at_once() {
    let folder = TempDir::new().unwrap();
    let mut chain = Chain::open(folder.path(), 15);
    for _ in 0..10 {
        chain.commit(2);
        for _ in 0..5 {
            chain.grow();
        }
        chain.reorganize(3);
        chain = chain.reopen(folder.path());
    }
    chain.check();
}
