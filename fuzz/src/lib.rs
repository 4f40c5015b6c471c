//! What bytes from anywhere may do to Hanse: be refused. Each target takes any bytes and panics
//! where a promise of the product is broken; it returns true when the bytes were taken for good.
//!
//! `targets/` hands them to libFuzzer (`make fuzz`). `crates/node/tests/it/fuzz.rs` compiles this
//! very file, runs every target over `seeds/` and over random bytes, and can make the seeds anew.

mod blocks;
mod configuration;
mod genesis;
mod identity;
mod journal;
mod ledger;
mod messages;
mod records;
mod requests;
mod snapshots;
mod transactions;
mod wire;
mod world;

pub use blocks::blocks;
pub use configuration::configuration;
pub use genesis::genesis;
pub use identity::{certificates, credentials, policies};
pub use journal::journal;
pub use ledger::ledger;
pub use messages::{gossip, votes, work};
pub use records::records;
pub use requests::requests;
pub use snapshots::snapshots;
pub use transactions::transactions;
pub use wire::{frames, greetings};

/// A target, ready to be given bytes again and again.
pub type Target = Box<dyn Fn(&[u8]) -> bool + Send + Sync>;

/// Inputs that show a target the way, by name. Those called `good...` are taken, the others refused.
pub type Seeds = Vec<(String, Vec<u8>)>;

/// Makes a target.
pub type Make = fn() -> Target;

/// Every target by its name.
pub const TARGETS: [(&str, Make); 17] = [
    ("blocks", blocks),
    ("certificates", certificates),
    ("configuration", configuration),
    ("credentials", credentials),
    ("frames", frames),
    ("genesis", genesis),
    ("gossip", gossip),
    ("greetings", greetings),
    ("journal", journal),
    ("ledger", ledger),
    ("policies", policies),
    ("records", records),
    ("requests", requests),
    ("snapshots", snapshots),
    ("transactions", transactions),
    ("votes", votes),
    ("work", work),
];

/// The seeds that are bytes and not text, made by our own encoders: by target.
#[must_use]
pub fn seeds() -> [(&'static str, Seeds); 14] {
    [
        ("blocks", blocks::seeds()),
        ("certificates", identity::certificate_seeds()),
        ("credentials", identity::credential_seeds()),
        ("frames", wire::frame_seeds()),
        ("gossip", messages::gossip_seeds()),
        ("greetings", wire::greeting_seeds()),
        ("journal", journal::seeds()),
        ("ledger", ledger::seeds()),
        ("policies", identity::policy_seeds()),
        ("records", records::seeds()),
        ("snapshots", snapshots::seeds()),
        ("transactions", transactions::seeds()),
        ("votes", messages::vote_seeds()),
        ("work", messages::work_seeds()),
    ]
}
