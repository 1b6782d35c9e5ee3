//! Seconds of collectives over the links that they cross, before anything hides them.
//!
//! Ring algorithms: in an all-gather of B bytes over n devices each gets the parts of the others,
//! B (n - 1) / n; a reduce-scatter is the same the other way, an all-reduce is both.

use super::float;
use super::rates::{LATENCY, Rates};
use super::work::{StackWork, Work};
use crate::layout::{Layout, Recompute, Strategy};

/// Bytes of a number in which models compute.
const BF16: f64 = 2.0;

/// A layout on links.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exchange<'a> {
    pub(super) rates: &'a Rates,
    pub(super) layout: &'a Layout,
    /// Tokens of a micro-batch on one device.
    pub(super) tokens: f64,
}

/// What a device holds before it is sharded, numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    /// All but the routed experts.
    pub(super) dense: f64,
    /// Routed experts.
    pub(super) experts: f64,
}

/// Seconds of parameters and gradients.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct DataTime {
    pub(super) shard: f64,
    pub(super) replicate: f64,
}

impl Exchange<'_> {
    /// Bytes/s of one device in a group that spans so many neighbours.
    fn rate(&self, span: u64) -> f64 {
        if float(span) <= self.rates.node_devices { self.rates.link } else { self.rates.network }
    }

    /// An all-gather or a reduce-scatter of so many bytes over a group whose devices are `stride`
    /// apart: those of a node share the node's network ports.
    fn ring(&self, bytes: f64, group: u64, stride: u64) -> f64 {
        if group <= 1 {
            return 0.0;
        }
        let n = float(group);
        let in_node = (self.rates.node_devices / float(stride.max(1))).floor().clamp(1.0, n);
        let moved = bytes * (n - 1.0) / n;
        if n <= in_node { moved / self.rates.link } else { moved / (self.rates.network * in_node) }
    }

    /// Activations of one layer's split products in one micro-batch: gathers and sums around both
    /// parts of a block, in forward and backward, and in what is computed anew. Sequence
    /// parallelism gathers the stream once more for the gradients of the weights.
    pub(super) fn tensor(&self, sequence_parallel: bool, hidden: f64) -> f64 {
        let tp = self.layout.tp;
        if tp == 1 {
            return 0.0;
        }
        let recomputed = if self.layout.recompute == Recompute::Full { 2.0 } else { 0.0 };
        let pairs = 4.0 + recomputed + if sequence_parallel { 1.0 } else { 0.0 };
        let stream = BF16 * self.tokens * hidden * (float(tp) - 1.0) / float(tp);
        pairs * (2.0 * stream / self.rate(tp) + LATENCY)
    }

    /// Keys and values of one layer from the other context-parallel devices: forward, backward, and
    /// their gradients back.
    pub(super) fn context(&self, stack: &StackWork) -> f64 {
        let (cp, tp) = (self.layout.cp, self.layout.tp);
        if cp == 1 {
            return 0.0;
        }
        let bytes = BF16 * self.tokens * stack.keys_and_values / float(tp);
        3.0 * bytes * (float(cp) - 1.0) / self.rate(tp.saturating_mul(cp))
    }

    /// Tokens of one layer to their experts and back, forward and backward; and their sorting,
    /// which nothing hides.
    ///
    /// Where tokens are relayed, one goes once to each other node that has an expert of its own, and
    /// is handed on there (DeepSeek-V3, arXiv:2412.19437, 3.2.2; deepseek-ai/DeepEP,
    /// csrc/kernels/internode.cu): of n nodes k experts meet n (1 - (1 - 1/n)^k) where they lie at
    /// random.
    pub(super) fn experts(&self, hidden: f64, per_token: f64) -> (f64, f64) {
        let (ep, tp) = (float(self.layout.ep), float(self.layout.tp));
        let once = BF16 * self.tokens * hidden / tp;
        let nodes = (ep / self.rates.node_devices).max(1.0);
        let sent = if self.rates.relayed && nodes > 1.0 {
            let met = nodes * (1.0 - libm::pow(1.0 - 1.0 / nodes, per_token));
            let abroad = once * met * (nodes - 1.0) / nodes;
            let at_home = ep / nodes;
            let inside = once * per_token * (at_home - 1.0) / at_home;
            abroad / self.rates.network + inside / self.rates.link
        } else {
            once * per_token * (ep - 1.0) / ep / self.rate(self.layout.ep)
        };
        let sent = 4.0 * sent;
        (sent, self.rates.dispatch * once * per_token / self.rates.memory)
    }

    /// The stream of one micro-batch to the next stage, and its gradient from there, for every
    /// chunk of layers.
    pub(super) fn stages(&self, hidden: f64, sp: f64) -> f64 {
        if self.layout.pp == 1 {
            return 0.0;
        }
        let bytes = 2.0 * BF16 * self.tokens * hidden / sp;
        bytes * float(self.layout.interleave) / self.rate(self.layout.devices())
    }

    /// Parameters and gradients of one step.
    pub(super) fn data(&self, held: &Held) -> DataTime {
        let layout = self.layout;
        let inner = layout.tp;
        let shards = layout.shards();
        // a pipeline gathers once and keeps what it has (torchtitan, ZeRO 1 alike)
        let times = if layout.pp == 1 { float(layout.micro_batches) } else { 1.0 };
        let over = |bytes: f64| {
            let experts = shards.saturating_mul(layout.tp) / layout.ep.max(1);
            let dense = self.ring(bytes * held.dense, shards, inner);
            dense + self.ring(bytes * held.experts, experts, layout.ep)
        };
        let reduced = self.rates.reduced;
        let shard = match layout.strategy {
            Strategy::Fsdp2 | Strategy::Hsdp | Strategy::Zero3 => {
                let gathers = if layout.reshard { 2.0 } else { 1.0 };
                times * (gathers * over(BF16) + over(reduced))
            }
            Strategy::Zero2 => over(BF16) + times * over(reduced),
            Strategy::Zero1 => over(BF16) + over(reduced),
            Strategy::Dp | Strategy::Ddp => 0.0,
        };
        let stride = inner.saturating_mul(shards);
        let all = held.dense + held.experts;
        let per_copy = if layout.strategy.replicates() { 1.0 } else { float(shards) };
        let copies = self.ring(2.0 * reduced * all / per_copy, layout.dp_replicate, stride);
        let summed = if layout.strategy == Strategy::Hsdp { times } else { 1.0 };
        DataTime { shard, replicate: summed * copies }
    }
}

/// Numbers of parameters on one device before they are sharded; the larger end of a pipeline holds
/// the embedding or the head.
pub(super) fn held(work: &Work, layout: &Layout) -> Held {
    let (tp, pp, ep) = (float(layout.tp), float(layout.pp), float(layout.ep));
    let (mut dense, mut experts) = (0.0, 0.0);
    for stack in &work.stacks {
        let both = stack.attention.numbers(tp) + stack.feed_forward.numbers(tp);
        dense += stack.layers * both / pp;
        let routed = stack.experts.map_or(0.0, |e| e.count * e.numbers);
        experts += stack.layers * routed / ep / pp;
    }
    let tables = if work.tied || layout.pp > 1 { 1.0 } else { 2.0 };
    Held { dense: dense + tables * work.hidden * work.vocab / tp, experts }
}
