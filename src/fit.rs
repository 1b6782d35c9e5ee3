//! One's own scaling law from one's own runs.
//!
//! ```text
//! runs.csv ── read() ──> runs ── fit() ──> law, its uncertainty, the optimum at a target
//! ```
//!
//! The form is L(N, D) = E + A/N^α + B/D^β (Hoffmann et al. 2022, arXiv:2203.15556, eq. 2). The
//! minimum is global in practice: a grid over the two exponents, with the other three by linear
//! least squares, gives the starts, and damped Newton steps on the exact Hessian polish each. The
//! uncertainty comes from refits to resampled rows, and beside the answer stands that of a second
//! method, the IsoFLOP parabolas of the same paper, since the method can move the answer more than
//! the noise does.

mod bootstrap;
mod condition;
mod error;
mod interval;
mod isoflop;
mod newton;
mod objective;
mod parametric;
mod read;
mod sample;
mod start;
mod target;

use crate::law::{Range, Surface};
use crate::quantity::{Flops, FlopsPerParamToken};

pub use bootstrap::{Bootstrap, representatives};
pub use error::FitError;
pub use interval::interval_80;
pub use isoflop::{IsoFlop, Parabola, parabolas};
pub use read::{Columns, Condition, Filter, ReadRunsError, Role, Runs, read};
pub use target::Target;

/// A training run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Run {
    /// N.
    pub params: f64,
    /// D.
    pub tokens: f64,
    /// Nats per token, or whatever unit the law shall have.
    pub loss: f64,
    /// How much the run counts; 1 is usual.
    pub weight: f64,
    /// Line of the file that it comes from; 0 for none.
    pub line: u64,
}

impl Run {
    /// kND.
    #[must_use]
    pub fn flops(&self, k: FlopsPerParamToken) -> f64 {
        k.0 * self.params * self.tokens
    }
}

/// What is minimised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Objective {
    /// Sum of the Huber losses of ln L(N, D) - ln loss (Hoffmann et al. 2022, 3.3, with
    /// delta = 1e-3).
    LogHuber {
        /// Where the loss turns from quadratic to linear.
        delta: f64,
    },
    /// Sum of |ln L(N, D) - ln loss|.
    LogL1,
    /// Sum of the squares of L(N, D) - loss.
    Mse,
}

impl Objective {
    /// The delta of Hoffmann et al. 2022.
    pub const DELTA: f64 = 1e-3;

    /// The id that flags and files use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LogHuber { .. } => "log-huber",
            Self::LogL1 => "log-l1",
            Self::Mse => "mse",
        }
    }

    fn is_log(self) -> bool {
        !matches!(self, Self::Mse)
    }
}

/// How to fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// What is minimised.
    pub objective: Objective,
    /// Refits to resampled rows; 0 for none.
    pub bootstrap: u32,
    /// Seed of the resamples.
    pub seed: u64,
    /// The k of C = kND.
    pub k: FlopsPerParamToken,
    /// The budget for which the optimum is told; the largest of the runs if `None`.
    pub target: Option<Flops>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            objective: Objective::LogHuber { delta: Objective::DELTA },
            bootstrap: 4000,
            seed: 0,
            k: FlopsPerParamToken::TRAINING,
            target: None,
        }
    }
}

/// A law that was fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The law.
    pub surface: Surface,
    /// What was minimised.
    pub objective: Objective,
    /// Its value at the minimum.
    pub value: f64,
    /// Refits to resampled rows, where they were asked for.
    pub bootstrap: Option<Bootstrap>,
    /// Condition number of the normal equations in E, A, B, α and β.
    pub condition: f64,
    /// The same in the centred logarithms in which the fit is done.
    pub condition_centred: f64,
    /// The runs whose log loss lies furthest from the law, worst first.
    pub worst: Vec<Residual>,
    /// Root mean square of the residuals of the log loss.
    pub rms: f64,
    /// The optimum at the target budget.
    pub target: Target,
    /// The same question answered by IsoFLOP parabolas, or why it cannot be.
    pub isoflop: Result<IsoFlop, String>,
    /// Where the runs lie.
    pub range: Range,
    /// Runs that were fitted.
    pub rows: usize,
    /// What a reader must know.
    pub remarks: Vec<String>,
}

/// A run and what the law says of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Residual {
    /// The run.
    pub run: Run,
    /// L(N, D).
    pub predicted: f64,
    /// ln L(N, D) - ln loss.
    pub log_residual: f64,
}

/// Residuals that are told one by one.
const WORST: usize = 5;

/// Fits a law to runs.
///
/// # Errors
/// Runs from which no law can be told: too few, of one size, of one length or of one budget.
pub fn fit(runs: &[Run], settings: &Settings) -> Result<Fit, FitError> {
    fit_with(runs, settings, &|| ())
}

/// [`fit`], with a call for every resample that was refitted, from any thread.
///
/// # Errors
/// As [`fit`].
pub fn fit_with(
    runs: &[Run],
    settings: &Settings,
    refitted: &(dyn Fn() + Sync),
) -> Result<Fit, FitError> {
    let mut remarks = error::check(runs, settings.k)?;
    let sample = sample::Sample::new(runs);
    let points = &sample.points;
    let minimum = parametric::global(points, settings.objective).ok_or(FitError::NoMinimum)?;
    let surface = parametric::surface(&minimum.at, sample.centre);
    let bounds = parametric::bounds(points);
    remarks.extend(parametric::at_bounds(&minimum.at, &bounds));
    let bootstrap = (settings.bootstrap > 0)
        .then(|| bootstrap::run(&sample, settings, &minimum.at, refitted))
        .flatten();
    if let Some(bootstrap) = &bootstrap {
        remarks.extend(bootstrap.remarks(runs.len()));
    }
    let range = target::range(runs, settings.k);
    let target = target::Target::of(&surface, bootstrap.as_ref(), &range, settings);
    remarks.extend(target.remarks());
    let isoflop = isoflop::isoflop(runs, settings.k, target.flops);
    let (worst, rms) = residuals(runs, &surface);
    let (condition, condition_centred) =
        condition::numbers(points, &minimum.at, sample.centre, settings.objective);
    Ok(Fit {
        surface,
        objective: settings.objective,
        value: minimum.value,
        bootstrap,
        condition,
        condition_centred,
        worst,
        rms,
        target,
        isoflop,
        range,
        rows: runs.len(),
        remarks,
    })
}

/// The [`WORST`] residuals of the log loss, and the root of their weighted mean square.
fn residuals(runs: &[Run], surface: &Surface) -> (Vec<Residual>, f64) {
    use crate::quantity::{Params, Tokens};
    let mut all: Vec<Residual> = runs
        .iter()
        .map(|run| {
            let predicted = surface.loss(Params(run.params), Tokens(run.tokens)).0;
            let log_residual = libm::log(predicted / run.loss);
            Residual { run: *run, predicted, log_residual }
        })
        .collect();
    let sums = all.iter().fold((0.0, 0.0), |sums: (f64, f64), of| {
        (sums.0 + of.run.weight * of.log_residual * of.log_residual, sums.1 + of.run.weight)
    });
    all.sort_by(|a, b| b.log_residual.abs().total_cmp(&a.log_residual.abs()));
    all.truncate(WORST);
    (all, libm::sqrt(sums.0 / sums.1))
}
