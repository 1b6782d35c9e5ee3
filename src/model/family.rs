//! Families: which keys of a `config.json` say what, and what their absence means.
//!
//! A [`Family`] is data; [`Family::shape`] reads every one of them. What some of them do besides
//! is in their `adjust`.

mod build;
mod dense;
mod keys;
mod mixtures;
mod older;
mod table;

use super::config::{Key, Keys};
use super::error::ShapeError;
use super::shape::{Norm, Shape};

pub(super) use table::FAMILIES;

/// How a family's `config.json` becomes a [`Shape`].
#[expect(clippy::struct_excessive_bools, reason = "facts of a table, one by one")]
pub(super) struct Family {
    /// The `model_type` of its files.
    pub model_type: &'static str,
    /// Its causal language model in `architectures`.
    pub class: &'static str,
    pub vocab: Key,
    pub hidden: Key,
    pub layers: Key,
    pub heads: Key,
    pub ffn: Ffn,
    pub kv: Kv,
    pub head_dim: HeadDim,
    /// `tie_word_embeddings` where it is absent.
    pub tied: bool,
    /// Biases on queries, keys and values, on the output projection, on the feed-forward.
    pub qkv_bias: Switch,
    pub out_bias: Switch,
    pub mlp_bias: Switch,
    pub gated: bool,
    pub qk_norm: Norms,
    /// One learned number for each head.
    pub sinks: bool,
    /// Low ranks in place of full queries, keys and values.
    pub latent: bool,
    pub norm: Norm,
    /// Norms in a block.
    pub norms: u64,
    /// Rows of a learned table of positions, and the rows that the class adds.
    pub positions: Option<(Key, u64)>,
    pub embedding_norm: bool,
    pub experts: Option<Mixture>,
    /// What the keys change besides.
    pub adjust: fn(&mut Shape, &mut Keys) -> Result<(), ShapeError>,
}

/// The inner width of the feed-forward.
#[derive(Clone, Copy)]
pub(super) enum Ffn {
    Key(Key),
    /// Four times the hidden width, unless such a key says another.
    FourTimes(Option<&'static str>),
}

/// Key and value heads.
#[derive(Clone, Copy)]
pub(super) enum Kv {
    /// One for each head, whatever the file says.
    Heads,
    /// `num_key_value_heads`.
    Key {
        /// Where it is absent: so many, or one for each head.
        absent: Option<u64>,
        /// Whether null means one for each head; else the class fails.
        nullable: bool,
    },
}

/// Width of a head.
#[derive(Clone, Copy)]
pub(super) enum HeadDim {
    /// The hidden width over the heads, whatever the file says.
    Split,
    /// `head_dim`.
    Key {
        /// Where it is absent: so wide, or the hidden width over the heads.
        absent: Option<u64>,
        /// Whether null means the hidden width over the heads; else the class fails.
        nullable: bool,
    },
}

/// Something that is there always, never, or as a key says.
#[derive(Clone, Copy)]
pub(super) enum Switch {
    Off,
    On,
    Key(&'static str, bool),
}

/// Norms of queries and keys.
#[derive(Clone, Copy)]
pub(super) enum Norms {
    None,
    Shared,
    Whole,
    WholeIf(&'static str),
}

/// A mixture of experts.
pub(super) struct Mixture {
    pub count: Key,
    /// Experts on a token where the key is absent; none means that the file must say it.
    pub per_token: Option<u64>,
    /// Width of an expert, where it is not that of the dense feed-forward.
    pub width: Option<Key>,
    pub layers: Sparse,
    pub shared: Shared,
    pub router_bias: bool,
}

/// Which layers are mixtures.
#[derive(Clone, Copy)]
pub(super) enum Sparse {
    /// All.
    All,
    /// Every `decoder_sparse_step`-th but those of `mlp_only_layers`.
    Stepped,
    /// Those after `first_k_dense_replace`, and where that is absent.
    AfterDense(u64),
}

/// The expert that works on every token.
#[derive(Clone, Copy)]
pub(super) enum Shared {
    None,
    /// One of a width of its own, with a gate.
    Gated(Key),
    /// So many of an expert's width; whether null means none, else the class fails.
    Count(Key, bool),
}
