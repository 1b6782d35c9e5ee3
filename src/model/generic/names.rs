//! What a generic key holds, and by which names other files call it.

use super::SHAPE_KEYS;
use super::build::MAX_NORMS;
use crate::fact::nearest;
use crate::model::shape::{MAX_LAYERS, MAX_SIZE};

/// What a key of [`ShapeKeys`](super::ShapeKeys) holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// A whole number in such a range.
    Size(u64, u64),
    /// True or false.
    Switch,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// What a generic key holds; `None` for a name that is no key.
#[must_use]
pub fn key_kind(key: &str) -> Option<KeyKind> {
    let kind = match key {
        "tied" | "gated" | "bias" | "qkv_bias" => KeyKind::Switch,
        "norm" => KeyKind::Choice(&["rms", "layer"]),
        "qk_norm" => KeyKind::Choice(&["shared", "whole"]),
        "layers" => KeyKind::Size(1, MAX_LAYERS),
        "dense_layers" => KeyKind::Size(0, MAX_LAYERS),
        "norms" => KeyKind::Size(1, MAX_NORMS),
        _ => KeyKind::Size(1, MAX_SIZE),
    };
    SHAPE_KEYS.contains(&key).then_some(kind)
}

/// What to write in place of a name that is no key: the key that a config.json calls so, or the
/// nearest ones.
#[must_use]
pub fn key_advice(name: &str) -> String {
    if let Some((_, key)) = NAMES.iter().find(|(names, _)| names.contains(&name)) {
        return format!("did you mean `{key}`?");
    }
    if let Some((_, advice)) = OTHERS.iter().find(|(names, _)| names.contains(&name)) {
        return (*advice).to_owned();
    }
    match nearest(name, SHAPE_KEYS.iter().copied()).first() {
        Some(key) => format!("did you mean `{key}`?"),
        None => format!("known are {}", SHAPE_KEYS.join(", ")),
    }
}

/// Names in config.json files (transformers' classes, GPT-2's, Megatron-LM's and Meta's own), and the
/// key that holds the same.
const NAMES: [(&[&str], &str); 18] = [
    (&["num_hidden_layers", "n_layer", "n_layers", "num_layers"], "layers"),
    (&["hidden_size", "n_embd", "n_embed", "d_model", "dim"], "hidden"),
    (&["num_attention_heads", "n_head", "n_heads", "num_heads"], "heads"),
    (
        &["num_key_value_heads", "num_kv_heads", "n_kv_heads", "n_head_kv", "num_query_groups"],
        "kv_heads",
    ),
    (&["intermediate_size", "ffn_dim", "n_inner", "ffn_hidden_size", "d_ff", "ffn_size"], "ffn"),
    (&["vocab_size", "n_vocab", "padded_vocab_size"], "vocab"),
    (&["qk_nope_head_dim", "kv_channels", "head_size", "d_head"], "head_dim"),
    (&["tie_word_embeddings", "tie_embeddings", "tied_embeddings"], "tied"),
    (&["attention_bias", "use_qkv_bias", "add_qkv_bias"], "qkv_bias"),
    (&["use_bias", "enable_bias", "add_bias_linear"], "bias"),
    (&["use_qk_norm", "qk_layernorm"], "qk_norm"),
    (&["num_experts", "num_local_experts", "n_routed_experts", "n_experts"], "experts"),
    (
        &["num_experts_per_tok", "experts_per_tok", "moe_topk", "top_k", "moe_router_topk"],
        "experts_per_token",
    ),
    (&["moe_intermediate_size", "moe_ffn_hidden_size"], "expert_ffn"),
    (&["shared_expert_intermediate_size"], "shared_ffn"),
    (&["first_k_dense_replace"], "dense_layers"),
    (&["q_lora_rank"], "q_rank"),
    (&["kv_lora_rank"], "kv_rank"),
];

/// Names that need more than another name.
const OTHERS: [(&[&str], &str); 6] = [
    (&["qk_rope_head_dim"], "did you mean `rope_dim`?"),
    (&["v_head_dim"], "did you mean `value_dim`?"),
    (
        &["n_shared_experts", "num_shared_experts"],
        "write `shared_ffn`, the inner width of the shared experts taken together",
    ),
    (
        &["max_position_embeddings", "n_positions", "n_ctx", "max_seq_len"],
        "write `positions` for a learned table of positions; rotary positions have no parameters: \
         leave it out",
    ),
    (&["mlp_bias"], "write `bias` for biases on every projection of attention and feed-forward"),
    (
        &["model_type", "architectures", "rope_theta", "hidden_act", "rms_norm_eps"],
        "it does not change what is counted: leave it out, or name a whole file by `model.config`",
    ),
];
