//! Views and readers while blocks are committed.

use crate::chain::{Chain, check_proofs, check_view};
use hanse_ledger::StateView;
use hanse_primitives::{BlockHash, Header};
use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};
use tempfile::TempDir;

/// A view keeps answering for its block, with reads and proofs, while other threads commit, write
/// checkpoints, and drop what they no longer need.
#[test]
fn old_views_stay_what_they_were() {
    let folder = TempDir::new().unwrap();
    let mut chain = Chain::open(folder.path(), 12);
    let done = AtomicBool::new(false);
    let views: Mutex<Vec<(StateView, usize)>> = Mutex::new(Vec::new());
    let models: Mutex<Vec<(hanse_ledger::testing::Model, Header)>> =
        Mutex::new(vec![(chain.models[0].clone(), chain.headers[0].clone())]);
    let ledger = chain.ledger.clone();
    thread::scope(|scope| {
        for reader in 0..3_usize {
            let (views, models, done, ledger) = (&views, &models, &done, ledger.clone());
            scope.spawn(move || {
                let mut turn = reader;
                while !done.load(Ordering::Relaxed) {
                    turn += 1;
                    let picked = {
                        let views = views.lock().unwrap();
                        if views.is_empty() {
                            continue;
                        }
                        views[turn * 7 % views.len()].clone()
                    };
                    let (model, header) = models.lock().unwrap()[picked.1].clone();
                    check_view(&picked.0, &model);
                    if turn.is_multiple_of(5) {
                        check_proofs(&picked.0, &model, &header);
                    }
                    let fresh = ledger.state(header.hash_slow()).unwrap();
                    check_view(&fresh, &model);
                }
            });
        }
        for round in 0..60_usize {
            let hash: BlockHash = chain.grow();
            let at = chain.models.len() - 1;
            models.lock().unwrap().push((chain.models[at].clone(), chain.headers[at].clone()));
            // Of the block while it is not final, and from then on.
            views.lock().unwrap().push((chain.ledger.state(hash).unwrap(), at));
            if round % 3 != 2 {
                continue;
            }
            chain.finalize(hash);
            if round % 5 == 0 {
                chain.ledger.checkpoint().unwrap();
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    chain.check();
}
