use crate::{IdentityError, MspId, Role, RoleSet};
use alloy_primitives::{B256, b256};
use proptest::prelude::*;

#[test]
fn organizations_have_plain_names() {
    let name = MspId::new("Brand-MSP_1").unwrap();
    let word = b256!("4272616e642d4d53505f31000000000000000000000000000000000000000000");
    assert_eq!(name.to_word(), word);
    assert_eq!(MspId::from_word(&word), Ok(name));
    assert!(MspId::new(&"a".repeat(31)).is_ok());
    let long = "a".repeat(32);
    for bad in ["", "1a", "-a", "_a", "a b", "a.b", "a\0", "ä", "a\u{200b}", "a'", long.as_str()] {
        assert!(matches!(MspId::new(bad), Err(IdentityError::Organization { .. })), "{bad:?}");
    }
    let mut gap = word;
    gap[31] = b'x';
    for bad in [B256::ZERO, gap, B256::repeat_byte(b'a'), B256::repeat_byte(0xff)] {
        assert!(MspId::from_word(&bad).is_err(), "{bad}");
    }
    // A message shows what was given, and nothing that a terminal would obey.
    let error = MspId::new("a\u{1b}[2J").unwrap_err().to_string();
    assert!(!error.contains('\u{1b}'), "{error}");
}

/// The numbers are those of `IMembers`.
#[test]
fn roles_have_their_numbers() {
    let names = [
        "member",
        "admin",
        "merchant",
        "carrier",
        "bank",
        "auditor",
        "regulator",
        "oracle",
        "validator",
        "platform",
        "shopper",
    ];
    for (number, name) in (0_u8..).zip(names) {
        let role = Role::from_number(number).unwrap();
        assert_eq!((role.number(), role.name()), (number, name));
        assert_eq!(name.parse(), Ok(role));
    }
    assert_eq!(Role::from_number(11), None);
    assert_eq!(RoleSet::from_bits(1 << 11), None);
    assert_eq!("admin,bank".parse::<RoleSet>().unwrap().bits(), 0b1_0010);
    assert_eq!("none".parse(), Ok(RoleSet::NONE));
    assert!("admin,".parse::<RoleSet>().is_err());
    assert!("Admin".parse::<Role>().is_err());
}

proptest! {
    #[test]
    fn roles_are_read_as_written(bits in 0..1_u32 << 11) {
        let roles = RoleSet::from_bits(bits).unwrap();
        prop_assert_eq!(roles.to_string().parse(), Ok(roles));
        prop_assert_eq!(roles.iter().collect::<RoleSet>(), roles);
    }

    #[test]
    fn words_and_names_are_one(name in "[A-Za-z][A-Za-z0-9_-]{0,30}", word in any::<[u8; 32]>()) {
        let name = MspId::new(&name).unwrap();
        prop_assert_eq!(MspId::from_word(&name.to_word()), Ok(name));
        if let Ok(name) = MspId::from_word(&B256::from(word)) {
            prop_assert_eq!(name.to_word(), B256::from(word));
        }
    }
}
