//! Learning rate, batch and steps.

use super::Interval;
use crate::quantity::{Steps, Tokens};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the plan states beside what published laws give.
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
    /// Optimizer steps of the plan's batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Steps>,
    /// Tokens of these steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stepped_tokens: Option<Tokens>,
}
