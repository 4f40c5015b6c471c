use super::*;
use alloy_sol_types::SolError;

/// What a node says when a contract reverts with `data`.
fn refusal(data: Vec<u8>) -> Refusal {
    let reply = format!(
        r#"{{"code":3,"message":"execution reverted","data":"0x{}"}}"#,
        alloy_primitives::hex::encode(data)
    );
    serde_json::from_str(&reply).unwrap()
}

#[test]
fn a_policy_that_is_not_met_is_told_as_an_expression() {
    let policy = hanse_identity::Policy::parse("AND('Bank.admin', MAJORITY(admin))").unwrap();
    let error = IPolicies::PolicyNotMet {
        policy: word_of("membership").unwrap(),
        form: policy.to_form().into(),
    };
    let told = refusal::sentence(&refusal(error.abi_encode()));
    assert!(told.contains("'membership', which is AND('Bank.admin', MAJORITY(admin))"), "{told}");
}

#[test]
fn the_reason_of_a_call_that_failed_in_a_proposal_is_told() {
    let inner = IMembers::OrganizationExists { id: word_of("Brand").unwrap() }.abi_encode();
    let error = IPolicies::CallFailed { index: U256::from(2), reason: inner.into() };
    let told = refusal::sentence(&refusal(error.abi_encode()));
    assert_eq!(told, "call 2 of the proposal fails: 'Brand' is a member already");
}

#[test]
fn what_is_not_known_is_told_as_the_node_does() {
    assert_eq!(refusal::sentence(&refusal(vec![1, 2, 3, 4])), "execution reverted (3)");
    assert_eq!(refusal::sentence(&refusal(vec![])), "execution reverted (3)");
}

#[test]
fn no_terminal_obeys_what_a_contract_says() {
    let data = alloy_sol_types::Revert::from("\u{1b}[2Jgone").abi_encode();
    assert_eq!(refusal::sentence(&refusal(data)), "the contract says: \u{fffd}[2Jgone");
}

fn names() -> Names {
    Names {
        contracts: Contracts {
            escrow: Some(Address::repeat_byte(3)),
            upgrades: Some(Address::repeat_byte(5)),
            ..Contracts::default()
        },
        membership: Membership {
            members: Address::repeat_byte(1),
            policies: Address::repeat_byte(2),
        },
        registry: Some(Address::repeat_byte(4)),
        has_stakes: false,
    }
}

/// Another contract may have a method that looks like the registry's: nobody shall approve it for that.
#[test]
fn only_known_contracts_are_spoken_for() {
    let account = Address::repeat_byte(9);
    let input: Bytes = IValidatorRegistry::dismissCall { account }.abi_encode().into();
    let at = |contract| names().tell(Address::repeat_byte(contract), &input);
    assert_eq!(at(4), format!("dismiss the validator {account}"));
    assert_eq!(at(7), format!("call {} with {input}", Address::repeat_byte(7)));
}

/// Whoever approves reads which code takes the place of which, and from when on.
#[test]
fn an_upgrade_is_told_with_both_codes() {
    let (old, new) = (B256::repeat_byte(0xaa), B256::repeat_byte(0xbb));
    let source = Address::repeat_byte(9);
    let mut call = IUpgrades::scheduleCall {
        target: Address::repeat_byte(3),
        oldCodeHash: old,
        source,
        newCodeHash: new,
        fromBlock: 0,
        migration: Bytes::new(),
    };
    let tell = |call: &IUpgrades::scheduleCall| {
        names().tell(Address::repeat_byte(5), &call.abi_encode().into())
    };
    let what = format!("replace the code of escrow ({old}) by that of {source} ({new})");
    assert_eq!(tell(&call), format!("{what} from the next block on"));
    (call.fromBlock, call.migration) = (77, Bytes::from([1, 2]));
    assert_eq!(tell(&call), format!("{what} from block 77 on, and call it once with 0x0102"));
    let cancel = IUpgrades::cancelCall { id: U256::from(4) }.abi_encode().into();
    assert_eq!(names().tell(Address::repeat_byte(5), &cancel), "call off upgrade 4");
}

#[test]
fn why_an_upgrade_is_refused_is_told() {
    let inner = IUpgrades::NotCovered { target: Address::repeat_byte(9) }.abi_encode().into();
    let error = IPolicies::CallFailed { index: U256::ZERO, reason: inner };
    let told = refusal::sentence(&refusal(error.abi_encode()));
    assert!(told.contains("never agreed that the network may replace its code"), "{told}");
    let (account, expected, found) =
        (Address::repeat_byte(9), B256::repeat_byte(1), B256::repeat_byte(2));
    let error = IUpgrades::WrongCode { account, expected, found }.abi_encode();
    let told = refusal::sentence(&refusal(error));
    assert_eq!(
        told,
        format!("{account} has not the code that was looked at: it is {found}, not {expected}")
    );
}

#[test]
fn a_change_of_the_engine_is_told_with_all_that_it_says() {
    let mut names = names();
    names.contracts.engines = Some(Address::repeat_byte(9));
    let validators = Address::repeat_byte(6);
    let timing = IEngines::Timing {
        blockTimeMs: 1,
        emptyBlockTimeMs: 2,
        proposeTimeoutMs: 3,
        voteTimeoutMs: 4,
        timeoutStepMs: 5,
    };
    let call = IEngines::changeCall { from: 77, kind: POS, validators, timing };
    assert_eq!(
        names.tell(Address::repeat_byte(9), &call.abi_encode().into()),
        format!(
            "let blocks from 77 on be decided by validators with votes by stake (pos), whom {validators} names: at \
             least 1 ms between blocks, an empty one after 2 ms; 3 ms for a proposal, 4 ms for votes, 5 ms more each \
             round"
        )
    );
    let cancel: Bytes = IEngines::cancelCall {}.abi_encode().into();
    assert_eq!(
        names.tell(Address::repeat_byte(9), &cancel),
        "take back the change of the engine that waits"
    );
    assert!(names.tell(Address::repeat_byte(6), &cancel).starts_with("call 0x"));
}

#[test]
fn why_an_engine_cannot_be_changed_is_told() {
    let told = |error: Vec<u8>| refusal::sentence(&refusal(error));
    let soon = IEngines::TooSoon { from: 7, earliest: U256::from(9) }.abi_encode();
    assert_eq!(
        told(soon),
        "a change of the engine takes effect in block 9 at the earliest, not in 7"
    );
    let validators = Address::repeat_byte(6);
    let error = IEngines::NotFollowable { validators, why: "kind".to_owned() }.abi_encode();
    let words = told(error);
    assert!(words.ends_with("it knows no validators of that kind"), "{words}");
}

#[test]
fn contracts_are_found_by_their_names() {
    assert_eq!(names().find("Escrow").unwrap(), Address::repeat_byte(3));
    assert_eq!(names().title(Address::repeat_byte(1)), "members");
    assert!(names().find("catalog").is_err(), "there is none");
}

/// Another order or another type than the contract's would make every signature worthless.
#[test]
fn what_is_signed_has_the_types_of_the_contracts() {
    use alloy_sol_types::SolStruct;
    assert_eq!(
        Consent::eip712_root_type(),
        "Enrollment(bytes32 organization,address account,uint32 roles,uint64 validUntil,bytes32 certificate,uint256 nonce)"
    );
    assert_eq!(Approval::eip712_root_type(), "Approval(uint256 proposal,bytes32 content)");
    assert_eq!(
        Endorsement::eip712_root_type(),
        "Endorsement(address sender,uint64 nonce,address to,uint256 value,bytes32 data)"
    );
}

#[test]
fn a_day_is_over_at_its_end() {
    assert_eq!(moment("1970-01-01"), Ok(86_399));
    assert_eq!(moment("77"), Ok(77));
    assert_eq!(date(86_399), "1970-01-01T23:59:59Z");
    assert_eq!(date(u64::MAX), "never");
    assert!(moment("tomorrow").is_err());
}
