//! How well the cluster is used, where the plan does not say it.

use super::Interval;
use crate::quantity::Fraction;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The utilisation that turns hours and days into FLOP, where the plan states none.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DerivedUtilisation {
    /// FLOPs of the run as the law counts them, over the dense BF16 peak, within training steps.
    pub mfu: Fraction,
    /// 80 % of the runs that tested such predictions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mfu_80: Option<Interval>,
    /// Whether the run that it pays for reaches it again.
    pub settled: bool,
}
