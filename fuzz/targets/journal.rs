#![no_main]
//! See `hanse_fuzz::journal`.

use std::sync::LazyLock;

static TARGET: LazyLock<hanse_fuzz::Target> = LazyLock::new(hanse_fuzz::journal);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    TARGET(bytes);
});
