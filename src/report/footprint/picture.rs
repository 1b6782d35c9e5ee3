//! The grid's intensity over the window, and when the run takes place: a stacked-area picture.

use crate::derive::Waiting;
use crate::footprint::Moment;
use crate::report::answer::Answer;
use crate::report::area::{self, Stacked, Words};

/// Rows of the picture in a terminal.
const HEIGHT: u16 = 12;
/// Columns that an outline has at most: more would not be seen.
const FINE: usize = 720;
/// Room above the highest intensity.
const OVER: f64 = 1.08;

pub(super) fn text(waiting: &Waiting, width: u16, ascii: bool) -> String {
    area::text(&Picture::of(waiting), width, HEIGHT, ascii)
}

/// The grid's intensity and the run as an SVG document; none without a series.
#[must_use]
pub fn footprint_svg(answer: &Answer) -> Option<String> {
    let waiting = answer.derivation.footprint.as_ref()?.waiting.as_ref()?;
    Some(area::svg(&Picture::of(waiting)))
}

struct Picture<'a> {
    waiting: &'a Waiting,
    names: [String; 2],
    parts: Vec<(&'static str, f64, f64)>,
    top: f64,
}

impl<'a> Picture<'a> {
    fn of(waiting: &'a Waiting) -> Self {
        let (window, best) = (&waiting.window, waiting.plans.best());
        let most = window.grams.iter().copied().fold(0.0, f64::max).max(1.0);
        let place = |step: usize| area::real(step) / area::real(window.grams.len());
        let (start, end) = (place(best.start()), place(best.end()));
        let during = if best.pauses() == 0 { "run" } else { "run and pauses" };
        let parts = [("wait", 0.0, start), (during, start, end), ("after", end, 1.0)];
        let parts = parts.into_iter().filter(|(_, from, to)| to > from).collect();
        Self { waiting, names: ["running".into(), "not running".into()], parts, top: OVER * most }
    }

    /// Mean intensity of the steps from one to another, over all of them: of those that are run,
    /// and of the others.
    fn means(&self, from: usize, to: usize) -> Vec<f64> {
        let best = self.waiting.plans.best();
        let mut sums = [0.0; 2];
        for step in from..to {
            sums[usize::from(!best.runs_at(step))] += self.waiting.window.grams[step];
        }
        sums.map(|sum| sum / area::real(to - from) / self.top).to_vec()
    }

    /// The steps of a column of so many.
    fn steps(&self, column: usize, of: usize) -> (usize, usize) {
        let count = self.waiting.window.grams.len();
        let from = (column * count / of).min(count - 1);
        (from, ((column + 1) * count / of).clamp(from + 1, count))
    }

    /// The day or the hour of a step.
    fn label(&self, step: usize) -> String {
        let window = &self.waiting.window;
        let moment = window.at(step);
        let text = moment.to_string();
        match window.hours(window.grams.len()) {
            hours if hours > 72.0 => text[5..10].to_owned(),
            _ => text[11..16].to_owned(),
        }
    }
}

impl Stacked for Picture<'_> {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn parts(&self) -> Vec<(&str, f64, f64)> {
        self.parts.clone()
    }

    fn column(&self, column: usize, of: usize) -> Vec<f64> {
        let (from, to) = self.steps(column, of);
        self.means(from, to)
    }

    fn outline(&self) -> Vec<(f64, Vec<f64>)> {
        let columns = self.waiting.window.grams.len().min(FINE);
        let edges = (0..columns).flat_map(|column| {
            let heights = self.column(column, columns);
            let at = |edge: usize| area::real(edge) / area::real(columns);
            [(at(column), heights.clone()), (at(column + 1), heights)]
        });
        edges.collect()
    }

    fn words(&self) -> Words {
        let window = &self.waiting.window;
        let date = |moment: Moment| moment.to_string()[..10].to_owned();
        let (from, to) = (date(window.start), date(window.at(window.grams.len())));
        Words {
            across: "UTC",
            across_title: "universal time",
            up: "g CO2e/kWh".to_owned(),
            part: "phase",
            legend: format!("{from} to {to}, mean g CO2e/kWh and share of the time"),
            legend_short: "g CO2e/kWh",
            between: " g, ".to_owned(),
            unit: " %",
        }
    }

    fn ticks(&self, about: usize, gap: f64) -> Vec<(f64, String)> {
        let count = self.waiting.window.grams.len();
        let of = about.clamp(1, 12).min(count);
        let tick = |i: usize| (area::real(i) / area::real(of), self.label(i * count / of));
        (0..=of).map(tick).filter(|(x, _)| *x == 0.0 || *x > gap).collect()
    }

    fn levels(&self, least: usize) -> Vec<(f64, String)> {
        let step = area::round_step(self.top / area::real(least.max(1)), false);
        let levels = (0..).map(|i| step * area::real(i)).take_while(|level| *level <= self.top);
        levels.map(|level| (level / self.top, format!("{level}"))).collect()
    }

    fn figures(&self, sets: &[&[usize]]) -> Vec<Vec<String>> {
        let (window, best) = (&self.waiting.window, self.waiting.plans.best());
        let figures = sets.iter().map(|set| {
            let of = |step: &usize| set.contains(&usize::from(!best.runs_at(*step)));
            let steps: Vec<usize> = (0..window.grams.len()).filter(of).collect();
            let sum: f64 = steps.iter().map(|&step| window.grams[step]).sum();
            let count = area::real(steps.len());
            let mean = if steps.is_empty() { 0.0 } else { sum / count };
            let share = 100.0 * count / area::real(window.grams.len());
            vec![format!("{mean:.0}"), format!("{share:.0}")]
        });
        figures.collect()
    }

    fn line(&self) -> Option<(f64, String)> {
        let now = &self.waiting.plans.now;
        let mean = now.intensity / area::real(now.steps());
        Some((mean / self.top, format!("at once {mean:.0}")))
    }
}
