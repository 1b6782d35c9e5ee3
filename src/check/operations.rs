//! Rules about what happens beside training.

use super::rule::rule;
use super::{Finding, Rule, Subject};
use crate::quantity::{Quantity, significant};

/// Share of the time that checkpoints may lose more than the best do: BLOOM went from 250 steps,
/// which lost 1.7 % more, to 100, which lost 0.2 %.
const LOST: f64 = 0.01;

pub(super) static CHECKPOINTS_IGNORE_FAILURES: Rule = rule!(
    "checkpoints-ignore-failures",
    Operations,
    Warning,
    "0.1.0",
    "checkpoints come so rarely, or so often, that the run loses time to it",
    checkpoints_ignore_failures
);
pub(super) static NO_EVALUATION: Rule = rule!(
    "no-evaluation",
    Operations,
    Warning,
    "0.1.0",
    "the run is over before its first evaluation",
    no_evaluation
);

fn checkpoints_ignore_failures(subject: &Subject) -> Vec<Finding> {
    let key = "operations.checkpoint_every_steps";
    let stated = subject.document.chosen.operations.checkpoint_every_steps;
    let (Some(_), Some(own)) = (stated, &subject.derivation.derived.operations) else {
        return Vec::new();
    };
    let lost = own.best_effective_time.0 - own.effective_time.0;
    let Some(best) = own.best_checkpoint_steps.filter(|_| lost > LOST) else {
        return Vec::new();
    };
    let hours = |seconds: f64| significant(seconds / 3600.0, 3);
    let (every, fails) = (own.checkpoint_every_seconds, own.hours_between_failures);
    let label = if every > own.best_checkpoint_seconds {
        format!(
            "{} h of work between saves; a failure every {} h",
            hours(every),
            hours(fails * 3600.0)
        )
    } else {
        format!("saving alone takes {}", crate::quantity::Fraction(lost).human())
    };
    vec![
        Finding::new(format!(
            "checkpoints lose {} of the time more than they need",
            crate::quantity::Fraction(lost).human()
        ))
        .at(key, label)
        .help(format!("{} steps lose least: `checkpoint_every_steps = {best}`", best.human()))
        .measured(lost),
    ]
}

fn no_evaluation(subject: &Subject) -> Vec<Finding> {
    let operations = &subject.document.chosen.operations;
    let recipe = subject.derivation.derived.recipe.as_ref();
    let (Some(every), Some(recipe)) = (operations.evaluate_every_steps, recipe) else {
        return Vec::new();
    };
    let at_hand_offs =
        operations.evaluate_at_hand_offs == Some(true) && !recipe.hand_offs.is_empty();
    let stated = subject.document.chosen.training.batch_tokens.is_some()
        || subject.document.chosen.training.steps.is_some()
        || subject.document.chosen.stages.iter().any(|stage| stage.batch_tokens.is_some());
    let Some(steps) = recipe.steps.filter(|steps| stated && every.0 > steps.0 && !at_hand_offs)
    else {
        return Vec::new();
    };
    vec![
        Finding::new("the run is never evaluated before its end")
            .at(
                "operations.evaluate_every_steps",
                format!(
                    "the run has {} steps of {} tokens",
                    steps.human(),
                    recipe.batch_tokens.human()
                ),
            )
            .help(
                "count in optimizer steps, not in tokens or samples; OLMo 2 evaluates every 1,000",
            )
            .measured(every.0 / steps.0),
    ]
}
