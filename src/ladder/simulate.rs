//! How well fits to simulated outcomes tell the optimum.

use super::coverage::{Coverage, needed};
use super::world::World;
use crate::fit::{Exponents, Objective, Settings, Target, fit};
use crate::law::{Optimum, Surface, interval_80};
use crate::plan::Interval;
use crate::quantity::{Flops, FlopsPerParamToken};
use libm::{log, pow};
use rayon::prelude::*;

/// How often, and how each outcome is fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sets {
    /// Outcomes.
    pub count: u32,
    /// Resamples behind the interval of each fit.
    pub bootstrap: u32,
    /// Seed of the outcomes.
    pub seed: u64,
    /// Whether the fits tie the exponents.
    pub exponents: Exponents,
    /// What they minimise.
    pub objective: Objective,
    /// The budget whose optimum is wanted.
    pub target: Flops,
    /// The k of C = kND.
    pub k: FlopsPerParamToken,
}

impl Sets {
    /// Outcomes and resamples unless stated.
    pub const USUAL: (u32, u32) = (500, 200);
}

/// What fits to simulated outcomes say of the optimum.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulation {
    /// Outcomes.
    pub sets: u32,
    /// Outcomes from which no law followed.
    pub failed: u32,
    /// The true optimum.
    pub truth: Optimum,
    /// Between these lies N* of 80 % of the fits.
    pub params_80: Interval,
    /// The same of D*.
    pub tokens_80: Interval,
    /// The same of D*/N*.
    pub tokens_per_param_80: Interval,
    /// The same of L*.
    pub loss_80: Interval,
    /// The same of the exponent of N*.
    pub params_exponent_80: Interval,
    /// How often the fits' own intervals on N*, and so on D* and D*/N*, hold the truth.
    pub params: Coverage,
    /// The same of L*.
    pub loss: Coverage,
    /// N* of every fit at some budgets between the runs and the target: budget and 80 % range.
    pub frontier: Vec<(Flops, Interval)>,
}

/// What is kept of a fit.
struct Told {
    law: Surface,
    target: Target,
}

/// Simulates outcomes and fits each; `None` where hardly any can be fitted. Calls `fitted` for each
/// outcome, from any thread. The same seed gives the same bytes on any number of threads.
#[must_use]
pub fn simulate(world: &World<'_>, sets: &Sets, fitted: &(dyn Fn() + Sync)) -> Option<Simulation> {
    let truth = world.law.optimum(sets.target, sets.k);
    let fits: Vec<Option<Told>> = (0..u64::from(sets.count))
        .into_par_iter()
        .map(|set| {
            let settings = Settings {
                exponents: sets.exponents,
                objective: sets.objective,
                bootstrap: sets.bootstrap,
                seed: set,
                k: sets.k,
                target: Some(sets.target),
            };
            let fit = fit(&world.outcome(sets.seed, set), &settings).ok();
            fitted();
            fit.map(|fit| Told { law: fit.surface, target: fit.target })
        })
        .collect();
    let fits: Vec<Told> = fits.into_iter().flatten().collect();
    let failed = sets.count - u32::try_from(fits.len()).unwrap_or(sets.count);
    if fits.len() < 10 {
        return None;
    }
    let over = |of: &dyn Fn(&Told) -> f64| interval_80(fits.iter().map(of));
    let params = |optimum: &Optimum| optimum.params.unwrap_or_default().0;
    let loss = |optimum: &Optimum| optimum.loss.unwrap_or_default().0;
    let needed = |of: &dyn Fn(&Told) -> Option<(f64, Interval)>, truth: f64| {
        let needed = fits.iter().filter_map(|fit| {
            let (value, ends) = of(fit)?;
            Some(needed(value, ends, truth))
        });
        Coverage::of(needed.collect())
    };
    let ln = |value: f64, [low, high]: Interval| (log(value), [log(low), log(high)]);
    Some(Simulation {
        sets: sets.count,
        failed,
        truth,
        params_80: over(&|fit| params(&fit.target.optimum))?,
        tokens_80: over(&|fit| fit.target.optimum.tokens.0)?,
        tokens_per_param_80: over(&|fit| {
            fit.target.optimum.tokens_per_param().unwrap_or_default().0
        })?,
        loss_80: over(&|fit| loss(&fit.target.optimum))?,
        params_exponent_80: over(&|fit| exponent(&fit.law))?,
        params: needed(
            &|fit| Some(ln(params(&fit.target.optimum), fit.target.params_80?)),
            log(params(&truth)),
        ),
        loss: needed(&|fit| Some((loss(&fit.target.optimum), fit.target.loss_80?)), loss(&truth)),
        frontier: frontier(world, &fits, sets),
    })
}

/// β/(α+β).
fn exponent(surface: &Surface) -> f64 {
    surface.beta / (surface.alpha + surface.beta)
}

/// The range of N* from the smallest budget of the runs to the target.
fn frontier(world: &World<'_>, fits: &[Told], sets: &Sets) -> Vec<(Flops, Interval)> {
    const STEPS: u32 = 24;
    let least = world.runs.iter().map(|run| run.flops(sets.k)).fold(f64::INFINITY, f64::min);
    let step = |i: u32| least * pow(sets.target.0 / least, f64::from(i) / f64::from(STEPS));
    let point = |i: u32| {
        let flops = Flops(step(i));
        let best = fits.iter().map(|fit| fit.law.allocation(flops, sets.k).0.0);
        Some((flops, interval_80(best)?))
    };
    (0..=STEPS).filter_map(point).collect()
}
