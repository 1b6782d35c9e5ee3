//! What a loader really reads over the stages of a run.

use super::loader::{End, Exhausted, Part, Place, Read};
use super::path::weighted;
use crate::quantity::Tokens;
use std::borrow::Cow;

/// What a loader really reads, source by source, and where its data end.
///
/// Where it keeps its place in a source from stage to stage, the run is one data set. Where it does
/// not, every stage is one, and a later stage is taken to read what an earlier one has read:
/// `distinct` is then the least there can be.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Per source, in the order of the mixture's shares; `None` where its size is unknown.
    pub sources: Vec<Option<Read>>,
    /// Ends before the run's: the stage in which each stands, and the tokens read until then, of the
    /// run where the loader keeps its place in a source, else of the stage.
    pub ends: Vec<(usize, End)>,
}

impl Reading {
    /// What is read of sources of these sizes over data sets that follow each other.
    pub(super) fn over(taking: Taking, stages: &[Set], sizes: &[Option<Tokens>]) -> Self {
        let exhausted = taking.exhausted;
        let kept = taking.place == Place::Kept;
        let whole = [Set::whole(stages)];
        let nothing = Read { drawn: Tokens(0.0), distinct: Tokens(0.0), most_repeats: 0.0 };
        let sources = sizes.iter().map(|size| size.map(|_| nothing)).collect();
        let mut reading = Self { sources, ends: Vec::new() };
        for (index, set) in if kept { whole.as_slice() } else { stages }.iter().enumerate() {
            if kept {
                reading.ends.extend(first_end(exhausted, stages, sizes));
            } else {
                let end = set.end(exhausted, sizes).filter(|end| end.after() < set.tokens * WITHIN);
                reading.ends.extend(end.map(|end| (index, end)));
            }
            let read = set.weights.iter().zip(sizes).filter(|(weight, _)| **weight > 0.0);
            let pool = Tokens(read.map(|(_, size)| size.map_or(0.0, |size| size.0)).sum());
            for ((sum, weight), size) in reading.sources.iter_mut().zip(&*set.weights).zip(sizes) {
                let (Some(sum), Some(size), true) = (sum, *size, *weight > 0.0) else { continue };
                let read = exhausted.reads(Tokens(weight * set.tokens), size, *weight, pool);
                *sum = Read {
                    drawn: Tokens(sum.drawn.0 + read.drawn.0),
                    distinct: Tokens(sum.distinct.0.max(read.distinct.0)),
                    most_repeats: sum.most_repeats + read.most_repeats,
                };
            }
        }
        reading
    }
}

/// How close to its end a data set may run out: rounding.
const WITHIN: f64 = 1.0 - 1e-9;

/// How a loader takes its sources.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Taking {
    /// What happens when one runs out.
    pub(super) exhausted: Exhausted,
    /// Whether a later stage goes on in it.
    pub(super) place: Place,
    /// Sequences in a block, where counts are rounded down in every block.
    pub(super) block: Option<u32>,
}

/// One pass after the other, as a run without a loader is taken to read.
pub(super) const IN_TURN: Taking =
    Taking { exhausted: Exhausted::Wraps, place: Place::Kept, block: None };

/// A stage, or the run, as a loader sees it: tokens, and the share of each source.
pub(super) struct Set<'a> {
    pub(super) tokens: f64,
    pub(super) weights: Cow<'a, [f64]>,
}

impl Set<'_> {
    fn whole(stages: &[Self]) -> Self {
        let tokens: f64 = stages.iter().map(|stage| stage.tokens).sum();
        let rows = stages.iter().map(|stage| (stage.tokens / tokens, stage.weights.to_vec()));
        Self { tokens, weights: weighted(rows).into() }
    }

    /// Where it ends; a source without weight is none of its sources.
    fn end(&self, exhausted: Exhausted, sizes: &[Option<Tokens>]) -> Option<End> {
        let places: Vec<usize> =
            (0..sizes.len()).filter(|place| self.weights[*place] > 0.0).collect();
        let part = |place: &usize| Part { weight: self.weights[*place], size: sizes[*place] };
        let parts: Vec<Part> = places.iter().map(part).collect();
        exhausted.ends_at(&parts).located(&places)
    }
}

/// Where a run ends that is read as one data set, with the stage in which it does: the first source
/// to run out, stage after stage.
fn first_end(
    exhausted: Exhausted,
    stages: &[Set],
    sizes: &[Option<Tokens>],
) -> Option<(usize, End)> {
    let mut left: Vec<f64> =
        sizes.iter().map(|size| size.map_or(f64::INFINITY, |size| size.0)).collect();
    let mut read = 0.0;
    for (index, stage) in stages.iter().enumerate() {
        let rest: Vec<Option<Tokens>> = left.iter().map(|left| Some(Tokens(*left))).collect();
        let end = stage.end(exhausted, &rest).filter(|end| end.after() < stage.tokens * WITHIN);
        if let Some(end) = end {
            return Some((index, end.later_by(read)));
        }
        read += stage.tokens;
        for (left, weight) in left.iter_mut().zip(&*stage.weights) {
            *left = (*left - weight * stage.tokens).max(0.0);
        }
    }
    None
}
