//! Hours, energy, money and carbon of the run, for plans with a `[site]`.

mod waiting;

use super::{Caps, DeriveError, Notes, Problem, StepThroughput, adapter, fleet};
use crate::allocation::Point;
use crate::fact::Fact as _;
use crate::footprint::{
    DRAW, GOODPUT, GOODPUT_80, Grid, OVERHEAD, OVERHEAD_RANGE, PUE, Power, Price, WholeRuns, grids,
    kg_co2e, operators, prices, product_80, rated_powers, whole_runs,
};
use crate::hardware;
use crate::model::Shape;
use crate::plan::{Chosen, Cluster, DerivedFootprint, DerivedSchedule, Inputs, Interval, Site};
use crate::quantity::{AcceleratorHours, FlopRate, FlopsPerParamToken, significant};
use crate::throughput::Adapted;

pub use waiting::Waiting;

/// The footprint as the plan has it.
#[derive(Debug, Clone)]
pub struct RunFootprint {
    /// What the hours are of.
    pub of: Hours,
    /// Accelerator-hours.
    pub hours: f64,
    /// Their range of 80 %, where whole runs or the time of a step give one.
    pub hours_80: Option<Interval>,
    /// Accelerators.
    pub devices: Option<f64>,
    /// The plan's price of an accelerator-hour.
    pub price: Option<f64>,
    /// What others paid for such accelerators.
    pub published: Option<&'static Price>,
    /// What an accelerator draws, where its power is known.
    pub power: Option<Power>,
    /// Grams of CO2 equivalent per kWh, where the grid is known.
    pub grams_per_kwh: Option<f64>,
    /// The grid of the catalogue, where its figure is taken.
    pub grid: Option<&'static Grid>,
    /// When to run.
    pub waiting: Option<Waiting>,
}

/// What accelerator-hours are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hours {
    /// The run, at the utilisation that the plan states for the whole of it.
    Utilisation,
    /// The run, at the utilisations of the plan's pools.
    Pools,
    /// The run, at the time of a training step and what is lost between steps.
    Steps,
    /// The run, at the utilisation of published whole runs on such accelerators.
    WholeRuns,
    /// The budget's, whatever is done with them.
    Budget,
}

impl std::fmt::Display for Hours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Utilisation => "run, by cluster.mfu",
            Self::Pools => "run, by the speed of the pools",
            Self::Steps => "run, by the time of a step",
            Self::WholeRuns => "run, by published whole runs",
            Self::Budget => "budget",
        })
    }
}

impl RunFootprint {
    /// Wall-clock days.
    #[must_use]
    pub fn days(&self) -> Option<f64> {
        Some(self.hours / self.devices? / 24.0)
    }

    /// Energy of the site, kWh.
    #[must_use]
    pub fn kwh(&self) -> Option<f64> {
        Some(self.power?.kwh(self.hours))
    }

    /// Kilograms of CO2 equivalent.
    #[must_use]
    pub fn kg_co2e(&self) -> Option<f64> {
        Some(kg_co2e(self.kwh()?, self.grams_per_kwh?))
    }

    /// The range of the energy, from that of the hours and of what servers draw.
    #[must_use]
    pub fn kwh_range(&self) -> Option<Interval> {
        let kwh = self.kwh()?;
        let drawn = self.power?.kwh_range(self.hours).map(|range| range.map(|end| end / kwh));
        let taken = self.hours_80.map(|range| range.map(|end| end / self.hours));
        let factors: Vec<Interval> = drawn.into_iter().chain(taken).collect();
        (!factors.is_empty()).then(|| product_80(kwh, &factors))
    }

    /// US dollars at the plan's price, and their range where the hours have one.
    #[must_use]
    pub fn usd(&self) -> Option<(f64, Option<Interval>)> {
        let price = self.price?;
        let range = self.hours_80.map(|range| range.map(|hours| hours * price));
        Some((self.hours * price, range))
    }
}

/// What the hours of a plan follow from.
pub(super) struct Basis<'a> {
    pub(super) point: Option<&'a Point>,
    pub(super) k: FlopsPerParamToken,
    pub(super) caps: &'a Caps,
    /// The time of a step, where no adapters are trained.
    pub(super) step: Option<&'a StepThroughput>,
    /// The plan with its layout, and the model's shape: what adapters leave of a step.
    pub(super) trained: Option<(&'a Chosen, &'a Shape)>,
}

/// The footprint of a plan with a `[site]`.
pub(super) fn of(
    chosen: &Chosen,
    inputs: &Inputs,
    basis: &Basis,
    notes: &mut Notes,
) -> Result<Option<RunFootprint>, DeriveError> {
    dated(chosen)?;
    let Some(site) = &chosen.site else {
        return Ok(None);
    };
    let (grid, grams_per_kwh) = intensity(site, notes)?;
    let power = power(chosen, site, notes)?;
    let adapted = basis.trained.and_then(|(plan, shape)| adapter::of(plan, Some(shape)));
    let whole = match basis.trained {
        Some((plan, shape)) => adapter::whole(plan, Some(shape))?,
        None => None,
    };
    let step = whole.as_ref().or(basis.step);
    let whole = hours(chosen, &Basis { step, ..*basis }, notes);
    let Some((of, hours, hours_80)) = whole.map(|whole| of_adapters(adapted, whole)) else {
        notes.missing("the footprint", hours_key(chosen));
        return Ok(None);
    };
    let devices = fleet::devices(chosen);
    let mut footprint = RunFootprint {
        of,
        hours,
        hours_80,
        devices,
        price: fleet::price(chosen).map(|price| price.0),
        published: accelerator(&chosen.cluster).and_then(|name| prices().find(name).ok()),
        power,
        grams_per_kwh,
        grid,
        waiting: None,
    };
    footprint.waiting = waiting::of(site, inputs, &footprint, notes)?;
    if footprint.grams_per_kwh.is_none() && footprint.waiting.is_none() {
        notes.missing("carbon", "site.grid");
    }
    Ok(Some(footprint))
}

/// A price that is dated has a day.
fn dated(chosen: &Chosen) -> Result<(), DeriveError> {
    let Some(text) = &chosen.cost.price_as_of else {
        return Ok(());
    };
    let read: Option<toml::value::Datetime> = text.parse().ok();
    if read.is_none_or(|time| time.date.is_none()) {
        let text = format!("`{text}` is no day; write it as 2025-03-01");
        return Err(Problem::Value(text).at("cost.price_as_of"));
    }
    Ok(())
}

/// What is asked first where no hours follow.
fn hours_key(chosen: &Chosen) -> &'static str {
    let cluster = &chosen.cluster;
    if !cluster.pools.is_empty() {
        "run.tokens"
    } else if cluster.accelerator.is_none() && cluster.peak_flops.is_none() {
        "cluster.accelerator"
    } else if cluster.mfu.is_none() && kind(cluster).is_none() {
        "cluster.mfu"
    } else {
        "run.tokens"
    }
}

/// Accelerator-hours, what they are of, and their range.
fn hours(
    chosen: &Chosen,
    basis: &Basis,
    notes: &mut Notes,
) -> Option<(Hours, f64, Option<Interval>)> {
    if let Some((point, rate)) = basis.point.zip(basis.caps.rate.filter(|_| !basis.caps.predicted))
    {
        let hours = (point.flops / rate).0 / 3600.0;
        let range = basis.caps.rate_80.map(|[low, high]| [hours / high, hours / low]);
        let of = if chosen.cluster.pools.is_empty() { Hours::Utilisation } else { Hours::Pools };
        return Some((of, hours, range));
    }
    if let Some((point, step)) = basis.point.zip(basis.step) {
        let rate = step.tokens_per_second_per_device();
        let (goodput, goodput_80) = goodput(chosen, notes);
        let slower = step.range_80().map(|[low, high]| [rate / high, rate / low]);
        let factors: Vec<Interval> = slower.into_iter().chain(goodput_80).collect();
        let hours = point.tokens.0 / rate / goodput / 3600.0;
        let known = step.measured.is_some() || slower.is_some();
        let range = (known && !factors.is_empty()).then(|| product_80(hours, &factors));
        return Some((Hours::Steps, hours, range));
    }
    if let Some((point, (runs, peak))) = basis.point.zip(kind(&chosen.cluster)) {
        let (hours, range) = runs.hours(point.flops, basis.k, peak);
        let [low, high] = runs.utilisation_80.map(|share| significant(share, 3));
        let source = format!(
            "mean of {} published whole runs on {}, 80 % of further ones within {low} to {high}: \
             {}",
            runs.runs, runs.name, runs.source
        );
        notes.assume("cluster.mfu", &significant(runs.utilisation, 3), &source);
        return Some((Hours::WholeRuns, hours, Some(range)));
    }
    let budget = &chosen.budget;
    let of_days = || Some(AcceleratorHours(budget.days?.0 * 24.0 * fleet::devices(chosen)?));
    let all = budget.accelerator_hours.into_iter().chain(of_days());
    let least = all.min_by(|a, b| a.0.total_cmp(&b.0))?;
    Some((Hours::Budget, least.0, None))
}

/// Hours where adapters are trained in place of the whole model; those of a budget stay.
fn of_adapters(
    adapted: Option<Adapted>,
    (of, hours, range): (Hours, f64, Option<Interval>),
) -> (Hours, f64, Option<Interval>) {
    let Some(adapted) = adapted.filter(|_| of != Hours::Budget) else {
        return (of, hours, range);
    };
    let left = adapted.time_range.map(|time| time / adapted.time);
    let whole = range.map(|range| range.map(|end| end / hours));
    let factors: Vec<Interval> = whole.into_iter().chain([left]).collect();
    let hours = hours * adapted.time;
    (of, hours, Some(product_80(hours, &factors)))
}

/// The share of the run's time that its steps take, and the ratios of its range to it.
pub(super) fn goodput(chosen: &Chosen, notes: &mut Notes) -> (f64, Option<Interval>) {
    if let Some(own) = chosen.operations.goodput {
        return (own.0, None);
    }
    let [low, high] = GOODPUT_80;
    let source = format!(
        "published runs, their utilisation over that of their steps, 80 % of further ones within \
         {low} to {high}: docs/published-hours.md"
    );
    notes.assume("operations.goodput", &GOODPUT.to_string(), &source);
    (GOODPUT, Some([GOODPUT / high, GOODPUT / low]))
}

/// The published whole runs on such accelerators, and the dense peak of one; none for a device of
/// one's own.
fn kind(cluster: &Cluster) -> Option<(&'static WholeRuns, FlopRate)> {
    let own = cluster.peak_flops.is_none().then_some(cluster)?;
    let name = accelerator(own)?;
    let peak = hardware::catalogue().find(name).ok()?.peak_flops;
    Some((whole_runs().find(name).ok()?, peak))
}

/// The accelerator's own name, whatever the plan calls it.
fn accelerator(cluster: &Cluster) -> Option<&'static str> {
    let found = hardware::catalogue().find(cluster.accelerator.as_deref()?).ok()?;
    Some(found.name())
}

/// The grid and what its kilowatt-hours emit.
fn intensity(
    site: &Site,
    notes: &mut Notes,
) -> Result<(Option<&'static Grid>, Option<f64>), DeriveError> {
    let grid = site.grid.as_deref().map(|name| grids().find(name)).transpose();
    let grid = grid.map_err(|unknown| Problem::from(unknown).at("site.grid"))?;
    if let Some(own) = site.grams_per_kwh {
        return Ok((None, Some(own.0)));
    }
    if let Some(grid) = grid {
        let value = format!("{} of {}", grid.grams_per_kwh, grid.year);
        notes.assume("site.grams_per_kwh", &value, &grid.source);
    }
    Ok((grid, grid.map(|grid| grid.grams_per_kwh)))
}

/// What an accelerator draws at the site.
fn power(chosen: &Chosen, site: &Site, notes: &mut Notes) -> Result<Option<Power>, DeriveError> {
    let operator = operators().find(site.operator.as_deref().unwrap_or(PUE));
    let operator = operator.map_err(|unknown| Problem::from(unknown).at("site.operator"))?;
    let Some(watts) = watts(chosen, site, notes) else {
        notes.missing("energy", "site.watts_per_accelerator");
        return Ok(None);
    };
    let (overhead, overhead_range) = if let Some(overhead) = site.server_overhead {
        (overhead.0, None)
    } else {
        let source = "with 0.8 of the rated power 1.2 times that: between BLOOM's 433,196 kWh for \
                      1,082,990 h of 0.4 kW, arXiv:2211.02001, and 76 % of 10.2 kW for eight of \
                      0.7 kW, arXiv:2506.14551";
        notes.assume("site.server_overhead", &OVERHEAD.to_string(), source);
        (OVERHEAD, Some(OVERHEAD_RANGE))
    };
    let pue = site.pue.map_or_else(
        || {
            let value = format!("{} of {}", operator.pue, operator.year);
            notes.assume("site.pue", &value, &format!("{}: {}", operator.title, operator.source));
            operator.pue
        },
        |pue| pue.0,
    );
    Ok(Some(Power { watts, overhead, overhead_range, pue }))
}

/// Watts of one accelerator, as stated, or as a share of its rated power.
fn watts(chosen: &Chosen, site: &Site, notes: &mut Notes) -> Option<f64> {
    if let Some(watts) = site.watts_per_accelerator {
        return Some(watts.0);
    }
    if !chosen.cluster.pools.is_empty() {
        return pooled_watts(chosen, notes);
    }
    let rated = rated_powers().find(accelerator(&chosen.cluster)?).ok()?;
    let watts = DRAW * rated.watts;
    let source = format!(
        "{DRAW} of {} W rated ({}): between StarCoder's 0.28 of 0.4 kW, arXiv:2305.06161, and the \
         rated power",
        rated.watts, rated.source
    );
    notes.assume("site.watts_per_accelerator", &significant(watts, 3), &source);
    Some(watts)
}

/// What an accelerator of the pools draws in the mean.
fn pooled_watts(chosen: &Chosen, notes: &mut Notes) -> Option<f64> {
    let pools = chosen.cluster.pools.iter();
    let drawn = pools.map(|pool| {
        let known = hardware::catalogue().find(&pool.accelerator).ok()?;
        Some(rated_powers().find(known.name()).ok()?.watts * DRAW * pool.devices.0)
    });
    let watts = drawn.sum::<Option<f64>>()? / fleet::devices(chosen)?;
    let source = format!("{DRAW} of the rated power of each, in the mean of the pools");
    notes.assume("site.watts_per_accelerator", &significant(watts, 3), &source);
    Some(watts)
}

/// The `[derived.footprint]` table.
pub(super) fn view(footprint: &RunFootprint) -> DerivedFootprint {
    let hours = footprint.hours;
    let carbon = |kwh: f64| footprint.grams_per_kwh.map(|grams| kg_co2e(kwh, grams));
    let range = footprint.kwh_range();
    let published = footprint.published;
    DerivedFootprint {
        of: footprint.of.to_string(),
        accelerator_hours: hours,
        accelerator_hours_80: footprint.hours_80,
        days: footprint.days(),
        usd: footprint.usd().map(|(usd, _)| crate::quantity::Usd(usd)),
        usd_80: footprint.usd().and_then(|(_, range)| range),
        published_usd: published.map(|price| [price.low * hours, price.high * hours]),
        published_as_of: published.map(|price| price.as_of.to_string()),
        site_watts: footprint.power.map(|power| power.site_watts()),
        kwh: footprint.kwh(),
        kwh_range: range,
        grams_per_kwh: footprint.grams_per_kwh,
        kg_co2e: footprint.kg_co2e(),
        kg_co2e_range: range.and_then(|[low, high]| Some([carbon(low)?, carbon(high)?])),
        schedule: footprint.waiting.as_ref().map(|waiting| {
            let best = waiting.plans.best();
            DerivedSchedule {
                start: waiting.window.at(best.start()).to_string(),
                end: waiting.window.at(best.end()).to_string(),
                pauses: best.pauses() as u64,
                kg_co2e: waiting.kg(best.intensity),
                kg_co2e_at_once: waiting.kg(waiting.plans.now.intensity),
                hours_later: waiting.hours_later(best),
            }
        }),
    }
}
