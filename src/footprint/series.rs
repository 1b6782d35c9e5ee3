//! The carbon intensity of a grid over time, from a CSV.

mod columns;
mod error;

use super::Moment;
use crate::table::Place;
use csv::StringRecord;

pub use error::SeriesError;

/// Rows that are read at most: a century of hours.
const MOST_ROWS: usize = 1_000_000;

/// More grams per kWh than any fuel emits: another unit.
const MOST_GRAMS: f64 = 3000.0;

/// Carbon intensity in even steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The moment of the first step.
    pub start: Moment,
    /// Seconds of a step.
    pub step: i64,
    /// Grams of CO2 equivalent per kWh, step by step.
    pub grams: Vec<f64>,
    /// Name of the column that they are from.
    pub column: String,
}

impl Series {
    /// Reads a header, then one row a step: a moment with its time zone, and an intensity in grams
    /// of CO2 equivalent per kWh. `column` names the column of the intensity where several could
    /// be it. Moments without a zone are universal time where their column's name says UTC.
    ///
    /// # Errors
    /// Missing or ambiguous columns; moments without a zone; rows that are out of order, twice
    /// there or missing; values that are no intensity; each with its line and column.
    pub fn read(text: &str, column: Option<&str>) -> Result<Self, SeriesError> {
        let text = text.trim_start_matches('\u{feff}');
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let header = match reader.headers() {
            Ok(header) if !header.iter().all(str::is_empty) => header.clone(),
            Ok(_) => return Err(SeriesError::Empty),
            Err(error) => return Err(SeriesError::of(&error)),
        };
        let columns = columns::Columns::find(&header, column)?;
        let utc = header[columns.time].to_ascii_lowercase().contains("utc");
        let mut rows: Vec<Row> = Vec::new();
        let mut record = StringRecord::new();
        while reader.read_record(&mut record).map_err(|error| SeriesError::of(&error))? {
            if rows.len() == MOST_ROWS {
                return Err(SeriesError::TooMany { most: MOST_ROWS });
            }
            let line = record.position().map_or(0, csv::Position::line);
            let field = |at: usize| record.get(at).unwrap_or_default();
            let place = |at: usize| Place { line, column: at + 1, name: header[at].to_owned() };
            let moment = Moment::parse(field(columns.time), utc).map_err(|why| {
                let text = field(columns.time).to_owned();
                SeriesError::Moment { place: place(columns.time), text, why }
            })?;
            let text = field(columns.grams);
            let grams = text.parse().ok().filter(|grams: &f64| (0.0..=MOST_GRAMS).contains(grams));
            let Some(grams) = grams else {
                let (place, text) = (place(columns.grams), text.to_owned());
                return Err(SeriesError::Grams { place, text, most: MOST_GRAMS });
            };
            rows.push(Row { place: place(columns.time), moment, grams });
        }
        let step = even(&rows)?;
        Ok(Self {
            start: rows[0].moment,
            step,
            grams: rows.iter().map(|row| row.grams).collect(),
            column: header[columns.grams].to_owned(),
        })
    }

    /// The moment at which its last step ends.
    #[must_use]
    pub fn end(&self) -> Moment {
        let steps = i64::try_from(self.grams.len()).unwrap_or(i64::MAX);
        self.start.plus(steps.saturating_mul(self.step))
    }
}

/// A row of the file.
struct Row {
    place: Place,
    moment: Moment,
    grams: f64,
}

/// The step between all rows.
fn even(rows: &[Row]) -> Result<i64, SeriesError> {
    let pairs = || rows.iter().zip(rows.iter().skip(1));
    for (before, row) in pairs() {
        let at = || (row.place.clone(), before.place.line, before.moment, row.moment);
        if row.moment == before.moment {
            let (place, first, moment, _) = at();
            return Err(SeriesError::Twice { place, first, moment });
        }
        if row.moment < before.moment {
            let (place, _, before, moment) = at();
            return Err(SeriesError::Order { place, before, moment });
        }
    }
    let step = pairs().map(|(before, row)| row.moment.0 - before.moment.0).min();
    let step = step.ok_or(SeriesError::TooShort { rows: rows.len() })?;
    if step > 86_400 || 86_400 % step != 0 {
        return Err(SeriesError::Step { place: rows[1].place.clone(), seconds: step });
    }
    for (before, row) in pairs() {
        let seconds = row.moment.0 - before.moment.0;
        if seconds != step {
            let (place, before, moment) = (row.place.clone(), before.moment, row.moment);
            let missing = (seconds % step == 0).then(|| seconds / step - 1);
            return Err(SeriesError::Gap { place, before, moment, step, missing });
        }
    }
    Ok(step)
}
