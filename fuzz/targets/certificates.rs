#![no_main]
//! See `hanse_fuzz::certificates`.

use std::sync::LazyLock;

static TARGET: LazyLock<hanse_fuzz::Target> = LazyLock::new(hanse_fuzz::certificates);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    TARGET(bytes);
});
