//! Runs from a CSV.

mod columns;
mod error;
mod filter;
mod guard;
mod row;

use super::{MeasuredOptimum, MixtureRun, Run};
use crate::quantity::FlopsPerParamToken;
use columns::Table;
use csv::StringRecord;
use guard::Guard;
use row::Row;
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

/// Optima of budgets that were read.
#[derive(Debug, Clone, PartialEq)]
pub struct Optima {
    /// The optima that are kept, in the order of the file.
    pub optima: Vec<MeasuredOptimum>,
    /// Where they come from.
    pub origin: Origin,
}

/// Runs over mixtures that were read.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixtures {
    /// Names of the sources.
    pub sources: Vec<String>,
    /// Names of the losses.
    pub losses: Vec<String>,
    /// The runs that are kept, in the order of the file.
    pub runs: Vec<MixtureRun>,
    /// Where they come from.
    pub origin: Origin,
}

/// What of a file was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// Rows of the file.
    pub rows: usize,
    /// Rows that a condition left out.
    pub filtered: usize,
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
#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "a method of one lifetime is not one of every lifetime"
)]
pub fn read(
    source: impl Read,
    mapped: &[(Role, String)],
    filters: &[Filter],
    drop_largest_loss: usize,
    k: FlopsPerParamToken,
) -> Result<Runs, ReadRunsError> {
    let (mut runs, origin) =
        rows(source, mapped, filters, Table::Runs, k, |row, c, h, k| row.run(c, h, k))?;
    let dropped = drop_largest(&mut runs, drop_largest_loss)?;
    let Origin { rows, filtered, hash, columns } = origin;
    Ok(Runs { runs, rows, filtered, dropped, hash, columns })
}

/// Reads optima: of every budget its N*, its D*, or both.
///
/// # Errors
/// As [`read`].
pub fn read_optima(
    source: impl Read,
    mapped: &[(Role, String)],
    filters: &[Filter],
    k: FlopsPerParamToken,
) -> Result<Optima, ReadRunsError> {
    let (optima, origin) =
        rows(source, mapped, filters, Table::Optima, k, |row, c, h, _| row.optimum(c, h))?;
    Ok(Optima { optima, origin })
}

/// Reads runs over mixtures: a share for each source, and one or more losses. Shares that sum to one
/// within a hundredth are divided by their sum.
///
/// # Errors
/// As [`read`]; shares that are negative or no mixture.
pub fn read_mixtures(
    source: impl Read,
    mapped: &[(Role, String)],
    filters: &[Filter],
) -> Result<Mixtures, ReadRunsError> {
    let k = FlopsPerParamToken::TRAINING;
    let (runs, origin) =
        rows(source, mapped, filters, Table::Mixtures, k, |row, c, h, _| row.mixture(c, h))?;
    let names = |role| origin.columns.all(role).iter().map(|(_, name)| (*name).into()).collect();
    Ok(Mixtures { sources: names(Role::Mixture), losses: names(Role::Loss), runs, origin })
}

/// The rows that meet the conditions, each as it is understood.
fn rows<T>(
    source: impl Read,
    mapped: &[(Role, String)],
    filters: &[Filter],
    table: Table,
    k: FlopsPerParamToken,
    understood: fn(&Row, &Columns, &StringRecord, FlopsPerParamToken) -> Result<T, ReadRunsError>,
) -> Result<(Vec<T>, Origin), ReadRunsError> {
    let guard = Guard::new(source);
    let watch = guard.watch();
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(guard);
    let header = match reader.headers() {
        Ok(header) if header.iter().all(str::is_empty) => return Err(ReadRunsError::Empty),
        Ok(header) => header.clone(),
        Err(error) => return Err(ReadRunsError::of(&error, 1)),
    };
    let columns = Columns::find(&header, mapped, table)?;
    let wanted = filter::place(filters, &header, &columns)?;
    let mut kept = Vec::new();
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
            kept.push(understood(&row, &columns, &header, k)?);
        } else {
            filtered += 1;
        }
    }
    if kept.is_empty() {
        return Err(ReadRunsError::NoRows { rows });
    }
    Ok((kept, Origin { rows, filtered, hash: watch.hash(), columns }))
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
