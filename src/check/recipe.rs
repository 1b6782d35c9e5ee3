//! Rules about how the model is trained.

use super::rule::rule;
use super::stages::stage;
use super::{Finding, Rule, Subject};
use crate::plan::{Chosen, DerivedRecipe, KeyPath};
use crate::quantity::{Quantity, Steps, Tokens, significant};
use crate::recipe::least_warmup_steps;

/// How far above the highest law a learning rate may lie, and how far below the lowest: of 55 dense
/// published runs 7 lie within the laws, nearly all others below them, and 53 within these limits.
const ABOVE: f64 = 3.0;
/// The other of the two.
const BELOW: f64 = 6.0;
/// Rounding of stated tokens.
const ROUNDING: f64 = 1e-3;
/// Share of the run that a warm-up may take: Cerebras-GPT 111M's 1,525 of 9,037 steps are 17 %.
const LONGEST_WARMUP: f64 = 0.2;
/// Times the critical batch: of 55 published runs `DeepSeek`-V3 is highest, at 4.5.
const PAST_CRITICAL: f64 = 5.0;

pub(super) static LEARNING_RATE_OUTSIDE_LAWS: Rule = rule!(
    "learning-rate-outside-laws",
    Recipe,
    Warning,
    "0.1.0",
    "the peak learning rate is far outside every published law",
    learning_rate_outside_laws
);
pub(super) static STEPS_CONTRADICT_TOKENS: Rule = rule!(
    "steps-contradict-tokens",
    Recipe,
    Error,
    "0.1.0",
    "the steps of the run times its batch are not its tokens",
    steps_contradict_tokens
);
pub(super) static WARM_UP_OUT_OF_PROPORTION: Rule = rule!(
    "warm-up-out-of-proportion",
    Recipe,
    Warning,
    "0.1.0",
    "the warm-up is shorter than the optimizer needs, or a large part of the run",
    warm_up_out_of_proportion
);
pub(super) static BATCH_PAST_CRITICAL: Rule = rule!(
    "batch-past-critical",
    Recipe,
    Warning,
    "0.1.0",
    "the batch is so far past the critical one that most of its tokens are wasted",
    batch_past_critical
);

fn recipe<'a>(subject: &'a Subject) -> Option<&'a DerivedRecipe> {
    subject.derivation.derived.recipe.as_ref()
}

fn learning_rate_outside_laws(subject: &Subject) -> Vec<Finding> {
    let stated = subject.document.chosen.training.peak_lr;
    let Some(own) = recipe(subject).filter(|_| stated.is_some()) else {
        return Vec::new();
    };
    let ([low, high], peak) = (own.laws_lr, own.peak_lr);
    let (factor, side) = match () {
        () if peak > ABOVE * high => (peak / high, "above the highest"),
        () if peak < low / BELOW => (low / peak, "below the lowest"),
        () => return Vec::new(),
    };
    let laws = own.lr_by_law.iter().map(|(law, rate)| format!("{law} {}", significant(*rate, 3)));
    let laws: Vec<String> = laws.collect();
    let factor = significant(factor, 2);
    vec![
        Finding::new(format!("a peak learning rate of {peak} is {factor} times {side} law"))
            .at(
                "training.peak_lr",
                format!("laws give {} to {}", significant(low, 3), significant(high, 3)),
            )
            .help(format!("for this size and length: {}", laws.join(", "))),
    ]
}

fn steps_contradict_tokens(subject: &Subject) -> Vec<Finding> {
    let training = &subject.document.chosen.training;
    let (Some(steps), Some(batch), Some(point)) =
        (training.steps, training.batch_tokens, subject.derivation.point)
    else {
        return Vec::new();
    };
    let batches = training.batches(batch);
    let (read, run) = (Tokens(batches.tokens(steps.0)), point.tokens);
    let missed = (read.0 - run.0).abs();
    if missed <= batch.0.max(ROUNDING * run.0) {
        return Vec::new();
    }
    let needed = Steps(batches.steps(run.0).ceil());
    let ramp = if training.batch_ramp_from.is_some() { " that grow" } else { "" };
    let message = format!(
        "{} steps of batches{ramp} read {} tokens, but the run has {}",
        steps.human(),
        read.human(),
        run.human()
    );
    vec![
        Finding::new(message)
            .at("training.steps", format!("the run takes {} steps", needed.human()))
            .at("training.batch_tokens", format!("{} tokens a step", batch.human()))
            .help("are the steps, or the tokens, those of another run or of a part of this one?")
            .measured((read.0 / run.0).max(run.0 / read.0)),
    ]
}

fn warm_up_out_of_proportion(subject: &Subject) -> Vec<Finding> {
    let training = &subject.document.chosen.training;
    let key = match (training.warmup_steps, training.warmup_tokens) {
        (Some(_), _) => "training.warmup_steps",
        (None, Some(_)) => "training.warmup_tokens",
        (None, None) => return Vec::new(),
    };
    let (Some(own), Some(point)) = (recipe(subject), subject.derivation.point) else {
        return Vec::new();
    };
    let warmup = own.warmup_tokens;
    let steps = training.batches(own.batch_tokens).steps(warmup.0);
    let least = least_warmup_steps(own.betas[1]);
    let share = warmup.0 / point.tokens.0;
    let [low, high] = own.warmups.map(|tokens| Tokens(tokens).human());
    if share > LONGEST_WARMUP {
        let share = significant(share * 100.0, 2);
        return vec![
            Finding::new(format!("the warm-up takes {share} % of the run"))
                .at(key, format!("{} of {} tokens", warmup.human(), point.tokens.human()))
                .help(format!("published recipes come to {low} to {high} tokens here"))
                .measured(warmup.0 / point.tokens.0),
        ];
    }
    // half a step for tokens that are rounded
    if steps + 0.5 < least {
        let label = format!(
            "AdamW's second moment needs {} steps at beta2 = {}",
            significant(least, 3),
            own.betas[1]
        );
        return vec![
            Finding::new(format!("the warm-up takes {} steps", significant(steps, 3)))
                .at(key, label)
                .help(format!("published recipes come to {low} to {high} tokens here"))
                .measured(least / steps),
        ];
    }
    Vec::new()
}

/// Where the largest batch is stated.
fn batch_key(chosen: &Chosen, batch: Tokens) -> Option<KeyPath> {
    if chosen.training.batch_tokens.is_some() {
        return Some(KeyPath::from("training.batch_tokens"));
    }
    let own = chosen.stages.iter().position(|stage| stage.batch_tokens == Some(batch))?;
    Some(stage(own).join("batch_tokens"))
}

fn batch_past_critical(subject: &Subject) -> Vec<Finding> {
    let Some(own) = recipe(subject) else {
        return Vec::new();
    };
    let (batch, critical) = (own.batch_tokens, own.critical_batch_tokens);
    let times = batch.0 / critical.0;
    let Some(key) = batch_key(&subject.document.chosen, batch).filter(|_| times > PAST_CRITICAL)
    else {
        return Vec::new();
    };
    vec![
        Finding::new(format!(
            "a batch of {} tokens is {} times the critical one",
            batch.human(),
            significant(times, 2)
        ))
        .at(key, format!("the critical batch is {} tokens", critical.human()))
        .help(format!(
            "by the law the run takes {} times the tokens that it takes at least, and saves few \
             steps; more devices than a smaller batch can feed do not train faster",
            significant(1.0 + times, 2)
        ))
        .measured(times),
    ]
}
