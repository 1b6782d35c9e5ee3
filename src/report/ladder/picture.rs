//! The runs of a ladder in size and compute, the optimum that places them, and how far the fits to
//! their outcomes would spread.

use super::LadderView;
use crate::quantity::{Flops, Params, Quantity as _};
use crate::report::chart::{
    Axis, BLUE, Drawn, INK, RED, Root, chart, count, dashed, dot, font, line, log_share, plain,
    shade, svg,
};
use libm::{log10, pow};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Pixels of the picture.
const SIZE: (u32, u32) = (900, 460);
/// Room above the optimum for what is written beside it.
const ROOM: f64 = 1.6;

impl LadderView<'_> {
    /// The ladder as an SVG document of 900 x 460 pixels; the same ladder gives the same bytes.
    #[must_use]
    pub fn svg(&self) -> String {
        svg(SIZE, |root| self.draw(root))
    }

    fn draw(&self, root: &Root) -> Drawn {
        let (rungs, settings) = (&self.ladder.rungs, &self.ladder.settings);
        let target = settings.target.0;
        let flops = || rungs.iter().map(|rung| rung.flops.0);
        let best = settings.optimum().params.unwrap_or_default().0;
        let ends = self.simulation.map(|simulation| simulation.params_80);
        let sizes = rungs.iter().map(|rung| rung.params.0);
        let sizes = sizes.chain([best, best * ROOM]).chain(ends.into_iter().flatten());
        let across = Axis::log("compute C, FLOP", flops().chain([target]), plain);
        let up = Axis::log("parameters N", sizes, count);
        let caption = format!("{} runs that tell the optimum at {}", rungs.len(), {
            settings.target.human()
        });
        let mut chart = chart(root, &caption, &across, &up)?;
        if let Some(simulation) = self.simulation {
            let edge = |which: usize| {
                let points = simulation.frontier.iter();
                points.map(move |(flops, ends)| (log10(flops.0), log10(ends[which])))
            };
            let mut upper: Vec<_> = edge(1).collect();
            upper.reverse();
            let band: Vec<_> = edge(0).chain(upper).collect();
            chart.draw_series([Polygon::new(band, BLUE.mix(0.25))])?;
        }
        let least = flops().fold(target, f64::min);
        let at = |flops: f64| {
            let (params, _) = settings.law.allocation(Flops(flops), settings.k);
            (log10(flops), log10(params.0))
        };
        let middle = (0..=40_u32).map(|i| at(least * pow(target / least, f64::from(i) / 40.0)));
        chart.draw_series([line(middle.collect::<Vec<_>>(), BLUE, 16)])?;
        let largest = self.ladder.largest().0;
        chart.draw_series(rungs.iter().map(|rung| {
            let colour = shade(log_share(rung.flops.0, [least, largest]));
            dot((log10(rung.flops.0), log10(rung.params.0)), 4, colour)
        }))?;
        let (x, y) = at(target);
        chart.draw_series([dashed([(x, up.ends[0]), (x, up.ends[1])], INK, 10)])?;
        let mut label = Params(best).human();
        if let Some(ends) = ends {
            chart.draw_series([line(ends.map(|end| (x, log10(end))), RED, 30)])?;
            let [low, high] = ends.map(|end| Params(end).human());
            label = format!("N* {label}, 80 % of fits {low} to {high}");
        }
        chart.draw_series([dot((x, y), 5, RED)])?;
        let style = font(13.0, RED).pos(Pos::new(HPos::Right, VPos::Bottom));
        let left = x - 0.012 * (across.ends[1] - across.ends[0]);
        chart.draw_series([Text::new(label, (left, y), style)])?;
        Ok(())
    }
}
