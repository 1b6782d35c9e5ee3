//! Rules about what happens where one stage hands over to the next.

use super::rule::rule;
use super::stages::{moved, read_stages, stage};
use super::{Finding, Rule, Subject};
use crate::data::{Kind, Placed};
use crate::plan::Schedule;
use crate::quantity::{Quantity, Steps, Tokens, round_significant};
use std::fmt::Write as _;

/// By what share of the run an anneal may miss the decay: rounding to steps and to printed digits.
const MISSED: f64 = 5e-3;
/// Share of the batch that must change hands for a hand-off to be worth an evaluation.
const CHANGED: f64 = 0.01;

pub(super) static ANNEAL_OUTSIDE_DECAY: Rule = rule!(
    "anneal-outside-decay",
    Stages,
    Warning,
    "0.1.0",
    "the anneal and the decay of the learning rate do not coincide",
    anneal_outside_decay
);
pub(super) static HAND_OFF_NOT_EVALUATED: Rule = rule!(
    "hand-off-not-evaluated",
    Stages,
    Warning,
    "0.1.0",
    "the mixture changes between two evaluations",
    hand_off_not_evaluated
);

fn anneal_outside_decay(subject: &Subject) -> Vec<Finding> {
    let training = &subject.document.chosen.training;
    let (Some(point), Some(schedule)) = (subject.derivation.point, training.schedule) else {
        return Vec::new();
    };
    let run = point.tokens;
    if let Some(decay) = training.decay_tokens.filter(|decay| decay.0 > run.0 * (1.0 + 1e-3)) {
        let (decay, run) = (decay.human(), run.human());
        return vec![
            Finding::new(format!("a decay of {decay} tokens is longer than the run of {run}"))
                .at("training.decay_tokens", "the decay is the end of the run"),
        ];
    }
    // places within the run alone, whatever stands between its stages
    let mut read = 0.0;
    let mut own = Vec::new();
    for (index, placed) in read_stages(subject).into_iter().filter(|(_, p)| p.kind.in_run()) {
        let start = read;
        read += placed.tokens.0;
        own.push((index, placed, start));
    }
    let Some(first) = own.iter().position(|(_, placed, _)| placed.kind == Kind::Anneal) else {
        return Vec::new();
    };
    let (index, anneal, start) = &own[first];
    if let Some((later, after, _)) = own[first..].iter().find(|s| s.1.kind != Kind::Anneal) {
        return vec![
            Finding::new(format!("`{}` follows the anneal `{}`", after.name, anneal.name))
                .at(stage(*later).join("name"), "pretraining after the anneal")
                .help("let the anneal be the end of the run"),
        ];
    }
    let decay = match schedule {
        Schedule::Constant => None,
        Schedule::Cosine | Schedule::Linear => return Vec::new(),
        Schedule::Wsd => {
            let share = training.decay_share.map(|share| Tokens(share.0 * run.0));
            match training.decay_tokens.or(share) {
                Some(decay) => Some(run.0 - decay.0),
                None => return Vec::new(),
            }
        }
    };
    let at = |message: String, label: String, help: String| {
        vec![Finding::new(message).at(stage(*index).join("name"), label).help(help)]
    };
    let Some(decay) = decay else {
        let message = format!("`{}` anneals, but the learning rate never decays", anneal.name);
        let help = "the best text is for the decay: take `schedule = \"wsd\"`".to_owned();
        return at(message, "read at the full learning rate".to_owned(), help);
    };
    let missed = Tokens((start - decay).abs());
    if missed.0 <= MISSED * run.0 {
        return Vec::new();
    }
    let label = format!(
        "from {} tokens; the decay begins at {}",
        Tokens(*start).human(),
        Tokens(decay.max(0.0)).human()
    );
    let own = Tokens(round_significant(run.0 - start, 7));
    let help = format!("`decay_tokens = {own}` begins with `{}`", anneal.name);
    let message = if *start < decay {
        let missed = missed.human();
        format!("`{}` reads {missed} tokens before the learning rate decays", anneal.name)
    } else {
        let missed = missed.human();
        format!("the learning rate decays for {missed} tokens before `{}` begins", anneal.name)
    };
    at(message, label, help)
}

fn hand_off_not_evaluated(subject: &Subject) -> Vec<Finding> {
    let operations = &subject.document.chosen.operations;
    let every = operations.evaluate_every_steps;
    if operations.evaluate_at_hand_offs == Some(true)
        || (every.is_none() && operations.evaluate_at_hand_offs.is_none())
    {
        return Vec::new();
    }
    let stages = read_stages(subject);
    let mut findings = Vec::new();
    let mut step = Some(0.0);
    for pair in stages.windows(2) {
        let (before, after) = (&pair[0].1, &pair[1].1);
        step = step.zip(before.steps).map(|(sum, own)| sum + own.0);
        let off = operations.evaluate_at_hand_offs == Some(false);
        let missed = match (every, step) {
            (Some(every), Some(step)) => step % every.0 > 0.5,
            (Some(_), None) => false, // where the steps end is not known
            (None, _) => off,
        };
        if !missed || !changes(before, after) {
            continue;
        }
        let mut place = match step {
            Some(step) => format!("begins after step {}", Steps(step).human()),
            None => format!("begins at {} tokens", after.start_tokens.human()),
        };
        if let Some(every) = every {
            let _ = write!(place, "; evaluations come every {}", every.human());
        }
        findings.push(
            Finding::new(format!(
                "`{}` hands over to `{}` without an evaluation",
                before.name, after.name
            ))
            .at(stage(pair[1].0).join("name"), place)
            .help("set `operations.evaluate_at_hand_offs = true`"),
        );
    }
    findings
}

/// Whether a hand-off changes what is read or how.
fn changes(before: &Placed, after: &Placed) -> bool {
    moved(&before.last, &after.first) > CHANGED
        || moved(&before.mean, &after.mean) > CHANGED
        || before.training != after.training
}
