//! Moments of time, with a zone.

use std::fmt;
use std::str::FromStr as _;
use toml::value::{Date, Datetime, Offset};

/// A second of universal time, counted from the start of 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub i64);

/// Why a text is no moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MomentError {
    /// Nothing like a date and a time.
    #[error("is no date and time; write it as 2025-03-01T14:00Z or 2025-03-01T15:00+01:00")]
    NotATime,
    /// A day alone.
    #[error("has no time of day; write it as 2025-03-01T14:00Z")]
    NoTime,
    /// No zone.
    #[error("has no time zone; end it with Z or with an offset such as +01:00")]
    NoZone,
    /// Fractions of a second.
    #[error("has fractions of a second")]
    Fraction,
}

impl Moment {
    /// Reads `2025-03-01T14:00Z`, with or without seconds, with a blank for the T, with an offset.
    /// A time without a zone is universal time only where `utc` says so.
    ///
    /// # Errors
    /// No date and time, a day alone, or no zone.
    pub fn parse(text: &str, utc: bool) -> Result<Self, MomentError> {
        let (text, utc) = match text.trim().strip_suffix("UTC") {
            Some(text) => (text.trim_end(), true),
            None => (text.trim(), utc),
        };
        let read = Datetime::from_str(&with_seconds(text)).map_err(|_| MomentError::NotATime)?;
        let date = read.date.ok_or(MomentError::NotATime)?;
        let time = read.time.ok_or(MomentError::NoTime)?;
        let offset = match read.offset {
            Some(Offset::Z) => 0,
            Some(Offset::Custom { minutes }) => i64::from(minutes) * 60,
            None if utc => 0,
            None => return Err(MomentError::NoZone),
        };
        if time.nanosecond.unwrap_or(0) != 0 {
            return Err(MomentError::Fraction);
        }
        let (hour, minute) = (i64::from(time.hour), i64::from(time.minute));
        let second = i64::from(time.second.unwrap_or(0));
        Ok(Self(days(date) * 86_400 + hour * 3600 + minute * 60 + second - offset))
    }

    /// The same so many seconds later.
    #[must_use]
    pub fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Year, month and day.
    #[must_use]
    pub fn day(self) -> (i64, i64, i64) {
        civil(self.0.div_euclid(86_400))
    }
}

/// Universal time to the minute, and to the second where that is not 0.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.day();
        let seconds = self.0.rem_euclid(86_400);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}")?;
        if second != 0 {
            write!(f, ":{second:02}")?;
        }
        f.write_str("Z")
    }
}

/// Seconds where only hours and minutes stand, and a T for a blank: what TOML calls a date-time.
fn with_seconds(text: &str) -> String {
    let Some((date, time)) = text.split_once(['T', 't', ' ']) else {
        return text.to_owned();
    };
    let clock = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(clock);
    let seconds = if clock.trim_end().len() == 5 { ":00" } else { "" };
    format!("{date}T{}{seconds}{}", clock.trim_end(), zone.to_ascii_uppercase())
}

/// Days of a date since 1970-01-01 in the Gregorian calendar, years counted from March.
fn days(date: Date) -> i64 {
    let (month, day) = (i64::from(date.month), i64::from(date.day));
    let year = i64::from(date.year) - i64::from(month <= 2);
    let from_march = (month + 9) % 12;
    let in_year = (153 * from_march + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + in_year
        - 719_468
}

/// The date of a day: the inverse of [`days`].
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let in_era = shifted.rem_euclid(146_097);
    let year_of_era = (in_era - in_era / 1460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * in_year + 2) / 153;
    let day = in_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Unix times that any calendar prints.
    #[test]
    fn moments_are_those_of_unix() {
        for (text, unix) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00Z", 951_825_600),
            ("2001-09-09 01:46:40 UTC", 1_000_000_000),
            ("2024-03-31T02:00+01:00", 1_711_846_800),
            ("2038-01-19T03:14:07z", 2_147_483_647),
            ("2023-12-31T19:00-05:00", 1_704_067_200),
        ] {
            assert_eq!(Moment::parse(text, false), Ok(Moment(unix)), "{text}");
        }
        assert_eq!(Moment::parse("2024-01-01 00:00", true), Ok(Moment(1_704_067_200)));
        assert_eq!(Moment::parse("2024-01-01 00:00", false), Err(MomentError::NoZone));
        assert_eq!(Moment::parse("2024-01-01", false), Err(MomentError::NoTime));
        for text in ["", "noon", "2024-13-01T00:00Z", "2023-02-29T00:00Z", "00:00:00"] {
            assert_eq!(Moment::parse(text, false), Err(MomentError::NotATime), "{text}");
        }
    }

    #[test]
    fn days_and_dates_are_inverse() {
        for day in (-400_000..400_000).step_by(37) {
            let moment = Moment(day * 86_400 + 3600);
            assert_eq!(Moment::parse(&moment.to_string(), false), Ok(moment), "{moment}");
        }
    }
}
