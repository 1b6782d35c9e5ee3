//! Bytes as a function of the tokens of a micro-batch.

use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};

/// `fixed + per_token × tokens`, bytes.
///
/// Everything that a training step holds is of this form at one sequence length: shards and
/// weights are fixed, activations grow with the tokens of the micro-batch. Whole numbers of bytes
/// below 2^53 (9 PB) are exact.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Line {
    /// Bytes whatever the micro-batch.
    pub fixed: f64,
    /// Bytes for each token of the micro-batch on this device.
    pub per_token: f64,
}

impl Line {
    /// Nothing.
    pub const ZERO: Self = Self { fixed: 0.0, per_token: 0.0 };

    /// So many bytes, whatever the micro-batch.
    #[must_use]
    pub fn fixed(bytes: f64) -> Self {
        Self { fixed: bytes, per_token: 0.0 }
    }

    /// So many bytes for each token.
    #[must_use]
    pub fn per_token(bytes: f64) -> Self {
        Self { fixed: 0.0, per_token: bytes }
    }

    /// The bytes of a micro-batch of so many tokens.
    #[must_use]
    pub fn at(self, tokens: f64) -> f64 {
        self.fixed + self.per_token * tokens
    }

    /// The most tokens that stay within so many bytes: without end, or below any number, where
    /// tokens take none.
    #[must_use]
    pub fn most_tokens(self, bytes: f64) -> f64 {
        if self.per_token > 0.0 {
            (bytes - self.fixed) / self.per_token
        } else if self.fixed > bytes {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        }
    }
}

impl Add for Line {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { fixed: self.fixed + other.fixed, per_token: self.per_token + other.per_token }
    }
}

impl Sub for Line {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Neg for Line {
    type Output = Self;
    fn neg(self) -> Self {
        Self { fixed: -self.fixed, per_token: -self.per_token }
    }
}

impl Mul<f64> for Line {
    type Output = Self;
    fn mul(self, times: f64) -> Self {
        Self { fixed: self.fixed * times, per_token: self.per_token * times }
    }
}

impl AddAssign for Line {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Line {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}
