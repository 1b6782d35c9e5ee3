//! A shape by generic keys, for models of any architecture.

mod build;
mod names;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use names::{KeyKind, key_advice, key_kind};

/// The keys of [`ShapeKeys`], the needed ones first.
pub const SHAPE_KEYS: [&str; 24] = [
    "layers",
    "hidden",
    "heads",
    "ffn",
    "vocab",
    "kv_heads",
    "head_dim",
    "tied",
    "gated",
    "bias",
    "qkv_bias",
    "qk_norm",
    "norm",
    "norms",
    "positions",
    "experts",
    "experts_per_token",
    "expert_ffn",
    "shared_ffn",
    "dense_layers",
    "q_rank",
    "kv_rank",
    "rope_dim",
    "value_dim",
];

/// A shape in the words of a plan. What is left out is as in Llama: as many key and value heads as
/// heads, heads that split the hidden width, three matrices, no biases, `RMSNorm`, an untied head.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ShapeKeys {
    /// Layers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layers: Option<u64>,
    /// Width of the stream between the layers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<u64>,
    /// Query heads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heads: Option<u64>,
    /// Inner width of the dense feed-forward.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ffn: Option<u64>,
    /// Rows of the embedding, padding included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vocab: Option<u64>,
    /// Key and value heads; as many as heads where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kv_heads: Option<u64>,
    /// Width of a head, without the rotated part under `kv_rank`; hidden / heads where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_dim: Option<u64>,
    /// Whether the head is the embedding; false where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tied: Option<bool>,
    /// Whether the feed-forward has a third matrix that gates; true where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gated: Option<bool>,
    /// Biases on every projection of attention and feed-forward; false where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bias: Option<bool>,
    /// Biases on queries, keys and values; as `bias` where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qkv_bias: Option<bool>,
    /// Norms of queries and keys; none where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qk_norm: Option<QkNormKey>,
    /// What a norm holds; a weight where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub norm: Option<NormKey>,
    /// Norms in a layer; 2 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub norms: Option<u64>,
    /// Rows of a learned table of positions; none where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub positions: Option<u64>,
    /// Experts among which the router chooses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experts: Option<u64>,
    /// Experts that work on a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experts_per_token: Option<u64>,
    /// Inner width of an expert; `ffn` where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expert_ffn: Option<u64>,
    /// Inner width of the experts that work on every token, taken together; none where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared_ffn: Option<u64>,
    /// First layers that are dense in a mixture of experts; none where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dense_layers: Option<u64>,
    /// Rank of the queries in latent attention; full queries where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q_rank: Option<u64>,
    /// Rank of keys and values: latent attention.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kv_rank: Option<u64>,
    /// Width of the rotated part of a head in latent attention.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rope_dim: Option<u64>,
    /// Width of a head's values in latent attention; `head_dim` where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_dim: Option<u64>,
}

/// What a norm holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NormKey {
    /// A weight.
    Rms,
    /// A weight and a bias.
    Layer,
}

/// Norms of queries and keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum QkNormKey {
    /// One of a head's width for all heads.
    Shared,
    /// Over all heads.
    Whole,
}
