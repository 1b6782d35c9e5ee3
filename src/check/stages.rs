//! Rules about the curriculum.

use super::rule::rule;
use super::{Finding, Rule, Subject};
use crate::data::{Curriculum, Placed, Ramp};
use crate::plan::KeyPath;
use crate::quantity::{Quantity, exact, round_significant, significant};

/// Rounding of stated tokens.
const ROUNDING: f64 = 1e-3;
/// Share of the batch that may change hands at once without a word: a judgement. Both published
/// hand-offs of `SmolLM3` move 19 %, source by source.
const GATE: f64 = 0.25;

pub(super) static STAGES_EXCEED_RUN: Rule = rule!(
    "stages-exceed-run",
    Stages,
    Error,
    "0.1.0",
    "the tokens and shares of the stages need a longer run",
    stages_exceed_run
);
pub(super) static STAGES_CONTRADICT_TOKENS: Rule = rule!(
    "stages-contradict-tokens",
    Stages,
    Error,
    "0.1.0",
    "the tokens of the stages do not sum to the tokens of the run",
    stages_contradict_tokens
);
pub(super) static HARD_GATE: Rule =
    rule!("hard-gate", Stages, Warning, "0.1.0", "the mixture jumps between two stages", hard_gate);
pub(super) static FALLING_DIFFICULTY: Rule = rule!(
    "falling-difficulty",
    Stages,
    Warning,
    "0.1.0",
    "the text gets easier in the course of the run",
    falling_difficulty
);

pub(super) static WEIGHTS_NORMALISED: Rule = rule!(
    strict "weights-normalised",
    Stages,
    Warning,
    "0.1.0",
    "the weights of a stage do not sum to 1 and were normalised",
    weights_normalised
);

pub(super) fn stage(index: usize) -> KeyPath {
    KeyPath::from("stages").join(index.to_string())
}

/// The stages within the run, where both are known.
pub(super) fn placed(subject: &Subject) -> Vec<Placed> {
    let derivation = subject.derivation;
    let (Some(curriculum), Some(point)) = (&derivation.curriculum, derivation.point) else {
        return Vec::new();
    };
    curriculum.placed(point.tokens)
}

/// The stages in which anything is read, each with its place in the plan.
pub(super) fn read_stages(subject: &Subject) -> Vec<(usize, Placed)> {
    placed(subject).into_iter().enumerate().filter(|(_, stage)| stage.end > stage.start).collect()
}

fn stages_exceed_run(subject: &Subject) -> Vec<Finding> {
    let derivation = subject.derivation;
    let (Some(curriculum), Some(point)) = (&derivation.curriculum, derivation.point) else {
        return Vec::new();
    };
    let shortest = curriculum.shortest();
    if shortest.0 <= point.tokens.0 * (1.0 + ROUNDING) {
        return Vec::new();
    }
    let message = if shortest.0.is_finite() {
        let (shortest, own) = (shortest.human(), point.tokens.human());
        format!("the stages need a run of {shortest} tokens, but it has {own}")
    } else {
        "the shares of the stages leave no room for those that state tokens".to_owned()
    };
    let stages = &subject.document.chosen.stages;
    let length = |index: usize| {
        let stage = &stages[index];
        let by_steps = stage.steps.map(|steps| ("steps", steps.0));
        stage.tokens.map(|tokens| ("tokens", tokens.0)).or(by_steps)
    };
    let lengths = (0..stages.len()).filter_map(|index| Some((index, length(index)?)));
    let longest = lengths.max_by(|a, b| a.1.1.total_cmp(&b.1.1));
    let (longest, (key, _)) = longest.unwrap_or((0, ("tokens", 0.0)));
    vec![
        Finding::new(message)
            .at(stage(longest).join(key), "nothing is left for the rest of the run")
            .help("state shares instead of tokens, or a longer run"),
    ]
}

fn stages_contradict_tokens(subject: &Subject) -> Vec<Finding> {
    let derivation = subject.derivation;
    let stated = derivation.curriculum.as_ref().and_then(Curriculum::stated_tokens);
    let (Some(stated), Some(point)) = (stated, derivation.point) else {
        return Vec::new();
    };
    if (stated.0 / point.tokens.0 - 1.0).abs() <= ROUNDING {
        return Vec::new();
    }
    let run = &subject.document.chosen.run;
    let key = if run.tokens.is_some() { "run.tokens" } else { "run.epochs" };
    vec![
        Finding::new(format!(
            "the stages sum to {} tokens, but the run has {}",
            stated.human(),
            point.tokens.human()
        ))
        .at(key, format!("{} tokens", point.tokens.human()))
        .help("leave the length of one stage out: it is then the rest of the run"),
    ]
}

fn weights_normalised(subject: &Subject) -> Vec<Finding> {
    let Some(curriculum) = &subject.derivation.curriculum else {
        return Vec::new();
    };
    let stages = &subject.document.chosen.stages;
    let told = curriculum.normalised.iter().filter(|sum| sum.is_worth_a_word());
    let findings = told.map(|normalised| {
        let sum = exact(round_significant(normalised.sum, 8));
        let (index, key) = (normalised.stage, normalised.key);
        Finding::new(format!("the `{key}` of `{}` sums to {sum}", stages[index].name))
            .at(stage(index).join(key), format!("each weight was divided by {sum}"))
            .help("state weights that sum to 1, so that everyone reads the same ones")
    });
    findings.collect()
}

fn hard_gate(subject: &Subject) -> Vec<Finding> {
    let stages = &subject.document.chosen.stages;
    let all = read_stages(subject);
    let mut placed = all.clone();
    placed.retain(|(_, stage)| stage.kind.in_run());
    let between = placed.windows(2).map(|pair| {
        let on_top = all.iter().filter(|(at, _)| pair[0].0 < *at && *at < pair[1].0);
        let on_top: Vec<String> = on_top.map(|(_, stage)| format!("`{}`", stage.name)).collect();
        let (index, pair) = (pair[1].0, [&pair[0].1, &pair[1].1]);
        let message = match on_top.as_slice() {
            [] => format!("changes at once from `{}` to `{}`", pair[0].name, pair[1].name),
            // what comes on top of the run is judged apart, and does not soften the change within it
            on_top => format!(
                "changes from `{}` to `{}`; {} in between {} on top of the run",
                pair[0].name,
                pair[1].name,
                on_top.join(", "),
                if on_top.len() == 1 { "comes" } else { "come" }
            ),
        };
        let help = format!(
            "let `{}` come `from` the mixture of `{}` with a ramp",
            pair[1].name, pair[0].name
        );
        let key = if stages[index].from.is_some() { "from" } else { "mixture" };
        (moved(&pair[0].last, &pair[1].first), message, stage(index).join(key), help)
    });
    let within = placed.iter().filter_map(|(index, placed)| {
        let chosen = &stages[*index];
        let plateaus = (chosen.ramp? == Ramp::Step).then(|| chosen.plateaus.unwrap_or(2))?;
        let step = moved(&placed.first, &placed.last) / f64::from(plateaus - 1);
        let message = format!("changes at once between the plateaus of `{}`", placed.name);
        let help = "take more `plateaus`, or a smooth ramp".to_owned();
        Some((step, message, stage(*index).join("ramp"), help))
    });
    let gates = between.chain(within).filter(|(moved, ..)| *moved > GATE);
    let findings = gates.map(|(moved, message, key, help)| {
        let percent = significant(moved * 100.0, 2);
        Finding::new(format!("{percent} % of the batch {message}")).at(key, "abrupt").help(help)
    });
    findings.collect()
}

/// The share of the batch that changes hands between two mixtures.
pub(super) fn moved(before: &[f64], after: &[f64]) -> f64 {
    before.iter().zip(after).map(|(a, b)| (a - b).abs()).sum::<f64>() / 2.0
}

fn falling_difficulty(subject: &Subject) -> Vec<Finding> {
    let sources = &subject.document.chosen.sources;
    let Some(curriculum) = &subject.derivation.curriculum else {
        return Vec::new();
    };
    let difficulties: Option<Vec<f64>> = curriculum
        .names
        .iter()
        .map(|name| sources.get(name)?.difficulty.map(|difficulty| difficulty.0))
        .collect();
    let Some(difficulties) = difficulties else {
        return Vec::new();
    };
    let mean = |weights: &[f64]| -> f64 {
        weights.iter().zip(&difficulties).map(|(weight, difficulty)| weight * difficulty).sum()
    };
    let mut placed = read_stages(subject);
    placed.retain(|(_, stage)| stage.kind.in_run());
    let within = placed.iter().map(|(index, stage)| {
        let name = format!("the end of `{}` is easier than its start", stage.name);
        (*index, name, mean(&stage.first), mean(&stage.last))
    });
    let between = placed.windows(2).map(|pair| {
        let (index, pair) = (pair[1].0, [&pair[0].1, &pair[1].1]);
        let name = format!("`{}` is easier than `{}`", pair[1].name, pair[0].name);
        (index, name, mean(&pair[0].mean), mean(&pair[1].mean))
    });
    let falls = within.chain(between).filter(|(_, _, before, after)| *after < before - 1e-9);
    let findings = falls.map(|(index, message, before, after)| {
        let (before, after) = (significant(before, 3), significant(after, 3));
        Finding::new(message)
            .at(stage(index).join("mixture"), format!("mean difficulty {after}, before {before}"))
            .help("order the text from easy to hard, or allow this with the reason")
    });
    findings.collect()
}
