//! A run in a grid's future: at once, later, or with pauses, before a deadline.

use super::{Moment, Schedule, Series, contiguous, with_pauses};

/// The part of a series in which a run of so many steps has to fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// The moment of its first step.
    pub start: Moment,
    /// Seconds of a step.
    pub step: i64,
    /// Grams of CO2 equivalent per kWh, step by step.
    pub grams: Vec<f64>,
    /// Steps that the run takes.
    pub work: usize,
    /// Steps without progress after each pause.
    pub resume: usize,
}

/// Why a run has no place in a series.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum WindowError {
    /// It may not start within the series.
    #[error("the series spans {from} to {to}; a run cannot start at {start}")]
    Outside {
        /// When it may start.
        start: Moment,
        /// Start of the series.
        from: Moment,
        /// Its end.
        to: Moment,
    },
    /// The series is shorter than the run.
    #[error("the run takes {} h from {start}; the series ends at {end}, {} h later", .needed / 3600,
        .left / 3600)]
    TooShort {
        /// When it may start.
        start: Moment,
        /// End of the series.
        end: Moment,
        /// Seconds of the run.
        needed: i64,
        /// Seconds of the series from there on.
        left: i64,
    },
    /// The deadline is too early.
    #[error("the run takes {} h: started at {start} it ends at {end}, after the deadline {deadline}",
        .needed / 3600)]
    Deadline {
        /// When it may start.
        start: Moment,
        /// When it would end.
        end: Moment,
        /// The deadline.
        deadline: Moment,
        /// Seconds of the run.
        needed: i64,
    },
}

/// What can be done in a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Plans {
    /// From the first step on.
    pub now: Schedule,
    /// In one piece, at the best start.
    pub start: Schedule,
    /// With pauses; none where the window is too long to look at them all.
    pub paused: Option<Schedule>,
    /// What shorter delays would save, ascending; the last is the whole window.
    pub slacks: Vec<Slack>,
}

impl Plans {
    /// The plan that emits least; of equal ones the simpler.
    #[must_use]
    pub fn best(&self) -> &Schedule {
        let least = self.start.intensity.min(self.now.intensity);
        match &self.paused {
            Some(paused) if paused.intensity < least * (1.0 - 1e-12) => paused,
            _ if self.start.intensity < self.now.intensity => &self.start,
            _ => &self.now,
        }
    }
}

/// What a delay of so many steps saves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slack {
    /// Steps by which the run may end later.
    pub steps: usize,
    /// Sum of the intensity of the best start.
    pub start: f64,
    /// The same with pauses, where they were looked at.
    pub paused: Option<f64>,
}

/// Delays that are shown where the window has them, days.
const DELAYS: [i64; 5] = [1, 3, 7, 14, 28];

impl Window {
    /// The window of a run of so many hours, which may start and must end at given moments.
    ///
    /// # Errors
    /// A start outside the series, and a run that does not fit before its end or the deadline.
    pub fn new(
        series: &Series,
        hours: f64,
        resume_hours: f64,
        earliest: Option<Moment>,
        deadline: Option<Moment>,
    ) -> Result<Self, WindowError> {
        let step = series.step;
        let first = earliest.map_or(0, |moment| ceil_div(moment.0 - series.start.0, step));
        let (from, to) = (series.start, series.end());
        let start = from.plus(first.saturating_mul(step));
        let skip = usize::try_from(first).ok().filter(|skip| *skip < series.grams.len());
        let Some(skip) = skip else {
            return Err(WindowError::Outside { start: earliest.unwrap_or(start), from, to });
        };
        let whole = |hours: f64| (hours * 3600.0 / seconds(step) - 1e-9).ceil().max(0.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let (work, resume) = (whole(hours).max(1.0) as usize, whole(resume_hours) as usize);
        let needed = i64::try_from(work).unwrap_or(i64::MAX).saturating_mul(step);
        let end = start.plus(needed);
        if let Some(deadline) = deadline.filter(|deadline| end > *deadline) {
            return Err(WindowError::Deadline { start, end, deadline, needed });
        }
        if end > to {
            return Err(WindowError::TooShort { start, end: to, needed, left: to.0 - start.0 });
        }
        let until = deadline.map_or(to, |deadline| deadline.min(to));
        let steps = usize::try_from((until.0 - start.0) / step).unwrap_or(0);
        let grams = series.grams[skip..skip + steps].to_vec();
        Ok(Self { start, step, grams, work, resume })
    }

    /// The moment at which a step begins.
    #[must_use]
    pub fn at(&self, step: usize) -> Moment {
        self.start.plus(i64::try_from(step).unwrap_or(i64::MAX).saturating_mul(self.step))
    }

    /// Hours of so many steps.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "steps of a series")]
    pub fn hours(&self, steps: usize) -> f64 {
        steps as f64 * seconds(self.step) / 3600.0
    }

    /// Everything that can be done in it.
    #[must_use]
    pub fn plans(&self) -> Option<Plans> {
        let now = contiguous(&self.grams[..self.work], self.work)?;
        let slack = self.grams.len() - self.work;
        let day = 86_400 / self.step.max(1);
        let delays = DELAYS.iter().filter_map(|days| usize::try_from(days * day).ok());
        let mut slacks: Vec<usize> = delays.filter(|steps| (1..slack).contains(steps)).collect();
        slacks.push(slack);
        let of = |steps: usize| {
            let grams = &self.grams[..self.work + steps];
            let start = contiguous(grams, self.work)?;
            Some((start, with_pauses(grams, self.work, self.resume)))
        };
        let (start, paused) = of(slack)?;
        let slacks = slacks.into_iter().filter_map(|steps| {
            let (own, with) =
                if steps == slack { (start.clone(), paused.clone()) } else { of(steps)? };
            let paused = with.map(|schedule| schedule.intensity);
            Some(Slack { steps, start: own.intensity, paused })
        });
        let slacks = slacks.collect();
        Some(Plans { now, start, paused, slacks })
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds of a step")]
fn seconds(step: i64) -> f64 {
    step as f64
}

fn ceil_div(a: i64, b: i64) -> i64 {
    -(-a).div_euclid(b)
}
