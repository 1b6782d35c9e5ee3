//! The loss of a run, with what repeated data and excess parameters take from it.

use super::search::{minimise, root};
use super::table::Table;
use crate::data::Mixture;
use crate::law::{Repeats, Surface};
use crate::quantity::{Flops, FlopsPerParamToken, Loss, Params, Tokens};
use libm::{exp, log};

/// How far around the unlimited optimum a data-limited one is looked for.
const REACH: f64 = 1e3;

/// L(N, D) over a mixture of finite sources (Muennighoff et al. 2023, arXiv:2305.16264, eq. 5, 6).
///
/// Tokens enter by the mixture's effective tokens, which a loader that leaves a part of a source
/// unread makes fewer: a budget is spent on what is really read. Parameters beyond N*(U), the size for which
/// the U unique tokens are the optimum, decay with `R_N`*. The authors apply that to runs of less
/// than one epoch too, with U = D; here U is what the sources hold, so that the loss is
/// continuous and equals the base law while data are plentiful. From one epoch on both agree.
#[derive(Debug, Clone, Copy)]
pub struct Objective<'a> {
    /// The base law.
    pub surface: Surface,
    /// FLOPs per parameter and token.
    pub k: FlopsPerParamToken,
    /// The data; `None` means without limit.
    pub mixture: Option<&'a Mixture>,
    /// Decay constants.
    pub repeats: Repeats,
}

impl Objective<'_> {
    /// The same without a limit on data.
    #[must_use]
    pub fn fresh(self) -> Self {
        Self { mixture: None, ..self }
    }

    /// The expected loss.
    #[must_use]
    pub fn loss(&self, params: Params, tokens: Tokens) -> Loss {
        self.surface.loss(self.effective_params(params), self.effective_tokens(tokens))
    }

    /// What so many tokens of the mixture are worth in fresh ones.
    #[must_use]
    pub fn effective_tokens(&self, tokens: Tokens) -> Tokens {
        self.mixture.map_or(tokens, |mixture| mixture.effective(tokens, self.repeats))
    }

    /// N' = `U_N` + `U_N` `R_N`* (1 - e^(-R_N/R_N*)).
    #[must_use]
    pub fn effective_params(&self, params: Params) -> Params {
        let Some(fed) = self.params_fed() else {
            return params;
        };
        let excess = params.0 / fed.0 - 1.0;
        if excess <= 0.0 {
            return params;
        }
        let decay = self.repeats.params;
        Params(fed.0 * (1.0 + decay * (1.0 - exp(-excess / decay))))
    }

    /// Whether a run of so many tokens repeats a source or passes its `max_epochs`.
    #[must_use]
    pub fn is_limited_at(&self, tokens: Tokens) -> bool {
        self.effective_tokens(tokens).0 < tokens.0 * (1.0 - 1e-12)
            || tokens.0 < self.shortest()
            || self.longest_allowed().is_some_and(|most| most < tokens.0)
    }

    /// All unique tokens that the mixture can draw, where every size is known.
    pub(super) fn unique(&self) -> Option<Tokens> {
        self.mixture.and_then(Mixture::unique)
    }

    /// Tokens of the longest run that the sources' `max_epochs` allow.
    pub(super) fn longest_allowed(&self) -> Option<f64> {
        self.mixture.and_then(Mixture::longest_allowed).map(|tokens| tokens.0)
    }

    /// Tokens of the shortest run that has room for its stages.
    pub(super) fn shortest(&self) -> f64 {
        let shortest = self.mixture.map_or(0.0, |mixture| mixture.shortest().0);
        if shortest.is_finite() { shortest } else { 0.0 }
    }

    /// The joint optimum of size and epochs to three digits, from so few readings of the mixture
    /// that it can be asked again under other decay constants.
    #[must_use]
    pub fn rough_optimum(&self, flops: Flops, near: Tokens) -> (Params, Tokens) {
        Table::new(self, flops, near, 25).optimum(&self.surface)
    }

    /// The loss that is approached as every open side grows without end.
    #[must_use]
    pub fn floor(&self, params: Option<Params>, tokens: Option<Tokens>) -> Loss {
        const ENDLESS: f64 = 1e60;
        let most = self.longest_allowed().unwrap_or(ENDLESS);
        self.loss(params.unwrap_or(Params(ENDLESS)), tokens.unwrap_or(Tokens(most)))
    }

    /// N*(U), the size that the unique tokens can feed.
    fn params_fed(&self) -> Option<Params> {
        self.unique().map(|unique| self.surface.params_for(unique))
    }

    /// The size that reaches a loss with so many tokens of the mixture.
    #[must_use]
    pub fn params_for_loss(&self, tokens: Tokens, loss: Loss) -> Option<Params> {
        let needed = self.surface.params_for_loss(self.effective_tokens(tokens), loss)?;
        let Some(fed) = self.params_fed().filter(|fed| fed.0 < needed.0) else {
            return Some(needed);
        };
        let decay = self.repeats.params;
        let left = 1.0 - (needed.0 / fed.0 - 1.0) / decay;
        (left > 0.0).then(|| Params(fed.0 * (1.0 - decay * log(left))))
    }

    /// The tokens of the mixture that are worth so many fresh ones; `None` where none are, or
    /// only more than the sources' `max_epochs` allow.
    #[must_use]
    pub fn tokens_worth(&self, fresh: Tokens) -> Option<Tokens> {
        let allowed = self.longest_allowed().unwrap_or(f64::INFINITY);
        let most = Tokens((fresh.0 * REACH).min(allowed));
        if self.effective_tokens(most).0 < fresh.0 {
            return None;
        }
        let least = Tokens(fresh.0.max(self.shortest()));
        if self.effective_tokens(least).0 >= fresh.0 {
            return Some(least);
        }
        let gap = |tokens| self.effective_tokens(Tokens(tokens)).0 - fresh.0;
        Some(Tokens(root(least.0, most.0, gap)))
    }

    /// The tokens that bring such a model to a loss, through the mixture.
    #[must_use]
    pub fn tokens_for_loss(&self, params: Params, loss: Loss) -> Option<Tokens> {
        let fresh = self.surface.tokens_for_loss(self.effective_params(params), loss)?;
        self.tokens_worth(fresh)
    }

    /// The best allocation of a budget: in closed form while no source repeats, else the joint
    /// optimum of size and epochs along C = kND, within the sources' `max_epochs`.
    #[must_use]
    pub fn optimum(&self, flops: Flops) -> (Params, Tokens) {
        let free = self.surface.optimum(flops, self.k);
        if !self.is_limited_at(free.tokens) {
            return (free.params.unwrap_or_default(), free.tokens);
        }
        let most = self.longest_allowed().unwrap_or(f64::INFINITY);
        let high = (free.tokens.0 * REACH).min(most);
        let low = (free.tokens.0 / REACH).min(high / 2.0).max(self.shortest());
        let high = high.max(low);
        let along = |tokens: f64| self.loss(self.k.params(flops, Tokens(tokens)), Tokens(tokens)).0;
        let tokens = Tokens(minimise(low, high, along));
        (self.k.params(flops, tokens), tokens)
    }

    /// The least compute whose optimum reaches a loss; `None` where none does.
    #[must_use]
    pub fn flops_for_loss(&self, loss: Loss) -> Option<Flops> {
        let fresh = self.surface.flops_for_loss(loss, self.k)?;
        let gap = |flops: f64| {
            let (params, tokens) = self.optimum(Flops(flops));
            loss.0 - self.loss(params, tokens).0
        };
        if self.mixture.is_none() || gap(fresh.0) >= -1e-12 {
            return Some(fresh);
        }
        let most = fresh.0 * REACH;
        (gap(most) >= 0.0).then(|| Flops(root(fresh.0, most, gap)))
    }
}
