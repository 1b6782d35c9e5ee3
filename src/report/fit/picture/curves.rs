//! The loss over the size at each budget: runs, the law, the parabolas and their minima.

use super::Picture;
use crate::fit::{Parabola, Run};
use crate::quantity::{Flops, Params};
use crate::report::chart::{Axis, Drawn, Root, chart, count, dashed, dot, line, marks, plain};
use libm::{log, log10, pow};
use plotters::prelude::*;

/// Budgets whose curves are drawn where there are no parabolas.
const CURVES: u32 = 6;
/// Parabolas whose budgets differ less than this share a curve.
const APART: f64 = 1.4;
/// Steps of a curve.
const STEPS: u32 = 60;

pub(super) fn draw(picture: &Picture, root: &Root) -> Drawn {
    let across = Axis::log("parameters N", picture.runs.iter().map(|run| run.params), count);
    let up = Axis::linear("loss", losses(picture), plain);
    let caption = "IsoFLOP: the law (lines), parabolas (dashed), their minima";
    let mut chart = chart(root, caption, &across, &up)?;
    for flops in budgets(picture) {
        let colour = picture.colour(flops.0);
        let parts = inside(&curve(picture, flops, across.ends), up.ends);
        chart.draw_series(parts.into_iter().map(|part| line(part, colour, 10)))?;
    }
    for one in apart(picture) {
        let colour = picture.colour(one.flops.0);
        let parts = inside(&bow(picture, one), up.ends);
        chart.draw_series(parts.into_iter().map(|part| dashed(part, colour, 14)))?;
    }
    let shown = picture.runs.iter().filter(|run| run.loss <= up.ends[1]);
    chart.draw_series(shown.map(|run| {
        let colour = picture.colour(picture.flops(run)).mix(0.7);
        dot((log10(run.params), run.loss), 2, colour)
    }))?;
    for one in &picture.parabolas {
        let at = (log10(one.params.0), one.least);
        chart.draw_series(marks(at, 4, picture.colour(one.flops.0)))?;
    }
    Ok(())
}

/// The losses that the axis shows: those of the runs, without the highest that would squeeze the
/// others.
fn losses(picture: &Picture) -> impl Iterator<Item = f64> {
    let mut sorted: Vec<f64> = picture.runs.iter().map(|run| run.loss).collect();
    sorted.sort_by(f64::total_cmp);
    sorted.truncate((sorted.len() * 98).div_ceil(100));
    sorted.into_iter()
}

/// The budgets of the parabolas, else some evenly spaced over the runs.
fn budgets(picture: &Picture) -> Vec<Flops> {
    if picture.parabolas.len() >= 2 {
        return apart(picture).into_iter().map(|one| one.flops).collect();
    }
    let [low, high] = picture.flops;
    let at = |i: u32| Flops(low * pow(high / low, f64::from(i) / f64::from(CURVES - 1)));
    (0..CURVES).map(at).collect()
}

/// The parabolas that are drawn: of those of nearly one budget the first.
fn apart<'a>(picture: &'a Picture<'_>) -> Vec<&'a Parabola> {
    let mut kept: Vec<&Parabola> = Vec::new();
    for one in &picture.parabolas {
        if kept.last().is_none_or(|last| one.flops.0 > APART * last.flops.0) {
            kept.push(one);
        }
    }
    kept
}

fn curve(picture: &Picture, flops: Flops, [left, right]: [f64; 2]) -> Vec<(f64, f64)> {
    let (law, k) = (&picture.view.fit.surface, picture.view.settings.k);
    let point = |i: u32| {
        let x = left + (right - left) * f64::from(i) / f64::from(STEPS);
        let params = Params(pow(10.0, x));
        (x, law.loss(params, k.tokens(flops, params)).0)
    };
    (0..=STEPS).map(point).collect()
}

/// A parabola over the sizes of its runs.
fn bow(picture: &Picture, one: &Parabola) -> Vec<(f64, f64)> {
    let near = |run: &&Run| (log(picture.flops(run) / one.flops.0)).abs() < 0.1;
    let sizes = picture.runs.iter().filter(near).map(|run| log10(run.params));
    let (low, high) =
        sizes.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    let point = |i: u32| {
        let x = low + (high - low) * f64::from(i) / f64::from(STEPS);
        let u = (x - log10(one.params.0)) * std::f64::consts::LN_10;
        (x, one.least + one.bend * u * u)
    };
    if low < high { (0..=STEPS).map(point).collect() } else { Vec::new() }
}

/// The parts of a line between two heights.
fn inside(line: &[(f64, f64)], [low, high]: [f64; 2]) -> Vec<Vec<(f64, f64)>> {
    let parts = line.split(|(_, y)| !(low..=high).contains(y));
    parts.filter(|part| part.len() > 1).map(<[_]>::to_vec).collect()
}
