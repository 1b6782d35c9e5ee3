//! Batches: the critical one, and those that grow at the start of a run.

use crate::quantity::{Params, Tokens};
use libm::{expm1, log1p, pow};

/// The batch beyond which more of it saves few steps, tokens: 2.1e8 / L^(1/0.21) at the loss of
/// Kaplan et al.'s own law, ((6.4e13/N)^(0.076/0.103) + 1.8e13/D)^0.103 (arXiv:2001.08361, table 2 and
/// section 5.1; N without embeddings, `WebText2`).
///
/// With a batch B a run takes `1 + B/B_crit` times the tokens, and `1 + B_crit/B` times the steps, that
/// it takes at least (`McCandlish` et al. 2018, arXiv:1812.06162, eq. 2.11).
#[must_use]
pub fn critical_batch(params: Params, tokens: Tokens) -> Tokens {
    let loss = pow(pow(6.4e13 / params.0, 0.076 / 0.103) + 1.8e13 / tokens.0, 0.103);
    Tokens(2.1e8 / pow(loss, 1.0 / 0.21))
}

/// Batches that grow with the tokens read, from one size to another, and then stay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Batches {
    /// The first batch, tokens.
    pub from: f64,
    /// The last.
    pub to: f64,
    /// Tokens over which they grow.
    pub over: f64,
}

impl Batches {
    /// Batches that are all alike.
    #[must_use]
    pub fn constant(batch: f64) -> Self {
        Self { from: batch, to: batch, over: 0.0 }
    }

    /// Growth of the batch for each token read.
    fn slope(&self) -> f64 {
        if self.over > 0.0 { (self.to - self.from) / self.over } else { 0.0 }
    }

    /// Steps that read so many tokens: the integral of a token over its batch.
    #[must_use]
    pub fn steps(&self, tokens: f64) -> f64 {
        let slope = self.slope();
        if slope == 0.0 {
            return tokens / self.to;
        }
        let grown = tokens.min(self.over);
        log1p(slope * grown / self.from) / slope + (tokens - grown) / self.to
    }

    /// Tokens that so many steps read.
    #[must_use]
    pub fn tokens(&self, steps: f64) -> f64 {
        let slope = self.slope();
        let ramp = self.steps(self.over);
        if slope == 0.0 || steps > ramp {
            return self.over + (steps - ramp) * self.to;
        }
        self.from * expm1(slope * steps) / slope
    }
}
