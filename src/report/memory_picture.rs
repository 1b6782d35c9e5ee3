//! What a device holds over one training step: stacked-area pictures.
//!
//! Across are the operations in order, not time: every layer is as wide as any other, and what
//! stands around the layers has widths of its own.

mod groups;
mod scale;
mod track;

use super::area::{self, Point, Stacked, Words};
use crate::memory::{Phase, Step};
use groups::{GROUPS, group};
use scale::Scale;
use std::fmt::Write as _;
use track::Track;

/// What the picture in a terminal says of its width.
const CAPTION: [&str; 2] =
    ["Across: operations in order, not time;", "every layer is as wide as any other."];

/// Rows of the picture in a terminal.
const HEIGHT: u16 = 16;

/// A picture for terminals, without colour: what is held from the start of the step to the
/// optimizer, its peak, and a device's memory where it is given, in bytes.
///
/// No line is longer than `width` columns, at least 24. With `ascii` no character is outside
/// ASCII.
#[must_use]
pub fn text(step: &Step, device: Option<f64>, width: u16, ascii: bool) -> String {
    let picture = Picture::of(step, device);
    let mut out = area::text(&picture, width, HEIGHT, ascii);
    let (more, room) = (if ascii { '~' } else { '…' }, usize::from(width.max(24)));
    let joined = CAPTION.join(" ");
    let lines = if joined.len() <= room { &[joined.as_str()][..] } else { &CAPTION };
    for line in lines {
        let _ = writeln!(out, "{}", area::cut(line, room, more));
    }
    out
}

/// The same as an SVG document of 900 x 420 pixels on white. The same step gives the same bytes.
#[must_use]
pub fn svg(step: &Step, device: Option<f64>) -> String {
    area::svg(&Picture::of(step, device))
}

/// A step, ready to be drawn.
struct Picture {
    names: Vec<String>,
    track: Track,
    scale: Scale,
    /// Bytes of a device.
    device: Option<f64>,
    /// Place of the peak across.
    at: f64,
    /// Bytes and phase of the peak.
    peak: (f64, Phase),
    /// Bytes of every group at the peak.
    held: Vec<f64>,
}

/// The picture's height over the peak: room for its name.
const OVER_PEAK: f64 = 1.15;
/// The same over a device's memory.
const OVER_DEVICE: f64 = 1.08;
/// A device with more than so many times the peak would make the picture flat.
const FLAT: f64 = 2.5;

impl Picture {
    fn of(step: &Step, device: Option<f64>) -> Self {
        let peak = step.peak();
        let track = Track::of(step);
        let device = device.filter(|bytes| bytes.is_finite() && *bytes > 0.0);
        let line = device.filter(|bytes| *bytes <= FLAT * peak.bytes).unwrap_or(0.0);
        let scale = Scale::of(peak.bytes, (OVER_PEAK * peak.bytes).max(OVER_DEVICE * line));
        let held = group(|label| peak.held(label));
        Self {
            names: GROUPS.map(|group| group.name().to_owned()).to_vec(),
            at: track.highest(),
            track,
            scale,
            device,
            peak: (peak.bytes, peak.phase),
            held: held.to_vec(),
        }
    }

    fn heights(&self, bytes: &[f64]) -> Vec<f64> {
        bytes.iter().map(|bytes| bytes / self.scale.top).collect()
    }
}

impl Stacked for Picture {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn parts(&self) -> Vec<(&str, f64, f64)> {
        self.track.parts.clone()
    }

    /// What is held at the highest moment of the column.
    fn column(&self, column: usize, of: usize) -> Vec<f64> {
        let [from, to] = [column, column + 1].map(|edge| area::real(edge) / area::real(of));
        self.heights(&self.track.most(from, to))
    }

    fn outline(&self) -> Vec<(f64, Vec<f64>)> {
        let mut out: Vec<(f64, Vec<f64>)> = Vec::new();
        for cell in &self.track.cells {
            let heights = self.heights(&cell.held);
            match out.last_mut() {
                Some((end, last)) if *last == heights => *end = cell.to,
                _ => out.extend([(cell.from, heights.clone()), (cell.to, heights)]),
            }
        }
        out
    }

    fn words(&self) -> Words {
        let (bytes, phase) = self.peak;
        Words {
            across: "layer",
            across_title: "operations in order, not time; the numbers are layers",
            up: format!("{} held on one device", self.scale.unit),
            part: "phase",
            legend: format!("At the peak of {}, {}", self.scale.print(bytes), phase),
            legend_short: "at the peak",
            between: format!(" {}, ", self.scale.unit),
            unit: " %",
        }
    }

    fn ticks(&self, _about: usize, gap: f64) -> Vec<(f64, String)> {
        self.track.layers(gap)
    }

    fn levels(&self, least: usize) -> Vec<(f64, String)> {
        self.scale.ticks(least)
    }

    fn figures(&self, sets: &[&[usize]]) -> Vec<Vec<String>> {
        let all = self.peak.0.max(f64::MIN_POSITIVE);
        let figures = sets.iter().map(|set| {
            let bytes: f64 = set.iter().map(|&i| self.held[i]).sum();
            let share = 100.0 * bytes / all;
            let share =
                if bytes > 0.0 && share < 0.5 { "<1".into() } else { format!("{share:.0}") };
            vec![self.scale.number(bytes), share]
        });
        figures.collect()
    }

    fn point(&self) -> Option<Point> {
        let (bytes, phase) = self.peak;
        let short = format!("peak {}", self.scale.print(bytes));
        let name = format!("{short}, {phase}");
        Some(Point { x: self.at, height: bytes / self.scale.top, name, short })
    }

    fn line(&self) -> Option<(f64, String)> {
        let bytes = self.device?;
        Some((bytes / self.scale.top, format!("device {}", self.scale.print(bytes))))
    }
}

#[cfg(test)]
mod tests;
