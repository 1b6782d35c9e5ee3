//! Adapters beside training the whole model, for plans with `training.adapter`.

use super::memory::{self, RANK};
use super::split::Split;
use super::{DeriveError, Notes, RunFootprint, StepThroughput, split, throughput};
use crate::layout::Recompute;
use crate::memory::AdapterKind;
use crate::model::Shape;
use crate::plan::{Chosen, DerivedAdapter, DerivedAdapterWay};
use crate::quantity::Quantity as _;
use crate::throughput::Adapted;

/// The time of the plan's adapters over that of the whole model.
pub(super) fn of(chosen: &Chosen, shape: Option<&Shape>) -> Option<Adapted> {
    Some(adapted(chosen, shape?, chosen.training.adapter?))
}

fn adapted(chosen: &Chosen, shape: &Shape, kind: AdapterKind) -> Adapted {
    let recompute = split(chosen).map_or(Recompute::None, |split| split.layout.recompute);
    let sequence = super::sequence::longest(chosen, &mut Notes::default());
    Adapted::of(shape, sequence, recompute, kind, chosen.training.adapter_rank.unwrap_or(RANK))
}

/// The split of the plan; its faults are told where its memory is derived.
fn split(chosen: &Chosen) -> Option<Split> {
    split::of(chosen, &mut Notes::default()).ok().flatten()
}

/// The time of a step that trains the whole model, for plans with adapters.
pub(super) fn whole(
    chosen: &Chosen,
    shape: Option<&Shape>,
) -> Result<Option<StepThroughput>, DeriveError> {
    if chosen.training.adapter.is_none() {
        return Ok(None);
    }
    let quiet = &mut Notes::default();
    throughput::of(&with(chosen, None), split(chosen).as_ref(), shape, quiet)
}

/// The plan with other adapters, or none.
fn with(chosen: &Chosen, kind: Option<AdapterKind>) -> Chosen {
    let mut other = chosen.clone();
    other.training.adapter = kind;
    other.training.adapter_rank = chosen.training.adapter_rank.filter(|_| kind.is_some());
    other
}

/// The `[derived.adapter]` table.
pub(super) fn view(
    chosen: &Chosen,
    shape: Option<&Shape>,
    family: Option<&'static str>,
    footprint: Option<&RunFootprint>,
) -> Option<DerivedAdapter> {
    let (own, shape) = (of(chosen, shape)?, shape?);
    let split = split(chosen);
    let full_hours = footprint.map(|footprint| footprint.hours / own.time);
    let price = footprint.and_then(|footprint| footprint.price);
    let way = |name: &str, kind: Option<AdapterKind>| {
        let adapted = kind.map(|kind| adapted(chosen, shape, kind));
        let time = adapted.map_or(1.0, |adapted| adapted.time);
        let hours = full_hours.map(|hours| hours * time);
        let quiet = &mut Notes::default();
        let held = memory::of(&with(chosen, kind), split.as_ref(), Some(shape), family, quiet);
        let all = shape.params().get();
        DerivedAdapterWay {
            way: name.to_owned(),
            trained_params: adapted.map_or(Some(all), |adapted| adapted.trained),
            flops_per_token: adapted.map_or(own.full_flops, |adapted| adapted.flops),
            time_over_full: time,
            time_over_full_range: adapted.map(|adapted| adapted.time_range),
            accelerator_hours: hours,
            usd: hours.zip(price).map(|(hours, price)| hours * price),
            peak_bytes: held.ok().flatten().map(|held| held.cuda_bytes),
        }
    };
    Some(DerivedAdapter {
        ways: vec![
            way("the whole model", None),
            way("lora", Some(AdapterKind::Lora)),
            way("qlora", Some(AdapterKind::Qlora)),
        ],
    })
}
