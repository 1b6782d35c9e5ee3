//! What a device holds during the whole step.

use super::rank::{ChunkLayers, Rank, vocab};
use crate::layout::Strategy;
use crate::memory::label::Label;
use crate::memory::stream::number;
use crate::memory::timeline::Event;
use crate::memory::unit::Script;
use crate::model::{Attention, Block, FeedForward, Norm, Shape};
use std::collections::BTreeSet;

const MIB: f64 = 1024.0 * 1024.0;
/// Transformer Engine's workspace for a matrix product, on Hopper and later
/// (`cpp_extensions/gemm.py`, `get_cublas_workspace_size_bytes`).
const ENGINE_WORKSPACE: f64 = 32.0 * MIB + 1024.0;
/// Streams of a grouped product, each with such a workspace.
const GROUPED_STREAMS: f64 = 4.0;
/// The workspaces of the output layer's product, which is `torch.matmul`'s: 8.125 MiB, the default
/// `:4096:2:16:8` of `CUBLAS_WORKSPACE_CONFIG`, for each of the threads of forward and backward.
/// Hopper's default is 32 MiB each, 47.75 MiB more in all (`CublasHandlePool.cpp`).
const OUTPUT_WORKSPACES: f64 = 2.0 * 8.125 * MIB;

/// Weights of a device.
#[derive(Default)]
struct Weights {
    dense: f64,
    experts: f64,
    /// Rows and columns of every matrix whose gradient is added up in place: Transformer Engine
    /// keeps one dummy gradient of each, in BF16 (`get_dummy_wgrad`).
    kinds: BTreeSet<(u64, u64)>,
}

impl Weights {
    fn matrices(&mut self, layers: u64, matrices: &[(u64, u64)]) {
        for &(rows, columns) in matrices {
            self.dense += number(layers) * number(rows) * number(columns);
            self.kinds.insert((rows, columns));
        }
    }
}

/// Parameters, gradients, optimizer states, workspaces and tables.
pub(super) fn held(rank: &Rank, shape: &Shape, chunks: &[ChunkLayers]) -> Vec<Event> {
    let weights = weights(rank, shape, chunks);
    let layout = &rank.setting.layout;
    let all = weights.dense + weights.experts;
    // the distributed optimizer: over all devices that hold the same parameters
    let (shards, expert_shards) = match layout.strategy {
        Strategy::Zero1 => {
            (number(layout.shards()), number(layout.shards() * layout.tp / layout.ep))
        }
        _ => (1.0, 1.0),
    };
    let shard = |numbers: f64, over: f64| (numbers / over).ceil();
    let optimized = shard(weights.dense, shards) + shard(weights.experts, expert_shards);
    let mut s = Script::default();
    s.make(Label::Parameters, 2.0 * all);
    s.make(Label::Gradients, 4.0 * all);
    s.make(Label::Optimizer, (4.0 + rank.setting.optimizer.states(4.0)) * optimized);
    let dummies =
        weights.kinds.iter().map(|(rows, columns)| 2.0 * number(*rows) * number(*columns));
    s.make(Label::UnitGradients, dummies.sum());
    let head = chunks.iter().any(|chunk| chunk.ends.head);
    s.make(Label::Workspace, ENGINE_WORKSPACE);
    if shape.has_experts() {
        s.make(Label::Workspace, GROUPED_STREAMS * ENGINE_WORKSPACE);
    }
    if head {
        s.make(Label::Workspace, OUTPUT_WORKSPACES);
    }
    if head && rank.tp > 1.0 {
        // the output layer's gathered input has a buffer of its own (`GlobalMemoryBuffer`)
        s.add(Label::Communication, rank.whole());
    }
    s.make(Label::Embedding, rotations(rank, shape));
    s.0
}

/// The table of rotations: of this device's tokens, or cosine and sine of the whole sequence.
fn rotations(rank: &Rank, shape: &Shape) -> f64 {
    let sequence = number(rank.setting.sequence);
    let table = shape.blocks().map(|(_, block)| match &block.attention {
        Attention::Grouped(a) => 4.0 * number(a.head_dim) * sequence / rank.cp,
        Attention::Latent(a) => 2.0 * 4.0 * number(a.rope_dim) * sequence,
    });
    table.fold(0.0, f64::max)
}

fn weights(rank: &Rank, shape: &Shape, chunks: &[ChunkLayers]) -> Weights {
    let layout = &rank.setting.layout;
    let h = shape.hidden;
    let norm = match shape.norm {
        Norm::Bare => 0.0,
        Norm::Scale => 1.0,
        Norm::Layer => 2.0,
    };
    let mut out = Weights::default();
    for chunk in chunks {
        for &(layers, block) in &chunk.layers {
            out.dense += number(layers) * norm * 2.0 * number(h);
            attention(&mut out, layers, block, h, layout.tp, norm);
            feed(&mut out, layers, block, h, layout.tp, layout.ep);
        }
    }
    let rows = vocab(shape, layout.tp);
    let head = chunks.iter().any(|chunk| chunk.ends.head);
    if chunks.iter().any(|chunk| chunk.ends.embedding) {
        out.dense += number(rows) * number(h);
    }
    if head {
        out.dense += norm * number(h);
        // a tied head on another device than the embedding is a copy of it
        if !(shape.tied && layout.pp == 1) {
            out.dense += number(rows) * number(h);
        }
        out.kinds.insert((rows, h));
    }
    out
}

fn attention(out: &mut Weights, layers: u64, block: &Block, h: u64, tp: u64, norm: f64) {
    match &block.attention {
        Attention::Grouped(a) => {
            let heads = a.heads / tp;
            let rows = (heads + 2 * (a.kv_heads / tp).max(1)) * a.head_dim;
            out.matrices(layers, &[(rows, h), (h, heads * a.head_dim)]);
            if a.qkv_bias {
                out.dense += number(layers) * number(rows);
            }
        }
        Attention::Latent(a) => {
            let heads = a.heads / tp;
            let query = heads * (a.nope_dim + a.rope_dim);
            match a.q_rank {
                Some(rank) => {
                    out.matrices(layers, &[(rank, h), (query, rank)]);
                    out.dense += number(layers) * norm * number(rank);
                }
                None => out.matrices(layers, &[(query, h)]),
            }
            let down = (a.kv_rank + a.rope_dim, h);
            let up = (heads * (a.nope_dim + a.value_dim), a.kv_rank);
            out.matrices(layers, &[down, up, (h, heads * a.value_dim)]);
            out.dense += number(layers) * norm * number(a.kv_rank);
        }
    }
}

fn feed(out: &mut Weights, layers: u64, block: &Block, h: u64, tp: u64, ep: u64) {
    let mlp = |out: &mut Weights, width: u64, gated: bool| {
        let rows = if gated { 2 * width } else { width };
        out.matrices(layers, &[(rows / tp, h), (h, width / tp)]);
    };
    match &block.feed_forward {
        FeedForward::Dense(dense) => mlp(out, dense.width, dense.gated),
        FeedForward::Experts(e) => {
            // the router's gradient is made for itself
            out.dense += number(layers) * number(e.count) * number(h);
            if let Some(shared) = &e.shared {
                mlp(out, shared.width, shared.gated);
            }
            let width = e.expert.width;
            let local = number(layers) * number(e.count / ep);
            out.experts += local * 3.0 * number(width) * number(h);
            out.kinds.extend([(2 * width, h), (h, width)]);
        }
    }
}
