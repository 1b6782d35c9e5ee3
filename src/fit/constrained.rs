//! How much repeated data are worth: `R_D`* and `R_N`* for a law whose other constants are held.
//!
//! L = E + A/N'^α + B/D'^β with D' = U + U `R_D`* (1 - e^(-R/R_D*)), R = D/U - 1, and N' alike beyond
//! the size that the unique tokens feed (Muennighoff et al. 2023, arXiv:2305.16264, eq. 5 and 6;
//! constants and objective as the authors' code has them). The objective has several minima on the
//! authors' own runs, so all that a grid leads to are told, and how far `R_D`* can move before the
//! objective rises by a hundredth.

mod point;

use super::newton::{Bounds, minimise};
use super::objective::{Coordinates, Evaluation};
use super::{Objective, Residual, Run, Settings, interval_80};
use crate::law::{Repeats, Surface};
use crate::plan::Interval;
use crate::quantity::{Tokens, significant};
use libm::{exp, log};
use point::Point;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Ends of what is searched for both.
const ENDS: [f64; 2] = [0.05, 1e4];
/// Places along a side of the grid of starts.
const SIDE: usize = 40;
/// Minima from which resamples are refitted.
const STARTS: usize = 4;
/// Share by which the objective may rise where a value still counts as fitting.
const TOLERANCE: f64 = 0.01;
/// Epochs whose worth is told.
pub const EPOCHS: [f64; 5] = [2.0, 4.0, 8.0, 16.0, 40.0];
/// Deltas of the Huber losses that lead to least absolute deviations.
const DELTAS: [f64; 5] = [1e-3, 1e-4, 1e-5, 1e-7, 1e-9];

/// Decay constants that were fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct ConstrainedFit {
    /// The constants that were held.
    pub base: Surface,
    /// `R_D`* and `R_N`*.
    pub repeats: Repeats,
    /// What was minimised.
    pub objective: Objective,
    /// Its value at the minimum.
    pub value: f64,
    /// The other minima, best first.
    pub minima: Vec<(Repeats, f64)>,
    /// The least and the largest `R_D`* whose objective, at the best `R_N`*, is within
    /// a hundredth of the minimum.
    pub within: Interval,
    /// Decay constants refitted to resampled runs.
    pub draws: Vec<Repeats>,
    /// 80 % interval of `R_D`*.
    pub tokens_80: Option<Interval>,
    /// 80 % interval of `R_N`*.
    pub params_80: Option<Interval>,
    /// Whether the runs tell `R_D`*.
    pub identified: bool,
    /// Runs whose data repeat.
    pub repeated: usize,
    /// The most epochs of a run.
    pub most_epochs: f64,
    /// Runs that were fitted.
    pub rows: usize,
    /// The runs whose log loss lies furthest from the law, worst first.
    pub worst: Vec<Residual>,
    /// Root mean square of the residuals of the log loss.
    pub rms: f64,
    /// What a reader must know.
    pub remarks: Vec<String>,
}

/// Why no decay constants follow.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConstrainedError {
    /// Nothing says what repeats.
    #[error(
        "no run says how many of its tokens are distinct: name the column with \
         --column unique_tokens=\"NAME\""
    )]
    NoUniqueTokens,
    /// Nothing repeats enough.
    #[error(
        "{repeated} of {rows} runs read their data more than once: at least 4 are needed, of two or \
         more epoch counts"
    )]
    NoRepeats {
        /// Runs that repeat.
        repeated: usize,
        /// All of them.
        rows: usize,
    },
    /// A value that is no number, or not above zero.
    #[error("run {row}: {what} is {value}, and must be above 0 and finite")]
    Value {
        /// Which run, from 1.
        row: usize,
        /// What of it.
        what: &'static str,
        /// The value.
        value: f64,
    },
}

impl ConstrainedFit {
    /// What a number of epochs is worth, as a share of as many fresh tokens, with its 80 % interval.
    #[must_use]
    pub fn worth(&self, epochs: f64) -> (f64, Option<Interval>) {
        let of = |repeats: &Repeats| {
            crate::data::effective_tokens(Tokens(epochs), Tokens(1.0), *repeats).0 / epochs
        };
        let worth = of(&self.repeats);
        (worth, interval_80(worth, self.draws.iter().map(of)))
    }
}

/// Fits the decay constants with the base law held.
///
/// # Errors
/// Runs without unique tokens, or of which too few repeat their data; values that are not above zero.
pub fn fit_constrained(
    runs: &[Run],
    base: &Surface,
    settings: &Settings,
    refitted: &(dyn Fn() + Sync),
) -> Result<ConstrainedFit, ConstrainedError> {
    check(runs)?;
    let points: Vec<Point> = runs.iter().map(|run| Point::new(run, base)).collect();
    let epochs: Vec<f64> = runs.iter().filter_map(Run::epochs).collect();
    let repeated = epochs.iter().filter(|epochs| **epochs > 1.05).count();
    let most_epochs = epochs.iter().copied().fold(1.0, f64::max);
    let mut kinds: Vec<f64> = epochs.into_iter().filter(|epochs| *epochs > 1.05).collect();
    kinds.sort_by(f64::total_cmp);
    kinds.dedup_by(|a, b| *a < *b * 1.05);
    if repeated < 4 || kinds.len() < 2 {
        return Err(ConstrainedError::NoRepeats { repeated, rows: runs.len() });
    }
    let problem = Problem { points: &points, base, objective: settings.objective };
    let all = problem.minima(&problem.starts());
    let (best, value) = all[0];
    let starts: Vec<[f64; 2]> = all.iter().take(STARTS).map(|(at, _)| *at).collect();
    let draws: Vec<Repeats> = (0..u64::from(settings.bootstrap))
        .into_par_iter()
        .map_init(Vec::new, |drawn, stream| {
            let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
            rng.set_stream(stream);
            resample(&points, &mut rng, drawn);
            let ends = Problem { points: drawn, ..problem }.minima(&starts);
            refitted();
            repeats(ends[0].0)
        })
        .collect();
    let within = problem.within(best, value);
    let repeats_at = repeats(best);
    let over = |of: fn(&Repeats) -> f64| interval_80(of(&repeats_at), draws.iter().map(of));
    let (tokens_80, params_80) = (over(|of| of.tokens), over(|of| of.params));
    let wide = |[low, high]: Interval| high > 4.0 * low;
    let identified = !wide(within) && !tokens_80.is_some_and(wide);
    let surface = |run: &Run, point: &Point| {
        let predicted = point.loss(base, best);
        Residual { run: *run, predicted, log_residual: log(predicted / run.loss) }
    };
    let residuals = runs.iter().zip(&points).map(|(run, point)| surface(run, point)).collect();
    let (worst, rms) = super::worst(residuals);
    let mut fit = ConstrainedFit {
        base: *base,
        repeats: repeats_at,
        objective: settings.objective,
        value,
        minima: all[1..].iter().map(|(at, value)| (repeats(*at), *value)).collect(),
        within,
        draws,
        tokens_80,
        params_80,
        identified,
        repeated,
        most_epochs,
        rows: runs.len(),
        worst,
        rms,
        remarks: Vec::new(),
    };
    fit.remarks = remarks(&fit);
    Ok(fit)
}

fn check(runs: &[Run]) -> Result<(), ConstrainedError> {
    for (index, run) in runs.iter().enumerate() {
        let values = [
            ("params", run.params),
            ("tokens", run.tokens),
            ("loss", run.loss),
            ("weight", run.weight),
            ("unique_tokens", run.unique_tokens.unwrap_or(1.0)),
        ];
        let bad = values.into_iter().find(|(_, value)| !(value.is_finite() && *value > 0.0));
        if let Some((what, value)) = bad {
            return Err(ConstrainedError::Value { row: index + 1, what, value });
        }
    }
    if runs.iter().all(|run| run.unique_tokens.is_none()) {
        return Err(ConstrainedError::NoUniqueTokens);
    }
    Ok(())
}

fn remarks(fit: &ConstrainedFit) -> Vec<String> {
    let digits = |value: f64| significant(value, 3);
    let mut remarks = Vec::new();
    if !fit.identified {
        let [low, high] = fit.within;
        let upto = if high >= ENDS[1] * 0.99 { "without an end".to_owned() } else { digits(high) };
        remarks.push(format!(
            "R_D* is not identified by these runs: at the best R_N* the objective rises by less than \
             1 % from R_D* = {} to {upto}. What few epochs are worth may be told all the same; do not \
             rely on what many are worth",
            digits(low)
        ));
    }
    if let Some((other, value)) = fit.minima.first()
        && *value < fit.value * (1.0 + TOLERANCE)
    {
        remarks.push(format!(
            "another minimum, R_D* = {} and R_N* = {}, is worse by only {} %",
            digits(other.tokens),
            digits(other.params),
            significant(100.0 * (value / fit.value - 1.0), 2)
        ));
    }
    if let Some([low, high]) = fit.params_80
        && high > 4.0 * low
    {
        remarks.push(format!(
            "R_N* is not identified either: its 80 % interval is {} to {}",
            digits(low),
            digits(high)
        ));
    }
    remarks
}

fn repeats([tokens, params]: [f64; 2]) -> Repeats {
    Repeats { tokens: exp(tokens), params: exp(params) }
}

fn resample(points: &[Point], rng: &mut ChaCha8Rng, into: &mut Vec<Point>) {
    let mut counts = vec![0_u32; points.len()];
    for _ in points {
        counts[rng.random_range(0..points.len())] += 1;
    }
    into.clear();
    let drawn = points.iter().zip(counts).filter(|(_, count)| *count > 0);
    into.extend(
        drawn.map(|(point, count)| Point { weight: point.weight * f64::from(count), ..*point }),
    );
}

/// Runs, the law that is held, and what is minimised over ln `R_D`* and ln `R_N`*.
#[derive(Clone, Copy)]
struct Problem<'a> {
    points: &'a [Point],
    base: &'a Surface,
    objective: Objective,
}

impl Problem<'_> {
    /// The local minima of a grid.
    fn starts(&self) -> Vec<[f64; 2]> {
        #[expect(clippy::cast_precision_loss, reason = "a dozen")]
        let place = |index: usize| {
            let share = (index as f64 + 0.5) / SIDE as f64;
            log(ENDS[0]) + share * log(ENDS[1] / ENDS[0])
        };
        let at = |cell: usize| [place(cell / SIDE), place(cell % SIDE)];
        let values: Vec<f64> = (0..SIDE * SIDE).map(|cell| self.value(at(cell))).collect();
        let around = |at: usize| at.saturating_sub(1)..=(at + 1).min(SIDE - 1);
        let lowest = |cell: usize| {
            around(cell / SIDE)
                .flat_map(|row| around(cell % SIDE).map(move |column| row * SIDE + column))
                .all(|other| values[cell] <= values[other])
        };
        (0..SIDE * SIDE).filter(|cell| lowest(*cell)).map(at).collect()
    }

    /// Where searches from the starts end, best first, each once.
    fn minima(&self, starts: &[[f64; 2]]) -> Vec<([f64; 2], f64)> {
        let mut found: Vec<([f64; 2], f64)> = Vec::new();
        for start in starts {
            let end = self.search(*start, false);
            let known =
                found.iter().any(|(at, _)| at.iter().zip(end.0).all(|(a, b)| (a - b).abs() < 1e-3));
            if !known {
                found.push(end);
            }
        }
        found.sort_by(|a, b| a.1.total_cmp(&b.1));
        found
    }

    /// The minimum near a start; over `R_N`* alone where `R_D`* is held.
    fn search(&self, start: [f64; 2], held: bool) -> ([f64; 2], f64) {
        let deltas: &[f64] = match self.objective {
            Objective::LogHuber { delta } => &[delta],
            Objective::LogL1 => &DELTAS,
            Objective::Mse => &[0.0],
        };
        let [low, high] = ENDS.map(log);
        let bounds = Bounds { low: [low, low, 0.0, 0.0, 0.0], high: [high, high, 0.0, 0.0, 0.0] };
        let mut at: Coordinates = [start[0], start[1], 0.0, 0.0, 0.0];
        for &delta in deltas {
            at = minimise(|at| self.at(*at, delta, held), at, &bounds).at;
        }
        let end = [at[0], at[1]];
        (end, self.value(end))
    }

    /// The objective in the units that users see.
    fn value(&self, at: [f64; 2]) -> f64 {
        match self.objective {
            Objective::LogHuber { delta } => {
                self.points.iter().map(|point| point.huber(self.base, at, delta)[0]).sum::<f64>()
                    * delta
            }
            Objective::LogL1 => {
                let off =
                    |point: &Point| (log(point.loss(self.base, at)) - log(point.observed)).abs();
                self.points.iter().map(|point| point.weight * off(point)).sum()
            }
            Objective::Mse => {
                let off = |point: &Point| point.loss(self.base, at) - point.observed;
                self.points.iter().map(|point| point.weight * off(point) * off(point)).sum()
            }
        }
    }

    /// Value, gradient and exact Hessian in the first two coordinates; the others stand still.
    fn at(&self, at: Coordinates, delta: f64, held: bool) -> Evaluation {
        let mut sums = [0.0; 8];
        for point in self.points {
            let parts = match self.objective {
                Objective::Mse => point.square(self.base, [at[0], at[1]]),
                _ => point.huber(self.base, [at[0], at[1]], delta),
            };
            for (sum, part) in sums.iter_mut().zip(parts) {
                *sum += part;
            }
        }
        let [value, u, v, uu, uv, mut vv, above_u, mut above_v] = sums;
        if above_v <= 0.0 {
            (vv, above_v) = (1.0, 1.0); // no run has parameters beyond those that are fed
        }
        let mut here = Evaluation {
            value,
            gradient: [u, v, 0.0, 0.0, 0.0],
            hessian: [[0.0; 5]; 5],
            scale: [above_u, above_v, 1.0, 1.0, 1.0],
        };
        for i in 0..5 {
            here.hessian[i][i] = 1.0;
        }
        here.hessian[0][0] = uu;
        here.hessian[1][1] = vv;
        (here.hessian[0][1], here.hessian[1][0]) = (uv, uv);
        if held {
            here.gradient[0] = 0.0;
            here.hessian[0][0] = 1.0;
            (here.hessian[0][1], here.hessian[1][0]) = (0.0, 0.0);
            here.scale[0] = 1.0;
        }
        here
    }

    /// The least and the largest `R_D`* at which the best `R_N`* keeps the objective within the
    /// tolerance, on a grid of a tenth.
    fn within(&self, best: [f64; 2], value: f64) -> Interval {
        let [low, high] = ENDS.map(log);
        let mut ends = [best[0], best[0]];
        for (end, step) in [(0, -0.1), (1, 0.1)] {
            let mut at = best;
            // past a ridge the objective may come down again
            let mut beyond = 0;
            while beyond < 5 && (low..=high).contains(&at[0]) {
                let (next, there) = self.search(at, true);
                if there <= value * (1.0 + TOLERANCE) {
                    ends[end] = at[0];
                    beyond = 0;
                } else {
                    beyond += 1;
                }
                at = [at[0] + step, next[1]];
            }
        }
        ends.map(|end| exp(end.clamp(low, high)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gradient and Hessian against differences.
    #[test]
    fn derivatives_are_those_of_the_value() {
        let base = Surface { e: 1.87, a: 521.0, b: 1488.0, alpha: 0.353, beta: 0.353 };
        let run = |params: f64, tokens: f64, unique: f64, loss: f64| Run {
            params,
            tokens,
            loss,
            weight: 1.5,
            unique_tokens: Some(unique),
            line: 0,
        };
        let runs = [
            run(1e9, 3e10, 4e9, 2.6),
            run(2.8e9, 4e10, 1e9, 3.0),
            run(1e8, 1e10, 1e10, 3.1),
            run(7e9, 1e9, 1e9, 3.4),
        ];
        let points: Vec<Point> = runs.iter().map(|run| Point::new(run, &base)).collect();
        for (objective, delta) in [
            (Objective::LogHuber { delta: 0.5 }, 0.5),
            (Objective::LogHuber { delta: 1e-3 }, 1e-3),
            (Objective::Mse, 0.0),
        ] {
            let problem = Problem { points: &points, base: &base, objective };
            let here = [1.3, 0.9, 0.0, 0.0, 0.0];
            let own = problem.at(here, delta, false);
            for i in 0..2 {
                let moved = |by: f64| {
                    let mut to = here;
                    to[i] += by;
                    problem.at(to, delta, false)
                };
                let (up, down) = (moved(1e-5), moved(-1e-5));
                let near = |a: f64, b: f64| (a - b).abs() <= 1e-6 * (1.0 + b.abs());
                assert!(near((up.value - down.value) / 2e-5, own.gradient[i]), "{objective:?} {i}");
                for j in 0..2 {
                    let bend = (up.gradient[j] - down.gradient[j]) / 2e-5;
                    assert!(near(bend, own.hessian[i][j]), "{objective:?} {i} {j}: {bend} {own:?}");
                }
            }
        }
    }
}
