//! The global minimum of an objective: starts of the grid, each polished.

use super::Objective;
use super::newton::{Bounds, Minimum, minimise};
use super::objective::{Coordinates, Loss, log_residual};
use super::sample::{Centre, Point};
use super::start::starts;
use crate::law::Surface;
use libm::{exp, log};

/// How small, against the mean loss, a term may become: less is none.
const ABSENT: f64 = 1e-9;
/// How large, against the mean loss, a term may become at the centre of the runs.
const LARGEST: f64 = 1e3;
/// Least and largest exponent.
pub(super) const EXPONENTS: [f64; 2] = [1e-3, 4.0];
/// The least absolute deviations are the limit of Huber losses with these deltas.
const DELTAS: [f64; 6] = [1e-3, 1e-4, 1e-5, 1e-7, 1e-9, 1e-11];

/// The ends within which a fit is searched.
pub(super) fn bounds(points: &[Point]) -> Bounds {
    let sums = points.iter().fold((0.0, 0.0), |sums: (f64, f64), point| {
        (sums.0 + point.weight * point.ln_loss, sums.1 + point.weight)
    });
    let mean = sums.0 / sums.1;
    let (low, high) = (mean + log(ABSENT), mean + log(LARGEST));
    let [least, most] = EXPONENTS;
    Bounds { low: [low, low, low, least, least], high: [high, high, high, most, most] }
}

/// The lowest minimum over the starts of the grid.
pub(super) fn global(points: &[Point], objective: Objective) -> Option<Minimum> {
    let bounds = bounds(points);
    let starts = starts(points, objective.is_log());
    let mut warm: Vec<Coordinates> = Vec::new();
    for start in starts {
        let end = approach(points, objective, start, &bounds);
        if !warm.iter().any(|known| near(known, &end)) {
            warm.push(end);
        }
    }
    let minima = warm.into_iter().map(|start| search(points, objective, start, &bounds));
    minima
        .filter(|minimum| minimum.value.is_finite())
        .reduce(|best, next| if next.value < best.value { next } else { best })
}

/// Whether two searches came to one place.
fn near(a: &Coordinates, b: &Coordinates) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5)
}

/// From far away a wide Huber loss leads nearer than the sharp one that is asked for.
fn approach(
    points: &[Point],
    objective: Objective,
    start: Coordinates,
    bounds: &Bounds,
) -> Coordinates {
    let sharp = match objective {
        Objective::LogHuber { delta } => delta,
        Objective::LogL1 => DELTAS[0],
        Objective::Mse => return minimise(|at| Loss::Square.at(points, at), start, bounds).at,
    };
    [100.0, 10.0].into_iter().fold(start, |at, wider| {
        let loss = Loss::LogHuber { delta: sharp * wider };
        minimise(|at| loss.at(points, at), at, bounds).at
    })
}

/// The minimum near a start.
pub(super) fn search(
    points: &[Point],
    objective: Objective,
    start: Coordinates,
    bounds: &Bounds,
) -> Minimum {
    let down = |loss: Loss, from| minimise(|at| loss.at(points, at), from, bounds);
    match objective {
        Objective::LogHuber { delta } => {
            let end = down(Loss::LogHuber { delta }, start);
            Minimum { value: end.value * delta, ..end }
        }
        Objective::Mse => down(Loss::Square, start),
        Objective::LogL1 => {
            let mut end = Minimum { at: start, value: f64::INFINITY, evaluations: 0 };
            for delta in DELTAS {
                let next = down(Loss::LogHuber { delta }, end.at);
                end = Minimum { evaluations: end.evaluations + next.evaluations, ..next };
            }
            let value =
                points.iter().map(|point| point.weight * log_residual(point, &end.at).abs());
            Minimum { value: value.sum(), ..end }
        }
    }
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
