//! Reads invoices from the Online Retail data set (or any CSV with its columns).

use crate::{NodeError, gzip};
use flate2::read::MultiGzDecoder;
use hanse_primitives::{Currency, Money, Rounding};
use serde::Deserialize;
use std::{collections::BTreeMap, io::Read, path::Path};

/// The sample that the binary carries; see `data/README.md` for its source and licence.
const SAMPLE: &[u8] = include_bytes!("../../data/online_retail_sample.csv.gz");

/// Lines that a file may have. Each takes about 100 bytes of memory while it is read.
const LINES_MAX: usize = 20_000_000;

/// Stock codes of Online Retail that are carriage, not goods.
const CARRIAGE: [&str; 3] = ["POST", "DOT", "C2"];

/// An invoice as an order sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invoice {
    /// Its number; begins with `C` when it takes back earlier lines.
    pub(crate) number: String,
    /// The customer's number, or `None` for a guest.
    pub(crate) customer: Option<String>,
    /// Where the customer lives.
    pub(crate) country: String,
    /// `2010-12-01 08:26:00`, as in the file; sorts by time.
    pub(crate) date: String,
    /// All that is paid, carriage included; positive.
    pub(crate) total: Money,
    /// Carriage within it.
    pub(crate) carriage: Money,
    /// What happens to the order in the end.
    pub(crate) outcome: Outcome,
    /// Text that the invoice's hash is made of: all its lines, in order.
    pub(crate) document: String,
}

/// How an order is expected to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// Delivered and paid out.
    Captured,
    /// Cancelled on the day of the purchase, before it was shipped: voided.
    Cancelled,
    /// Taken back later: delivered, paid out, and refunded.
    Refunded,
}

/// All invoices of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dataset {
    /// In order of time.
    pub(crate) invoices: Vec<Invoice>,
    /// Lines read.
    pub(crate) lines: usize,
    /// Invoices that ask for no money, so that no order comes of them, by reason.
    pub(crate) skipped: BTreeMap<&'static str, usize>,
}

#[derive(Debug, Deserialize)]
struct Line {
    #[serde(rename = "InvoiceNo")]
    invoice: String,
    #[serde(rename = "StockCode")]
    stock: String,
    #[serde(rename = "Description")]
    description: String,
    #[serde(rename = "Quantity")]
    quantity: i64,
    #[serde(rename = "InvoiceDate")]
    date: String,
    #[serde(rename = "UnitPrice")]
    price: String,
    #[serde(rename = "CustomerID")]
    customer: String,
    #[serde(rename = "Country")]
    country: String,
}

/// Reads `path`, or the built-in sample.
pub(crate) fn read(path: Option<&Path>) -> Result<Dataset, NodeError> {
    let Some(path) = path else {
        return parse(MultiGzDecoder::new(SAMPLE), "the built-in sample");
    };
    parse(gzip::open(path)?, &path.display().to_string())
}

fn parse(bytes: impl Read, name: &str) -> Result<Dataset, NodeError> {
    let mut reader = csv::Reader::from_reader(bytes);
    let mut dataset = Dataset::default();
    let mut groups: Vec<Vec<Line>> = Vec::new();
    let mut by_number: BTreeMap<String, usize> = BTreeMap::new();
    for line in reader.deserialize::<Line>() {
        let line = line.map_err(|error| NodeError::Dataset(format!("{name}: {error}")))?;
        dataset.lines += 1;
        if dataset.lines > LINES_MAX {
            return Err(NodeError::Dataset(format!("{name}: more than {LINES_MAX} lines")));
        }
        let at = *by_number.entry(line.invoice.clone()).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[at].push(line);
    }
    if groups.is_empty() {
        return Err(NodeError::Dataset(format!("{name} holds no invoice lines")));
    }
    groups.sort_by(|a, b| a[0].date.cmp(&b[0].date));
    let mut bought: BTreeMap<(String, String), String> = BTreeMap::new();
    for lines in groups {
        match invoice(&lines, &bought).map_err(|why| {
            NodeError::Dataset(format!("{name}: invoice {}: {why}", lines[0].invoice))
        })? {
            Ok(invoice) => dataset.invoices.push(invoice),
            Err(reason) => *dataset.skipped.entry(reason).or_default() += 1,
        }
        for line in lines.into_iter().filter(|line| line.quantity > 0) {
            bought.insert((line.customer, line.stock), line.date);
        }
    }
    Ok(dataset)
}

/// The invoice that some lines make, or why no order comes of it. The outer error is a bad file.
fn invoice(
    lines: &[Line],
    bought: &BTreeMap<(String, String), String>,
) -> Result<Result<Invoice, &'static str>, hanse_primitives::MoneyError> {
    let first = &lines[0];
    let taken_back = first.invoice.starts_with('C');
    let mut total = 0i128;
    let mut carriage = 0i128;
    let mut document = String::new();
    for line in lines {
        let amount = millis(&line.price)?.saturating_mul(i128::from(line.quantity));
        total = total.saturating_add(amount);
        if CARRIAGE.contains(&line.stock.as_str()) {
            carriage = carriage.saturating_add(amount);
        }
        let Line { stock, description, quantity, price, .. } = line;
        document.push_str(&format!("{stock}\t{description}\t{quantity}\t{price}\n"));
    }
    let sign = if taken_back { -1 } else { 1 };
    let total = pence(total.saturating_mul(sign));
    let carriage = pence(carriage.saturating_mul(sign).clamp(0, i128::MAX));
    if total.minor() <= 0 {
        return Ok(Err(match (taken_back, total.minor()) {
            (_, 0) => "nothing to pay",
            (false, _) => "negative total",
            (true, _) => "cancellation that takes back nothing",
        }));
    }
    let same_day = lines.iter().any(|line| {
        bought
            .get(&(line.customer.clone(), line.stock.clone()))
            .is_some_and(|date| !line.customer.is_empty() && date.get(..10) == line.date.get(..10))
    });
    let outcome = match (taken_back, same_day) {
        (false, _) => Outcome::Captured,
        (true, true) => Outcome::Cancelled,
        (true, false) => Outcome::Refunded,
    };
    Ok(Ok(Invoice {
        number: first.invoice.clone(),
        customer: Some(first.customer.clone()).filter(|customer| !customer.is_empty()),
        country: first.country.clone(),
        date: first.date.clone(),
        total,
        carriage: if carriage.minor() > total.minor() { total } else { carriage },
        outcome,
        document,
    }))
}

/// A price in thousandths of a pound: the file has up to three decimals.
fn millis(price: &str) -> Result<i128, hanse_primitives::MoneyError> {
    // A currency with three decimals reads them exactly.
    let three: Currency = "KWD".parse().expect("KWD is a currency with three decimals");
    Ok(Money::parse_rounding(price, three, Rounding::Down)?.minor())
}

/// Whole pence; a fraction is in the shopper's favour.
fn pence(millis: i128) -> Money {
    Money::new(millis.div_euclid(10), Currency::GBP)
}

#[cfg(test)]
pub(super) fn parse_text(text: &str) -> Result<Dataset, NodeError> {
    parse(text.as_bytes(), "test")
}
