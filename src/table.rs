//! Tables that users bring as CSV: where a field stands, and how messages name it.

use std::fmt;

/// Where a field stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: u64,
    /// Column, from 1.
    pub column: usize,
    /// Name of the column.
    pub name: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {} (`{}`)", self.line, self.column, self.name)
    }
}

/// Characters of a field that a message shows.
const SHOWN: usize = 40;

/// A field as a message shows it.
pub(crate) fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().filter(|c| !c.is_control()).take(SHOWN).collect();
    if text.chars().count() > SHOWN {
        shown.push_str("..");
    }
    shown
}

/// A question before what else can be done; nothing where no name is near.
pub(crate) fn did_you_mean(names: &[String]) -> String {
    match names {
        [] => String::new(),
        names => format!("did you mean {}? ", listed(names)),
    }
}

/// Names, each in quotes; of many the first.
pub(crate) fn listed(names: &[String]) -> String {
    const MOST: usize = 12;
    let quoted = names.iter().take(MOST).map(|name| format!("`{}`", shortened(name)));
    let more = names.len().saturating_sub(MOST);
    let more = (more > 0).then(|| format!("{more} more"));
    quoted.chain(more).collect::<Vec<_>>().join(", ")
}
