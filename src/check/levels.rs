//! Levels that people set for rules and families, and where they are applied.

use super::{Family, Level, RULES, Rule, find};
use crate::fact::nearest;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What becomes of a rule's findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Setting {
    /// They are not looked for.
    Allow,
    /// They are warnings.
    Warn,
    /// They are errors.
    Deny,
}

/// Settings by rule and by family; that of a rule goes over that of its family.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Levels {
    rules: BTreeMap<&'static str, Setting>,
    families: BTreeMap<&'static str, Setting>,
}

/// Why a level cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LevelError {
    /// A name that is no rule and no family.
    #[error("no rule or family is called `{name}`")]
    Unknown {
        /// As written.
        name: String,
        /// Names that resemble it, best first.
        nearest: Vec<String>,
    },
    /// A rule whose level stands.
    #[error("the level of `{name}` cannot be set")]
    Fixed {
        /// Its id.
        name: &'static str,
    },
    /// Two settings for one name.
    #[error("`{name}` is set twice, to different levels")]
    Twice {
        /// As written.
        name: String,
    },
}

impl LevelError {
    /// What would be right.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::Unknown { nearest, .. } => match nearest.as_slice() {
                [] => "`llmplan explain --list rules` shows all".to_owned(),
                [one] => format!("did you mean `{one}`?"),
                many => format!("the nearest are `{}`", many.join("`, `")),
            },
            Self::Fixed { .. } => "what is no plan has no other verdict".to_owned(),
            Self::Twice { .. } => "name it once".to_owned(),
        }
    }
}

/// Rules whose findings end a check: no level changes them.
const FIXED: [&str; 2] = ["invalid-plan", "unknown-format"];

impl Levels {
    /// Sets the level of a rule or of a family.
    ///
    /// # Errors
    /// Unknown names, rules whose level stands, and a second, different setting for one name.
    pub fn set(&mut self, name: &str, setting: Setting) -> Result<(), LevelError> {
        if let Some(name) = FIXED.into_iter().find(|fixed| *fixed == name) {
            return Err(LevelError::Fixed { name });
        }
        let family = || Family::ALL.iter().map(|(known, _)| *known).find(|known| *known == name);
        let (settings, key) = if let Some(rule) = find(name) {
            (&mut self.rules, rule.id)
        } else if let Some(family) = family() {
            (&mut self.families, family)
        } else {
            let families = Family::ALL.iter().map(|(name, _)| *name);
            let nearest = nearest(name, RULES.iter().map(|rule| rule.id).chain(families));
            return Err(LevelError::Unknown { name: name.to_owned(), nearest });
        };
        match settings.insert(key, setting) {
            Some(before) if before != setting => Err(LevelError::Twice { name: name.to_owned() }),
            _ => Ok(()),
        }
    }

    /// What is set for a rule by its own id, and by its family.
    fn of(&self, rule: &Rule) -> (Option<Setting>, Option<Setting>) {
        (self.rules.get(rule.id).copied(), self.families.get(rule.family.name()).copied())
    }
}

/// The level of a rule's findings; `None` where they are not looked for.
///
/// The layers go from the strongest to the weakest. A picky rule is in force with `strict`, or where
/// its own id is set; a setting of its family does not call it.
pub(super) fn in_force(rule: &Rule, layers: [&Levels; 2], strict: bool) -> Option<Level> {
    if FIXED.contains(&rule.id) {
        return Some(rule.level);
    }
    let mut set = None;
    let mut called = strict || !rule.strict;
    for (own, family) in layers.map(|layer| layer.of(rule)) {
        called |= own.is_some();
        set = set.or(own).or(family);
    }
    match set {
        _ if !called => None,
        Some(Setting::Allow) => None,
        Some(Setting::Warn) => Some(Level::Warning),
        Some(Setting::Deny) => Some(Level::Error),
        None => Some(rule.level),
    }
}
