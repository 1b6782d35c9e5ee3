//! Pools of unlike accelerators.

use super::Interval;
use crate::quantity::{Flops, Fraction, Loss, Params, Tokens};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Pools of unlike accelerators as one budget, and what ways of using them come to.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DerivedFleet {
    /// The pools, in the order of the plan.
    pub pools: Vec<DerivedPool>,
    /// Ways of using them, the most compute first.
    pub ways: Vec<DerivedWay>,
    /// Bytes of BF16 gradients that every pool gives to and takes from the others in a step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchanged_bytes: Option<f64>,
}

/// One pool.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DerivedPool {
    /// Accelerator.
    pub accelerator: String,
    /// How many.
    pub devices: f64,
    /// Utilisation over the whole run.
    pub mfu: Fraction,
    /// 80 % of published whole runs, where it is theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mfu_80: Option<Interval>,
    /// FLOP/s of the pool at that utilisation.
    pub flops_per_second: f64,
    /// Share of every batch at which no pool waits for another.
    pub share: f64,
}

/// A way of using the pools.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DerivedWay {
    /// What is done.
    pub way: String,
    /// FLOP/s.
    pub flops_per_second: f64,
    /// Days that the plan's run takes so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<f64>,
    /// FLOP of the last run in `budget.days`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flops: Option<Flops>,
    /// Parameters of the best run for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub params: Option<Params>,
    /// Its tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// Its loss under the law.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<Loss>,
}
