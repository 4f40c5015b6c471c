use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use thiserror::Error;

/// An ISO 4217 currency: its three-letter code and the number of decimals of its minor unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    code: [u8; 3],
    decimals: u8,
}

/// What can go wrong with an amount.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MoneyError {
    /// Two currencies cannot be added or compared.
    #[error("cannot combine {0} with {1}: the currencies differ")]
    CurrencyMismatch(Currency, Currency),
    /// The result does not fit.
    #[error("the amount is out of range")]
    OutOfRange,
    /// Not three upper-case letters.
    #[error("'{0}' is not an ISO 4217 currency code (three upper-case letters, for example GBP)")]
    UnknownCurrency(String),
    /// Not a decimal number with at most the currency's decimals.
    #[error("'{0}' is not an amount with at most {1} decimals")]
    Syntax(String, u8),
}

/// Which way a fraction of a minor unit goes. The code that divides says which; there is no default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// Towards negative infinity: in favour of whoever pays.
    Down,
    /// Towards positive infinity: in favour of whoever is paid.
    Up,
}

/// An amount in whole minor units of one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i128,
    currency: Currency,
}

impl Currency {
    /// Pound sterling.
    pub const GBP: Self = Self { code: *b"GBP", decimals: 2 };
    /// Euro.
    pub const EUR: Self = Self { code: *b"EUR", decimals: 2 };

    /// The three letters.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).expect("a currency code is three ASCII letters")
    }

    /// Decimals of the minor unit, 0 to 4 (ISO 4217, table A.1).
    #[must_use]
    pub const fn decimals(&self) -> u8 {
        self.decimals
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let unknown = || MoneyError::UnknownCurrency(text.chars().take(16).collect());
        let code: [u8; 3] = text.as_bytes().try_into().map_err(|_| unknown())?;
        if !code.iter().all(u8::is_ascii_uppercase) {
            return Err(unknown());
        }
        // ISO 4217 table A.1, 2024: every active currency that has not two decimals.
        let decimals = match &code {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG"
            | b"RWF" | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        };
        Ok(Self { code, decimals })
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Money {
    /// `minor` whole minor units (pence, cents, yen).
    #[must_use]
    pub const fn new(minor: i128, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// No money.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// Reads a decimal number such as `12.5`, exactly.
    ///
    /// # Errors
    /// [`MoneyError::Syntax`] when it is no number or has more decimals than the currency, other
    /// than zeros; [`MoneyError::OutOfRange`] when it does not fit.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        Self::parse_rounded(text, currency, None)
    }

    /// The same, rounding what is below a minor unit.
    ///
    /// # Errors
    /// As [`Money::parse`], but never for too many decimals.
    pub fn parse_rounding(
        text: &str,
        currency: Currency,
        rounding: Rounding,
    ) -> Result<Self, MoneyError> {
        Self::parse_rounded(text, currency, Some(rounding))
    }

    fn parse_rounded(
        text: &str,
        currency: Currency,
        rounding: Option<Rounding>,
    ) -> Result<Self, MoneyError> {
        let syntax = || MoneyError::Syntax(text.chars().take(40).collect(), currency.decimals);
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return Err(syntax());
        }
        let decimals = usize::from(currency.decimals);
        let (kept, lost) = fraction.split_at(fraction.len().min(decimals));
        let minor: i128 =
            format!("{whole}{kept:0<decimals$}").parse().map_err(|_| MoneyError::OutOfRange)?;
        let exact = lost.bytes().all(|b| b == b'0');
        let away_from_zero = match rounding {
            _ if exact => false,
            None => return Err(syntax()),
            Some(Rounding::Up) => !negative,
            Some(Rounding::Down) => negative,
        };
        let minor = minor.checked_add(i128::from(away_from_zero)).ok_or(MoneyError::OutOfRange)?;
        Ok(Self::new(if negative { -minor } else { minor }, currency))
    }

    /// Whole minor units.
    #[must_use]
    pub const fn minor(&self) -> i128 {
        self.minor
    }

    /// The currency.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// The sum.
    ///
    /// # Errors
    /// When the currencies differ or the sum does not fit.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.with(other, i128::checked_add)
    }

    /// The difference.
    ///
    /// # Errors
    /// When the currencies differ or the difference does not fit.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.with(other, i128::checked_sub)
    }

    /// `quantity` times this amount.
    ///
    /// # Errors
    /// When the product does not fit.
    pub fn checked_mul(self, quantity: i128) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(quantity).ok_or(MoneyError::OutOfRange)?;
        Ok(Self::new(minor, self.currency))
    }

    fn with(
        self,
        other: Self,
        operation: impl FnOnce(i128, i128) -> Option<i128>,
    ) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch(self.currency, other.currency));
        }
        let minor = operation(self.minor, other.minor).ok_or(MoneyError::OutOfRange)?;
        Ok(Self::new(minor, self.currency))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = usize::from(self.currency.decimals);
        let digits = format!("{:0>width$}", self.minor.unsigned_abs(), width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        let sign = if self.minor < 0 { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{sign}{whole}{point}{fraction} {}", self.currency)
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
