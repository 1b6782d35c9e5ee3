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

mod absolute;
mod bootstrap;
mod condition;
mod constrained;
mod error;
mod freedom;
mod interval;
mod isoflop;
mod linear;
mod mixing;
mod newton;
mod objective;
mod parametric;
mod power;
mod precision;
mod read;
mod roll_out;
mod sample;
mod start;
mod target;

use crate::law::{Range, Surface};
use crate::quantity::{Flops, FlopsPerParamToken};

pub use bootstrap::Bootstrap;
pub(crate) use bootstrap::representatives;
pub use constrained::{ConstrainedError, ConstrainedFit, EPOCHS, fit_constrained};
pub use error::FitError;
pub use interval::interval_80;
pub use isoflop::{IsoFlop, Parabola, parabolas};
pub use mixing::{
    Caps, HeldOut, MixingError, MixingFit, MixingLaw, MixtureRun, Proposal, fit_mixing, propose,
};
pub use power::{MeasuredOptimum, PowerError, PowerFit, PowerTarget, fit_isoflop, fit_power};
pub use precision::log_deviation;
pub use read::{
    Columns, Condition, Filter, Mixtures, Optima, Origin, ReadRunsError, Role, Runs, read,
    read_mixtures, read_optima,
};
pub use roll_out::{RollOut, Step, roll_out};
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
    /// U, the distinct tokens among D, where they are stated.
    pub unique_tokens: Option<f64>,
    /// Line of the file that it comes from; 0 for none.
    pub line: u64,
}

impl Run {
    /// kND.
    #[must_use]
    pub fn flops(&self, k: FlopsPerParamToken) -> f64 {
        k.0 * self.params * self.tokens
    }

    /// D/U, where U is stated.
    #[must_use]
    pub fn epochs(&self) -> Option<f64> {
        self.unique_tokens.map(|unique| self.tokens / unique)
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

/// Whether N and D have an exponent each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Exponents {
    /// α and β.
    #[default]
    Two,
    /// One for both, as Muennighoff et al. 2023 (arXiv:2305.16264, appendix A) and Gadre et al. 2024
    /// (arXiv:2403.08540, eq. 4) have it: N* and D* then grow alike.
    Tied,
}

impl Exponents {
    /// Constants that are searched.
    #[must_use]
    pub fn constants(self) -> usize {
        match self {
            Self::Two => 5,
            Self::Tied => 4,
        }
    }
}

/// How to fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Whether the exponents are tied.
    pub exponents: Exponents,
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
            exponents: Exponents::Two,
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
    let mut remarks = error::check(runs, settings)?;
    let sample = sample::Sample::new(runs);
    let points = &sample.points;
    let problem = parametric::Problem::new(points, settings);
    let minima = problem.minima();
    let minimum = minima.first().ok_or(FitError::NoMinimum)?;
    let surface = parametric::surface(&minimum.at, sample.centre);
    remarks.extend(parametric::at_bounds(&minimum.at, &problem.bounds));
    let bootstrap = (settings.bootstrap > 0)
        .then(|| bootstrap::run(&sample, settings, &minima, refitted))
        .flatten();
    if let Some(bootstrap) = &bootstrap {
        remarks.extend(bootstrap.remarks(runs.len()));
    }
    let range = target::range(runs, settings.k);
    let target = target::Target::of(&surface, bootstrap.as_ref(), &range, settings);
    remarks.extend(target.remarks());
    let isoflop = isoflop::isoflop(runs, settings.k, target.flops);
    let (worst, rms) = worst(residuals(runs, &surface));
    let (condition, condition_centred) = condition::numbers(&problem, &minimum.at, sample.centre);
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

/// Predicted and observed losses.
fn residuals(runs: &[Run], surface: &Surface) -> Vec<Residual> {
    use crate::quantity::{Params, Tokens};
    let of = |run: &Run| {
        let predicted = surface.loss(Params(run.params), Tokens(run.tokens)).0;
        Residual { run: *run, predicted, log_residual: libm::log(predicted / run.loss) }
    };
    runs.iter().map(of).collect()
}

/// The [`WORST`] residuals of the log loss, and the root of their weighted mean square.
fn worst(mut all: Vec<Residual>) -> (Vec<Residual>, f64) {
    let sums = all.iter().fold((0.0, 0.0), |sums: (f64, f64), of| {
        (sums.0 + of.run.weight * of.log_residual * of.log_residual, sums.1 + of.run.weight)
    });
    all.sort_by(|a, b| b.log_residual.abs().total_cmp(&a.log_residual.abs()));
    all.truncate(WORST);
    (all, libm::sqrt(sums.0 / sums.1))
}
