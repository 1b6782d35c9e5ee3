//! Llamas of any size.

use crate::network::{grouped, network};
use plan::model::{Block, FeedForward, Mlp, Shape, Stack};

/// A Llama: layers, hidden, feed-forward, heads, key heads, vocabulary; width of a head.
pub fn llama(sizes: [u64; 6], head_dim: u64, tied: bool) -> Shape {
    let [layers, hidden, ffn, heads, kv_heads, vocab] = sizes;
    let mlp = Mlp { width: ffn, gated: true, bias: false };
    let attention = grouped(heads, kv_heads, head_dim);
    let block = Block { attention, feed_forward: FeedForward::Dense(mlp), norms: 2 };
    network(hidden, vocab, tied, vec![Stack { layers, block }])
}
