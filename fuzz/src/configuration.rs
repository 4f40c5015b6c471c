//! Configuration files.

use super::Target;
use hanse_node::Config;

/// Reads a configuration. True when it is one.
///
/// What is read can be written and read again, and no setting panics where it is put to use.
#[must_use]
pub fn configuration() -> Target {
    Box::new(|bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return false };
        let Ok(config) = Config::parse(text) else { return false };
        let written = toml::to_string(&config).expect("a configuration is plain data");
        let again = Config::parse(&written).expect("a configuration that was written can be read");
        assert_eq!(again, config);
        if let Ok(millis) = config.dev_block_time_ms() {
            assert!(millis <= 86_400_000);
            assert_eq!(millis == 0, config.dev.block_time.is_none());
        }
        true
    })
}
