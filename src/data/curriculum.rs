//! The stages of a run: how long each is, and what it reads at every moment.
//!
//! Progress is measured in tokens: 0 at the first token that is read, 1 at the last.

use super::mixture::Stretch;
use super::path::{Path, Way};
use super::placed::{Placed, Training};
use super::ramp::Ramp;
use super::resolve::Resolver;
use super::stage::settings;
use super::{Kind, Sources, Stage, StageError};
use crate::quantity::{Steps, Tokens};
use libm::round;

/// How long a stage is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Length {
    Tokens(f64),
    Share(f64),
    Rest,
}

/// A stage, its mixture resolved to weights per source.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span {
    pub(super) name: String,
    kind: Kind,
    length: Length,
    pub(super) path: Path,
    /// Whether the path was moved to keep to the caps.
    pub(super) kept: bool,
    /// Whether its length is stated in optimizer steps.
    stepped: bool,
    training: Training,
}

/// By how much a run may differ from the sum of its stages: rounding of stated tokens.
const ROUNDED: f64 = 1e-3;

/// What a source supplies to a run of D tokens: `offset` + `slope` D within it, and `after` in the
/// stages on top of it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Supply {
    pub(super) offset: f64,
    pub(super) slope: f64,
    pub(super) after: f64,
}

/// Weights that were normalised to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normalised {
    /// Place of the stage.
    pub stage: usize,
    /// `mixture` or `from`.
    pub key: &'static str,
    /// What they summed to.
    pub sum: f64,
}

impl Normalised {
    /// Whether the sum is so far from 1 that it is worth a word: by more than 1e-6.
    #[must_use]
    pub fn is_worth_a_word(&self) -> bool {
        (self.sum - 1.0).abs() > 1e-6
    }
}

/// The stages of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Curriculum {
    /// Sources with a part in some stage, by name.
    pub names: Vec<String>,
    /// Weights that were normalised to 1, because they were not, if only by their last digits.
    pub normalised: Vec<Normalised>,
    pub(super) spans: Vec<Span>,
}

impl Curriculum {
    /// Resolves stages against sources; `run` is the run's length where it is stated, which some
    /// methods need.
    ///
    /// # Errors
    /// The index of the stage and the key in it that is at fault, with the reason.
    pub fn new(
        sources: &Sources,
        stages: &[Stage],
        run: Option<Tokens>,
    ) -> Result<Self, (usize, &'static str, StageError)> {
        let resolver = Resolver::new(sources, stages);
        let mut normalised = Vec::new();
        let lengths = lengths(stages)?;
        covers(&lengths)?;
        let mut spans: Vec<Span> = Vec::with_capacity(stages.len());
        for (index, (stage, placed)) in stages.iter().zip(&lengths).enumerate() {
            let at = |(key, error)| (index, key, error);
            let tokens = placed.tokens(run, &lengths);
            let found = resolver.way(stage, tokens).map_err(at)?;
            let sums = found.sums.into_iter();
            normalised.extend(sums.map(|(key, sum)| Normalised { stage: index, key, sum }));
            let mut path = Path::of(found.way);
            if let Some(share) = stage.replay {
                let before = spans.last().ok_or((index, "replay", StageError::ReplayOfNothing))?;
                path = path.with_share(share.0, &before.path.mean());
            }
            let Timed { kind, length, training } = *placed;
            spans.push(Span {
                name: stage.name.clone(),
                kind,
                length,
                path,
                kept: false,
                stepped: stage.steps.is_some(),
                training,
            });
        }
        blend(&mut spans, stages)?;
        Ok(Self { names: resolver.names, normalised, spans })
    }

    /// The run's tokens, where every stage of it states its own.
    #[must_use]
    pub fn stated_tokens(&self) -> Option<Tokens> {
        let tokens = self.in_run().map(|span| match span.length {
            Length::Tokens(tokens) => Some(tokens),
            Length::Share(_) | Length::Rest => None,
        });
        tokens.sum::<Option<f64>>().map(Tokens)
    }

    /// Tokens of all stages of the run that state theirs: the least that a run can have.
    #[must_use]
    pub fn fixed_tokens(&self) -> Tokens {
        Tokens(self.in_run().map(Span::own_tokens).sum())
    }

    /// Tokens of the stages on top of the run.
    #[must_use]
    pub fn tokens_after(&self) -> Tokens {
        let after = self.spans.iter().filter(|span| !span.kind.in_run());
        Tokens(after.fold(0.0, |sum, span| sum + span.own_tokens()))
    }

    /// What each source supplies to a run: exact, because every stage's mean is.
    pub(super) fn supplies(&self) -> Vec<Supply> {
        let mut supplies = vec![Supply::default(); self.names.len()];
        for stretch in self.stretches() {
            for (supply, mean) in supplies.iter_mut().zip(&stretch.weights) {
                if stretch.in_run {
                    supply.offset += stretch.offset * mean;
                    supply.slope += stretch.slope * mean;
                } else {
                    supply.after += stretch.offset * mean;
                }
            }
        }
        supplies
    }

    /// Every stage with the tokens that it has in a run of any length, and its mean weights.
    pub(super) fn stretches(&self) -> Vec<Stretch> {
        let (stated, fixed, shares) = (self.stated_tokens(), self.fixed_tokens().0, self.shares());
        let stretches = self.spans.iter().map(|span| {
            let (offset, slope) = span.supply(stated, fixed, shares);
            let (in_run, weights) = (span.kind.in_run(), span.path.mean());
            Stretch { offset, slope, in_run, weights }
        });
        stretches.collect()
    }

    /// The stages of a run of so many tokens, in order, with those on top of it.
    #[must_use]
    pub fn placed(&self, tokens: Tokens) -> Vec<Placed> {
        let all = tokens.0 + self.tokens_after().0;
        // stages that all state their steps keep them in a run that is stated to a few digits
        let scale = self.stated_tokens().map_or(1.0, |stated| stated.0 / tokens.0);
        let as_stated = self.in_run().all(|span| span.stepped) && (scale - 1.0).abs() <= ROUNDED;
        let scale = if as_stated { scale } else { 1.0 };
        let (mut read, mut stepped, mut left) = (0.0, 0.0, 0.0);
        let place = |(span, own): (&Span, f64)| {
            let start = read;
            read += own;
            left += if span.kind.in_run() { own * scale } else { own };
            let steps = span.training.batch_tokens.map(|batch| {
                let steps = round((left - stepped) / batch.0).max(0.0);
                stepped += steps * batch.0;
                Steps(steps)
            });
            if steps.is_none() {
                stepped = left;
            }
            Placed {
                name: span.name.clone(),
                kind: span.kind,
                start: start / all,
                end: read / all,
                start_tokens: Tokens(start),
                tokens: Tokens(own),
                steps,
                training: span.training,
                moves: !span.path.is_still(),
                first: span.path.first(),
                last: span.path.last(),
                mean: span.path.mean(),
            }
        };
        self.spans.iter().zip(self.lengths(tokens)).map(place).collect()
    }

    /// Tokens of every stage in a run of so many.
    pub(super) fn lengths(&self, tokens: Tokens) -> Vec<f64> {
        let scale = self.stated_tokens().map_or(1.0, |all| tokens.0 / all.0);
        let rest = (tokens.0 * (1.0 - self.shares()) - self.fixed_tokens().0).max(0.0);
        let length = |span: &Span| match span.length {
            Length::Tokens(own) if span.kind.in_run() => own * scale,
            Length::Tokens(own) => own,
            Length::Share(share) => share * tokens.0,
            Length::Rest => rest,
        };
        self.spans.iter().map(length).collect()
    }

    /// The weights at a progress of a run of so many tokens; at a boundary, the later stage's.
    #[must_use]
    pub fn weights(&self, placed: &[Placed], progress: f64) -> Vec<f64> {
        let reads = |stage: &Placed| stage.end > stage.start && stage.start <= progress;
        let at = placed.iter().rposition(reads).unwrap_or(0);
        let stage = &placed[at];
        let length = stage.end - stage.start;
        let t = if length > 0.0 { (progress - stage.start) / length } else { 0.0 };
        self.spans[at].path.at(t)
    }

    /// The shortest run that holds every stage that states its tokens.
    #[must_use]
    pub fn shortest(&self) -> Tokens {
        let fixed = self.fixed_tokens().0;
        let room = 1.0 - self.shares();
        match self.stated_tokens() {
            Some(_) => Tokens(0.0),
            None if fixed == 0.0 => Tokens(0.0),
            None if room <= 0.0 => Tokens(f64::INFINITY),
            None => Tokens(fixed / room),
        }
    }

    /// The weights of a stage that was moved to keep to the caps: one row, or knots with straight
    /// lines in between, each with the share of the stage at which it stands.
    #[must_use]
    pub fn kept(&self, stage: usize) -> Option<Vec<(f64, Vec<f64>)>> {
        let span = self.spans.get(stage).filter(|span| span.kept)?;
        let knots = span.path.knots().into_iter();
        Some(knots.map(|knot| (knot.at, knot.weights)).collect())
    }

    fn in_run(&self) -> impl Iterator<Item = &Span> {
        self.spans.iter().filter(|span| span.kind.in_run())
    }

    /// Sum of the stated shares.
    pub(super) fn shares(&self) -> f64 {
        let share = |span: &Span| if let Length::Share(share) = span.length { share } else { 0.0 };
        self.spans.iter().map(share).sum()
    }
}

impl Span {
    /// Its tokens in a run of D: offset + slope D.
    pub(super) fn supply(&self, stated: Option<Tokens>, fixed: f64, shares: f64) -> (f64, f64) {
        match (self.length, stated) {
            (Length::Tokens(tokens), Some(all)) if self.kind.in_run() => (0.0, tokens / all.0),
            (Length::Tokens(tokens), _) => (tokens, 0.0),
            (Length::Share(share), _) => (0.0, share),
            (Length::Rest, _) => (-fixed, 1.0 - shares),
        }
    }

    fn own_tokens(&self) -> f64 {
        match self.length {
            Length::Tokens(tokens) => tokens,
            Length::Share(_) | Length::Rest => 0.0,
        }
    }
}

/// What a stage is for, how long it is, and how it is trained on.
struct Timed {
    kind: Kind,
    length: Length,
    training: Training,
}

impl Timed {
    /// Its tokens, where they follow from those of the run.
    fn tokens(&self, run: Option<Tokens>, all: &[Self]) -> Option<f64> {
        match self.length {
            Length::Tokens(tokens) => Some(tokens),
            Length::Share(share) => run.map(|run| share * run.0),
            Length::Rest => {
                let others = all.iter().filter(|other| other.kind.in_run());
                let others = others.map(|other| match other.length {
                    Length::Tokens(tokens) => (tokens, 0.0),
                    Length::Share(share) => (0.0, share),
                    Length::Rest => (0.0, 0.0),
                });
                let (tokens, share) = others.fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
                run.map(|run| run.0 * (1.0 - share) - tokens).filter(|rest| *rest > 0.0)
            }
        }
    }
}

/// The stages without what they read; names and settings are checked here.
fn lengths(stages: &[Stage]) -> Result<Vec<Timed>, (usize, &'static str, StageError)> {
    let mut training = Training::default();
    let mut timed = Vec::with_capacity(stages.len());
    for (index, stage) in stages.iter().enumerate() {
        let at = |(key, error)| (index, key, error);
        if stage.name.trim().is_empty() {
            return Err((index, "name", StageError::Name));
        }
        if let Some(first) = stages[..index].iter().position(|other| other.name == stage.name) {
            return Err((index, "name", StageError::NameTwice { name: stage.name.clone(), first }));
        }
        settings::check(stage).map_err(at)?;
        training = training.after(stage);
        let length = length(stage, training).map_err(at)?;
        timed.push(Timed { kind: stage.kind.unwrap_or_default(), length, training });
    }
    Ok(timed)
}

fn length(stage: &Stage, training: Training) -> Result<Length, (&'static str, StageError)> {
    if let Some(steps) = stage.steps {
        let stepped = stage.ramp == Some(Ramp::Step);
        let batch = training.batch_tokens;
        let batch = batch.ok_or(("steps", StageError::StepsOfWhat { stepped }))?;
        return Ok(Length::Tokens((steps * batch).0));
    }
    let kind = stage.kind.unwrap_or_default();
    match (stage.tokens, stage.share) {
        (Some(tokens), _) => Ok(Length::Tokens(tokens.0)),
        (None, Some(_)) if !kind.in_run() => Err(("share", StageError::OwnLength(kind))),
        (None, None) if !kind.in_run() => Err(("kind", StageError::OwnLength(kind))),
        (None, Some(share)) => Ok(Length::Share(share.0)),
        (None, None) => Ok(Length::Rest),
    }
}

/// Lets stages end in what the next one begins with.
fn blend(spans: &mut [Span], stages: &[Stage]) -> Result<(), (usize, &'static str, StageError)> {
    // from the last one, so that a stage which is all blend has its own first mixture
    for (index, stage) in stages.iter().enumerate().rev() {
        let Some(share) = stage.blend else { continue };
        let Some(next) = spans.get(index + 1).map(|next| next.path.first()) else {
            return Err((index, "blend", StageError::BlendIntoNothing));
        };
        let own = std::mem::replace(&mut spans[index].path, Path::of(Way::Still(Vec::new())));
        spans[index].path = own.blended(share.0, &next);
    }
    Ok(())
}

/// The stages cover the run exactly once.
fn covers(timed: &[Timed]) -> Result<(), (usize, &'static str, StageError)> {
    let own: Vec<(usize, Length)> = timed
        .iter()
        .enumerate()
        .filter(|(_, stage)| stage.kind.in_run())
        .map(|(index, stage)| (index, stage.length))
        .collect();
    let Some(&(last, _)) = own.last() else {
        return Err((0, "kind", StageError::NoRun));
    };
    let of = |kind: fn(&Length) -> bool| own.iter().filter(move |(_, length)| kind(length));
    let mut rests = of(|length| matches!(length, Length::Rest));
    let tokens = of(|length| matches!(length, Length::Tokens(_))).count();
    let mut shared = of(|length| matches!(length, Length::Share(_)));
    let share: f64 = shared
        .clone()
        .map(|(_, length)| if let Length::Share(s) = length { *s } else { 0.0 })
        .sum();
    let at = |found: Option<&(usize, Length)>| found.map_or(last, |(index, _)| *index);
    match (rests.clone().count(), tokens) {
        (2.., _) => Err((at(rests.next_back()), "name", StageError::TwoRests)),
        _ if share > 1.0 + 1e-9 => {
            Err((at(shared.next_back()), "share", StageError::PastTheEnd { share }))
        }
        (0, 1..) if shared.count() > 0 => Err((last, "name", StageError::NoRest)),
        (0, 0) if share < 1.0 - 1e-9 => Err((last, "share", StageError::Gap { share })),
        _ => Ok(()),
    }
}
