//! The devices that a run has.

use crate::quantity::{
    Bandwidth, Bytes, Devices, FlopRate, Fraction, TokensPerSecond, UsdPerAcceleratorHour,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The accelerators.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// Name of an accelerator: `llmplan explain --list accelerators`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accelerator: Option<String>,
    /// Accelerators that work on the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub devices: Option<Devices>,
    /// Utilisation over the whole run: 6ND over the dense peak times the wall-clock time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mfu: Option<Fraction>,
    /// How the utilisation is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mfu_evidence: Option<MfuEvidence>,
    /// Machine that the accelerators sit in: `llmplan explain --list nodes`; the accelerator's usual
    /// one unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Tokens per second of one accelerator that were measured; they go before what is predicted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_second_per_device: Option<TokensPerSecond>,
    /// Dense BF16 peak of an accelerator of one's own, FLOP/s; it and the keys below go before what
    /// the catalogue says of `accelerator` and `node`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_flops: Option<FlopRate>,
    /// Its dense FP8 peak, FLOP/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fp8_flops: Option<FlopRate>,
    /// Its memory, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<Bytes>,
    /// Bandwidth of its memory, bytes per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bandwidth: Option<Bandwidth>,
    /// Accelerators that share the fast link of a node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_devices: Option<Devices>,
    /// That link, bytes per second for each accelerator, one way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_bandwidth: Option<Bandwidth>,
    /// The network between nodes, bytes per second for each accelerator, one way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_bandwidth: Option<Bandwidth>,
    /// Pools of unlike accelerators that work on the run together, in place of `accelerator`,
    /// `devices` and `mfu`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pools: Vec<Pool>,
}

/// Accelerators of one kind in a mixed fleet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Name of an accelerator: `llmplan explain --list accelerators`.
    pub accelerator: String,
    /// How many there are.
    pub devices: Devices,
    /// Utilisation over the whole run; that of published whole runs on such accelerators unless
    /// stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mfu: Option<Fraction>,
    /// US dollars for each and hour; `cost.usd_per_accelerator_hour` unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_per_accelerator_hour: Option<UsdPerAcceleratorHour>,
}

/// How a utilisation is known, from the least to the most.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum MfuEvidence {
    /// It is a guess.
    Assumed,
    /// Somebody published it of a run like this one.
    Published,
    /// It was measured on this cluster with this model and layout.
    Measured,
}

impl std::fmt::Display for MfuEvidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Assumed => "assumed",
            Self::Published => "published",
            Self::Measured => "measured",
        })
    }
}
