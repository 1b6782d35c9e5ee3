//! Settings from which no ladder follows.

use super::Settings;
use crate::quantity::{Quantity as _, significant};

/// Runs of a ladder at most.
const MOST: u32 = 1000;

/// Why there is no ladder. `key` is the setting, as flags name it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LadderError {
    /// A setting that cannot be.
    #[error("{key} is {value}; {help}")]
    Setting {
        /// Which.
        key: &'static str,
        /// Its value.
        value: String,
        /// What would be right.
        help: String,
    },
    /// No model has such a size.
    #[error("a run of {flops} would train {params} parameters: {why}")]
    Size {
        /// The size.
        params: String,
        /// Compute of the run.
        flops: String,
        /// What is in the way, and what would help.
        why: String,
    },
}

/// Refuses what is no ladder.
pub(super) fn check(settings: &Settings) -> Result<(), LadderError> {
    let wrong = |key: &'static str, value: String, help: &str| {
        Err(LadderError::Setting { key, value, help: help.to_owned() })
    };
    let number = |value: f64| significant(value, 6);
    let Settings { target, spend, budgets, sizes, span, reach, noise, .. } = *settings;
    if !(2..=100).contains(&budgets) {
        let help = "write 2 to 100: with one budget E, alpha and beta cannot be told apart";
        return wrong("budgets", budgets.to_string(), help);
    }
    if !(3..=100).contains(&sizes) {
        let help = "write 3 to 100: a parabola needs three sizes, and a check of it five";
        return wrong("sizes", sizes.to_string(), help);
    }
    if budgets * sizes > MOST {
        let help = format!("with so many sizes that makes {} runs; at most 1000", budgets * sizes);
        return wrong("budgets", budgets.to_string(), &help);
    }
    if !(span.is_finite() && (2.0..=1e6).contains(&span)) {
        let help = "write 2 to 1e6, the largest budget over the smallest";
        return wrong("span", number(span), help);
    }
    if !(reach.is_finite() && (1.2..=100.0).contains(&reach)) {
        let help = "write 1.2 to 100, how many times the optimum the largest size is";
        return wrong("reach", number(reach), help);
    }
    if !(noise.is_finite() && (1e-6..=0.2).contains(&noise)) {
        let help = "write 1e-6 to 0.2, the standard deviation of the log loss: 0.005 is half a per \
                    cent";
        return wrong("noise", number(noise), help);
    }
    if !(spend.0 > 0.0 && spend.0.is_finite()) {
        return wrong("spend", spend.human(), "a ladder needs something to spend");
    }
    if spend.0 >= target.0 {
        let help = format!(
            "that is not less than the target of {}: train the target itself",
            target.human()
        );
        return wrong("spend", spend.human(), &help);
    }
    Ok(())
}
