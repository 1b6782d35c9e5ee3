//! When to run, where the grid's intensity is known over time.

use super::RunFootprint;
use crate::derive::{DeriveError, Notes, Problem};
use crate::footprint::{Moment, Plans, Schedule, Series, Window, WindowError};
use crate::plan::{Inputs, Site};

/// Hours at full draw without progress after a pause, where a plan states none.
const RESUME_HOURS: f64 = 1.0;

/// A run within a grid's series.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Where it has to fit.
    pub window: Window,
    /// What can be done there.
    pub plans: Plans,
    /// Kilowatt-hours of a step.
    pub kwh_per_step: f64,
    /// The column of the series that was read.
    pub column: String,
}

impl Waiting {
    /// Kilograms of CO2 equivalent of a sum of intensities over steps.
    #[must_use]
    pub fn kg(&self, intensity: f64) -> f64 {
        crate::footprint::kg_co2e(self.kwh_per_step, intensity)
    }

    /// Hours by which a schedule ends later than the run would that starts at once.
    #[must_use]
    pub fn hours_later(&self, schedule: &Schedule) -> f64 {
        self.window.hours(schedule.end().saturating_sub(self.window.work))
    }
}

/// Places the run in the series that the site names.
pub(super) fn of(
    site: &Site,
    inputs: &Inputs,
    footprint: &RunFootprint,
    notes: &mut Notes,
) -> Result<Option<Waiting>, DeriveError> {
    let moment = |key: &str, text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => Moment::parse(text, false)
            .map(Some)
            .map_err(|why| Problem::Value(format!("`{text}` {why}")).at(key)),
    };
    let earliest = moment("site.earliest_start", &site.earliest_start)?;
    let deadline = moment("site.deadline", &site.deadline)?;
    let Some(path) = &site.grid_series else {
        return alone(site);
    };
    let fault = |text: String| Problem::Value(text).at("site.grid_series");
    let text = match inputs.get(path) {
        Some(Ok(text)) => text,
        Some(Err(why)) => return Err(fault(format!("cannot read `{path}`: {why}"))),
        None => return Ok(None),
    };
    let series = Series::read(text, site.grid_column.as_deref())
        .map_err(|error| fault(format!("`{path}`: {error}")))?;
    let Some(days) = footprint.days() else {
        notes.missing("when to run", "cluster.devices");
        return Ok(None);
    };
    let Some(kwh) = footprint.kwh() else {
        return Ok(None);
    };
    let resume = site.resume_hours.map_or(RESUME_HOURS, |hours| hours.0);
    if site.resume_hours.is_none() {
        let source = "a choice: to save, stop, queue and start anew takes minutes to hours";
        notes.assume("site.resume_hours", &resume.to_string(), source);
    }
    let window = Window::new(&series, days * 24.0, resume, earliest, deadline);
    let window = window.map_err(|error| match &error {
        WindowError::Outside { .. } => Problem::Value(error.to_string()).at("site.earliest_start"),
        WindowError::Deadline { .. } => Problem::Value(error.to_string()).at("site.deadline"),
        WindowError::TooShort { .. } => fault(format!("`{path}`: {error}")),
    })?;
    if let Some(deadline) = deadline.filter(|deadline| *deadline > series.end()) {
        let end = series.end();
        notes.remark(format!(
            "The series ends at {end}, before the deadline {deadline}; what comes after is not known."
        ));
    }
    let Some(plans) = window.plans() else {
        return Ok(None);
    };
    if plans.paused.is_none() {
        notes.remark(
            "The window has too many steps to look at every pause; a nearer deadline, or hours for \
             quarters of hours, would allow it."
                .to_owned(),
        );
    }
    let kwh_per_step = kwh / window.hours(window.work) * window.hours(1);
    Ok(Some(Waiting { window, plans, kwh_per_step, column: series.column }))
}

/// Keys that say nothing without a series.
fn alone(site: &Site) -> Result<Option<Waiting>, DeriveError> {
    let stated = [
        ("site.grid_column", site.grid_column.is_some()),
        ("site.earliest_start", site.earliest_start.is_some()),
        ("site.deadline", site.deadline.is_some()),
        ("site.resume_hours", site.resume_hours.is_some()),
    ];
    match stated.into_iter().find(|(_, stated)| *stated) {
        Some((key, _)) => {
            let text = "it belongs to a series of the grid's intensity: add `site.grid_series`";
            Err(Problem::Value(text.to_owned()).at(key))
        }
        None => Ok(None),
    }
}
