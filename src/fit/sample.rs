//! Runs in centred coordinates.

use super::Run;
use libm::log;

/// Means of ln N and ln D, which the fit subtracts: the five coordinates are then nearly
/// uncorrelated compared with the raw ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Centre {
    pub(super) ln_params: f64,
    pub(super) ln_tokens: f64,
}

/// A run as the objective reads it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    /// ln N less its mean.
    pub(super) x: f64,
    /// ln D less its mean.
    pub(super) y: f64,
    /// Observed loss.
    pub(super) loss: f64,
    /// Its logarithm.
    pub(super) ln_loss: f64,
    /// Weight, times the number of times that the run stands in the sample.
    pub(super) weight: f64,
}

/// All runs of a fit.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    pub(super) points: Vec<Point>,
    pub(super) centre: Centre,
}

impl Sample {
    #[expect(clippy::cast_precision_loss, reason = "far fewer rows than 2^53")]
    pub(super) fn new(runs: &[Run]) -> Self {
        let count = runs.len() as f64;
        let mean = |of: fn(&Run) -> f64| runs.iter().map(|run| log(of(run))).sum::<f64>() / count;
        let centre =
            Centre { ln_params: mean(|run| run.params), ln_tokens: mean(|run| run.tokens) };
        let points = runs.iter().map(|run| Point {
            x: log(run.params) - centre.ln_params,
            y: log(run.tokens) - centre.ln_tokens,
            loss: run.loss,
            ln_loss: log(run.loss),
            weight: run.weight,
        });
        Self { points: points.collect(), centre }
    }
}
