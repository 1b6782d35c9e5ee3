//! What an engine's mechanism is known for, and what not.

use super::MemoryError;
use super::setting::{Profile, Setting};
use crate::layout::{Recompute, Strategy};
use crate::model::{Attention, Block, FeedForward, Shape};

/// Most layers whose allocations are walked one by one (`Step::reserved`).
const MAX_LAYERS: u64 = 1000;

/// Whether the setting's profile is known to train this model in this way.
pub(super) fn possible(shape: &Shape, setting: &Setting) -> Result<(), MemoryError> {
    let fault = |key: &'static str, message: &str, help: &str| {
        let (message, help) = (format!("{}: {message}", setting.profile), help.to_owned());
        Err(MemoryError { key, message, help })
    };
    let (profile, layout) = (setting.profile, &setting.layout);
    if layout.cpu_offload && setting.adapter.is_some() {
        let message = "what a model with adapters leaves on the host is not known";
        return fault("layout.cpu_offload", message, "leave it out, or train the whole model");
    }
    let all = |is: fn(&Block) -> bool| shape.blocks().all(|(_, block)| is(block));
    if layout.recompute == Recompute::Selective {
        let known = matches!(profile, Profile::Eager | Profile::Cuda) || profile.torchtitan();
        if !known || !layout.strategy.gathers() || !all(dense) {
            let message = "selective recomputation is known for dense blocks under fsdp2 and hsdp, \
                           operator by operator as torchtitan selects them";
            return fault("layout.recompute", message, "`none` and `full` are simulated");
        }
    }
    if profile.torchtitan() {
        if shape.layers() > MAX_LAYERS {
            let message = "is walked block by block, for up to 1,000 layers";
            return fault("model", message, "take the profile `cuda`");
        }
        if !layout.strategy.gathers() {
            let help = "take `strategy = \"fsdp2\"`, or the profile `cuda`";
            return fault("layout.strategy", "shards by fsdp2 or hsdp", help);
        }
        if !all(llama) {
            let message = "trains Llama's blocks: a gate, no bias, no experts";
            return fault("model", message, "take the profile `cuda`");
        }
        if profile == Profile::Torchtitan && layout.recompute == Recompute::None {
            let message = "what the compiler keeps of a block without recomputation is not known";
            let help = "`selective` and `full` are simulated; so is `torchtitan-eager`";
            return fault("layout.recompute", message, help);
        }
    }
    if profile.megatron_deepspeed() {
        if !matches!(layout.strategy, Strategy::Ddp | Strategy::Zero1) {
            let help = "take `strategy = \"zero1\"`";
            return fault("layout.strategy", "shares out optimizer states or nothing", help);
        }
        if layout.recompute != Recompute::Full {
            let help = "take `recompute = \"full\"`";
            return fault("layout.recompute", "keeps the input of every block alone", help);
        }
        if layout.cp > 1 || layout.interleave > 1 {
            let key = if layout.cp > 1 { "layout.cp" } else { "layout.interleave" };
            return fault(key, "splits by dp, tp and pp alone", "leave it out");
        }
        if shape.stacks.len() > 1 || !shape.tied || !all(gpt) {
            let message = "trains GPT's blocks: heads with keys of their own, a feed-forward of four \
                           times the width without a gate, tied embeddings";
            return fault("model", message, "take another profile");
        }
    }
    Ok(())
}

fn dense(block: &Block) -> bool {
    matches!(block.feed_forward, FeedForward::Dense(_))
}

fn llama(block: &Block) -> bool {
    let (Attention::Grouped(a), FeedForward::Dense(mlp)) = (&block.attention, &block.feed_forward)
    else {
        return false;
    };
    !a.qkv_bias && !a.out_bias && mlp.gated && !mlp.bias && block.norms == 2
}

fn gpt(block: &Block) -> bool {
    let (Attention::Grouped(a), FeedForward::Dense(mlp)) = (&block.attention, &block.feed_forward)
    else {
        return false;
    };
    a.kv_heads == a.heads
        && !mlp.gated
        && mlp.width == a.heads.saturating_mul(a.head_dim).saturating_mul(4)
}
