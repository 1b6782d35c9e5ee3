//! Rules about the learning rate over the run.

use super::rule::rule;
use super::stages::stage;
use super::{Finding, Rule, Subject};
use crate::plan::{Chosen, DerivedHandOff, KeyPath, Schedule};
use crate::quantity::{Quantity, Tokens, significant};

/// By what share the learning rate may differ at a hand-off: `OLMo` 2 7B's does by 0.2 %.
const JUMP: f64 = 0.05;
/// How much longer than its run a cosine may be: Hoffmann et al. see a loss from a quarter on.
const LONGER: f64 = 1.25;
/// How much shorter: GPT-3's takes 260 B of 300 B tokens, and stays at a tenth for the rest.
const SHORTER: f64 = 0.8;

pub(super) static COSINE_NOT_THE_RUN: Rule = rule!(
    "cosine-not-the-run",
    Recipe,
    Warning,
    "0.1.0",
    "the learning rate falls over another length than the run's",
    cosine_not_the_run
);
pub(super) static LEARNING_RATE_BREAK: Rule = rule!(
    "learning-rate-break",
    Recipe,
    Warning,
    "0.1.0",
    "a stage begins at another learning rate than the one before it ends with",
    learning_rate_break
);

/// Whether the plan states the learning rate before any hand-off.
fn states_peak(chosen: &Chosen) -> bool {
    let first = chosen.stages.first().is_some_and(|stage| stage.learning_rate.is_some());
    chosen.training.peak_lr.is_some() || first
}

/// The place of a stage among the plan's.
fn place(chosen: &Chosen, name: &str) -> Option<usize> {
    chosen.stages.iter().position(|stage| stage.name == name)
}

fn cosine_not_the_run(subject: &Subject) -> Vec<Finding> {
    let chosen = &subject.document.chosen;
    let falls =
        matches!(chosen.training.schedule, None | Some(Schedule::Cosine | Schedule::Linear));
    let (Some(length), Some(recipe), Some(point)) = (
        chosen.training.schedule_tokens.filter(|_| falls),
        &subject.derivation.derived.recipe,
        subject.derivation.point,
    ) else {
        return Vec::new();
    };
    // a stage with a rate of its own takes over from the schedule, wherever that has come to
    let own_rate = |hand_off: &&DerivedHandOff| {
        place(chosen, &hand_off.after).is_some_and(|at| chosen.stages[at].learning_rate.is_some())
    };
    let taken_over = recipe.hand_offs.iter().find(own_rate).map(|hand_off| hand_off.at_tokens);
    let run = taken_over.unwrap_or(point.tokens);
    let times = length.0 / run.0;
    let (message, label) = if times > LONGER && taken_over.is_none() {
        let left = recipe.final_lr.map_or(f64::NAN, |rate| rate / recipe.peak_lr);
        (
            format!("the schedule is {} times as long as the run", significant(times, 3)),
            format!("the run ends at {} % of the peak", significant(100.0 * left, 2)),
        )
    } else if times < SHORTER {
        let rest = Tokens(run.0 - length.0).human();
        (
            format!("the schedule is {} of the run", Percent(times)),
            format!("the last {rest} tokens stay at the lowest learning rate"),
        )
    } else {
        return Vec::new();
    };
    vec![
        Finding::new(message)
            .at("training.schedule_tokens", label)
            .help(format!("leave it out: the schedule is then the run of {} tokens", run.human()))
            .measured(times.max(1.0 / times)),
    ]
}

/// A share, for people.
struct Percent(f64);

impl std::fmt::Display for Percent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} %", significant(self.0 * 100.0, 3))
    }
}

fn learning_rate_break(subject: &Subject) -> Vec<Finding> {
    let chosen = &subject.document.chosen;
    let Some(recipe) = &subject.derivation.derived.recipe else {
        return Vec::new();
    };
    let findings = recipe.hand_offs.iter().filter_map(|hand_off| broken(chosen, hand_off));
    findings.collect()
}

fn broken(chosen: &Chosen, hand_off: &DerivedHandOff) -> Option<Finding> {
    let (ends, begins) = (hand_off.ends_at?, hand_off.begins_at?);
    if (begins - ends).abs() <= JUMP * ends.max(begins) {
        return None;
    }
    let before = place(chosen, &hand_off.before)?;
    let after = place(chosen, &hand_off.after)?;
    let ends_stated = chosen.stages[before].final_learning_rate.is_some();
    let begins_stated = chosen.stages[after].learning_rate.is_some();
    if (!ends_stated || !begins_stated) && !states_peak(chosen) {
        return None;
    }
    let peak = if chosen.training.peak_lr.is_some() {
        KeyPath::from("training.peak_lr")
    } else {
        stage(0).join("learning_rate")
    };
    let (low, high) = (significant(ends, 4), significant(begins, 4));
    let (end_key, end_label) = if ends_stated {
        (stage(before).join("final_learning_rate"), String::new())
    } else {
        (peak.clone(), format!("by its schedule `{}` ends at {low}", hand_off.before))
    };
    let (begin_key, begin_label) = if begins_stated {
        (stage(after).join("learning_rate"), String::new())
    } else {
        (peak, format!("by its schedule `{}` begins at {high}", hand_off.after))
    };
    Some(
        Finding::new(format!(
            "`{}` ends at a learning rate of {low}, but `{}` begins at {high}",
            hand_off.before, hand_off.after
        ))
        .at(begin_key, begin_label)
        .at(end_key, end_label)
        .help("a stage goes on where the run has come to: correct the schedule of one")
        .measured((ends / begins).max(begins / ends)),
    )
}
