use crate::der::{check, write, write_unsigned};
use alloy_primitives::hex;
use proptest::prelude::*;

#[test]
fn there_is_one_encoding() {
    for good in [
        "0500",
        "0101ff",
        "020100",
        "0201ff",
        "02020080",
        "030100",
        "03020780",
        "060155",
        "06028148",
        "0c026162",
        "130141",
        "3000",
        "3003020101",
        "310602010102010a",
        "a003020102",
        "8003ffffff",
        "0a0101",
        "170d3235313233313030303030305a",
        "180f32303530303130313030303030305a",
    ] {
        assert!(check(&hex::decode(good).unwrap()).is_ok(), "{good}");
    }
    for bad in [
        "",
        "05",
        "0501ff",
        "050000",
        "010100",
        "010101",
        "0102ffff",
        "0200",
        "02020001",
        "0202ff80",
        "0300",
        "030101",
        "03020701",
        "030208ff",
        "0600",
        "06028001",
        "060181",
        "0c01ff",
        "130140",
        "1601ff",
        "0480",
        "04810100",
        "0482000100",
        "2400",
        "2c03130141",
        "1f010100",
        "3002",
        "30800000",
        "310602010a020101",
        "3106020101020101",
        "4000",
        "0900",
        "170b3235313233313030303030305a",
        "180f32303439303130313030303030305a",
    ] {
        assert!(check(&hex::decode(bad).unwrap()).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn what_is_written_can_be_read(number in proptest::collection::vec(any::<u8>(), 0..40), length in 0..70_000_usize) {
        let inner = write_unsigned(&number);
        let text = write(0x04, &[&vec![0; length]]);
        prop_assert!(check(&write(0x30, &[&inner, &text])).is_ok());
    }

    #[test]
    fn hostile_bytes_are_refused_in_peace(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = check(&bytes);
        let _ = check(&write(0x30, &[&bytes]));
    }
}
