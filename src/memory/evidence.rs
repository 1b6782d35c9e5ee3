//! What tested the number: a suite, its error there, and whether a case lies inside it.

mod suites;

pub use suites::{
    ADAPTERS, BIGSCIENCE, HUGGING_FACE, KNOWN_FAMILIES, MEASURED, MEGATRON, OFFLOADED, REPLICATED,
    Settings, Suite, TENSOR, TORCHTITAN, TRACKER,
};

use super::setting::{AttentionKernel, Optimizer, Profile, Setting};
use super::stream::number;
use crate::fact::Evidence;
use crate::layout::{Recompute, Strategy};
use crate::model::{Attention, FeedForward, QkNorm, Shape};
use crate::quantity::grouped;

/// What tested a case like this.
#[must_use]
pub fn evidence(shape: &Shape, setting: &Setting) -> Evidence<Suite> {
    let suite = match setting.profile {
        Profile::Eager => &TRACKER,
        Profile::Cuda if setting.layout.cpu_offload => &OFFLOADED,
        Profile::Cuda if setting.layout.strategy == Strategy::Ddp => &REPLICATED,
        Profile::Cuda if setting.layout.tp > 1 => &TENSOR,
        Profile::Cuda => &MEASURED,
        Profile::HuggingFace if setting.adapter.is_some() => &ADAPTERS,
        Profile::HuggingFace => &HUGGING_FACE,
        Profile::Megatron => &MEGATRON,
        Profile::Torchtitan | Profile::TorchtitanEager => &TORCHTITAN,
        Profile::MegatronDeepspeed | Profile::MegatronDeepspeedBf16 => &BIGSCIENCE,
    };
    let mut outside = Vec::new();
    splits(setting, &suite.settings, &mut outside);
    kernels(setting, &suite.settings, &mut outside);
    blocks(shape, &suite.settings, &mut outside);
    if !suite.settings.families.is_empty() {
        outside.extend(code(setting, suite.settings.families));
    }
    let layout = &setting.layout;
    let params = u64::try_from(shape.count().total()).unwrap_or(u64::MAX);
    for (what, value, [least, most]) in [
        ("parameters", params, suite.params),
        ("shards", layout.shards(), suite.shards),
        ("tokens a sequence", setting.sequence, suite.sequence),
        ("sequences a micro-batch", layout.micro_batch, suite.micro_batch),
        ("rows of the embedding", shape.vocab, suite.vocab),
    ] {
        if !(least..=most).contains(&value) {
            let [value, least, most] = [value, least, most].map(|n| grouped(number(n)));
            outside.push(format!("{value} {what}: {least} to {most} were tested"));
        }
    }
    Evidence { suite, outside }
}

/// In what a family's own code was not tested.
fn code(setting: &Setting, tested: &[&str]) -> Option<String> {
    let family = match setting.family {
        Some(family) if tested.contains(&family) => return None,
        Some(family) => format!("family {family}"),
        None => "a shape of no family".to_owned(),
    };
    Some(format!("{family}: {} were tested", tested.join(", ")))
}

fn splits(setting: &Setting, tested: &Settings, outside: &mut Vec<String>) {
    let layout = &setting.layout;
    if !tested.strategies.contains(&layout.strategy) {
        let tested = list(tested.strategies);
        outside.push(format!("strategy {}: {tested} was tested", layout.strategy));
    }
    let degrees = [
        ("dp_replicate", layout.dp_replicate),
        ("tp", layout.tp),
        ("pp", layout.pp),
        ("cp", layout.cp),
        ("ep", layout.ep),
        ("micro_batches", layout.micro_batches),
    ];
    for ((key, degree), most) in degrees.into_iter().zip(tested.degrees) {
        if degree > most {
            let up_to = if most == 1 { "1".to_owned() } else { format!("1 to {most}") };
            outside.push(format!("{key} {degree}: {up_to} was tested"));
        }
    }
    if layout.cpu_offload && !tested.cpu_offload {
        outside.push("cpu_offload: it was tested with the profile cuda".to_owned());
    }
    if layout.interleave > 1 {
        outside.push(format!("interleave {}: 1 was tested", layout.interleave));
    }
}

fn kernels(setting: &Setting, tested: &Settings, outside: &mut Vec<String>) {
    let Setting { layout, precision, optimizer, attention, loss, adapter, profile, .. } = setting;
    let mut say = |odd: bool, text: String| {
        if odd {
            outside.push(text);
        }
    };
    let recompute = layout.recompute;
    say(
        !tested.recompute.contains(&recompute),
        format!("recompute {recompute}: {} was tested", list(tested.recompute)),
    );
    say(
        !tested.precision.contains(precision) && adapter.is_none(),
        format!("precision {precision}: {} was tested", list(tested.precision)),
    );
    say(*optimizer != Optimizer::AdamW, format!("optimizer {optimizer}: adamw was tested"));
    say(
        !tested.attention.contains(attention),
        format!("attention {attention}: {} was tested", list(tested.attention)),
    );
    let wide_scores = tested.attention.len() > 1
        && *attention == AttentionKernel::Eager
        && (precision.mixed() || recompute != Recompute::None);
    say(
        wide_scores,
        "attention eager: it was tested with bf16-pure and without recomputation".to_owned(),
    );
    say(!tested.loss.contains(loss), format!("loss {loss}: {} was tested", list(tested.loss)));
    let adapted = adapter.is_some() && *profile != Profile::HuggingFace;
    say(adapted, "adapters: they were tested with the profile hugging-face".to_owned());
}

fn list<T: std::fmt::Display>(all: &[T]) -> String {
    all.iter().map(T::to_string).collect::<Vec<_>>().join(" or ")
}

fn blocks(shape: &Shape, tested: &Settings, outside: &mut Vec<String>) {
    // a family's own code was tested with the blocks that it has
    let odd = tested.families.len() <= 1
        && shape.blocks().any(|(_, block)| {
            let plain = match &block.attention {
                Attention::Grouped(grouped) => grouped.qk_norm == QkNorm::None && !grouped.sinks,
                Attention::Latent(_) => tested.experts,
            };
            let known = tested.experts || matches!(block.feed_forward, FeedForward::Dense(_));
            !plain || !known || block.norms != 2
        });
    let embedding = shape.embedding_norm && !tested.embedding_norm;
    if odd || embedding || !shape.final_norm {
        let text =
            "this kind of block: dense ones with grouped attention and two norms were tested";
        outside.push(text.to_owned());
    }
}
