//! Least absolute deviations: a sequence of linear problems, each solved from vertex to vertex.
//!
//! At the minimum of a sum of absolute deviations as many residuals vanish as there are constants.
//! The residuals, linear around a point, make a linear programme whose vertices are such sets:
//! Barrodale and Roberts' algorithm of 1973 (Communications of the ACM 17, algorithm 478) walks
//! along its edges, over as many breakpoints as still go down. Its solution is the next point (Osborne
//! and Watson 1971, "On an algorithm for discrete nonlinear L1 approximation"), which converges as
//! Newton's method does where the minimum is a vertex; where it is none, this gives up.

use super::newton::{Bounds, Minimum};
use super::objective::{Coordinates, log_residual, terms};
use super::sample::Point;
use libm::{exp, log};

/// Linear problems at most.
const ROUNDS: usize = 40;
/// Edges of one linear problem at most.
const EDGES: usize = 400;
/// A linear problem that promises less than this share of the value is the last.
const PRECISION: f64 = 1e-14;
/// The most that a coordinate moves in one step.
const FARTHEST: f64 = 0.5;

/// The minimum of the sum of |ln L(N, D) - ln loss| near a start, or `None` where it is no vertex,
/// lies at an end of the bounds, or rows of the runs that repeat hide it. Searches the first `free`
/// coordinates; of four the last exponent is the same as the one before.
pub(super) fn least_absolute(
    points: &[Point],
    start: &Coordinates,
    bounds: &Bounds,
    free: usize,
) -> Option<Minimum> {
    let mut at = *start;
    let mut lines = Lines::new(points.len(), free);
    let mut value = lines.around(points, &at);
    let mut evaluations = 1;
    for _ in 0..ROUNDS {
        let (step, promised) = lines.solve(points, value)?;
        if promised <= PRECISION * value {
            return Some(Minimum { at, value, evaluations });
        }
        let largest = step.iter().fold(0.0_f64, |most, part| most.max(part.abs()));
        let mut share = f64::min(1.0, FARTHEST / largest);
        loop {
            let mut to: Coordinates = std::array::from_fn(|i| at[i] + share * step[i]);
            if free == 4 {
                to[4] = to[3];
            }
            if bounds.touched(&to) {
                return None;
            }
            let there = lines.around(points, &to);
            evaluations += 1;
            if there < value - 0.01 * share * promised {
                (at, value) = (to, there);
                break;
            }
            if share * largest < 1e-11 {
                return Some(Minimum { at, value, evaluations });
            }
            share /= 4.0;
        }
    }
    None
}

/// Sum of |ln L(N, D) - ln loss|.
pub(super) fn sum(points: &[Point], at: &Coordinates) -> f64 {
    points.iter().map(|point| point.weight * log_residual(point, at).abs()).sum()
}

/// Residuals that are linear in the step from a point.
struct Lines {
    /// How many coordinates are searched.
    free: usize,
    residuals: Vec<f64>,
    slopes: Vec<[f64; 5]>,
    /// Runs whose residuals vanish, one for each coordinate that is searched.
    vertex: Vec<usize>,
    inside: Vec<bool>,
    /// Where residuals change their sign along an edge: how far, and by how much the slope grows.
    breaks: Vec<(f64, f64, usize)>,
}

impl Lines {
    fn new(count: usize, free: usize) -> Self {
        Self {
            free,
            residuals: vec![0.0; count],
            slopes: vec![[0.0; 5]; count],
            vertex: Vec::new(),
            inside: vec![false; count],
            breaks: Vec::with_capacity(count),
        }
    }

    /// The residuals and their slopes at a point, and the sum of the absolute residuals.
    fn around(&mut self, points: &[Point], at: &Coordinates) -> f64 {
        let floor = exp(at[0]);
        let mut value = 0.0;
        for (index, point) in points.iter().enumerate() {
            let terms = terms(point, floor, at);
            let total = terms[0] + terms[1] + terms[2];
            let residual = log(total) - point.ln_loss;
            self.residuals[index] = residual;
            value += point.weight * residual.abs();
            let [e, a, b] = terms.map(|term| term / total);
            let (alpha, beta) = (-a * point.x, -b * point.y);
            self.slopes[index] =
                if self.free == 4 { [e, a, b, alpha + beta, 0.0] } else { [e, a, b, alpha, beta] };
        }
        value
    }

    /// The step to the minimum of the linear problem, and by how much it promises to go down.
    fn solve(&mut self, points: &[Point], value: f64) -> Option<(Coordinates, f64)> {
        if self.vertex.is_empty() {
            self.nearest_vertex()?;
        }
        let mut step = [0.0; 5];
        let mut first = true;
        for _ in 0..EDGES {
            let inverse = self.inverse()?;
            if first {
                // to the vertex of the last problem
                let to: [f64; 5] = std::array::from_fn(|i| {
                    let rows = self.vertex.iter().enumerate();
                    -rows.map(|(k, &run)| inverse[i][k] * self.residuals[run]).sum::<f64>()
                });
                self.walk(&mut step, &to, 1.0);
                first = false;
            }
            let mut pull = [0.0; 5];
            for (index, point) in points.iter().enumerate() {
                if !self.inside[index] {
                    let signed = point.weight.copysign(self.residuals[index]);
                    for (sum, slope) in pull.iter_mut().zip(&self.slopes[index]) {
                        *sum += signed * slope;
                    }
                }
            }
            let leaving = (0..self.free)
                .map(|k| {
                    let force: f64 = (0..self.free).map(|i| inverse[i][k] * pull[i]).sum();
                    (force.abs() / points[self.vertex[k]].weight, force, k)
                })
                .filter(|(share, ..)| *share > 1.0 + 1e-9)
                .max_by(|a, b| a.0.total_cmp(&b.0));
            let Some((_, force, leaving)) = leaving else {
                let left: f64 =
                    points.iter().zip(&self.residuals).map(|(p, r)| p.weight * r.abs()).sum();
                return Some((step, value - left));
            };
            let edge: [f64; 5] = std::array::from_fn(|i| -force.signum() * inverse[i][leaving]);
            let slope = points[self.vertex[leaving]].weight - force.abs();
            let (far, entering) = self.breakpoint(points, &edge, slope)?;
            self.walk(&mut step, &edge, far);
            self.inside[self.vertex[leaving]] = false;
            self.inside[entering] = true;
            self.vertex[leaving] = entering;
            for &run in &self.vertex {
                self.residuals[run] = 0.0;
            }
        }
        None
    }

    fn along(&self, index: usize, direction: &[f64; 5]) -> f64 {
        let slopes = &self.slopes[index];
        (0..5).map(|i| slopes[i] * direction[i]).sum()
    }

    fn walk(&mut self, step: &mut Coordinates, direction: &[f64; 5], far: f64) {
        for i in 0..self.free {
            step[i] += far * direction[i];
        }
        for index in 0..self.residuals.len() {
            self.residuals[index] += far * self.along(index, direction);
        }
    }

    /// How far an edge goes down, and whose residual vanishes there.
    fn breakpoint(
        &mut self,
        points: &[Point],
        edge: &[f64; 5],
        mut slope: f64,
    ) -> Option<(f64, usize)> {
        let mut breaks = std::mem::take(&mut self.breaks);
        breaks.clear();
        for (index, point) in points.iter().enumerate() {
            let speed = self.along(index, edge);
            let far = -self.residuals[index] / speed;
            if !self.inside[index] && far >= 0.0 && far.is_finite() {
                breaks.push((far, 2.0 * point.weight * speed.abs(), index));
            }
        }
        breaks.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.2.cmp(&b.2)));
        let found = breaks.iter().find(|(_, grows, _)| {
            slope += grows;
            slope >= 0.0
        });
        let found = found.map(|(far, _, index)| (*far, *index));
        self.breaks = breaks;
        found
    }

    /// The runs nearest to the law whose slopes are independent.
    fn nearest_vertex(&mut self) -> Option<()> {
        let mut order: Vec<usize> = (0..self.residuals.len()).collect();
        order.sort_by(|&a, &b| {
            self.residuals[a].abs().total_cmp(&self.residuals[b].abs()).then(a.cmp(&b))
        });
        let mut basis: Vec<[f64; 5]> = Vec::new();
        for index in order {
            let mut left = self.slopes[index];
            for known in &basis {
                let share: f64 = (0..5).map(|i| left[i] * known[i]).sum();
                for i in 0..5 {
                    left[i] -= share * known[i];
                }
            }
            let own: f64 = self.slopes[index].iter().map(|slope| slope * slope).sum();
            let rest: f64 = left.iter().map(|slope| slope * slope).sum();
            if rest > 1e-6 * own {
                basis.push(left.map(|part| part / libm::sqrt(rest)));
                self.vertex.push(index);
                self.inside[index] = true;
            }
            if basis.len() == self.free {
                return Some(());
            }
        }
        None
    }

    /// The inverse of the slopes at the vertex, by Gauss and Jordan with pivots.
    fn inverse(&self) -> Option<[[f64; 5]; 5]> {
        let free = self.free;
        let mut left: [[f64; 5]; 5] =
            std::array::from_fn(|k| if k < free { self.slopes[self.vertex[k]] } else { [0.0; 5] });
        let mut right: [[f64; 5]; 5] =
            std::array::from_fn(|i| std::array::from_fn(|j| if i == j { 1.0 } else { 0.0 }));
        for column in 0..free {
            let pivot = (column..free)
                .max_by(|&a, &b| left[a][column].abs().total_cmp(&left[b][column].abs()))?;
            left.swap(column, pivot);
            right.swap(column, pivot);
            let head = left[column][column];
            if head.abs() < 1e-12 {
                return None;
            }
            for j in 0..free {
                left[column][j] /= head;
                right[column][j] /= head;
            }
            for row in (0..free).filter(|&row| row != column) {
                let factor = left[row][column];
                for j in 0..free {
                    left[row][j] -= factor * left[column][j];
                    right[row][j] -= factor * right[column][j];
                }
            }
        }
        Some(right)
    }
}
