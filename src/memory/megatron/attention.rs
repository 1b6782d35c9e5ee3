//! Attention: grouped queries, and the fused kernel that latent attention shares.
//!
//! Source: Megatron-LM's `transformer/attention.py`; Transformer Engine's
//! `dot_product_attention/backends.py` and `context_parallel.py`.

use super::held::{Heap, Held};
use super::rank::{NormSaved, Rank};
use crate::layout::Recompute;
use crate::memory::label::Label;
use crate::memory::line::Line;
use crate::memory::stream::number;
use crate::model::Grouped;

const FP32: f64 = 4.0;

/// Widths on one device.
#[derive(Debug, Clone, Copy)]
pub(super) struct Widths {
    pub query: f64,
    pub key: f64,
    pub value: f64,
    pub output: f64,
    pub heads: f64,
}

impl Widths {
    fn exchanged(&self) -> [f64; 3] {
        [self.query, self.key, self.value]
    }
}

/// Queries, keys and values as the kernel is given them.
pub(super) struct Arguments {
    pub query: Held,
    pub key: Held,
    pub value: Value,
}

/// Where the values are.
pub(super) enum Value {
    /// A part of the product that made queries, keys and values: the kernel copies them.
    Part { whole: Held },
    /// A tensor of their own.
    Own(Held),
}

/// What the kernel keeps for backward.
pub(super) struct Core {
    /// Its arguments, where it reads them again.
    arguments: Vec<Held>,
    /// What it made for itself.
    own: Vec<Held>,
    /// Its output, which the projection reads again.
    output: Held,
}

/// What the kernel itself makes: its copies, which are kept for backward, and its output.
fn kernel(rank: &Rank, heap: &mut Heap, w: Widths, copies_values: bool) -> (Vec<Held>, Held) {
    let values = copies_values.then(|| heap.make(Label::Qkv, Rank::wide(w.value)));
    let statistics = Line::per_token(FP32 * w.heads);
    let output = Rank::wide(w.output);
    if rank.cp <= 1.0 {
        let out = heap.make(Label::Attention, output);
        let mut own: Vec<Held> = values.into_iter().collect();
        own.push(heap.make(Label::Attention, statistics));
        return (own, out);
    }
    // heads are exchanged for tokens: contiguous, sent, put in order
    let mut sent = Vec::new();
    let mut arrived = Vec::new();
    for width in w.exchanged() {
        sent.push(heap.make(Label::Communication, Rank::wide(width)));
        arrived.push(heap.make(Label::Communication, Rank::wide(width)));
    }
    let mut own = Vec::new();
    for (width, arrived) in w.exchanged().into_iter().zip(arrived) {
        own.push(heap.make(Label::Qkv, Rank::wide(width)));
        heap.free([arrived]);
    }
    heap.free(sent);
    heap.free(values);
    own.push(heap.make(Label::Attention, output));
    own.push(heap.make(Label::Attention, statistics));
    // and back
    let sent = heap.make(Label::Communication, output);
    let arrived = heap.make(Label::Communication, output);
    heap.free([sent]);
    let out = heap.make(Label::Attention, output);
    heap.free([arrived]);
    (own, out)
}

/// The kernel, and what the code around it lets go of when attention returns.
pub(super) fn forward(
    rank: &Rank,
    heap: &mut Heap,
    w: Widths,
    arguments: Arguments,
) -> (Core, Vec<Held>) {
    let Arguments { query, key, value } = arguments;
    let part = matches!(value, Value::Part { .. });
    let (own, output) = kernel(rank, heap, w, part);
    let value = match value {
        Value::Part { whole } => whole,
        Value::Own(value) => value,
    };
    if rank.recompute == Recompute::Selective {
        // the checkpoint keeps the arguments as they are: the values' is the whole product
        heap.free(own);
        return (Core { arguments: vec![query, key, value], own: Vec::new(), output }, Vec::new());
    }
    if rank.cp > 1.0 {
        return (Core { arguments: Vec::new(), own, output }, vec![query, key, value]);
    }
    let (value, left) = if part { (None, vec![value]) } else { (Some(value), Vec::new()) };
    let arguments = [query, key].into_iter().chain(value).collect();
    (Core { arguments, own, output }, left)
}

/// The gradients of queries, keys and values; `copies_values` as in forward.
pub(super) fn backward(
    rank: &Rank,
    heap: &mut Heap,
    w: Widths,
    core: Core,
    copies_values: bool,
) -> [Held; 3] {
    let gathered = rank.gather(heap, rank.hidden);
    let mut gradient = heap.gradient(Rank::wide(w.output));
    heap.free(gathered);
    let Core { arguments, mut own, output } = core;
    let mut outputs = vec![output];
    let again = rank.recompute == Recompute::Selective;
    if again || rank.cp > 1.0 {
        // only the projection read it
        heap.free(outputs.pop());
    }
    if again {
        let (made, output) = kernel(rank, heap, w, copies_values);
        own.extend(made);
        outputs.push(output);
    }
    let mut incoming = None;
    if rank.cp > 1.0 {
        let output = Rank::wide(w.output);
        let sent = heap.make(Label::Communication, output);
        let arrived = heap.make(Label::Communication, output);
        heap.free([sent]);
        let ordered = heap.gradient(output);
        heap.free([arrived]);
        let given = std::mem::replace(&mut gradient, ordered);
        if again {
            incoming = Some(given);
        } else {
            heap.free([given]);
        }
    }
    let mut gradients = w.exchanged().map(|width| heap.gradient(Rank::wide(width)));
    // cuDNN's FP32 sums of the queries' gradient, and a number for each row: assumed
    let workspace = Line::per_token(FP32 * (w.query + w.heads));
    let workspace = heap.make(Label::Workspace, workspace);
    heap.free([workspace]);
    if rank.cp > 1.0 {
        let exchanged = w.exchanged().map(|width| {
            let sent = heap.make(Label::Communication, Rank::wide(width));
            (sent, heap.gradient(Rank::wide(width)))
        });
        let before = gradients;
        gradients = exchanged.map(|(sent, arrived)| {
            heap.free([sent]);
            arrived
        });
        heap.free(before);
    }
    heap.free([gradient]);
    heap.free(incoming);
    heap.free(arguments);
    heap.free(own);
    heap.free(outputs);
    gradients
}

/// What grouped attention keeps.
pub(super) struct Saved {
    norm: NormSaved,
    core: Core,
}

/// Grouped attention behind its norm; its output is this device's share.
pub(super) fn grouped(rank: &Rank, heap: &mut Heap, a: &Grouped) -> (Saved, Held) {
    let (w, kv_heads) = widths(rank, a);
    let norm = rank.norm(heap, rank.hidden);
    let gathered = rank.gather(heap, rank.hidden);
    let whole = heap.make(Label::Qkv, Rank::wide(w.query + 2.0 * w.key));
    heap.free(gathered);
    // several queries' groups: their part of the product is strided, and copied
    let copied = (kv_heads > 1.0).then(|| heap.make(Label::Qkv, Rank::wide(w.query)));
    let query = heap.make(Label::Qkv, Rank::wide(w.query));
    heap.free(copied);
    let key = heap.make(Label::Qkv, Rank::wide(w.key));
    let arguments = Arguments { query, key, value: Value::Part { whole } };
    let (core, left) = forward(rank, heap, w, arguments);
    let out = rank.project(heap);
    heap.free(left);
    (Saved { norm, core }, out)
}

/// The gradient of what grouped attention's norm read.
pub(super) fn grouped_back(rank: &Rank, heap: &mut Heap, a: &Grouped, saved: Saved) -> Held {
    let (w, _) = widths(rank, a);
    let Saved { norm, core } = saved;
    let [query, key, value] = backward(rank, heap, w, core, true);
    let query = heap.replaced(query, Rank::wide(w.query));
    let key = heap.replaced(key, Rank::wide(w.key));
    let whole = heap.gradient(Rank::wide(w.query + 2.0 * w.key));
    heap.free([query, key, value]);
    let normed = rank.project_back(heap);
    heap.free([norm.output]);
    let gradient = heap.gradient(rank.stream());
    heap.free([whole, normed, norm.statistics]);
    gradient
}

/// Widths on one device, and its key heads.
fn widths(rank: &Rank, a: &Grouped) -> (Widths, f64) {
    let d = number(a.head_dim);
    // fewer key heads than devices: each device holds one
    let kv_heads = (number(a.kv_heads) / rank.tp).max(1.0);
    let heads = number(a.heads) / rank.tp;
    let (query, key) = (heads * d, kv_heads * d);
    (Widths { query, key, value: key, output: query, heads }, kv_heads)
}
