//! A surface that is asked many times.

use super::Surface;
use crate::quantity::{Loss, Params, Tokens};
use libm::{exp, log};

/// A [`Surface`] whose logarithms are taken: the same answers, to rounding, with one `exp` for
/// every `pow`. Its methods take natural logarithms, which 256 draws then share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prepared {
    /// The surface itself.
    pub surface: Surface,
    ln_a: f64,
    ln_b: f64,
    /// ln(αA/(βB)).
    ln_ratio: f64,
}

impl Prepared {
    /// Takes the logarithms of a surface.
    #[must_use]
    pub fn new(surface: Surface) -> Self {
        let Surface { a, b, alpha, beta, .. } = surface;
        Self { surface, ln_a: log(a), ln_b: log(b), ln_ratio: log(alpha * a / (beta * b)) }
    }

    /// L(N, D), of ln N and ln D.
    #[must_use]
    pub fn loss(&self, ln_params: f64, ln_tokens: f64) -> Loss {
        let Surface { e, alpha, beta, .. } = self.surface;
        let params_term = exp(self.ln_a - alpha * ln_params);
        Loss(e + params_term + exp(self.ln_b - beta * ln_tokens))
    }

    /// N* and D* along C = kND, of ln(C/k); see [`Surface::optimum`].
    #[must_use]
    pub fn allocation(&self, ln_product: f64) -> (Params, Tokens) {
        let Surface { alpha, beta, .. } = self.surface;
        let ln_params = (self.ln_ratio + beta * ln_product) / (alpha + beta);
        (Params(exp(ln_params)), Tokens(exp(ln_product - ln_params)))
    }

    /// Whether so many unique tokens feed a model, so that all its parameters count: the size for
    /// which they are the optimum is above it, by more than rounding could turn.
    #[must_use]
    pub fn surely_feeds(&self, ln_params: f64, ln_unique: f64) -> bool {
        let Surface { alpha, beta, .. } = self.surface;
        alpha * ln_params < self.ln_ratio + beta * ln_unique - 1e-6
    }
}

#[cfg(test)]
mod tests {
    use super::super::draws;
    use super::*;
    use crate::quantity::{Flops, FlopsPerParamToken};

    #[test]
    fn answers_are_those_of_the_surface() {
        let near = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-12;
        for surface in draws() {
            let prepared = Prepared::new(*surface);
            for flops in [1e15, 5.76e23, 1e30] {
                let k = FlopsPerParamToken::TRAINING;
                let (params, tokens) = surface.allocation(Flops(flops), k);
                let (n, d) = prepared.allocation(log(flops / k.0));
                assert!(near(n.0, params.0) && near(d.0, tokens.0), "{surface:?} at {flops}");
                let loss = prepared.loss(log(params.0), log(tokens.0)).0;
                assert!(near(loss, surface.loss(params, tokens).0), "{surface:?} at {flops}");
                let fed = log(surface.params_for(tokens).0);
                assert!(prepared.surely_feeds(fed - 1e-5, log(tokens.0)));
                assert!(!prepared.surely_feeds(fed, log(tokens.0)));
            }
        }
    }
}
