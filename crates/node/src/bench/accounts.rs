//! Accounts that are in the state before the load. Their addresses are hashes of numbers, so that
//! a few bytes of EVM code make hundreds in one transaction, on any node.

use alloy_primitives::{Address, Bytes, U256, keccak256};

/// Accounts that one transaction makes. Each costs about 36,800 gas (EIP-2929, EIP-161), and one
/// transaction may use 2^24 (EIP-7825).
pub(super) const MADE_AT_ONCE: u64 = 400;

/// Gas limit of such a transaction.
pub(super) const MAKER_GAS: u64 = 15_500_000;

/// Wei that each is made with: an account without anything is not kept.
pub(super) const WEI_EACH: u64 = 1;

/// Spreads transactions over accounts that are far apart: a prime near 2^32 divided by the golden
/// ratio (Knuth's multiplicative hashing).
const STRIDE: u64 = 2_654_435_761;

/// The address with a number.
pub(super) fn address(number: u64) -> Address {
    Address::from_word(keccak256(U256::from(number).to_be_bytes::<32>()))
}

/// Which of `accounts` the transaction with a number pays.
pub(super) const fn receiver(transaction: u64, accounts: u64) -> u64 {
    transaction.wrapping_mul(STRIDE) % accounts
}

/// Init code that pays 1 wei to each address numbered `from` (inclusive) to `to` (exclusive), and
/// leaves no code behind.
pub(super) fn maker(from: u64, to: u64) -> Bytes {
    const PUSH0: u8 = 0x5f;
    const PUSH1: u8 = 0x60;
    const PUSH8: u8 = 0x67;
    const DUP1: u8 = 0x80;
    const JUMPDEST: u8 = 0x5b;
    /// Where the loop begins: behind the first PUSH8.
    const LOOP: u8 = 9;
    let mut code = vec![PUSH8];
    code.extend(from.to_be_bytes());
    // mem[0] = number
    code.extend([JUMPDEST, DUP1, PUSH0, 0x52]);
    // CALL(gas 0, keccak(mem[0..32]), 1 wei, no input, no output); POP
    code.extend([PUSH0, PUSH0, PUSH0, PUSH0, PUSH1, 1]);
    code.extend([PUSH1, 32, PUSH0, 0x20, PUSH0, 0xf1, 0x50]);
    // number += 1; if to > number, again
    code.extend([PUSH1, 1, 0x01, DUP1, PUSH8]);
    code.extend(to.to_be_bytes());
    code.extend([0x11, PUSH1, LOOP, 0x57, 0x00]);
    code.into()
}
