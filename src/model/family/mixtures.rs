//! Mixtures of experts.

use super::dense::{LLAMA, MISTRAL, QWEN2};
use super::keys::{ATTENTION_BIAS, OFF, ON, ffn, heads, hidden, kv, kv_or_null, layers, vocab};
use super::{Family, HeadDim, Mixture, Norms, Shared, Sparse, Switch};
use crate::model::config::{Keys, key, needed};
use crate::model::error::ShapeError;
use crate::model::shape::{Attention, Shape};

pub(super) const MIXTRAL: Family = Family {
    model_type: "mixtral",
    class: "MixtralForCausalLM",
    experts: Some(Mixture {
        count: needed("num_local_experts", 8),
        per_token: Some(2),
        width: None,
        layers: Sparse::All,
        shared: Shared::None,
        router_bias: false,
    }),
    ..MISTRAL
};

pub(super) const QWEN2_MOE: Family = Family {
    model_type: "qwen2_moe",
    class: "Qwen2MoeForCausalLM",
    hidden: hidden(2048),
    layers: layers(24),
    heads: heads(16),
    ffn: ffn(5632),
    kv: kv(16),
    qkv_bias: Switch::Key("qkv_bias", true),
    experts: Some(Mixture {
        count: needed("num_experts", 60),
        per_token: Some(4),
        width: Some(needed("moe_intermediate_size", 1408)),
        layers: Sparse::Stepped,
        shared: Shared::Gated(key("shared_expert_intermediate_size", 5632)),
        router_bias: false,
    }),
    adjust: qwen2_moe,
    ..QWEN2
};

pub(super) const QWEN3_MOE: Family = Family {
    model_type: "qwen3_moe",
    class: "Qwen3MoeForCausalLM",
    hidden: hidden(2048),
    layers: layers(24),
    ffn: ffn(6144),
    kv: kv(4),
    qkv_bias: ATTENTION_BIAS,
    out_bias: ATTENTION_BIAS,
    qk_norm: Norms::Shared,
    experts: Some(Mixture {
        count: needed("num_experts", 128),
        per_token: Some(8),
        width: Some(needed("moe_intermediate_size", 768)),
        layers: Sparse::Stepped,
        shared: Shared::None,
        router_bias: false,
    }),
    ..QWEN2
};

pub(super) const OLMOE: Family = Family {
    model_type: "olmoe",
    class: "OlmoeForCausalLM",
    vocab: vocab(50_304),
    hidden: hidden(2048),
    layers: layers(16),
    heads: heads(16),
    ffn: ffn(2048),
    head_dim: HeadDim::Split,
    mlp_bias: OFF,
    qk_norm: Norms::Whole,
    experts: Some(Mixture {
        count: needed("num_experts", 64),
        per_token: Some(8),
        width: None,
        layers: Sparse::All,
        shared: Shared::None,
        router_bias: false,
    }),
    ..LLAMA
};

pub(super) const DEEPSEEK_V2: Family = Family {
    model_type: "deepseek_v2",
    class: "DeepseekV2ForCausalLM",
    latent: true,
    experts: Some(Mixture {
        count: needed("n_routed_experts", 64),
        per_token: None,
        width: Some(needed("moe_intermediate_size", 1407)),
        layers: Sparse::AfterDense(0),
        shared: Shared::Count(key("n_shared_experts", 2), true),
        router_bias: false,
    }),
    ..LLAMA
};

pub(super) const DEEPSEEK_V3: Family = Family {
    model_type: "deepseek_v3",
    class: "DeepseekV3ForCausalLM",
    vocab: vocab(129_280),
    hidden: hidden(7168),
    layers: layers(61),
    heads: heads(128),
    ffn: ffn(18_432),
    mlp_bias: OFF,
    experts: Some(Mixture {
        count: needed("n_routed_experts", 256),
        per_token: Some(8),
        width: Some(needed("moe_intermediate_size", 2048)),
        layers: Sparse::AfterDense(3),
        shared: Shared::Count(key("n_shared_experts", 1), false),
        router_bias: false,
    }),
    ..DEEPSEEK_V2
};

pub(super) const GPT_OSS: Family = Family {
    model_type: "gpt_oss",
    class: "GptOssForCausalLM",
    vocab: vocab(201_088),
    hidden: hidden(2880),
    layers: layers(36),
    heads: heads(64),
    ffn: ffn(2880),
    kv: kv_or_null(8),
    head_dim: HeadDim::Key { absent: Some(64), nullable: true },
    qkv_bias: Switch::Key("attention_bias", true),
    out_bias: Switch::Key("attention_bias", true),
    mlp_bias: ON,
    sinks: true,
    experts: Some(Mixture {
        count: needed("num_local_experts", 128),
        per_token: Some(4),
        width: None,
        layers: Sparse::All,
        shared: Shared::None,
        router_bias: true,
    }),
    ..LLAMA
};

/// Qwen2-MoE: a `head_dim` is read, and the class fails where the heads do not make up the width.
fn qwen2_moe(shape: &mut Shape, _: &mut Keys) -> Result<(), ShapeError> {
    for (_, block) in shape.blocks() {
        if let Attention::Grouped(grouped) = block.attention {
            let (heads, width) = (grouped.heads, grouped.head_dim);
            if heads.saturating_mul(width) != shape.hidden {
                let message = format!(
                    "`head_dim` is {width}, with {heads} heads of `hidden_size` {}",
                    shape.hidden
                );
                let help = "leave it out: the class fails where the heads do not make up the width";
                return Err(ShapeError::new(Some("head_dim"), message, help.to_owned()));
            }
        }
    }
    Ok(())
}
