//! Bytes upward: the unit, the ticks and the numbers.

use crate::report::area::{real, round_step, whole};

/// How bytes are shown.
pub(super) struct Scale {
    /// The unit's name.
    pub unit: &'static str,
    /// Its bytes.
    bytes: f64,
    /// Bytes at the top of the picture; above 0.
    pub top: f64,
    decimals: usize,
}

const UNITS: [(&str, f64); 4] =
    [("TiB", 1_099_511_627_776.0), ("GiB", 1_073_741_824.0), ("MiB", 1_048_576.0), ("KiB", 1024.0)];

impl Scale {
    /// The scale of a picture with a peak and a top, in bytes.
    pub fn of(peak: f64, top: f64) -> Self {
        let fits = |&(_, bytes): &(&str, f64)| peak >= bytes;
        let (unit, bytes) = UNITS.into_iter().find(fits).unwrap_or(("B", 1.0));
        let decimals = match peak / bytes {
            small if small < 10.0 => 2,
            large if large < 1000.0 => 1,
            _ => 0,
        };
        Self { unit, bytes, top: if top > 0.0 { top } else { 1.0 }, decimals }
    }

    /// Bytes as a number of units.
    pub fn number(&self, bytes: f64) -> String {
        let decimals = self.decimals;
        let units = bytes / self.bytes;
        let least = [1.0, 0.1, 0.01][decimals.min(2)];
        if units > 0.0 && units < least / 2.0 {
            format!("<{least}")
        } else {
            format!("{units:.decimals$}")
        }
    }

    /// Bytes with their unit; a whole number of units without decimals.
    pub fn print(&self, bytes: f64) -> String {
        let units = bytes / self.bytes;
        if units.fract() == 0.0 {
            format!("{units} {}", self.unit)
        } else {
            format!("{} {}", self.number(bytes), self.unit)
        }
    }

    /// Heights and labels of round numbers, 0 with the unit: at least so many intervals.
    pub fn ticks(&self, least: usize) -> Vec<(f64, String)> {
        let top = self.top / self.bytes;
        let step = round_step(top / real(least.max(1)), false);
        let count = whole(top / step);
        (0..=count)
            .map(|i| {
                let units = real(i) * step;
                let unit = if i == 0 { format!(" {}", self.unit) } else { String::new() };
                // sums of decimal steps have no decimals of their own
                let units = crate::quantity::round_significant(units, 6);
                (units / top, format!("{units}{unit}"))
            })
            .collect()
    }
}
