//! What the tool writes. Every doc comment here is the comment beside its key in a plan.

mod adapter;
mod fleet;
mod footprint;
mod gap;
mod operations;
mod recipe;
mod utilisation;

use crate::data::{Decision, Kind};
use crate::layout::LayoutKeys;
use crate::model::ShapeKeys;
use crate::quantity::{
    Bytes, Epochs, Flops, Fraction, Loss, Params, Steps, Tokens, TokensPerParam, Usd,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use adapter::{DerivedAdapter, DerivedAdapterWay};
pub use fleet::{DerivedFleet, DerivedPool, DerivedWay};
pub use footprint::{DerivedFootprint, DerivedSchedule};
pub use gap::Gap;
pub use operations::DerivedOperations;
pub use recipe::{DerivedHandOff, DerivedRecipe};
pub use utilisation::DerivedUtilisation;

/// 10th and 90th percentile.
pub type Interval = [f64; 2];

/// The `[derived]` table.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Derived {
    /// The caps in FLOP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<DerivedBudget>,
    /// How well the cluster is used, where the plan does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utilisation: Option<DerivedUtilisation>,
    /// Pools of unlike accelerators as one budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fleet: Option<DerivedFleet>,
    /// The run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocation: Option<Allocated>,
    /// The model's shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<DerivedModel>,
    /// Split of the model over the devices, where the plan states none; `check` keeps to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<LayoutKeys>,
    /// What a training step holds on one device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<DerivedMemory>,
    /// The time of a training step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throughput: Option<DerivedThroughput>,
    /// Low-rank adapters beside training the whole model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter: Option<DerivedAdapter>,
    /// What the run takes from its surroundings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footprint: Option<DerivedFootprint>,
    /// Learning rate and batch beside what published laws give.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<DerivedRecipe>,
    /// What happens beside training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operations: Option<DerivedOperations>,
    /// The run beside the optimum of the same compute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optimum: Option<Versus>,
    /// Training and serving together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inference: Option<Served>,
    /// The stages within the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<DerivedStage>,
    /// What the run reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DerivedData>,
    /// Choices that the plan left to their defaults.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub assumed: BTreeMap<String, Assumed>,
    /// What computed these values.
    #[serde(default)]
    pub provenance: Provenance,
}

/// What computed the derived values.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Provenance {
    /// Version of llmplan.
    pub llmplan: String,
    /// Version of its catalogue of laws, models and accelerators.
    pub catalogue: String,
    /// Law.
    pub law: String,
    /// Where the law is from.
    pub law_source: String,
    /// Constants of L = E + A/N^alpha + B/D^beta, where the law has that form.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub law_constants: BTreeMap<String, f64>,
}

/// A default that was used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Assumed {
    /// The value.
    pub value: String,
    /// Where it is from.
    pub source: String,
}

/// The caps in FLOP.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct DerivedBudget {
    /// FLOP, the tightest cap.
    pub flops: Flops,
    /// FLOP for the last run, the reserve taken off.
    pub run_flops: Flops,
    /// The cap that binds.
    pub binding: String,
    /// Every cap.
    pub caps: BTreeMap<String, Cap>,
}

/// One cap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cap {
    /// FLOP.
    pub flops: Flops,
    /// How it was reached.
    pub arithmetic: String,
}

/// The run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Allocated {
    /// Parameters N.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Params>,
    /// 80 % interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params_80: Option<Interval>,
    /// Tokens D.
    pub tokens: Tokens,
    /// 80 % interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_80: Option<Interval>,
    /// D/N.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_param: Option<TokensPerParam>,
    /// 80 % interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_param_80: Option<Interval>,
    /// FLOPs per token M, under a law that counts these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flops_per_token: Option<f64>,
    /// FLOP that the run needs.
    pub flops: Flops,
    /// 80 % interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flops_80: Option<Interval>,
    /// Nats per token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<Loss>,
    /// 80 % interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_80: Option<Interval>,
    /// Times outside the range of the law's data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extrapolation: Option<f64>,
    /// What lies outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extrapolated: Option<String>,
    /// Wall-clock days on the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<f64>,
    /// Accelerator-hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accelerator_hours: Option<f64>,
    /// US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usd: Option<Usd>,
}

/// The model's shape, counted.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DerivedModel {
    /// All parameters, exactly.
    pub params: u64,
    /// N as the law counts it, where that is another number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub law_params: Option<u64>,
    /// Parameters that work on a token, of a mixture of experts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_params: Option<u64>,
    /// Parameters of the embedding.
    pub embedding_params: u64,
    /// Numbers to keep for a token in a layer, keys and values together.
    pub kv_width: u64,
    /// Tokens per sequence that the FLOPs are for.
    pub sequence: u64,
    /// Training FLOPs per token by convention.
    pub flops_per_token: BTreeMap<String, f64>,
    /// Shape picked for the size; `model.shape` states another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<ShapeKeys>,
}

/// What a training step holds on the device that holds most.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DerivedMemory {
    /// Most bytes allocated at once, as the profile counts them.
    pub peak_allocated_bytes: u64,
    /// When that is.
    pub peak: String,
    /// Most bytes allocated at once on an NVIDIA GPU; of Megatron-DeepSpeed, reserved ones.
    pub cuda_allocated_bytes: u64,
    /// Bytes on the host for each device: what CPU offload takes from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_bytes: Option<u64>,
    /// Bytes of the accelerator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accelerator_bytes: Option<Bytes>,
    /// Most sequences of a micro-batch that fit there; 0 where not even one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub largest_micro_batch: Option<u64>,
    /// Bytes at the peak by what they hold.
    pub breakdown: BTreeMap<String, u64>,
}

/// The time of a training step.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DerivedThroughput {
    /// Tokens that one accelerator trains on in a second.
    pub tokens_per_second_per_device: f64,
    /// 80 % of the runs that tested such predictions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_second_per_device_80: Option<Interval>,
    /// Whether that was measured rather than predicted.
    pub measured: bool,
    /// What is predicted, where it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicted_tokens_per_second_per_device: Option<f64>,
    /// Seconds of an optimizer step.
    pub step_seconds: f64,
    /// Engine.
    pub engine: String,
    /// Share of the dense BF16 peak by what counts as the FLOPs of a token.
    pub mfu: BTreeMap<String, f64>,
    /// Seconds of the predicted step by what they go to.
    pub seconds: BTreeMap<String, f64>,
}

/// The run beside the optimum of the same compute, data without limit.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Versus {
    /// N* for the FLOP that the run needs.
    pub params: Params,
    /// 80 % interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params_80: Option<Interval>,
    /// D*.
    pub tokens: Tokens,
    /// 80 % interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_80: Option<Interval>,
    /// D*/N*.
    pub tokens_per_param: TokensPerParam,
    /// Nats per token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<Loss>,
    /// The run's D/N over D*/N*.
    pub multiple: f64,
    /// Nats per token above the optimum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_difference: Option<f64>,
    /// FLOP at which the optimum reaches the run's loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equivalent_flops: Option<Flops>,
    /// Share of the FLOP that the optimum would not need.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wasted: Option<Fraction>,
}

/// Training and serving together.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Served {
    /// FLOP of training and serving this run's model.
    pub lifetime_flops: Flops,
    /// FLOP of training and serving the compute-optimal model of the same loss.
    pub optimum_lifetime_flops: Flops,
    /// Share of the lifetime FLOP saved against that model.
    pub saved: f64,
}

/// A stage within the run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DerivedStage {
    /// Name of the stage.
    pub name: String,
    /// What it is for, where that is not pretraining.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Tokens read before it.
    pub start_tokens: Tokens,
    /// Its tokens.
    pub tokens: Tokens,
    /// Optimizer steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Steps>,
    /// Tokens of these steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stepped_tokens: Option<Tokens>,
    /// What the mixture was moved to, so that every source keeps to its cap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
    /// Mixture that keeps to the caps.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub mixture: BTreeMap<String, f64>,
    /// Mixtures that keep to the caps, with straight lines between them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub table: Vec<DerivedKnot>,
}

/// A point of a mixture that moves along straight lines.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DerivedKnot {
    /// Share of the stage that is read.
    pub at: f64,
    /// Mixture there; where two knots stand at one place, the mixture jumps.
    pub mixture: BTreeMap<String, f64>,
}

/// What the run reads.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct DerivedData {
    /// Distinct tokens in all sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_tokens: Option<Tokens>,
    /// Tokens over unique tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epochs: Option<Epochs>,
    /// What the tokens are worth in fresh ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_tokens: Option<Tokens>,
    /// Nats per token lost to repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_from_repeats: Option<f64>,
    /// What to do about epochs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// The source that is exhausted first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding_source: Option<String>,
    /// Tokens of the longest run that it allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_run: Option<Tokens>,
    /// Passes over the binding source at that length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_run_epochs: Option<Epochs>,
    /// What is missing to the optimum without repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Gap>,
    /// Tokens by kind of stage, where there are several.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kinds: BTreeMap<Kind, Tokens>,
    /// Nats by which the mixtures were moved, in the mean over the tokens, to keep to the caps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<f64>,
    /// Per source.
    pub sources: BTreeMap<String, DerivedSource>,
}

/// What the run reads from one source.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct DerivedSource {
    /// Share of the tokens.
    pub weight: f64,
    /// Tokens read.
    pub tokens: Tokens,
    /// Passes over the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epochs: Option<Epochs>,
    /// Worth in fresh tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_tokens: Option<Tokens>,
    /// Tokens that the loader draws instead, where it rounds counts down in blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawn_tokens: Option<Tokens>,
    /// Distinct tokens that are read; by what the loader does, where the plan names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct_tokens: Option<Tokens>,
    /// Times that the most repeated token is read; by what the loader does, where the plan names
    /// one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_repeats: Option<f64>,
}
