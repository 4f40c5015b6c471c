//! What would become of an old contract's storage under new code.

use super::{Encoding, Layout, Place, Type};
use alloy_primitives::U256;
use std::collections::BTreeSet;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Comparison {
    /// What the new code would not find, or take for something else.
    pub(crate) broken: Vec<String>,
    /// Old variables under new names.
    pub(crate) renamed: Vec<String>,
    /// What is new.
    pub(crate) added: Vec<String>,
    /// Enums, whose members no layout tells.
    pub(crate) enums: BTreeSet<String>,
}

/// Compares two layouts.
pub(crate) fn compare(old: &Layout, new: &Layout) -> Comparison {
    let mut comparing = Comparing { old, new, done: BTreeSet::new(), found: Comparison::default() };
    comparing.places("", &old.storage, &new.storage);
    comparing.found
}

/// Whether something can become longer without running into what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Room {
    /// Something may follow at once.
    None,
    /// It is the value of a mapping, at a place by itself.
    Own,
}

struct Comparing<'a> {
    old: &'a Layout,
    new: &'a Layout,
    /// Pairs of types that are compared, or have been: a struct may have a mapping to itself.
    done: BTreeSet<(&'a str, &'a str, Room)>,
    found: Comparison,
}

impl Layout {
    fn kind(&self, id: &str) -> &Type {
        self.types.get(id).expect("every type that is named is there, checked when it was read")
    }

    /// The bytes of a place, counted from the first slot; the end is not in it. Nobody wraps around storage.
    fn span(&self, place: &Place) -> (U256, U256) {
        let start =
            place.slot.saturating_mul(U256::from(32)).saturating_add(U256::from(place.offset));
        (start, start.saturating_add(self.kind(&place.kind).number_of_bytes))
    }

    /// Room that is kept for later: by custom an array with this name.
    fn is_gap(&self, place: &Place) -> bool {
        let kind = self.kind(&place.kind);
        let named = place.label == "__gap" || place.label.starts_with("__gap_");
        named && kind.encoding == Encoding::Inplace && kind.base.is_some()
    }
}

impl<'a> Comparing<'a> {
    fn places(&mut self, path: &str, before: &'a [Place], after: &'a [Place]) {
        let (old, new) = (self.old, self.new);
        let kept: Vec<&Place> = before.iter().filter(|place| !old.is_gap(place)).collect();
        for place in &kept {
            let name = format!("{path}{}", place.label);
            let same = |other: &&Place| (other.slot, other.offset) == (place.slot, place.offset);
            let Some(now) = after.iter().find(same) else {
                let what = format!("{name} ({}) was at {}", old.kind(&place.kind).label, at(place));
                self.found.broken.push(format!("{what}; nothing begins there any more"));
                continue;
            };
            if now.label != place.label {
                let is_moved = before.iter().any(|one| one.label == now.label);
                let moved = if is_moved { ", which was elsewhere" } else { "" };
                let text = format!("{name} at {} is {path}{} now{moved}", at(place), now.label);
                let list = if is_moved { &mut self.found.broken } else { &mut self.found.renamed };
                list.push(text);
            }
            self.types(&name, &place.kind, &now.kind, Room::None);
        }
        for now in after.iter().filter(|place| !new.is_gap(place)) {
            if kept.iter().any(|one| (one.slot, one.offset) == (now.slot, now.offset)) {
                continue;
            }
            let (start, end) = new.span(now);
            let hit = kept.iter().find(|one| {
                let (from, to) = old.span(one);
                from < end && start < to
            });
            let what = format!("{path}{} ({})", now.label, new.kind(&now.kind).label);
            match hit {
                Some(one) => {
                    let text = format!("{what} at {} lies over {path}{}", at(now), one.label);
                    self.found.broken.push(text);
                }
                None => self.found.added.push(format!("{what} at {}", at(now))),
            }
        }
    }

    fn types(&mut self, name: &str, before: &'a str, after: &'a str, room: Room) {
        if !self.done.insert((before, after, room)) {
            return;
        }
        let (was, is) = (self.old.kind(before), self.new.kind(after));
        let other = format!("{name} was {} and is {}", was.label, is.label);
        if was.encoding != is.encoding {
            self.found.broken.push(other);
            return;
        }
        match was.encoding {
            Encoding::Bytes if was.label != is.label => self.found.broken.push(other),
            Encoding::Bytes => {}
            Encoding::Mapping => {
                if let Some((one, two)) = was.key.as_deref().zip(is.key.as_deref()) {
                    self.types(&format!("the key of {name}"), one, two, Room::None);
                }
                if let Some((one, two)) = was.value.as_deref().zip(is.value.as_deref()) {
                    self.types(&format!("{name}[…]"), one, two, Room::Own);
                }
            }
            Encoding::DynamicArray => self.elements(name, was, is),
            Encoding::Inplace => self.inplace(name, was, is, room),
        }
    }

    fn elements(&mut self, name: &str, was: &'a Type, is: &'a Type) {
        if let Some((one, two)) = was.base.as_deref().zip(is.base.as_deref()) {
            self.types(&format!("{name}[…]"), one, two, Room::None);
        }
    }

    fn inplace(&mut self, name: &str, was: &'a Type, is: &'a Type, room: Room) {
        let grows = is.number_of_bytes > was.number_of_bytes;
        let fits = was.number_of_bytes == is.number_of_bytes || (grows && room == Room::Own);
        match (&was.members, &is.members) {
            (Some(before), Some(after)) => {
                if !fits {
                    let (one, two) = (was.number_of_bytes, is.number_of_bytes);
                    let text = format!("{name} ({}) took {one} bytes and takes {two}", was.label);
                    self.found.broken.push(text);
                }
                self.places(&format!("{name}."), before, after);
            }
            (None, None) if was.base.is_some() && is.base.is_some() => {
                if was.number_of_bytes != is.number_of_bytes {
                    let text = format!("{name} was {} and is {}", was.label, is.label);
                    self.found.broken.push(text);
                }
                self.elements(name, was, is);
            }
            (None, None) => {
                let both_accounts = is_account(was) && is_account(is);
                if !both_accounts && (was.label != is.label || !fits) {
                    let text = format!("{name} was {} and is {}", was.label, is.label);
                    self.found.broken.push(text);
                }
                if was.label.starts_with("enum ") && was.label == is.label {
                    self.found.enums.insert(was.label.clone());
                }
            }
            _ => {
                let text = format!("{name} was {} and is {}", was.label, is.label);
                self.found.broken.push(text);
            }
        }
    }
}

/// What is kept as an address.
fn is_account(kind: &Type) -> bool {
    kind.label.starts_with("address") || kind.label.starts_with("contract ")
}

fn at(place: &Place) -> String {
    match place.offset {
        0 => format!("slot {}", place.slot),
        offset => format!("slot {}, byte {offset}", place.slot),
    }
}
