//! The dense feed-forward behind its norm: one product for gate and inner width.
//!
//! Source: Transformer Engine's `module/layernorm_linear.py` and `module/linear.py`, Megatron-LM's
//! `fusions/fused_bias_swiglu.py`.

use super::held::{Heap, Held};
use super::rank::{NormSaved, Rank};
use crate::memory::label::Label;
use crate::memory::stream::number;
use crate::model::Mlp;

/// What the dense feed-forward keeps.
pub(super) struct Saved {
    norm: NormSaved,
    inner: Inner,
}

/// What the products and the activation keep.
pub(super) struct Inner {
    /// The first product's output.
    into: Held,
    /// The activation's output, which the second product reads again.
    active: Held,
}

/// The first product and the activation, on the tokens of all tensor-parallel devices.
pub(super) fn inner(rank: &Rank, heap: &mut Heap, mlp: &Mlp) -> Inner {
    let (into, active) = widths(rank, mlp);
    let gathered = rank.gather(heap, rank.hidden);
    let into = heap.make(Label::FeedForward, Rank::wide(into));
    heap.free(gathered);
    Inner { into, active: heap.make(Label::FeedForward, Rank::wide(active)) }
}

/// The gradient of the first product's output.
pub(super) fn inner_back(rank: &Rank, heap: &mut Heap, mlp: &Mlp, saved: Inner) -> Held {
    let (into, active) = widths(rank, mlp);
    let gathered = rank.gather(heap, rank.hidden);
    let of_active = heap.gradient(Rank::wide(active));
    heap.free(gathered);
    heap.free([saved.active]);
    let of_into = heap.gradient(Rank::wide(into));
    heap.free([saved.into, of_active]);
    of_into
}

fn widths(rank: &Rank, mlp: &Mlp) -> (f64, f64) {
    let width = number(mlp.width) / rank.tp;
    (if mlp.gated { 2.0 * width } else { width }, width)
}

/// The feed-forward behind its norm; its output is this device's share.
pub(super) fn feed(rank: &Rank, heap: &mut Heap, mlp: &Mlp) -> (Saved, Held) {
    let norm = rank.norm(heap, rank.hidden);
    let inner = inner(rank, heap, mlp);
    let out = rank.project(heap);
    (Saved { norm, inner }, out)
}

/// The gradient of what its norm read.
pub(super) fn feed_back(rank: &Rank, heap: &mut Heap, mlp: &Mlp, saved: Saved) -> Held {
    let of_into = inner_back(rank, heap, mlp, saved.inner);
    let normed = rank.project_back(heap);
    heap.free([saved.norm.output]);
    let gradient = heap.gradient(rank.stream());
    heap.free([of_into, normed, saved.norm.statistics]);
    gradient
}
