//! Where a search starts: a grid over the two exponents, the rest by linear least squares.
//!
//! At fixed alpha and beta L = E + A/N^alpha + B/D^beta is linear in E, A and B. So the five
//! dimensions shrink to two that a grid covers: variable projection, as the crate varpro describes
//! it.

use super::Exponents;
use super::objective::Coordinates;
use super::sample::Point;
use libm::{exp, log, sqrt};

/// Exponents along a side of the grid.
const SIDE: usize = 24;
/// Least and largest exponent of the grid.
const EXPONENTS: [f64; 2] = [0.03, 1.6];
/// Rows that the grid reads at most; of more, every n-th is taken.
const ROWS: usize = 4096;
/// Starts that are worth a search.
const STARTS: usize = 4;
/// Rows times starts that are searched from beside those: few rows have many shallow minima.
const WORK: usize = 2000;

/// Where to search from.
pub(super) struct Starts {
    /// The local minima of the grid, best first.
    pub(super) minima: Vec<Coordinates>,
    /// Of every exponent of N the best of D, and the other way round, best first: they lie along the
    /// valley whose floor a sharp loss makes uneven.
    pub(super) valley: Vec<Coordinates>,
}

/// The starts of a grid. With `relative` the squares are of relative errors.
pub(super) fn starts(points: &[Point], relative: bool, exponents: Exponents) -> Starts {
    let valley = (WORK / points.len().max(1)).min(2 * SIDE);
    let points: Vec<&Point> = points.iter().step_by(points.len().div_ceil(ROWS).max(1)).collect();
    let weights: Vec<f64> = points
        .iter()
        .map(|point| if relative { point.weight / (point.loss * point.loss) } else { point.weight })
        .collect();
    let sums = Sums::of(&points, &weights);
    let cells: Vec<Cell> = (0..SIDE * SIDE).map(|i| sums.cell(i / SIDE, i % SIDE)).collect();
    let wanted = |i: usize| exponents == Exponents::Two || i / SIDE == i % SIDE;
    let below = |i: usize, j: usize| (cells[i].left, i) < (cells[j].left, j);
    let mut minima: Vec<usize> = (0..cells.len())
        .filter(|&i| wanted(i))
        .filter(|&i| neighbours(i).filter(|&j| wanted(j)).all(|j| below(i, j)))
        .collect();
    let lines = (0..SIDE).flat_map(|line| {
        let row = (0..SIDE).map(move |column| line * SIDE + column);
        let column = (0..SIDE).map(move |row| row * SIDE + line);
        [row.collect::<Vec<_>>(), column.collect()]
    });
    let least = |line: Vec<usize>| {
        line.into_iter().filter(|&i| wanted(i)).reduce(|a, b| if below(b, a) { b } else { a })
    };
    let mut along: Vec<usize> = lines.filter_map(least).collect();
    let at = |order: &mut Vec<usize>, most: usize| {
        order.sort_by(|&a, &b| cells[a].left.total_cmp(&cells[b].left).then(a.cmp(&b)));
        order.dedup();
        order.iter().take(most).map(|&i| cells[i].at).collect()
    };
    Starts { minima: at(&mut minima, STARTS), valley: at(&mut along, valley) }
}

fn exponent(index: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a few dozen")]
    let share = index as f64 / (SIDE - 1) as f64;
    EXPONENTS[0] * exp(share * log(EXPONENTS[1] / EXPONENTS[0]))
}

fn neighbours(cell: usize) -> impl Iterator<Item = usize> {
    let around = |at: usize| at.saturating_sub(1)..=(at + 1).min(SIDE - 1);
    let (row, column) = (cell / SIDE, cell % SIDE);
    around(row)
        .flat_map(move |r| around(column).map(move |c| r * SIDE + c))
        .filter(move |&other| other != cell)
}

/// A pair of exponents with the best non-negative E, A', B'.
struct Cell {
    at: Coordinates,
    /// Weighted squares that are left, less a constant.
    left: f64,
}

/// Weighted sums of the products of the columns 1, N^-alpha, D^-beta and the loss.
struct Sums {
    one: f64,
    loss: f64,
    sides: [Vec<Side>; 2],
    cross: Vec<f64>,
}

/// One exponent of one side: sums of u, u^2 and u times the loss.
#[derive(Clone, Copy)]
struct Side {
    one: f64,
    square: f64,
    loss: f64,
}

impl Sums {
    fn of(points: &[&Point], weights: &[f64]) -> Self {
        let column = |of: fn(&Point) -> f64| -> Vec<Vec<f64>> {
            (0..SIDE)
                .map(|i| points.iter().map(|point| exp(-exponent(i) * of(point))).collect())
                .collect()
        };
        let columns = [column(|point| point.x), column(|point| point.y)];
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let losses: Vec<f64> = points.iter().zip(weights).map(|(p, w)| p.loss * w).collect();
        let weighted: [Vec<Vec<f64>>; 2] = std::array::from_fn(|side| {
            let columns = columns[side].iter();
            columns.map(|u| u.iter().zip(weights).map(|(u, w)| u * w).collect()).collect()
        });
        let sides = std::array::from_fn(|side| {
            columns[side]
                .iter()
                .zip(&weighted[side])
                .map(|(u, weighted)| Side {
                    one: weighted.iter().sum(),
                    square: dot(u, weighted),
                    loss: dot(u, &losses),
                })
                .collect()
        });
        let cross =
            (0..SIDE * SIDE).map(|i| dot(&weighted[0][i / SIDE], &columns[1][i % SIDE])).collect();
        Self { one: weights.iter().sum(), loss: losses.iter().sum(), sides, cross }
    }

    #[expect(clippy::many_single_char_names, reason = "the letters of the law")]
    /// Non-negative least squares by trying every set of terms.
    fn cell(&self, row: usize, column: usize) -> Cell {
        let (u, v) = (self.sides[0][row], self.sides[1][column]);
        let cross = self.cross[row * SIDE + column];
        let gram = [[self.one, u.one, v.one], [u.one, u.square, cross], [v.one, cross, v.square]];
        let target = [self.loss, u.loss, v.loss];
        let mut best = (f64::INFINITY, [0.0; 3]);
        for set in 1..8_u8 {
            let inside = [set & 1 != 0, set & 2 != 0, set & 4 != 0];
            if let Some(solution) = solve(&gram, &target, inside)
                && solution.iter().all(|&value| value >= 0.0)
            {
                // the squares at a minimum of least squares are L'L - x'b
                let left = -(0..3).map(|i| solution[i] * target[i]).sum::<f64>();
                if left < best.0 {
                    best = (left, solution);
                }
            }
        }
        // a term that is not wanted keeps a trace, so that the search can bring it back
        let trace = 1e-3 * self.loss / self.one;
        let [e, a, b] = best.1.map(|value| log(value.max(trace)));
        Cell { at: [e, a, b, exponent(row), exponent(column)], left: best.0 }
    }
}

#[expect(clippy::needless_range_loop, reason = "the indices of Cholesky's sums")]
/// Solves the equations of the terms inside by Cholesky; the others are zero.
fn solve(gram: &[[f64; 3]; 3], target: &[f64; 3], inside: [bool; 3]) -> Option<[f64; 3]> {
    let mut lower = [[0.0; 3]; 3];
    for i in 0..3 {
        for j in 0..=i {
            let mut entry = match (i == j, inside[i] && inside[j]) {
                (_, true) => gram[i][j],
                (true, false) => 1.0,
                (false, false) => 0.0,
            };
            for k in 0..j {
                entry -= lower[i][k] * lower[j][k];
            }
            if i == j {
                if entry.is_nan() || entry <= 1e-13 * gram[i][i] {
                    return None;
                }
                lower[i][i] = sqrt(entry);
            } else {
                lower[i][j] = entry / lower[j][j];
            }
        }
    }
    let mut solution: [f64; 3] = std::array::from_fn(|i| if inside[i] { target[i] } else { 0.0 });
    for i in 0..3 {
        let sum: f64 = (0..i).map(|k| lower[i][k] * solution[k]).sum();
        solution[i] = (solution[i] - sum) / lower[i][i];
    }
    for i in (0..3).rev() {
        let sum: f64 = (i + 1..3).map(|k| lower[k][i] * solution[k]).sum();
        solution[i] = (solution[i] - sum) / lower[i][i];
    }
    Some(solution)
}
