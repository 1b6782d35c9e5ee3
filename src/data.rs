//! Training data: sources, the mixture over them, and what repeated tokens are worth.

mod caps;
mod curriculum;
pub mod loader;
mod method;
mod mixture;
mod pacing;
mod path;
mod placed;
mod project;
mod ramp;
mod reading;
mod resolve;
mod stage;
mod weights;

use crate::law::Repeats;
use crate::quantity::{Epochs, Fraction, Quantity, Tokens};
use libm::exp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use caps::{CapsError, Kept};
pub use curriculum::{Curriculum, Normalised};
pub use method::{Unimax, proportional, temperature, unimax};
pub use mixture::{Draw, Mixture, Share};
pub use pacing::{Deepspeed, Discrete, Order, Paced, Pacing, Trap};
pub use placed::{Placed, Training};
pub use project::{Infeasible, Part, Projected, longest, project};
pub use ramp::Ramp;
pub use reading::Reading;
pub use stage::{Kind, Method, MixtureChoice, Stage, StageError, Weights};
pub use weights::MixtureError;

/// Passes over a source beyond which a plan should say why: up to four, repeated tokens are
/// worth almost as much as fresh ones (Muennighoff et al. 2023, arXiv:2305.16264, abstract).
pub const NEARLY_FREE: Epochs = Epochs(4.0);

/// Sources by name.
pub type Sources = BTreeMap<String, Source>;

/// One data set.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Distinct tokens in the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unique_tokens: Option<Tokens>,
    /// How good the text is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<Quality>,
    /// How hard the text is, 0 to 1, by a measure of one's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difficulty: Option<Fraction>,
    /// Most passes over the source that the run may make.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_epochs: Option<Epochs>,
}

/// How good a source's text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Quality {
    /// Curated: books, papers, filtered web.
    High,
    /// Usable as it is.
    Good,
    /// Doubtful: more passes do not repair it.
    Suspect,
}

/// What `drawn` tokens from `unique` distinct ones are worth in fresh tokens:
/// D' = U + U `R_D`* (1 - e^(-R/R_D*)), R = drawn/unique - 1
/// (Muennighoff et al. 2023, arXiv:2305.16264, eq. 5).
///
/// ```
/// let decay = plan::law::repeats();
/// let unique = plan::quantity::Tokens(1e9);
/// let four = plan::data::effective_tokens(plan::quantity::Tokens(4e9), unique, decay);
/// assert!((four.0 / 1e9 - 3.725673).abs() < 1e-6);
/// ```
#[must_use]
pub fn effective_tokens(drawn: Tokens, unique: Tokens, decay: Repeats) -> Tokens {
    let repeats = drawn.0 / unique.0 - 1.0;
    if repeats > 0.0 {
        Tokens(unique.0 * (1.0 + decay.tokens * (1.0 - exp(-repeats / decay.tokens))))
    } else {
        drawn
    }
}

/// What the `pass`-th pass over a source is worth, as a share of the first.
#[must_use]
pub fn value_of_pass(pass: u32, decay: Repeats) -> Fraction {
    let upto = |epochs: u32| effective_tokens(Tokens(f64::from(epochs)), Tokens::of(1.0), decay).0;
    Fraction(upto(pass) - upto(pass.saturating_sub(1)))
}

/// What to do about epochs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// The data are enough: about one pass.
    AboutOneEpoch,
    /// Several passes, watching validation loss.
    SeveralEpochs,
    /// So many passes that the last ones are worth little.
    FindMoreData,
    /// More passes do not repair bad text.
    FixTheDataFirst,
}

impl Decision {
    /// The decision for a number of passes over data of a quality.
    #[must_use]
    pub fn on(epochs: Epochs, suspect: bool, decay: Repeats) -> Self {
        match epochs.0 {
            _ if suspect => Self::FixTheDataFirst,
            passes if passes <= 1.5 => Self::AboutOneEpoch,
            passes if passes <= decay.tokens + 1.0 => Self::SeveralEpochs,
            _ => Self::FindMoreData,
        }
    }

    /// The decision in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::AboutOneEpoch => "about one epoch: the data suffice",
            Self::SeveralEpochs => {
                "several epochs, watching validation loss; stop when it flattens"
            }
            Self::FindMoreData => "more data, or fewer passes: the last ones are worth little",
            Self::FixTheDataFirst => "fix the data first: more passes do not repair suspect text",
        }
    }
}
