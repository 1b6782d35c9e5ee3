//! Budgets, sizes, and shapes for them.

use super::{LadderError, Rung, Settings};
use crate::model::{Proposal, ShapeError, Wanted, propose};
use crate::quantity::{Flops, Params, Quantity as _, Tokens, round_significant};
use libm::pow;

/// Significant digits of a run's tokens.
const DIGITS: usize = 4;
/// Sizes that are tried where a size has no shape, as parts of it, the nearest first.
const AROUND: [f64; 10] = [0.96, 1.04, 0.92, 1.09, 0.88, 1.14, 0.83, 1.2, 0.79, 1.26];

/// The budgets of one run each, the smallest first: evenly spaced in the logarithm, with `sizes` runs
/// at each all together take the spend.
pub(super) fn budgets(settings: &Settings) -> Vec<Flops> {
    let shares: Vec<f64> =
        (0..settings.budgets).map(|i| spread(settings.span, i, settings.budgets)).collect();
    let total: f64 = shares.iter().sum();
    let each = settings.spend.0 / (total * f64::from(settings.sizes));
    shares.into_iter().map(|share| Flops(each * share)).collect()
}

/// The i-th of so many values from 1 over the root of a factor to that root.
fn spread(factor: f64, index: u32, count: u32) -> f64 {
    pow(factor, f64::from(index) / f64::from(count - 1) - 0.5)
}

/// N and D of every run before shapes are chosen.
pub(super) fn places(settings: &Settings) -> Vec<(Params, Tokens)> {
    let places = budgets(settings).into_iter().flat_map(|flops| {
        let (best, _) = settings.law.allocation(flops, settings.k);
        let square = settings.reach * settings.reach;
        (0..settings.sizes).map(move |size| {
            let params = Params(best.0 * spread(square, size, settings.sizes));
            (params, settings.k.tokens(flops, params))
        })
    });
    places.collect()
}

pub(super) fn rungs(settings: &Settings) -> Result<Vec<Rung>, LadderError> {
    let mut rungs: Vec<Rung> = Vec::new();
    for (index, (params, tokens)) in (0..).zip(places(settings)) {
        let flops = settings.k.cost(params, tokens);
        let shape = shape(settings, params).map_err(|error| LadderError::Size {
            params: params.human(),
            flops: flops.human(),
            why: format!("{}; {}", error.message, error.help),
        })?;
        let params = shape.shape.counted_by(settings.counting).unwrap_or(params);
        let tokens = settings.k.tokens(flops, params).0;
        let tokens = Tokens(round_significant(tokens, DIGITS));
        rungs.push(Rung {
            budget: index / settings.sizes,
            size: index % settings.sizes,
            params,
            tokens,
            flops: settings.k.cost(params, tokens),
            shape: shape.keys,
        });
    }
    Ok(rungs)
}

/// The usual shape of a size, or where none is so large of the nearest size that has one and lies
/// nearer to this than to the next of the budget: widths go in steps, which are coarse for models of
/// ten million parameters.
fn shape(settings: &Settings, params: Params) -> Result<Proposal, ShapeError> {
    let half = pow(settings.reach, 1.0 / f64::from(settings.sizes - 1));
    let at = |times: f64| {
        let wanted = Wanted {
            params: Params(params.0 * times),
            counting: settings.counting,
            vocab: settings.vocab,
            ..Wanted::default()
        };
        propose(&wanted).map(|proposals| proposals[0].clone())
    };
    let mut near = AROUND.into_iter().filter(|times| times.max(1.0 / times) < half);
    at(1.0).or_else(|error| near.find_map(|times| at(times).ok()).ok_or(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::{DEFAULT, catalogue};

    #[test]
    fn budgets_take_the_spend_and_span_what_is_asked() {
        let law = catalogue().find(DEFAULT).unwrap().surface().unwrap();
        let settings = Settings::new(Flops(1e23), Flops(1e21), law);
        let budgets = budgets(&settings);
        let total: f64 = budgets.iter().map(|flops| flops.0 * 7.0).sum();
        assert!((total / 1e21 - 1.0).abs() < 1e-12);
        assert!((budgets[4].0 / budgets[0].0 - 100.0).abs() < 1e-9);
        let ratios: Vec<f64> = budgets.windows(2).map(|pair| pair[1].0 / pair[0].0).collect();
        assert!(ratios.iter().all(|ratio| (ratio / ratios[0] - 1.0).abs() < 1e-12));
        let places = places(&settings);
        let (middle, _) = law.allocation(budgets[0], settings.k);
        assert!((places[3].0.0 / middle.0 - 1.0).abs() < 1e-12, "the middle size is the optimum");
        assert!((places[6].0.0 / places[0].0.0 - 16.0).abs() < 1e-9);
    }
}
