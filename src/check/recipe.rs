//! Rules about how the model is trained.

use super::rule::rule;
use super::{Finding, Rule, Subject};
use crate::quantity::significant;

/// How far above the highest law a learning rate may lie, and how far below the lowest: of 55 dense
/// published runs 7 lie within the laws, nearly all others below them, and 53 within these limits.
const ABOVE: f64 = 3.0;
/// The other of the two.
const BELOW: f64 = 6.0;

pub(super) static LEARNING_RATE_OUTSIDE_LAWS: Rule = rule!(
    "learning-rate-outside-laws",
    Allocation,
    Warning,
    "0.1.0",
    "the peak learning rate is far outside every published law",
    learning_rate_outside_laws
);

fn learning_rate_outside_laws(subject: &Subject) -> Vec<Finding> {
    let Some(own) = &subject.derivation.derived.recipe else {
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
