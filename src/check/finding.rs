//! What a rule found, and where.

use super::Rule;
use crate::plan::{Chosen, KeyPath};
use std::ops::Range;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth a look.
    Warning,
    /// Wrong.
    Error,
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// A place that a finding points to, and what to say there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Label {
    /// The key.
    pub key: KeyPath,
    /// What to say under it.
    pub text: String,
    /// Its bytes in the file, once they are known.
    pub span: Option<Range<usize>>,
}

/// What a rule found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Id of the rule.
    pub rule: &'static str,
    /// The rule's level.
    pub level: Level,
    /// What is wrong.
    pub message: String,
    /// Where; the first is the main place.
    pub labels: Vec<Label>,
    /// What would be right.
    pub help: Option<String>,
    /// How bad it is in the rule's own measure, where it has one; larger is worse.
    pub measure: Option<f64>,
    /// How many of a kind it stands for.
    pub count: usize,
    /// What it is about: the key of its main place, with the names of stages instead of their
    /// numbers, so that it stays the same when others are put before them.
    pub about: String,
}

impl Finding {
    /// A finding without a place; its rule is set where the rules are run.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        let (rule, level) = ("", Level::Error);
        Self {
            rule,
            level,
            message: message.into(),
            labels: Vec::new(),
            help: None,
            measure: None,
            count: 1,
            about: String::new(),
        }
    }

    /// The same, pointing to one more key.
    #[must_use]
    pub fn at(mut self, key: impl Into<KeyPath>, text: impl Into<String>) -> Self {
        self.labels.push(Label { key: key.into(), text: text.into(), span: None });
        self
    }

    /// The same with advice.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// The same with how bad it is; see [`Finding::measure`].
    #[must_use]
    pub fn measured(mut self, measure: f64) -> Self {
        self.measure = Some(measure);
        self
    }

    /// The same as the work of a rule, at a level.
    pub(super) fn under(self, rule: &Rule, level: Level) -> Self {
        Self { rule: rule.id, level, ..self }
    }

    /// The same about something that its place does not tell; see [`Finding::about`].
    #[must_use]
    pub fn concerning(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }

    /// Fills in what it is about, where its rule did not.
    pub(super) fn name(&mut self, chosen: &Chosen) {
        if !self.about.is_empty() {
            return;
        }
        let Some(label) = self.labels.first() else { return };
        let mut key = label.key.clone();
        if let [table, index, ..] = key.0.as_mut_slice()
            && let Ok(at) = index.parse::<usize>()
        {
            let name = match table.as_str() {
                "stages" => chosen.stages.get(at).map(|stage| &stage.name),
                "allow" => chosen.allow.get(at).map(|allowance| &allowance.rule),
                _ => None,
            };
            if let Some(name) = name {
                index.clone_from(name);
            }
        }
        self.about = key.to_string();
    }

    /// Fills in the byte spans.
    pub(super) fn place(&mut self, locate: impl Fn(&KeyPath) -> Option<Range<usize>>) {
        for label in &mut self.labels {
            label.span = label.span.take().or_else(|| locate(&label.key));
        }
    }

    /// The first byte of its main place.
    #[must_use]
    pub fn start(&self) -> usize {
        self.labels.first().and_then(|label| label.span.as_ref()).map_or(0, |span| span.start)
    }
}
