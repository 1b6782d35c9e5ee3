//! What Megatron-LM splits and this profile knows.

use crate::layout::Strategy;
use crate::memory::MemoryError;
use crate::memory::setting::{AttentionKernel, LossKernel, Optimizer, Setting};
use crate::model::{Attention, Block, FeedForward, Norm, Positions, QkNorm, Shape};

/// Most chunks of layers on one device.
const MAX_CHUNKS: u64 = 128;

type Checked = Result<(), MemoryError>;

fn fault(key: &'static str, message: String, help: impl Into<String>) -> Checked {
    Err(MemoryError { key, message, help: help.into() })
}

/// Whether this profile knows the model's operators and Megatron-LM can split it so.
pub(in crate::memory) fn possible(shape: &Shape, setting: &Setting) -> Checked {
    engine(setting)?;
    model(shape)?;
    split(shape, setting)?;
    shape.blocks().try_for_each(|(_, block)| split_block(block, setting))
}

/// What the engine has.
fn engine(setting: &Setting) -> Checked {
    let strategy = setting.layout.strategy;
    if !matches!(strategy, Strategy::Zero1 | Strategy::Ddp) {
        let message = format!("the profile megatron does not have {strategy}");
        let help = "`zero1` is its distributed optimizer, `ddp` holds all states everywhere";
        return fault("layout.strategy", message, help);
    }
    if !setting.precision.mixed() {
        let message = format!("the profile megatron does not have {}", setting.precision);
        let help = "`bf16` is computing in BF16 with gradients and optimizer states in FP32";
        return fault("training.precision", message, help);
    }
    if setting.optimizer == Optimizer::AdamW8bit {
        let message = format!("the profile megatron does not have {}", setting.optimizer);
        return fault("training.optimizer", message, "it has `adamw` and `sgd`");
    }
    if setting.attention != AttentionKernel::Sdpa {
        let message = "the profile megatron has fused attention alone".to_owned();
        return fault("training.attention", message, "leave it out, or take `sdpa`");
    }
    if setting.loss != LossKernel::Fused {
        let message = format!("the profile megatron does not have the loss {}", setting.loss);
        let help = "`fused` is Transformer Engine's cross-entropy, its default here";
        return fault("training.loss", message, help);
    }
    Ok(())
}

/// Blocks whose operators were read in the source.
fn model(shape: &Shape) -> Checked {
    let plain = shape.positions == Positions::Free
        && shape.norm != Norm::Bare
        && shape.final_norm
        && !shape.embedding_norm
        && shape.embedding_width == shape.hidden;
    let known = |block: &Block| {
        let attention = match &block.attention {
            Attention::Grouped(a) => !a.out_bias && !a.sinks && a.qk_norm == QkNorm::None,
            Attention::Latent(a) => !a.bias,
        };
        let feed = match &block.feed_forward {
            FeedForward::Dense(mlp) => !mlp.bias,
            FeedForward::Experts(e) => {
                let shared = e.shared.is_none_or(|shared| !shared.bias);
                let expert = e.expert.gated && !e.expert.bias;
                expert && shared && !e.router_bias && !e.shared_gate
            }
        };
        block.norms == 2 && attention && feed
    };
    if plain && shape.blocks().all(|(_, block)| known(block)) {
        return Ok(());
    }
    let message = "the profile megatron does not know all operators of this model".to_owned();
    let help = "it knows blocks of two norms as Llama, Qwen2, Mixtral and DeepSeek have them: \
                rotated positions, no biases but on queries, keys and values, no norms of queries \
                and keys";
    fault("model", message, help)
}

/// What Megatron-LM asserts of a layout.
fn split(shape: &Shape, setting: &Setting) -> Checked {
    let layout = &setting.layout;
    let chunks = layout.pp.saturating_mul(layout.interleave);
    if !shape.layers().is_multiple_of(chunks) {
        let message = format!(
            "{} layers do not divide by pp {} × interleave {}",
            shape.layers(),
            layout.pp,
            layout.interleave
        );
        return fault("layout.pp", message, "take chunks of as many layers each");
    }
    if layout.interleave > MAX_CHUNKS {
        let message = format!("`interleave` is above {MAX_CHUNKS}");
        return fault("layout.interleave", message, "take fewer chunks on each device");
    }
    if layout.interleave > 1 && !layout.micro_batches.is_multiple_of(layout.pp) {
        let message = format!(
            "{} micro-batches do not divide by pp {}, as an interleaved schedule needs",
            layout.micro_batches, layout.pp
        );
        return fault("layout.micro_batches", message, "take a multiple of `pp`");
    }
    let tokens = setting.sequence / layout.cp;
    if !tokens.is_multiple_of(layout.tp) {
        let message =
            format!("{tokens} tokens of a sequence on a device do not divide by tp {}", layout.tp);
        let help = "sequence parallel shares them out: take a `tp` that divides them";
        return fault("layout.tp", message, help);
    }
    Ok(())
}

fn split_block(block: &Block, setting: &Setting) -> Checked {
    let layout = &setting.layout;
    let width = match &block.feed_forward {
        FeedForward::Dense(mlp) => Some(mlp.width),
        FeedForward::Experts(e) => e.shared.map(|shared| shared.width),
    };
    if let Some(width) = width.filter(|width| !width.is_multiple_of(layout.tp)) {
        let message =
            format!("a feed-forward of width {width} does not divide by tp {}", layout.tp);
        return fault("layout.tp", message, "take a `tp` that divides the width");
    }
    let heads = match &block.attention {
        Attention::Grouped(a) => (a.kv_heads / layout.tp).max(1),
        Attention::Latent(a) => a.heads / layout.tp,
    };
    if !heads.is_multiple_of(layout.cp) {
        let message = format!("{heads} key heads of a device do not divide by cp {}", layout.cp);
        let help = "its context parallel devices exchange heads (`--cp-comm-type a2a`): take a \
                    `cp` that divides them";
        return fault("layout.cp", message, help);
    }
    Ok(())
}
