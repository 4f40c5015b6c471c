use super::*;
use serde_json::json;
use std::{collections::BTreeMap, convert::Infallible};

const ENGINES: Address = Address::repeat_byte(0xee);
const FIRST: Address = Address::repeat_byte(1);

/// A state, as far as the contract of changes is in it.
#[derive(Default)]
struct State(BTreeMap<U256, U256>);

impl State {
    /// Changes from heights on: to a contract, of stakes or not, with a time.
    fn of(changes: &[(u64, u8, bool, u32)]) -> Self {
        let mut state = Self::default();
        state.0.insert(COUNT_SLOT, U256::from(changes.len()));
        let mut slot: U256 = keccak256(B256::ZERO).into();
        for (from, contract, by_stake, time) in changes {
            let kind = U256::from(if *by_stake { 2 } else { 1 });
            let contract: U256 = Address::repeat_byte(*contract).into_word().into();
            let word = contract | (U256::from(*from) << 160) | (kind << 224);
            state.0.insert(slot, word);
            let times = (0..5).fold(U256::ZERO, |word, place| {
                word | (U256::from(*time + place) << (32 * usize::try_from(place).unwrap()))
            });
            state.0.insert(slot + U256::ONE, times);
            slot += SLOTS_A_CHANGE;
        }
        state
    }

    fn read(&self, contract: Address, slot: U256) -> Result<U256, Infallible> {
        assert_eq!(contract, ENGINES, "nothing else is asked");
        Ok(self.0.get(&slot).copied().unwrap_or_default())
    }

    fn tenure(&self, height: u64) -> Tenure {
        let read = |contract, slot| self.read(contract, slot);
        spec(true, json!([])).unwrap().tenure(Height(height), read).unwrap().unwrap()
    }
}

fn spec(votes: bool, changes: serde_json::Value) -> Result<ChainSpec, crate::PrimitiveError> {
    let engines = votes.then_some(ENGINES);
    let membership = json!({"members": FIRST, "policies": FIRST});
    chain(
        json!({"engine": "bft", "contract": FIRST}),
        changes,
        json!({"engines": engines, "membership": membership}),
    )
}

fn chain(
    consensus: serde_json::Value,
    changes: serde_json::Value,
    contracts: serde_json::Value,
) -> Result<ChainSpec, crate::PrimitiveError> {
    let genesis = json!({
        "config": {"chainId": 1, "hanse": {
            "consensus": consensus, "consensusChanges": changes, "contracts": contracts,
        }},
        "gasLimit": "0x1", "difficulty": "0x0", "alloc": {},
    });
    ChainSpec::parse(genesis.to_string().as_bytes())
}

fn contract(engine: &Engine) -> Address {
    engine.validators().unwrap().contract
}

#[test]
fn genesis_holds_until_members_have_voted() {
    let tenure = State::default().tenure(1_000);
    assert_eq!((tenure.first, tenure.next), (Height(1), None));
    assert_eq!(contract(&tenure.engine), FIRST);
}

#[test]
fn a_change_is_announced_and_then_holds() {
    let state = State::of(&[(50, 2, true, 100)]);
    let before = state.tenure(49);
    assert_eq!((before.first, contract(&before.engine)), (Height(1), FIRST));
    let next = before.next.unwrap();
    assert_eq!((next.height, contract(&next.consensus)), (Height(50), Address::repeat_byte(2)));
    let at = state.tenure(50);
    assert_eq!((at.first, &at.next), (Height(50), &None));
    assert_eq!(
        at.engine,
        Engine::Pos(ValidatorSettings {
            contract: Address::repeat_byte(2),
            block_time_ms: 100,
            empty_block_time_ms: 101,
            propose_timeout_ms: 102,
            vote_timeout_ms: 103,
            timeout_step_ms: 104,
        })
    );
    assert_eq!(state.tenure(u64::MAX), at);
}

#[test]
fn of_many_changes_the_last_that_has_come_holds() {
    let state = State::of(&[(50, 2, true, 1), (70, 3, false, 1), (90, 2, true, 1)]);
    let tenure = state.tenure(89);
    assert_eq!((tenure.first, contract(&tenure.engine)), (Height(70), Address::repeat_byte(3)));
    assert!(matches!(tenure.engine, Engine::Bft(_)));
    assert_eq!(tenure.next.unwrap().height, Height(90));
    assert_eq!(state.tenure(90).first, Height(90));
}

#[test]
fn times_out_of_their_bounds_are_the_nearest_that_are_not() {
    let state = State::of(&[(5, 2, false, u32::MAX - 9)]);
    let settings = state.tenure(5).engine.validators().unwrap().clone();
    assert_eq!(settings.block_time_ms, limits::BLOCK_TIME_MS_MAX);
    assert_eq!(settings.vote_timeout_ms, limits::ROUND_MS_MAX);
    let state = State(
        State::of(&[(5, 2, false, 0)])
            .0
            .into_iter()
            .filter(|(slot, _)| {
                let list: U256 = keccak256(B256::ZERO).into();
                *slot != list + U256::ONE
            })
            .collect(),
    );
    assert_eq!(state.tenure(5).engine.validators().unwrap().propose_timeout_ms, 1);
}

#[test]
fn the_contract_before_and_the_one_to_come_are_open_as_well() {
    let all = |changes| {
        let state = State::of(changes);
        let read = |contract, slot| state.read(contract, slot);
        spec(true, json!([])).unwrap().registries(read).unwrap()
    };
    let set = |bytes: &[u8]| bytes.iter().map(|byte| Address::repeat_byte(*byte)).collect();
    assert_eq!(all(&[]), set(&[1]));
    assert_eq!(all(&[(50, 2, true, 1), (70, 3, true, 1)]), set(&[1, 2, 3]));
    let four = [(50, 2, true, 1), (70, 3, true, 1), (90, 4, true, 1), (91, 5, true, 1)];
    assert_eq!(all(&four), set(&[1, 3, 4, 5]));
}

#[test]
fn what_genesis_plans_needs_no_state() {
    let pos = json!({"engine": "pos", "contract": ENGINES});
    let spec = spec(false, json!([{"height": 10, "consensus": pos}])).unwrap();
    let read = |_, _| -> Result<U256, Infallible> { panic!("nothing is to be read") };
    let tenure = |height| spec.tenure(Height(height), read).unwrap().unwrap();
    assert_eq!(tenure(9).first, Height(1));
    assert_eq!(tenure(9).next.unwrap().height, Height(10));
    assert_eq!((tenure(10).first, tenure(10).next), (Height(10), None));
    assert!(!spec.is_mined(Height(9)));
}

/// Where nobody could follow what members vote for, they do not vote at all.
#[test]
fn votes_that_nobody_could_follow_are_refused() {
    let membership = json!({"members": FIRST, "policies": FIRST});
    let bft = json!({"engine": "bft", "contract": FIRST});
    let pos = json!({"engine": "pos", "contract": FIRST});
    let votes = json!({"engines": ENGINES, "membership": membership});
    chain(pos.clone(), json!([]), votes.clone()).unwrap();
    for (consensus, changes, contracts, why) in [
        (json!({"engine": "pow"}), json!([]), votes.clone(), "begins with pow"),
        (json!({"engine": "solo"}), json!([]), votes.clone(), "begins with solo"),
        (bft.clone(), json!([{"height": 9, "consensus": pos}]), votes, "not both"),
        (bft, json!([]), json!({"engines": ENGINES}), "nobody who votes"),
    ] {
        let error = chain(consensus, changes, contracts).expect_err(why).to_string();
        assert!(error.contains(why), "{error}");
    }
}
