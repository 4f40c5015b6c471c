use super::{enough, parse};
use alloy_primitives::Address;
use hanse_identity::{Approver, MspId, Role, RoleSet};
use std::collections::BTreeSet;

fn somebody(number: u8, organization: &str, roles: &[Role]) -> Approver {
    Approver {
        account: Address::repeat_byte(number),
        organization: MspId::new(organization).unwrap(),
        roles: roles.iter().copied().collect::<RoleSet>(),
    }
}

#[test]
fn of_those_who_meet_a_policy_together_none_can_be_missed() {
    let everybody = [
        somebody(1, "Brand", &[Role::Admin]),
        somebody(2, "Brand", &[Role::Merchant]),
        somebody(3, "Bank", &[Role::Admin]),
        somebody(4, "Carrier", &[Role::Admin]),
    ];
    let active: BTreeSet<MspId> = everybody.iter().map(|one| one.organization.clone()).collect();
    let found = |text: &str| {
        let some = enough(&parse(text).unwrap(), &everybody, &active);
        some.map(|some| some.iter().map(|one| one.account[0]).collect::<Vec<_>>())
    };
    assert_eq!(found("AND('Brand.admin', 'Bank.admin')"), Some(vec![1, 3]));
    assert_eq!(found("MAJORITY(admin)").map(|some| some.len()), Some(2));
    assert_eq!(found("AND('Brand.admin', 'Brand.merchant')"), Some(vec![1, 2]));
    assert_eq!(found("'Bank.merchant'"), None);
    assert_eq!(found("ANYONE"), Some(vec![]));
}
