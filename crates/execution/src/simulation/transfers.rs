use alloy_primitives::{Address, B256, Log, LogData, U256, address, b256};
use revm::{
    Inspector,
    context_interface::{ContextTr, JournalTr},
    interpreter::{CallInputs, CallOutcome, CreateInputs, CreateOutcome},
};

/// Whom a transfer of ether is reported from (ERC-7528).
const ETHER: Address = address!("eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");

/// keccak256 of `Transfer(address,address,uint256)`.
const TRANSFER: B256 = b256!("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

/// Collects events in order, with transfers of ether among them as if they were a token's. What a
/// reverted call did is forgotten. The EVM's own logs stay as they are, since receipts follow them.
#[derive(Clone, Debug, Default)]
pub(super) struct TransferLogs {
    done: Vec<Log>,
    frames: Vec<Vec<Log>>,
}

impl TransferLogs {
    /// What was collected since the last time.
    pub(super) fn take(&mut self) -> Vec<Log> {
        self.frames.clear();
        std::mem::take(&mut self.done)
    }

    fn enter(&mut self, from: Address, to: Option<Address>, value: U256) {
        self.frames.push(Vec::new());
        if let Some(to) = to {
            self.transfer(from, to, value);
        }
    }

    fn leave(&mut self, success: bool) {
        let logs = self.frames.pop().unwrap_or_default();
        if success {
            self.frames.last_mut().unwrap_or(&mut self.done).extend(logs);
        }
    }

    fn push(&mut self, log: Log) {
        self.frames.last_mut().unwrap_or(&mut self.done).push(log);
    }

    fn transfer(&mut self, from: Address, to: Address, value: U256) {
        if !value.is_zero() {
            let topics = vec![TRANSFER, from.into_word(), to.into_word()];
            let data = LogData::new_unchecked(topics, value.to_be_bytes_vec().into());
            self.push(Log { address: ETHER, data });
        }
    }
}

impl<C: ContextTr> Inspector<C> for TransferLogs {
    fn log(&mut self, _: &mut C, log: Log) {
        self.push(log);
    }

    fn call(&mut self, _: &mut C, inputs: &mut CallInputs) -> Option<CallOutcome> {
        let value = inputs.transfer_value().unwrap_or_default();
        self.enter(inputs.transfer_from(), Some(inputs.transfer_to()), value);
        None
    }

    fn call_end(&mut self, _: &mut C, _: &CallInputs, outcome: &mut CallOutcome) {
        self.leave(outcome.result.is_ok());
    }

    fn create(&mut self, context: &mut C, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        let caller = context.journal_mut().load_account(inputs.caller()).ok();
        let target = caller.map(|caller| inputs.created_address(caller.data.info.nonce));
        self.enter(inputs.caller(), target, inputs.value());
        None
    }

    fn create_end(&mut self, _: &mut C, _: &CreateInputs, outcome: &mut CreateOutcome) {
        self.leave(outcome.result.is_ok());
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        self.transfer(contract, target, value);
    }
}
