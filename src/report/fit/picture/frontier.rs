//! N* over the budget with its interval, the runs, and the minima of the parabolas.

use super::Picture;
use crate::quantity::{Flops, Params, Quantity as _};
use crate::report::chart::{
    Axis, BLUE, Drawn, INK, PALE, RED, Root, chart, count, dashed, dot, font, line, marks, plain,
};
use libm::{log10, pow};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Budgets at which the interval is computed.
const STEPS: u32 = 40;
/// Room above the optimum for what is written beside it.
const ROOM: f64 = 1.6;

pub(super) fn draw(picture: &Picture, root: &Root) -> Drawn {
    let fit = picture.view.fit;
    let target = fit.target.flops.0;
    let [low, high] = picture.flops;
    let sizes = picture.runs.iter().map(|run| run.params);
    let ends = fit.target.params_80.into_iter().flatten();
    let best = fit.target.optimum.params.map(|params| params.0);
    let across = Axis::log("compute C, FLOP", [low, high, target].into_iter(), plain);
    let above = best.map(|best| best * ROOM);
    let up = Axis::log("parameters N", sizes.chain(ends).chain(best).chain(above), count);
    let caption = match fit.bootstrap {
        Some(_) => "The optimum N* and its 80 % interval; minima; runs (grey)",
        None => "The optimum N*; minima; runs (grey)",
    };
    let mut chart = chart(root, caption, &across, &up)?;
    let points = frontier(picture, across.ends);
    let clipped = |y: f64| y.clamp(up.ends[0], up.ends[1]);
    let edge = |which: usize| {
        let ends = points.iter().filter_map(move |(x, _, ends)| Some((*x, (*ends)?[which])));
        ends.map(|(x, y)| (x, clipped(y)))
    };
    let mut upper: Vec<_> = edge(1).collect();
    upper.reverse();
    let band: Vec<_> = edge(0).chain(upper).collect();
    chart.draw_series([Polygon::new(band, BLUE.mix(0.25))])?;
    chart.draw_series(
        picture
            .runs
            .iter()
            .map(|run| dot((log10(picture.flops(run)), log10(run.params)), 2, PALE.mix(0.8))),
    )?;
    let within = points.iter().filter(|(_, y, _)| (up.ends[0]..=up.ends[1]).contains(y));
    let middle: Vec<_> = within.map(|(x, y, _)| (*x, *y)).collect();
    chart.draw_series([line(middle, BLUE, 16)])?;
    let x = log10(target);
    chart.draw_series([dashed([(x, up.ends[0]), (x, up.ends[1])], INK, 10)])?;
    for one in &picture.parabolas {
        let at = (log10(one.flops.0), log10(one.params.0));
        chart.draw_series(marks(at, 4, picture.colour(one.flops.0)))?;
    }
    let Some(params) = best else { return Ok(()) };
    if let Some(ends) = fit.target.params_80 {
        chart.draw_series([line(ends.map(|end| (x, log10(end))), RED, 30)])?;
    }
    chart.draw_series([dot((x, log10(params)), 5, RED)])?;
    let style = font(13.0, RED).pos(Pos::new(HPos::Right, VPos::Bottom));
    let left = x - 0.02 * (across.ends[1] - across.ends[0]);
    let label = format!("N* {}", Params(params).human());
    chart.draw_series([Text::new(label, (left, log10(params)), style)])?;
    Ok(())
}

/// C, N* and its interval, as decadic logarithms.
fn frontier(picture: &Picture, [left, right]: [f64; 2]) -> Vec<(f64, f64, Option<[f64; 2]>)> {
    let (fit, k) = (picture.view.fit, picture.view.settings.k);
    let point = |i: u32| {
        let x = left + (right - left) * f64::from(i) / f64::from(STEPS);
        let flops = Flops(pow(10.0, x));
        let best = |law: &crate::law::Surface| log10(law.allocation(flops, k).0.0);
        let middle = best(&fit.surface);
        let ends = fit.bootstrap.as_ref().and_then(|own| own.interval_80(middle, best));
        (x, middle, ends)
    };
    (0..=STEPS).map(point).collect()
}
