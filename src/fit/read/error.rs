//! Why a file holds no runs.

use super::Role;
use crate::table::{Place, did_you_mean, listed};

/// Why a file holds no runs.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReadRunsError {
    /// No header.
    #[error("the file is empty; a header such as `params,tokens,loss` is its first line")]
    Empty,
    /// A header without runs, or conditions that none meets.
    #[error("{}", if *.rows == 0 {
        "there is a header but no run".to_owned()
    } else {
        format!("of {rows} rows none meets the conditions of --where")
    })]
    NoRows {
        /// Rows of the file.
        rows: usize,
    },
    /// More is dropped than there is.
    #[error("dropping the {count} largest losses of {rows} runs leaves nothing")]
    NothingLeft {
        /// Runs to drop.
        count: usize,
        /// Runs there are.
        rows: usize,
    },
    /// No column for something that is needed.
    #[error("no column is {}; {}name it with --column {}=\"{}\". The file has {}",
        .role.described(),
        did_you_mean(.nearest),
        .role.name(),
        if *.role == Role::Mixture { "PREFIX*" } else { "NAME" },
        listed(.header))]
    Missing {
        /// What is missing.
        role: Role,
        /// Names that resemble what is looked for.
        nearest: Vec<String>,
        /// Columns of the file.
        header: Vec<String>,
    },
    /// A column that the form does not read.
    #[error("this form reads no column that is {}; it reads {}", .role.described(),
        .known.iter().map(|role| role.name()).collect::<Vec<_>>().join(", "))]
    NotOfForm {
        /// What was named.
        role: Role,
        /// What is read.
        known: &'static [Role],
    },
    /// Shares that are no mixture.
    #[error("line {line}: the shares of the sources sum to {sum}, where a mixture sums to 1")]
    NoMixture {
        /// Where.
        line: u64,
        /// Their sum.
        sum: f64,
    },
    /// Several columns for one thing.
    #[error("{} could each be {}: choose one with --column {}=\"NAME\"",
        listed(.names), .role.described(), .role.name())]
    Ambiguous {
        /// What they could be.
        role: Role,
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
    /// A name that two columns have.
    #[error("two columns are called `{name}`: rename one")]
    Twice {
        /// The name.
        name: String,
    },
    /// A field without a value.
    #[error("{place} is empty; `--where \"{}>0\"` leaves such rows out", .place.name)]
    EmptyField {
        /// Where.
        place: Place,
    },
    /// A field that is no number.
    #[error("{place}: `{text}` is not a number")]
    NotANumber {
        /// Where.
        place: Place,
        /// The field.
        text: String,
    },
    /// A number that cannot be.
    #[error("{place}: `{text}` cannot be {}, which is above 0 and finite; `--where \"{}>0\"` \
             leaves such rows out", .role.described(), .role.name())]
    Value {
        /// Where.
        place: Place,
        /// What it should be.
        role: Role,
        /// The field.
        text: String,
    },
    /// A row that does not end.
    #[error(
        "line {line} is longer than 1 MiB, or a quote in it is not closed: this is no CSV of runs"
    )]
    Endless {
        /// Where it starts.
        line: u64,
    },
    /// More rows than are read.
    #[error("the file has more than {most} rows; thin it out first")]
    TooMany {
        /// The limit.
        most: usize,
    },
    /// A condition that is none.
    #[error("`{text}` is no condition; write such as `flops<1e21`, with <, <=, >, >=, = or !=")]
    NoCondition {
        /// The text as written.
        text: String,
    },
    /// A row with another number of fields, bytes that are no text, or a file that cannot be read.
    #[error("line {line}: {message}")]
    Csv {
        /// Where.
        line: u64,
        /// What the reader says.
        message: String,
    },
}

impl ReadRunsError {
    pub(super) fn of(error: &csv::Error, line: u64) -> Self {
        let at =
            |position: &Option<csv::Position>| position.as_ref().map_or(line, csv::Position::line);
        match error.kind() {
            csv::ErrorKind::Io(io) if io.kind() == std::io::ErrorKind::FileTooLarge => {
                Self::Endless { line }
            }
            csv::ErrorKind::Io(io) => Self::Csv { line, message: io.to_string() },
            csv::ErrorKind::Utf8 { pos, err } => Self::Csv {
                line: at(pos),
                message: format!("field {} is not UTF-8 text", err.field() + 1),
            },
            csv::ErrorKind::UnequalLengths { pos, expected_len, len } => Self::Csv {
                line: at(pos),
                message: format!("{len} fields, where the header has {expected_len}"),
            },
            _ => Self::Csv { line, message: error.to_string() },
        }
    }
}
