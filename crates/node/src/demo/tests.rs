use super::{
    actors::Stage,
    dataset::{Outcome, parse_text},
    read,
    summary::Totals,
};
use alloy_primitives::U256;

const HEADER: &str =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

#[test]
fn lines_become_invoices_with_exact_totals() {
    let text = format!(
        "{HEADER}1,A,x,3,2011-01-01 10:00:00,2.55,7,France\n\
         1,POST,Postage,1,2011-01-01 10:00:00,18,7,France\n\
         1,D,Discount,-1,2011-01-01 10:00:00,0.005,7,France\n"
    );
    let dataset = parse_text(&text).expect("the text is a data set");
    assert_eq!(dataset.invoices.len(), 1);
    let invoice = &dataset.invoices[0];
    // 7.65 + 18 - 0.005, rounded in the shopper's favour.
    assert_eq!(invoice.total.minor(), 2564);
    assert_eq!(invoice.carriage.minor(), 1800);
    assert_eq!(invoice.outcome, Outcome::Captured);
}

#[test]
fn a_cancellation_on_the_day_voids_and_a_later_one_refunds() {
    let text = format!(
        "{HEADER}1,A,x,3,2011-01-01 10:00:00,2,7,France\n\
         C2,A,x,-1,2011-01-01 17:00:00,2,7,France\n\
         C3,A,x,-1,2011-01-05 17:00:00,2,7,France\n\
         C4,A,x,-1,2011-01-01 17:00:00,2,8,France\n\
         5,A,x,1,2011-01-06 17:00:00,0,8,France\n"
    );
    let dataset = parse_text(&text).expect("the text is a data set");
    let outcome = |number: &str| {
        let found = dataset.invoices.iter().find(|invoice| invoice.number == number);
        found.map(|invoice| (invoice.outcome, invoice.total.minor()))
    };
    assert_eq!(outcome("C2"), Some((Outcome::Cancelled, 200)));
    assert_eq!(outcome("C3"), Some((Outcome::Refunded, 200)));
    assert_eq!(outcome("C4"), Some((Outcome::Refunded, 200)));
    assert_eq!(outcome("5"), None);
    assert_eq!(dataset.skipped.get("nothing to pay"), Some(&1));
}

#[test]
fn a_file_that_is_no_data_set_is_refused_with_the_line() {
    let cases = [
        ("", "no invoice lines"),
        ("a,b\n1,2\n", "InvoiceNo"),
        (&format!("{HEADER}1,A,x,many,2011-01-01,2,7,France\n"), "line: 2"),
        (&format!("{HEADER}1,A,x,1,2011-01-01,two,7,France\n"), "two"),
    ];
    for (text, reason) in cases {
        let error = parse_text(text).expect_err(reason).to_string();
        assert!(error.contains(reason), "{error} does not say {reason}");
    }
    assert!(read(Some(std::path::Path::new("/nowhere.csv"))).is_err());
}

#[test]
fn the_sample_has_every_kind_of_order() {
    let dataset = read(None).expect("the sample is a data set");
    assert_eq!(dataset.lines, 22_092);
    let skipped: usize = dataset.skipped.values().sum();
    assert_eq!(dataset.invoices.len() + skipped, 1_305);
    for outcome in [Outcome::Captured, Outcome::Cancelled, Outcome::Refunded] {
        assert!(dataset.invoices.iter().any(|invoice| invoice.outcome == outcome), "{outcome:?}");
    }
}

#[test]
fn every_order_comes_to_an_end() {
    for outcome in [Outcome::Captured, Outcome::Cancelled, Outcome::Refunded] {
        let stages: Vec<Stage> =
            std::iter::successors(Some(Stage::Authorize), |stage| stage.next(outcome)).collect();
        let last = match outcome {
            Outcome::Captured => Stage::Deliver,
            Outcome::Cancelled => Stage::Cancel,
            Outcome::Refunded => Stage::Refund,
        };
        assert_eq!(stages.last(), Some(&last));
    }
}

#[test]
fn money_that_is_missing_is_noticed() {
    let one = U256::from(1);
    let good = Totals { paid_in: one, held: one, balance: one, ..Totals::default() };
    assert!(good.balanced());
    assert!(!Totals { paid_in: U256::from(2), ..good.clone() }.balanced());
    assert!(!Totals { balance: U256::ZERO, ..good }.balanced());
}
