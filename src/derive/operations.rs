//! Checkpoints, failures and evaluations, for plans that say how long a save takes.

use super::{DeriveError, Notes, Problem, Setting, StepThroughput};
use crate::allocation::Point;
use crate::operations::{CHECKPOINT_BYTES, Failures, HOURS_BETWEEN_FAILURES, RESTART_SECONDS};
use crate::plan::{Chosen, DerivedOperations};
use crate::quantity::{Bytes, Flops, Fraction, Quantity, Steps, Tokens, grouped};

/// A run whose share of training is below this makes no way.
const LEAST: f64 = 0.01;

pub(super) fn of(
    chosen: &Chosen,
    setting: &Setting,
    point: Option<&Point>,
    hours: Option<f64>,
    step: Option<&StepThroughput>,
    notes: &mut Notes,
) -> Result<Option<DerivedOperations>, DeriveError> {
    let operations = &chosen.operations;
    let Some(save) = operations.checkpoint_seconds else {
        return Ok(None);
    };
    let Some(devices) = chosen.cluster.devices else {
        notes.missing("how often to save", "cluster.devices");
        return Ok(None);
    };
    let failures = Failures {
        between: between(chosen, notes) * 3600.0 / devices.0,
        restart: restart(chosen, notes),
        save: save.0,
    };
    let best = failures.best();
    let seconds = step.map(StepThroughput::step_seconds);
    let every = match (operations.checkpoint_every_steps, seconds) {
        (None, _) => best,
        (Some(steps), Some(seconds)) => steps.0 * seconds,
        (Some(_), None) => {
            notes.missing("what `operations.checkpoint_every_steps` costs", "layout");
            best
        }
    };
    let effective = failures.effective(every);
    if effective < LEAST || effective.is_nan() {
        let key = match operations.checkpoint_every_steps {
            Some(_) => "operations.checkpoint_every_steps",
            None => "operations.checkpoint_seconds",
        };
        let text = format!(
            "{} devices fail every {} s in the mean: with {} s of training between saves of {} s the \
             run makes no way",
            grouped(devices.0),
            grouped(failures.between),
            grouped(every.round()),
            save
        );
        return Err(Problem::Value(text).at(key));
    }
    let evaluation = evaluation(chosen, seconds, notes);
    let goodput = effective * (1.0 - evaluation.unwrap_or_default());
    let bytes = bytes(chosen, setting, point);
    let kept = operations.keep_checkpoints;
    Ok(Some(DerivedOperations {
        hours_between_failures: failures.between / 3600.0,
        failures: hours.map(|hours| hours / devices.0 * 3600.0 / failures.between),
        best_checkpoint_seconds: best,
        best_checkpoint_steps: seconds.map(|seconds| Steps((best / seconds).round().max(1.0))),
        checkpoint_every_seconds: every,
        effective_time: Fraction(effective),
        evaluation_time: evaluation.map(Fraction),
        goodput: Fraction(goodput),
        checkpoint_bytes: bytes.map(Bytes),
        #[expect(clippy::cast_precision_loss, reason = "checkpoints")]
        kept_bytes: kept.and_then(|kept| Some(Bytes(bytes? * kept as f64))),
        last_percent_nats: last_percent(setting, point),
        percent_at_optimum_nats: at_optimum(setting, point),
    }))
}

/// Mean hours of one accelerator between failures.
fn between(chosen: &Chosen, notes: &mut Notes) -> f64 {
    chosen.operations.accelerator_hours_between_failures.map_or_else(
        || {
            let key = "operations.accelerator_hours_between_failures";
            let source = "Llama 3: 419 unexpected interruptions in 54 days on 16,384 H100s, \
                          arXiv:2407.21783, as datacenterdynamics.com reports them";
            notes.assume(key, &grouped(HOURS_BETWEEN_FAILURES), source);
            HOURS_BETWEEN_FAILURES
        },
        |hours| hours.0,
    )
}

fn restart(chosen: &Chosen, notes: &mut Notes) -> f64 {
    chosen.operations.restart_seconds.map_or_else(
        || {
            let source = "a choice: the median of 11 min between tries that a report on 504 B200s \
                          gives; what is found and repaired by hand takes longer";
            notes.assume("operations.restart_seconds", &RESTART_SECONDS.to_string(), source);
            RESTART_SECONDS
        },
        |seconds| seconds.0,
    )
}

/// The share of the time that evaluations take.
fn evaluation(chosen: &Chosen, step: Option<f64>, notes: &mut Notes) -> Option<f64> {
    let operations = &chosen.operations;
    let (each, every) = (operations.evaluation_seconds?.0, operations.evaluate_every_steps);
    let (Some(every), Some(step)) = (every, step) else {
        let key = if every.is_none() { "operations.evaluate_every_steps" } else { "layout" };
        notes.missing("what evaluations cost", key);
        return None;
    };
    Some(each / (each + every.0 * step))
}

/// Bytes of a checkpoint with the optimizer's states.
fn bytes(chosen: &Chosen, setting: &Setting, point: Option<&Point>) -> Option<f64> {
    if chosen.training.adapter.is_some() || chosen.training.optimizer.is_some() {
        return None;
    }
    let counted = setting.shape.map(crate::model::Shape::params).map(Quantity::get);
    let params = counted.or_else(|| Some(point?.params?.0))?;
    Some((CHECKPOINT_BYTES * params).round())
}

/// What the last per cent of the tokens brings.
fn last_percent(setting: &Setting, point: Option<&Point>) -> Option<f64> {
    let (objective, point) = (setting.objective?, point?);
    let loss = |tokens: f64| Some(objective.loss(point.params?, Tokens(tokens)).0);
    Some(loss(0.99 * point.tokens.0)? - loss(point.tokens.0)?)
}

/// What a per cent more compute would bring to the optimum of as much compute.
fn at_optimum(setting: &Setting, point: Option<&Point>) -> Option<f64> {
    let (objective, point) = (setting.objective?.fresh(), point?);
    let loss = |flops: f64| {
        let (params, tokens) = objective.optimum(Flops(flops));
        objective.loss(params, tokens).0
    };
    Some(loss(point.flops.0) - loss(1.01 * point.flops.0))
}
