//! The tokens of every source as a sum over the run, which knows no integral.
//!
//! The mixture of the moment, `Curriculum::weights`, is summed by Gauss-Legendre panels between the
//! places where it is not smooth: the edges of plateaus, the start of a blend, the times at which a
//! source opens (found by bisection on `Paced::open`), and the knots of a table.
//!
//! A stretch of a stage is summed over u with s = u², s from 0 to 1 over the stretch, so that the
//! root becomes a polynomial. Panels [u, v] have v <= 5u/4 and v - u <= 1/64, and the first ends at
//! 1e-6, a part of 1e-12 of the stretch. What limits the rule is the nearest singularity: half
//! widths of h <= u/9 leave every singularity that lies as far off as u itself nine half widths
//! away, where the sum of the semi-axes of the ellipse of analyticity is ρ >= 17. Those are the
//! branch points of ln(1 + 22025 u²) at ±0.0067i, and the zeros of the open share g, which stands in
//! the denominator: without a start they lie at u = 0, with one beside it on or off the imaginary
//! axis. The exponential pacing has zeros at 0.1πi a of s beside the line; for a >= 0.1 they lie
//! 0.05 off in u, six half widths, where ρ >= 12. The rule of n points misses at most
//! 64/15 M ρ^-2n / (1 - ρ^-2) of a half width (Trefethen 2013, "Approximation Theory and
//! Approximation Practice", theorem 19.3), with n = 8 and M the largest value on the ellipse: below
//! 1e-16 M. As M is at most ten times the panel's own largest weight, except for a source that only
//! opens there and so starts from 0, this is far below 1e-9 of every source.
//!
//! Rounding: of a moment in the run 1e-16 is lost, and so up to 1e-14 of a stage of 1/100 of it. A
//! weight that rises from 0 over a window of 1e-5 of the stage is then off by 1e-9 of itself at each
//! point, at random, and by a tenth of that in the sum.

use crate::course::Course;
use crate::gauss::gauss;
use plan::data::{Curriculum, Method, MixtureChoice, Order, Paced, Pacing, Placed, Ramp, Stage};

/// End of the first panel.
const FIRST: f64 = 1e-6;
/// How much further than its start a panel ends.
const GROWTH: f64 = 1.25;
/// Longest panel.
const LONGEST: f64 = 1.0 / 64.0;

/// A stretch of a stage, and places in it, from 0 to 1, between which the weights are smooth.
struct Stretch {
    start: f64,
    length: f64,
    edges: Vec<f64>,
}

/// What each source gives to every stage.
pub fn summed_by_stage(
    course: &Course,
    curriculum: &Curriculum,
    run: plan::quantity::Tokens,
) -> Vec<Vec<f64>> {
    let placed = curriculum.placed(run);
    let all = run.0 + curriculum.tokens_after().0;
    let gauss = gauss();
    let stages = course.stages.iter().enumerate().map(|(index, stage)| {
        let mut sums = vec![0.0; curriculum.names.len()];
        let place = &placed[index];
        let length = place.end - place.start;
        if length <= 0.0 {
            return sums;
        }
        for stretch in stretches(course, stage, curriculum, index) {
            for edges in stretch.edges.windows(2) {
                for (from, to) in panels(edges[0].sqrt(), edges[1].sqrt()) {
                    for (x, weight) in &gauss {
                        let u = from + (to - from) * x;
                        let t = stretch.start + stretch.length * u * u;
                        let part = weight * (to - from) * 2.0 * u * stretch.length * length * all;
                        let mixture = curriculum.weights(&placed, place.start + t * length);
                        sums.iter_mut().zip(mixture).for_each(|(sum, w)| *sum += w * part);
                    }
                }
            }
        }
        sums
    });
    stages.collect()
}

/// What each source gives to the run and the stages on top of it.
pub fn summed(course: &Course, curriculum: &Curriculum, run: plan::quantity::Tokens) -> Vec<f64> {
    let mut sums = vec![0.0; curriculum.names.len()];
    for stage in summed_by_stage(course, curriculum, run) {
        sums.iter_mut().zip(stage).for_each(|(sum, own)| *sum += own);
    }
    sums
}

/// Panels between two values of u.
fn panels(start: f64, end: f64) -> Vec<(f64, f64)> {
    let mut panels = Vec::new();
    let mut from = start;
    while from < end {
        let to = if from < FIRST { FIRST } else { (from * GROWTH).min(from + LONGEST) };
        let to = if to > end * (1.0 - 1e-9) { end } else { to };
        panels.push((from, to));
        from = to;
    }
    panels
}

/// The stretches of a stage: a table as it is; else its own way and its blend.
fn stretches(
    course: &Course,
    stage: &Stage,
    curriculum: &Curriculum,
    index: usize,
) -> Vec<Stretch> {
    if let Some(knots) = curriculum.kept(index) {
        let mut edges: Vec<f64> = knots.iter().map(|(at, _)| *at).collect();
        edges.extend([0.0, 1.0]);
        return vec![Stretch { start: 0.0, length: 1.0, edges: sorted(edges) }];
    }
    let blend = stage.blend.map_or(0.0, |share| share.0);
    vec![
        Stretch { start: 0.0, length: 1.0 - blend, edges: sorted(edges(course, stage)) },
        Stretch { start: 1.0 - blend, length: blend, edges: vec![0.0, 1.0] },
    ]
}

fn sorted(mut edges: Vec<f64>) -> Vec<f64> {
    edges.sort_by(f64::total_cmp);
    edges.dedup();
    edges
}

/// Where a stage's own way is not smooth.
fn edges(course: &Course, stage: &Stage) -> Vec<f64> {
    let mut edges = vec![0.0, 1.0];
    if stage.ramp == Some(Ramp::Step) {
        let plateaus = stage.plateaus.unwrap_or(2);
        edges.extend((1..plateaus).map(|edge| f64::from(edge) / f64::from(plateaus)));
    }
    if stage.mixture == MixtureChoice::By(Method::ByDifficulty) {
        let paced = Paced {
            pacing: stage.pacing.unwrap_or(Pacing::Linear),
            full_at: stage.full_at.map_or(1.0, |share| share.0),
            start: stage.start.map_or(0.0, |share| share.0),
        };
        edges.push(paced.full_at);
        if paced.pacing != Pacing::Step {
            let opened = opened(course, stage);
            edges.extend(opened.iter().filter_map(|share| opens(&paced, *share)));
        }
    }
    edges
}

/// The shares of the data at which one source is read out and the next begins.
fn opened(course: &Course, stage: &Stage) -> Vec<f64> {
    let order = reading(course, stage);
    let size = |name: &String| course.sources[name].unique_tokens.unwrap_or_default().0;
    let all: f64 = order.iter().map(size).sum();
    let mut sum = 0.0;
    let sums = order.iter().map(|name| {
        sum += size(name) / all;
        sum
    });
    let mut sums: Vec<f64> = sums.collect();
    // all is open a little before the end of the logarithmic ramp; no rounding may hide that place
    sums.pop();
    sums.push(1.0);
    sums
}

/// Sources in the order in which a stage by difficulty opens them: by difficulty, and of equal ones
/// in the order of the plan's names.
pub fn reading(course: &Course, stage: &Stage) -> Vec<String> {
    let known = course.sources.keys();
    let mut order: Vec<String> = stage.over.clone().unwrap_or_else(|| known.cloned().collect());
    let hard = |name: &String| course.sources[name].difficulty.unwrap_or_default().0;
    order.sort_by(|a, b| hard(a).total_cmp(&hard(b)));
    if stage.order == Some(Order::AntiCurriculum) {
        order.reverse();
    }
    order
}

/// When a share of the data is open, within the stage.
fn opens(paced: &Paced, share: f64) -> Option<f64> {
    let (mut low, mut high) = (0.0, 1.0);
    if paced.open(low) >= share || paced.open(high) < share {
        return None;
    }
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        *(if paced.open(middle) < share { &mut low } else { &mut high }) = middle;
    }
    Some(high)
}

/// A moment of the run within a stage, at a share of it.
pub fn moment(place: &Placed, t: f64) -> f64 {
    place.start + t * (place.end - place.start)
}
