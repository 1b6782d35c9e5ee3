//! A mixture of experts behind its norm: router, dispatch by all-to-all, grouped products.
//!
//! Source: Megatron-LM's `transformer/moe` (`router.py`, `moe_utils.py`, `token_dispatcher.py`,
//! `experts.py`, `shared_experts.py`) with permute fusion and grouped products, Transformer
//! Engine's `permutation.py` and `grouped_linear.py`. Every expert gets its even share.

use super::feed::{Inner, inner, inner_back};
use super::held::{Heap, Held};
use super::rank::{NormSaved, Rank};
use crate::memory::label::Label;
use crate::memory::line::Line;
use crate::memory::stream::number;
use crate::model;

const BF16: f64 = 2.0;
const FP32: f64 = 4.0;
const INT32: f64 = 4.0;
/// Bytes that the router keeps for each token and expert: its scores in FP32 twice, for the choice
/// and for the auxiliary loss, in BF16, the chosen ones scattered, and a map of a byte.
const ROUTER: f64 = FP32 + FP32 + BF16 + BF16 + 1.0;

/// What the experts keep.
pub(super) struct Saved {
    norm: NormSaved,
    router: Held,
    /// The map of rows and the probabilities in the experts' order.
    order: [Held; 2],
    /// The experts' input.
    sorted: Held,
    into: Held,
    active: Held,
    shared: Option<Inner>,
}

struct Sizes {
    /// Copies of this device's tokens.
    copies: f64,
    /// A stream of these copies.
    stream: Line,
    into: Line,
    active: Line,
    /// Whether this device sends tokens, and whether it sorts those that it gets.
    sends: bool,
    sorts: bool,
}

impl Sizes {
    fn of(rank: &Rank, e: &model::Experts) -> Self {
        let copies = number(e.per_token) / rank.tp;
        let width = number(e.expert.width);
        Self {
            copies,
            stream: Rank::wide(rank.hidden * copies),
            into: Rank::wide(2.0 * width * copies),
            active: Rank::wide(width * copies),
            sends: rank.ep > 1.0,
            sorts: number(e.count) > rank.ep,
        }
    }
}

/// The experts behind their norm; their output is this device's share.
///
/// The permuted and the dispatched tokens have names in `MoELayer.forward`, so they live until it
/// returns.
pub(super) fn feed(rank: &Rank, heap: &mut Heap, e: &model::Experts) -> (Saved, Held) {
    let sizes = Sizes::of(rank, e);
    let count = number(e.count);
    let norm = rank.norm(heap, rank.hidden);
    let router = heap.make(Label::Router, Line::per_token(ROUTER * count / rank.tp));
    let permuted = heap.make(Label::Router, sizes.stream);
    let probabilities = heap.make(Label::Router, Rank::wide(sizes.copies));
    let rows = Line::per_token(INT32 * (2.0 * count + 1.0) / rank.tp);
    let order = [heap.make(Label::Router, rows), probabilities];
    let mut named = vec![permuted];
    if sizes.sends {
        named.push(heap.make(Label::Router, sizes.stream));
    }
    let shared = e.shared.as_ref().map(|mlp| {
        let saved = inner(rank, heap, mlp);
        (saved, rank.project(heap))
    });
    let sorted = if sizes.sorts { None } else { named.pop() };
    let sorted = sorted.unwrap_or_else(|| heap.make(Label::Router, sizes.stream));
    let into = heap.make(Label::FeedForward, sizes.into);
    let active = heap.make(Label::FeedForward, sizes.active);
    let mut combined = heap.make(Label::FeedForward, sizes.stream);
    if sizes.sorts {
        combined = heap.replaced(combined, sizes.stream);
    }
    let returned = sizes.sends.then(|| heap.make(Label::Router, sizes.stream));
    let mut out = heap.make(Label::Residual, rank.stream());
    heap.free(returned);
    let (shared, beside) = shared.unzip();
    if let Some(beside) = beside {
        out = heap.replaced(out, rank.stream());
        heap.free([beside]);
    }
    heap.free([combined]);
    heap.free(named);
    (Saved { norm, router, order, sorted, into, active, shared }, out)
}

/// The gradient of what their norm read.
pub(super) fn feed_back(rank: &Rank, heap: &mut Heap, e: &model::Experts, saved: Saved) -> Held {
    let sizes = Sizes::of(rank, e);
    let Saved { norm, router, order, sorted, into, active, shared } = saved;
    let mut gradient = heap.gradient(sizes.stream);
    if sizes.sends {
        gradient = heap.replaced(gradient, sizes.stream);
    }
    let copied = sizes.sorts.then(|| heap.gradient(sizes.stream));
    let of_active = heap.gradient(sizes.active);
    heap.free([active, gradient]);
    heap.free(copied);
    let of_into = heap.gradient(sizes.into);
    heap.free([into, of_active]);
    let mut of_sorted = heap.gradient(sizes.stream);
    heap.free([sorted, of_into]);
    for moved in [sizes.sorts, sizes.sends] {
        if moved {
            of_sorted = heap.replaced(of_sorted, sizes.stream);
        }
    }
    // the shared expert ran after the dispatch, so its backward is before the permutation's
    let mut normed = e.shared.as_ref().zip(shared).map(|(mlp, saved)| {
        let of_into = inner_back(rank, heap, mlp, saved);
        let normed = heap.gradient(rank.whole());
        heap.free([of_into]);
        normed
    });
    let permuted = heap.gradient(rank.stream());
    heap.free([of_sorted]);
    heap.free(order);
    let routed = heap.gradient(rank.stream());
    heap.free([router, norm.output, routed]);
    // gradients of one tensor are added up into the first
    if normed.is_some() {
        heap.free([permuted]);
    } else {
        normed = Some(permuted);
    }
    let gradient = heap.gradient(rank.stream());
    heap.free(normed);
    heap.free([norm.statistics]);
    gradient
}
