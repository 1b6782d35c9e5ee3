//! Learning rate and batch that published laws give for a size and a length, and the rest of a recipe.
//!
//! The laws come from different data, sizes and schedules and differ two to three times; they are a
//! range, not an answer. One of them is taken where a plan states nothing, with its reason.

mod batch;
mod practice;
mod schedule;

use crate::quantity::{Flops, Params, Tokens};
use libm::pow;

pub use batch::{Batches, critical_batch};
pub use practice::{
    BETAS, CLIP_NORM, DECAY_SHARE, FLOOR, WEIGHT_DECAY, least_warmup_steps, warmup_steps, warmups,
    weight_decay,
};
pub use schedule::{Fall, LearningRates};

/// The law of [`RECIPE_LAWS`] whose learning rate is taken where a plan states none: 55 dense
/// published runs took 0.45 of it in the median, half of them 0.24 to 0.73, and less of the others.
pub const RATE_LAW: &str = "deepseek";

/// The law whose batch is taken: 55 published runs took 0.92 of it in the median, half of them 0.5
/// to 1.5 times.
pub const BATCH_LAW: &str = "step-law";

/// A published law of the peak learning rate and the batch.
#[derive(Debug, Clone, Copy)]
pub struct RecipeLaw {
    /// The id in plans and JSON.
    pub name: &'static str,
    /// Paper.
    pub source: &'static str,
    /// Formulas, and what they were measured on.
    pub formula: &'static str,
    /// Peak learning rate for a size and a length.
    pub learning_rate: fn(Params, Tokens) -> f64,
    /// Tokens of a batch.
    pub batch: fn(Params, Tokens) -> Tokens,
}

/// Every law, in order of name.
pub static RECIPE_LAWS: [RecipeLaw; 3] = [
    RecipeLaw {
        name: "deepseek",
        source: "DeepSeek LLM, arXiv:2401.02954",
        formula: "0.3118 C^-0.125 and 0.2920 C^0.3271 tokens; C = 6ND from 1e17 to 2e19 FLOP",
        learning_rate: |params, tokens| 0.3118 * pow(compute(params, tokens).0, -0.125),
        batch: |params, tokens| Tokens(0.2920 * pow(compute(params, tokens).0, 0.3271)),
    },
    RecipeLaw {
        name: "porian",
        source: "Porian et al. 2024, arXiv:2406.19146, as in OLMo-core",
        formula: "0.0047 (N/108e6)^(-1/3) and 160 (N/108e6)^(2/3) sequences of 2,048; N from 5 M to \
                  220 M",
        learning_rate: |params, _| 0.0047 * pow(params.0 / 108e6, -1.0 / 3.0),
        batch: |params, _| Tokens(160.0 * 2048.0 * pow(params.0 / 108e6, 2.0 / 3.0)),
    },
    RecipeLaw {
        name: "step-law",
        source: "Li et al. 2025, Step Law, arXiv:2503.04715",
        formula: "1.79 N^-0.713 D^0.307 and 0.58 D^0.571 tokens; N without embeddings, 0.2 to 1 B, D 4 \
                  to 100 B",
        learning_rate: |params, tokens| 1.79 * pow(params.0, -0.713) * pow(tokens.0, 0.307),
        batch: |_, tokens| Tokens(0.58 * pow(tokens.0, 0.571)),
    },
];

fn compute(params: Params, tokens: Tokens) -> Flops {
    Flops(6.0 * params.0 * tokens.0)
}

/// The law of a name.
///
/// # Panics
/// Where no law has it: names are constants of this module.
#[must_use]
pub fn recipe_law(name: &str) -> &'static RecipeLaw {
    RECIPE_LAWS.iter().find(|law| law.name == name).expect("a law of the table")
}

/// The lowest and the highest learning rate that the laws give.
#[must_use]
pub fn learning_rates(params: Params, tokens: Tokens) -> [f64; 2] {
    span(|law| (law.learning_rate)(params, tokens))
}

/// The smallest and the largest batch, tokens.
#[must_use]
pub fn batches(params: Params, tokens: Tokens) -> [f64; 2] {
    span(|law| (law.batch)(params, tokens).0)
}

fn span(of: impl Fn(&RecipeLaw) -> f64) -> [f64; 2] {
    let values = || RECIPE_LAWS.iter().map(&of);
    [values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max)]
}
