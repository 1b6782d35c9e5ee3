//! Accelerator-hours to energy, and energy to carbon.

/// Mean draw of a training accelerator over its rated power, where a plan states none.
///
/// A choice between `StarCoder`'s A100s, which drew 0.28 of 0.4 kW in the mean (arXiv:2305.06161), and
/// the rated power that papers take which measured nothing.
pub const DRAW: f64 = 0.8;

/// Draw of a server over that of its accelerators, where a plan states none.
///
/// With [`DRAW`] a server draws 1.2 times the rated power of its accelerators: between BLOOM's
/// 433,196 kWh for 1,082,990 hours of A100s rated 0.4 kW, 1.0 times (arXiv:2211.02001), and 76 % of
/// 10.2 kW for eight H100s rated 0.7 kW, 1.38 times (Newkirk et al. 2025, arXiv:2506.14551).
pub const OVERHEAD: f64 = 1.5;

/// The two ends of that range, at a draw of [`DRAW`].
pub const OVERHEAD_RANGE: [f64; 2] = [1.0 / DRAW, 0.76 * 10.2 / (8.0 * 0.7) / DRAW];

/// The operator whose PUE is taken where a plan names none.
pub const PUE: &str = "uptime-average";

/// What one accelerator draws, and what stands behind it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Power {
    /// Mean draw of the accelerator itself, watts.
    pub watts: f64,
    /// Draw of its server over that of the server's accelerators.
    pub overhead: f64,
    /// The range of that, where it was not stated.
    pub overhead_range: Option<[f64; 2]>,
    /// Energy of the site over that of its servers.
    pub pue: f64,
}

impl Power {
    /// Watts of the site for one accelerator.
    #[must_use]
    pub fn site_watts(&self) -> f64 {
        self.watts * self.overhead * self.pue
    }

    /// Kilowatt-hours of so many accelerator-hours.
    #[must_use]
    pub fn kwh(&self, hours: f64) -> f64 {
        hours * self.site_watts() / 1e3
    }

    /// The range of these where the overhead has one.
    #[must_use]
    pub fn kwh_range(&self, hours: f64) -> Option<[f64; 2]> {
        let at = |overhead| Self { overhead, ..*self }.kwh(hours);
        Some(self.overhead_range?.map(at))
    }
}

/// Kilograms of CO2 equivalent of so many kilowatt-hours.
#[must_use]
pub fn kg_co2e(kwh: f64, grams_per_kwh: f64) -> f64 {
    kwh * grams_per_kwh / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_lies_within_its_range() {
        let [low, high] = OVERHEAD_RANGE;
        assert!(low < OVERHEAD && OVERHEAD < high);
        assert!((DRAW * low - 1.0).abs() < 1e-12 && (DRAW * high - 1.384).abs() < 1e-3);
    }
}
