#![no_main]
//! See `hanse_fuzz::ledger`.

use std::sync::LazyLock;

static TARGET: LazyLock<hanse_fuzz::Target> = LazyLock::new(hanse_fuzz::ledger);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    TARGET(bytes);
});
