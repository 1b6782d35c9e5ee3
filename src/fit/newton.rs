//! Damped Newton steps within bounds, for five coordinates.

use super::objective::{Coordinates, Evaluation};
use libm::sqrt;

/// Most evaluations of a search.
const MOST: usize = 200;
/// A step that promises less than this share of the value is the last.
const PRECISION: f64 = 1e-15;
/// Damping beyond which no step is left.
const STIFF: f64 = 1e12;

/// Lower and upper ends of the coordinates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    pub(super) low: Coordinates,
    pub(super) high: Coordinates,
}

impl Bounds {
    pub(super) fn clamp(&self, at: Coordinates) -> Coordinates {
        std::array::from_fn(|i| at[i].clamp(self.low[i], self.high[i]))
    }

    /// Whether a coordinate stands at an end that the gradient pushes it against.
    fn holds(&self, at: &Coordinates, gradient: &[f64; 5], i: usize) -> bool {
        (at[i] <= self.low[i] && gradient[i] > 0.0) || (at[i] >= self.high[i] && gradient[i] < 0.0)
    }

    /// Whether any coordinate stands at an end.
    pub(super) fn touched(&self, at: &Coordinates) -> bool {
        (0..5).any(|i| at[i] <= self.low[i] || at[i] >= self.high[i])
    }
}

/// Where a search ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Minimum {
    pub(super) at: Coordinates,
    pub(super) value: f64,
    pub(super) evaluations: usize,
}

/// Goes down from a start: Newton steps on the exact Hessian, damped as Levenberg and Marquardt do
/// where the function is not convex or a step promises too much.
pub(super) fn minimise(
    objective: impl Fn(&Coordinates) -> Evaluation,
    start: Coordinates,
    bounds: &Bounds,
) -> Minimum {
    let mut at = bounds.clamp(start);
    let mut here = objective(&at);
    let mut evaluations = 1;
    let mut damping = 0.0;
    while evaluations < MOST && damping < STIFF && here.value.is_finite() {
        let free: [bool; 5] = std::array::from_fn(|i| !bounds.holds(&at, &here.gradient, i));
        let Some(step) = solve(&here, free, damping) else {
            damping = f64::max(1e-3, damping * 8.0);
            continue;
        };
        let to = bounds.clamp(std::array::from_fn(|i| at[i] + step[i].clamp(-2.0, 2.0)));
        let moved: Coordinates = std::array::from_fn(|i| to[i] - at[i]);
        let promised = -model(&here, &moved);
        if promised < 0.0 {
            damping = f64::max(1e-3, damping * 8.0); // the ends of the bounds bent the step
            continue;
        }
        if promised <= PRECISION * here.value {
            break;
        }
        let there = objective(&to);
        evaluations += 1;
        let gained = here.value - there.value;
        if gained > 0.0 {
            (at, here) = (to, there);
            let kept = gained / promised;
            if kept > 0.75 {
                damping = if damping < 1e-6 { 0.0 } else { damping / 8.0 };
            } else if kept < 0.25 {
                damping = f64::max(1e-3, damping * 4.0);
            }
        } else {
            damping = f64::max(1e-3, damping * 8.0);
        }
    }
    Minimum { at, value: here.value, evaluations }
}

/// g s + s H s / 2.
fn model(here: &Evaluation, step: &Coordinates) -> f64 {
    (0..5)
        .map(|i| {
            let row: f64 = (0..5).map(|j| here.hessian[i][j] * step[j]).sum();
            step[i] * (here.gradient[i] + row / 2.0)
        })
        .sum()
}

/// -(H + damping scale)^-1 g over the free coordinates; `None` where the damped matrix is not
/// positive definite.
fn solve(here: &Evaluation, free: [bool; 5], damping: f64) -> Option<Coordinates> {
    let mut matrix = here.hessian;
    for i in 0..5 {
        for j in 0..5 {
            if !(free[i] && free[j]) {
                matrix[i][j] = 0.0;
            }
        }
        matrix[i][i] = if free[i] { matrix[i][i] + damping * here.scale[i] } else { here.scale[i] };
    }
    let lower = factor(&matrix, &here.scale)?;
    Some(solve_lower(
        &lower,
        std::array::from_fn(|i| if free[i] { -here.gradient[i] } else { 0.0 }),
    ))
}

/// The lower factor of a symmetric matrix; `None` where it is not positive definite.
pub(super) fn cholesky(matrix: &[[f64; 5]; 5]) -> Option<[[f64; 5]; 5]> {
    factor(matrix, &std::array::from_fn(|i| matrix[i][i].abs()))
}

fn factor(matrix: &[[f64; 5]; 5], scale: &[f64; 5]) -> Option<[[f64; 5]; 5]> {
    let mut lower = [[0.0; 5]; 5];
    for i in 0..5 {
        for j in 0..=i {
            let entry = (0..j).fold(matrix[i][j], |entry, k| entry - lower[i][k] * lower[j][k]);
            if i != j {
                lower[i][j] = entry / lower[j][j];
            } else if entry.is_nan() || entry <= 1e-14 * scale[i] {
                return None;
            } else {
                lower[i][i] = sqrt(entry);
            }
        }
    }
    Some(lower)
}

/// Solves L L' x = b.
pub(super) fn solve_lower(lower: &[[f64; 5]; 5], target: [f64; 5]) -> Coordinates {
    let mut x = target;
    for i in 0..5 {
        let sum: f64 = (0..i).map(|k| lower[i][k] * x[k]).sum();
        x[i] = (x[i] - sum) / lower[i][i];
    }
    for i in (0..5).rev() {
        let sum: f64 = (i + 1..5).map(|k| lower[k][i] * x[k]).sum();
        x[i] = (x[i] - sum) / lower[i][i];
    }
    x
}
