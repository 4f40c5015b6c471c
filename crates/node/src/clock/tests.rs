use super::*;

#[test]
fn more_than_half_of_the_peers_decide_whose_clock_is_wrong() {
    let finding = |theirs: &[i64]| find(theirs).map(|finding| (finding.ahead_ms, finding.peers));
    assert_eq!(finding(&[]), None, "nobody to compare with");
    assert_eq!(finding(&[0, 1_999, -2_000]), None, "close enough");
    assert_eq!(finding(&[-60_010, -59_990, -60_000]), Some((60_000, 3)), "ours is ahead");
    assert_eq!(finding(&[60_000, 60_002, 5]), Some((-60_000, 2)), "ours is behind two of three");
    assert_eq!(finding(&[60_000, 0, 0]), None, "one peer's own clock is wrong, or it lies");
    assert_eq!(finding(&[60_000, -60_000]), None, "two who contradict each other say nothing");
    assert_eq!(finding(&[60_000, 0]), None, "half is not more than half");
    assert_eq!(finding(&[i64::MIN]), Some((i64::MAX, 1)), "whatever a peer says");
    assert_eq!(finding(&[-9_000]), Some((9_000, 1)), "a single peer is all there is");
}

#[test]
fn times_are_told_in_seconds_and_a_direction() {
    assert_eq!(told(60_040), "60.0 s ahead of");
    assert_eq!(told(-2_150), "2.1 s behind");
    assert_eq!(told(i64::MIN), "9223372036854775.8 s behind");
}
