//! What a device receives from others in one step, by axis of the layout.
//!
//! Volumes of the ring algorithms: in an all-gather of B bytes over n devices each gets the parts of
//! the others, `B (n - 1) / n`; a reduce-scatter is the same the other way, and an all-reduce is
//! both.

use super::{Layout, Recompute, Strategy};
use crate::model::{Attention, FeedForward, Shape};
use std::fmt;

/// Bytes of a number in which models compute.
const BF16: f64 = 2.0;
/// Bytes of a number in which FSDP2 and DDP reduce gradients of FP32 parameters.
const FP32: f64 = 4.0;

/// What one axis of a layout moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Traffic {
    /// The degree that makes it: `dp_shard`, `tp` …
    pub axis: &'static str,
    /// How.
    pub collective: Collective,
    /// Bytes that a device receives in one optimizer step.
    pub bytes: f64,
    /// Devices next to each other that one group spans: a group of at most a node's devices stays
    /// on the node's links.
    pub span: u64,
}

/// A way of moving data between the devices of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collective {
    /// Every device gets the parts of all.
    AllGather,
    /// Sums, of which every device gets its part.
    ReduceScatter,
    /// Sums, which every device gets whole.
    AllReduce,
    /// Every device sends a part to every other.
    AllToAll,
    /// One device to the next.
    SendReceive,
    /// One device to all.
    Broadcast,
}

impl fmt::Display for Collective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AllGather => "all-gather",
            Self::ReduceScatter => "reduce-scatter",
            Self::AllReduce => "all-reduce",
            Self::AllToAll => "all-to-all",
            Self::SendReceive => "send and receive",
            Self::Broadcast => "broadcast",
        })
    }
}

/// What a device receives in one optimizer step, over the mean of the pipeline's devices.
///
/// The mesh is ordered as torchtitan orders it (`distributed/parallel_dims.py`, b5bcd76): tensor-parallel devices are next to each other,
/// then context parallel, sharded, replicated, and pipeline stages are the furthest apart.
#[must_use]
pub fn traffic(shape: &Shape, layout: &Layout, sequence: u64, kept: f64) -> Vec<Traffic> {
    let step = Step::of(shape, layout, sequence, kept);
    let mut out = Vec::new();
    step.data(&mut out);
    step.tensor(&mut out);
    step.context(&mut out);
    step.experts(&mut out);
    step.pipeline(&mut out);
    out.retain(|traffic| traffic.bytes > 0.0);
    out
}

struct Step<'a> {
    shape: &'a Shape,
    layout: &'a Layout,
    /// Parameters on one device before they are sharded.
    params: f64,
    /// Micro-batches.
    batches: f64,
    /// Tokens of one micro-batch on one device.
    tokens: f64,
    /// Bytes of a gradient that is reduced.
    reduced: f64,
}

impl<'a> Step<'a> {
    fn of(shape: &'a Shape, layout: &'a Layout, sequence: u64, kept: f64) -> Self {
        let count = shape.count();
        let experts: u128 =
            count.stacks.iter().map(|(n, b)| b.routed_experts.total() * u128::from(*n)).sum();
        let others = count.total().saturating_sub(experts);
        let (pp, tp, ep) = (float(layout.pp), float(layout.tp), float(layout.ep));
        #[expect(clippy::cast_precision_loss, reason = "traffic is no count")]
        let params = others as f64 / (tp * pp) + experts as f64 / (ep * pp);
        let tokens = float(layout.micro_batch) * float(sequence) / float(layout.cp);
        let batches = float(layout.micro_batches);
        Self { shape, layout, params, batches, tokens, reduced: kept.min(FP32) }
    }

    /// Parameters and gradients.
    fn data(&self, out: &mut Vec<Traffic>) {
        let layout = self.layout;
        let inner = layout.tp.saturating_mul(layout.cp);
        let shards = layout.shards();
        let within = layout.tp.saturating_mul(shards);
        let part = |n: u64| 1.0 - 1.0 / float(n);
        let sharded = |collective, bytes: f64| Traffic {
            axis: "dp_shard",
            collective,
            bytes: bytes * self.params * part(shards),
            span: within,
        };
        let copies = layout.dp_replicate;
        let replicated = |collective, bytes: f64| Traffic {
            axis: "dp_replicate",
            collective,
            bytes: bytes * self.params * part(copies),
            span: inner.saturating_mul(layout.dp_shard).saturating_mul(copies),
        };
        match layout.strategy {
            Strategy::Fsdp2 | Strategy::Hsdp | Strategy::Zero3 => {
                let zero = layout.strategy == Strategy::Zero3;
                let reduced = if zero { BF16 } else { self.reduced };
                let gathers = if layout.reshard || zero { 2.0 } else { 1.0 };
                out.push(sharded(Collective::AllGather, BF16 * gathers * self.batches));
                out.push(sharded(Collective::ReduceScatter, reduced * self.batches));
                let all_reduced = 2.0 * reduced * self.batches / float(shards);
                out.push(replicated(Collective::AllReduce, all_reduced));
            }
            Strategy::Zero1 | Strategy::Zero2 => {
                let times = if layout.strategy == Strategy::Zero2 { self.batches } else { 1.0 };
                out.push(sharded(Collective::ReduceScatter, BF16 * times));
                out.push(sharded(Collective::AllGather, BF16));
            }
            Strategy::Ddp => out.push(replicated(Collective::AllReduce, 2.0 * self.reduced)),
            Strategy::Dp => {
                // parameters go out before every forward, logits and gradients come back
                let vocab = float(self.shape.vocab) / self.params;
                out.push(replicated(Collective::Broadcast, self.reduced * self.batches));
                let back = self.reduced + BF16 * vocab * self.tokens;
                out.push(replicated(Collective::SendReceive, back * self.batches));
            }
        }
    }

    /// Layers with the passes that a recomputed step makes over each: forward and backward, and
    /// forward again.
    fn passes(&self) -> f64 {
        if self.layout.recompute == Recompute::Full { 3.0 } else { 2.0 }
    }

    fn layers(&self) -> f64 {
        float(self.shape.layers()) / float(self.layout.pp)
    }

    /// Sequence parallel: the stream is gathered before both parts of a block and reduced after
    /// them, in backward the other way (Megatron-LM's `tensor_parallel/mappings.py`).
    fn tensor(&self, out: &mut Vec<Traffic>) {
        let n = self.layout.tp;
        let stream = BF16 * float(self.shape.hidden) * self.tokens * (1.0 - 1.0 / float(n));
        let bytes = 2.0 * stream * self.layers() * self.passes() * self.batches;
        for collective in [Collective::AllGather, Collective::ReduceScatter] {
            out.push(Traffic { axis: "tp", collective, bytes, span: n });
        }
    }

    /// Keys and values of the other devices, in every pass; their gradients back.
    fn context(&self, out: &mut Vec<Traffic>) {
        let layout = self.layout;
        let others = float(layout.cp) - 1.0;
        let width: f64 = self
            .shape
            .blocks()
            .map(|(layers, block)| {
                let width = match block.attention {
                    Attention::Grouped(_) => float(block.attention.kv_width()) / float(layout.tp),
                    // made whole for the kernel
                    Attention::Latent(a) => {
                        float(a.heads) / float(layout.tp)
                            * float(a.nope_dim + a.rope_dim + a.value_dim)
                    }
                };
                float(layers) * width
            })
            .sum();
        let once = BF16 * width / float(layout.pp) * self.tokens * others * self.batches;
        let span = layout.tp.saturating_mul(layout.cp);
        let axis = "cp";
        let bytes = once * self.passes();
        out.push(Traffic { axis, collective: Collective::AllGather, bytes, span });
        out.push(Traffic { axis, collective: Collective::ReduceScatter, bytes: once, span });
    }

    /// Tokens to their experts and back, in every pass.
    fn experts(&self, out: &mut Vec<Traffic>) {
        let layout = self.layout;
        let routed: f64 = self
            .shape
            .blocks()
            .map(|(layers, block)| match block.feed_forward {
                FeedForward::Experts(e) => float(layers) * float(e.per_token),
                FeedForward::Dense(_) => 0.0,
            })
            .sum();
        let rows = routed / float(layout.pp) * self.tokens / float(layout.tp);
        let once = BF16 * float(self.shape.hidden) * rows * (1.0 - 1.0 / float(layout.ep));
        let bytes = 2.0 * once * self.passes() * self.batches;
        out.push(Traffic { axis: "ep", collective: Collective::AllToAll, bytes, span: layout.ep });
    }

    /// The stream to the next stage, its gradient to the one before.
    fn pipeline(&self, out: &mut Vec<Traffic>) {
        let layout = self.layout;
        let between = 1.0 - 1.0 / float(layout.pp);
        let stream = BF16 * float(self.shape.hidden) * self.tokens / float(layout.tp);
        let bytes = 2.0 * stream * float(layout.interleave) * self.batches * between;
        let span = layout.devices();
        out.push(Traffic { axis: "pp", collective: Collective::SendReceive, bytes, span });
    }
}

#[expect(clippy::cast_precision_loss, reason = "traffic is no count")]
fn float(number: u64) -> f64 {
    number as f64
}
