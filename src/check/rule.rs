//! What a rule is.

use super::{Finding, Level, Subject};

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// Its id, which reads well after "allow".
    pub id: &'static str,
    /// What it is about.
    pub family: Family,
    /// How bad its findings are.
    pub level: Level,
    /// The version that brought it.
    pub since: &'static str,
    /// One line for people.
    pub summary: &'static str,
    /// Its page, Markdown.
    pub page: &'static str,
    /// Finds what breaks it.
    pub check: fn(&Subject) -> Vec<Finding>,
}

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// What the run may spend.
    Budget,
    /// Size and tokens.
    Allocation,
    /// The scaling law.
    Law,
    /// The model's shape.
    Model,
    /// What a training step holds on one device.
    Memory,
    /// How long a training step takes.
    Throughput,
    /// The curriculum.
    Stages,
    /// Sources, mixture, repeats.
    Data,
    /// What the data loader does.
    Loader,
    /// The plan file itself.
    File,
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Budget => "budget",
            Self::Allocation => "allocation",
            Self::Law => "law",
            Self::Model => "model",
            Self::Memory => "memory",
            Self::Throughput => "throughput",
            Self::Stages => "stages",
            Self::Data => "data",
            Self::Loader => "loader",
            Self::File => "file",
        })
    }
}

/// Declares a rule; its page is `docs/rules/ID.md`.
macro_rules! rule {
    ($id:literal, $family:ident, $level:ident, $since:literal, $summary:literal, $check:expr) => {
        $crate::check::Rule {
            id: $id,
            family: $crate::check::Family::$family,
            level: $crate::check::Level::$level,
            since: $since,
            summary: $summary,
            page: include_str!(concat!("../../docs/rules/", $id, ".md")),
            check: $check,
        }
    };
}
pub(super) use rule;
