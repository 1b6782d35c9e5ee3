//! What can be simulated, and what cannot.

use super::setting::{LossKernel, Profile, Setting};
use super::{MemoryError, megatron};
use crate::model::{Attention, FeedForward, Positions, Shape};

/// Most tokens of a micro-batch on one device.
const MAX_TOKENS: u64 = 1_000_000_000_000;

/// Whether the operators of a model in this setting are known, and its splits are whole.
pub(super) fn possible(shape: &Shape, setting: &Setting) -> Result<(), MemoryError> {
    let layout = &setting.layout;
    let fault = |key: &'static str, message: String, help: &str| {
        Err(MemoryError { key, message, help: help.to_owned() })
    };
    if setting.sequence == 0 {
        return fault("training.sequence", "a sequence has no tokens".into(), "write 1 or more");
    }
    let tokens = setting.sequence.saturating_mul(layout.micro_batch);
    if tokens > MAX_TOKENS {
        let message = format!(
            "{} sequences of {} tokens are more than 10^12 in one micro-batch",
            layout.micro_batch, setting.sequence
        );
        return fault("layout.micro_batch", message, "take fewer or shorter sequences");
    }
    if !setting.sequence.is_multiple_of(layout.cp) {
        let message =
            format!("{} tokens of a sequence do not divide by cp {}", setting.sequence, layout.cp);
        return fault("layout.cp", message, "take a `cp` that divides the sequence");
    }
    if layout.pp.saturating_mul(layout.interleave) > shape.layers() {
        let message = format!(
            "pp {} × interleave {} makes more chunks than the model has layers, {}",
            layout.pp,
            layout.interleave,
            shape.layers()
        );
        return fault("layout.pp", message, "give every chunk a layer");
    }
    if shape.positions == Positions::Relative {
        let message = "relative positions in every layer are not simulated".to_owned();
        return fault("model", message, "rotated and learned positions, ALiBi and none are");
    }
    for (_, block) in shape.blocks() {
        let heads = block.attention.heads();
        if !heads.is_multiple_of(layout.tp) {
            let message = format!("{heads} heads do not divide by tp {}", layout.tp);
            return fault("layout.tp", message, "take a `tp` that divides the heads");
        }
        if let Attention::Grouped(a) = &block.attention
            && !a.kv_heads.is_multiple_of(layout.tp)
            && !layout.tp.is_multiple_of(a.kv_heads)
        {
            let message = format!("{} key heads and tp {} do not divide", a.kv_heads, layout.tp);
            return fault("layout.tp", message, "one is a multiple of the other");
        }
        match &block.feed_forward {
            FeedForward::Experts(experts) if !experts.count.is_multiple_of(layout.ep) => {
                let message =
                    format!("{} experts do not divide by ep {}", experts.count, layout.ep);
                return fault("layout.ep", message, "take an `ep` that divides the experts");
            }
            _ => {}
        }
    }
    if layout.ep > 1 && !shape.has_experts() {
        let message = format!("ep {} and a model without experts", layout.ep);
        return fault("layout.ep", message, "leave `ep` out");
    }
    if setting.profile == Profile::Megatron {
        return megatron::possible(shape, setting);
    }
    if setting.loss == LossKernel::Fused {
        let message = format!("the profile {} has no fused loss", setting.profile);
        let help = "`fused` is the profile megatron's; take `eager`, `released` or `chunked`";
        return fault("training.loss", message, help);
    }
    super::engine::possible(shape, setting)
}
