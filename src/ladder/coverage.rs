//! How often intervals hold the truth.

use crate::plan::Interval;

/// Shares of the intervals that may hold the truth where 80 % should.
pub const SOUND: [f64; 2] = [0.75, 0.85];

/// How often intervals hold the truth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coverage {
    /// The share that does.
    pub held: f64,
    /// How many times wider, on either side of the estimate, they would be for 80 %.
    pub times: f64,
}

impl Coverage {
    /// By how much such intervals are to be widened: 1 where they hold the truth often enough.
    #[must_use]
    pub fn widening(&self) -> f64 {
        if self.held < SOUND[0] { self.times.max(1.0) } else { 1.0 }
    }

    /// From how many times wider each interval would have to be.
    pub(super) fn of(mut needed: Vec<f64>) -> Self {
        if needed.is_empty() {
            return Self { held: 0.0, times: f64::INFINITY };
        }
        needed.sort_by(f64::total_cmp);
        #[expect(clippy::cast_precision_loss, reason = "a few hundred outcomes")]
        let held = needed.partition_point(|times| *times <= 1.0) as f64 / needed.len() as f64;
        Self { held, times: needed[(needed.len() * 8 / 10).min(needed.len() - 1)] }
    }
}

/// How many times wider an interval around a value would have to be to hold the truth.
pub(super) fn needed(value: f64, [low, high]: Interval, truth: f64) -> f64 {
    let (off, half) =
        if truth >= value { (truth - value, high - value) } else { (value - truth, value - low) };
    if half > 0.0 { off / half } else { f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_as_far_off_as_it_would_have_to_be_wider() {
        assert!((needed(1.0, [0.0, 3.0], 2.0) - 0.5).abs() < 1e-12);
        assert!((needed(1.0, [0.5, 3.0], 0.0) - 2.0).abs() < 1e-12);
        assert!(needed(1.0, [1.0, 3.0], 0.5).is_infinite());
        let coverage = Coverage::of(vec![0.2, 1.7, 0.4, 1.2, 0.6, 0.9, 1.1, 2.5, 0.1, 0.3]);
        assert_eq!(coverage, Coverage { held: 0.6, times: 1.7 });
        assert!((coverage.widening() - 1.7).abs() < 1e-12);
        let enough = Coverage { held: 0.78, times: 1.1 };
        assert!((enough.widening() - 1.0).abs() < 1e-12);
    }
}
