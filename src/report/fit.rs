//! A law that was fitted, with what it says of a budget and how far it is to be trusted.

mod constrained;
mod json;
mod mixing;
mod picture;
mod power;
mod roll_out;
mod source;

use super::block::Block;
use crate::fit::{Exponents, Fit, Objective, Residual, RollOut, Runs, Settings};
use crate::ladder::Simulation;
use crate::law::{LawFile, Surface};
use crate::plan::Interval;
use crate::quantity::FlopsPerParamToken;
use crate::quantity::{Flops, Loss, Params, Quantity, Tokens, TokensPerParam, exact, significant};

pub use constrained::ConstrainedView;
pub use mixing::MixingView;
pub use power::PowerView;
pub use source::Source;

/// A fit with the runs that it comes from.
#[derive(Debug, Clone, Copy)]
pub struct FitView<'a> {
    /// Name of the file of runs.
    pub name: &'a str,
    /// What was read from it.
    pub runs: &'a Runs,
    /// How it was fitted.
    pub settings: &'a Settings,
    /// The law.
    pub fit: &'a Fit,
    /// What fits to the smaller runs say of the largest, or why nothing, where that was asked.
    pub roll_out: Option<&'a Result<RollOut, String>>,
    /// How often intervals such as these hold the truth, where that was asked.
    pub coverage: Option<&'a Simulation>,
}

/// A constant's name, symbol and where it stands.
type Constant = (&'static str, fn(&Surface) -> f64);

const CONSTANTS: [Constant; 7] = [
    ("E", |s| s.e),
    ("A", |s| s.a),
    ("B", |s| s.b),
    ("alpha", |s| s.alpha),
    ("beta", |s| s.beta),
    ("exponent of N*", params_exponent),
    ("exponent of D*", |s| 1.0 - params_exponent(s)),
];

/// β/(α+β), the exponent of N* in the budget.
fn params_exponent(surface: &Surface) -> f64 {
    surface.beta / (surface.alpha + surface.beta)
}

impl FitView<'_> {
    /// The fit as blocks.
    #[must_use]
    pub fn blocks(&self) -> Vec<Block> {
        let s = &self.fit.surface;
        let digits = |value| significant(value, 5);
        let mut blocks = vec![
            Block::Heading(format!("Law of {}", self.source())),
            Block::Line(format!(
                "  L(N, D) = {} + {}/N^{} + {}/D^{}",
                digits(s.e),
                digits(s.a),
                digits(s.alpha),
                digits(s.b),
                digits(s.beta)
            )),
            self.constants(),
        ];
        blocks.extend(self.optimum());
        blocks.extend(self.roll_out.into_iter().flat_map(roll_out::blocks));
        blocks.extend(self.quality());
        let remarks = self.fit.remarks.iter().map(|remark| Block::Note(remark.clone()));
        blocks.extend(remarks);
        blocks
    }

    /// The law as a file, with its draws.
    #[must_use]
    pub fn law_file(&self, name: &str) -> LawFile {
        let Fit { surface, bootstrap, .. } = self.fit;
        let kept = bootstrap
            .as_ref()
            .map_or_else(Vec::new, |bootstrap| bootstrap.representatives(surface));
        let mut file = LawFile::new(name, *surface, &kept);
        file.data = Some(self.source());
        file.range = self.fit.range;
        let tied = if self.is_tied() { "tied, " } else { "" };
        let objective = format!("{tied}{}", self.fit.objective.name());
        let delta = delta(self.fit.objective);
        let from = Source::of_runs(self.name, self.runs);
        file.provenance = Some(from.provenance(&objective, delta, self.fit.value, self.settings));
        file
    }

    fn is_tied(&self) -> bool {
        self.settings.exponents == Exponents::Tied
    }

    /// The file and which of its rows are fitted.
    fn source(&self) -> String {
        Source::of_runs(self.name, self.runs).text()
    }

    /// An 80 % interval of a quantity of the law.
    fn over(&self, of: fn(&Surface) -> f64) -> Option<Interval> {
        self.fit.bootstrap.as_ref()?.interval_80(of(&self.fit.surface), of)
    }

    fn constants(&self) -> Block {
        let errors = self.fit.bootstrap.as_ref().map(|bootstrap| &bootstrap.standard_errors);
        let rows = CONSTANTS.iter().enumerate().map(|(index, (name, of))| {
            let error = errors.filter(|_| index < 5).map(of);
            vec![
                (*name).to_owned(),
                significant(of(&self.fit.surface), 6),
                error.map_or(String::new(), |error| significant(error, 3)),
                self.over(*of).map_or(String::new(), |ends| between(ends, |x| significant(x, 4))),
            ]
        });
        Block::table(&["", "value", "standard error", "80 %"], rows.collect(), 1)
    }

    fn optimum(&self) -> Vec<Block> {
        let target = &self.fit.target;
        let optimum = &target.optimum;
        let second = self.fit.isoflop.as_ref().ok();
        let row =
            |name: &str, value: Option<String>, ends: Option<String>, other: Option<String>| {
                vec![
                    name.to_owned(),
                    value.unwrap_or_default(),
                    ends.unwrap_or_default(),
                    other.unwrap_or_default(),
                ]
            };
        let ends = |ends: Option<Interval>, show: fn(f64) -> String| ends.map(|e| between(e, show));
        let ratio = |n: Params, d: Tokens| (d / n).human();
        let rows = vec![
            row(
                "N*",
                optimum.params.map(Quantity::human),
                ends(target.params_80, |x| Params(x).human()),
                second.map(|second| second.params.human()),
            ),
            row(
                "D*",
                Some(optimum.tokens.human()),
                ends(target.tokens_80, |x| Tokens(x).human()),
                second.map(|second| second.tokens.human()),
            ),
            row(
                "D*/N*",
                optimum.tokens_per_param().map(Quantity::human),
                ends(target.tokens_per_param_80, |x| TokensPerParam(x).human()),
                second.map(|second| ratio(second.params, second.tokens)),
            ),
            row(
                "loss",
                optimum.loss.map(Quantity::human),
                ends(target.loss_80, |x| Loss(x).human()),
                None,
            ),
            row(
                "exponent of N*",
                Some(significant(params_exponent(&self.fit.surface), 4)),
                self.over(params_exponent).map(|ends| between(ends, |x| significant(x, 4))),
                second.map(|second| significant(second.params_exponent, 4)),
            ),
        ];
        let mut blocks = vec![
            Block::Heading(format!(
                "Optimum at {}, {}",
                target.flops.human(),
                far(target.extrapolation, "runs")
            )),
            Block::table(&["", "this law", "80 %", "IsoFLOP parabolas"], rows, 1),
        ];
        blocks.push(Block::Line(match &self.fit.isoflop {
            Ok(second) => format!(
                "  IsoFLOP: {} parabolas with a minimum among their runs, {} to {}.",
                second.parabolas.len(),
                second.parabolas.first().map_or(String::new(), |one| one.flops.human()),
                second.parabolas.last().map_or(String::new(), |one| one.flops.human())
            ),
            Err(why) => format!("  IsoFLOP: {why}."),
        }));
        blocks
    }

    fn quality(&self) -> Vec<Block> {
        let fit = self.fit;
        let delta =
            delta(fit.objective).map_or(String::new(), |d| format!(" (delta {})", exact(d)));
        let mut rows = vec![
            vec![
                "objective".to_owned(),
                format!("{}{delta}", fit.objective.name()),
                significant(fit.value, 8),
            ],
            vec![
                "residuals".to_owned(),
                "root mean square of the log loss".to_owned(),
                significant(fit.rms, 4),
            ],
            vec![
                "condition".to_owned(),
                "in E, A, B, alpha, beta".to_owned(),
                significant(fit.condition, 3),
            ],
            vec![
                String::new(),
                "in centred logarithms".to_owned(),
                significant(fit.condition_centred, 3),
            ],
        ];
        if let Some(bootstrap) = &fit.bootstrap {
            let how = if bootstrap.linear { "normal draws" } else { "resamples refitted" };
            rows.push(vec![
                "bootstrap".to_owned(),
                format!("{how}, seed {}", self.settings.seed),
                bootstrap.draws.len().to_string(),
            ]);
        }
        let [heading, worst] = worst_runs(&fit.worst, self.settings.k);
        vec![Block::Heading("Fit".to_owned()), Block::table(&["", "", ""], rows, 2), heading, worst]
    }
}

/// The runs that lie furthest from a law.
fn worst_runs(worst: &[Residual], k: FlopsPerParamToken) -> [Block; 2] {
    let rows = worst.iter().map(|worst| {
        vec![
            worst.run.line.to_string(),
            Params(worst.run.params).human(),
            Tokens(worst.run.tokens).human(),
            Flops(worst.run.flops(k)).human(),
            format!("{:.4}", worst.run.loss),
            format!("{:.4}", worst.predicted),
            format!("{:+.2} %", 100.0 * (worst.run.loss / worst.predicted - 1.0)),
        ]
    });
    [
        Block::Heading("Runs furthest from the law".to_owned()),
        Block::table(&["line", "N", "D", "FLOP", "loss", "law", "off by"], rows.collect(), 0),
    ]
}

/// How far a budget lies from what was measured.
fn far(extrapolation: f64, of: &str) -> String {
    if extrapolation > 1.0 {
        format!("x {} beyond the largest budget of the {of}", significant(extrapolation, 3))
    } else {
        format!("within the largest budget of the {of}")
    }
}

fn delta(objective: Objective) -> Option<f64> {
    match objective {
        Objective::LogHuber { delta } => Some(delta),
        Objective::LogL1 | Objective::Mse => None,
    }
}

fn between([low, high]: Interval, show: impl Fn(f64) -> String) -> String {
    format!("{} to {}", show(low), show(high))
}
