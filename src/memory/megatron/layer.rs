//! A layer: attention and feed-forward, each added to the stream.

use super::held::{Heap, Held, left};
use super::rank::Rank;
use super::{attention, experts, feed, latent};
use crate::layout::Recompute;
use crate::memory::label::Label;
use crate::memory::timeline::Event;
use crate::model::{Attention, Block, Experts, FeedForward, Grouped, Latent, Mlp};

/// What a layer keeps beside its input.
struct Saved<'a> {
    attention: AttentionSaved<'a>,
    /// The stream between both parts.
    middle: Held,
    feed: FeedSaved<'a>,
}

enum AttentionSaved<'a> {
    Grouped(&'a Grouped, attention::Saved),
    Latent(&'a Latent, latent::Saved),
}

enum FeedSaved<'a> {
    Dense(&'a Mlp, feed::Saved),
    Experts(&'a Experts, experts::Saved),
}

/// Which tensors at its two ends a layer's backward frees.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owns {
    /// Its input.
    pub input: bool,
    /// The gradient of its output.
    pub gradient: bool,
}

/// Forward of a layer, then backward: what it makes and frees; its output stays, its input's
/// gradient takes the place of its output's.
pub(super) fn events(rank: &Rank, block: &Block, owns: Owns) -> [Vec<Event>; 2] {
    let mut heap = Heap::default();
    let (saved, _) = forward(rank, block, &mut heap);
    let input = owns.input.then(|| Held::given(rank.kept, rank.stream()));
    let given = || Held::given(Label::ActivationGradients, rank.stream());
    let gradient = owns.gradient.then(given);
    if rank.recompute != Recompute::Full {
        let forward = heap.take();
        backward(rank, &mut heap, saved, gradient);
        heap.free(input);
        return [forward, heap.take()];
    }
    let mut once = heap.take();
    let kept = left(&once).filter(|event| event.label != rank.kept);
    let freed: Vec<Event> = kept.map(|event| Event { size: -event.size, ..event }).collect();
    once.extend(freed);
    // `CheckpointFunction.backward` holds the second output and the gradient that it was given
    // until it returns
    let (saved, again) = forward(rank, block, &mut heap);
    backward(rank, &mut heap, saved, None);
    heap.free(input);
    heap.free([again]);
    heap.free(gradient);
    [once, heap.take()]
}

fn forward<'a>(rank: &Rank, block: &'a Block, heap: &mut Heap) -> (Saved<'a>, Held) {
    let (attention, out) = match &block.attention {
        Attention::Grouped(a) => {
            let (saved, out) = attention::grouped(rank, heap, a);
            (AttentionSaved::Grouped(a, saved), out)
        }
        Attention::Latent(a) => {
            let (saved, out) = latent::latent(rank, heap, a);
            (AttentionSaved::Latent(a, saved), out)
        }
    };
    let middle = heap.make(Label::Residual, rank.stream());
    heap.free([out]);
    let (feed, out) = match &block.feed_forward {
        FeedForward::Dense(mlp) => {
            let (saved, out) = feed::feed(rank, heap, mlp);
            (FeedSaved::Dense(mlp, saved), out)
        }
        FeedForward::Experts(e) => {
            let (saved, out) = experts::feed(rank, heap, e);
            (FeedSaved::Experts(e, saved), out)
        }
    };
    let output = heap.make(rank.kept, rank.stream());
    heap.free([out]);
    (Saved { attention, middle, feed }, output)
}

/// The gradient of the layer's input stays.
fn backward(rank: &Rank, heap: &mut Heap, saved: Saved, gradient: Option<Held>) {
    let Saved { attention, middle, feed } = saved;
    let normed = match feed {
        FeedSaved::Dense(mlp, saved) => feed::feed_back(rank, heap, mlp, saved),
        FeedSaved::Experts(e, saved) => experts::feed_back(rank, heap, e, saved),
    };
    let sum = heap.gradient(rank.stream());
    heap.free([normed, middle]);
    heap.free(gradient);
    let normed = match attention {
        AttentionSaved::Grouped(a, saved) => attention::grouped_back(rank, heap, a, saved),
        AttentionSaved::Latent(a, saved) => latent::latent_back(rank, heap, a, saved),
    };
    heap.gradient(rank.stream());
    heap.free([normed, sum]);
}
