//! Pools of unlike accelerators as one budget, and what a split over them would do.
//!
//! Data-parallel training advances at the pace of whoever needs longest for its part of a batch. With
//! parts in proportion to speed all are ready together, and the FLOP/s of the pools add up; with as
//! much on every device the slowest kind sets the pace of all.

use super::{DeriveError, Notes, Problem, Setting};
use crate::allocation::{self, Point, Wanted};
use crate::footprint::whole_runs;
use crate::hardware::{self, Accelerator};
use crate::plan::{Chosen, DerivedFleet, DerivedPool, DerivedWay, Interval, KeyPath, Pool};
use crate::quantity::{FlopRate, Flops, Fraction, UsdPerAcceleratorHour, significant};

/// Bytes of a gradient in BF16.
const GRADIENT: f64 = 2.0;

/// A pool whose speed is known.
struct Known<'a> {
    pool: &'a Pool,
    accelerator: &'static Accelerator,
    mfu: f64,
    mfu_80: Option<Interval>,
}

impl Known<'_> {
    /// FLOP/s of one device.
    fn each(&self) -> f64 {
        self.accelerator.peak_flops.0 * self.mfu
    }

    fn rate(&self) -> f64 {
        self.each() * self.pool.devices.0
    }
}

/// Accelerators of the plan: its own, or those of all pools.
pub(super) fn devices(chosen: &Chosen) -> Option<f64> {
    let pools = &chosen.cluster.pools;
    let of_pools = || pools.iter().map(|pool| pool.devices.0).sum();
    chosen.cluster.devices.map(|own| own.0).or_else(|| (!pools.is_empty()).then(of_pools))
}

/// The price of an accelerator-hour: the plan's, or the mean of the pools.
pub(super) fn price(chosen: &Chosen) -> Option<UsdPerAcceleratorHour> {
    let own = chosen.cost.usd_per_accelerator_hour;
    let pools = &chosen.cluster.pools;
    if pools.is_empty() {
        return own;
    }
    let each = |pool: &Pool| Some(pool.usd_per_accelerator_hour.or(own)?.0 * pool.devices.0);
    let sum: f64 = pools.iter().map(each).sum::<Option<f64>>()?;
    Some(UsdPerAcceleratorHour(sum / devices(chosen)?))
}

/// Pools that contradict the cluster, or name what is not known.
pub(super) fn check(chosen: &Chosen) -> Result<(), DeriveError> {
    let cluster = &chosen.cluster;
    let beside = [
        ("cluster.accelerator", cluster.accelerator.is_some()),
        ("cluster.devices", cluster.devices.is_some()),
        ("cluster.mfu", cluster.mfu.is_some()),
        ("cluster.peak_flops", cluster.peak_flops.is_some()),
    ];
    if let Some((key, _)) = beside.into_iter().find(|(_, stated)| *stated)
        && !cluster.pools.is_empty()
    {
        let text = "the cluster has pools: state this in one of them";
        return Err(Problem::Value(text.to_owned()).at(key));
    }
    for (place, pool) in cluster.pools.iter().enumerate() {
        hardware::catalogue()
            .find(&pool.accelerator)
            .map_err(|unknown| Problem::from(unknown).at(key(place, "accelerator")))?;
        if pool.mfu.is_some_and(|mfu| mfu.0 <= 0.0) {
            let text = "the utilisation must be above 0".to_owned();
            return Err(Problem::Value(text).at(key(place, "mfu")));
        }
    }
    Ok(())
}

fn key(place: usize, last: &str) -> KeyPath {
    KeyPath::from("cluster.pools").join(place.to_string()).join(last)
}

/// The pools with their speed; `None` where that of one is not known.
fn known<'a>(chosen: &'a Chosen, notes: &mut Notes) -> Option<Vec<Known<'a>>> {
    let pools = chosen.cluster.pools.iter().enumerate();
    let known = pools.map(|(place, pool)| {
        let accelerator = hardware::catalogue().find(&pool.accelerator).ok()?;
        if let Some(own) = pool.mfu {
            return Some(Known { pool, accelerator, mfu: own.0, mfu_80: None });
        }
        let key = key(place, "mfu");
        let Ok(kind) = whole_runs().find(&accelerator.name) else {
            notes.missing("the speed of the pools", key);
            return None;
        };
        let source = format!("mean of {} published whole runs on {}", kind.runs, kind.name);
        notes.assume(&key.to_string(), &significant(kind.utilisation, 3), &source);
        let (mfu, mfu_80) = (kind.utilisation, Some(kind.utilisation_80));
        Some(Known { pool, accelerator, mfu, mfu_80 })
    });
    let known: Vec<_> = known.collect();
    known.into_iter().collect::<Option<Vec<_>>>().filter(|known| !known.is_empty())
}

/// What a device does in the mean, with batches in proportion to speed, and the ratios of its range.
pub(super) fn mean_rate(
    chosen: &Chosen,
    notes: &mut Notes,
) -> Option<(FlopRate, Option<Interval>)> {
    let known = known(chosen, notes)?;
    let devices = devices(chosen)?;
    let sum: f64 = known.iter().map(Known::rate).sum();
    let end = |end: usize| {
        let of_pool = |own: &Known| own.mfu_80.map_or(1.0, |ends| ends[end] / own.mfu) * own.rate();
        known.iter().map(of_pool).sum::<f64>() / sum
    };
    let any = known.iter().any(|own| own.mfu_80.is_some());
    Some((FlopRate(sum / devices), any.then(|| [end(0), end(1)])))
}

/// The `[derived.fleet]` table.
pub(super) fn of(
    setting: &Setting,
    wanted: &Wanted,
    point: Option<&Point>,
) -> Option<DerivedFleet> {
    let known = known(setting.chosen, &mut Notes::default())?;
    let total: f64 = known.iter().map(Known::rate).sum();
    let slowest = known.iter().map(Known::each).fold(f64::INFINITY, f64::min);
    let devices = devices(setting.chosen)?;
    let mut ways = vec![
        ("all, shares by speed".to_owned(), total),
        ("all, equal shares".to_owned(), slowest * devices),
    ];
    if known.len() > 1 {
        let alone = known.iter().map(|own| (format!("{} alone", own.accelerator.name), own.rate()));
        ways.extend(alone);
    }
    ways.sort_by(|a, b| b.1.total_cmp(&a.1));
    let pool = |own: &Known| DerivedPool {
        accelerator: own.accelerator.name.clone(),
        devices: own.pool.devices.0,
        mfu: Fraction(own.mfu),
        mfu_80: own.mfu_80,
        flops_per_second: own.rate(),
        share: own.rate() / total,
    };
    Some(DerivedFleet {
        pools: known.iter().map(pool).collect(),
        ways: ways.into_iter().map(|(way, rate)| used(setting, wanted, point, way, rate)).collect(),
        exchanged_bytes: point.and_then(|point| Some(GRADIENT * point.params?.0)),
    })
}

/// What a way comes to: the time of the plan's run, and the best run in its days.
fn used(
    setting: &Setting,
    wanted: &Wanted,
    point: Option<&Point>,
    way: String,
    rate: f64,
) -> DerivedWay {
    let reserve = setting.chosen.budget.reserve.unwrap_or_default().0;
    let days = setting.chosen.budget.days;
    let flops = days.map(|days| Flops(rate * days.0 * 86_400.0 * (1.0 - reserve)));
    let best = flops.and_then(|flops| {
        let wanted = Wanted { flops: Some(flops), ..*wanted };
        let objective = setting.objective.as_ref();
        allocation::solve(setting.law, objective, setting.k, &wanted).ok().flatten()
    });
    DerivedWay {
        way,
        flops_per_second: rate,
        days: point.map(|point| point.flops.0 / rate / 86_400.0),
        flops,
        params: best.and_then(|best| best.params),
        tokens: best.map(|best| best.tokens),
        loss: best.and_then(|best| best.loss),
    }
}
