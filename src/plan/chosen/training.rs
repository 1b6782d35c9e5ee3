//! How the model is trained.

use crate::memory::{AdapterKind, AttentionKernel, LossKernel, Optimizer, Precision, Profile};
use crate::quantity::{
    ClipNorm, Fraction, LearningRate, SequenceTokens, Steps, Tokens, WeightDecay,
};
use crate::recipe::Batches;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the model is trained.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// How the learning rate falls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// Tokens at the end of the run over which `wsd` decays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decay_tokens: Option<Tokens>,
    /// Share of the run's tokens, at its end, over which `wsd` decays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decay_share: Option<Fraction>,
    /// Tokens over which a cosine or a line falls; the run's, or those up to the first stage with a
    /// `learning_rate` of its own, unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule_tokens: Option<Tokens>,
    /// What is left of the peak where the schedule ends: 0.1 under a cosine or a line, 0 under `wsd`
    /// unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub final_lr_share: Option<Fraction>,
    /// Peak learning rate; by a published law unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_lr: Option<LearningRate>,
    /// Optimizer steps over which the learning rate rises from 0; 2,000, or 1 % of a shorter run,
    /// unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warmup_steps: Option<Steps>,
    /// The same in tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warmup_tokens: Option<Tokens>,
    /// Weight decay of `AdamW`: 0.1 unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<WeightDecay>,
    /// Rate of the first moment's average: 0.9 unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beta1: Option<Fraction>,
    /// Rate of the second moment's average: 0.95 unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beta2: Option<Fraction>,
    /// Norm to which gradients are clipped: 1 unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<ClipNorm>,
    /// Optimizer steps of the run, as they are planned; `check` holds them against its tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Steps>,
    /// Tokens per sequence; the longest of the stages unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<SequenceTokens>,
    /// Tokens of one optimizer step; `layout.micro_batches` follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_tokens: Option<Tokens>,
    /// Tokens of the first step, where batches grow to `batch_tokens`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_ramp_from: Option<Tokens>,
    /// Tokens over which batches grow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_ramp_tokens: Option<Tokens>,
    /// Number formats: bf16 unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,
    /// What the optimizer keeps: adamw unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optimizer: Option<Optimizer>,
    /// How attention is computed: sdpa unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attention: Option<AttentionKernel>,
    /// How the loss is computed: eager unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<LossKernel>,
    /// Whose operators run: eager, PyTorch's one by one, unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// The engine whose time is predicted: `llmplan explain --list engines`; the profile's unless
    /// said otherwise. Where no profile is stated, the engine's is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// Low-rank adapters that are trained in place of the model, beside every matrix of its blocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapter: Option<AdapterKind>,
    /// Rank of the adapters: 8 unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapter_rank: Option<u64>,
}

impl Training {
    /// The batches up to one of so many tokens, growing where that is stated.
    #[must_use]
    pub fn batches(&self, batch: Tokens) -> Batches {
        match (self.batch_ramp_from, self.batch_ramp_tokens) {
            (Some(from), Some(over)) => Batches { from: from.0, to: batch.0, over: over.0 },
            _ => Batches::constant(batch.0),
        }
    }
}

/// How the learning rate falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Warm-up, a stable phase, and a decay at the end.
    Wsd,
    /// A cosine over the whole run.
    Cosine,
    /// A line over the whole run.
    Linear,
    /// Not at all.
    Constant,
}
