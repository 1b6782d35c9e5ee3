//! A chunk of layers on a device: one forward and one backward pass of a micro-batch over it.

use super::held::{Heap, Held, left};
use super::layer::{Owns, events};
use super::rank::{ChunkLayers, NormSaved, Rank};
use crate::memory::label::Label;
use crate::memory::line::Line;
use crate::memory::root::Ends;
use crate::memory::stream::number;
use crate::memory::timeline::{Event, Phase};

const BF16: f64 = 2.0;
const FP32: f64 = 4.0;
const INT64: f64 = 8.0;

/// Events that happen so many times in a row.
pub(super) struct Part {
    pub phase: Phase,
    pub times: u64,
    pub events: Vec<Event>,
}

/// A chunk's passes, but for what the schedule keeps between them.
pub(super) struct Chunk {
    pub ends: Ends,
    /// The input and the layers.
    pub forward: Vec<Part>,
    /// Norm, head and loss; or the output is sent, and let go of.
    pub leave: Vec<Event>,
    /// Loss, head and norm; or the gradient is received.
    pub back: Vec<Event>,
    /// The layers.
    pub backward: Vec<Part>,
    /// The embedding, and what the micro-batch brought.
    pub back_leave: Vec<Event>,
    kept: [Line; Label::ALL.len()],
}

impl Chunk {
    pub fn of(rank: &Rank, chunk: &ChunkLayers) -> Self {
        let ends = chunk.ends;
        let mut heap = Heap::default();
        let batch = (ends.embedding || ends.head).then(|| {
            // tokens, labels and positions as INT64, the loss mask in FP32
            heap.make(Label::Inputs, Line::per_token(3.0 * INT64 + FP32))
        });
        let embedded = embed(rank, &mut heap, ends);
        let enter = Part { phase: Phase::Embedding, times: 1, events: heap.take() };
        let mut forward = vec![enter];
        forward.extend(layers_forward(rank, chunk));

        let last = Held::given(rank.kept, rank.stream());
        let output = if ends.head {
            Some((Head::forward(rank, &mut heap), last))
        } else {
            // `deallocate_output_tensor`
            heap.free([last]);
            None
        };
        let leave = heap.take();
        if let Some((head, last)) = output {
            head.backward(rank, &mut heap, last);
        } else {
            heap.gradient(rank.stream());
        }
        let back = heap.take();
        if let Some(masks) = embedded {
            embed_back(rank, &mut heap, masks);
        }
        heap.free(batch);
        let back_leave = heap.take();
        let backward = layers_backward(rank, chunk);
        let mut kept = [Line::ZERO; Label::ALL.len()];
        for part in &forward {
            for event in left(&part.events) {
                kept[event.label as usize] += event.size * number(part.times);
            }
        }
        left(&leave).for_each(|event| kept[event.label as usize] += event.size);
        Self { ends, forward, leave, back, backward, back_leave, kept }
    }

    /// What a forward pass leaves for its backward.
    pub fn kept(&self, label: Label) -> Line {
        self.kept[label as usize]
    }
}

/// The chunk's input: embedded, or received. What the embedding keeps.
fn embed(rank: &Rank, heap: &mut Heap, ends: Ends) -> Option<Vec<Held>> {
    if !ends.embedding {
        heap.make(rank.kept, rank.stream());
        return None;
    }
    let split = rank.tp > 1.0;
    let mut masks = Vec::new();
    if split {
        // tokens that other devices have: a mask, and the ids with those set to 0
        masks.push(heap.make(Label::Embedding, Line::per_token(1.0)));
        masks.push(heap.make(Label::Embedding, Line::per_token(INT64)));
    }
    // looked up, made contiguous with the sequence first, scattered
    let looked_up = heap.make(Label::Embedding, rank.whole());
    let transposed =
        (rank.setting.layout.micro_batch > 1).then(|| heap.make(Label::Embedding, rank.whole()));
    let scattered = split.then(|| heap.make(Label::Embedding, rank.stream()));
    // the last of them is the stream from here on
    heap.free([Some(looked_up), transposed, scattered].into_iter().flatten());
    heap.make(rank.kept, rank.stream());
    Some(masks)
}

/// The embedding's gradient is dense: the rows of this device.
fn embed_back(rank: &Rank, heap: &mut Heap, masks: Vec<Held>) {
    let mut gradient = Held::given(Label::ActivationGradients, rank.stream());
    if rank.tp > 1.0 {
        gradient = heap.replaced(gradient, rank.whole());
    }
    let rows = Line::fixed(BF16 * rank.vocab * rank.hidden);
    let of_table = heap.make(Label::UnitGradients, rows);
    heap.free([gradient, of_table]);
    heap.free(masks);
}

/// Final norm, output layer and loss.
struct Head {
    norm: NormSaved,
    logits: Held,
    loss: Held,
}

impl Head {
    fn forward(rank: &Rank, heap: &mut Heap) -> Self {
        let norm = rank.norm(heap, rank.hidden);
        let logits = heap.make(Label::Logits, Rank::wide(rank.vocab));
        let loss = heap.make(Label::Loss, Line::per_token(3.0 * FP32));
        Self { norm, logits, loss }
    }

    /// The cross-entropy has written the gradient over the logits.
    fn backward(self, rank: &Rank, heap: &mut Heap, last: Held) {
        let mut gradient = heap.gradient(rank.whole());
        if rank.tp > 1.0 {
            gradient = heap.replaced(gradient, rank.stream());
        }
        heap.free([self.logits, self.loss, self.norm.output]);
        heap.gradient(rank.stream());
        heap.free([gradient, self.norm.statistics, last]);
    }
}

fn layers_forward(rank: &Rank, chunk: &ChunkLayers) -> Vec<Part> {
    let owns = Owns { input: true, gradient: true };
    let mut layer = 0;
    let parts = chunk.layers.iter().map(|&(times, block)| {
        let [events, _] = events(rank, block, owns);
        let phase = Phase::Forward(layer);
        layer += times;
        Part { phase, times, events }
    });
    parts.collect()
}

/// The highest layer does not free a gradient that the schedule still names, the lowest not an
/// input that was received.
fn layers_backward(rank: &Rank, chunk: &ChunkLayers) -> Vec<Part> {
    let named = !chunk.ends.head && rank.interleave == 1;
    let received = !chunk.ends.embedding;
    let mut layer = chunk.layers.iter().map(|(layers, _)| layers).sum::<u64>();
    let (top, mut parts) = (layer, Vec::new());
    for &(layers, block) in chunk.layers.iter().rev() {
        let lowest = layer - layers;
        while layer > lowest {
            let owns =
                Owns { input: !(received && layer == 1), gradient: !(named && layer == top) };
            // the highest and the lowest of the chunk stand alone
            let times = if layer == top || layer == 1 { 1 } else { layer - lowest.max(1) };
            let [_, events] = events(rank, block, owns);
            parts.push(Part { phase: Phase::Backward(layer - 1), times, events });
            layer -= times;
        }
    }
    parts
}
