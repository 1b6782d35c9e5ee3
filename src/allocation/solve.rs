//! What a plan leaves open, filled in.

use super::{Objective, lifetime_optimum, search::root};
use crate::law::Law;
use crate::quantity::{
    Flops, FlopsPerParamToken, Loss, Params, Quantity, Tokens, TokensPerParam, significant,
};

/// What is asked of a run; `None` is left to the law.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Wanted {
    /// What the run may spend, FLOP.
    pub flops: Option<Flops>,
    /// N.
    pub params: Option<Params>,
    /// D.
    pub tokens: Option<Tokens>,
    /// D/N.
    pub tokens_per_param: Option<TokensPerParam>,
    /// The loss to reach.
    pub loss: Option<Loss>,
    /// Tokens to serve over the model's life.
    pub inference_tokens: Option<Tokens>,
}

impl Wanted {
    /// Whether nothing but the compute is said.
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self == Self { flops: self.flops, ..Self::default() }
    }
}

/// A determined run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// N; absent under a law that counts FLOPs per token only.
    pub params: Option<Params>,
    /// D.
    pub tokens: Tokens,
    /// FLOPs per token, under such a law.
    pub flops_per_token: Option<f64>,
    /// kND.
    pub flops: Flops,
    /// The loss under the law, where it has one.
    pub loss: Option<Loss>,
    /// Whether the law chose both sides.
    pub free: bool,
}

/// Why a run cannot be determined although enough was said.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AllocationError {
    /// The loss is below what the law can reach in this way.
    #[error(
        "a loss of {loss} cannot be reached{}: under the law `{law}` it stays above {}", how(.by), significant(*.floor, 5)
    )]
    Unreachable {
        /// The loss asked for.
        loss: f64,
        /// What was fixed: a size, a number of tokens, the data.
        by: &'static str,
        /// The law.
        law: String,
        /// The loss that is approached in this way.
        floor: f64,
    },
    /// The law knows no loss.
    #[error("the law `{law}` has no loss L(N, D), which {what} needs; `besiroglu-2024` has one")]
    NoLoss {
        /// The law.
        law: String,
        /// What was asked.
        what: &'static str,
    },
    /// The law knows no parameters.
    #[error(
        "the law `{law}` counts FLOPs per token, not parameters; {what} needs another law, or a model shape"
    )]
    NoParams {
        /// The law.
        law: String,
        /// What was asked.
        what: &'static str,
    },
}

fn how(by: &str) -> String {
    if by.is_empty() { String::new() } else { format!(" with {by}") }
}

/// Determines N and D; `None` while too little is said.
///
/// A cap alone gives the optimum; a cap and one side give the other by C = kND; one side alone
/// gives the other where it is optimal; a loss gives the cheapest run that reaches it; tokens to
/// serve trade training against inference at the loss that the cap alone reaches.
///
/// # Errors
/// A loss that cannot be reached, or a law that lacks what is asked of it.
pub fn solve(
    law: &Law,
    objective: Option<&Objective>,
    k: FlopsPerParamToken,
    wanted: &Wanted,
) -> Result<Option<Point>, AllocationError> {
    let solver = Solver { law, objective, k };
    let (params, tokens) = sides(wanted);
    match (params, tokens, wanted.loss) {
        (Some(params), Some(tokens), _) => Ok(Some(solver.point(params, tokens, false))),
        (_, _, Some(loss)) => solver.for_loss(loss, params, tokens, wanted).map(Some),
        (Some(_), None, None) if solver.counts_flops_per_token() => Err(solver.no_params("a size")),
        (Some(params), None, None) => match wanted.flops {
            Some(flops) => Ok(Some(solver.point(params, k.tokens(flops, params), false))),
            None => Ok(Some(solver.optimal_size(params))),
        },
        (None, Some(tokens), None) => match wanted.flops {
            Some(flops) => Ok(Some(solver.beside(tokens, flops))),
            None => Ok(Some(solver.optimal_length(tokens))),
        },
        (None, None, None) => {
            wanted.flops.map(|flops| solver.for_budget(flops, wanted)).transpose()
        }
    }
}

/// The sides that are said, the ratio used where one of them is open.
fn sides(wanted: &Wanted) -> (Option<Params>, Option<Tokens>) {
    match (wanted.params, wanted.tokens, wanted.tokens_per_param) {
        (Some(params), None, Some(ratio)) => (Some(params), Some(params * ratio)),
        (None, Some(tokens), Some(ratio)) => (Some(tokens / ratio), Some(tokens)),
        (params, tokens, _) => (params, tokens),
    }
}

struct Solver<'a> {
    law: &'a Law,
    objective: Option<&'a Objective<'a>>,
    k: FlopsPerParamToken,
}

impl Solver<'_> {
    fn point(&self, params: Params, tokens: Tokens, free: bool) -> Point {
        Point {
            params: Some(params),
            tokens,
            flops_per_token: None,
            flops: self.k.cost(params, tokens),
            loss: self.objective.map(|objective| objective.loss(params, tokens)),
            free,
        }
    }

    fn optimum(&self, flops: Flops) -> Point {
        if let Some(objective) = self.objective {
            let (params, tokens) = objective.optimum(flops);
            return self.point(params, tokens, true);
        }
        let optimum = self.law.optimum(flops, self.k);
        let spent = match (optimum.params, optimum.flops_per_token) {
            (Some(params), _) => self.k.cost(params, optimum.tokens),
            (None, Some(per_token)) => {
                Flops(per_token * optimum.tokens.0 * self.k.0 / FlopsPerParamToken::TRAINING.0)
            }
            (None, None) => flops,
        };
        Point {
            params: optimum.params,
            tokens: optimum.tokens,
            flops_per_token: optimum.flops_per_token,
            flops: spent,
            loss: optimum.loss,
            free: true,
        }
    }

    /// Whether the law knows FLOPs per token instead of parameters.
    fn counts_flops_per_token(&self) -> bool {
        self.law.optimum(Flops(1e21), self.k).params.is_none()
    }

    /// What a budget leaves beside chosen tokens: N, or M under a law that counts that.
    fn beside(&self, tokens: Tokens, flops: Flops) -> Point {
        if !self.counts_flops_per_token() {
            return self.point(self.k.params(flops, tokens), tokens, false);
        }
        let six = FlopsPerParamToken::TRAINING.0 / self.k.0;
        Point {
            params: None,
            tokens,
            flops_per_token: Some(flops.0 * six / tokens.0),
            flops,
            loss: None,
            free: false,
        }
    }

    fn for_budget(&self, flops: Flops, wanted: &Wanted) -> Result<Point, AllocationError> {
        if wanted.tokens_per_param.is_some() && self.counts_flops_per_token() {
            return Err(self.no_params("a ratio"));
        }
        if let Some(ratio) = wanted.tokens_per_param {
            let params = Params(libm::sqrt(flops.0 / (self.k.0 * ratio.0)));
            return Ok(self.point(params, params * ratio, false));
        }
        let best = self.optimum(flops);
        match wanted.inference_tokens {
            None => Ok(best),
            Some(inference) => self.served(&best, inference),
        }
    }

    /// The cheapest run over the model's life at the loss of `best`.
    fn served(&self, best: &Point, inference: Tokens) -> Result<Point, AllocationError> {
        let objective = self.needs_loss("planning for inference")?;
        let (Some(start), Some(loss)) = (best.params, best.loss) else {
            return Err(self.no_loss("planning for inference"));
        };
        let life = lifetime_optimum(objective, loss, start, inference)
            .ok_or_else(|| self.unreachable(loss, "these data", None, None))?;
        Ok(self.point(life.params, life.tokens, false))
    }

    fn for_loss(
        &self,
        loss: Loss,
        params: Option<Params>,
        tokens: Option<Tokens>,
        wanted: &Wanted,
    ) -> Result<Point, AllocationError> {
        let objective = self.needs_loss("a target loss")?;
        if let Some(params) = params {
            let tokens = objective.tokens_for_loss(params, loss);
            let tokens =
                tokens.ok_or_else(|| self.unreachable(loss, "this size", Some(params), None))?;
            return Ok(self.point(params, tokens, false));
        }
        if let Some(tokens) = tokens {
            let params = objective.params_for_loss(tokens, loss);
            let params = params
                .ok_or_else(|| self.unreachable(loss, "so many tokens", None, Some(tokens)))?;
            return Ok(self.point(params, tokens, false));
        }
        let short = if objective.mixture.is_some() { "these data" } else { "" };
        let flops = objective
            .flops_for_loss(loss)
            .ok_or_else(|| self.unreachable(loss, short, None, None))?;
        if let Some(ratio) = wanted.tokens_per_param {
            let excess = |n: f64| loss.0 - objective.loss(Params(n), Params(n) * ratio).0;
            let (start, end) = (self.optimum(flops).params.unwrap_or_default().0, 1e3);
            let params = Params(root(start / end, start * end, excess));
            if excess(params.0) < -1e-6 {
                return Err(self.unreachable(loss, "so many tokens per parameter", None, None));
            }
            return Ok(self.point(params, params * ratio, false));
        }
        let best = self.optimum(flops);
        match wanted.inference_tokens {
            None => Ok(best),
            Some(inference) => self.served(&best, inference),
        }
    }

    /// The run of a chosen size that is the optimum of its compute.
    fn optimal_size(&self, params: Params) -> Point {
        let found = self.optimal_where(|point| point.params.unwrap_or_default().0 - params.0);
        match self.objective {
            Some(_) => self.point(params, found.tokens, false),
            None => Point { params: Some(params), free: false, ..found },
        }
    }

    /// The run of chosen tokens that is the optimum of its compute; chosen tokens stand even
    /// where a source's `max_epochs` forbids them.
    fn optimal_length(&self, tokens: Tokens) -> Point {
        let mixture = self.objective.and_then(|objective| objective.mixture).cloned();
        let uncapped = mixture.map(|mut mixture| {
            mixture.shares.iter_mut().for_each(|share| share.max_epochs = None);
            mixture
        });
        let objective =
            self.objective.map(|objective| Objective { mixture: uncapped.as_ref(), ..*objective });
        let solver = Solver { objective: objective.as_ref(), ..*self };
        let found = solver.optimal_where(|point| point.tokens.0 - tokens.0);
        match (self.objective, found.params) {
            (Some(_), Some(params)) => self.point(params, tokens, false),
            _ => Point { tokens, free: false, ..found },
        }
    }

    /// The optimum of the budget at which the rising `gap` is closed.
    fn optimal_where(&self, gap: impl Fn(&Point) -> f64) -> Point {
        let flops = root(Flops::MIN / 1e6, Flops::MAX * 1e6, |c| gap(&self.optimum(Flops(c))));
        self.optimum(Flops(flops))
    }

    fn needs_loss(&self, what: &'static str) -> Result<&Objective<'_>, AllocationError> {
        self.objective.ok_or_else(|| self.no_loss(what))
    }

    fn no_params(&self, what: &'static str) -> AllocationError {
        AllocationError::NoParams { law: self.law.name.clone(), what }
    }

    fn no_loss(&self, what: &'static str) -> AllocationError {
        AllocationError::NoLoss { law: self.law.name.clone(), what }
    }

    fn unreachable(
        &self,
        loss: Loss,
        by: &'static str,
        params: Option<Params>,
        tokens: Option<Tokens>,
    ) -> AllocationError {
        let floor = self.objective.map_or(f64::NAN, |objective| objective.floor(params, tokens).0);
        AllocationError::Unreachable { loss: loss.0, by, law: self.law.name.clone(), floor }
    }
}
