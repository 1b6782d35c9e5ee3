//! Mixtures that follow from the sizes of the sources alone.
//!
//! Sizes and budgets are in one unit, tokens as a rule, and in any order. A size that is not a
//! finite number above 0 counts as nothing.

use libm::{exp, log};

/// Weights in proportion to the sizes: every token is as likely as any other (Chung et al. 2023,
/// arXiv:2304.09151, eq. 1). All are 0 where every size counts as nothing.
#[must_use]
pub fn proportional(sizes: &[f64]) -> Vec<f64> {
    // in units of the largest, so that no sum overflows
    let unit = largest(sizes).max(f64::MIN_POSITIVE);
    let shares: Vec<f64> = sizes.iter().map(|size| counted(*size) / unit).collect();
    let sum: f64 = shares.iter().sum();
    if sum > 0.0 { shares.iter().map(|share| share / sum).collect() } else { shares }
}

/// Weights in proportion to size^(1/τ) (Chung et al. 2023, eq. 2): proportional at τ = 1, and the
/// more uniform the higher τ; the uniform limit at infinity, all for the largest at 0.
///
/// Table 1 of that paper gives τ = 3.33 for mT5; its Table 8 has 1/0.3.
///
/// ```
/// let weights = plan::data::temperature(&[1e12, 1e9], 3.0);
/// assert!((weights[0] / weights[1] - 10.0).abs() < 1e-12);
/// ```
#[must_use]
pub fn temperature(sizes: &[f64], tau: f64) -> Vec<f64> {
    let largest = log(largest(sizes));
    let flat = |size: &f64| {
        let below = log(*size) - largest;
        if counted(*size) <= 0.0 {
            0.0
        } else if below < 0.0 {
            exp(below / tau.max(0.0))
        } else {
            1.0 // apart from the others, for at τ = 0 the exponent is 0/0
        }
    };
    proportional(&sizes.iter().map(flat).collect::<Vec<_>>())
}

/// What [`unimax`] gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Unimax {
    /// Weights of the sources; all are 0 where nothing is placed.
    pub weights: Vec<f64>,
    /// Tokens of each source.
    pub tokens: Vec<f64>,
    /// Whether the cap on epochs holds a source down.
    pub capped: Vec<bool>,
    /// Tokens of the budget that no source can take: 0 unless all are capped.
    pub unplaced: f64,
}

/// As uniform as can be with no source read more than `epochs` times: from the smallest source on,
/// each has an equal part of what is left of the budget, or its cap where that is less (Chung et al.
/// 2023, algorithm 1). The weights are for the tokens that are placed, as there; the rest is told.
///
/// ```
/// let mixture = plan::data::unimax(&[10.0, 1000.0, 100.0], 500.0, 2.0);
/// assert_eq!(mixture.tokens, [20.0, 280.0, 200.0]);
/// assert_eq!(mixture.capped, [true, false, true]);
/// ```
#[must_use]
pub fn unimax(sizes: &[f64], budget: f64, epochs: f64) -> Unimax {
    let (budget, epochs) = (budget.max(0.0), epochs.max(0.0));
    let cap = |at: usize| if counted(sizes[at]) > 0.0 { sizes[at] * epochs } else { 0.0 };
    let mut ascending: Vec<usize> = (0..sizes.len()).collect();
    ascending.sort_by(|a, b| counted(sizes[*a]).total_cmp(&counted(sizes[*b])));
    let mut tokens = vec![0.0; sizes.len()];
    let mut capped = vec![false; sizes.len()];
    let mut left = budget;
    for (done, at) in ascending.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a count of sources")]
        let part = left / (sizes.len() - done) as f64;
        if part <= cap(*at) {
            // no larger source is capped either, so all that follow have this part
            ascending[done..].iter().for_each(|at| tokens[*at] = part);
            left = 0.0;
            break;
        }
        tokens[*at] = cap(*at);
        capped[*at] = true;
        left = (left - cap(*at)).max(0.0);
    }
    Unimax { weights: proportional(&tokens), tokens, capped, unplaced: left }
}

/// A size that counts.
fn counted(size: f64) -> f64 {
    if size.is_finite() { size.max(0.0) } else { 0.0 }
}

fn largest(sizes: &[f64]) -> f64 {
    sizes.iter().map(|size| counted(*size)).fold(0.0, f64::max)
}
