use super::*;

const RULES: AbsenceRules =
    AbsenceRules { window: 100, missed_max: 50, seconds_min: 30, wait_blocks: 20 };

const fn place(head: u64, best_known: u64, peers: usize) -> Place {
    Place { head: Height(head), best_known: Height(best_known), peers, is_out_of_time: false }
}

#[test]
fn the_absent_come_back_at_the_tip_when_the_wait_is_over() {
    let step = |place| step(Standing::Absent, Height(100), RULES, place);
    assert_eq!(step(place(118, 118, 3)), Step::Wait, "block 119 is too early");
    assert_eq!(step(place(119, 119, 3)), Step::Ask, "block 120 is the first");
    assert_eq!(step(place(119, 121, 1)), Step::Ask, "the others may just have decided");
    assert_eq!(step(place(119, 122, 3)), Step::Wait, "still catching up");
    assert_eq!(step(place(500, 500, 0)), Step::Wait, "alone, nobody knows where the tip is");
    let late = Place { is_out_of_time: true, ..place(500, 500, 3) };
    assert_eq!(step(late), Step::Wait, "it would lose the seat again");
}

/// Evidence is for ever, and what the others or an owner have decided is not undone by a machine.
#[test]
fn nobody_else_comes_back() {
    for standing in [
        Standing::Active,
        Standing::Equivocated,
        Standing::VotedOut,
        Standing::Left,
        Standing::Unbonded,
        Standing::Outbid,
    ] {
        let step = step(standing, Height(100), RULES, place(500, 500, 3));
        assert_eq!(step, Step::Nothing, "{standing:?}");
    }
}
