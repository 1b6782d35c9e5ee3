//! What closing the gap to fresh data costs.

use crate::quantity::{Flops, Tokens, Usd};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What closing the gap to the fresh-data optimum costs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// Fresh tokens that are missing.
    pub missing_tokens: Tokens,
    /// FLOP to write them with a model of the run's size, 2N a token.
    pub synthesis_flops: Flops,
    /// Nats per token if the run repeats instead.
    pub repeat_loss_difference: f64,
    /// FLOP that repeating wastes: what fresh data would save at the same loss.
    pub repeat_wasted_flops: Flops,
    /// US dollars to buy them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buy_usd: Option<Usd>,
    /// US dollars per billion tokens at which buying costs as much as the compute it saves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub break_even_usd_per_billion: Option<f64>,
}
