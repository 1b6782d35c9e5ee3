//! Caps to FLOP; the tightest binds.

use super::footprint::goodput;
use super::{DeriveError, Notes, Problem, fleet};
use crate::hardware;
use crate::plan::{Cap, Chosen, DerivedBudget, Interval};
use crate::quantity::{
    AcceleratorHours, FlopRate, Flops, Fraction, Quantity, Seconds, Usd, significant,
};

/// What a run may spend.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Caps {
    /// Every cap that could be turned into FLOP, by the last part of its key.
    pub caps: Vec<(&'static str, Cap)>,
    /// The tightest, its place in `caps`.
    pub binding: Option<usize>,
    /// What the last run gets of it.
    pub run_flops: Option<Flops>,
    /// Dense peak of one device times the utilisation of the whole run.
    pub rate: Option<FlopRate>,
    /// Ratios of the ends of its 80 % range to it, where it is that of published whole runs.
    pub rate_80: Option<Interval>,
    /// Whether that MFU is predicted rather than stated.
    pub predicted: bool,
}

impl Caps {
    /// The cap that binds.
    #[must_use]
    pub fn tightest(&self) -> Option<&(&'static str, Cap)> {
        self.caps.get(self.binding?)
    }
}

/// `predicted` is the MFU of steps where the plan states none.
pub(super) fn caps(
    chosen: &Chosen,
    predicted: Option<Fraction>,
    notes: &mut Notes,
) -> Result<Caps, DeriveError> {
    let peak = peak(chosen)?;
    if let Some(mfu) = chosen.cluster.mfu
        && mfu.0 <= 0.0
    {
        let text = "the utilisation must be above 0".to_owned();
        return Err(Problem::Value(text).at("cluster.mfu"));
    }
    if chosen.operations.goodput.is_some_and(|share| share.0 <= 0.0) {
        let text = "the share of the time that steps take must be above 0".to_owned();
        return Err(Problem::Value(text).at("operations.goodput"));
    }
    let reserve = chosen.budget.reserve.unwrap_or_default();
    if reserve.0 >= 1.0 {
        let text = "a reserve of the whole budget leaves nothing for the run".to_owned();
        return Err(Problem::Value(text).at("budget.reserve"));
    }
    let rate = if chosen.cluster.pools.is_empty() {
        peak.and_then(|peak| rate(chosen, peak, predicted, notes))
    } else {
        of_pools(chosen, notes)
    };
    let caps: Vec<_> = [
        flops(chosen),
        hours(chosen, rate.as_ref(), notes),
        days(chosen, rate.as_ref(), notes),
        usd(chosen, rate.as_ref(), notes),
    ]
    .into_iter()
    .flatten()
    .collect();
    for (key, cap) in &caps {
        if !(Flops::MIN..=Flops::MAX).contains(&cap.flops.0) {
            let text = format!("this cap is worth {}, which no run can mean", cap.flops.human());
            return Err(Problem::Value(text).at(format!("budget.{key}").as_str()));
        }
    }
    let binding = (0..caps.len()).min_by(|a, b| caps[*a].1.flops.0.total_cmp(&caps[*b].1.flops.0));
    let run_flops = binding.map(|i| caps[i].1.flops * Fraction(1.0 - reserve.0));
    Ok(Caps {
        caps,
        binding,
        run_flops,
        rate_80: rate.as_ref().and_then(|rate| rate.range),
        rate: rate.map(|rate| rate.each),
        predicted: chosen.cluster.mfu.is_none() && predicted.is_some(),
    })
}

/// What a device of the pools does in the mean.
fn of_pools(chosen: &Chosen, notes: &mut Notes) -> Option<Rate> {
    let (each, range) = fleet::mean_rate(chosen, notes)?;
    let text = format!("{} FLOP/s, the mean of the pools", significant(each.0, 4));
    Some(Rate { each, text, range })
}

/// By the utilisation of the whole run that is stated, else by that of its steps that is predicted
/// and what is lost between them.
fn rate(
    chosen: &Chosen,
    peak: FlopRate,
    predicted: Option<Fraction>,
    notes: &mut Notes,
) -> Option<Rate> {
    let of_peak = format!("{} FLOP/s", significant(peak.0, 4));
    if let Some(mfu) = chosen.cluster.mfu {
        let text = format!("{of_peak} x {mfu} MFU");
        return Some(Rate { each: peak * mfu, text, range: None });
    }
    let mfu = predicted?;
    let (goodput, _) = goodput(chosen, notes);
    let text = format!(
        "{of_peak} x {} MFU, predicted, x {} goodput",
        significant(mfu.0, 3),
        significant(goodput, 3)
    );
    Some(Rate { each: peak * mfu * Fraction(goodput), text, range: None })
}

/// What one device does in a second, and how that was reached.
struct Rate {
    each: FlopRate,
    text: String,
    /// Ratios of the ends of its range to it.
    range: Option<Interval>,
}

/// Whether a cap can be turned into FLOP only by how well the devices are used, and that is not
/// stated.
pub(super) fn asks_utilisation(chosen: &Chosen) -> bool {
    let budget = &chosen.budget;
    let money = budget.usd.is_some() && chosen.cost.usd_per_accelerator_hour.is_some();
    let asks = budget.days.is_some() || budget.accelerator_hours.is_some() || money;
    asks && chosen.cluster.mfu.is_none()
}

pub(super) fn peak(chosen: &Chosen) -> Result<Option<FlopRate>, DeriveError> {
    let own = chosen.cluster.peak_flops;
    let Some(name) = &chosen.cluster.accelerator else {
        return Ok(own);
    };
    let accelerator = hardware::catalogue()
        .find(name)
        .map_err(|unknown| Problem::from(unknown).at("cluster.accelerator"))?;
    Ok(own.or(Some(accelerator.peak_flops)))
}

fn flops(chosen: &Chosen) -> Option<(&'static str, Cap)> {
    let flops = chosen.budget.flops?;
    Some(("flops", Cap { flops, arithmetic: "as stated".to_owned() }))
}

fn hours(chosen: &Chosen, rate: Option<&Rate>, notes: &mut Notes) -> Option<(&'static str, Cap)> {
    let hours = chosen.budget.accelerator_hours?;
    let rate = needed_rate(chosen, rate, "accelerator_hours", notes)?;
    let flops = rate.each * hours.device_seconds();
    let arithmetic = format!("{hours} h x 3600 s x {}", rate.text);
    Some(("accelerator_hours", Cap { flops, arithmetic }))
}

fn days(chosen: &Chosen, rate: Option<&Rate>, notes: &mut Notes) -> Option<(&'static str, Cap)> {
    let days = chosen.budget.days?;
    let devices = fleet::devices(chosen);
    if devices.is_none() {
        notes.missing("budget.days in FLOP", "cluster.devices");
    }
    let rate = needed_rate(chosen, rate, "days", notes)?;
    let devices = devices?;
    let flops = rate.each * Seconds(devices * Seconds::from(days).0);
    let arithmetic = format!("{devices} devices x {days} days x 86400 s x {}", rate.text);
    Some(("days", Cap { flops, arithmetic }))
}

fn usd(chosen: &Chosen, rate: Option<&Rate>, notes: &mut Notes) -> Option<(&'static str, Cap)> {
    let usd = chosen.budget.usd?;
    let price = fleet::price(chosen);
    if price.is_none() {
        notes.missing("budget.usd in FLOP", "cost.usd_per_accelerator_hour");
    }
    let rate = needed_rate(chosen, rate, "usd", notes)?;
    let price = price?;
    let flops = rate.each * (usd / price).device_seconds();
    let arithmetic = format!("{usd} USD / {price} USD/h x 3600 s x {}", rate.text);
    Some(("usd", Cap { flops, arithmetic }))
}

/// The rate of one device, or a note of the keys that would give it.
fn needed_rate<'a>(
    chosen: &Chosen,
    rate: Option<&'a Rate>,
    cap: &str,
    notes: &mut Notes,
) -> Option<&'a Rate> {
    let what = format!("budget.{cap} in FLOP");
    if !chosen.cluster.pools.is_empty() {
        return rate;
    }
    if chosen.cluster.accelerator.is_none() && chosen.cluster.peak_flops.is_none() {
        notes.missing(what.clone(), "cluster.accelerator");
    }
    if chosen.cluster.mfu.is_none() && rate.is_none() {
        notes.missing(what, "cluster.mfu");
    }
    rate
}

/// The `[derived.budget]` table.
pub(super) fn view(caps: &Caps) -> Option<DerivedBudget> {
    let (binding, cap) = caps.tightest()?;
    Some(DerivedBudget {
        flops: cap.flops,
        run_flops: caps.run_flops?,
        binding: (*binding).to_owned(),
        caps: caps.caps.iter().map(|(key, cap)| ((*key).to_owned(), cap.clone())).collect(),
    })
}

/// Time and money of a run.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RunCost {
    /// Accelerator-hours.
    pub hours: Option<AcceleratorHours>,
    /// Wall-clock days.
    pub days: Option<f64>,
    /// US dollars.
    pub usd: Option<Usd>,
}

impl RunCost {
    pub(super) fn of(flops: Flops, caps: &Caps, chosen: &Chosen) -> Self {
        let seconds = caps.rate.map(|rate| flops / rate);
        let hours = seconds.map(|seconds| AcceleratorHours(seconds.0 / 3600.0));
        let price = fleet::price(chosen);
        Self {
            hours,
            days: hours
                .zip(fleet::devices(chosen))
                .map(|(hours, devices)| hours.0 / devices / 24.0),
            usd: hours.zip(price).map(|(hours, price)| hours * price),
        }
    }
}
