//! What tested the number: a suite, its error there, and whether a case lies inside it.

use super::setting::{AttentionKernel, LossKernel, Optimizer, Precision, Profile, Setting};
use crate::layout::{Recompute, Strategy};
use crate::model::{Attention, FeedForward, QkNorm, Shape};

/// A suite of cases with known memory, and what they cover.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suite {
    /// What the cases are compared with.
    pub what: &'static str,
    /// Where they stand.
    pub file: &'static str,
    /// How many there are.
    pub cases: usize,
    /// Relative error of the peak without its sign, in the median.
    pub median_error: f64,
    /// The largest.
    pub worst_error: f64,
    /// Least and most parameters.
    pub params: [u64; 2],
    /// Least and most devices that share the states.
    pub shards: [u64; 2],
    /// Least and most tokens of a sequence.
    pub sequence: [u64; 2],
    /// Least and most sequences of a micro-batch.
    pub micro_batch: [u64; 2],
    /// Least and most rows of the embedding.
    pub vocab: [u64; 2],
}

/// PyTorch's own tracker, without a GPU.
pub const TRACKER: Suite = Suite {
    what: "PyTorch's FSDPMemTracker (torch 2.15)",
    file: "tests/oracle/fsdp_memory.csv",
    cases: 108,
    median_error: 0.0,
    worst_error: 0.0,
    params: [124_439_808, 405_853_388_800],
    shards: [1, 2048],
    sequence: [1000, 131_072],
    micro_batch: [1, 8],
    vocab: [31_999, 256_000],
};

/// Measured on a GPU, its collectives moving nothing.
pub const MEASURED: Suite = Suite {
    what: "steps measured on an NVIDIA H100 (torch 2.11)",
    file: "tests/oracle/gpu_memory.csv",
    cases: 94,
    median_error: 0.0002,
    worst_error: 0.0368,
    params: [124_439_808, 13_765_820_416],
    shards: [1, 2048],
    sequence: [1000, 32_768],
    micro_batch: [1, 8],
    vocab: [31_999, 256_000],
};

/// Hugging Face's models measured on a GPU: those families whose code keeps what the profile keeps
/// (Llama, Mistral, Qwen2, Qwen3, Granite, `SmolLM3`, `StarCoder2`). Of others a recomputed step is
/// as near, one that keeps everything up to 25 % off.
pub const HUGGING_FACE: Suite = Suite {
    what: "steps of transformers 5.17 on an NVIDIA H100 (torch 2.11)",
    file: "tests/oracle/gpu_families.csv",
    cases: 14,
    median_error: 0.0012,
    worst_error: 0.0087,
    params: [287_209_472, 349_997_056],
    shards: [1, 1],
    sequence: [512, 16_384],
    micro_batch: [1, 4],
    vocab: [32_000, 32_000],
};

/// The evidence for one case.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The suite that tested this profile.
    pub suite: &'static Suite,
    /// In what the case lies outside the suite; inside where empty.
    pub outside: Vec<String>,
}

impl Evidence {
    /// Whether the case is like those that were tested.
    #[must_use]
    pub fn inside(&self) -> bool {
        self.outside.is_empty()
    }
}

/// What tested a case like this.
#[must_use]
pub fn evidence(shape: &Shape, setting: &Setting) -> Evidence {
    let suite = match setting.profile {
        Profile::Eager => &TRACKER,
        Profile::Cuda => &MEASURED,
        Profile::HuggingFace => &HUGGING_FACE,
    };
    let mut outside = Vec::new();
    splits(setting, &mut outside);
    kernels(setting, &mut outside);
    blocks(shape, &mut outside);
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
            outside.push(format!("{value} {what}: {least} to {most} were tested"));
        }
    }
    Evidence { suite, outside }
}

fn splits(setting: &Setting, outside: &mut Vec<String>) {
    let layout = &setting.layout;
    if layout.strategy != Strategy::Fsdp2 {
        outside.push(format!("strategy {}: fsdp2 was tested", layout.strategy));
    }
    let degrees = [
        ("dp_replicate", layout.dp_replicate),
        ("tp", layout.tp),
        ("pp", layout.pp),
        ("cp", layout.cp),
        ("ep", layout.ep),
        ("micro_batches", layout.micro_batches),
    ];
    let split = degrees.iter().filter(|(_, degree)| *degree > 1);
    outside.extend(split.map(|(key, degree)| format!("{key} {degree}: 1 was tested")));
}

fn kernels(setting: &Setting, outside: &mut Vec<String>) {
    let mut say = |odd: bool, text: String| {
        if odd {
            outside.push(text);
        }
    };
    let Setting { layout, precision, optimizer, attention, loss, .. } = setting;
    let selective = layout.recompute == Recompute::Selective;
    say(selective, "recompute selective: none and full were tested".to_owned());
    say(*precision != Precision::Bf16, format!("precision {precision}: bf16 was tested"));
    say(*optimizer != Optimizer::AdamW, format!("optimizer {optimizer}: adamw was tested"));
    say(*attention != AttentionKernel::Sdpa, format!("attention {attention}: sdpa was tested"));
    let chunked = !matches!(loss, LossKernel::Eager | LossKernel::Released);
    say(chunked, format!("loss {loss}: eager and released were tested"));
}

fn blocks(shape: &Shape, outside: &mut Vec<String>) {
    let odd = shape.blocks().any(|(_, block)| {
        let plain = match &block.attention {
            Attention::Grouped(grouped) => grouped.qk_norm == QkNorm::None && !grouped.sinks,
            Attention::Latent(_) => false,
        };
        let dense = matches!(block.feed_forward, FeedForward::Dense(_));
        !plain || !dense || block.norms != 2
    });
    if odd || shape.embedding_norm || !shape.final_norm {
        let text =
            "this kind of block: dense ones with grouped attention and two norms were tested";
        outside.push(text.to_owned());
    }
}
