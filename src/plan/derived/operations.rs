//! What happens beside training, and what it costs.

use crate::quantity::{Bytes, Fraction, Steps};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Checkpoints, failures, and what is left for training.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DerivedOperations {
    /// Mean hours of the cluster between failures that stop the run.
    pub hours_between_failures: f64,
    /// Failures to be expected over the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<f64>,
    /// Seconds of training between checkpoints that cost least.
    pub best_checkpoint_seconds: f64,
    /// The same in optimizer steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_checkpoint_steps: Option<Steps>,
    /// Seconds of training between checkpoints.
    pub checkpoint_every_seconds: f64,
    /// Share of the time that trains, less saving, repeated work and restarts.
    pub effective_time: Fraction,
    /// The same share with checkpoints that cost least.
    pub best_effective_time: Fraction,
    /// The same share with checkpoints twice as often.
    pub effective_time_twice_as_often: Fraction,
    /// The same share with checkpoints half as often.
    pub effective_time_half_as_often: Fraction,
    /// Optimizer steps between evaluations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluate_every_steps: Option<Steps>,
    /// Evaluations over the run, those at hand-offs included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluations: Option<f64>,
    /// Share of the time that evaluations take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluation_time: Option<Fraction>,
    /// Share of the time that is left for training.
    pub goodput: Fraction,
    /// Bytes of a checkpoint with the optimizer's states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_bytes: Option<Bytes>,
    /// Checkpoints that are kept whole.
    pub kept: u64,
    /// Bytes of all checkpoints that are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_bytes: Option<Bytes>,
    /// Nats per token that the last per cent of the tokens brings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_percent_nats: Option<f64>,
    /// Nats per token that the last tenth of the tokens brings: what stopping there would cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_tenth_nats: Option<f64>,
    /// Nats per token that a tenth more tokens would bring.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_tenth_nats: Option<f64>,
    /// Nats per token that one per cent more compute would bring at the optimum's size and length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent_at_optimum_nats: Option<f64>,
}
