use super::*;

#[test]
fn a_share_is_given_back_with_the_last_byte() {
    let budget = Budget::new(4 * ANSWER_BYTES_FREE);
    let answer = || vec![7; 2 * ANSWER_BYTES_FREE];
    let first = budget.hold(answer()).unwrap();
    let second = budget.hold(answer()).unwrap();
    assert!(budget.hold(answer()).is_none(), "the budget is used up");
    assert!(budget.hold(vec![7; ANSWER_BYTES_FREE]).is_some(), "small answers are free");
    let part = first.slice(10..20);
    drop(first);
    assert!(budget.hold(answer()).is_none(), "a part is still being sent");
    drop((part, second));
    assert!(budget.hold(answer()).is_some());
}
