use crate::interrupt::Watch;
use alloy_primitives::{Address, map::AddressSet};
use revm::{
    context_interface::{Cfg, ContextTr},
    handler::{EthPrecompiles, PrecompileProvider},
    interpreter::{CallInputs, InterpreterResult},
    primitives::hardfork::SpecId,
};
use std::collections::BTreeMap;

/// The precompiles of a fork, some of which a simulation may have moved or taken away.
///
/// Which addresses are warm does not follow such moves: it belongs to the rules of the fork, and
/// what others measure for a simulated call is measured that way.
#[derive(Clone, Debug)]
pub(crate) struct PrecompileSet {
    fork: EthPrecompiles,
    /// What is at an address instead: the precompile of another address, or none.
    moved: BTreeMap<Address, Option<Address>>,
    /// What can call the code off; every call comes by here.
    watch: Option<Watch>,
}

impl PrecompileSet {
    /// All precompiles at their own addresses.
    pub(crate) fn new(fork: SpecId) -> Self {
        Self { fork: EthPrecompiles::new(fork), moved: BTreeMap::new(), watch: None }
    }

    /// Lets every call look whether the code is called off.
    pub(crate) fn set_watch(&mut self, watch: Option<Watch>) {
        self.watch = watch;
    }

    /// The address whose precompile answers at `address`.
    fn at(&self, address: &Address) -> Option<Address> {
        match self.moved.get(address) {
            Some(source) => *source,
            None => self.fork.contains(address).then_some(*address),
        }
    }

    pub(crate) fn is_precompile(&self, address: &Address) -> bool {
        self.at(address).is_some()
    }

    /// Leaves ordinary code at an address.
    pub(crate) fn remove(&mut self, address: Address) {
        self.moved.insert(address, None);
    }

    /// Makes what answers at `from` answer at `to` alone. Nothing happens if that is no precompile.
    pub(crate) fn relocate(&mut self, from: Address, to: Address) {
        if let Some(source) = self.at(&from) {
            self.moved.insert(from, None);
            self.moved.insert(to, Some(source));
        }
    }
}

impl<C: ContextTr> PrecompileProvider<C> for PrecompileSet {
    type Output = InterpreterResult;

    fn set_spec(&mut self, spec: <C::Cfg as Cfg>::Spec) -> bool {
        <EthPrecompiles as PrecompileProvider<C>>::set_spec(&mut self.fork, spec)
    }

    fn run(
        &mut self,
        context: &mut C,
        inputs: &CallInputs,
    ) -> Result<Option<InterpreterResult>, String> {
        if let Some(watch) = &self.watch {
            watch.check().map_err(|unreadable| unreadable.to_string())?;
        }
        if self.moved.is_empty() {
            return self.fork.run(context, inputs);
        }
        let Some(source) = self.at(&inputs.bytecode_address) else { return Ok(None) };
        let mut inputs = inputs.clone();
        inputs.bytecode_address = source;
        self.fork.run(context, &inputs)
    }

    fn warm_addresses(&self) -> &AddressSet {
        self.fork.warm_addresses()
    }

    fn contains(&self, address: &Address) -> bool {
        self.is_precompile(address)
    }
}
