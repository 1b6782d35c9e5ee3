//! Megatron-LM with Transformer Engine: BF16, gradients in FP32, sequence parallel with every
//! tensor-parallel split, fused attention, fused `SwiGLU`, Transformer Engine's cross-entropy.
//!
//! Source: Megatron-LM at 23e00ed0, Transformer Engine 2.11, line by line in
//! `tests/oracle/engine_memory.md`. Taken where Megatron-LM leaves a choice: experts are not split
//! by tensor parallelism (`--expert-tensor-parallel-size 1`; left out, Megatron-LM takes tp),
//! context parallel devices exchange heads (`--cp-comm-type a2a`), and every expert gets its even
//! share of the tokens, none dropped.

mod attention;
mod check;
mod chunk;
mod experts;
mod feed;
mod held;
mod latent;
mod layer;
mod rank;
mod schedule;
mod states;

pub(super) use check::possible;

use self::chunk::Chunk;
use self::rank::Rank;
use self::schedule::{Row, rows};
use super::label::Label;
use super::setting::Setting;
use super::stream::number;
use super::timeline::{Event, Phase, Timeline};
use super::unit::Script;
use crate::model::Shape;

/// Places in the pipeline whose device may hold most: of neighbours within it that have like
/// layers the first, which has more micro-batches on their way.
pub(super) fn places(shape: &Shape, setting: &Setting) -> Vec<u64> {
    let pp = setting.layout.pp;
    let layers = |place| Rank::of(shape, setting, place).chunks(shape).map(|chunk| chunk.layers);
    let like_before =
        |place: &u64| (2..pp - 1).contains(place) && layers(*place).eq(layers(place - 1));
    (0..pp).filter(|place| !like_before(place)).collect()
}

/// One step of the device at a place in the pipeline, as allocations and frees.
pub(super) fn timeline(shape: &Shape, setting: &Setting, place: u64) -> Timeline {
    let rank = Rank::of(shape, setting, place);
    let chunks: Vec<_> = rank.chunks(shape).collect();
    let mut timeline = Timeline::default();
    timeline.push(Phase::Start, 1, states::held(&rank, shape, &chunks));
    let mut walk = Walk {
        timeline,
        rank: &rank,
        chunks: chunks.iter().map(|chunk| Chunk::of(&rank, chunk)).collect(),
        input: false,
        gradient: false,
        received: false,
    };
    for row in rows(&setting.layout, place) {
        walk.through(&row);
    }
    walk.finish();
    walk.timeline
}

/// The passes of a device, one after the other.
///
/// In a pipeline three tensors outlive the backward pass that they belong to, because variables of
/// the schedule still name them (Megatron-LM's `schedules.py`).
struct Walk<'a> {
    timeline: Timeline,
    rank: &'a Rank,
    chunks: Vec<Chunk>,
    /// What the last backward pass had as its input: it hangs on the graph of `output_tensor`
    /// until that name is bound anew.
    input: bool,
    /// The gradient of that input: `input_tensor_grad`.
    gradient: bool,
    /// The gradient that the last backward pass received: `output_tensor_grad`.
    received: bool,
}

impl Walk<'_> {
    /// Like passes in a row. The first begins without the tensors that outlive a pass; from the
    /// second on the level moves by the same amount, so their height is at the second or the last.
    fn through(&mut self, row: &Row) {
        let told = row.times.min(3);
        for pass in 0..told {
            if pass + 1 == told && row.times > told {
                self.skip(row, row.times - told);
            }
            row.forward.into_iter().for_each(|chunk| self.forward(chunk));
            row.backward.into_iter().for_each(|chunk| self.backward(chunk));
        }
    }

    /// More passes, by what they leave.
    fn skip(&mut self, row: &Row, passes: u64) {
        let mut moved = Script::default();
        let passes = number(passes);
        let sum = |chunk: Option<usize>, label: Label| {
            chunk.map_or_else(Default::default, |chunk| self.chunks[chunk].kept(label))
        };
        for label in Label::ALL {
            moved.add(label, (sum(row.forward, label) - sum(row.backward, label)) * passes);
        }
        let mut events = moved.0;
        events.sort_by(|a, b| a.size.per_token.total_cmp(&b.size.per_token));
        let phase = if row.forward.is_some() { Phase::Forward(0) } else { Phase::Backward(0) };
        self.timeline.push(phase, 1, events);
    }

    fn forward(&mut self, chunk: usize) {
        let chunk = &self.chunks[chunk];
        for part in &chunk.forward {
            self.timeline.push(part.phase, part.times, part.events.clone());
        }
        let mut s = Script::default();
        if std::mem::take(&mut self.input) {
            s.add(self.rank.kept, -self.rank.stream());
        }
        s.extend(&chunk.leave);
        self.timeline.push(Phase::Head, 1, s.0);
    }

    fn backward(&mut self, chunk: usize) {
        let chunk = &self.chunks[chunk];
        let (rank, stream) = (self.rank, self.rank.stream());
        let mut s = Script::default();
        s.extend(&chunk.back);
        if !chunk.ends.head && rank.interleave == 1 && std::mem::replace(&mut self.received, true) {
            s.add(Label::ActivationGradients, -stream);
        }
        if std::mem::take(&mut self.input) {
            s.add(rank.kept, -stream);
        }
        self.timeline.push(Phase::HeadBackward, 1, s.0);
        for part in &chunk.backward {
            self.timeline.push(part.phase, part.times, part.events.clone());
        }
        let mut s = Script::default();
        if !chunk.ends.embedding {
            if std::mem::replace(&mut self.gradient, true) {
                s.add(Label::ActivationGradients, -stream);
            }
            if rank.interleave == 1 {
                self.input = true;
            } else {
                s.add(rank.kept, -stream);
            }
        }
        s.extend(&chunk.back_leave);
        self.timeline.push(Phase::EmbeddingBackward, 1, s.0);
    }

    /// The optimizer works in place; the schedule's variables are gone by then.
    fn finish(&mut self) {
        let stream = -self.rank.stream();
        let named = [
            (self.input, self.rank.kept),
            (self.gradient, Label::ActivationGradients),
            (self.received, Label::ActivationGradients),
        ];
        let named = named.into_iter().filter(|(held, _)| *held);
        let events = named.map(|(_, label)| Event::new(label, stream)).collect();
        self.timeline.push(Phase::Reduce, 1, events);
    }
}
