//! What people write.

mod cluster;
mod operations;
mod reported;
mod site;
mod training;

use crate::data::{Sources, Stage};
use crate::layout::LayoutKeys;
use crate::model::ShapeKeys;
use crate::quantity::{
    AcceleratorHours, Days, Epochs, Flops, FlopsPerParamToken, Fraction, Loss, Params, Tokens,
    TokensPerParam, Usd, UsdPerAcceleratorHour, UsdPerBillionTokens,
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

pub use cluster::{Cluster, MfuEvidence, Pool};
pub use operations::Operations;
pub use reported::Reported;
pub use site::Site;
pub use training::{Schedule, Training};

/// The chosen tables of a plan.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    /// Version of the plan format: 1.
    pub format: Format,
    /// Name of the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Caps on what the run may spend; the tightest binds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub budget: Budget,
    /// What is trained for; what is left out is derived.
    #[serde(default, skip_serializing_if = "is_default")]
    pub run: Run,
    /// The scaling law.
    #[serde(default, skip_serializing_if = "is_default")]
    pub law: LawChoice,
    /// The model.
    #[serde(default, skip_serializing_if = "is_default")]
    pub model: ModelChoice,
    /// Data sources by name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sources: Sources,
    /// The curriculum; none means in proportion to the sources' unique tokens.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stages: Vec<Stage>,
    /// How the sources are read.
    #[serde(default, skip_serializing_if = "is_default")]
    pub data: DataChoice,
    /// How the model is trained.
    #[serde(default, skip_serializing_if = "is_default")]
    pub training: Training,
    /// How the model is split over the devices; with this table, even an empty one, the memory of
    /// a step is derived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<LayoutKeys>,
    /// What happens beside training.
    #[serde(default, skip_serializing_if = "is_default")]
    pub operations: Operations,
    /// The accelerators.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cluster: Cluster,
    /// Prices.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cost: Cost,
    /// What is reported of the run.
    #[serde(default, skip_serializing_if = "is_default")]
    pub reported: Reported,
    /// Where the accelerators are; with this table, even an empty one, the footprint is derived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<Site>,
    /// Findings of `check` that are accepted, each with its reason.
    #[serde(default, skip_serializing_if = "is_default")]
    pub allow: Vec<Allowance>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The version of the plan format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Format(u64);

impl Format {
    /// The version that this program reads and writes.
    pub const CURRENT: u64 = 1;
}

impl Default for Format {
    fn default() -> Self {
        Self(Self::CURRENT)
    }
}

impl From<Format> for u64 {
    fn from(format: Format) -> Self {
        format.0
    }
}

impl TryFrom<u64> for Format {
    type Error = String;
    fn try_from(version: u64) -> Result<Self, String> {
        if version == Self::CURRENT {
            Ok(Self(version))
        } else {
            Err(format!("plan format {version} is not known; this program reads format 1"))
        }
    }
}

impl JsonSchema for Format {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Format".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "const": Self::CURRENT })
    }
}

/// Caps on what the run may spend; the tightest binds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Compute, FLOP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flops: Option<Flops>,
    /// Accelerator-hours; needs `cluster.accelerator`, and `cluster.mfu` or the devices to predict
    /// it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accelerator_hours: Option<AcceleratorHours>,
    /// Wall-clock days; needs `cluster.accelerator` and `cluster.devices`; `cluster.mfu` is predicted
    /// where it is not stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<Days>,
    /// US dollars; needs `cost.usd_per_accelerator_hour`, `cluster.accelerator`, and `cluster.mfu` or
    /// the devices to predict it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd: Option<Usd>,
    /// Share kept for the ladder, ablations, restarts and evaluations, 0 to below 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserve: Option<Fraction>,
}

/// What is trained for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Training tokens, repeats included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// Training tokens per parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_param: Option<TokensPerParam>,
    /// Passes over what the mixture reads: tokens over its unique tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<Epochs>,
    /// The loss to reach under the law, nats per token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<Loss>,
    /// A published model whose quality is to be matched under the law.
    #[serde(skip_serializing_if = "Option::is_none", rename = "match")]
    pub matches: Option<String>,
    /// Tokens that the model will read and write in service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inference_tokens: Option<Tokens>,
    /// What the plan claims to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goal: Option<Goal>,
}

/// What a plan claims to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    /// The lowest loss for the training compute.
    ComputeOptimal,
    /// The lowest cost of training and serving together.
    Inference,
    /// A size that is set by something else.
    FixedSize,
    /// As good as the data allow.
    DataLimited,
}

impl std::fmt::Display for Goal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ComputeOptimal => "compute-optimal",
            Self::Inference => "inference",
            Self::FixedSize => "fixed-size",
            Self::DataLimited => "data-limited",
        })
    }
}

/// The scaling law.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LawChoice {
    /// Name of a law: `llmplan explain --list laws`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A law file, such as `llmplan fit` writes; from the plan's folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// FLOPs per parameter per token, the k of C = kND.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k: Option<FlopsPerParamToken>,
}

/// The model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelChoice {
    /// Parameters, as the law counts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub params: Option<Params>,
    /// Name of a published shape: `llmplan explain --list models`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Path of a Hugging Face config.json, from the plan's folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// A shape by its sizes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<ShapeKeys>,
}

impl ModelChoice {
    /// The keys that state a shape; a plan has one of them at most.
    pub fn stated(&self) -> impl Iterator<Item = &'static str> {
        let keys = [
            ("model.name", self.name.is_some()),
            ("model.config", self.config.is_some()),
            ("model.shape", self.shape.is_some()),
        ];
        keys.into_iter().filter(|(_, stated)| *stated).map(|(key, _)| key)
    }
}

/// How the sources are read.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataChoice {
    /// Name of the data loader: `llmplan explain --list loaders`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loader: Option<String>,
    /// Whether the loader is told to read a source again, where it otherwise ends with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat: Option<bool>,
    /// What to do where stages read a source more often than its `max_epochs`: check unless said
    /// otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caps: Option<SourceCaps>,
}

/// What to do where stages read a source more often than its `max_epochs` allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SourceCaps {
    /// Leave the mixtures alone and let `check` say so.
    #[default]
    Check,
    /// Move the mixtures as little as keeps to the caps.
    Project,
    /// The same, each stage keeping to its own share of every cap.
    ProjectPerStage,
}

/// Prices.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// US dollars per accelerator and hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_per_accelerator_hour: Option<UsdPerAcceleratorHour>,
    /// The day that this price is of, such as 2025-03-01.
    #[serde(
        default,
        deserialize_with = "site::text_or_time",
        skip_serializing_if = "Option::is_none"
    )]
    pub price_as_of: Option<String>,
    /// US dollars per billion tokens of bought text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_per_billion_tokens: Option<UsdPerBillionTokens>,
}

/// A finding that is accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Allowance {
    /// Id of the rule: `llmplan explain --list rules`.
    pub rule: String,
    /// Why the finding is accepted.
    #[serde(deserialize_with = "not_empty")]
    #[schemars(length(min = 1))]
    pub reason: String,
}

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() {
        return Err(serde::de::Error::custom("the reason is empty; say why this is accepted"));
    }
    Ok(text)
}
