//! What happens beside training.

use crate::quantity::{AcceleratorHours, Fraction, Seconds, Steps};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happens beside training.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Operations {
    /// Optimizer steps between evaluations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluate_every_steps: Option<Steps>,
    /// Whether every hand-off between stages is evaluated, before and after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluate_at_hand_offs: Option<bool>,
    /// Seconds for which saving a checkpoint stops the training; with it, how often to save and what
    /// is lost to failures are derived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_seconds: Option<Seconds>,
    /// Optimizer steps between checkpoints; as often as costs least unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_every_steps: Option<Steps>,
    /// Checkpoints that are kept whole, with the optimizer's states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_checkpoints: Option<u64>,
    /// Mean hours of one accelerator between failures that stop the run: 50,676 unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accelerator_hours_between_failures: Option<AcceleratorHours>,
    /// Seconds from a failure to the first step after it: 660 unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_seconds: Option<Seconds>,
    /// Seconds for which an evaluation stops the training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluation_seconds: Option<Seconds>,
    /// Share of the run's time that its steps take, which turns the time of a step into hours: that
    /// of published runs unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goodput: Option<Fraction>,
}
