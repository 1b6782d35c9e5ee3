//! Why a file is no series of a grid's intensity.

use crate::footprint::{Moment, MomentError};
use crate::table::{Place, did_you_mean, listed};

/// Why a file is no series.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SeriesError {
    /// No header.
    #[error("the file is empty; a header such as `timestamp,gco2e_per_kwh` is its first line")]
    Empty,
    /// No column of moments.
    #[error("no column holds moments: call it `timestamp`. The file has {}", listed(.header))]
    NoTime {
        /// Columns of the file.
        header: Vec<String>,
    },
    /// No column of intensities.
    #[error("no column holds the intensity: call it `gco2e_per_kwh`, or name it with \
             --grid-column. The file has {}", listed(.header))]
    NoGrams {
        /// Columns of the file.
        header: Vec<String>,
    },
    /// Several columns of intensities.
    #[error("{} could each be the intensity: choose one with --grid-column \"NAME\"",
        listed(.names))]
    Ambiguous {
        /// Names of the columns.
        names: Vec<String>,
    },
    /// A name that no column has.
    #[error("no column is called `{name}`; {}the file has {}", did_you_mean(.nearest), listed(.header))]
    Unknown {
        /// The name as written.
        name: String,
        /// Names that resemble it.
        nearest: Vec<String>,
        /// Columns of the file.
        header: Vec<String>,
    },
    /// A column of another unit.
    #[error("column `{name}` is not in g CO2e per kWh; 1 lb/MWh is 0.4536 g/kWh, 1 kg/MWh is 1")]
    Unit {
        /// Its name.
        name: String,
    },
    /// A field that is no moment.
    #[error("{place}: `{text}` {why}{}", match .why {
        MomentError::NoZone => ". Or let the column's name say UTC: `timestamp (UTC)`",
        _ => "",
    })]
    Moment {
        /// Where.
        place: Place,
        /// The field.
        text: String,
        /// What it lacks.
        why: MomentError,
    },
    /// A field that is no intensity.
    #[error(
        "{place}: `{text}` is no intensity, which is a number of g CO2e per kWh from 0 to \
             {most}"
    )]
    Grams {
        /// Where.
        place: Place,
        /// The field.
        text: String,
        /// The most that can be.
        most: f64,
    },
    /// A moment that stands twice.
    #[error(
        "{place}: {moment} stands in line {first} already; leave one of the two out. An hour \
             that a clock turns back needs its offset: +02:00, then +01:00"
    )]
    Twice {
        /// Where.
        place: Place,
        /// The line where it stands first.
        first: u64,
        /// The moment.
        moment: Moment,
    },
    /// A moment before the one of the row before.
    #[error("{place}: {moment} is earlier than {before} in the line before; sort the rows by time")]
    Order {
        /// Where.
        place: Place,
        /// The moment before.
        before: Moment,
        /// The moment.
        moment: Moment,
    },
    /// Rows that are missing.
    #[error("{place}: {}; give every step a row, or only the rows after the gap",
        gap(*.before, *.moment, *.step, *.missing))]
    Gap {
        /// Where the series goes on.
        place: Place,
        /// The moment before the gap.
        before: Moment,
        /// The moment after it.
        moment: Moment,
        /// Seconds between other rows.
        step: i64,
        /// Rows that are missing, where they are whole ones.
        missing: Option<i64>,
    },
    /// A step that no day holds evenly.
    #[error("{place}: a row comes {} min after the one before; a series has even steps of a day at \
             most, such as hours", .seconds / 60)]
    Step {
        /// Where.
        place: Place,
        /// Seconds between rows.
        seconds: i64,
    },
    /// Fewer than two rows.
    #[error("a series has two rows at least; here {}", if *.rows == 0 { "is none" } else { "is one" })]
    TooShort {
        /// Rows that there are.
        rows: usize,
    },
    /// More rows than are read.
    #[error("more than {most} rows; take a part of the series")]
    TooMany {
        /// Rows that are read at most.
        most: usize,
    },
    /// A file that is no CSV.
    #[error("line {line}: {why}")]
    NotCsv {
        /// Line, from 1.
        line: u64,
        /// What is wrong.
        why: String,
    },
}

impl SeriesError {
    pub(super) fn of(error: &csv::Error) -> Self {
        let line = error.position().map_or(1, csv::Position::line);
        let why = match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("{len} fields where the header has {expected_len}")
            }
            csv::ErrorKind::Utf8 { .. } => "it is not UTF-8 text".to_owned(),
            _ => error.to_string(),
        };
        Self::NotCsv { line, why }
    }
}

fn gap(before: Moment, moment: Moment, step: i64, missing: Option<i64>) -> String {
    match missing {
        Some(1) => format!("one row is missing between {before} and {moment}"),
        Some(rows) => format!("{rows} rows are missing between {before} and {moment}"),
        None => {
            let (minutes, other) = ((moment.0 - before.0) / 60, step / 60);
            format!("{moment} comes {minutes} min after the row before, other rows {other} min")
        }
    }
}
