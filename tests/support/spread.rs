//! What was measured over what was known before, against its cases.

use crate::percentile::{percentile, rounded, sorted};
use plan::memory::Ratios;

/// Measured over known, of every case: the seven places that are stated, to four decimals.
pub fn spread(stated: &Ratios, seen: impl Iterator<Item = f64>) {
    let seen = sorted(seen);
    assert_eq!(seen.len(), stated.cases, "{}", stated.what);
    let computed = [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0].map(|share| percentile(&seen, share));
    let places = |numbers: [f64; 7]| numbers.map(|number| rounded(number, 4));
    assert_eq!(places(stated.of), places(computed), "{}", stated.what);
}
