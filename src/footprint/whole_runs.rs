//! How much of the peak whole runs reach, by the kind of accelerator.

use crate::fact::{Catalogue, fact};
use crate::quantity::{FlopRate, Flops, FlopsPerParamToken};
use libm::{exp, log, sqrt};
use serde::Deserialize;
use std::sync::LazyLock;
use toml::value::Datetime;

/// Utilisation of published whole runs by the kind of accelerator, parsed when first asked for.
#[must_use]
pub fn whole_runs() -> &'static Catalogue<WholeRuns> {
    static KINDS: LazyLock<Catalogue<WholeRuns>> =
        LazyLock::new(|| Catalogue::embedded(include_str!("whole_runs.toml")));
    &KINDS
}

/// What published whole runs on one kind of accelerator reached: 6ND over all their hours, with
/// what they lost to failures, evaluations and waiting, and the dense BF16 peak.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WholeRuns {
    /// What the kind is called.
    pub name: String,
    /// Accelerators of the kind.
    pub aliases: Vec<String>,
    /// How many runs there are.
    pub runs: u32,
    /// Their geometric mean.
    pub utilisation: f64,
    /// Where 80 % of further runs are expected.
    pub utilisation_80: [f64; 2],
    /// Where the runs are.
    pub source: String,
    /// When they were last added to.
    pub as_of: Datetime,
}

/// Utilisation of whole runs over the one that they print for their steps: geometric mean of the
/// published runs that state both (docs/published-hours.md).
pub const GOODPUT: f64 = 0.789;

/// Where 80 % of further runs are expected.
pub const GOODPUT_80: [f64; 2] = [0.667, 0.933];

/// The interval of a product of independent factors, from the ratios of their intervals' ends to
/// their middles: of logarithms that are normal, deviations add as squares.
#[must_use]
pub fn product_80(middle: f64, factors: &[[f64; 2]]) -> [f64; 2] {
    let half = |end: usize| {
        let squares = factors.iter().map(|factor| log(factor[end]) * log(factor[end]));
        exp(sqrt(squares.sum()))
    };
    [middle / half(0), middle * half(1)]
}

fact!(WholeRuns, "kind of accelerator");

impl WholeRuns {
    /// Accelerator-hours of a run of so much compute, counted as `k` N D, at the mean utilisation of
    /// that peak, and the range that 80 % of further runs are expected in.
    #[must_use]
    pub fn hours(&self, flops: Flops, k: FlopsPerParamToken, peak: FlopRate) -> (f64, [f64; 2]) {
        let six_n_d = flops.0 * FlopsPerParamToken::TRAINING.0 / k.0;
        let hours = |utilisation: f64| six_n_d / (utilisation * peak.0) / 3600.0;
        let [low, high] = self.utilisation_80;
        (hours(self.utilisation), [hours(high), hours(low)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_factor_keeps_its_interval_and_two_are_wider_than_either() {
        let near =
            |a: [f64; 2], b: [f64; 2]| (0..2).all(|end| (a[end] / b[end] - 1.0).abs() < 1e-12);
        assert!(near(product_80(10.0, &[[0.5, 3.0]]), [5.0, 30.0]));
        assert!(near(product_80(10.0, &[[0.5, 2.0], [1.0, 1.0]]), [5.0, 20.0]));
        let root = exp(log(2.0) * sqrt(2.0));
        assert!(near(product_80(10.0, &[[0.5, 2.0], [0.5, 2.0]]), [10.0 / root, 10.0 * root]));
    }
}
