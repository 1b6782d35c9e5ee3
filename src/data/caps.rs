//! Keeping to the caps on sources: a curriculum moved as little as is needed.

use super::curriculum::{Curriculum, Span};
use super::path::{Knot, Path, Way};
use super::project::{Infeasible, Part, longest, project_by};
use crate::quantity::{Quantity, Tokens};

/// Weights below this are none.
const NOTHING: f64 = 1e-13;
/// Weights that moved by less than this stayed.
const STAYED: f64 = 1e-9;
/// By how much a cap may be passed: rounding.
const ROUNDING: f64 = 1.0 + 1e-9;

/// Why no mixture of the sources keeps to their caps.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "no mixture keeps to the caps: {} {} {} tokens, but {} {} {}{}{}",
    listed(.stages), if .stages.len() == 1 { "reads" } else { "read" }, .needed.human(),
    listed(.sources), if .sources.len() == 1 { "allows" } else { "allow" }, .available.human(),
    if *.per_stage { ", the stage's share" } else { "" }, how_small(.stages, .sources, *.smallest)
)]
pub struct CapsError {
    /// The fewest stages that prove it, or, where `smallest` is not set, some of which none can be
    /// spared.
    pub stages: Vec<String>,
    /// Of as many stages, the fewest sources.
    pub sources: Vec<String>,
    /// Tokens of the stages at the times when they read these sources alone.
    pub needed: Tokens,
    /// Tokens that the caps on these sources allow, or the stage's share of these.
    pub available: Tokens,
    /// Whether it is known that no fewer stages prove it, nor as many by fewer sources.
    pub smallest: bool,
    /// Whether every stage was to keep to its own share of the caps.
    pub per_stage: bool,
    /// The longest run for which some mixture of each stage's own sources keeps to the caps; none
    /// where no length does.
    pub longest: Option<Tokens>,
    /// The longest run that the mixtures as they stand allow.
    pub longest_as_it_is: Option<Tokens>,
}

impl CapsError {
    /// What would be possible instead.
    #[must_use]
    pub fn advice(&self) -> String {
        let run = |tokens: Option<Tokens>| match tokens.filter(|tokens| tokens.0 > 0.0) {
            Some(tokens) => format!("{} tokens", tokens.human()),
            None => "none".to_owned(),
        };
        if self.longest.is_none() {
            let how = if self.per_stage { " in every stage" } else { "" };
            return format!(
                "no run of any length keeps to the caps{how}, with these mixtures or with others of \
                 the same sources: shorten the stages that state their length, or raise a cap"
            );
        }
        let (as_it_is, any) = (run(self.longest_as_it_is), run(self.longest));
        if self.per_stage {
            return format!(
                "the longest run that keeps to the caps in every stage is {any}; with \
                 `caps = \"project\"` they hold over the whole run"
            );
        }
        format!(
            "the longest run is {as_it_is} with these mixtures, {any} with any mixture of the same \
             sources"
        )
    }
}

/// Whether less would prove it, where one stage and one source do not say that themselves.
fn how_small(stages: &[String], sources: &[String], smallest: bool) -> &'static str {
    match (smallest, stages.len().max(sources.len())) {
        (_, ..=1) => "",
        (true, _) => "; nothing smaller proves it",
        (false, _) => "; none of these stages can be spared, though a smaller proof may exist",
    }
}

/// Names in backticks; of many, the first.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match (shown.as_slice(), names.len().checked_sub(SHOWN)) {
        (shown, Some(rest @ 1..)) => format!("{} and {rest} more", shown.join(", ")),
        ([most @ .., last], _) if !most.is_empty() => format!("{} and {last}", most.join(", ")),
        (shown, _) => shown.join(""),
    }
}

/// A curriculum that keeps to its caps.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// The stages, moved where that was needed.
    pub curriculum: Curriculum,
    /// The mean over all tokens of the information lost, KL(kept ‖ intended), in nats.
    pub moved: f64,
}

impl Curriculum {
    /// The nearest curriculum whose sources supply at most `caps` tokens to a run of so many and to
    /// the stages on top of it: it minimises Σ p KL(q ‖ w) over all moments of the run, with w the
    /// weights as they are, q those that keep to the caps, and p the moment's share of the tokens.
    /// A weight of zero stays zero. With `per_stage`, every stage keeps to its own share of each cap.
    ///
    /// A stage that moved has constant weights or a table of them with straight lines in between.
    ///
    /// # Errors
    /// No mixture of the stages' own sources keeps to the caps.
    pub fn keeping(&self, run: Tokens, caps: &[f64], per_stage: bool) -> Result<Kept, CapsError> {
        if !self.passes(run, caps, per_stage) {
            return Ok(Kept { curriculum: self.clone(), moved: 0.0 });
        }
        let lengths = self.lengths(run);
        let knots: Vec<Vec<Knot>> = self.spans.iter().map(Span::knots).collect();
        let all: f64 = lengths.iter().sum();
        let mut rows: Vec<Vec<Vec<f64>>> = Vec::with_capacity(knots.len());
        let mut moved = 0.0;
        let groups: Vec<Vec<usize>> = if per_stage {
            (0..knots.len()).map(|stage| vec![stage]).collect()
        } else {
            vec![(0..knots.len()).collect()]
        };
        for stages in groups {
            let share = stages.iter().map(|stage| lengths[*stage]).sum::<f64>() / all;
            let own: Vec<f64> = caps.iter().map(|cap| cap * share).collect();
            let mut parts = Vec::new();
            let mut owner = Vec::new();
            for &stage in &stages {
                for knot in &knots[stage] {
                    let tokens = lengths[stage] * knot.share;
                    parts.push(Part { tokens, weights: knot.weights.clone() });
                    owner.push(stage);
                }
            }
            let projected = project_by(&parts, Some(&owner), &own).map_err(|proof| CapsError {
                longest: self.longest(caps, per_stage),
                longest_as_it_is: self.longest_as_it_is(caps, per_stage),
                per_stage,
                ..self.proof(&proof, &owner)
            })?;
            moved += projected.moved * share;
            let mut weights = projected.weights.into_iter();
            rows.extend(
                stages.iter().map(|stage| weights.by_ref().take(knots[*stage].len()).collect()),
            );
        }
        let mut kept = self.clone();
        for ((span, knots), rows) in kept.spans.iter_mut().zip(&knots).zip(&rows) {
            if !stayed(knots, rows) {
                span.keep(knots, rows);
            }
        }
        if kept.passes(run, caps, per_stage) {
            // a named way reads a little more or less than its table
            for ((span, knots), rows) in kept.spans.iter_mut().zip(&knots).zip(&rows) {
                span.keep(knots, rows);
            }
        }
        Ok(Kept { curriculum: kept, moved })
    }

    /// The proof with its stages and sources by name.
    fn proof(&self, found: &Infeasible, owner: &[usize]) -> CapsError {
        let mut stages: Vec<usize> = found.parts.iter().map(|part| owner[*part]).collect();
        stages.dedup(); // the parts stand in the order of the stages
        CapsError {
            stages: stages.into_iter().map(|stage| self.spans[stage].name.clone()).collect(),
            sources: found.sources.iter().map(|place| self.names[*place].clone()).collect(),
            needed: Tokens(found.needed),
            available: Tokens(found.available),
            smallest: found.smallest,
            per_stage: false,
            longest: None,
            longest_as_it_is: None,
        }
    }

    /// Whether a source supplies more than its cap, over the run or in a stage.
    fn passes(&self, run: Tokens, caps: &[f64], per_stage: bool) -> bool {
        if !per_stage {
            let supplies = self.supplies().into_iter().zip(caps);
            let mut drawn = supplies.map(|(s, cap)| (s.offset + s.slope * run.0 + s.after, cap));
            return drawn.any(|(drawn, cap)| drawn > cap * ROUNDING);
        }
        let all = run.0 + self.tokens_after().0;
        self.spans.iter().any(|span| {
            let mut mean = span.path.mean().into_iter().zip(caps);
            mean.any(|(mean, cap)| mean * all > cap * ROUNDING)
        })
    }

    /// The longest run for which some mixture of the stages' own sources keeps to the caps.
    fn longest(&self, caps: &[f64], per_stage: bool) -> Option<Tokens> {
        let any = if per_stage { self.longest_by_stage(caps) } else { self.longest_over_all(caps) };
        // a named way can keep to the caps where its table, a little above it, does not
        let as_it_is = self.longest_as_it_is(caps, per_stage);
        any.into_iter().chain(as_it_is).max_by(|a, b| a.0.total_cmp(&b.0))
    }

    fn longest_over_all(&self, caps: &[f64]) -> Option<Tokens> {
        let stated = self.stated_tokens();
        let fixed = self.fixed_tokens().0;
        let parts = self.spans.iter().flat_map(|span| {
            let (offset, slope) = span.supply(stated, fixed, self.shares());
            let knots = span.knots().into_iter();
            knots.map(move |knot| {
                let reads = knot.weights.iter().map(|weight| *weight > 0.0).collect();
                (offset * knot.share, slope * knot.share, reads)
            })
        });
        let parts: Vec<_> = parts.collect();
        longest(&parts, caps).filter(|tokens| *tokens > 0.0).map(Tokens)
    }

    /// The same where every stage keeps to its own share of the caps: a stage's share of a cap is a
    /// share of all that is read, so that each stage bounds the whole.
    fn longest_by_stage(&self, caps: &[f64]) -> Option<Tokens> {
        let bounds = self.spans.iter().filter_map(|span| {
            let knots = span.knots().into_iter();
            let part = knots.map(|knot| {
                (0.0, knot.share, knot.weights.iter().map(|weight| *weight > 0.0).collect())
            });
            longest(&part.collect::<Vec<_>>(), caps)
        });
        let most = bounds.fold(f64::INFINITY, f64::min) - self.tokens_after().0;
        (most >= self.shortest().0 && most > 0.0 && most.is_finite()).then_some(Tokens(most))
    }

    /// The longest run that keeps to the caps with the mixtures as they stand.
    fn longest_as_it_is(&self, caps: &[f64], per_stage: bool) -> Option<Tokens> {
        let most = if per_stage {
            let means = self.spans.iter().map(|span| span.path.mean());
            let bounds = means.flat_map(|mean| {
                let read = mean.into_iter().zip(caps).filter(|(mean, _)| *mean > 0.0);
                read.map(|(mean, cap)| cap * ROUNDING / mean).collect::<Vec<f64>>()
            });
            bounds.fold(f64::INFINITY, f64::min) - self.tokens_after().0
        } else {
            let bounds = self.supplies().into_iter().zip(caps).map(|(supply, cap)| {
                let left = cap * ROUNDING - supply.offset - supply.after;
                match left {
                    ..0.0 => 0.0,
                    _ if supply.slope > 0.0 => left / supply.slope,
                    _ => f64::INFINITY,
                }
            });
            bounds.fold(f64::INFINITY, f64::min)
        };
        (most >= self.shortest().0 && most > 0.0 && most.is_finite()).then_some(Tokens(most))
    }
}

impl Span {
    /// The path's knots; a source that opens at one, but for rounding, has no weight there.
    fn knots(&self) -> Vec<Knot> {
        let mut knots = self.path.knots();
        for weight in knots.iter_mut().flat_map(|knot| &mut knot.weights) {
            if *weight < NOTHING {
                *weight = 0.0;
            }
        }
        knots
    }

    /// Puts other weights in the place of the path's.
    fn keep(&mut self, knots: &[Knot], rows: &[Vec<f64>]) {
        let way = match rows {
            [only] => Way::Still(only.clone()),
            rows => {
                Way::Table(knots.iter().map(|knot| knot.at).zip(rows.iter().cloned()).collect())
            }
        };
        self.path = Path::of(way);
        self.kept = true;
    }
}

fn stayed(knots: &[Knot], rows: &[Vec<f64>]) -> bool {
    let moved = |(knot, row): (&Knot, &Vec<f64>)| {
        knot.weights.iter().zip(row).any(|(before, after)| (before - after).abs() > STAYED)
    };
    !knots.iter().zip(rows).any(moved)
}
