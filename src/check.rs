//! Rules over a plan and what follows from it.
//!
//! A [`Rule`] is a static value in [`RULES`]; a [`Finding`] names keys, not bytes. This module
//! applies levels and allowances and makes the byte spans, each in one place.

mod against;
mod allocation;
mod budget;
mod data;
mod file;
mod finding;
mod footprint;
mod hand_offs;
mod house;
mod law;
mod levels;
mod loader;
mod memory;
mod model;
mod operations;
mod policy;
mod recipe;
mod reported;
mod rule;
mod schedule;
mod sequences;
mod stages;
mod table;
mod throughput;

use crate::data::{MixtureError, StageError};
use crate::derive::{Derivation, DeriveError, Problem, derive_pinned};
use crate::fact::nearest;
use crate::file::{
    Document, Locator, ReadError, ReadErrorKind, derived_text, read, read_above_derived,
};
use crate::plan::{Chosen, Inputs, KeyPath};

pub use against::worse;
pub use finding::{Finding, Label, Level};
pub use levels::{LevelError, Levels, Setting};
pub use policy::{Allowed, Limits, Policy, Required};
pub use rule::{Family, Rule};
pub use table::{RULES, find};

/// A plan that was read and derived, as the rules see it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The file.
    pub document: &'a Document,
    /// What follows from it.
    pub derivation: &'a Derivation,
    /// What the house asks of it.
    pub policy: &'a Policy,
}

/// How plans are judged.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    /// What the house asks of every plan, and its levels.
    pub policy: Policy,
    /// Levels that go over those of the house.
    pub levels: Levels,
    /// Whether the picky rules are in force.
    pub strict: bool,
}

/// The outcome of checking one plan.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Checked {
    /// What was found, worst first, then in the order of the file.
    pub findings: Vec<Finding>,
    /// Findings that the plan allows, each with its reason.
    pub allowed: Vec<(Finding, String)>,
    /// Whether the plan could be read and derived at all.
    pub readable: bool,
}

impl Checked {
    /// Whether anything at or above a level was found.
    #[must_use]
    pub fn has(&self, level: Level) -> bool {
        self.findings.iter().any(|finding| finding.level >= level)
    }
}

/// Checks the bytes of a plan file that names no other files; see [`check_with`].
#[must_use]
pub fn check(bytes: &[u8]) -> Checked {
    check_with(bytes, |_| Inputs::new())
}

/// Checks the bytes of a plan file, with the files that it names.
#[must_use]
pub fn check_with(bytes: &[u8], inputs: impl Fn(&Chosen) -> Inputs) -> Checked {
    check_under(&Settings::default(), bytes, inputs)
}

/// Checks the bytes of a plan file under settings, with the files that it names.
#[must_use]
pub fn check_under(
    settings: &Settings,
    bytes: &[u8],
    inputs: impl Fn(&Chosen) -> Inputs,
) -> Checked {
    let derive = |document: &Document| {
        derive_pinned(&document.chosen, &inputs(&document.chosen), document.pinned().as_ref())
    };
    let mut known = None;
    // most plans stand as they were written: their `[derived]` is compared as text and not read
    if let Some((mut document, stands)) = read_above_derived(bytes) {
        let derivation = derive(&document);
        document.as_derived =
            derivation.as_ref().is_ok_and(|own| derived_text(&own.derived) == stands);
        match derivation {
            Ok(derivation) if document.as_derived => {
                return judge(settings, &document, &derivation);
            }
            derivation => known = Some((document.chosen, derivation)),
        }
    }
    let document = match read(bytes) {
        Ok(document) => document,
        Err(error) => return unreadable(from_read(&error)),
    };
    let derivation = match known {
        Some((chosen, derivation)) if chosen == document.chosen && document.pinned().is_none() => {
            derivation
        }
        _ => derive(&document),
    };
    match derivation {
        Ok(derivation) => judge(settings, &document, &derivation),
        Err(error) => unreadable(from_derive(&document, &error)),
    }
}

/// Checks a plan that was read and derived already.
#[must_use]
pub fn check_derived(document: &Document, derivation: &Derivation) -> Checked {
    judge(&Settings::default(), document, derivation)
}

fn judge(settings: &Settings, document: &Document, derivation: &Derivation) -> Checked {
    let subject = Subject { document, derivation, policy: &settings.policy };
    let level = |rule: &Rule| {
        levels::in_force(rule, [&settings.levels, &settings.policy.levels], settings.strict)
    };
    let found =
        RULES.iter().filter_map(|rule| Some((rule, level(rule)?))).flat_map(|(rule, level)| {
            (rule.check)(&subject).into_iter().map(move |one| one.under(rule, level))
        });
    let mut checked = allow(document, found.collect(), level);
    let allowed = checked.allowed.iter_mut().map(|(finding, _)| finding);
    for finding in checked.findings.iter_mut().chain(allowed) {
        finding.name(&document.chosen);
    }
    place(&document.text, &mut checked);
    checked.findings.sort_by_key(|finding| (std::cmp::Reverse(finding.level), finding.start()));
    checked.readable = true;
    checked
}

/// Fills in the byte spans; a text without findings is not parsed again.
fn place(text: &str, checked: &mut Checked) {
    if checked.findings.is_empty() && checked.allowed.is_empty() {
        return;
    }
    let locator = Locator::new(text);
    let allowed = checked.allowed.iter_mut().map(|(finding, _)| finding);
    for finding in checked.findings.iter_mut().chain(allowed) {
        // a layout that was picked stands where it is pinned
        let pinned = |key: &KeyPath| {
            let picked = key.0.first().is_some_and(|table| table == "layout");
            let path = ["derived".to_owned()].into_iter().chain(key.0.iter().cloned());
            picked.then(|| locator.find(&KeyPath(path.collect())))?
        };
        finding.place(|key| locator.find(key).or_else(|| pinned(key)));
    }
}

fn unreadable(finding: Finding) -> Checked {
    Checked { findings: vec![finding], ..Checked::default() }
}

fn from_read(error: &ReadError) -> Finding {
    let rule = match error.kind {
        ReadErrorKind::Invalid => &file::INVALID_PLAN,
        ReadErrorKind::UnknownFormat => &file::UNKNOWN_FORMAT,
    };
    let mut finding = Finding::new(error.message.clone()).under(rule, rule.level);
    finding.help.clone_from(&error.help);
    if let Some(span) = &error.span {
        finding.labels.push(Label { span: Some(span.clone()), ..Label::default() });
    }
    finding
}

fn from_derive(document: &Document, error: &DeriveError) -> Finding {
    let finding = match &error.problem {
        Problem::Unknown(unknown) => {
            let message = format!("unknown {} `{}`", unknown.kind, unknown.name);
            Finding::new(message).help(unknown.advice())
        }
        problem => match problem.advice() {
            Some(advice) => Finding::new(problem.to_string()).help(advice),
            None => Finding::new(problem.to_string()),
        },
    };
    let mut finding = match &error.problem {
        Problem::Stage(StageError::NameTwice { first, .. }) => {
            let first = KeyPath::from("stages").join(first.to_string()).join("name");
            finding.at(error.key.clone(), "the second").at(first, "the first")
        }
        _ => finding.at(error.key.clone(), ""),
    }
    .under(&file::INVALID_PLAN, Level::Error);
    let locator = Locator::new(&document.text);
    let name =
        matches!(error.problem, Problem::Stage(StageError::Mixture(MixtureError::Unknown { .. })));
    finding.place(|key| locator.find_key(key).filter(|_| name).or_else(|| locator.find(key)));
    finding
}

/// Sets aside what the plan allows; an allowance that nothing needs is itself a finding, but for one
/// of a rule that is not in force.
fn allow(
    document: &Document,
    found: Vec<Finding>,
    level: impl Fn(&Rule) -> Option<Level>,
) -> Checked {
    let allowances = &document.chosen.allow;
    let mut checked = Checked::default();
    for finding in found {
        match allowances.iter().find(|allowance| allowance.rule == finding.rule) {
            Some(allowance) => checked.allowed.push((finding, allowance.reason.clone())),
            None => checked.findings.push(finding),
        }
    }
    let Some(unused) = level(&file::UNUSED_ALLOW) else {
        return checked;
    };
    for (index, allowance) in allowances.iter().enumerate() {
        let key = KeyPath::from("allow").join(index.to_string()).join("rule");
        let first = !allowances[..index].iter().any(|other| other.rule == allowance.rule);
        if first && checked.allowed.iter().any(|(finding, _)| finding.rule == allowance.rule) {
            continue;
        }
        let rule = find(&allowance.rule);
        if rule.is_some_and(|rule| level(rule).is_none()) {
            continue;
        }
        let finding = if rule.is_some() {
            Finding::new(format!("`{}` is allowed here for nothing", allowance.rule))
                .at(key, "remove this allowance")
        } else {
            let near = nearest(&allowance.rule, RULES.iter().map(|rule| rule.id));
            let finding =
                Finding::new(format!("no rule is called `{}`", allowance.rule)).at(key, "");
            match near.first() {
                Some(name) => finding.help(format!("did you mean `{name}`?")),
                None => finding,
            }
        };
        checked.findings.push(finding.under(&file::UNUSED_ALLOW, unused));
    }
    checked
}
