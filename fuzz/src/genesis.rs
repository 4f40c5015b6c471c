//! Genesis files.

use super::Target;
use hanse_primitives::ChainSpec;
use hanse_txpool::Rules;

/// Reads a genesis. True when it is one.
///
/// What is read can be written and read again and is the same chain, and no question about any time
/// or height of it panics.
#[must_use]
pub fn genesis() -> Target {
    Box::new(|bytes| {
        let Ok(spec) = ChainSpec::parse(bytes) else { return false };
        let json = serde_json::to_vec(spec.genesis()).expect("a genesis is plain data");
        let again = ChainSpec::parse(&json).expect("a genesis that was written can be read");
        assert_eq!(again.genesis_reference(), spec.genesis_reference(), "the same chain");
        assert_eq!(again.hanse(), spec.hanse());
        assert_eq!(again.genesis_changes(), spec.genesis_changes());
        let header = spec.genesis_block_sealed().header();
        assert_eq!(header.state_root, again.genesis_block_sealed().header().state_root);
        for time in [0, header.timestamp, header.timestamp.saturating_add(1), u64::MAX] {
            let mut parent = header.clone();
            let rules = Rules::next(&spec, &parent, time);
            assert_eq!(rules, Rules::next(&again, &parent, time));
            parent.gas_used = parent.gas_limit;
            parent.number = time;
            parent.timestamp = time;
            let _ = (Rules::next(&spec, &parent, time), spec.blob_params_at(time));
        }
        true
    })
}
