//! The learning rate over a run.

use libm::cos;
use std::f64::consts::PI;

/// The learning rate over a run: a warm-up from 0, then the peak, then a fall. Places and lengths
/// are tokens, or steps, all alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LearningRates {
    /// The highest.
    pub peak: f64,
    /// Length of the warm-up.
    pub warmup: f64,
    /// How it falls.
    pub fall: Fall,
    /// Where it begins to fall; the end of the warm-up under a cosine and a line over the run.
    pub from: f64,
    /// Where it has fallen.
    pub to: f64,
    /// What is left of the peak there, a share.
    pub floor: f64,
}

/// How a learning rate falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fall {
    /// By half a cosine (Loshchilov and Hutter 2017, arXiv:1608.03983, eq. 5, without restarts).
    Cosine,
    /// By a line.
    Line,
    /// Not at all.
    Never,
}

impl LearningRates {
    /// The learning rate at a place.
    #[must_use]
    pub fn at(&self, place: f64) -> f64 {
        if place < self.warmup {
            return self.peak * place / self.warmup;
        }
        let through = if self.to > self.from {
            ((place - self.from) / (self.to - self.from)).clamp(0.0, 1.0)
        } else if place < self.to {
            0.0
        } else {
            1.0
        };
        let left = match self.fall {
            Fall::Cosine => 0.5 * (1.0 + cos(PI * through)),
            Fall::Line => 1.0 - through,
            Fall::Never => 1.0,
        };
        self.peak * (self.floor + (1.0 - self.floor) * left)
    }
}
