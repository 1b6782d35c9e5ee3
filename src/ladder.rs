//! The runs that measure a law: which to train, what they cost, and how well they will tell.
//!
//! ```text
//! target budget, spend ── ladder() ──> grid of runs ── simulate() ──> how well they tell N*
//! ```
//!
//! The grid is that of Hoffmann et al. 2022 (arXiv:2203.15556, 3.2 and fig. 3): budgets evenly
//! spaced in the logarithm, and at each the sizes around the optimum that the law at hand expects.
//! Its runs serve the parametric fit and the IsoFLOP parabolas alike.

mod calibrate;
mod coverage;
mod error;
mod grid;
mod manifest;
mod plan;
mod simulate;
mod world;

use crate::fit::{Objective, log_deviation};
use crate::law::{Counting, Optimum, Surface};
use crate::model::ShapeKeys;
use crate::quantity::{Flops, FlopsPerParamToken, Params, Tokens};

pub use calibrate::{calibrated, widened};
pub use coverage::{Coverage, SOUND};
pub use error::LadderError;
pub use manifest::manifest;
pub use plan::{rung_plan, rung_text};
pub use simulate::{Sets, Simulation, simulate};
pub use world::{Noise, World, outcome, runs};

/// Deviation of the log loss around its law that is assumed unless stated.
///
/// The 240 runs of Hoffmann et al. 2022 that Besiroglu et al. 2024 read off a figure lie 0.47 % from
/// their fitted law in the mean, which is a standard deviation of 0.6 % for normal ones; part of that
/// is the reading.
pub const NOISE: f64 = 0.005;

/// What is wanted of a ladder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// The budget whose optimum the ladder shall tell.
    pub target: Flops,
    /// What all its runs may take together.
    pub spend: Flops,
    /// The law that places the runs, and from which outcomes are simulated.
    pub law: Surface,
    /// What it counts as N.
    pub counting: Counting,
    /// The k of C = kND.
    pub k: FlopsPerParamToken,
    /// Budgets.
    pub budgets: u32,
    /// Sizes at each budget.
    pub sizes: u32,
    /// The largest budget over the smallest.
    pub span: f64,
    /// Sizes go from the optimum over this to the optimum times this.
    pub reach: f64,
    /// Rows of the models' embeddings; by size where absent.
    pub vocab: Option<u64>,
    /// Standard deviation of the log loss around the law.
    pub noise: f64,
}

impl Settings {
    /// Budgets, sizes and reach that a ladder has unless stated: five budgets, and at each seven sizes
    /// over a factor of 16.
    pub const GRID: (u32, u32, f64) = (5, 7, 4.0);

    /// Spans that are tried unless one is stated.
    pub const SPANS: [f64; 3] = [100.0, 30.0, 10.0];

    /// The usual ladder for a budget.
    #[must_use]
    pub fn new(target: Flops, spend: Flops, law: Surface) -> Self {
        let (budgets, sizes, reach) = Self::GRID;
        Self {
            target,
            spend,
            law,
            counting: Counting::All,
            k: FlopsPerParamToken::TRAINING,
            budgets,
            sizes,
            span: Self::SPANS[0],
            reach,
            vocab: None,
            noise: NOISE,
        }
    }

    /// The optimum of the target under the law that places the runs.
    #[must_use]
    pub fn optimum(&self) -> Optimum {
        self.law.optimum(self.target, self.k)
    }
}

/// A run of a ladder.
#[derive(Debug, Clone, PartialEq)]
pub struct Rung {
    /// Which budget, from 0.
    pub budget: u32,
    /// Which size of that budget, from 0.
    pub size: u32,
    /// N of its shape, as the law counts it.
    pub params: Params,
    /// D.
    pub tokens: Tokens,
    /// kND.
    pub flops: Flops,
    /// The model.
    pub shape: ShapeKeys,
}

impl Rung {
    /// The name of its plan, without an ending: budget and size, from 1.
    #[must_use]
    pub fn name(&self) -> String {
        format!("b{:02}-s{:02}", self.budget + 1, self.size + 1)
    }
}

/// The runs that measure a law.
#[derive(Debug, Clone, PartialEq)]
pub struct Ladder {
    /// What was wanted.
    pub settings: Settings,
    /// The runs, by budget and size, the smallest first.
    pub rungs: Vec<Rung>,
}

impl Ladder {
    /// What all runs take together.
    #[must_use]
    pub fn flops(&self) -> Flops {
        Flops(self.rungs.iter().map(|rung| rung.flops.0).sum())
    }

    /// The largest budget of its runs.
    #[must_use]
    pub fn largest(&self) -> Flops {
        Flops(self.rungs.iter().map(|rung| rung.flops.0).fold(0.0, f64::max))
    }

    /// N and D of every run.
    #[must_use]
    pub fn places(&self) -> Vec<(Params, Tokens)> {
        self.rungs.iter().map(|rung| (rung.params, rung.tokens)).collect()
    }
}

/// Places the runs of a ladder; each size is that of a shape that can be trained.
///
/// # Errors
/// Settings from which no ladder follows, and sizes for which there is no shape.
pub fn ladder(settings: Settings) -> Result<Ladder, LadderError> {
    error::check(&settings)?;
    let rungs = grid::rungs(&settings)?;
    Ok(Ladder { settings, rungs })
}

/// The same over the widest of some spans, the widest first, for whose smallest run there is a shape.
///
/// # Errors
/// Those of the last span that was tried.
pub fn ladder_over(settings: Settings, spans: &[f64]) -> Result<Ladder, LadderError> {
    let over = |span: &f64| ladder(Settings { span: *span, ..settings });
    let too_small = |tried: &Result<_, _>| matches!(tried, Err(LadderError::Size { .. }));
    let tried: Vec<_> = spans.iter().map(over).collect();
    let count = tried.len();
    let mut tried = tried.into_iter().enumerate();
    let found = tried.find(|(index, tried)| !too_small(tried) || index + 1 == count);
    found.map_or_else(|| ladder(settings), |(_, tried)| tried)
}

/// The standard deviation of ln N* at the target over the outcomes of a ladder, to first order.
#[must_use]
pub fn log_spread(ladder: &Ladder, objective: Objective) -> Option<f64> {
    spread_of(&ladder.places(), &ladder.settings, objective)
}

fn spread_of(
    places: &[(Params, Tokens)],
    settings: &Settings,
    objective: Objective,
) -> Option<f64> {
    let Settings { law, noise, target, k, .. } = settings;
    log_deviation(places, law, objective, *noise, *target, *k)
}

/// How well ladders of the same spend, and of others, would tell N* at the target: the standard
/// deviation of ln N*, to first order.
#[must_use]
pub fn others(settings: &Settings, objective: Objective) -> Vec<(Settings, f64)> {
    let grid = |budgets, sizes, span| Settings { budgets, sizes, span, ..*settings };
    let share = |times: f64| Settings { spend: Flops(settings.spend.0 * times), ..*settings };
    let (budgets, sizes, span) = (settings.budgets, settings.sizes, settings.span);
    let all = [
        grid(budgets, sizes, span / 3.0),
        grid(budgets, sizes, span * 3.0),
        grid(3, sizes, span),
        grid(2 * budgets - 1, sizes, span),
        grid(budgets, 5, span),
        grid(budgets, 2 * sizes - 1, span),
        share(0.3),
        share(3.0),
    ];
    let legal = all.into_iter().filter(|other| error::check(other).is_ok() && other != settings);
    legal
        .filter_map(|other| {
            let places = grid::places(&other);
            Some((other, spread_of(&places, &other, objective)?))
        })
        .collect()
}
