//! Refits to resampled rows.

use super::interval::{bias, inverse_normal, normal, widened_80};
use super::newton::{Bounds, Minimum, cholesky, solve_lower};
use super::objective::Coordinates;
use super::parametric::{Problem, smooth, surface};
use super::sample::{Point, Sample};
use super::{Exponents, Settings, freedom};
use crate::law::Surface;
use crate::plan::Interval;
use crate::quantity::significant;
use libm::{cos, log, sqrt};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Rows times resamples up to which every resample is refitted.
const REFITS: u64 = 40_000_000;
/// Runs up to which resamples are refitted from the lowest minima, and not from the lowest alone.
const FEW: u64 = 100;
/// How many those are.
const STARTS: usize = 4;
/// Representatives of the replicates that a law keeps.
pub const KEPT: usize = 256;

/// The law refitted to resamples.
#[derive(Debug, Clone, PartialEq)]
pub struct Bootstrap {
    /// One law for each resample, in their order.
    pub draws: Vec<Surface>,
    /// Standard deviations of the constants over the draws, times the root of n/(n - p): the
    /// residuals of p fitted constants are that much smaller than the errors.
    pub standard_errors: Surface,
    /// Whether the draws are normal ones with the sandwich covariance, for want of time to refit.
    pub linear: bool,
    /// Draws of which a constant stands at an end of what is searched.
    pub at_ends: usize,
    /// How many times as far out, in normal deviates, the ends of intervals lie: few runs that bear
    /// most of the squares tell less of the errors than all of them would.
    pub wider: f64,
}

impl Bootstrap {
    /// The 80 % interval of a quantity of the law, given its value for the law itself.
    pub fn interval_80(&self, value: f64, of: impl Fn(&Surface) -> f64) -> Option<Interval> {
        widened_80(value, self.draws.iter().map(of), self.wider)
    }

    /// The draws that stand for all in the file of a law.
    #[must_use]
    pub fn representatives(&self, fit: &Surface) -> Vec<Surface> {
        let exponent = |surface: &Surface| surface.beta / (surface.alpha + surface.beta);
        representatives(fit, &self.draws, exponent, self.wider)
    }

    pub(super) fn remarks(&self, rows: usize) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.linear {
            remarks.push(format!(
                "of {rows} rows no resample was refitted, which would take minutes: the draws are \
                 normal, with the sandwich covariance of the fit"
            ));
        }
        if self.wider > freedom::TOLD {
            remarks.push(format!(
                "few runs bear most of the objective: the intervals are {} % wider for it, and may hold \
                 the truth less often than 80 % all the same; --objective log-huber is moved less by such runs",
                significant(100.0 * (self.wider - 1.0), 2)
            ));
        }
        if self.at_ends * 20 > self.draws.len() {
            remarks.push(format!(
                "in {} of {} resamples a term vanishes or an exponent has no limit: the runs do not \
                 tell all five constants; add runs over a wider range",
                self.at_ends,
                self.draws.len()
            ));
        }
        remarks
    }
}

/// Refits to the resamples; draw i comes from stream i of the seed, so that no thread matters.
pub(super) fn run(
    sample: &Sample,
    settings: &Settings,
    minima: &[Minimum],
    refitted: &(dyn Fn() + Sync),
) -> Option<Bootstrap> {
    let at = &minima.first()?.at;
    let whole = Problem::new(&sample.points, settings);
    let bounds = whole.bounds;
    let rows = sample.points.len() as u64;
    // of few runs a resample may well fall into another of the minima
    let uneven = rows <= FEW && settings.objective.is_log();
    let others = if uneven { STARTS } else { 1 };
    let starts: Vec<Coordinates> = minima.iter().take(others).map(|minimum| minimum.at).collect();
    let linear = rows.saturating_mul(u64::from(settings.bootstrap)) > REFITS;
    let deviation = if linear { Some(deviations(sample, settings, at)?) } else { None };
    let ends: Vec<Coordinates> = (0..u64::from(settings.bootstrap))
        .into_par_iter()
        .map_init(Vec::new, |points, stream| {
            let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
            rng.set_stream(stream);
            let end = if let Some(lower) = &deviation {
                shifted(at, lower, &bounds, &mut rng)
            } else {
                resample(&sample.points, &mut rng, points);
                let problem = Problem { points, ..whole };
                let ends = starts.iter().map(|start| problem.search(*start));
                let best =
                    ends.reduce(|best, next| if next.value < best.value { next } else { best });
                best.map_or(*at, |best| best.at)
            };
            refitted();
            end
        })
        .collect();
    let draws: Vec<Surface> = ends.iter().map(|end| surface(end, sample.centre)).collect();
    Some(Bootstrap {
        standard_errors: standard_errors(&draws, rows, settings.exponents),
        linear,
        wider: freedom::wider(&whole, at),
        at_ends: ends.iter().filter(|end| bounds.touched(end)).count(),
        draws,
    })
}

/// As many rows as there are, drawn with replacement; each stands once, with its count as weight.
fn resample(points: &[Point], rng: &mut ChaCha8Rng, into: &mut Vec<Point>) {
    let mut counts = vec![0_u32; points.len()];
    for _ in points {
        counts[rng.random_range(0..points.len())] += 1;
    }
    let drawn = points.iter().zip(counts).filter(|(_, count)| *count > 0);
    into.clear();
    into.extend(
        drawn.map(|(point, count)| Point { weight: point.weight * f64::from(count), ..*point }),
    );
}

/// A draw around the fit: its deviation is the lower factor of the covariance times normal ones.
fn shifted(
    at: &Coordinates,
    lower: &[Coordinates; 5],
    bounds: &Bounds,
    rng: &mut ChaCha8Rng,
) -> Coordinates {
    let normals: Coordinates = std::array::from_fn(|_| {
        let (radius, turn): (f64, f64) = (rng.random(), rng.random());
        sqrt(-2.0 * log(1.0 - radius)) * cos(std::f64::consts::TAU * turn)
    });
    let moved =
        std::array::from_fn(|i| at[i] + (0..5).map(|j| lower[j][i] * normals[j]).sum::<f64>());
    bounds.clamp(moved)
}

/// Five deviations whose squares sum to the sandwich covariance H⁻¹ G H⁻¹, where G sums the outer
/// products of the runs' gradients (so R's dsge, `robust_vcov`): H⁻¹ times the columns of G's
/// factor.
fn deviations(sample: &Sample, settings: &Settings, at: &Coordinates) -> Option<[Coordinates; 5]> {
    let loss = smooth(settings.objective, &sample.points, at);
    let here = loss.at(&sample.points, at);
    let mut outer = [[0.0; 5]; 5];
    for point in &sample.points {
        let g = loss.at(std::slice::from_ref(point), at).gradient;
        for i in 0..5 {
            for j in 0..5 {
                outer[i][j] += g[i] * g[j];
            }
        }
    }
    let factor = cholesky(&outer)?;
    let hessian = cholesky(&here.hessian)?;
    Some(std::array::from_fn(|column| {
        solve_lower(&hessian, std::array::from_fn(|row| factor[row][column]))
    }))
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand draws")]
fn standard_errors(draws: &[Surface], rows: u64, exponents: Exponents) -> Surface {
    let constants = exponents.constants() as u64;
    let freedom = sqrt(rows as f64 / rows.saturating_sub(constants).max(1) as f64);
    let deviation = |of: fn(&Surface) -> f64| {
        let count = draws.len() as f64;
        let mean = draws.iter().map(of).sum::<f64>() / count;
        let squares: f64 = draws.iter().map(|draw| (of(draw) - mean) * (of(draw) - mean)).sum();
        freedom * sqrt(squares / (count - 1.0).max(1.0))
    };
    Surface {
        e: deviation(|draw| draw.e),
        a: deviation(|draw| draw.a),
        b: deviation(|draw| draw.b),
        alpha: deviation(|draw| draw.alpha),
        beta: deviation(|draw| draw.beta),
    }
}

/// The draws that stand for all in a law: at evenly spaced, bias-corrected ranks of the exponent of
/// N*, which decides how the optimum moves with the budget. So few at random would miss the ends of
/// the intervals by 2 to 5 %; percentiles over these come near to
/// [`interval_80`](super::interval_80) over all.
pub(crate) fn representatives<T: Clone>(
    fit: &T,
    draws: &[T],
    exponent: impl Fn(&T) -> f64,
    wider: f64,
) -> Vec<T> {
    let mut sorted = draws.to_vec();
    sorted.sort_by(|a, b| exponent(a).total_cmp(&exponent(b)));
    let exponents: Vec<f64> = sorted.iter().map(&exponent).collect();
    let Some(shift) = bias(exponent(fit), &exponents) else { return Vec::new() };
    let kept = KEPT.min(sorted.len());
    #[expect(clippy::cast_precision_loss, reason = "a few thousand draws")]
    let place = |index: usize| {
        let rank = (index as f64 + 0.5) / kept as f64;
        normal(shift + wider * inverse_normal(rank)) * sorted.len() as f64
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the ranks")]
    let picked =
        (0..kept).map(|index| sorted[(place(index) as usize).min(sorted.len() - 1)].clone());
    picked.collect()
}
