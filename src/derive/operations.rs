//! Checkpoints, failures and evaluations, for plans that say how many devices work.

use super::{DeriveError, Notes, Problem, Setting, StepThroughput};
use crate::allocation::Point;
use crate::memory::Optimizer;
use crate::operations::{
    CHECKPOINT_BYTES, EVALUATE_EVERY_STEPS, EVALUATION_TOKENS, Failures, HOURS_BETWEEN_FAILURES,
    KEPT, RESTART_SECONDS, SAVED_PER_SECOND,
};
use crate::plan::{Chosen, DerivedOperations, DerivedRecipe, Operations};
use crate::quantity::{Bytes, Flops, Fraction, Quantity, Steps, Tokens, grouped, significant};

/// A run whose share of training is below this makes no way.
const LEAST: f64 = 0.01;

/// What operations rest on.
pub(super) struct Run<'a> {
    pub(super) point: Option<&'a Point>,
    pub(super) recipe: Option<&'a DerivedRecipe>,
    pub(super) step: Option<&'a StepThroughput>,
    /// Accelerator-hours.
    pub(super) hours: Option<f64>,
}

impl Run<'_> {
    /// Seconds of the run on so many devices.
    fn seconds(&self, setting: &Setting, devices: f64) -> Option<f64> {
        let point = self.point?;
        let by_rate = || Some((point.flops / setting.caps.rate?).0 / devices);
        let by_step = || Some(point.tokens.0 / self.step?.tokens_per_second_per_device() / devices);
        self.hours.map(|hours| hours * 3600.0 / devices).or_else(by_rate).or_else(by_step)
    }

    /// Steps of the run.
    fn steps(&self) -> Option<f64> {
        self.recipe?.steps.map(|steps| steps.0)
    }

    /// Seconds of a step: those of its layout, or the run's over its steps.
    fn step_seconds(&self, setting: &Setting, devices: f64) -> Option<f64> {
        let mean = || Some(self.seconds(setting, devices)? / self.steps()?);
        self.step.map(StepThroughput::step_seconds).or_else(mean)
    }

    fn hand_offs(&self) -> usize {
        self.recipe.map_or(0, |recipe| recipe.hand_offs.len())
    }
}

pub(super) fn of(
    chosen: &Chosen,
    setting: &Setting,
    run: &Run,
    notes: &mut Notes,
) -> Result<Option<DerivedOperations>, DeriveError> {
    let operations = &chosen.operations;
    let asked = operations.checkpoint_seconds.is_some();
    let Some(devices) = chosen.cluster.devices else {
        if asked {
            notes.missing("how often to save", "cluster.devices");
        }
        return Ok(None);
    };
    let bytes = bytes(chosen, setting, run.point);
    let Some(save) = operations.checkpoint_seconds.map(|own| own.0).or_else(|| {
        let seconds = bytes? / (SAVED_PER_SECOND * devices.0);
        let source = "BLOOM's 384 A100s saved 2.3 TB in 40 s, bigscience-workshop/bigscience, \
                      train/tr11-176B-ml/chronicles.md; as fast for each device";
        notes.assume("operations.checkpoint_seconds", &significant(seconds, 3), source);
        Some(seconds)
    }) else {
        return Ok(None);
    };
    let failures = Failures {
        between: between(chosen, notes) * 3600.0 / devices.0,
        restart: restart(chosen, notes),
        save,
    };
    let best = failures.best();
    let seconds = run.step_seconds(setting, devices.0);
    let every = match (operations.checkpoint_every_steps, seconds) {
        (None, seconds) => best.max(seconds.unwrap_or(0.0)),
        (Some(steps), Some(seconds)) => steps.0 * seconds,
        (Some(_), None) => {
            notes.missing("what `operations.checkpoint_every_steps` costs", "cluster.mfu");
            best
        }
    };
    let effective = failures.effective(every);
    if effective < LEAST || effective.is_nan() {
        let key = if operations.checkpoint_every_steps.is_some() {
            "operations.checkpoint_every_steps"
        } else if asked {
            "operations.checkpoint_seconds"
        } else {
            "cluster.devices"
        };
        let text = format!(
            "{} devices fail every {} s in the mean: with {} s of training between saves of {} s the \
             run makes no way",
            grouped(devices.0),
            significant(failures.between, 3),
            significant(every, 3),
            significant(save, 3)
        );
        return Err(Problem::Value(text).at(key));
    }
    let evaluated = evaluations(operations, run, seconds, notes);
    let evaluation_time = evaluated.as_ref().and_then(|own| own.share);
    let goodput = effective * (1.0 - evaluation_time.unwrap_or_default());
    let kept = kept(operations, run, notes);
    let run_seconds = run.seconds(setting, devices.0);
    Ok(Some(DerivedOperations {
        hours_between_failures: failures.between / 3600.0,
        failures: run_seconds.map(|seconds| seconds / failures.between),
        best_checkpoint_seconds: best,
        best_checkpoint_steps: seconds.map(|seconds| Steps((best / seconds).round().max(1.0))),
        checkpoint_every_seconds: every,
        effective_time: Fraction(effective),
        best_effective_time: Fraction(failures.effective(best)),
        effective_time_twice_as_often: Fraction(failures.effective(every / 2.0)),
        effective_time_half_as_often: Fraction(failures.effective(every * 2.0)),
        evaluate_every_steps: evaluated.as_ref().map(|own| Steps(own.every)),
        evaluations: evaluated.as_ref().and_then(|own| own.count),
        evaluation_time: evaluation_time.map(Fraction),
        goodput: Fraction(goodput),
        checkpoint_bytes: bytes.map(Bytes),
        kept,
        #[expect(clippy::cast_precision_loss, reason = "checkpoints")]
        kept_bytes: bytes.map(|bytes| Bytes(bytes * kept as f64)),
        last_percent_nats: gain(setting, run.point, 0.99, 1.0),
        last_tenth_nats: gain(setting, run.point, 0.9, 1.0),
        next_tenth_nats: gain(setting, run.point, 1.0, 1.1),
        percent_at_optimum_nats: at_optimum(setting, run.point),
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

/// How often a run is evaluated, and what of its time that takes.
struct Evaluations {
    every: f64,
    count: Option<f64>,
    share: Option<f64>,
}

/// Evaluations every so many steps and at every hand-off.
fn evaluations(
    operations: &Operations,
    run: &Run,
    step: Option<f64>,
    notes: &mut Notes,
) -> Option<Evaluations> {
    let steps = run.steps();
    let every = operations.evaluate_every_steps.map(|own| own.0).or_else(|| {
        let every = EVALUATE_EVERY_STEPS.min((steps? / 10.0).ceil());
        let source = "allenai/OLMo, configs/official-1124/OLMo2-7B-stage1.yaml, eval_interval; a \
                      tenth of a run below 10,000 steps";
        notes.assume("operations.evaluate_every_steps", &every.to_string(), source);
        Some(every)
    })?;
    #[expect(clippy::cast_precision_loss, reason = "stages")]
    let at_hand_offs = match operations.evaluate_at_hand_offs {
        Some(false) => 0.0,
        _ => run.hand_offs() as f64,
    };
    let count = steps.map(|steps| (steps / every).floor() + at_hand_offs);
    // an evaluation in steps of training
    let each = match (operations.evaluation_seconds, step, run.recipe) {
        (Some(own), Some(step), _) => Some(own.0 / step),
        (Some(_), None, _) => {
            notes.missing("what evaluations cost", "cluster.mfu");
            None
        }
        (None, _, Some(recipe)) => {
            let tokens = operations.evaluation_tokens.map_or_else(
                || {
                    let value = grouped(EVALUATION_TOKENS);
                    notes.assume("operations.evaluation_tokens", &value, "a choice");
                    EVALUATION_TOKENS
                },
                |own| own.0,
            );
            // the forward pass alone: 2 of 6 FLOPs per parameter and token
            Some(tokens / 3.0 / recipe.batch_tokens.0)
        }
        (None, _, None) => None,
    };
    let share = each.map(|each| match count.zip(steps) {
        Some((count, steps)) => count * each / (count * each + steps),
        None => each / (each + every),
    });
    Some(Evaluations { every, count, share })
}

/// Checkpoints that are kept whole.
fn kept(operations: &Operations, run: &Run, notes: &mut Notes) -> u64 {
    operations.keep_checkpoints.unwrap_or_else(|| {
        let kept = KEPT + run.hand_offs() as u64;
        let source = "a choice: the last three, to go back behind a spike, and one at each hand-off, \
                      from which another anneal can start";
        notes.assume("operations.keep_checkpoints", &kept.to_string(), source);
        kept
    })
}

/// Bytes of a checkpoint with the optimizer's states.
fn bytes(chosen: &Chosen, setting: &Setting, point: Option<&Point>) -> Option<f64> {
    let adamw = matches!(chosen.training.optimizer, None | Some(Optimizer::AdamW));
    if chosen.training.adapter.is_some() || !adamw {
        return None;
    }
    let counted = setting.shape.map(crate::model::Shape::params).map(Quantity::get);
    let params = counted.or_else(|| Some(point?.params?.0))?;
    Some((CHECKPOINT_BYTES * params).round())
}

/// What the loss falls by between two shares of the run's tokens.
fn gain(setting: &Setting, point: Option<&Point>, from: f64, to: f64) -> Option<f64> {
    let (objective, point) = (setting.objective?, point?);
    let loss = |share: f64| Some(objective.loss(point.params?, Tokens(share * point.tokens.0)).0);
    Some(loss(from)? - loss(to)?)
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
