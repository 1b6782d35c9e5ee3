//! The learning rate over the run and its stages.

use crate::data::{Kind, Placed};
use crate::plan::{Chosen, DerivedHandOff, Schedule};
use crate::quantity::{LearningRate, Tokens};
use crate::recipe::{DECAY_SHARE, FLOOR, Fall, LearningRates};

use super::super::Notes;

/// A stage of the run, with its place in the run alone.
pub(super) struct InRun {
    /// Its place among the plan's stages.
    index: usize,
    /// The stage.
    pub(super) placed: Placed,
    start: f64,
    end: f64,
}

/// The stages of the run in which anything is read, whatever stands on top of it.
pub(super) fn stages(placed: Vec<Placed>) -> Vec<InRun> {
    let mut read = 0.0;
    let own = placed.into_iter().enumerate();
    own.filter(|(_, placed)| placed.kind.in_run() && placed.tokens.0 > 0.0)
        .map(|(index, placed)| {
            let start = read;
            read += placed.tokens.0;
            InRun { index, placed, start, end: read }
        })
        .collect()
}

/// The learning rate of a run.
pub(super) struct Path<'a> {
    chosen: &'a Chosen,
    stages: &'a [InRun],
    tokens: f64,
    /// Tokens that the schedule of `[training]` is for: up to the first stage with a rate of its own.
    governed: f64,
}

impl<'a> Path<'a> {
    pub(super) fn new(chosen: &'a Chosen, stages: &'a [InRun], tokens: Tokens) -> Self {
        let mut path = Self { chosen, stages, tokens: tokens.0, governed: tokens.0 };
        let own = stages.iter().skip(1).find(|stage| path.stated(stage).is_some());
        path.governed = own.map_or(tokens.0, |stage| stage.start);
        path
    }

    /// The rate that a stage states for its start.
    fn stated(&self, stage: &InRun) -> Option<LearningRate> {
        self.chosen.stages[stage.index].learning_rate
    }

    /// The peak, where the plan states it.
    pub(super) fn peak(&self) -> Option<f64> {
        let first = || self.stated(self.stages.first()?);
        self.chosen.training.peak_lr.or_else(first).map(|rate| rate.0)
    }

    /// Where the anneals begin that the schedule is for.
    fn anneal(&self) -> Option<f64> {
        let mut stages = self.stages.iter().filter(|stage| stage.start < self.governed);
        let anneal = stages.find(|stage| stage.placed.kind == Kind::Anneal)?;
        (anneal.start > 0.0).then_some(anneal.start)
    }

    /// How the rate falls: as stated, over the anneals where there are some, else by a cosine.
    fn schedule(&self, notes: &mut Notes) -> Schedule {
        let key = "training.schedule";
        match (self.chosen.training.schedule, self.anneal()) {
            (Some(stated), _) => stated,
            (None, Some(_)) => {
                notes.assume(key, "wsd", "the plan's last stage anneals: it is the decay");
                Schedule::Wsd
            }
            (None, None) => {
                let source = "Hoffmann et al. 2022, arXiv:2203.15556, appendix B: a cosine that is as \
                              long as the run; one a quarter longer loses";
                notes.assume(key, "cosine", source);
                Schedule::Cosine
            }
        }
    }

    /// The rates with a peak and a warm-up, and the name of their schedule.
    pub(super) fn rates(
        &self,
        peak: f64,
        warmup: f64,
        notes: &mut Notes,
    ) -> (&'static str, LearningRates) {
        let training = &self.chosen.training;
        let schedule = self.schedule(notes);
        let mut decay = || {
            let share = training.decay_share.map(|share| share.0 * self.tokens);
            let stated = training.decay_tokens.map(|decay| decay.0).or(share);
            let annealed = self.anneal().map(|start| self.governed - start);
            stated.or(annealed).unwrap_or_else(|| {
                let source = "MiniCPM, arXiv:2404.06395: about a tenth of the steps";
                notes.assume("training.decay_share", &DECAY_SHARE.to_string(), source);
                DECAY_SHARE * self.governed
            })
        };
        let whole = training.schedule_tokens.map_or(self.governed, |length| length.0);
        let (name, fall, from, to, floor) = match schedule {
            Schedule::Cosine => ("cosine", Fall::Cosine, warmup, whole, FLOOR),
            Schedule::Linear => ("linear", Fall::Line, warmup, whole, FLOOR),
            Schedule::Constant => ("constant", Fall::Never, self.governed, self.governed, 1.0),
            Schedule::Wsd => {
                let from = (self.governed - decay()).max(warmup);
                ("wsd", Fall::Line, from, self.governed, 0.0)
            }
        };
        let floor = training.final_lr_share.map_or(floor, |share| share.0);
        (name, LearningRates { peak, warmup, fall, from, to, floor })
    }

    /// The rate with which a stage ends.
    fn ends(&self, at: usize, rates: &LearningRates) -> Option<f64> {
        let stage = &self.stages[at];
        let stated = self.chosen.stages[stage.index].final_learning_rate;
        let own = || (stage.start < self.governed).then(|| rates.at(stage.end));
        stated.map(|rate| rate.0).or_else(own)
    }

    /// The rate with which a stage begins.
    fn begins(&self, at: usize, rates: &LearningRates) -> Option<f64> {
        let stage = &self.stages[at];
        let own = || (stage.start < self.governed).then(|| rates.at(stage.start));
        self.stated(stage).map(|rate| rate.0).or_else(own)
    }

    /// The rate with which the run ends.
    pub(super) fn end(&self, rates: &LearningRates) -> Option<f64> {
        match self.stages.len() {
            0 => Some(rates.at(self.tokens)),
            count => self.ends(count - 1, rates),
        }
    }

    /// Every hand-off between stages of the run.
    pub(super) fn hand_offs(&self, rates: &LearningRates) -> Vec<DerivedHandOff> {
        let pairs = self.stages.windows(2).enumerate();
        pairs
            .map(|(at, pair)| DerivedHandOff {
                before: pair[0].placed.name.clone(),
                after: pair[1].placed.name.clone(),
                at_tokens: Tokens(pair[1].start),
                ends_at: self.ends(at, rates),
                begins_at: self.begins(at + 1, rates),
            })
            .collect()
    }
}
