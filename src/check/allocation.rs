//! Rules about size and tokens.

use super::rule::rule;
use super::{Finding, Rule, Subject};
use crate::allocation::{Deviation, Point};
use crate::data::Mixture;
use crate::derive::Derivation;
use crate::plan::{Chosen, Goal, KeyPath};
use crate::quantity::{Fraction, Params, Quantity, Tokens, significant};

/// Share of the compute that a plan may waste against the optimum: under the default law sizes
/// from 0.6 to 1.7 times the optimum cost less, so a round size passes.
const WASTE: f64 = 0.1;
/// Where the law has no loss: how far D/N may be from the optimum's.
const RATIO: f64 = 4.0;
/// How far two statements of the same number may differ: plans round to two digits.
const ROUNDING: f64 = 0.02;
/// Nats per token by which a target may be missed: the spread between equal runs.
const LOSS: f64 = 0.005;

pub(super) static NOT_COMPUTE_OPTIMAL: Rule = rule!(
    "not-compute-optimal",
    Allocation,
    Error,
    "0.1.0",
    "the goal is compute-optimal, but size and tokens are far from the optimum",
    not_compute_optimal
);
pub(super) static FAR_FROM_OPTIMAL: Rule = rule!(
    "far-from-optimal",
    Allocation,
    Warning,
    "0.1.0",
    "size and tokens are far from the optimum, and no goal says why",
    far_from_optimal
);
pub(super) static TOKENS_CONTRADICT_EPOCHS: Rule = rule!(
    "tokens-contradict-epochs",
    Allocation,
    Error,
    "0.1.0",
    "tokens and epochs are both stated and do not agree",
    tokens_contradict_epochs
);
pub(super) static TOKENS_CONTRADICT_RATIO: Rule = rule!(
    "tokens-contradict-ratio",
    Allocation,
    Error,
    "0.1.0",
    "size, tokens and tokens per parameter are all stated and do not agree",
    tokens_contradict_ratio
);
pub(super) static LOSS_TARGET_MISSED: Rule = rule!(
    "loss-target-missed",
    Allocation,
    Error,
    "0.1.0",
    "size and tokens are stated and do not reach the stated loss",
    loss_target_missed
);
pub(super) static GOAL_WITHOUT_FACTS: Rule = rule!(
    "goal-without-facts",
    Allocation,
    Warning,
    "0.1.0",
    "the goal needs a fact that the plan does not state",
    goal_without_facts
);

fn not_compute_optimal(subject: &Subject) -> Vec<Finding> {
    match subject.document.chosen.run.goal {
        Some(Goal::ComputeOptimal) => {
            let help = if subject.derivation.serves_budget() {
                "tokens to serve size this run: claim `goal = \"inference\"`"
            } else {
                "leave size or tokens open to have them derived, or claim another goal"
            };
            waste(subject).map(|finding| finding.help(help)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn far_from_optimal(subject: &Subject) -> Vec<Finding> {
    let run = &subject.document.chosen.run;
    if run.goal.is_some() || run.inference_tokens.is_some() {
        return Vec::new();
    }
    let finding = waste(subject).map(|finding| {
        finding.help("say in `run.goal` what the plan is for: inference, fixed-size, data-limited")
    });
    finding.into_iter().collect()
}

/// A run that wastes compute, told with the optimum beside it.
///
/// Where data are short, the run is judged by the joint optimum of size and epochs: nothing better
/// can be had with these sources.
fn waste(subject: &Subject) -> Option<Finding> {
    let derivation = subject.derivation;
    let (point, deviation) = (derivation.point?, derivation.deviation?);
    if point.free {
        return None;
    }
    let (waste, measure, best) = if derivation.law.surface().is_some() {
        by_loss(derivation, &point)?
    } else {
        by_ratio(&deviation)?
    };
    let ratio = point.params.map_or(0.0, |params| (point.tokens / params).0);
    Some(Finding::new(format!("the run {waste}")).measured(measure).at(
        off_key(&subject.document.chosen),
        format!(
            "{} tokens per parameter; the optimum of {} has {}: {} parameters, {} tokens",
            significant(ratio, 3),
            point.flops.human(),
            (best.1 / best.0).human(),
            best.0.human(),
            best.1.human(),
        ),
    ))
}

/// The compute that the run wastes against the best of it, the share, and that best.
fn by_loss(derivation: &Derivation, point: &Point) -> Option<(String, f64, (Params, Tokens))> {
    let (objective, loss) = (derivation.objective()?, point.loss?);
    let best = objective.optimum(point.flops);
    let reached = objective.loss(best.0, best.1);
    let enough = |loss| objective.surface.flops_for_loss(loss, derivation.k);
    let wasted = Fraction(1.0 - enough(loss)?.0 / enough(reached)?.0);
    let difference = significant(loss.0 - reached.0, 2);
    let told =
        format!("wastes {} of its compute ({difference} nats above the optimum)", wasted.human());
    (wasted.0 > WASTE).then_some((told, wasted.0, best))
}

/// Under a law without a loss: tokens per parameter far from the optimum's, the factor, and that optimum.
fn by_ratio(deviation: &Deviation) -> Option<(String, f64, (Params, Tokens))> {
    let off = deviation.multiple.max(1.0 / deviation.multiple);
    let multiple = significant(deviation.multiple, 3);
    let told = format!("has {multiple} times the optimum's tokens per parameter");
    (off > RATIO).then_some((told, off, (deviation.params, deviation.tokens)))
}

/// The chosen value that puts the run off the optimum.
fn off_key(chosen: &Chosen) -> KeyPath {
    let run = &chosen.run;
    KeyPath::from(match () {
        () if run.tokens_per_param.is_some() => "run.tokens_per_param",
        () if chosen.model.params.is_some() => "model.params",
        () if run.tokens.is_some() => "run.tokens",
        () if run.epochs.is_some() => "run.epochs",
        () => "run.goal",
    })
}

fn tokens_contradict_epochs(subject: &Subject) -> Vec<Finding> {
    let chosen = &subject.document.chosen;
    let unique =
        subject.derivation.mixture.as_ref().and_then(Mixture::unique).map(|unique| unique.0);
    let (Some(tokens), Some(epochs), Some(unique)) = (chosen.run.tokens, chosen.run.epochs, unique)
    else {
        return Vec::new();
    };
    let follows = Tokens(epochs.0 * unique);
    if unique <= 0.0 || agrees(follows.0, tokens.0) {
        return Vec::new();
    }
    let own = tokens / Tokens(unique);
    vec![
        Finding::new(format!("{} tokens are not {} epochs", tokens.human(), epochs.human()))
            .at(
                "run.epochs",
                format!(
                    "{epochs} x {} unique tokens = {}",
                    Tokens(unique).human(),
                    follows.human()
                ),
            )
            .at("run.tokens", format!("these are {} epochs", own.human()))
            .help("state one of the two"),
    ]
}

fn tokens_contradict_ratio(subject: &Subject) -> Vec<Finding> {
    let chosen = &subject.document.chosen;
    let (Some(params), Some(tokens), Some(ratio)) =
        (chosen.model.params, subject.derivation.wanted.tokens, chosen.run.tokens_per_param)
    else {
        return Vec::new();
    };
    let own = tokens / params;
    if agrees(own.0, ratio.0) {
        return Vec::new();
    }
    vec![
        Finding::new(format!(
            "{} tokens for {} parameters are not {} tokens per parameter",
            tokens.human(),
            params.human(),
            ratio.human()
        ))
        .at("run.tokens_per_param", format!("the plan's own ratio is {}", own.human()))
        .help("state two of the three"),
    ]
}

fn agrees(a: f64, b: f64) -> bool {
    (a / b - 1.0).abs() <= ROUNDING
}

fn loss_target_missed(subject: &Subject) -> Vec<Finding> {
    let derivation = subject.derivation;
    let (Some(target), Some(loss)) =
        (derivation.wanted.loss, derivation.point.and_then(|p| p.loss))
    else {
        return Vec::new();
    };
    if loss.0 <= target.0 + LOSS {
        return Vec::new();
    }
    let stated = subject.document.chosen.run.loss.is_some();
    let key = if stated { "run.loss" } else { "run.match" };
    vec![
        Finding::new(format!("the run reaches a loss of {}, not {}", loss.human(), target.human()))
            .at(
                key,
                format!(
                    "{} nats short under {}",
                    significant(loss.0 - target.0, 2),
                    derivation.law.name
                ),
            )
            .help("leave `model.params` or `run.tokens` open to have it derived")
            .measured(loss.0 - target.0),
    ]
}

fn goal_without_facts(subject: &Subject) -> Vec<Finding> {
    let chosen = &subject.document.chosen;
    let unjudged = subject.derivation.point.is_some_and(|point| !point.free)
        && subject.derivation.deviation.is_none()
        && subject.derivation.law.surface().is_none();
    let lacks = match chosen.run.goal {
        Some(Goal::ComputeOptimal) if unjudged => "law.name = \"besiroglu-2024\"",
        Some(Goal::Inference) if chosen.run.inference_tokens.is_none() => "run.inference_tokens",
        Some(Goal::FixedSize) if chosen.model.params.is_none() => "model.params",
        Some(Goal::DataLimited)
            if !chosen.sources.values().any(|source| source.unique_tokens.is_some()) =>
        {
            "sources.NAME.unique_tokens"
        }
        _ => return Vec::new(),
    };
    vec![
        Finding::new("the goal cannot be judged from this plan")
            .at("run.goal", format!("needs `{lacks}`"))
            .help(format!("add `{lacks}`, or leave the goal out")),
    ]
}
