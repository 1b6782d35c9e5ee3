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
    /// Whether it is picky: sound plans break it, so it is only looked for when asked.
    pub strict: bool,
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
    /// How the model is trained.
    Recipe,
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
    /// What happens beside training.
    Operations,
    /// What the house asks of every plan.
    Policy,
    /// What is reported of the run.
    Reported,
    /// The plan file itself.
    File,
}

impl Family {
    /// Every family with its name.
    pub const ALL: [(&'static str, Self); 14] = [
        ("budget", Self::Budget),
        ("allocation", Self::Allocation),
        ("recipe", Self::Recipe),
        ("law", Self::Law),
        ("model", Self::Model),
        ("memory", Self::Memory),
        ("throughput", Self::Throughput),
        ("stages", Self::Stages),
        ("data", Self::Data),
        ("loader", Self::Loader),
        ("operations", Self::Operations),
        ("policy", Self::Policy),
        ("reported", Self::Reported),
        ("file", Self::File),
    ];

    /// Its name, as levels are set by it.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, family)| *family == self).map_or("", |(name, _)| name)
    }
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Declares a rule; its page is `docs/rules/ID.md`.
macro_rules! rule {
    (strict $id:literal, $family:ident, $level:ident, $since:literal, $summary:literal, $check:expr) => {
        $crate::check::Rule {
            strict: true,
            ..rule!($id, $family, $level, $since, $summary, $check)
        }
    };
    ($id:literal, $family:ident, $level:ident, $since:literal, $summary:literal, $check:expr) => {
        $crate::check::Rule {
            id: $id,
            family: $crate::check::Family::$family,
            level: $crate::check::Level::$level,
            strict: false,
            since: $since,
            summary: $summary,
            page: include_str!(concat!("../../docs/rules/", $id, ".md")),
            check: $check,
        }
    };
}
pub(super) use rule;
