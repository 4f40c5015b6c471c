#![no_main]
//! See `hanse_fuzz::snapshots`.

use std::sync::LazyLock;

static TARGET: LazyLock<hanse_fuzz::Target> = LazyLock::new(hanse_fuzz::snapshots);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    TARGET(bytes);
});
