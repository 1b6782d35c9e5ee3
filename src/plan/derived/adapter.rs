//! Low-rank adapters beside training the whole model.

use super::Interval;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What training the whole model, or adapters beside it, takes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DerivedAdapter {
    /// The whole model, `lora` and `qlora`.
    pub ways: Vec<DerivedAdapterWay>,
}

/// One of these.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DerivedAdapterWay {
    /// What is trained.
    pub way: String,
    /// Parameters that are trained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trained_params: Option<f64>,
    /// FLOPs of a token, with what is recomputed.
    pub flops_per_token: f64,
    /// Time over that of the whole model.
    pub time_over_full: f64,
    /// Its range from published steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_over_full_range: Option<Interval>,
    /// Accelerator-hours of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accelerator_hours: Option<f64>,
    /// US dollars at the plan's price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd: Option<f64>,
    /// Bytes that a GPU allocates at most in a step of the plan's layout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_bytes: Option<f64>,
}
