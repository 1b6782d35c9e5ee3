//! Llama and the dense families that vary it.

use super::keys::{
    ATTENTION_BIAS, HEAD_DIM, MLP_BIAS, OFF, ON, ffn, head_dim, heads, hidden, kv, kv_or_null,
    layers, vocab,
};
use super::{Family, HeadDim, Kv, Norms, Switch};
use crate::model::config::Keys;
use crate::model::error::ShapeError;
use crate::model::shape::{Norm, Shape};

/// The pattern that most others vary.
pub(super) const LLAMA: Family = Family {
    model_type: "llama",
    class: "LlamaForCausalLM",
    vocab: vocab(32_000),
    hidden: hidden(4096),
    layers: layers(32),
    heads: heads(32),
    ffn: ffn(11_008),
    kv: Kv::Key { absent: None, nullable: true },
    head_dim: HeadDim::Key { absent: None, nullable: true },
    tied: false,
    qkv_bias: ATTENTION_BIAS,
    out_bias: ATTENTION_BIAS,
    mlp_bias: MLP_BIAS,
    gated: true,
    qk_norm: Norms::None,
    sinks: false,
    latent: false,
    norm: Norm::Scale,
    norms: 2,
    positions: None,
    embedding_norm: false,
    experts: None,
    adjust: |_, _| Ok(()),
};

pub(super) const MISTRAL: Family = Family {
    model_type: "mistral",
    class: "MistralForCausalLM",
    ffn: ffn(14_336),
    kv: kv_or_null(8),
    qkv_bias: OFF,
    out_bias: OFF,
    mlp_bias: OFF,
    ..LLAMA
};

pub(super) const QWEN2: Family = Family {
    model_type: "qwen2",
    class: "Qwen2ForCausalLM",
    vocab: vocab(151_936),
    ffn: ffn(22_016),
    kv: kv_or_null(32),
    head_dim: HEAD_DIM,
    qkv_bias: ON,
    out_bias: OFF,
    mlp_bias: OFF,
    ..LLAMA
};

pub(super) const QWEN3: Family = Family {
    model_type: "qwen3",
    class: "Qwen3ForCausalLM",
    head_dim: head_dim(128),
    qkv_bias: ATTENTION_BIAS,
    out_bias: ATTENTION_BIAS,
    qk_norm: Norms::Shared,
    ..QWEN2
};

pub(super) const GEMMA: Family = Family {
    model_type: "gemma",
    class: "GemmaForCausalLM",
    vocab: vocab(256_000),
    hidden: hidden(3072),
    layers: layers(28),
    heads: heads(16),
    ffn: ffn(24_576),
    kv: kv(16),
    head_dim: head_dim(256),
    tied: true,
    mlp_bias: OFF,
    ..LLAMA
};

pub(super) const GEMMA2: Family = Family {
    model_type: "gemma2",
    class: "Gemma2ForCausalLM",
    hidden: hidden(2304),
    layers: layers(26),
    heads: heads(8),
    ffn: ffn(9216),
    kv: kv(4),
    norms: 4,
    ..GEMMA
};

pub(super) const GEMMA3_TEXT: Family = Family {
    model_type: "gemma3_text",
    class: "Gemma3ForCausalLM",
    vocab: vocab(262_208),
    qk_norm: Norms::Shared,
    ..GEMMA2
};

pub(super) const PHI3: Family = Family {
    model_type: "phi3",
    class: "Phi3ForCausalLM",
    vocab: vocab(32_064),
    hidden: hidden(3072),
    ffn: ffn(8192),
    head_dim: HEAD_DIM,
    qkv_bias: OFF,
    out_bias: OFF,
    mlp_bias: OFF,
    ..LLAMA
};

pub(super) const OLMO2: Family = Family {
    model_type: "olmo2",
    class: "Olmo2ForCausalLM",
    vocab: vocab(50_304),
    head_dim: HEAD_DIM,
    mlp_bias: OFF,
    qk_norm: Norms::Whole,
    ..LLAMA
};

pub(super) const STARCODER2: Family = Family {
    model_type: "starcoder2",
    class: "Starcoder2ForCausalLM",
    vocab: vocab(49_152),
    hidden: hidden(3072),
    layers: layers(30),
    heads: heads(24),
    ffn: ffn(12_288),
    kv: kv(2),
    tied: true,
    qkv_bias: Switch::Key("use_bias", true),
    out_bias: Switch::Key("use_bias", true),
    mlp_bias: Switch::Key("use_bias", true),
    gated: false,
    norm: Norm::Layer,
    ..LLAMA
};

pub(super) const STABLELM: Family = Family {
    model_type: "stablelm",
    class: "StableLmForCausalLM",
    vocab: vocab(50_304),
    hidden: hidden(2560),
    ffn: ffn(6912),
    kv: kv(32),
    head_dim: HeadDim::Split,
    qkv_bias: Switch::Key("use_qkv_bias", false),
    out_bias: OFF,
    mlp_bias: OFF,
    qk_norm: Norms::WholeIf("qk_layernorm"),
    norm: Norm::Layer,
    adjust: stablelm,
    ..LLAMA
};

pub(super) const SMOLLM3: Family = Family {
    model_type: "smollm3",
    class: "SmolLM3ForCausalLM",
    vocab: vocab(128_256),
    hidden: hidden(2048),
    layers: layers(36),
    heads: heads(16),
    kv: kv_or_null(4),
    head_dim: HEAD_DIM,
    tied: true,
    ..LLAMA
};

pub(super) const GRANITE: Family =
    Family { model_type: "granite", class: "GraniteForCausalLM", head_dim: HEAD_DIM, ..LLAMA };

pub(super) const COHERE: Family = Family {
    model_type: "cohere",
    class: "CohereForCausalLM",
    vocab: vocab(256_000),
    hidden: hidden(8192),
    layers: layers(40),
    heads: heads(64),
    ffn: ffn(22_528),
    head_dim: HEAD_DIM,
    tied: true,
    mlp_bias: OFF,
    qk_norm: Norms::WholeIf("use_qk_norm"),
    norms: 1,
    ..LLAMA
};

pub(super) const GLM: Family = Family {
    model_type: "glm",
    class: "GlmForCausalLM",
    vocab: vocab(151_552),
    layers: layers(40),
    ffn: ffn(13_696),
    kv: kv(2),
    head_dim: head_dim(128),
    qkv_bias: Switch::Key("attention_bias", true),
    out_bias: OFF,
    mlp_bias: OFF,
    ..LLAMA
};

pub(super) const GLM4: Family =
    Family { model_type: "glm4", class: "Glm4ForCausalLM", norms: 4, ..GLM };

/// Stable LM: one norm where attention and feed-forward run side by side.
fn stablelm(shape: &mut Shape, keys: &mut Keys) -> Result<(), ShapeError> {
    if keys.switch("use_parallel_residual", false)? {
        for stack in &mut shape.stacks {
            stack.block.norms = 1;
        }
    }
    Ok(())
}
