//! The global minimum of an objective: starts of the grid, each polished.

use super::absolute::{self, least_absolute};
use super::newton::{Bounds, Minimum, minimise};
use super::objective::{Coordinates, Evaluation, Loss, log_residual};
use super::sample::{Centre, Point};
use super::start::starts;
use super::{Exponents, Objective, Settings};
use crate::law::Surface;
use libm::{exp, log};

/// How small, against the mean loss, a term may become: less is none.
const ABSENT: f64 = 1e-9;
/// How large, against the mean loss, a term may become at the centre of the runs.
const LARGEST: f64 = 1e3;
/// Least and largest exponent.
const EXPONENTS: [f64; 2] = [1e-3, 4.0];
/// The least absolute deviations are the limit of Huber losses with these deltas.
const DELTAS: [f64; 6] = [1e-3, 1e-4, 1e-5, 1e-7, 1e-9, 1e-11];

impl Exponents {
    /// Where the exponents are tied, the last coordinate follows the one before: its part of the
    /// slopes goes there, and it has none of its own.
    fn fold(self, mut of: Evaluation) -> Evaluation {
        if self == Self::Two {
            return of;
        }
        of.gradient[3] += of.gradient[4];
        of.scale[3] += of.scale[4];
        (of.gradient[4], of.scale[4]) = (0.0, 1.0);
        for row in 0..4 {
            of.hessian[row][3] += of.hessian[row][4];
        }
        of.hessian[3][3] += of.hessian[4][3] + of.hessian[4][4];
        for row in 0..3 {
            of.hessian[3][row] = of.hessian[row][3];
        }
        for row in 0..4 {
            (of.hessian[row][4], of.hessian[4][row]) = (0.0, 0.0);
        }
        of.hessian[4][4] = 1.0;
        of
    }

    fn tie(self, mut at: Coordinates) -> Coordinates {
        if self == Self::Tied {
            at[4] = at[3];
        }
        at
    }
}

/// Runs, what is minimised over them, and within which ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Problem<'a> {
    pub(super) points: &'a [Point],
    pub(super) objective: Objective,
    pub(super) exponents: Exponents,
    pub(super) bounds: Bounds,
}

/// The ends within which a fit is searched.
fn bounds(points: &[Point]) -> Bounds {
    let sums = points.iter().fold((0.0, 0.0), |sums: (f64, f64), point| {
        (sums.0 + point.weight * point.ln_loss, sums.1 + point.weight)
    });
    let mean = sums.0 / sums.1;
    let (low, high) = (mean + log(ABSENT), mean + log(LARGEST));
    let [least, most] = EXPONENTS;
    Bounds { low: [low, low, low, least, least], high: [high, high, high, most, most] }
}

impl Problem<'_> {
    pub(super) fn new<'a>(points: &'a [Point], settings: &Settings) -> Problem<'a> {
        let Settings { objective, exponents, .. } = *settings;
        Problem { points, objective, exponents, bounds: bounds(points) }
    }

    /// The minima that the starts of the grid lead to, lowest first, each once.
    pub(super) fn minima(&self) -> Vec<Minimum> {
        let starts = starts(self.points, self.objective.is_log(), self.exponents);
        let mut warm: Vec<Coordinates> = Vec::new();
        for start in starts.minima {
            let end = self.approach(start);
            if !warm.iter().any(|known| near(known, &end)) {
                warm.push(end);
            }
        }
        warm.extend(starts.valley);
        let mut minima: Vec<Minimum> = Vec::new();
        for start in warm {
            let end = self.search(start);
            if end.value.is_finite() && !minima.iter().any(|known| near(&known.at, &end.at)) {
                minima.push(end);
            }
        }
        minima.sort_by(|a, b| a.value.total_cmp(&b.value));
        minima
    }

    /// From far away a wide Huber loss leads nearer than the sharp one that is asked for.
    fn approach(&self, start: Coordinates) -> Coordinates {
        let sharp = match self.objective {
            Objective::LogHuber { delta } => delta,
            Objective::LogL1 => DELTAS[0],
            Objective::Mse => return self.down(Loss::Square, start).at,
        };
        [100.0, 10.0]
            .into_iter()
            .fold(start, |at, wider| self.down(Loss::LogHuber { delta: sharp * wider }, at).at)
    }

    /// The minimum near a start.
    pub(super) fn search(&self, start: Coordinates) -> Minimum {
        match self.objective {
            Objective::LogHuber { delta } => {
                let end = self.down(Loss::LogHuber { delta }, start);
                Minimum { value: end.value * delta, ..end }
            }
            Objective::Mse => self.down(Loss::Square, start),
            Objective::LogL1 => self.least_absolute(start),
        }
    }

    /// From vertex to vertex, or where that gives up through ever sharper Huber losses.
    fn least_absolute(&self, start: Coordinates) -> Minimum {
        let mut end = self.down(Loss::LogHuber { delta: DELTAS[0] }, start);
        let free = self.exponents.constants();
        if let Some(vertex) = least_absolute(self.points, &end.at, &self.bounds, free) {
            return Minimum { evaluations: end.evaluations + vertex.evaluations, ..vertex };
        }
        for delta in &DELTAS[1..] {
            let next = self.down(Loss::LogHuber { delta: *delta }, end.at);
            end = Minimum { evaluations: end.evaluations + next.evaluations, ..next };
        }
        Minimum { value: absolute::sum(self.points, &end.at), ..end }
    }

    fn down(&self, loss: Loss, from: Coordinates) -> Minimum {
        let at =
            |at: &Coordinates| self.exponents.fold(loss.at(self.points, &self.exponents.tie(*at)));
        let end = minimise(at, from, &self.bounds);
        Minimum { at: self.exponents.tie(end.at), ..end }
    }
}

/// Whether two searches came to one place.
fn near(a: &Coordinates, b: &Coordinates) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5)
}

/// The law at coordinates.
pub(super) fn surface(at: &Coordinates, centre: Centre) -> Surface {
    Surface {
        e: exp(at[0]),
        a: exp(at[1] + at[3] * centre.ln_params),
        b: exp(at[2] + at[4] * centre.ln_tokens),
        alpha: at[3],
        beta: at[4],
    }
}

/// A loss with a curvature at every run: that of the objective, for absolute deviations the Huber
/// loss whose delta is the median of theirs. The sharp Huber losses are as good as absolute ones.
pub(super) fn smooth(objective: Objective, points: &[Point], at: &Coordinates) -> Loss {
    let delta = match objective {
        Objective::Mse => return Loss::Square,
        Objective::LogHuber { delta } => delta,
        Objective::LogL1 => 0.0,
    };
    let mut sizes: Vec<f64> = points.iter().map(|point| log_residual(point, at).abs()).collect();
    let middle = sizes.len() / 2;
    let median = *sizes.select_nth_unstable_by(middle, f64::total_cmp).1;
    Loss::LogHuber { delta: delta.max(median / 4.0).max(f64::MIN_POSITIVE) }
}

/// Says in words which constants the runs do not tell.
pub(super) fn at_bounds(at: &Coordinates, bounds: &Bounds) -> Vec<String> {
    let low = |i: usize| at[i] <= bounds.low[i];
    let high = |i: usize| at[i] >= bounds.high[i];
    let said = [
        (low(0), "E is zero at the minimum: the runs do not show where the loss levels off"),
        (low(1), "A is zero at the minimum: the runs do not show what a smaller model costs"),
        (low(2), "B is zero at the minimum: the runs do not show what fewer tokens cost"),
        (low(3) || high(3), "alpha stands at an end of what is searched, 0.001 to 4"),
        (low(4) || high(4), "beta stands at an end of what is searched, 0.001 to 4"),
    ];
    said.into_iter()
        .filter(|(yes, _)| *yes)
        .map(|(_, text)| format!("{text}; do not rely on it"))
        .collect()
}
