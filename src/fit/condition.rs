//! How well the runs tell the constants apart.

use super::objective::{Coordinates, terms};
use super::parametric::Problem;
use super::sample::Centre;
use libm::{exp, sqrt};

/// Rounds of Jacobi rotations; five by five settles in fewer.
const ROUNDS: usize = 60;

/// Condition numbers of the normal equations at the minimum: the largest eigenvalue over the least,
/// in (E, A, B, α, β) and in the centred logarithms of the fit.
pub(super) fn numbers(problem: &Problem, at: &Coordinates, centre: Centre) -> (f64, f64) {
    let Problem { points, objective, exponents, .. } = *problem;
    let mut centred = [[0.0; 5]; 5];
    for point in points {
        let [e, a, b] = terms(point, exp(at[0]), at);
        let scale = if objective.is_log() { e + a + b } else { 1.0 };
        let gradient = [e, a, b, -a * point.x, -b * point.y].map(|part| part / scale);
        for i in 0..5 {
            for j in 0..5 {
                centred[i][j] += point.weight * gradient[i] * gradient[j];
            }
        }
    }
    // d ln E = dE/E; d ln A' = dA/A - mean(ln N) d alpha, and likewise for B
    let (e, a, b) =
        (exp(at[0]), exp(at[1] + at[3] * centre.ln_params), exp(at[2] + at[4] * centre.ln_tokens));
    let chain = [
        [1.0 / e, 0.0, 0.0, 0.0, 0.0],
        [0.0, 1.0 / a, 0.0, -centre.ln_params, 0.0],
        [0.0, 0.0, 1.0 / b, 0.0, -centre.ln_tokens],
        [0.0, 0.0, 0.0, 1.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 1.0],
    ];
    let mut raw: [[f64; 5]; 5] = std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            let inner = |k: usize| (0..5).map(|l| centred[k][l] * chain[l][j]).sum::<f64>();
            (0..5).map(|k| chain[k][i] * inner(k)).sum()
        })
    });
    let constants = exponents.constants();
    if constants == 4 {
        // one exponent moves both terms
        for matrix in [&mut raw, &mut centred] {
            for row in matrix.iter_mut() {
                row[3] += row[4];
            }
            let last = matrix[4];
            for (sum, entry) in matrix[3].iter_mut().zip(&last) {
                *sum += entry;
            }
        }
    }
    (condition(raw, constants), condition(centred, constants))
}

/// Largest over least eigenvalue of the leading rows and columns, by Jacobi rotations; infinite for a singular matrix.
fn condition(mut matrix: [[f64; 5]; 5], size: usize) -> f64 {
    for _ in 0..ROUNDS {
        for p in 0..size - 1 {
            for q in p + 1..size {
                rotate(&mut matrix, p, q);
            }
        }
    }
    let values = (0..size).map(|i| matrix[i][i]);
    let most = values.clone().fold(0.0, f64::max);
    let least = values.fold(f64::INFINITY, f64::min);
    if least > 0.0 { most / least } else { f64::INFINITY }
}

#[expect(clippy::needless_range_loop, reason = "two rows of one matrix at once")]
/// Rotates a pair of axes so that they no longer mix.
fn rotate(matrix: &mut [[f64; 5]; 5], p: usize, q: usize) {
    if matrix[p][q] == 0.0 {
        return;
    }
    let theta = (matrix[q][q] - matrix[p][p]) / (2.0 * matrix[p][q]);
    let tangent = theta.signum() / (theta.abs() + sqrt(theta.mul_add(theta, 1.0)));
    let cosine = 1.0 / sqrt(tangent.mul_add(tangent, 1.0));
    let sine = tangent * cosine;
    for row in matrix.iter_mut() {
        let (a, b) = (row[p], row[q]);
        (row[p], row[q]) = (cosine * a - sine * b, sine * a + cosine * b);
    }
    for column in 0..5 {
        let (a, b) = (matrix[p][column], matrix[q][column]);
        (matrix[p][column], matrix[q][column]) = (cosine * a - sine * b, sine * a + cosine * b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_matrix() {
        // numpy.linalg.cond(scipy.linalg.hilbert(5)) = 476607.2502422621
        let hilbert = std::array::from_fn(|i| {
            #[expect(clippy::cast_precision_loss, reason = "below ten")]
            std::array::from_fn(|j| 1.0 / (i + j + 1) as f64)
        });
        assert!((condition(hilbert, 5) / 476_607.250_242_262_1 - 1.0).abs() < 1e-8);
    }
}
