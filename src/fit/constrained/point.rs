//! A run over repeated data, and the loss that decay constants predict for it.

use crate::fit::Run;
use crate::law::Surface;
use crate::quantity::{Params, Tokens};
use libm::{exp, log, pow};

/// A run as the objective reads it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    /// Distinct tokens that were read.
    pub(super) unique: f64,
    /// D/U - 1.
    pub(super) repeats: f64,
    /// The parameters that the unique tokens feed, or all of them where those are fewer.
    pub(super) fed: f64,
    /// Parameters beyond, over those that are fed.
    pub(super) excess: f64,
    /// Observed loss.
    pub(super) observed: f64,
    /// Weight, times the number of times that the run stands in the sample.
    pub(super) weight: f64,
}

/// A term of the loss over the logarithm of its decay constant: value, slope, curvature.
type Term = [f64; 3];

/// Value, slopes in ln `R_D`* and ln `R_N`*, Hessian (uu, uv, vv), and the diagonal of the squares
/// that touch the loss from above.
pub(super) type Parts = [f64; 8];

impl Point {
    pub(super) fn new(run: &Run, base: &Surface) -> Self {
        let unique = run.unique_tokens.map_or(run.tokens, |unique| unique.min(run.tokens));
        let fed = base.params_for(Tokens(unique)).0.min(run.params);
        Self {
            unique,
            repeats: run.tokens / unique - 1.0,
            fed,
            excess: (run.params / fed - 1.0).max(0.0),
            observed: run.loss,
            weight: run.weight,
        }
    }

    /// L at ln `R_D`* and ln `R_N`*.
    pub(super) fn loss(&self, base: &Surface, at: [f64; 2]) -> f64 {
        let grown = |excess: f64, ln: f64| {
            let decay = exp(ln);
            1.0 + decay * (1.0 - exp(-excess / decay))
        };
        let params = self.fed * grown(self.excess, at[1]);
        let tokens = self.unique * grown(self.repeats, at[0]);
        base.loss(Params(params), Tokens(tokens)).0
    }

    /// The Huber loss of the log residual, divided by delta.
    pub(super) fn huber(&self, base: &Surface, at: [f64; 2], delta: f64) -> Parts {
        let (total, [b, bu, buu], [a, av, avv]) = self.terms(base, at);
        let _ = (a, b);
        let residual = log(total) - log(self.observed);
        let size = residual.abs();
        let (value, slope, curvature, above) = if size <= delta {
            (size * size / (2.0 * delta), residual / delta, 1.0 / delta, 1.0 / delta)
        } else {
            (size - delta / 2.0, residual.signum(), 0.0, 1.0 / size)
        };
        let (u, v) = (bu / total, av / total);
        let second = [buu / total - u * u, -u * v, avv / total - v * v];
        self.parts(value, slope, curvature, above, [u, v], second)
    }

    /// The square of the residual.
    pub(super) fn square(&self, base: &Surface, at: [f64; 2]) -> Parts {
        let (total, [_, bu, buu], [_, av, avv]) = self.terms(base, at);
        let residual = total - self.observed;
        self.parts(residual * residual, 2.0 * residual, 2.0, 2.0, [bu, av], [buu, 0.0, avv])
    }

    fn parts(
        &self,
        value: f64,
        slope: f64,
        curvature: f64,
        above: f64,
        [u, v]: [f64; 2],
        [uu, uv, vv]: [f64; 3],
    ) -> Parts {
        [
            value,
            slope * u,
            slope * v,
            curvature * u * u + slope * uu,
            curvature * u * v + slope * uv,
            curvature * v * v + slope * vv,
            above * u * u,
            above * v * v,
        ]
        .map(|part| self.weight * part)
    }

    /// The loss, and the terms of the tokens and of the parameters.
    fn terms(&self, base: &Surface, at: [f64; 2]) -> (f64, Term, Term) {
        let b = term(base.b, base.beta, self.unique, self.repeats, at[0]);
        let a = term(base.a, base.alpha, self.fed, self.excess, at[1]);
        (base.e + a[0] + b[0], b, a)
    }
}

/// `factor` / (plain grown)^exponent with grown = 1 + ρ (1 - e^(-excess/ρ)), ρ = e^ln.
fn term(factor: f64, exponent: f64, plain: f64, excess: f64, ln: f64) -> Term {
    let scale = factor * pow(plain, -exponent);
    if excess <= 0.0 {
        return [scale, 0.0, 0.0];
    }
    let decay = exp(ln);
    let ratio = excess / decay;
    let left = exp(-ratio);
    let grown = 1.0 + decay * (1.0 - left);
    let slope = decay * (1.0 - left - ratio * left);
    let curvature = slope - decay * ratio * ratio * left;
    let value = scale * pow(grown, -exponent);
    let (slope, curvature) = (slope / grown, curvature / grown);
    [
        value,
        -exponent * value * slope,
        exponent * value * ((exponent + 1.0) * slope * slope - curvature),
    ]
}
