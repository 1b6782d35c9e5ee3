//! Families before Llama: two matrices, norms with biases, a tied head.

use super::build::divides;
use super::dense::LLAMA;
use super::keys::{ON, ffn, heads, hidden, layers, vocab};
use super::{Family, Ffn, HeadDim, Kv, Switch};
use crate::model::config::{Keys, either, needed};
use crate::model::error::ShapeError;
use crate::model::shape::{Attention, Norm, Shape};

/// Two matrices with biases, norms with biases, a tied head.
pub(super) const GPT2: Family = Family {
    model_type: "gpt2",
    class: "GPT2LMHeadModel",
    vocab: vocab(50_257),
    hidden: either("n_embd", "hidden_size", 768),
    layers: either("n_layer", "num_hidden_layers", 12),
    heads: either("n_head", "num_attention_heads", 12),
    ffn: Ffn::FourTimes(Some("n_inner")),
    kv: Kv::Heads,
    head_dim: HeadDim::Split,
    tied: true,
    qkv_bias: ON,
    out_bias: ON,
    mlp_bias: ON,
    gated: false,
    norm: Norm::Layer,
    positions: Some((either("n_positions", "max_position_embeddings", 1024), 0)),
    adjust: gpt2,
    ..LLAMA
};

pub(super) const GPT_NEOX: Family = Family {
    model_type: "gpt_neox",
    class: "GPTNeoXForCausalLM",
    vocab: vocab(50_432),
    hidden: hidden(6144),
    layers: layers(44),
    heads: heads(64),
    ffn: ffn(24_576),
    tied: false,
    qkv_bias: Switch::Key("attention_bias", true),
    out_bias: Switch::Key("attention_bias", true),
    positions: None,
    adjust: |_, _| Ok(()),
    ..GPT2
};

pub(super) const OPT: Family = Family {
    model_type: "opt",
    class: "OPTForCausalLM",
    vocab: vocab(50_272),
    hidden: hidden(768),
    layers: layers(12),
    heads: heads(12),
    ffn: Ffn::Key(needed("ffn_dim", 3072)),
    qkv_bias: Switch::Key("enable_bias", true),
    out_bias: Switch::Key("enable_bias", true),
    mlp_bias: Switch::Key("enable_bias", true),
    positions: Some((needed("max_position_embeddings", 2048), 2)),
    adjust: opt,
    ..GPT2
};

pub(super) const BLOOM: Family = Family {
    model_type: "bloom",
    class: "BloomForCausalLM",
    vocab: vocab(250_880),
    hidden: either("hidden_size", "n_embed", 64),
    layers: either("n_layer", "num_hidden_layers", 2),
    heads: either("n_head", "num_attention_heads", 8),
    ffn: Ffn::FourTimes(None),
    positions: None,
    embedding_norm: true,
    adjust: |_, _| Ok(()),
    ..GPT2
};

pub(super) const FALCON: Family = Family {
    model_type: "falcon",
    class: "FalconForCausalLM",
    vocab: vocab(65_024),
    hidden: either("hidden_size", "n_embed", 4544),
    layers: layers(32),
    heads: heads(71),
    ffn: Ffn::FourTimes(Some("ffn_hidden_size")),
    qkv_bias: Switch::Key("bias", false),
    out_bias: Switch::Key("bias", false),
    mlp_bias: Switch::Key("bias", false),
    positions: None,
    adjust: falcon,
    ..GPT2
};

/// GPT-2: a decoder that reads an encoder has attention to it in every layer.
fn gpt2(_: &mut Shape, keys: &mut Keys) -> Result<(), ShapeError> {
    let name = "add_cross_attention";
    if !keys.switch(name, false)? {
        return Ok(());
    }
    let help = "leave it out: only models without an encoder are counted".to_owned();
    Err(ShapeError::new(Some(name), format!("`{name}` is true"), help))
}

/// OPT: norms without numbers, a last norm that only pre-norm models have, a narrower embedding.
fn opt(shape: &mut Shape, keys: &mut Keys) -> Result<(), ShapeError> {
    if !keys.switch("layer_norm_elementwise_affine", true)? {
        shape.norm = Norm::Bare;
    }
    shape.final_norm = keys.switch("do_layer_norm_before", true)?
        && !keys.switch("_remove_final_layer_norm", false)?;
    shape.embedding_width = keys.given("word_embed_proj_dim", 1)?.unwrap_or(shape.hidden);
    Ok(())
}

/// Falcon: multi-query in the old decoder, grouped in the new; norms by how the parts run.
fn falcon(shape: &mut Shape, keys: &mut Keys) -> Result<(), ShapeError> {
    let stated = |name: &str| keys.get(name).is_some_and(|value| !value.is_null());
    if !stated("hidden_size") && !stated("ffn_hidden_size") {
        // the class takes 4 times its own 4544, whatever `n_embed` says
        let message = "`n_embed` stands without `hidden_size` and `ffn_hidden_size`".to_owned();
        let help = "write `hidden_size`: the class takes the width of the feed-forward from it";
        return Err(ShapeError::new(Some("hidden_size"), message, help.to_owned()));
    }
    let new = keys.switch("new_decoder_architecture", false)?;
    let multi_query = keys.switch("multi_query", true)?;
    let grouped = keys.given("num_kv_heads", 1)?.filter(|_| new);
    let inputs = keys.given("num_ln_in_parallel_attn", 0)?.unwrap_or(if new { 2 } else { 1 });
    let two = !keys.switch("parallel_attn", true)? || inputs == 2;
    for stack in &mut shape.stacks {
        stack.block.norms = if two { 2 } else { 1 };
        if let Attention::Grouped(attention) = &mut stack.block.attention {
            let each = if new || !multi_query { attention.heads } else { 1 };
            attention.kv_heads = grouped.unwrap_or(each);
            let heads = ("num_attention_heads", attention.heads);
            divides(heads, ("num_kv_heads", attention.kv_heads))?;
        }
    }
    Ok(())
}
