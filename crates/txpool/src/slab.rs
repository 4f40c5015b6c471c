use crate::sender::Sender;

/// Names a sender for as long as it has transactions; never names another one later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SlotId {
    index: usize,
    generation: u64,
}

/// Senders side by side in memory, so that looking at each head is quick and indexing is one step.
#[derive(Debug, Default)]
pub(crate) struct Slab {
    slots: Vec<Slot>,
    free: Vec<usize>,
}

#[derive(Debug)]
struct Slot {
    generation: u64,
    sender: Option<Sender>,
}

impl Slab {
    pub(crate) fn insert(&mut self, sender: Sender) -> SlotId {
        let index = self.free.pop().unwrap_or(self.slots.len());
        if index == self.slots.len() {
            self.slots.push(Slot { generation: 0, sender: None });
        }
        let slot = &mut self.slots[index];
        slot.sender = Some(sender);
        SlotId { index, generation: slot.generation }
    }

    pub(crate) fn remove(&mut self, id: SlotId) {
        assert!(self.get(id).is_some(), "a sender is removed once");
        let slot = &mut self.slots[id.index];
        slot.sender = None;
        slot.generation += 1;
        self.free.push(id.index);
    }

    pub(crate) fn get(&self, id: SlotId) -> Option<&Sender> {
        let slot = self.slots.get(id.index).filter(|slot| slot.generation == id.generation)?;
        slot.sender.as_ref()
    }

    pub(crate) fn get_mut(&mut self, id: SlotId) -> Option<&mut Sender> {
        let slot = self.slots.get_mut(id.index).filter(|slot| slot.generation == id.generation)?;
        slot.sender.as_mut()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (SlotId, &Sender)> {
        self.slots.iter().enumerate().filter_map(|(index, slot)| {
            let id = SlotId { index, generation: slot.generation };
            slot.sender.as_ref().map(|sender| (id, sender))
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(crate) fn ids(&self) -> Vec<SlotId> {
        self.iter().map(|(id, _)| id).collect()
    }
}
