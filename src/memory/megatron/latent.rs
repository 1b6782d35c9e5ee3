//! Latent attention: queries, keys and values through low ranks, made whole for the kernel.
//!
//! Source: Megatron-LM's `transformer/multi_latent_attention.py` and
//! `fusions/fused_mla_yarn_rope_apply.py`; the ranks' projections up are each behind a norm of
//! their own. Nothing of it is computed anew in backward.

use super::attention::{Arguments, Core, Value, Widths, backward, forward};
use super::held::{Heap, Held};
use super::rank::{NormSaved, Rank};
use crate::memory::label::Label;
use crate::memory::stream::number;
use crate::model::Latent;

/// What latent attention keeps.
pub(super) struct Saved {
    norm: NormSaved,
    /// The queries' rank and its norm.
    query: Option<(Held, NormSaved)>,
    /// The rank of keys and values, and its norm.
    pair: (Held, NormSaved),
    core: Core,
}

struct Sizes {
    kernel: Widths,
    query_rank: Option<f64>,
    pair_rank: f64,
    /// The rank of keys and values, with the rotated part that all heads share.
    pair_down: f64,
    /// Keys and values of all heads as the product makes them.
    pair_up: f64,
}

impl Sizes {
    fn of(rank: &Rank, a: &Latent) -> Self {
        let heads = number(a.heads) / rank.tp;
        let (plain, rotated) = (number(a.nope_dim), number(a.rope_dim));
        let (value, pair_rank) = (number(a.value_dim), number(a.kv_rank));
        let key = heads * (plain + rotated);
        let value_width = heads * value;
        Self {
            kernel: Widths { query: key, key, value: value_width, output: value_width, heads },
            query_rank: a.q_rank.map(number),
            pair_rank,
            pair_down: pair_rank + rotated,
            pair_up: heads * (plain + value),
        }
    }
}

/// Latent attention behind its norm; its output is this device's share.
pub(super) fn latent(rank: &Rank, heap: &mut Heap, a: &Latent) -> (Saved, Held) {
    let sizes = Sizes::of(rank, a);
    let w = sizes.kernel;
    let norm = rank.norm(heap, rank.hidden);
    let query_down =
        sizes.query_rank.map(|width| (width, heap.make(Label::Qkv, rank.narrow(width))));
    let pair_down = heap.make(Label::Qkv, rank.narrow(sizes.pair_down));
    let low = query_down.map(|(width, down)| (down, rank.norm(heap, width)));
    let gathered = rank.gather(heap, sizes.query_rank.unwrap_or(rank.hidden));
    // rotated in place
    let query = heap.make(Label::Qkv, Rank::wide(w.query));
    heap.free(gathered);
    let pair_norm = rank.norm(heap, sizes.pair_rank);
    let pair = heap.make(Label::Qkv, Rank::wide(sizes.pair_up));
    let key = heap.make(Label::Qkv, Rank::wide(w.key));
    let value = heap.make(Label::Qkv, Rank::wide(w.value));
    heap.free([pair]);
    let arguments = Arguments { query, key, value: Value::Own(value) };
    let (core, left) = forward(rank, heap, w, arguments);
    let out = rank.project(heap);
    heap.free(left);
    (Saved { norm, query: low, pair: (pair_down, pair_norm), core }, out)
}

/// The gradient of what latent attention's norm read.
pub(super) fn latent_back(rank: &Rank, heap: &mut Heap, a: &Latent, saved: Saved) -> Held {
    let sizes = Sizes::of(rank, a);
    let Saved { norm, query: low, pair: (pair_down, pair_norm), core } = saved;
    let [query, key, value] = backward(rank, heap, sizes.kernel, core, false);
    let pair = heap.gradient(Rank::wide(sizes.pair_up));
    heap.free([key, value]);
    let normed = heap.gradient(Rank::wide(sizes.pair_rank));
    heap.free([pair_norm.output]);
    let of_pair = heap.gradient(rank.narrow(sizes.pair_down));
    heap.free([pair, normed, pair_norm.statistics]);
    let mut of_query = query;
    if let Some((down, low_norm)) = low {
        let width = sizes.query_rank.unwrap_or_default();
        let normed = heap.gradient(Rank::wide(width));
        heap.free([low_norm.output]);
        let of_down = heap.gradient(rank.narrow(width));
        heap.free([of_query, normed, low_norm.statistics, down]);
        of_query = of_down;
    }
    let first = heap.gradient(rank.stream());
    heap.free([of_pair, pair_down]);
    let second = heap.gradient(rank.stream());
    heap.free([of_query, first, norm.output]);
    let gradient = heap.gradient(rank.stream());
    heap.free([second, norm.statistics]);
    gradient
}
