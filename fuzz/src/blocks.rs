//! Blocks as peers and files bring them: RLP that is decoded and executed.

use super::{
    Seeds, Target,
    world::{World, blob, create, emit, set_code, transfer},
};
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_primitives::keccak256;
use alloy_rlp::Encodable;
use hanse_execution::ExecutionError;
use hanse_primitives::{Block, SealedBlock, Transaction, decode_block};

/// Decodes a block and executes it on the head of a chain. True when the block is valid there.
///
/// Whatever decodes encodes to the same bytes, transactions too. An invalid block is told to be
/// that: it never looks like a failure of our own, and never panics.
#[must_use]
pub fn blocks() -> Target {
    let world = World::new();
    Box::new(move |bytes| {
        let Ok(block) = decode_block(bytes) else { return false };
        check_bytes(&block, bytes);
        let mut here = block.clone();
        here.header.parent_hash = world.ledger.head().hash;
        // Some bytes differ in the parent alone; the others get as far as they can.
        is_valid(&world, SealedBlock::new(block)) | is_valid(&world, SealedBlock::new(here))
    })
}

fn check_bytes(block: &Block, bytes: &[u8]) {
    let mut again = Vec::new();
    block.encode(&mut again);
    assert_eq!(again, bytes, "a block has one encoding");
    assert_eq!(block.length(), bytes.len());
    for transaction in &block.body.transactions {
        let raw = transaction.encoded_2718();
        assert_eq!(*transaction.tx_hash(), keccak256(&raw));
        let again = Transaction::decode_2718_exact(&raw).expect("what was encoded decodes");
        assert_eq!(again, *transaction);
    }
}

fn is_valid(world: &World, block: SealedBlock) -> bool {
    let hash = block.hash();
    match world.executor.execute(block, &|_| None) {
        Ok((executed, root)) => {
            assert_eq!(executed.block().hash(), hash);
            assert_eq!(executed.block().header().state_root, root.root());
            true
        }
        Err(ExecutionError::Invalid { hash: blamed, .. }) => {
            assert_eq!(blamed, hash);
            false
        }
        Err(ExecutionError::UnknownParent(_)) => false,
        Err(error) => panic!("a block has made us fail: {error}"),
    }
}

/// The next block of the chain, in several kinds.
pub(super) fn seeds() -> Seeds {
    let world = World::new();
    let encoded = |transactions: &[Transaction]| {
        let mut bytes = Vec::new();
        world.build(transactions).executed.block().block().encode(&mut bytes);
        bytes
    };
    let all = encoded(&[transfer(4), emit(5), create(6), set_code(7), blob(8)]);
    let mut wrong = all.clone();
    let last = wrong.len() - 1;
    wrong[last / 2] ^= 1;
    vec![
        ("good-empty".to_owned(), encoded(&[])),
        ("good-transfer".to_owned(), encoded(&[transfer(4)])),
        ("good-every-type".to_owned(), all),
        ("wrong-bit".to_owned(), wrong),
    ]
}
