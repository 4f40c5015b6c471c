//! How a failed call is put into words: those that Ethereum tools know and match on.

use alloy_primitives::{Bytes, U256};
use revm::context::result::{HaltReason, OutOfGasError};

/// Selector of `Error(string)`, which `require` and `revert` with a text encode.
const ERROR: [u8; 4] = [0x08, 0xc3, 0x79, 0xa0];

/// Selector of `Panic(uint256)`, which failed checks of the compiler encode.
const PANIC: [u8; 4] = [0x4e, 0x48, 0x7b, 0x71];

/// Bytes of a revert text that are shown.
const TEXT_BYTES_MAX: usize = 4_096;

/// The message of a revert, with the text that it carries, if any.
pub(crate) fn revert_message(output: &Bytes) -> String {
    match revert_text(output) {
        Some(text) => format!("execution reverted: {text}"),
        None => "execution reverted".to_owned(),
    }
}

fn revert_text(output: &[u8]) -> Option<String> {
    let (selector, rest) = output.split_first_chunk::<4>()?;
    match *selector {
        ERROR => {
            let offset = word(rest, 0)?;
            let length = word(rest, offset)?;
            let start = offset.checked_add(32)?;
            let text = rest.get(start..start.checked_add(length)?)?;
            let shown = &text[..text.len().min(TEXT_BYTES_MAX)];
            Some(String::from_utf8_lossy(shown).into_owned())
        }
        PANIC => {
            let code = U256::from_be_slice(rest.get(..32)?);
            Some(
                panic_text(code)
                    .map_or_else(|| format!("unknown panic code: {code:#x}"), Into::into),
            )
        }
        _ => None,
    }
}

/// The number in the word at a place, if it can be an offset or a length at all.
fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let word = bytes.get(at..at.checked_add(32)?)?;
    usize::try_from(U256::from_be_slice(word)).ok()
}

/// What the panic codes of Solidity mean.
fn panic_text(code: U256) -> Option<&'static str> {
    Some(match u8::try_from(code).ok()? {
        0x00 => "generic panic",
        0x01 => "assert(false)",
        0x11 => "arithmetic underflow or overflow",
        0x12 => "division or modulo by zero",
        0x21 => "enum overflow",
        0x22 => "invalid encoded storage byte array accessed",
        0x31 => "out-of-bounds array access; popping on an empty array",
        0x32 => "out-of-bounds access of an array or bytesN",
        0x41 => "out of memory",
        0x51 => "uninitialized function",
        _ => return None,
    })
}

/// The message of a call that failed without reverting.
pub(crate) fn halt_message(reason: &HaltReason) -> String {
    let text = match reason {
        HaltReason::OutOfGas(OutOfGasError::InvalidOperand | OutOfGasError::MemoryLimit) => {
            "gas uint64 overflow"
        }
        HaltReason::OutOfGas(_) => "out of gas",
        HaltReason::InvalidFEOpcode => "invalid opcode: INVALID",
        HaltReason::OpcodeNotFound | HaltReason::NotActivated => "invalid opcode",
        HaltReason::InvalidJump => "invalid jump destination",
        HaltReason::StackUnderflow => "stack underflow",
        HaltReason::StackOverflow => "stack limit reached 1024 (1023)",
        HaltReason::OutOfOffset => "return data out of bounds",
        HaltReason::CreateCollision => "contract address collision",
        HaltReason::NonceOverflow => "nonce uint64 overflow",
        HaltReason::CreateContractSizeLimit => "max code size exceeded",
        HaltReason::CreateInitCodeSizeLimit => "max initcode size exceeded",
        HaltReason::CreateContractStartingWithEF => "invalid code: must not begin with 0xef",
        HaltReason::StateChangeDuringStaticCall | HaltReason::CallNotAllowedInsideStatic => {
            "write protection"
        }
        HaltReason::OutOfFunds | HaltReason::OverflowPayment => "insufficient balance for transfer",
        HaltReason::CallTooDeep => "max call depth exceeded",
        HaltReason::PrecompileError => "precompile failed",
        HaltReason::PrecompileErrorWithContext(text) => text,
    };
    text.to_owned()
}
