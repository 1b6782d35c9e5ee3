//! The plan of a run of a ladder.

use super::{Ladder, Rung};
use crate::check::check_derived;
use crate::derive::{DeriveError, derive_with};
use crate::file::{Document, chosen_text, with_derived};
use crate::plan::{Allowance, Chosen, Inputs, ModelChoice, Run};
use crate::quantity::{Quantity as _, significant};

/// Rules that a run of a ladder breaks on purpose, and why.
const ON_PURPOSE: [(&str, &str); 4] = [
    ("not-compute-optimal", "a run of a ladder, beside the optimum on purpose"),
    ("far-from-optimal", "a run of a ladder, beside the optimum on purpose"),
    ("law-extrapolated", "a run of a ladder, which measures the law anew"),
    ("unusual-depth", "a run of a ladder, smaller than published models"),
];

/// The chosen tables of a run: its shape, its tokens, and of the plan that the ladder serves the law,
/// the cluster, the prices and the sequence.
#[must_use]
pub fn rung_plan(ladder: &Ladder, rung: &Rung, base: &Chosen) -> Chosen {
    let budget = significant(rung.flops.0, 3);
    let mut chosen = Chosen {
        name: Some(format!("ladder {}: {budget} FLOP, {}", rung.name(), rung.params.human())),
        run: Run { tokens: Some(rung.tokens), ..Run::default() },
        law: base.law.clone(),
        model: ModelChoice { shape: Some(rung.shape.clone()), ..ModelChoice::default() },
        cluster: base.cluster.clone(),
        cost: base.cost.clone(),
        ..Chosen::default()
    };
    chosen.law.k = Some(ladder.settings.k).filter(|_| base.law.k.is_some());
    chosen.training.sequence = base.training.sequence;
    chosen
}

/// The same as a file, with what follows from it; what a run of a ladder breaks on purpose is
/// allowed in it.
///
/// # Errors
/// Faults of the plan that the ladder serves.
///
/// # Panics
/// Never: what was just written can be read.
pub fn rung_text(
    ladder: &Ladder,
    rung: &Rung,
    base: &Chosen,
    inputs: &Inputs,
) -> Result<String, DeriveError> {
    let mut chosen = rung_plan(ladder, rung, base);
    let document = |chosen: &Chosen| Document {
        text: chosen_text(chosen),
        chosen: chosen.clone(),
        derived: None,
        as_derived: false,
    };
    let derivation = derive_with(&chosen, inputs)?;
    let found = check_derived(&document(&chosen), &derivation).findings;
    let allowed = ON_PURPOSE.iter().filter(|(rule, _)| found.iter().any(|one| one.rule == *rule));
    let allowed = allowed
        .map(|(rule, reason)| Allowance { rule: (*rule).to_owned(), reason: (*reason).to_owned() });
    chosen.allow = allowed.collect();
    let text = chosen_text(&chosen);
    let written = with_derived(&text, &derivation.derived);
    Ok(written.expect("a plan that was just written can be read"))
}
