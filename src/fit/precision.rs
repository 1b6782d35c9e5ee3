//! How well runs would tell the optimum, before there is any outcome.

use super::Objective;
use super::newton::{cholesky, solve_lower};
use crate::law::Surface;
use crate::quantity::{Flops, FlopsPerParamToken, Params, Tokens};
use libm::{log, sqrt};

/// Standard deviation of ln N* at a budget, to first order, from runs at (N, D) whose log losses
/// lie around a law with standard deviation `noise`; `None` where the runs do not tell all five
/// constants.
///
/// Least squares: σ² gᵀ (JᵀJ)⁻¹ g, with J the derivatives of ln L by the constants and g those of
/// ln N*. The objectives of the log loss with a small delta are medians rather than means: of normal
/// deviations their variance is π/2 times as large.
#[must_use]
#[expect(clippy::many_single_char_names, reason = "the letters of the law")]
pub fn log_deviation(
    places: &[(Params, Tokens)],
    law: &Surface,
    objective: Objective,
    noise: f64,
    target: Flops,
    k: FlopsPerParamToken,
) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a few hundred runs")]
    let count = places.len() as f64;
    let mean = |of: &dyn Fn(&(Params, Tokens)) -> f64| places.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(&|(n, _)| log(n.0)), mean(&|(_, d)| log(d.0)));
    let mut information = [[0.0; 5]; 5];
    for (params, tokens) in places {
        let (a, b) = (law.params_term(*params), law.tokens_term(*tokens));
        let loss = law.e + a + b;
        let row = [law.e, a, b, -a * (log(params.0) - x), -b * (log(tokens.0) - y)];
        let row = row.map(|part| part / loss);
        for i in 0..5 {
            for j in 0..5 {
                information[i][j] += row[i] * row[j];
            }
        }
    }
    let (sum, best) = (law.alpha + law.beta, law.optimum(target, k).params?);
    let best = log(best.0);
    let by_alpha = 1.0 / law.alpha + x - best;
    let by_beta = log(target.0 / k.0) - 1.0 / law.beta - y - best;
    let gradient = [0.0, 1.0, -1.0, by_alpha, by_beta].map(|part| part / sum);
    let spread = solve_lower(&cholesky(&information)?, gradient);
    let variance: f64 = gradient.iter().zip(spread).map(|(g, s)| g * s).sum();
    let median = if objective.is_log() { std::f64::consts::FRAC_PI_2 } else { 1.0 };
    Some(noise * sqrt(variance * median))
}
