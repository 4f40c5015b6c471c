use crate::{
    IdentityError, der,
    limits::{DAY_SECONDS, TIME_MAX},
};
use std::time::Duration;

/// From the first to the last second, both included, since 1970 (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    not_before: u64,
    not_after: u64,
}

impl Validity {
    /// The time from one second to another.
    ///
    /// # Errors
    /// [`IdentityError::Validity`].
    pub const fn new(not_before: u64, not_after: u64) -> Result<Self, IdentityError> {
        if not_after > TIME_MAX {
            return Err(IdentityError::Validity("ends after the year 9999"));
        }
        if not_before >= not_after {
            return Err(IdentityError::Validity("ends before it begins"));
        }
        Ok(Self { not_before, not_after })
    }

    /// So many days from a second on.
    ///
    /// # Errors
    /// [`IdentityError::Validity`].
    pub const fn days(from: u64, days: u64) -> Result<Self, IdentityError> {
        Self::new(from, from.saturating_add(days.saturating_mul(DAY_SECONDS)))
    }

    /// The first second.
    #[must_use]
    pub const fn not_before(self) -> u64 {
        self.not_before
    }

    /// The last second.
    #[must_use]
    pub const fn not_after(self) -> u64 {
        self.not_after
    }

    /// Whether all of another one is in it.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.not_before <= other.not_before && other.not_after <= self.not_after
    }

    /// As certificates have it.
    pub(crate) fn write(self) -> Vec<u8> {
        der::write(der::SEQUENCE, &[&write_time(self.not_before), &write_time(self.not_after)])
    }
}

/// Two digits of the year before 2050, four from then on (RFC 5280, section 4.1.2.5).
fn write_time(seconds: u64) -> Vec<u8> {
    let time = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
    let year = time.year();
    let rest = format!(
        "{:02}{:02}{:02}{:02}{:02}Z",
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    );
    if year < 2050 {
        der::write(der::UTC_TIME, &[format!("{:02}{rest}", year % 100).as_bytes()])
    } else {
        der::write(der::GENERALIZED_TIME, &[format!("{year:04}{rest}").as_bytes()])
    }
}
