//! The loss over the mixture of the data.
//!
//! ```text
//! mixtures.csv ── read_mixtures() ──> runs ── fit_mixing() ──> laws, one a loss
//!                                  laws, caps ── propose() ──> the best mixture that they allow
//! ```
//!
//! `L_i`(r) = `c_i` + `k_i` exp(Σ `t_ij` `r_j`) over the sources' shares r of runs of one size and length (Ye
//! et al. 2024, arXiv:2403.16952, eq. 7). Since the shares sum to one, k only shifts every t of its
//! loss; here it is told such that the t of a loss, weighted by the mean mixture of the runs, sum to
//! zero, so that c + k is the loss of a typical run.

mod fit;
mod propose;

use super::Objective;
use crate::plan::Interval;

pub use fit::fit_mixing;
pub use propose::{Caps, Proposal, propose};

/// A run over a mixture.
#[derive(Debug, Clone, PartialEq)]
pub struct MixtureRun {
    /// Share of each source; they sum to one.
    pub shares: Vec<f64>,
    /// One or more losses, in the order of the laws.
    pub losses: Vec<f64>,
    /// How much it counts; 1 is usual.
    pub weight: f64,
    /// Line of the file that it comes from; 0 for none.
    pub line: u64,
}

/// L = c + k exp(t·r).
#[derive(Debug, Clone, PartialEq)]
pub struct MixingLaw {
    /// c, what no mixture takes away.
    pub c: f64,
    /// k.
    pub k: f64,
    /// t of every source.
    pub t: Vec<f64>,
}

impl MixingLaw {
    /// L(r).
    #[must_use]
    pub fn loss(&self, shares: &[f64]) -> f64 {
        self.c + self.part(shares)
    }

    /// k exp(t·r).
    fn part(&self, shares: &[f64]) -> f64 {
        let dot: f64 = self.t.iter().zip(shares).map(|(t, share)| t * share).sum();
        self.k * libm::exp(dot)
    }
}

/// Mixing laws that were fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct MixingFit {
    /// One for each loss.
    pub laws: Vec<MixingLaw>,
    /// What was minimised.
    pub objective: Objective,
    /// Its value at each loss's minimum.
    pub values: Vec<f64>,
    /// The laws refitted to resampled runs.
    pub draws: Vec<Vec<MixingLaw>>,
    /// How well runs that were left out of the fit are predicted; the mean of the losses.
    pub held_out: Option<HeldOut>,
    /// Root mean square of the residuals of the log losses.
    pub rms: f64,
    /// Mean share of each source over the runs.
    pub mean: Vec<f64>,
    /// Least and largest share of each source.
    pub range: Vec<Interval>,
    /// The run with the least mean loss, by its place.
    pub best: usize,
    /// Runs that were fitted.
    pub rows: usize,
    /// What a reader must know.
    pub remarks: Vec<String>,
}

/// How well runs are predicted that were left out of the fit, a fifth at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeldOut {
    /// Spearman's rank correlation of predicted and observed losses.
    pub spearman: f64,
    /// Mean absolute error of the loss.
    pub mean_error: f64,
}

/// Why no mixing law follows.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MixingError {
    /// A mixture has parts.
    #[error("there is one source: a mixture has two or more")]
    OneSource,
    /// So many constants need more.
    #[error(
        "{distinct} distinct mixtures of {rows} runs cannot tell {constants} constants: at least \
         {} are needed, and three times as many to rely on",
        .constants + 1
    )]
    TooFew {
        /// Runs.
        rows: usize,
        /// Mixtures that differ.
        distinct: usize,
        /// What is to be told.
        constants: usize,
    },
    /// A source is a combination of others.
    #[error(
        "the share of `{source}` follows from those of the sources before it, in all runs: what each does cannot \
         be told apart; add runs in which it moves alone, or leave a column out",
        source = .name
    )]
    Collinear {
        /// Which source.
        name: String,
    },
    /// Nothing to fit.
    #[error("all runs have the same loss: there is nothing to fit")]
    OneLoss,
    /// No start led anywhere.
    #[error("no minimum was found: the losses differ too much from any law of this form")]
    NoMinimum,
    /// The caps leave no mixture.
    #[error(
        "the sources' `max_epochs` allow {allowed} of the {wanted} tokens of the run: train on fewer, \
         or raise a cap"
    )]
    NoRoom {
        /// Tokens that the caps allow.
        allowed: String,
        /// Tokens of the run.
        wanted: String,
    },
}

impl MixingFit {
    /// The mean of the losses of a mixture.
    #[must_use]
    pub fn loss(&self, shares: &[f64]) -> f64 {
        mean_loss(&self.laws, shares)
    }

    /// Its 80 % interval.
    #[must_use]
    pub fn loss_80(&self, shares: &[f64]) -> Option<Interval> {
        let draws = self.draws.iter().map(|laws| mean_loss(laws, shares));
        super::interval_80(self.loss(shares), draws)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few losses")]
fn mean_loss(laws: &[MixingLaw], shares: &[f64]) -> f64 {
    laws.iter().map(|law| law.loss(shares)).sum::<f64>() / laws.len() as f64
}
