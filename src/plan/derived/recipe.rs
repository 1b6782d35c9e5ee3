//! Learning rate, batch and steps.

use super::Interval;
use crate::quantity::{Steps, Tokens};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the plan states, or takes, beside what published laws give.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DerivedRecipe {
    /// Peak learning rate.
    pub peak_lr: f64,
    /// Lowest and highest that published laws give.
    pub laws_lr: Interval,
    /// Smallest and largest batch that they give, tokens.
    pub laws_batch: Interval,
    /// Peak learning rate by law.
    pub lr_by_law: BTreeMap<String, f64>,
    /// Tokens of a batch by law.
    pub batch_by_law: BTreeMap<String, f64>,
    /// Tokens of an optimizer step; the largest, where batches grow.
    pub batch_tokens: Tokens,
    /// Tokens of a step beyond which more of them save few steps.
    pub critical_batch_tokens: Tokens,
    /// Optimizer steps, the last of which may not be full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Steps>,
    /// Tokens of these steps, all of them full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stepped_tokens: Option<Tokens>,
    /// Tokens over which the learning rate rises.
    pub warmup_tokens: Tokens,
    /// Shortest and longest warm-up by what published recipes do, tokens.
    pub warmups: Interval,
    /// How the learning rate falls.
    pub schedule: String,
    /// Tokens after which it begins to fall.
    pub decay_from_tokens: Tokens,
    /// Tokens after which it has fallen.
    pub decay_to_tokens: Tokens,
    /// Learning rate at the end of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub final_lr: Option<f64>,
    /// Weight decay.
    pub weight_decay: f64,
    /// The one that the timescale of `AdamW` asks for.
    pub weight_decay_by_law: f64,
    /// Rates of the averages of the first and the second moment.
    pub betas: [f64; 2],
    /// Norm to which gradients are clipped.
    pub clip_norm: f64,
    /// Learning rates where one stage hands over to the next.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hand_offs: Vec<DerivedHandOff>,
}

/// Learning rates where one stage hands over to the next.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DerivedHandOff {
    /// The stage before.
    pub before: String,
    /// The stage after.
    pub after: String,
    /// Tokens of the run that were read by then.
    pub at_tokens: Tokens,
    /// Learning rate with which the stage before ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<f64>,
    /// Learning rate with which the stage after begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub begins_at: Option<f64>,
}
