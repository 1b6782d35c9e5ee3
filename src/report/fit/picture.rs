//! A fit as a picture: IsoFLOP curves with their minima, the frontier with its interval and the
//! data, residuals.

mod curves;
mod frontier;
mod residuals;

use super::FitView;
use crate::fit::{Parabola, Run, parabolas};
use crate::report::chart::{log_share, shade, svg, units};
use plotters::prelude::RGBColor;

/// Pixels of the picture, and of its upper panels.
const SIZE: (u32, u32) = (1000, 800);
const UPPER: u32 = 450;
/// Runs that are drawn at most; of more, as many evenly spaced in the file.
const MOST: usize = 1500;

/// What is drawn.
struct Picture<'a> {
    view: FitView<'a>,
    runs: Vec<Run>,
    parabolas: Vec<Parabola>,
    /// Smallest and largest budget of the runs.
    flops: [f64; 2],
}

impl Picture<'_> {
    fn flops(&self, run: &Run) -> f64 {
        run.flops(self.view.settings.k)
    }

    /// The colour of a budget.
    fn colour(&self, flops: f64) -> RGBColor {
        shade(log_share(flops, self.flops))
    }

    /// "of so many", where not all runs are drawn.
    fn shown(&self) -> String {
        let all = self.view.runs.runs.len();
        if all == self.runs.len() {
            format!("{all} runs")
        } else {
            format!("{} of {all} runs", self.runs.len())
        }
    }
}

impl FitView<'_> {
    /// The fit as an SVG document of 1000 x 800 pixels; the same fit gives the same bytes.
    #[must_use]
    pub fn svg(&self) -> String {
        let all = &self.runs.runs;
        let step = all.len().div_ceil(MOST).max(1);
        let picture = Picture {
            view: *self,
            runs: all.iter().step_by(step).copied().collect(),
            parabolas: parabolas(all, self.settings.k),
            flops: self.fit.range.flops.unwrap_or([1.0, 1.0]),
        };
        svg(SIZE, |root| {
            let (upper, lower) = root.split_vertically(units(UPPER));
            let (left, right) = upper.split_horizontally(units(SIZE.0 / 2));
            curves::draw(&picture, &left)?;
            frontier::draw(&picture, &right)?;
            residuals::draw(&picture, &lower)
        })
    }
}
