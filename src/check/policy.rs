//! `llmplan.toml`: what a house asks of all its plans. It holds policy, never a plan's values.

use super::{LevelError, Levels, Setting};
use crate::fact::UnknownName;
use crate::file::{Locator, ReadError, read_settings};
use crate::plan::{KeyPath, MfuEvidence};
use crate::quantity::{AcceleratorHours, Days, Flops, Steps, TonnesCo2e, Usd};
use crate::{footprint, hardware};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a house asks of all its plans.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Policy {
    /// Levels of rules and families.
    pub levels: Levels,
    /// What no run may pass.
    pub limits: Limits,
    /// What a plan may name.
    pub allowed: Allowed,
    /// What a plan has to state.
    pub required: Required,
}

/// What no run may pass: neither the budget that a plan states, nor what its run comes to.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// FLOP.
    pub flops: Option<Flops>,
    /// Accelerator-hours.
    pub accelerator_hours: Option<AcceleratorHours>,
    /// Wall-clock days.
    pub days: Option<Days>,
    /// US dollars.
    pub usd: Option<Usd>,
    /// Tons of CO2 equivalents of the run's electricity.
    pub tonnes_co2e: Option<TonnesCo2e>,
}

/// What a plan may name.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Allowed {
    /// Accelerators, by the names of the catalogue; all where the key is left out.
    pub accelerators: Option<Vec<String>>,
    /// Regions, by the names of the catalogue's grids; all where the key is left out.
    pub regions: Option<Vec<String>>,
}

/// What a plan has to state.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Required {
    /// Most optimizer steps between evaluations.
    pub evaluate_every_steps: Option<Steps>,
    /// Whether every hand-off between stages is to be evaluated.
    pub evaluate_at_hand_offs: bool,
    /// The least evidence for `cluster.mfu`.
    pub mfu_evidence: Option<MfuEvidence>,
}

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    levels: BTreeMap<String, Setting>,
    limits: Limits,
    allowed: Allowed,
    required: Required,
}

/// Tables of a plan, which are out of place here.
const OF_PLANS: [&str; 18] = [
    "format",
    "name",
    "budget",
    "run",
    "law",
    "model",
    "sources",
    "stages",
    "data",
    "training",
    "layout",
    "operations",
    "cluster",
    "cost",
    "site",
    "reported",
    "allow",
    "derived",
];

impl Policy {
    /// Reads the bytes of an `llmplan.toml`.
    ///
    /// # Errors
    /// Bytes that are no TOML, unknown keys, rules and accelerators, each with its place.
    pub fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        let (text, file) = read_settings::<File>(bytes, &refuse)?;
        let mut levels = Levels::default();
        for (name, setting) in &file.levels {
            levels.set(name, *setting).map_err(|error| level_fault(&text, name, &error))?;
        }
        let mut allowed = file.allowed;
        known(&text, "allowed.accelerators", &mut allowed.accelerators, |name| {
            hardware::catalogue().find(name).map(|known| known.name.clone())
        })?;
        known(&text, "allowed.regions", &mut allowed.regions, |name| {
            footprint::grids().find(name).map(|known| known.name.clone())
        })?;
        Ok(Self { levels, limits: file.limits, allowed, required: file.required })
    }
}

/// Replaces the names of a list by those of the catalogue.
fn known(
    text: &str,
    list: &str,
    names: &mut Option<Vec<String>>,
    find: impl Fn(&str) -> Result<String, UnknownName>,
) -> Result<(), ReadError> {
    for (index, name) in names.iter_mut().flatten().enumerate() {
        *name = find(name).map_err(|unknown| {
            let message = format!("unknown {} `{}`", unknown.kind, unknown.name);
            let span = Locator::new(text).find(&KeyPath::from(list).join(index.to_string()));
            ReadError { span, help: Some(unknown.advice()), ..ReadError::invalid(message) }
        })?;
    }
    Ok(())
}

/// Keys that are understood and cannot be meant.
fn refuse(locator: &Locator<'_>) -> Option<ReadError> {
    OF_PLANS.iter().find_map(|key| {
        let span = locator.find_key(&KeyPath::from(*key))?;
        let help =
            "llmplan.toml holds levels, limits, allowed and required; values stand in the plan";
        Some(ReadError {
            help: Some(help.to_owned()),
            span: Some(span),
            ..ReadError::invalid(format!("`{key}` belongs in a plan"))
        })
    })
}

fn level_fault(text: &str, name: &str, error: &LevelError) -> ReadError {
    let span = Locator::new(text).find_key(&KeyPath::from("levels").join(name));
    ReadError { span, help: Some(error.advice()), ..ReadError::invalid(error.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> (String, String) {
        let error = Policy::read(text.as_bytes()).unwrap_err();
        let span = error.span.clone().map(|span| text[span].to_owned());
        (format!("{}; {}", error.message, error.help.unwrap_or_default()), span.unwrap_or_default())
    }

    #[test]
    fn a_policy_is_read() {
        let text = "\u{feff}[levels]\r\nloader = \"allow\"\r\n[limits]\r\nusd = 1e6\r\n\
                    [allowed]\r\naccelerators = [\"H100-SXM\"]\r\nregions = [\"Sweden\"]\r\n[required]\r\n\
                    evaluate_every_steps = 1000\r\nmfu_evidence = \"published\"\r\n";
        let policy = Policy::read(text.as_bytes()).unwrap();
        assert_eq!(policy.limits.usd, Some(Usd(1e6)));
        assert_eq!(policy.allowed.accelerators.unwrap(), ["h100-sxm"]);
        assert_eq!(policy.allowed.regions.unwrap(), ["se"]);
        assert_eq!(policy.required.mfu_evidence, Some(MfuEvidence::Published));
        assert_eq!(Policy::read(b"").unwrap(), Policy::default());
    }

    #[test]
    fn the_policy_of_the_documentation_is_one() {
        let page = include_str!("../../docs/ci.md");
        let text = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
        let policy = Policy::read(text.unwrap().as_bytes()).unwrap();
        assert_eq!(policy.limits.usd, Some(Usd(2e6)));
        assert!(policy.required.evaluate_at_hand_offs && policy.allowed.accelerators.is_some());
    }

    #[test]
    fn faults_are_placed_and_name_what_would_be_right() {
        let cases = [
            ("[limit]\nusd = 1\n", "did you mean `limits`?", "limit"),
            ("limits.us = 1\n", "did you mean `usd`?", "us"),
            ("[levels]\nloaders = \"deny\"\n", "`loader`", "loaders"),
            ("[levels]\nloader = \"forbid\"\n", "known are allow", "\"forbid\""),
            ("[levels]\n\"invalid-plan\" = \"allow\"\n", "cannot be set", "\"invalid-plan\""),
            ("[levels]\nhard-gat = \"warn\"\n", "`hard-gate`", "hard-gat"),
            ("[allowed]\naccelerators = [\"h100-sxm\", \"h1000\"]\n", "nearest", "\"h1000\""),
            ("[limits]\ntonnes_co2e = -1\n", "from 0 to", "-1"),
            ("[allowed]\nregions = [\"se\", \"swedn\"]\n", "sweden", "\"swedn\""),
            ("[budget]\nusd = 10\n", "belongs in a plan", "budget"),
            ("[limits]\nusd = \"10d\"\n", "is a time", "\"10d\""),
        ];
        for (text, said, at) in cases {
            let (message, span) = fault(text);
            assert!(message.contains(said), "{text}: {message}");
            assert_eq!(span, at, "{text}: {message}");
        }
    }
}
