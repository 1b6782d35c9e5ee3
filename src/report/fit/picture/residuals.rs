//! How far each run lies from the law, over its budget.

use super::Picture;
use crate::fit::Run;
use crate::quantity::{Params, Tokens, significant};
use crate::report::chart::{Axis, Drawn, INK, PALE, Root, chart, dashed, dot, line, plain};
use libm::log10;
use plotters::prelude::*;

pub(super) fn draw(picture: &Picture, root: &Root) -> Drawn {
    let fit = picture.view.fit;
    let off = |run: &Run| {
        let predicted = fit.surface.loss(Params(run.params), Tokens(run.tokens)).0;
        100.0 * (run.loss / predicted - 1.0)
    };
    let widest = picture.runs.iter().map(|run| off(run).abs()).fold(100.0 * fit.rms, f64::max);
    let across =
        Axis::log("compute C, FLOP", picture.runs.iter().map(|run| picture.flops(run)), plain);
    let up = Axis::linear("loss off the law, %", [-widest, widest].into_iter(), plain);
    let caption = format!(
        "Residuals of {}, root mean square {} %",
        picture.shown(),
        significant(100.0 * fit.rms, 2)
    );
    let mut chart = chart(root, &caption, &across, &up)?;
    let [left, right] = across.ends;
    let level = |y: f64| [(left, y), (right, y)];
    chart.draw_series([line(level(0.0), INK, 10)])?;
    let spread = 100.0 * fit.rms;
    chart.draw_series([spread, -spread].map(|y| dashed(level(y), PALE, 10)))?;
    chart.draw_series(picture.runs.iter().map(|run| {
        let flops = picture.flops(run);
        dot((log10(flops), off(run)), 3, picture.colour(flops).mix(0.7))
    }))?;
    Ok(())
}
