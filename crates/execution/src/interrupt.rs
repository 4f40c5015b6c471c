use crate::{
    ExecutionError,
    state::{BlockState, Failure, Source, Unreadable},
};
use alloy_evm::eth::EthEvmContext;
use revm::{
    context_interface::{ContextTr, context::ContextError},
    interpreter::{
        InstructionContext, InstructionExecResult, InstructionResult, interpreter::EthInterpreter,
    },
};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Calls work off that nobody waits for any more. Whoever holds a clone may do so, once and for all.
///
/// Gas bounds what code may do, not how long it takes. Calls, estimates, simulations and traces look
/// here at every jump target, at every call, and whenever they read the state: no code can go on for
/// long without one of these. Blocks that count are never called off.
#[derive(Clone)]
pub struct Interrupt(Arc<Inner>);

struct Inner {
    set: AtomicBool,
    reason: Arc<str>,
}

impl Interrupt {
    /// Not called off yet. `reason` is told in brackets to whoever is called off: `timeout = 5s`.
    #[must_use]
    pub fn new(reason: &str) -> Self {
        Self(Arc::new(Inner { set: AtomicBool::new(false), reason: reason.into() }))
    }

    /// Calls the work off.
    pub fn set(&self) {
        self.0.set.store(true, Ordering::Relaxed);
    }

    /// True when the work is called off.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.set.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Interrupt({}, set: {})", self.0.reason, self.is_set())
    }
}

/// Looks at an [`Interrupt`] on behalf of whatever runs on a state.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    interrupt: Interrupt,
    failure: Failure,
}

impl Watch {
    pub(crate) const fn new(interrupt: Interrupt, failure: Failure) -> Self {
        Self { interrupt, failure }
    }

    /// # Errors
    /// [`Unreadable`] when it has been called off; the reason waits in the state's [`Failure`].
    pub(crate) fn check(&self) -> Result<(), Unreadable> {
        if !self.interrupt.is_set() {
            return Ok(());
        }
        self.failure.set(ExecutionError::Interrupted(self.interrupt.0.reason.clone()));
        Err(Unreadable)
    }
}

/// `JUMPDEST` where code can be called off: every loop passes one.
pub(crate) fn jump_target<S: Source>(
    context: InstructionContext<'_, EthEvmContext<&mut BlockState<S>>, EthInterpreter>,
) -> InstructionExecResult {
    let Err(unreadable) = context.host.db().check_interrupt() else { return Ok(()) };
    // As the EVM library itself unwinds when the state cannot be read.
    *context.host.error() = Err(ContextError::<Unreadable>::Db(unreadable));
    Err(InstructionResult::FatalExternalError)
}
