//! Optima of budgets, and the powers of the budget that go through them.
//!
//! N* = `c_N` C^a and D* = `c_D` C^b by weighted least squares of the logarithms, as approaches 1 and
//! 2 of Hoffmann et al. 2022 (arXiv:2203.15556, 3.1 and 3.2) and Porian et al. 2024 (arXiv:2406.19146,
//! 3.1) have it, who weigh an optimum by the inverse of the variance of its ln N*. The optima are
//! measured, or the minima of parabolas through runs of one budget.

use super::{IsoFlop, Run, Settings, interval_80, parabolas};
use crate::law::{Power, PowerLaw, Range};
use crate::plan::Interval;
use crate::quantity::{Flops, FlopsPerParamToken, Params, Tokens};
use libm::{exp, log, pow, sqrt};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Where the optimum of a budget was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeasuredOptimum {
    /// C.
    pub flops: f64,
    /// N*, where it was measured; else C/(kD*).
    pub params: Option<f64>,
    /// D*, where it was measured; else C/(kN*).
    pub tokens: Option<f64>,
    /// How much it counts; only ratios matter.
    pub weight: f64,
    /// Line of the file that it comes from; 0 for none.
    pub line: u64,
}

/// Powers of the budget, with their uncertainty.
#[derive(Debug, Clone, PartialEq)]
pub struct PowerFit {
    /// N* and D*.
    pub law: PowerLaw,
    /// The two powers refitted to resamples.
    pub draws: Vec<[Power; 2]>,
    /// Standard deviations of ln c and the exponent of N* over the draws, then those of D*.
    pub standard_errors: Option<[[f64; 2]; 2]>,
    /// The optima that the powers go through, the smallest budget first.
    pub optima: Vec<MeasuredOptimum>,
    /// Root of the weighted mean square of the residuals of ln N*.
    pub rms: f64,
    /// The optimum at the target.
    pub target: PowerTarget,
    /// Parabolas behind the optima, where there are any.
    pub isoflop: Option<IsoFlop>,
    /// Where the optima lie.
    pub range: Range,
    /// What a reader must know.
    pub remarks: Vec<String>,
}

/// What powers say of a budget.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PowerTarget {
    /// The budget.
    pub flops: Flops,
    /// N*.
    pub params: Params,
    /// D*.
    pub tokens: Tokens,
    /// 80 % interval of N*.
    pub params_80: Option<Interval>,
    /// 80 % interval of D*.
    pub tokens_80: Option<Interval>,
    /// The budget over the largest of the optima.
    pub extrapolation: f64,
}

/// Why no power of the budget follows.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PowerError {
    /// A line needs two, and its error a third.
    #[error(
        "{found} budgets with an optimum: a power of the budget needs at least 2 that differ \
         twofold, and 3 or more tell how well it fits"
    )]
    TooFew {
        /// Budgets that differ.
        found: usize,
    },
    /// No parabolas.
    #[error("{0}")]
    NoParabolas(String),
    /// A value that is no number, or not above zero.
    #[error("optimum {row}: {what} is {value}, and must be above 0 and finite")]
    Value {
        /// Which one, from 1.
        row: usize,
        /// What of it.
        what: &'static str,
        /// The value.
        value: f64,
    },
}

impl MeasuredOptimum {
    /// N* and D*.
    #[must_use]
    pub fn both(&self, k: FlopsPerParamToken) -> [f64; 2] {
        let product = self.flops / k.0;
        let params = self.params.or(self.tokens.map(|tokens| product / tokens)).unwrap_or(f64::NAN);
        [params, self.tokens.unwrap_or(product / params)]
    }
}

/// Powers through measured optima; resamples draw optima with replacement.
///
/// # Errors
/// Fewer than two budgets that differ twofold; values that are not above zero.
pub fn fit_power(optima: &[MeasuredOptimum], settings: &Settings) -> Result<PowerFit, PowerError> {
    for (index, one) in optima.iter().enumerate() {
        let [params, tokens] = one.both(settings.k);
        let values =
            [("flops", one.flops), ("params", params), ("tokens", tokens), ("weight", one.weight)];
        if let Some((what, value)) =
            values.into_iter().find(|(_, value)| !(value.is_finite() && *value > 0.0))
        {
            return Err(PowerError::Value { row: index + 1, what, value });
        }
    }
    let resampled = |rng: &mut ChaCha8Rng| {
        let drawn = (0..optima.len()).map(|_| optima[rng.random_range(0..optima.len())]);
        drawn.collect::<Vec<_>>()
    };
    finish(optima.to_vec(), settings, None, &resampled)
}

/// Powers through the minima of parabolas; resamples draw runs within their budgets, so that the
/// minima move as the noise moves them.
///
/// # Errors
/// Runs without two budgets that have a parabola with its minimum inside.
pub fn fit_isoflop(runs: &[Run], settings: &Settings) -> Result<PowerFit, PowerError> {
    let largest = runs.iter().map(|run| run.flops(settings.k)).fold(0.0, f64::max);
    let target = settings.target.unwrap_or(Flops(largest));
    let isoflop =
        super::isoflop::isoflop(runs, settings.k, target).map_err(PowerError::NoParabolas)?;
    let optima = minima(&isoflop.parabolas);
    let budgets = super::isoflop::budgets(runs, settings.k);
    let resampled = |rng: &mut ChaCha8Rng| {
        let drawn: Vec<Run> = budgets
            .iter()
            .flat_map(|group| {
                (0..group.len())
                    .map(|_| *group[rng.random_range(0..group.len())])
                    .collect::<Vec<_>>()
            })
            .collect();
        minima(&parabolas(&drawn, settings.k))
    };
    finish(optima, settings, Some(isoflop), &resampled)
}

fn minima(parabolas: &[super::Parabola]) -> Vec<MeasuredOptimum> {
    let optimum = |one: &super::Parabola| MeasuredOptimum {
        flops: one.flops.0,
        params: Some(one.params.0),
        tokens: None,
        weight: 1.0,
        line: 0,
    };
    parabolas.iter().map(optimum).collect()
}

fn finish(
    mut optima: Vec<MeasuredOptimum>,
    settings: &Settings,
    isoflop: Option<IsoFlop>,
    resampled: &(dyn Fn(&mut ChaCha8Rng) -> Vec<MeasuredOptimum> + Sync),
) -> Result<PowerFit, PowerError> {
    let k = settings.k;
    let [params, tokens] = powers(&optima, k).ok_or_else(|| {
        let mut budgets: Vec<u64> = optima.iter().map(|one| one.flops.to_bits()).collect();
        budgets.sort_unstable();
        budgets.dedup();
        PowerError::TooFew { found: budgets.len() }
    })?;
    let draws: Vec<[Power; 2]> = (0..u64::from(settings.bootstrap))
        .into_par_iter()
        .filter_map(|stream| {
            let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
            rng.set_stream(stream);
            powers(&resampled(&mut rng), k)
        })
        .collect();
    let ends = |of: &dyn Fn(&MeasuredOptimum) -> f64| {
        let values = optima.iter().map(of);
        let ends = values.fold((f64::INFINITY, 0.0_f64), |e, v| (e.0.min(v), e.1.max(v)));
        Some([ends.0, ends.1])
    };
    let range = Range {
        flops: ends(&|one| one.flops),
        params: ends(&|one| one.both(k)[0]),
        tokens: ends(&|one| one.both(k)[1]),
        tokens_per_param: ends(&|one| one.both(k)[1] / one.both(k)[0]),
    };
    let largest = range.flops.map_or(f64::NAN, |[_, high]| high);
    let flops = settings.target.unwrap_or(Flops(largest));
    let at = |power: &Power| power.coefficient * pow(flops.0, power.exponent);
    let over = |which: usize, central: f64| {
        interval_80(central, draws.iter().map(|draw| at(&draw[which])))
    };
    let target = PowerTarget {
        flops,
        params: Params(at(&params)),
        tokens: Tokens(at(&tokens)),
        params_80: over(0, at(&params)),
        tokens_80: over(1, at(&tokens)),
        extrapolation: flops.0 / largest,
    };
    let sums = optima.iter().fold((0.0, 0.0), |sums: (f64, f64), one| {
        let off = log(one.both(k)[0]) - log(params.coefficient) - params.exponent * log(one.flops);
        (sums.0 + one.weight * off * off, sums.1 + one.weight)
    });
    let mut remarks = Vec::new();
    let count = optima.len();
    if count < 5 {
        remarks.push(format!("{count} optima are few: the intervals are rough"));
    }
    let lost = settings.bootstrap as usize - draws.len();
    if lost * 20 > settings.bootstrap as usize {
        remarks.push(format!(
            "{lost} of {} resamples have no two budgets with an optimum, and count for nothing",
            settings.bootstrap
        ));
    }
    if target.extrapolation > 100.0 {
        remarks.push(format!(
            "the target lies x {} beyond the largest budget: the intervals hold only if a power does \
             so far out",
            crate::quantity::significant(target.extrapolation, 3)
        ));
    }
    optima.sort_by(|a, b| a.flops.total_cmp(&b.flops));
    Ok(PowerFit {
        law: PowerLaw {
            unit_flops: 1.0,
            params: Some(params),
            tokens: Some(tokens),
            flops_per_token: None,
            loss: None,
        },
        standard_errors: standard_errors(&draws),
        draws,
        optima,
        rms: sqrt(sums.0 / sums.1),
        target,
        isoflop,
        range,
        remarks,
    })
}

/// The powers of N* and D*, or `None` without budgets that differ twofold.
fn powers(optima: &[MeasuredOptimum], k: FlopsPerParamToken) -> Option<[Power; 2]> {
    let total: f64 = optima.iter().map(|one| one.weight).sum();
    let mean = |of: &dyn Fn(&MeasuredOptimum) -> f64| {
        optima.iter().map(|one| one.weight * of(one)).sum::<f64>() / total
    };
    let budgets = optima.iter().map(|one| one.flops);
    let ends = budgets.fold((f64::INFINITY, 0.0_f64), |e, v| (e.0.min(v), e.1.max(v)));
    if ends.1.is_nan() || ends.1 < 2.0 * ends.0 || optima.is_empty() {
        return None;
    }
    let centre = mean(&|one| log(one.flops));
    let square = mean(&|one| (log(one.flops) - centre) * (log(one.flops) - centre));
    let power = |which: usize| {
        let level = mean(&|one| log(one.both(k)[which]));
        let across = mean(&|one| (log(one.flops) - centre) * (log(one.both(k)[which]) - level));
        let exponent = across / square;
        Power { coefficient: exp(level - exponent * centre), exponent }
    };
    Some([power(0), power(1)])
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand draws")]
fn standard_errors(draws: &[[Power; 2]]) -> Option<[[f64; 2]; 2]> {
    let deviation = |of: &dyn Fn(&[Power; 2]) -> f64| {
        let count = draws.len() as f64;
        let mean = draws.iter().map(of).sum::<f64>() / count;
        let squares: f64 = draws.iter().map(|draw| (of(draw) - mean) * (of(draw) - mean)).sum();
        sqrt(squares / (count - 1.0))
    };
    (draws.len() > 1).then(|| {
        [0, 1].map(|which| {
            [
                deviation(&|draw| log(draw[which].coefficient)),
                deviation(&|draw| draw[which].exponent),
            ]
        })
    })
}
