//! How a plan with a `[layout]` splits its model, for the memory and the time of a step.

use super::memory::place;
use super::{DeriveError, Notes, Problem, sequence};
use crate::layout::{Layout, LayoutError, LayoutKeys};
use crate::memory::Profile;
use crate::plan::Chosen;
use crate::quantity::grouped;
use crate::throughput::{Engine, engines};

/// A split, and who runs it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Split {
    pub(super) layout: Layout,
    /// Whether the plan says how many devices there are.
    pub(super) devices_stated: bool,
    /// Tokens of a sequence.
    pub(super) sequence: u64,
    /// Whose operators run.
    pub(super) profile: Profile,
    /// The engine that the plan names.
    pub(super) engine: Option<&'static Engine>,
}

/// The split of a plan with a `[layout]`.
pub(super) fn of(chosen: &Chosen, notes: &mut Notes) -> Result<Option<Split>, DeriveError> {
    let engine = chosen.training.engine.as_deref().map(|name| engines().find(name)).transpose();
    let engine = engine.map_err(|unknown| Problem::from(unknown).at("training.engine"))?;
    let Some(keys) = &chosen.layout else {
        return Ok(None);
    };
    let stated = chosen.training.profile;
    let profile = stated.or(engine.map(|engine| engine.profile)).unwrap_or_default();
    let strategy = engine.filter(|_| stated.is_none()).map(|engine| engine.strategy);
    let keys = &LayoutKeys { strategy: keys.strategy.or(strategy), ..keys.clone() };
    let degrees = [keys.dp_replicate, keys.dp_shard, keys.tp, keys.cp, keys.pp];
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, checked")]
    let devices = chosen.cluster.devices.map_or_else(
        || degrees.into_iter().flatten().fold(1, u64::saturating_mul).max(1),
        |devices| devices.0 as u64,
    );
    let split = |keys: &LayoutKeys| {
        profile.layout(keys, devices).map_err(|error| {
            let key = place(error.key);
            Problem::Layout(error).at(key)
        })
    };
    let mut layout = split(keys)?;
    if chosen.cluster.devices.is_none() {
        let source = "`cluster.devices` is not stated: the product of the degrees of `[layout]`";
        notes.assume("cluster.devices", &devices.to_string(), source);
    }
    let sequence = sequence::longest(chosen, notes);
    if let (Some(batch), None) = (chosen.training.batch_tokens, keys.micro_batches) {
        let micro_batches = Some(micro_batches(batch.0, sequence, &layout)?);
        layout = split(&LayoutKeys { micro_batches, ..keys.clone() })?;
    }
    let devices_stated = chosen.cluster.devices.is_some() || degrees.iter().any(Option::is_some);
    Ok(Some(Split { layout, devices_stated, sequence, profile, engine }))
}

/// Micro-batches that a batch of so many tokens takes on one data-parallel device.
fn micro_batches(batch: f64, sequence: u64, layout: &Layout) -> Result<u64, DeriveError> {
    let at_once = float(sequence) * float(layout.micro_batch) * float(layout.data_parallel());
    let times = batch / at_once;
    if times.fract() != 0.0 || times < 1.0 {
        let text = format!(
            "{} tokens are no whole number of micro-batches of {} tokens: {} of sequence x {} of \
             layout.micro_batch x {} data-parallel devices",
            grouped(batch),
            grouped(at_once),
            grouped(float(sequence)),
            layout.micro_batch,
            layout.data_parallel()
        );
        let below = times.floor().max(1.0) * at_once;
        let help = format!("take {} or {} tokens", grouped(below), grouped(below + at_once));
        return Err(Problem::Layout(LayoutError::new("batch_tokens", text, help))
            .at("training.batch_tokens"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole")]
    let times = times as u64;
    Ok(times)
}

#[expect(clippy::cast_precision_loss, reason = "degrees are below 2^53")]
fn float(number: u64) -> f64 {
    number as f64
}
