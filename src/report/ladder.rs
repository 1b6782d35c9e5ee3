//! A ladder: its runs, what they cost, and how well they would tell the optimum.

mod json;
mod picture;

use super::block::Block;
use crate::ladder::{Coverage, Ladder, SOUND, Sets, Settings, Simulation, log_spread, others};
use crate::plan::{Allocated, Interval};
use crate::quantity::{
    AcceleratorHours, Loss, Params, Quantity, Tokens, TokensPerParam, significant,
};
use libm::exp;

pub(super) use json::coverage_json;

/// Normal deviate of the ends of an 80 % interval.
const END: f64 = 1.281_551_565_544_6;

/// A ladder with what is simulated of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LadderView<'a> {
    /// The runs.
    pub ladder: &'a Ladder,
    /// Name of the law that placed them.
    pub law: &'a str,
    /// How it was simulated.
    pub sets: &'a Sets,
    /// What fits to simulated outcomes say; none where they were not asked for.
    pub simulation: Option<&'a Simulation>,
    /// What a run of the whole spend takes on the plan's cluster.
    pub cost: Option<&'a Allocated>,
}

impl LadderView<'_> {
    /// The ladder as blocks.
    #[must_use]
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = self.runs();
        blocks.extend(self.predicted());
        blocks.extend(self.others());
        blocks
    }

    /// The runs as CSV, to fill in.
    #[must_use]
    pub fn csv(&self) -> String {
        crate::ladder::manifest(self.ladder, None)
    }

    fn runs(&self) -> Vec<Block> {
        let settings = &self.ladder.settings;
        let share = 100.0 * self.ladder.flops().0 / settings.target.0;
        let count = self.ladder.rungs.len();
        let between = |low: String, high: String| format!("{low} to {high}");
        let rows = self.ladder.rungs.chunk_by(|a, b| a.budget == b.budget).filter_map(|runs| {
            let (first, last) = (runs.first()?, runs.last()?);
            let ratio = |rung: &crate::ladder::Rung| (rung.tokens / rung.params).human();
            let total: f64 = runs.iter().map(|rung| rung.flops.0).sum();
            Some(vec![
                significant(first.flops.0, 3),
                runs.len().to_string(),
                between(first.params.human(), last.params.human()),
                between(last.tokens.human(), first.tokens.human()),
                between(ratio(last), ratio(first)),
                significant(total, 3),
            ])
        });
        vec![
            Block::Heading(format!(
                "Ladder for {}: {count} runs, {} ({} % of it)",
                settings.target.human(),
                self.ladder.flops().human(),
                significant(share, 3)
            )),
            Block::table(&["FLOP", "runs", "N", "D", "D/N", "FLOP of all"], rows.collect(), 0),
            Block::Line(self.cost_line()),
            Block::Line(format!(
                "  The target lies x {} beyond the largest budget. The sizes are those of shapes, \
                 around the optimum of {}.",
                significant(settings.target.0 / self.ladder.largest().0, 3),
                self.law
            )),
        ]
    }

    fn cost_line(&self) -> String {
        let Some(cost) = self.cost else {
            return "  Hours and money follow from --accelerator, --mfu and \
                    --usd-per-accelerator-hour."
                .to_owned();
        };
        let hours = cost.accelerator_hours.map(|hours| AcceleratorHours(hours).human());
        let days = cost.days.map(|days| format!("{} days", significant(days, 3)));
        let usd = cost.usd.map(Quantity::human);
        let parts: Vec<String> = [hours, days, usd].into_iter().flatten().collect();
        if parts.is_empty() {
            return "  Hours and money follow from --accelerator, --mfu and \
                    --usd-per-accelerator-hour."
                .to_owned();
        }
        format!("  All of them take {}.", parts.join(", "))
    }

    fn predicted(&self) -> Vec<Block> {
        let Some(simulation) = self.simulation else { return Vec::new() };
        let optimum = &simulation.truth;
        let row = |name: &str, value: Option<String>, ends: Interval, show: fn(f64) -> String| {
            vec![name.to_owned(), value.unwrap_or_default(), between(ends, show)]
        };
        let rows = vec![
            row("N*", optimum.params.map(Quantity::human), simulation.params_80, |x| {
                Params(x).human()
            }),
            row("D*", Some(optimum.tokens.human()), simulation.tokens_80, |x| Tokens(x).human()),
            row(
                "D*/N*",
                optimum.tokens_per_param().map(Quantity::human),
                simulation.tokens_per_param_80,
                |x| TokensPerParam(x).human(),
            ),
            row("loss", optimum.loss.map(Quantity::human), simulation.loss_80, |x| Loss(x).human()),
            row(
                "exponent of N*",
                Some(significant(exponent(&self.ladder.settings), 4)),
                simulation.params_exponent_80,
                |x| significant(x, 4),
            ),
        ];
        let mut blocks = vec![
            Block::Heading(format!(
                "Predicted at {}, from {} simulated outcomes",
                self.ladder.settings.target.human(),
                simulation.sets
            )),
            Block::table(&["", "if the law is true", "80 % of the fits"], rows, 1),
            Block::Line(format!(
                "  Noise of {} % of the loss, seed {}. {}",
                significant(100.0 * self.ladder.settings.noise, 3),
                self.sets.seed,
                coverage(&simulation.params, "N*")
            )),
        ];
        if simulation.failed > 0 {
            blocks.push(Block::Line(format!(
                "  From {} of the outcomes no law followed.",
                simulation.failed
            )));
        }
        blocks
    }

    /// How well other ladders would do, to first order.
    fn others(&self) -> Vec<Block> {
        let own = self.ladder.settings;
        let objective = self.sets.objective;
        let Some(deviation) = log_spread(self.ladder, objective) else { return Vec::new() };
        let row = |of: &Settings, deviation: f64, what: &str| {
            vec![
                format!("{} x {} runs", of.budgets, of.sizes),
                significant(of.spend.0, 3),
                format!("x {}", significant(of.span, 3)),
                what.to_owned(),
                format!("x {:.2}", exp(END * deviation)),
            ]
        };
        let mut rows = vec![row(&own, deviation, "this one")];
        rows.extend(others(&own, objective).iter().map(|(other, deviation)| {
            let what = match () {
                () if other.spend.0 > own.spend.0 => "spend more",
                () if other.spend.0 < own.spend.0 => "spend less",
                () if other.span > own.span => "reach further down",
                () if other.span < own.span => "stay nearer to the target",
                () if other.budgets > own.budgets => "more budgets",
                () if other.budgets < own.budgets => "fewer budgets",
                () if other.sizes > own.sizes => "more sizes",
                () => "fewer sizes",
            };
            row(other, *deviation, what)
        }));
        vec![
            Block::Heading("Other ladders, to first order".to_owned()),
            Block::table(&["", "FLOP", "span", "", "N* known to"], rows, 1),
            Block::Line(
                "  N* known to: the factor either way that holds it in 80 % of outcomes, if the form \
                 of the law holds over the whole span."
                    .to_owned(),
            ),
        ]
    }
}

/// β/(α+β).
fn exponent(settings: &Settings) -> f64 {
    settings.law.beta / (settings.law.alpha + settings.law.beta)
}

fn between([low, high]: Interval, show: impl Fn(f64) -> String) -> String {
    format!("{} to {}", show(low), show(high))
}

/// Whether intervals hold the truth as often as they say.
fn coverage(coverage: &Coverage, what: &str) -> String {
    let held = significant(100.0 * coverage.held, 3);
    let said = format!("The 80 % interval that `fit` gives holds the true {what} in {held} %");
    match coverage.held {
        held if held < SOUND[0] => format!(
            "{said}, too rarely: `fit --coverage` widens it, here x {}.",
            significant(coverage.widening(), 3)
        ),
        held if held > SOUND[1] => format!("{said}: it is wider than it need be."),
        _ => format!("{said}."),
    }
}
