//! Settings of training that belong together.

use super::{DeriveError, Problem};
use crate::plan::{Chosen, Schedule, Training};

/// Settings stand only beside what they belong to.
pub(super) fn check(chosen: &Chosen) -> Result<(), DeriveError> {
    let training = &chosen.training;
    let fault = |key: &str, text: &str| Err(Problem::Value(text.to_owned()).at(key));
    let stated = [
        ("training.decay_tokens", training.decay_tokens.is_some()),
        ("training.decay_share", training.decay_share.is_some()),
    ];
    if training.decay_share.is_some_and(|share| share.0 <= 0.0) {
        return fault(
            "training.decay_share",
            "a decay has a share above 0; without one, take `schedule = \"constant\"`",
        );
    }
    for (key, stated) in stated {
        if stated && training.schedule != Some(Schedule::Wsd) {
            let text = "a decay of its own length belongs to `schedule = \"wsd\"`; the others fall \
                        over the whole run or not at all";
            return fault(key, text);
        }
    }
    if stated.iter().all(|(_, stated)| *stated) {
        return fault(
            "training.decay_share",
            "`decay_tokens` and `decay_share` say the same; state one",
        );
    }
    recipe(training)
}

/// The same for the rest of the recipe.
fn recipe(training: &Training) -> Result<(), DeriveError> {
    let fault = |key: &str, text: &str| Err(Problem::Value(text.to_owned()).at(key));
    if training.schedule_tokens.is_some()
        && matches!(training.schedule, Some(Schedule::Wsd | Schedule::Constant))
    {
        let text = "a length belongs to a cosine or a line; `wsd` ends with the run, and has \
                    `decay_tokens`";
        return fault("training.schedule_tokens", text);
    }
    if training.warmup_steps.is_some() && training.warmup_tokens.is_some() {
        let text = "`warmup_steps` and `warmup_tokens` say the same; state one";
        return fault("training.warmup_tokens", text);
    }
    for (key, rate) in [("training.beta1", training.beta1), ("training.beta2", training.beta2)] {
        if rate.is_some_and(|rate| rate.0 >= 1.0) {
            return fault(key, "an average with a rate of 1 never moves; it is below 1");
        }
    }
    match (training.batch_ramp_from, training.batch_ramp_tokens) {
        (Some(_), None) => fault(
            "training.batch_ramp_from",
            "batches that grow need `batch_ramp_tokens`, over which they do",
        ),
        (None, Some(_)) => fault(
            "training.batch_ramp_tokens",
            "batches that grow need `batch_ramp_from`, with which they begin",
        ),
        _ => Ok(()),
    }
}
