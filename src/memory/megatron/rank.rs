//! A device: its share of tokens, widths and layers.

use super::held::{Heap, Held};
use crate::layout::Recompute;
use crate::memory::label::Label;
use crate::memory::line::Line;
use crate::memory::root::Ends;
use crate::memory::setting::Setting;
use crate::memory::step::stage_layers;
use crate::memory::stream::number;
use crate::model::{self, Norm, Shape};

const BF16: f64 = 2.0;
const FP32: f64 = 4.0;

/// Layers of a chunk, stack by stack.
pub(super) struct ChunkLayers<'a> {
    pub layers: Vec<(u64, &'a model::Block)>,
    pub ends: Ends,
}

/// A device at a place in the pipeline.
///
/// Lines are for each token of a micro-batch on this device before tensor-parallel devices share
/// them out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rank {
    pub setting: Setting,
    pub place: u64,
    pub interleave: u64,
    pub hidden: f64,
    /// Rows of the embedding and of the head on this device.
    pub vocab: f64,
    pub tp: f64,
    pub cp: f64,
    pub ep: f64,
    /// Numbers that a norm keeps of a token: 1/rms, or the mean too.
    pub statistics: f64,
    pub recompute: Recompute,
    /// What a layer's input is kept as.
    pub kept: Label,
}

impl Rank {
    pub fn of(shape: &Shape, setting: &Setting, place: u64) -> Self {
        let layout = &setting.layout;
        let full = layout.recompute == Recompute::Full;
        Self {
            setting: *setting,
            place,
            interleave: layout.interleave,
            hidden: number(shape.hidden),
            vocab: number(vocab(shape, layout.tp)),
            tp: number(layout.tp),
            cp: number(layout.cp),
            ep: number(layout.ep),
            statistics: if shape.norm == Norm::Layer { 2.0 } else { 1.0 },
            recompute: layout.recompute,
            kept: if full { Label::Checkpoints } else { Label::Residual },
        }
    }

    /// The chunks of this device: it has every pp-th one.
    pub fn chunks(self, shape: &Shape) -> impl Iterator<Item = ChunkLayers<'_>> {
        let pp = self.setting.layout.pp;
        let all = pp * self.interleave;
        (0..self.interleave).map(move |turn| {
            let chunk = turn * pp + self.place;
            let ends = Ends { embedding: chunk == 0, head: chunk + 1 == all };
            ChunkLayers { layers: stage_layers(shape, all, chunk), ends }
        })
    }

    /// BF16 numbers for each token of the micro-batch.
    pub fn wide(width: f64) -> Line {
        Line::per_token(BF16 * width)
    }

    /// BF16 numbers for each token of this device's share.
    pub fn narrow(&self, width: f64) -> Line {
        Line::per_token(BF16 * width / self.tp)
    }

    /// A tensor of the stream with the tokens of all tensor-parallel devices.
    pub fn whole(&self) -> Line {
        Self::wide(self.hidden)
    }

    /// A tensor of the stream: this device's share of the tokens.
    pub fn stream(&self) -> Line {
        self.narrow(self.hidden)
    }

    /// A norm of this device's tokens: its output before it is gathered, and its statistics.
    pub fn norm(&self, heap: &mut Heap, width: f64) -> NormSaved {
        let output = heap.make(Label::Norms, self.narrow(width));
        let size = Line::per_token(FP32 * self.statistics / self.tp);
        NormSaved { output, statistics: heap.make(Label::Norms, size) }
    }

    /// The tokens of all tensor-parallel devices, where there are others.
    pub fn gather(&self, heap: &mut Heap, width: f64) -> Option<Held> {
        (self.tp > 1.0).then(|| heap.make(Label::Communication, Self::wide(width)))
    }

    /// Partial sums of all tokens: added up, this device's share of them.
    pub fn scatter(&self, heap: &mut Heap, partial: Held) -> Held {
        if self.tp > 1.0 { heap.replaced(partial, self.stream()) } else { partial }
    }

    /// The output of a row-parallel product, added up.
    pub fn project(&self, heap: &mut Heap) -> Held {
        let partial = heap.make(Label::Residual, self.whole());
        self.scatter(heap, partial)
    }

    /// The gradient of what a column-parallel product read: the gathered tokens are there once
    /// more for the weight's gradient.
    pub fn project_back(&self, heap: &mut Heap) -> Held {
        let gathered = self.gather(heap, self.hidden);
        let wide = heap.gradient(self.whole());
        let out = if self.tp > 1.0 { heap.replaced(wide, self.stream()) } else { wide };
        heap.free(gathered);
        out
    }
}

/// What a norm keeps beside its input.
pub(super) struct NormSaved {
    pub output: Held,
    pub statistics: Held,
}

/// Rows of the vocabulary on one device, padded to a multiple of 128 for each
/// (`--make-vocab-size-divisible-by`).
pub(super) fn vocab(shape: &Shape, tp: u64) -> u64 {
    shape.vocab.div_ceil(128 * tp) * 128
}
