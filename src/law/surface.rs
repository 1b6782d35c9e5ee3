//! L(N, D) = E + A/N^α + B/D^β and what follows from it in closed form.

use super::Optimum;
use crate::quantity::{Flops, FlopsPerParamToken, Loss, Params, Tokens};
use libm::pow;
use serde::{Deserialize, Serialize};

/// The parametric loss of Hoffmann et al. 2022 (arXiv:2203.15556, eq. 2), nats per token.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Surface {
    /// E, the irreducible loss.
    pub e: f64,
    /// A.
    pub a: f64,
    /// B.
    pub b: f64,
    /// α, the exponent of N.
    pub alpha: f64,
    /// β, the exponent of D.
    pub beta: f64,
}

impl Surface {
    /// L(N, D).
    #[must_use]
    pub fn loss(&self, params: Params, tokens: Tokens) -> Loss {
        Loss(self.e + self.params_term(params) + self.tokens_term(tokens))
    }

    /// A/N^α, what a finite model costs.
    #[must_use]
    pub fn params_term(&self, params: Params) -> f64 {
        self.a * pow(params.0, -self.alpha)
    }

    /// B/D^β, what finite data cost.
    #[must_use]
    pub fn tokens_term(&self, tokens: Tokens) -> f64 {
        self.b * pow(tokens.0, -self.beta)
    }

    /// The optimum along C = kND (Hoffmann et al. 2022, eq. 4, with k for 6):
    /// N* = G (C/k)^a, D* = (C/k)^b / G, a = β/(α+β), b = α/(α+β), G = (αA/(βB))^(1/(α+β)).
    #[must_use]
    pub fn optimum(&self, flops: Flops, k: FlopsPerParamToken) -> Optimum {
        let (params, tokens) = self.allocation(flops, k);
        Optimum {
            params: Some(params),
            tokens,
            flops_per_token: None,
            loss: Some(self.loss(params, tokens)),
        }
    }

    /// N* and D* of the [optimum](Self::optimum) alone.
    pub(crate) fn allocation(&self, flops: Flops, k: FlopsPerParamToken) -> (Params, Tokens) {
        let sum = self.alpha + self.beta;
        let product = flops.0 / k.0;
        let g = pow(self.alpha * self.a / (self.beta * self.b), 1.0 / sum);
        let params = Params(g * pow(product, self.beta / sum));
        let tokens = Tokens(pow(product, self.alpha / sum) / g);
        (params, tokens)
    }

    /// The size for which so many tokens are the optimum: αA/N^α = βB/D^β.
    #[must_use]
    pub fn params_for(&self, tokens: Tokens) -> Params {
        let ratio = self.alpha * self.a / (self.beta * self.b);
        Params(pow(ratio * pow(tokens.0, self.beta), 1.0 / self.alpha))
    }

    /// The tokens for which such a size is the optimum.
    #[must_use]
    pub fn tokens_for(&self, params: Params) -> Tokens {
        let ratio = self.beta * self.b / (self.alpha * self.a);
        Tokens(pow(ratio * pow(params.0, self.alpha), 1.0 / self.beta))
    }

    /// The least compute that reaches a loss, or `None` at or below E.
    ///
    /// Along the optimum L* - E falls as C^-γ with γ = αβ/(α+β), so one evaluation gives all.
    #[must_use]
    pub fn flops_for_loss(&self, loss: Loss, k: FlopsPerParamToken) -> Option<Flops> {
        let excess = loss.0 - self.e;
        if excess <= 0.0 {
            return None;
        }
        let anchor = Flops(1e21);
        let at_anchor = self.optimum(anchor, k).loss?.0 - self.e;
        let gamma = self.alpha * self.beta / (self.alpha + self.beta);
        Some(Flops(anchor.0 * pow(at_anchor / excess, 1.0 / gamma)))
    }

    /// The tokens that bring such a model to a loss, or `None` where no number of them does.
    #[must_use]
    pub fn tokens_for_loss(&self, params: Params, loss: Loss) -> Option<Tokens> {
        let left = loss.0 - self.e - self.params_term(params);
        (left > 0.0).then(|| Tokens(pow(self.b / left, 1.0 / self.beta)))
    }

    /// The size that reaches a loss with so many tokens, or `None` where no size does.
    #[must_use]
    pub fn params_for_loss(&self, tokens: Tokens, loss: Loss) -> Option<Params> {
        let left = loss.0 - self.e - self.tokens_term(tokens);
        (left > 0.0).then(|| Params(pow(self.a / left, 1.0 / self.alpha)))
    }
}
