//! What a check found, for people and for programs.

mod github;
mod json;
mod markdown;
mod region;
mod sarif;

use crate::check::{Checked, Finding, Level};
use std::fmt::Write as _;

pub use github::github;
pub use json::check_json;
pub use markdown::check_markdown;
pub use region::Region;
pub(super) use region::clipped;
pub use sarif::sarif;

/// A finding with the lines and columns of its places.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosis {
    /// What was found.
    pub finding: Finding,
    /// Where each of its labels stands; `None` where that is not in the file.
    pub regions: Vec<Option<Region>>,
}

impl Diagnosis {
    fn new(finding: Finding, text: &str) -> Self {
        let spans = finding.labels.iter().map(|label| label.span.as_ref());
        let regions = spans.map(|span| Some(Region::of(text, span?))).collect();
        Self { finding, regions }
    }

    /// Its main place.
    #[must_use]
    pub fn main(&self) -> Option<&Region> {
        self.regions.first()?.as_ref()
    }

    /// Everything it says: the message, what stands at its places, and the advice.
    fn said(&self) -> String {
        let mut said = self.finding.message.clone();
        for (label, region) in self.finding.labels.iter().zip(&self.regions) {
            if label.text.is_empty() {
                continue;
            }
            let at = region.as_ref().map_or(String::new(), |at| format!("line {}, ", at.line));
            let _ = write!(said, "\n{at}{}: {}", label.key, label.text);
        }
        if let Some(help) = &self.finding.help {
            let _ = write!(said, "\nhelp: {help}");
        }
        said
    }
}

/// A checked file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Diagnosed {
    /// Path as the user wrote it.
    pub path: String,
    /// Whether it could be read and derived at all.
    pub readable: bool,
    /// What was found, worst first.
    pub findings: Vec<Diagnosis>,
    /// What the plan allows, each with its reason.
    pub allowed: Vec<(Diagnosis, String)>,
    /// How much was left out because another version of the plan has it too.
    pub known: usize,
}

impl Diagnosed {
    /// Places what was found in the text of the file.
    #[must_use]
    pub fn new(path: impl Into<String>, text: &str, checked: Checked) -> Self {
        let allowed = checked.allowed.into_iter();
        Self {
            path: path.into(),
            readable: checked.readable,
            findings: checked.findings.into_iter().map(|one| Diagnosis::new(one, text)).collect(),
            allowed: allowed.map(|(one, why)| (Diagnosis::new(one, text), why)).collect(),
            known: 0,
        }
    }
}

/// A file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Path as the user wrote it.
    pub path: String,
    /// Why.
    pub message: String,
}

/// A check of many files.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CheckReport {
    /// The files, in the order in which they are spoken of.
    pub files: Vec<Diagnosed>,
    /// Files that could not be read.
    pub failures: Vec<Failure>,
}

impl CheckReport {
    /// Counts of what was found.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        self.files.iter().for_each(|file| totals.add(file));
        totals
    }

    /// Findings of all files, the worst first, then in the order of the files.
    fn worst_first(&self) -> Vec<(&Diagnosed, &Diagnosis)> {
        let all = self.files.iter().flat_map(|file| file.findings.iter().map(move |f| (file, f)));
        let mut all: Vec<_> = all.collect();
        all.sort_by_key(|(_, one)| std::cmp::Reverse(one.finding.level));
        all
    }
}

/// Counts of what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Files that were read.
    pub plans: usize,
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
    /// Findings that plans allow.
    pub allowed: usize,
    /// Findings that another version of the plan has too.
    pub known: usize,
    /// Files that are no plans.
    pub unreadable: usize,
    /// The first rule, by its id, that a finding names.
    pub rule: Option<&'static str>,
}

impl Totals {
    /// Adds a file.
    pub fn add(&mut self, file: &Diagnosed) {
        let count = |level| file.findings.iter().filter(|one| one.finding.level == level).count();
        self.plans += 1;
        self.errors += count(Level::Error);
        self.warnings += count(Level::Warning);
        self.allowed += file.allowed.len();
        self.known += file.known;
        self.unreadable += usize::from(!file.readable);
        let rules = file.findings.iter().map(|one| one.finding.rule);
        self.rule = rules.chain(self.rule).min();
    }

    /// One line.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = format!(
            "{}: {}, {}, {} allowed",
            counted(self.plans, "plan"),
            counted(self.errors, "error"),
            counted(self.warnings, "warning"),
            self.allowed
        );
        if self.known > 0 {
            let _ = write!(line, ", {} as before", self.known);
        }
        line
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
