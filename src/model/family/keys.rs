//! Keys that most families share.

use super::{Ffn, HeadDim, Kv, Switch};
use crate::model::config::{Key, needed};

pub(super) const OFF: Switch = Switch::Off;
pub(super) const ON: Switch = Switch::On;
pub(super) const ATTENTION_BIAS: Switch = Switch::Key("attention_bias", false);
pub(super) const MLP_BIAS: Switch = Switch::Key("mlp_bias", false);

pub(super) const fn vocab(default: u64) -> Key {
    needed("vocab_size", default)
}
pub(super) const fn hidden(default: u64) -> Key {
    needed("hidden_size", default)
}
pub(super) const fn layers(default: u64) -> Key {
    needed("num_hidden_layers", default)
}
pub(super) const fn heads(default: u64) -> Key {
    needed("num_attention_heads", default)
}
pub(super) const fn ffn(default: u64) -> Ffn {
    Ffn::Key(needed("intermediate_size", default))
}
/// `num_key_value_heads` with a default of its own; null fails.
pub(super) const fn kv(default: u64) -> Kv {
    Kv::Key { absent: Some(default), nullable: false }
}
/// The same where null means one for each head.
pub(super) const fn kv_or_null(default: u64) -> Kv {
    Kv::Key { absent: Some(default), nullable: true }
}
/// `head_dim` with a default of its own; null fails.
pub(super) const fn head_dim(default: u64) -> HeadDim {
    HeadDim::Key { absent: Some(default), nullable: false }
}
/// `head_dim` that is split from the hidden width when absent; null fails.
pub(super) const HEAD_DIM: HeadDim = HeadDim::Key { absent: None, nullable: false };
