//! The second method: parabolas through runs of one budget (Hoffmann et al. 2022,
//! arXiv:2203.15556, approach 2).

use super::Run;
use crate::quantity::{Flops, FlopsPerParamToken, Params, Tokens};
use libm::{exp, log};

/// Runs whose budgets lie within this factor are of one budget.
const ONE: f64 = 1.15;
/// Runs that make a parabola, and how far their sizes reach.
const LEAST: usize = 5;
const REACH: f64 = 2.0;

/// N* as a power of the budget, from the minima of parabolas.
#[derive(Debug, Clone, PartialEq)]
pub struct IsoFlop {
    /// One parabola for each budget, the smallest first.
    pub parabolas: Vec<Parabola>,
    /// Exponent of N*.
    pub params_exponent: f64,
    /// Exponent of D*.
    pub tokens_exponent: f64,
    /// N* at the target.
    pub params: Params,
    /// D* at the target.
    pub tokens: Tokens,
}

/// The loss over ln N at one budget: loss = least + bend (ln N - ln N*)².
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parabola {
    /// Mean of the budgets, geometric.
    pub flops: Flops,
    /// N*.
    pub params: Params,
    /// Loss there.
    pub least: f64,
    /// Half the curvature.
    pub bend: f64,
    /// Runs that it goes through.
    pub runs: usize,
}

/// Parabolas through the runs of every budget that has enough of them and a minimum among them.
#[must_use]
pub fn parabolas(runs: &[Run], k: FlopsPerParamToken) -> Vec<Parabola> {
    budgets(runs, k).iter().filter_map(|group| parabola(group, k)).collect()
}

/// The runs of each budget, the smallest first.
pub(super) fn budgets(runs: &[Run], k: FlopsPerParamToken) -> Vec<Vec<&Run>> {
    let mut sorted: Vec<&Run> = runs.iter().collect();
    sorted.sort_by(|a, b| a.flops(k).total_cmp(&b.flops(k)).then(a.params.total_cmp(&b.params)));
    let mut found = Vec::new();
    let mut rest = sorted.as_slice();
    while let Some(first) = rest.first() {
        let most = first.flops(k) * ONE;
        let count = rest.partition_point(|run| run.flops(k) <= most);
        let (group, others) = rest.split_at(count);
        found.push(group.to_vec());
        rest = others;
    }
    found
}

/// Least squares of the loss on 1, u and u² for u = ln N less its mean.
#[expect(clippy::many_single_char_names, reason = "the letters of the normal equations")]
fn parabola(group: &[&Run], k: FlopsPerParamToken) -> Option<Parabola> {
    let sizes = group.iter().map(|run| run.params);
    let (low, high) =
        sizes.fold((f64::INFINITY, 0.0_f64), |(low, high), size| (low.min(size), high.max(size)));
    if group.len() < LEAST || high / low < REACH {
        return None;
    }
    let total: f64 = group.iter().map(|run| run.weight).sum();
    let mean = |of: &dyn Fn(&Run) -> f64| {
        group.iter().map(|run| run.weight * of(run)).sum::<f64>() / total
    };
    let centre = mean(&|run| log(run.params));
    let u = |run: &Run| log(run.params) - centre;
    let loss = mean(&|run| run.loss);
    let moment = |power: i32| mean(&|run| u(run).powi(power));
    let [two, three, four] = [2, 3, 4].map(moment);
    let slope_target = mean(&|run| u(run) * (run.loss - loss));
    let bend_target = mean(&|run| (u(run) * u(run) - two) * (run.loss - loss));
    // normal equations of u and u² less its mean
    let (a, b, d) = (two, three, four - two * two);
    let determinant = a * d - b * b;
    let slope = (d * slope_target - b * bend_target) / determinant;
    let bend = (a * bend_target - b * slope_target) / determinant;
    let ln_best = centre - slope / (2.0 * bend);
    let inside = (log(low)..=log(high)).contains(&ln_best);
    let best = ln_best - centre;
    let least = loss - bend * two + slope * best + bend * best * best;
    (bend > 0.0 && inside).then(|| Parabola {
        flops: Flops(exp(mean(&|run| log(run.flops(k))))),
        params: Params(exp(ln_best)),
        least,
        bend,
        runs: group.len(),
    })
}

/// The line through the minima, or why there is none.
pub(super) fn isoflop(
    runs: &[Run],
    k: FlopsPerParamToken,
    target: Flops,
) -> Result<IsoFlop, String> {
    let parabolas = parabolas(runs, k);
    let spread = match (parabolas.first(), parabolas.last()) {
        (Some(first), Some(last)) => last.flops.0 / first.flops.0,
        _ => 0.0,
    };
    if parabolas.len() < 2 || spread < 2.0 {
        return Err(format!(
            "{} of the runs' budgets have a parabola with its minimum inside: two that differ \
             twofold are needed, each with {LEAST} sizes or more",
            parabolas.len()
        ));
    }
    let logs = parabolas.iter().map(|one| (log(one.flops.0), log(one.params.0)));
    #[expect(clippy::cast_precision_loss, reason = "a few budgets")]
    let count = parabolas.len() as f64;
    let sums = logs.clone().fold((0.0, 0.0), |sums, (c, n)| (sums.0 + c, sums.1 + n));
    let (mean_c, mean_n) = (sums.0 / count, sums.1 / count);
    let (across, along) = logs.fold((0.0, 0.0), |(across, along), (c, n)| {
        (across + (c - mean_c) * (n - mean_n), along + (c - mean_c) * (c - mean_c))
    });
    let params_exponent = across / along;
    let params = Params(exp(mean_n + params_exponent * (log(target.0) - mean_c)));
    Ok(IsoFlop {
        parabolas,
        params_exponent,
        tokens_exponent: 1.0 - params_exponent,
        params,
        tokens: Tokens(target.0 / (k.0 * params.0)),
    })
}
