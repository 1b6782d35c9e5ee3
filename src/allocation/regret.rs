//! Which law's choice costs least if another law is true.

use crate::law::{Architecture, Law, Status, catalogue};
use crate::quantity::{Flops, FlopsPerParamToken, Fraction, Params, Tokens};

/// One law's choice under all laws that could be true.
#[derive(Debug, Clone, PartialEq)]
pub struct Regret<'a> {
    /// The law that chose.
    pub choice: &'a str,
    /// Its N*.
    pub params: Params,
    /// C/(kN*).
    pub tokens: Tokens,
    /// Per law that has a loss: loss above its optimum, and share of the compute wasted.
    pub under: Vec<Under<'a>>,
}

/// A choice judged by one law.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Under<'a> {
    /// The law taken for true.
    pub truth: &'a str,
    /// Loss above that law's optimum, nats per token.
    pub loss_difference: f64,
    /// Share of the compute that its optimum would not have needed for the same loss.
    pub wasted: Fraction,
}

impl<'a> Regret<'a> {
    /// The law under which the choice wastes most.
    #[must_use]
    pub fn worst(&self) -> Option<&Under<'a>> {
        self.under.iter().max_by(|a, b| a.wasted.0.total_cmp(&b.wasted.0))
    }
}

/// Every dense law's choice for a budget, the smallest worst regret first; a law of the user's own
/// chooses and judges too.
///
/// Warned variants neither choose nor judge; only laws with a loss judge. Each law counts N in
/// its own way, which matters below about 1e9 parameters.
#[must_use]
pub fn regrets<'a>(own: Option<&'a Law>, flops: Flops, k: FlopsPerParamToken) -> Vec<Regret<'a>> {
    let own = own.filter(|own| catalogue().iter().all(|known| known != *own));
    let laws: Vec<&'a Law> = own
        .into_iter()
        .chain(catalogue().iter())
        .filter(|law| law.architecture == Architecture::Dense && law.status != Status::Warned)
        .collect();
    let mut regrets: Vec<Regret<'a>> = laws
        .iter()
        .filter_map(|law| {
            let params = law.optimum(flops, k).params?;
            let tokens = k.tokens(flops, params);
            let under = laws.iter().filter_map(|truth| judge(truth, flops, k, params)).collect();
            Some(Regret { choice: &law.name, params, tokens, under })
        })
        .collect();
    let worst = |regret: &Regret| regret.worst().map_or(0.0, |under| under.wasted.0);
    regrets.sort_by(|a, b| worst(a).total_cmp(&worst(b)));
    regrets
}

fn judge(truth: &Law, flops: Flops, k: FlopsPerParamToken, params: Params) -> Option<Under<'_>> {
    let surface = truth.surface()?;
    let loss = surface.loss(params, k.tokens(flops, params));
    let best = surface.optimum(flops, k).loss?;
    let enough = surface.flops_for_loss(loss, k)?;
    Some(Under {
        truth: &truth.name,
        loss_difference: (loss.0 - best.0).max(0.0),
        wasted: Fraction((1.0 - enough.0 / flops.0).max(0.0)),
    })
}
