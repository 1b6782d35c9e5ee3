//! What happens beside training.

use crate::quantity::{AcceleratorHours, Fraction, Seconds, Steps, Tokens};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happens beside training.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Operations {
    /// Optimizer steps between evaluations: 1,000, or a tenth of a shorter run, unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluate_every_steps: Option<Steps>,
    /// Whether every hand-off between stages is evaluated, before and after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluate_at_hand_offs: Option<bool>,
    /// Seconds for which saving a checkpoint stops the training: by its bytes and the devices that
    /// write them unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_seconds: Option<Seconds>,
    /// Optimizer steps between checkpoints; as often as costs least unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_every_steps: Option<Steps>,
    /// Checkpoints that are kept whole, with the optimizer's states: three, and one at each hand-off,
    /// unless stated.
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
    /// Tokens that an evaluation reads, at a third of what training on them costs; 10 M unless stated,
    /// and of no account beside `evaluation_seconds`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluation_tokens: Option<Tokens>,
}
