//! Megatron-DeepSpeed of February 2022: GPT blocks, `ZeRO`-1 on a pipeline, every block recomputed,
//! no flash attention, no sequence parallelism; as the allocator's reserved bytes.
//!
//! Not a walk through the step but what each part of it needs, added up. Without expandable
//! segments a request over 10 MiB has a segment of its own, and segments never join: the gigabytes
//! of the optimizer's step cannot lie where activations of 59 to 117 MB lay, so both stay reserved.
//! Sources and results: `tests/oracle/engine_memory_torch.md`.

use super::block::{Block, Parameter};
use super::label::Label;
use super::line::Line;
use super::setting::{Profile, Setting};
use super::stream::{Stream, number};
use super::timeline::{Phase, Timeline};
use super::unit::Script;
use crate::model::{Positions, Shape};

const MIB: f64 = 1024.0 * 1024.0;
/// What `nvidia-smi` shows of an A100 with nothing but a context: 1573 MiB, measured by its authors
/// (chronicles-prequel.md at 9e64ede, line 144).
const CONTEXT: f64 = 1573.0 * MIB;
/// Buffers of NCCL between nodes. An assumption without a source: 2.5 GiB.
const NCCL: f64 = 2560.0 * MIB;
/// Devices of a node.
const NODE: u64 = 8;
/// Numbers of the buffer in which gradients are reduced (`reduce_bucket_size`).
const BUCKET: f64 = 5e8;

/// Bytes that `nvidia-smi` shows beside what the allocator has reserved: measured and assumed ones.
pub(super) fn context(setting: &Setting) -> (f64, f64) {
    (CONTEXT, if setting.layout.devices() > NODE { NCCL } else { 0.0 })
}

/// What the device at a place in the pipeline reserves.
pub(super) fn timeline(shape: &Shape, setting: &Setting, stage: u64) -> Timeline {
    let stream = Stream::of(shape, setting);
    let layout = &setting.layout;
    let place = Place {
        stream: &stream,
        bf16: setting.profile == Profile::MegatronDeepspeedBf16,
        heads: number(shape.blocks().map(|(_, block)| block.attention.heads()).max().unwrap_or(1)),
        vocab: number(shape.vocab) / stream.tp,
        first: stage == 0,
        last: stage + 1 == layout.pp,
        flight: number((layout.pp - stage).min(layout.micro_batches)),
    };
    let layers = place.layers(shape.layers(), layout.pp, stage);
    let mut timeline = Timeline::default();
    let numbers = place.numbers(shape, layers);
    timeline.push(Phase::Start, 1, place.states(numbers, number(layout.shards())).0);
    timeline.push(Phase::Embedding, 1, place.around(shape).0);
    timeline.push(Phase::Forward(0), 1, place.checkpoints(layers).0);
    timeline.push(Phase::Backward(0), 1, place.block().0);
    if place.last {
        // logits in 16 bits, their FP32 copy, its gradient, and that in 16 bits
        let mut s = Script::default();
        s.add(Label::Logits, Line::per_token(2.0 * place.vocab));
        s.add(Label::Loss, Line::per_token(10.0 * place.vocab));
        timeline.push(Phase::Loss, 1, s.0);
    }
    timeline
}

/// A device of the pipeline.
struct Place<'a> {
    stream: &'a Stream,
    /// The BF16 optimizer, from 28 February on.
    bf16: bool,
    heads: f64,
    /// Rows of the embedding on this device.
    vocab: f64,
    first: bool,
    last: bool,
    /// Micro-batches that have gone forward and not yet backward.
    flight: f64,
}

impl Place<'_> {
    /// Its blocks: the stages before the last are filled up first; from 28 February on an
    /// embedding takes a block's place (`partition_method`, type:transformer|embedding).
    fn layers(&self, all: u64, pp: u64, stage: u64) -> f64 {
        if self.bf16 {
            let ends = u64::from(self.first) + u64::from(self.last);
            return number((all + 2).div_ceil(pp).saturating_sub(ends));
        }
        let each = all.div_ceil(pp);
        number(each.min(all.saturating_sub(each.saturating_mul(stage))))
    }

    /// Parameters: the tied embedding is on the first and on the last stage.
    fn numbers(&self, shape: &Shape, layers: f64) -> f64 {
        let h = self.stream.hidden;
        let block = shape.blocks().next().map_or(0.0, |(_, block)| {
            let parameters = Block { stream: self.stream, kind: block, masked: false }.parameters();
            parameters.iter().map(Parameter::numbers).sum()
        });
        let mut numbers = layers * block;
        if self.first || self.last {
            numbers += self.vocab * h;
        }
        if let (true, Positions::Learned(rows)) = (self.first, shape.positions) {
            numbers += number(rows) * h;
        }
        if self.last { numbers + 2.0 * h } else { numbers }
    }

    fn states(&self, numbers: f64, over: f64) -> Script {
        let mut s = Script::default();
        let shard = numbers / over;
        s.make(Label::Parameters, 2.0 * numbers);
        s.make(Label::Gradients, 2.0 * numbers);
        s.make(Label::Optimizer, 12.0 * shard);
        if self.bf16 {
            // "accumulate gradients in fp32 … 4 bytes × params and it's not sharded"
            s.make(Label::Gradients, 4.0 * numbers);
            // they are reduced as one flat tensor, in 16 bits (DeepSpeed 56c52238:
            // bf16_optimizer.py `get_grads_for_reduction`, engine.py `allreduce_bucket`)
            s.make(Label::Communication, 2.0 * numbers);
            return s;
        }
        let h = self.stream.hidden;
        let embedding = if self.first || self.last { self.vocab * h } else { 0.0 };
        let largest = embedding.max(4.0 * h * h / self.stream.tp);
        s.make(Label::Communication, 2.0 * BUCKET);
        // stage_1_and_2.py: the shard's gradients flattened in 16 bits, then in FP32; their norm
        // by the largest one in FP64
        s.make(Label::OptimizerWork, 6.0 * shard);
        s.make(Label::OptimizerWork, 8.0 * largest.min(shard));
        s
    }

    /// The embedding with its dropout's mask, outside the checkpoints; or what the stage before
    /// sends and takes back.
    fn around(&self, shape: &Shape) -> Script {
        let h = self.stream.hidden;
        let mut s = Script::default();
        if self.first {
            let kept = if shape.embedding_norm { 3.0 } else { 1.0 };
            s.add(Label::Embedding, Line::per_token(self.flight * kept * h + 2.0 * h));
        } else {
            s.add(Label::Communication, Line::per_token(4.0 * h));
        }
        s
    }

    /// The input of every block, and the stage's output, shared out over tensor-parallel devices.
    fn checkpoints(&self, layers: f64) -> Script {
        let h = self.stream.hidden;
        let mut s = Script::default();
        s.add(Label::Checkpoints, Line::per_token(self.flight * layers * 2.0 * h));
        s.add(Label::Residual, Line::per_token(self.flight * 2.0 * h / self.stream.tp));
        s
    }

    /// One block recomputed (Korthikanti et al. 2022, arXiv:2205.05198, equation 2), and its
    /// largest gradients.
    fn block(&self) -> Script {
        let (h, t) = (self.stream.hidden, self.stream.tp);
        let scores = self.heads * self.stream.keys / t;
        let mut s = Script::default();
        s.add(Label::FeedForward, Line::per_token(h * (10.0 + 24.0 / t)));
        s.add(Label::Attention, Line::per_token(5.0 * scores));
        s.add(Label::ActivationGradients, Line::per_token(2.0 * h * (2.0 + 4.0 / t)));
        s.add(Label::ActivationGradients, Line::per_token(2.0 * scores));
        s
    }
}
