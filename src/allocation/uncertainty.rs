//! 80 % intervals from the bootstrap draws of a law.

use super::table::Table;
use super::{Objective, Point, Wanted, solve};
use crate::law::{Law, Optimum, Prepared, interval_80};
use crate::quantity::{FlopsPerParamToken, Params, Tokens};
use libm::log;

/// 10th and 90th percentiles over the draws; a side that was chosen has none.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Intervals {
    /// N.
    pub params: Option<[f64; 2]>,
    /// D.
    pub tokens: Option<[f64; 2]>,
    /// D/N.
    pub tokens_per_param: Option<[f64; 2]>,
    /// kND, where the run is sized by a loss.
    pub flops: Option<[f64; 2]>,
    /// The loss of this very run.
    pub loss: Option<[f64; 2]>,
}

/// Knots of the table behind an interval.
const KNOTS: u32 = 41;

/// Answers the same question under every draw; `None` for a law without draws.
///
/// The loss is that of the answered run under each draw. Repeats keep their central decay
/// constants: the draws do not cover how uncertain those are. A run that is sized by a loss on
/// short data has an interval of its loss only.
#[must_use]
pub fn intervals(
    law: &Law,
    objective: Option<&Objective>,
    k: FlopsPerParamToken,
    wanted: &Wanted,
    point: &Point,
) -> Option<Intervals> {
    if point.free && wanted.loss.is_none() {
        let optima = law.drawn_optima(point.flops, k);
        if !optima.is_empty() {
            let over =
                |of: &dyn Fn(&Optimum) -> Option<f64>| interval_80(optima.iter().filter_map(of));
            return Some(Intervals {
                params: over(&|optimum| optimum.params.map(|params| params.0)),
                tokens: over(&|optimum| Some(optimum.tokens.0)),
                tokens_per_param: over(&|optimum| optimum.tokens_per_param().map(|ratio| ratio.0)),
                ..Intervals::default()
            });
        }
    }
    let draws = law.prepared_draws();
    let objective = objective.filter(|_| !draws.is_empty())?;
    let loss = interval_80(losses(&draws, objective, point).into_iter());
    let length = wanted.tokens.is_some() || wanted.tokens_per_param.is_some();
    if wanted.params.is_some() && length {
        return Some(Intervals { loss, ..Intervals::default() }); // no draw moves what is chosen
    }
    let open = wanted.flops.filter(|_| wanted.is_open());
    let plainly: Vec<(Params, Tokens)> = if let Some(flops) = open {
        let ln_product = log(flops.0 / k.0);
        draws.iter().map(|draw| draw.allocation(ln_product)).collect()
    } else {
        let fresh = |draw: &Prepared| Objective { surface: draw.surface, ..objective.fresh() };
        let plain = |draw: &Prepared| {
            let point = solve(law, Some(&fresh(draw)), k, wanted).ok()??;
            Some((point.params?, point.tokens))
        };
        draws.iter().filter_map(plain).collect()
    };
    let plenty = plainly.iter().all(|(_, d)| !objective.is_limited_at(*d));
    let runs: Vec<(Params, Tokens)> = if plenty {
        plainly
    } else if point.free && wanted.loss.is_none() {
        let table = Table::new(objective, point.flops, point.tokens, KNOTS);
        draws.iter().map(|draw| table.optimum(&draw.surface)).collect()
    } else if !objective.is_limited_at(point.tokens) {
        plainly // a few draws repeat a little
    } else {
        Vec::new()
    };
    let over = |of: &dyn Fn(&(Params, Tokens)) -> f64| {
        let [low, high] = interval_80(runs.iter().map(of))?;
        (high > low * (1.0 + 1e-9)).then_some([low, high])
    };
    Some(Intervals {
        params: over(&|(n, _)| n.0),
        tokens: over(&|(_, d)| d.0),
        tokens_per_param: over(&|(n, d)| (*d / *n).0),
        flops: over(&|(n, d)| k.cost(*n, *d).0),
        loss,
    })
}

/// The loss of the answered run under every draw.
fn losses(draws: &[Prepared], objective: &Objective, point: &Point) -> Vec<f64> {
    let Some(params) = point.params else { return Vec::new() };
    let ln_params = log(params.0);
    let ln_tokens = log(objective.effective_tokens(point.tokens).0);
    let ln_unique = objective.unique().map(|unique| log(unique.0));
    let under = |draw: &Prepared| {
        let fed = ln_unique.is_none_or(|unique| draw.surely_feeds(ln_params, unique));
        let ln_worth = if fed {
            ln_params
        } else {
            let under = Objective { surface: draw.surface, ..*objective };
            log(under.effective_params(params).0)
        };
        draw.loss(ln_worth, ln_tokens).0
    };
    draws.iter().map(under).collect()
}
