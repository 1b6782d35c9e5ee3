//! Runs from which no law can be told, and those from which one can with care.

use super::{Run, Settings};
use std::collections::BTreeSet;

/// Factor below which sizes, lengths or budgets are one.
const ONE: f64 = 1.05;

/// Why no law follows from runs.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FitError {
    /// So many constants need more.
    #[error(
        "{distinct} distinct runs of {rows} cannot tell {constants} constants: at least {} are needed, \
         and 20 or more give intervals that can be relied on", .constants + 1
    )]
    TooFew {
        /// Runs.
        rows: usize,
        /// Distinct ones.
        distinct: usize,
        /// What is to be told.
        constants: usize,
    },
    /// All N are one.
    #[error("all runs have one size, so that nothing is known of A and alpha: add other sizes")]
    OneSize,
    /// All D are one.
    #[error("all runs have one length, so that nothing is known of B and beta: add other lengths")]
    OneLength,
    /// All kND are one.
    #[error(
        "all runs have one budget, so that E, alpha and beta cannot be told apart: add runs of a \
         second budget"
    )]
    OneBudget,
    /// All losses are one.
    #[error("all runs have the same loss: there is nothing to fit")]
    OneLoss,
    /// A value that is no number, or not above zero.
    #[error("run {row}: {what} is {value}, and must be above 0 and finite")]
    Value {
        /// Which run, from 1.
        row: usize,
        /// What of it.
        what: &'static str,
        /// The value.
        value: f64,
    },
    /// No start led anywhere.
    #[error("no minimum was found: the losses differ too much from any law of this form")]
    NoMinimum,
}

/// Refuses what cannot be fitted, and remarks on what can with care.
pub(super) fn check(runs: &[Run], settings: &Settings) -> Result<Vec<String>, FitError> {
    let Settings { k, exponents, .. } = *settings;
    let constants = exponents.constants();
    for (index, run) in runs.iter().enumerate() {
        let values = [
            ("params", run.params),
            ("tokens", run.tokens),
            ("loss", run.loss),
            ("weight", run.weight),
        ];
        for (what, value) in values {
            if !(value.is_finite() && value > 0.0) {
                return Err(FitError::Value { row: index + 1, what, value });
            }
        }
    }
    let bits = |run: &Run| (run.params.to_bits(), run.tokens.to_bits(), run.loss.to_bits());
    let distinct = runs.iter().map(bits).collect::<BTreeSet<_>>().len();
    let places: BTreeSet<_> = runs.iter().map(|run| (bits(run).0, bits(run).1)).collect();
    if places.len() <= constants {
        return Err(FitError::TooFew { rows: runs.len(), distinct: places.len(), constants });
    }
    let spread = |of: &dyn Fn(&Run) -> f64| {
        let ends = runs
            .iter()
            .map(of)
            .fold((f64::INFINITY, 0.0_f64), |ends, value| (ends.0.min(value), ends.1.max(value)));
        ends.1 / ends.0
    };
    if spread(&|run| run.loss) <= 1.0 {
        return Err(FitError::OneLoss);
    }
    if spread(&|run| run.params) < ONE {
        return Err(FitError::OneSize);
    }
    if spread(&|run| run.tokens) < ONE {
        return Err(FitError::OneLength);
    }
    if spread(&|run| run.flops(k)) < ONE {
        return Err(FitError::OneBudget);
    }
    let mut remarks = Vec::new();
    if distinct < runs.len() {
        let twice = runs.len() - distinct;
        remarks.push(format!(
            "{twice} of {} rows repeat another to the digit: they count as runs of their own, and \
             narrow the intervals; drop them if they are copies",
            runs.len()
        ));
    }
    let repeated = runs.iter().filter(|run| run.epochs().is_some_and(|e| e > 1.05)).count();
    if repeated > 0 {
        remarks.push(format!(
            "{repeated} of {} runs read their data more than once, which this form takes for fresh \
             tokens: --where \"epochs<=1\" leaves them out, --form data-constrained fits what they are worth",
            runs.len()
        ));
    }
    if distinct < 20 {
        remarks.push(format!("{distinct} distinct runs are few: the intervals are rough"));
    }
    Ok(remarks)
}
