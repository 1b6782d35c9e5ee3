//! Networks of any size.

use plan::model::{Attention, Grouped, Norm, Positions, QkNorm, Shape, Stack};

/// Attention whose key heads serve groups, without biases.
pub fn grouped(heads: u64, kv_heads: u64, head_dim: u64) -> Attention {
    Attention::Grouped(Grouped {
        heads,
        kv_heads,
        head_dim,
        qkv_bias: false,
        out_bias: false,
        qk_norm: QkNorm::None,
        sinks: false,
    })
}

/// Stacks of blocks with RMSNorm and rotated positions.
pub fn network(hidden: u64, vocab: u64, tied: bool, stacks: Vec<Stack>) -> Shape {
    Shape {
        vocab,
        hidden,
        embedding_width: hidden,
        embedding_norm: false,
        positions: Positions::Free,
        norm: Norm::Scale,
        final_norm: true,
        tied,
        stacks,
    }
}
