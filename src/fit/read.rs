//! Runs from a CSV.

mod columns;
mod error;
mod filter;
mod guard;

use super::Run;
use crate::quantity::{Flops, FlopsPerParamToken, Params, Quantity, Tokens, parse};
use crate::table::{Place, shortened};
use csv::StringRecord;
use guard::Guard;
use std::io::Read;

pub use columns::{Columns, Role};
pub use error::ReadRunsError;
pub use filter::{Condition, Filter};

/// Rows that are read at most: more would take gigabytes.
const MOST_ROWS: usize = 5_000_000;

/// Runs that were read.
#[derive(Debug, Clone, PartialEq)]
pub struct Runs {
    /// The runs that are kept, in the order of the file.
    pub runs: Vec<Run>,
    /// Rows of the file.
    pub rows: usize,
    /// Rows that a condition left out.
    pub filtered: usize,
    /// Runs that were dropped for their large loss.
    pub dropped: usize,
    /// FNV-1a of the file's bytes, 64 bit, in hexadecimal digits.
    pub hash: String,
    /// Which column is what.
    pub columns: Columns,
}

/// Reads runs: a header, then one run a row. Sizes, tokens and FLOPs may have a unit (`70M`).
/// Without tokens, D = FLOP / (k N).
///
/// # Errors
/// Missing or ambiguous columns, fields that are no numbers above zero, each with its line and
/// column; lines longer than a mebibyte.
pub fn read(
    source: impl Read,
    mapped: &[(Role, String)],
    filters: &[Filter],
    drop_largest_loss: usize,
    k: FlopsPerParamToken,
) -> Result<Runs, ReadRunsError> {
    let guard = Guard::new(source);
    let watch = guard.watch();
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(guard);
    let header = match reader.headers() {
        Ok(header) if header.iter().all(str::is_empty) => return Err(ReadRunsError::Empty),
        Ok(header) => header.clone(),
        Err(error) => return Err(ReadRunsError::of(&error, 1)),
    };
    let columns = Columns::find(&header, mapped)?;
    let wanted = filter::place(filters, &header, &columns)?;
    let mut runs = Vec::new();
    let (mut rows, mut filtered) = (0, 0);
    let mut record = StringRecord::new();
    loop {
        watch.next_record();
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return Err(ReadRunsError::of(&error, line)),
        }
        rows += 1;
        if rows > MOST_ROWS {
            return Err(ReadRunsError::TooMany { most: MOST_ROWS });
        }
        let row =
            Row { record: &record, line: record.position().map_or(line, csv::Position::line) };
        if wanted.iter().all(|condition| condition.holds(&row, &columns, k)) {
            runs.push(row.run(&columns, &header, k)?);
        } else {
            filtered += 1;
        }
    }
    if runs.is_empty() {
        return Err(ReadRunsError::NoRows { rows });
    }
    let dropped = drop_largest(&mut runs, drop_largest_loss)?;
    Ok(Runs { runs, rows, filtered, dropped, hash: watch.hash(), columns })
}

/// Drops the runs with the largest losses; of equal ones the later rows.
fn drop_largest(runs: &mut Vec<Run>, count: usize) -> Result<usize, ReadRunsError> {
    if count == 0 {
        return Ok(0);
    }
    if count >= runs.len() {
        return Err(ReadRunsError::NothingLeft { count, rows: runs.len() });
    }
    let mut order: Vec<usize> = (0..runs.len()).collect();
    order.sort_by(|&a, &b| runs[b].loss.total_cmp(&runs[a].loss).then(b.cmp(&a)));
    let mut keep = vec![true; runs.len()];
    for &index in &order[..count] {
        keep[index] = false;
    }
    let mut keep = keep.into_iter();
    runs.retain(|_| keep.next() == Some(true));
    Ok(count)
}

/// A row of the file.
struct Row<'a> {
    record: &'a StringRecord,
    line: u64,
}

impl Row<'_> {
    fn field(&self, column: usize) -> &str {
        self.record.get(column).unwrap_or_default()
    }

    /// A number, or `None` where there is none.
    fn number(&self, role: Role, column: usize) -> Option<f64> {
        let text = self.field(column);
        if let Ok(number) = text.parse() {
            return Some(number);
        }
        match role {
            Role::Params => parse::<Params>(text).ok().map(Quantity::get),
            Role::Tokens => parse::<Tokens>(text).ok().map(Quantity::get),
            Role::Flops => parse::<Flops>(text).ok().map(Quantity::get),
            Role::Loss | Role::Weight => None,
        }
    }

    /// What a role comes to in this row, whether it stands there or follows.
    fn value(&self, role: Role, columns: &Columns, k: FlopsPerParamToken) -> Option<f64> {
        if let Some(column) = columns.of(role) {
            return self.number(role, column);
        }
        let stated = |role| self.number(role, columns.of(role)?);
        match role {
            Role::Tokens => Some(stated(Role::Flops)? / (k.0 * stated(Role::Params)?)),
            Role::Flops => Some(k.0 * stated(Role::Params)? * stated(Role::Tokens)?),
            Role::Weight => Some(1.0),
            Role::Params | Role::Loss => None,
        }
    }

    fn run(
        &self,
        columns: &Columns,
        header: &StringRecord,
        k: FlopsPerParamToken,
    ) -> Result<Run, ReadRunsError> {
        let value = |role: Role| {
            let Some(column) = columns.of(role) else {
                return Ok(self.value(role, columns, k).unwrap_or(f64::NAN));
            };
            let place =
                || Place { line: self.line, column: column + 1, name: header[column].to_owned() };
            let text = self.field(column);
            match self.number(role, column) {
                Some(number) if number.is_finite() && number > 0.0 => Ok(number),
                Some(_) => {
                    Err(ReadRunsError::Value { place: place(), role, text: shortened(text) })
                }
                None if text.is_empty() => Err(ReadRunsError::EmptyField { place: place() }),
                None => Err(ReadRunsError::NotANumber { place: place(), text: shortened(text) }),
            }
        };
        if columns.of(Role::Flops).is_some() {
            value(Role::Flops)?;
        }
        Ok(Run {
            params: value(Role::Params)?,
            tokens: value(Role::Tokens)?,
            loss: value(Role::Loss)?,
            weight: value(Role::Weight)?,
            line: self.line,
        })
    }
}
