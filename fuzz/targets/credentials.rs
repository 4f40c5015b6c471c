#![no_main]
//! See `hanse_fuzz::credentials`.

use std::sync::LazyLock;

static TARGET: LazyLock<hanse_fuzz::Target> = LazyLock::new(hanse_fuzz::credentials);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    TARGET(bytes);
});
