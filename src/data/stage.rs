//! A stage of a run, as a plan states it.

mod error;
pub(super) mod settings;

use super::pacing::{Order, Pacing};
use super::ramp::Ramp;
use crate::quantity::{
    Epochs, FinalLearningRate, Fraction, LearningRate, RopeBase, SequenceTokens, Steps,
    Temperature, Tokens, Weight,
};
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

pub use error::StageError;
pub(super) use error::sum_text;

/// Share of the tokens that each source supplies.
pub type Weights = BTreeMap<String, Weight>;

/// A part of the run with a mixture of its own. Stages follow each other in the order of the file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Name of the stage.
    pub name: String,
    /// What the stage is for: pretrain unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Tokens of the stage; without a length, the stage is the rest of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// Share of the run's tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Fraction>,
    /// Optimizer steps of the stage; needs `batch_tokens`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<Steps>,
    /// Mixture at the start, where the stage moves from one to another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<MixtureChoice>,
    /// Share of the tokens that each source supplies, at the end where the stage has a `from`; or
    /// a method: proportional, temperature, unimax, by-difficulty.
    pub mixture: MixtureChoice,
    /// The way from `from` to `mixture`, in tokens: cosine unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp: Option<Ramp>,
    /// Plateaus of a step ramp, 2 unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 10000))]
    pub plateaus: Option<u32>,
    /// Share of the stage, at its end, over which the mixture moves by a cosine to that with which
    /// the next stage begins; the stage's own way ends where the blend begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blend: Option<Fraction>,
    /// Share of the tokens that goes on being drawn from what the stage before reads on average,
    /// its blend left out (replay: Ibrahim et al. 2024, arXiv:2403.08763).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<Fraction>,
    /// Sources that a method mixes: all unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Vec<String>>,
    /// The tau of weights in proportion to the unique tokens to the power of 1/tau.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<Temperature>,
    /// Most passes over a source in this stage, for `unimax`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_epochs: Option<Epochs>,
    /// How fast the sources open, for `by-difficulty`: linear unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pacing: Option<Pacing>,
    /// Which sources open first, for `by-difficulty`: the easy ones unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// Share of the data that is open at the start, for `by-difficulty`: 0 unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Fraction>,
    /// Share of the stage after which all data are open, for `by-difficulty`: 1 unless said
    /// otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_at: Option<Fraction>,
    /// Per cent of the data to whose multiples the trainer rounds the open share down
    /// (`DeepSpeed`'s `difficulty_step`), for `by-difficulty`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub difficulty_step: Option<u32>,
    /// Tokens per sequence; the stage before's unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<SequenceTokens>,
    /// Base (theta) of the rotary position embedding; the stage before's unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rope_base: Option<RopeBase>,
    /// Tokens per optimizer step; the stage before's unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_tokens: Option<Tokens>,
    /// Learning rate at the start of the stage, after its warm-up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<LearningRate>,
    /// Learning rate with which the stage ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub final_learning_rate: Option<FinalLearningRate>,
}

/// What a stage is for.
///
/// Pretraining and annealing are the run: their tokens are the D of the scaling law. Stages for
/// long context and for instructions come on top of it: they state their own length, draw on the
/// same sources, and are counted apart.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The body of the run.
    #[default]
    Pretrain,
    /// The end of the run, on the best text, while the learning rate decays.
    Anneal,
    /// Longer sequences.
    LongContext,
    /// Instructions and their answers.
    Instruct,
}

impl Kind {
    /// Whether the stage's tokens are part of the run's, the D of the law.
    #[must_use]
    pub fn in_run(self) -> bool {
        matches!(self, Self::Pretrain | Self::Anneal)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Pretrain => "pretrain",
            Self::Anneal => "anneal",
            Self::LongContext => "long-context",
            Self::Instruct => "instruct",
        })
    }
}

/// Weights, or a method that gives them.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum MixtureChoice {
    /// Share of the tokens that each source supplies.
    Given(Weights),
    /// Weights that follow from the sources.
    By(Method),
}

/// A method that gives weights from the sizes of the sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// In proportion to the unique tokens.
    Proportional,
    /// In proportion to the unique tokens to the power of 1/`temperature`.
    Temperature,
    /// As even as `max_epochs` allow (Chung et al. 2023, arXiv:2304.09151).
    Unimax,
    /// Sorted by difficulty and opened little by little (Wu et al. 2021, arXiv:2012.03107).
    ByDifficulty,
}

impl Default for MixtureChoice {
    fn default() -> Self {
        Self::Given(Weights::new())
    }
}

impl From<Weights> for MixtureChoice {
    fn from(weights: Weights) -> Self {
        Self::Given(weights)
    }
}

impl<'de> Deserialize<'de> for MixtureChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Choice)
    }
}

/// Reads a table of weights or the name of a method; a derived enum would lose the place of faults.
struct Choice;

impl<'de> Visitor<'de> for Choice {
    type Value = MixtureChoice;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(
            "weights such as { web = 0.7, code = 0.3 }, or a method: proportional, temperature, \
             unimax, by-difficulty",
        )
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<MixtureChoice, E> {
        Method::deserialize(serde::de::value::StrDeserializer::<E>::new(name))
            .map(MixtureChoice::By)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<MixtureChoice, A::Error> {
        Weights::deserialize(MapAccessDeserializer::new(map)).map(MixtureChoice::Given)
    }
}
