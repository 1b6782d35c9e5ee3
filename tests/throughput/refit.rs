//! A fit as the shipped one: least squares of the logarithms of tokens/s with a soft L1 loss, by
//! Gauss and Newton's steps with damping, in the logarithms of the constants.

use super::cases::Case;
use plan::throughput::{Engine, constants, engines};

/// Scale of the loss: errors well below it count squared, those above it by their size.
const SCALE: f64 = 0.05;

/// Engines with other constants.
pub struct Fitted {
    engines: Vec<Engine>,
}

impl Fitted {
    fn of(names: &[&str], logs: &[f64]) -> Self {
        let replace = |engine: &Engine| {
            let values = names.iter().zip(logs);
            values.fold(engine.clone(), |engine, (name, log)| engine.with(name, libm::exp(*log)))
        };
        Self { engines: engines().iter().map(replace).collect() }
    }

    pub fn error(&self, case: &Case) -> f64 {
        let engine = self.engines.iter().find(|engine| engine.name == case.engine);
        case.error(engine.expect("engines are in the catalogue"))
    }

    fn residuals(&self, cases: &[&Case]) -> Vec<f64> {
        cases.iter().map(|case| libm::log(1.0 + self.error(case))).collect()
    }
}

fn loss(residuals: &[f64]) -> f64 {
    residuals.iter().map(|r| 2.0 * ((1.0 + (r / SCALE).powi(2)).sqrt() - 1.0)).sum()
}

/// The constants that fit the cases best, the others as shipped.
pub fn refit(cases: &[&Case], names: &[&str]) -> Fitted {
    let known = |name: &&str| constants().find(name).expect("it is known").value;
    let start = names.iter().map(|name| libm::log(known(name)));
    let mut logs: Vec<f64> = start.collect();
    let mut damping = 1e-3;
    let mut residuals = Fitted::of(names, &logs).residuals(cases);
    for _ in 0..60 {
        let step = 1e-5;
        let columns: Vec<Vec<f64>> = (0..names.len())
            .map(|column| {
                let mut moved = logs.clone();
                moved[column] += step;
                let other = Fitted::of(names, &moved).residuals(cases);
                other.iter().zip(&residuals).map(|(b, a)| (b - a) / step).collect()
            })
            .collect();
        // the weight of a residual under the soft L1 loss
        let weights: Vec<f64> =
            residuals.iter().map(|r| 1.0 / (1.0 + (r / SCALE).powi(2)).sqrt()).collect();
        let dot = |a: &[f64], b: &[f64]| -> f64 {
            a.iter().zip(b).zip(&weights).map(|((a, b), w)| a * b * w).sum()
        };
        let mut matrix: Vec<Vec<f64>> =
            columns.iter().map(|a| columns.iter().map(|b| dot(a, b)).collect()).collect();
        for (index, row) in matrix.iter_mut().enumerate() {
            row[index] = row[index] * (1.0 + damping) + 1e-9;
        }
        let right: Vec<f64> = columns.iter().map(|column| -dot(column, &residuals)).collect();
        let change = solve(matrix, right);
        let next: Vec<f64> =
            logs.iter().zip(&change).map(|(a, b)| a + b.clamp(-0.5, 0.5)).collect();
        let found = Fitted::of(names, &next).residuals(cases);
        if loss(&found) < loss(&residuals) {
            let gain = loss(&residuals) - loss(&found);
            (logs, residuals, damping) = (next, found, damping / 3.0);
            if gain < 1e-9 {
                break;
            }
        } else {
            damping *= 4.0;
            if damping > 1e6 {
                break;
            }
        }
    }
    Fitted::of(names, &logs)
}

/// Gauss's elimination with the largest pivot.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let n = right.len();
    for column in 0..n {
        let pivot = (column..n)
            .max_by(|a, b| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs()))
            .expect("rows are left");
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        let leading = matrix[column].clone();
        for row in column + 1..n {
            let factor = matrix[row][column] / leading[column];
            for (entry, above) in matrix[row].iter_mut().zip(&leading) {
                *entry -= factor * above;
            }
            right[row] -= factor * right[column];
        }
    }
    for column in (0..n).rev() {
        let known: f64 = (column + 1..n).map(|k| matrix[column][k] * right[k]).sum();
        right[column] = (right[column] - known) / matrix[column][column];
    }
    right
}
