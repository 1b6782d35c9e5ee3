//! Llamas of any size.

use plan::model::{
    Attention, Block, FeedForward, Grouped, Mlp, Norm, Positions, QkNorm, Shape, Stack,
};

/// A Llama: layers, hidden, feed-forward, heads, key heads, vocabulary; width of a head.
pub fn llama(sizes: [u64; 6], head_dim: u64, tied: bool) -> Shape {
    let [layers, hidden, ffn, heads, kv_heads, vocab] = sizes;
    let attention = Attention::Grouped(Grouped {
        heads,
        kv_heads,
        head_dim,
        qkv_bias: false,
        out_bias: false,
        qk_norm: QkNorm::None,
        sinks: false,
    });
    let mlp = Mlp { width: ffn, gated: true, bias: false };
    let block = Block { attention, feed_forward: FeedForward::Dense(mlp), norms: 2 };
    Shape {
        vocab,
        hidden,
        embedding_width: hidden,
        embedding_norm: false,
        positions: Positions::Free,
        norm: Norm::Scale,
        final_norm: true,
        tied,
        stacks: vec![Stack { layers, block }],
    }
}
