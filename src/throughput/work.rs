//! What a model computes, before it is split: sums over the matrix products of every layer.

use super::float;
use crate::model::{Attention, Block, Experts, FeedForward, Latent, Mlp, Shape};

/// The work of a model on sequences of one length, for every layout.
#[derive(Debug, Clone, PartialEq)]
pub struct Work {
    /// Tokens of a sequence.
    pub(super) sequence: f64,
    /// Width of the stream.
    pub(super) hidden: f64,
    /// Rows of the head.
    pub(super) vocab: f64,
    /// Whether the head is the embedding once more.
    pub(super) tied: bool,
    /// Layers in all.
    pub(super) layers: f64,
    /// Like layers.
    pub(super) stacks: Vec<StackWork>,
}

/// One layer, and how many there are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct StackWork {
    pub(super) layers: f64,
    pub(super) attention: Products,
    pub(super) feed_forward: Products,
    pub(super) experts: Option<ExpertWork>,
    /// Query heads.
    pub(super) heads: f64,
    /// Width of a query and of a value.
    pub(super) query: f64,
    pub(super) value: f64,
    /// Keys and values of a token that context parallel devices exchange.
    pub(super) keys_and_values: f64,
    /// Width between the products of the feed-forward, of what works on a token.
    pub(super) inner: f64,
    /// Whether it has a gate.
    pub(super) gated: bool,
}

/// Products of a token's vector with matrices of k rows and n columns: sums of k n and of k + n,
/// over the matrices that tensor parallel splits and those that it does not.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Products {
    /// Numbers of the split matrices.
    pub(super) split: f64,
    /// Numbers of the others.
    pub(super) whole: f64,
    /// Sides that are split.
    pub(super) split_sides: f64,
    /// Sides that are not.
    pub(super) whole_sides: f64,
}

/// Experts among which a router chooses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ExpertWork {
    pub(super) count: f64,
    pub(super) per_token: f64,
    /// Numbers of one expert's matrices.
    pub(super) numbers: f64,
    /// Their sides.
    pub(super) sides: f64,
}

impl Work {
    /// The work of a model on sequences of so many tokens.
    #[must_use]
    pub fn of(shape: &Shape, sequence: u64) -> Self {
        Self {
            sequence: float(sequence),
            hidden: float(shape.hidden),
            vocab: float(shape.vocab),
            tied: shape.tied,
            layers: float(shape.layers()),
            stacks: shape
                .blocks()
                .map(|(layers, block)| StackWork::of(float(shape.hidden), float(layers), block))
                .collect(),
        }
    }
}

impl StackWork {
    fn of(hidden: f64, layers: f64, block: &Block) -> Self {
        let (attention, heads, query, value, keys_and_values) = match &block.attention {
            Attention::Grouped(a) => {
                let (head, queries) = (float(a.head_dim), float(a.heads) * float(a.head_dim));
                let keys = float(a.kv_heads) * head;
                let products =
                    Products::default().column(hidden, queries + 2.0 * keys).row(queries, hidden);
                (products, float(a.heads), head, head, 2.0 * keys)
            }
            Attention::Latent(a) => latent(hidden, a),
        };
        let base = Self {
            layers,
            attention,
            feed_forward: Products::default(),
            experts: None,
            heads,
            query,
            value,
            keys_and_values,
            inner: 0.0,
            gated: false,
        };
        match &block.feed_forward {
            FeedForward::Dense(mlp) => Self {
                feed_forward: Products::default().mlp(hidden, mlp),
                inner: float(mlp.width),
                gated: mlp.gated,
                ..base
            },
            FeedForward::Experts(experts) => base.with_experts(hidden, experts),
        }
    }

    fn with_experts(self, hidden: f64, experts: &Experts) -> Self {
        let one = Products::default().mlp(hidden, &experts.expert);
        let router = Products::default().plain(hidden, float(experts.count));
        let shared = experts.shared.as_ref().map_or(router, |mlp| router.mlp(hidden, mlp));
        let shared_width = experts.shared.as_ref().map_or(0.0, |mlp| float(mlp.width));
        Self {
            feed_forward: shared,
            experts: Some(ExpertWork {
                count: float(experts.count),
                per_token: float(experts.per_token),
                numbers: one.split,
                sides: one.split_sides + one.whole_sides,
            }),
            inner: float(experts.per_token) * float(experts.expert.width) + shared_width,
            gated: experts.expert.gated,
            ..self
        }
    }
}

/// Queries, keys and values through low ranks; the matrices down to the ranks are not split.
fn latent(hidden: f64, a: &Latent) -> (Products, f64, f64, f64, f64) {
    let heads = float(a.heads);
    let query = float(a.nope_dim) + float(a.rope_dim);
    let (value, kv_rank) = (float(a.value_dim), float(a.kv_rank));
    let queries = match a.q_rank {
        Some(rank) => {
            let down = Products::default().plain(hidden, float(rank));
            down.column(float(rank), heads * query)
        }
        None => Products::default().column(hidden, heads * query),
    };
    let products = queries
        .plain(hidden, kv_rank + float(a.rope_dim))
        .column(kv_rank, heads * (float(a.nope_dim) + value))
        .row(heads * value, hidden);
    (products, heads, query, value, heads * (query + value))
}

impl Products {
    /// A matrix whose columns are split.
    fn column(self, rows: f64, columns: f64) -> Self {
        Self {
            split: self.split + rows * columns,
            split_sides: self.split_sides + columns,
            whole_sides: self.whole_sides + rows,
            ..self
        }
    }

    /// A matrix whose rows are split.
    fn row(self, rows: f64, columns: f64) -> Self {
        self.column(columns, rows)
    }

    /// A matrix that every device has whole.
    fn plain(self, rows: f64, columns: f64) -> Self {
        Self {
            whole: self.whole + rows * columns,
            whole_sides: self.whole_sides + rows + columns,
            ..self
        }
    }

    fn mlp(self, hidden: f64, mlp: &Mlp) -> Self {
        let into = float(mlp.width) * if mlp.gated { 2.0 } else { 1.0 };
        self.column(hidden, into).row(float(mlp.width), hidden)
    }

    /// Numbers of the matrices on one of so many tensor-parallel devices.
    pub(super) fn numbers(&self, tp: f64) -> f64 {
        self.split / tp + self.whole
    }

    /// Sides of the matrices there.
    pub(super) fn sides(&self, tp: f64) -> f64 {
        self.split_sides / tp + self.whole_sides
    }
}
