//! The instructions that reach other contracts, where permissions are in force.

use super::{Entered, rights::Selector};
use crate::state::{BlockState, Source};
use alloy_evm::eth::EthEvmContext;
use alloy_primitives::{Address, Bytes, FixedBytes, U256};
use alloy_sol_types::SolError;
use revm::{
    bytecode::opcode::{CALL, CREATE, CREATE2},
    context_interface::ContextTr,
    handler::instructions::EthInstructions,
    interpreter::{
        Instruction, InstructionContext, InstructionExecResult, InstructionResult, Interpreter,
        InterpreterAction,
        instructions::contract,
        interpreter::EthInterpreter,
        interpreter_types::{InputsTr, LoopControl, MemoryTr},
    },
};

type Evm<'a, S> = EthEvmContext<&'a mut BlockState<S>>;
type Context<'a, 'b, S> = InstructionContext<'a, Evm<'b, S>, EthInterpreter>;

/// Puts them in place of the EVM's own; they cost the same.
pub(crate) fn install<'a, S: Source>(
    instructions: &mut EthInstructions<EthInterpreter, Evm<'a, S>>,
) {
    let gas = |opcode: u8| instructions.gas_table()[usize::from(opcode)];
    let (call_gas, create_gas, create2_gas) = (gas(CALL), gas(CREATE), gas(CREATE2));
    instructions.insert_instruction(CALL, Instruction::new(call::<S>), call_gas);
    instructions.insert_instruction(CREATE, Instruction::new(create::<false, S>), create_gas);
    instructions.insert_instruction(CREATE2, Instruction::new(create::<true, S>), create2_gas);
}

/// `CALL`, unless the sender of the transaction may not make it.
fn call<S: Source>(context: Context<'_, '_, S>) -> InstructionExecResult {
    if let Some(entered) = bound(&context)
        && !entered.rights.is_free()
        && let Some((target, selector)) = aim(context.interpreter)
        && entered.rights.denial(target, selector).is_some()
    {
        let reason = forbidden(entered.sender, target, selector);
        return revert(context.interpreter, reason);
    }
    contract::call::<CALL, _, _>(context)
}

/// `CREATE` or `CREATE2`, unless the sender of the transaction may not deploy.
fn create<const IS_CREATE2: bool, S: Source>(context: Context<'_, '_, S>) -> InstructionExecResult {
    if let Some(entered) = bound(&context)
        && !entered.rights.may_deploy()
    {
        let reason = forbidden(entered.sender, Address::ZERO, Selector::of(&[]));
        return revert(context.interpreter, reason);
    }
    contract::create::<IS_CREATE2, _, _>(context)
}

/// By whose rights the contract that runs is bound. What the contract of policies carries out was
/// decided by many, so that nobody's are asked for.
fn bound<'a, S: Source>(context: &'a Context<'_, '_, S>) -> Option<&'a Entered> {
    let entered = context.host.db_ref().entered()?;
    (context.interpreter.input.target_address() != entered.policies).then_some(entered)
}

/// Whom a `CALL` that is about to run calls, and which method. `None` when it will fail by itself.
fn aim(interpreter: &Interpreter<EthInterpreter>) -> Option<(Address, Selector)> {
    let word = |at| interpreter.stack.peek(at).ok();
    let target = Address::from_word(word(1)?.into());
    let (offset, length) = (word(3)?, word(4)?);
    if length < U256::from(4) {
        return Some((target, Selector::of(&[])));
    }
    // Memory that nobody has written to yet is zero.
    let mut method = [0; 4];
    if let Ok(offset) = usize::try_from(offset) {
        let end = interpreter.memory.size().min(offset.saturating_add(4));
        if offset < end {
            method[..end - offset].copy_from_slice(&interpreter.memory.slice(offset..end));
        }
    }
    Some((target, Selector::of(&method)))
}

/// `Forbidden(address,address,bytes4)`, which contracts may see and tools can read.
fn forbidden(sender: Address, target: Address, selector: Selector) -> Bytes {
    let selector: FixedBytes<4> = selector.word();
    super::bindings::IPolicies::Forbidden { sender, target, selector }.abi_encode().into()
}

/// Reverts the contract that runs.
fn revert(interpreter: &mut Interpreter<EthInterpreter>, reason: Bytes) -> InstructionExecResult {
    let gas = interpreter.gas;
    let action = InterpreterAction::new_return(InstructionResult::Revert, reason, gas);
    interpreter.bytecode.set_action(action);
    Err(InstructionResult::Revert)
}
