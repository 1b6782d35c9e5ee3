//! What papers say that training holds: formulas to compare with, not those of [`step`](super::step).

use crate::layout::{Recompute, Strategy};

/// Bytes of activations that one layer of a GPT keeps for backward, of 16-bit numbers, without
/// fused attention: `s b h` times
///
/// | | tensor parallel | and sequence parallel |
/// | --- | --- | --- |
/// | none | 10 + 24/t + 5 a s/(h t) | (34 + 5 a s/h)/t |
/// | selective | 10 + 24/t | 34/t |
/// | full | 2 | 2 |
///
/// for `tokens` = s b, hidden width h, a heads and t tensor-parallel devices (Korthikanti et al.
/// 2022, arXiv:2205.05198, equations 1, 2 and 4 and table 2).
#[must_use]
pub fn korthikanti_bytes_per_layer(
    tokens: f64,
    sequence: f64,
    hidden: f64,
    heads: f64,
    tp: f64,
    sequence_parallel: bool,
    recompute: Recompute,
) -> f64 {
    let scores = 5.0 * heads * sequence / hidden;
    let others = if sequence_parallel { 10.0 / tp } else { 10.0 };
    tokens
        * hidden
        * match recompute {
            Recompute::None => others + (24.0 + scores) / tp,
            Recompute::Selective => others + 24.0 / tp,
            Recompute::Full => 2.0,
        }
}

/// Bytes of parameters, gradients and optimizer states on one device: 16-bit parameters and
/// gradients, and 12 bytes of Adam's (`K` = 12), of which `devices` share out those that the
/// strategy shards (Rajbhandari et al. 2020, arXiv:1910.02054, figure 1). With N devices a
/// parameter has 16 bytes, 4 + 12/N (optimizer states), 2 + 14/N (gradients too) or 16/N.
#[must_use]
pub fn zero_state_bytes(strategy: Strategy, parameters: f64, devices: f64) -> f64 {
    parameters
        * match strategy {
            Strategy::Dp | Strategy::Ddp => 16.0,
            Strategy::Zero1 => 4.0 + 12.0 / devices,
            Strategy::Zero2 => 2.0 + 14.0 / devices,
            Strategy::Zero3 | Strategy::Fsdp2 | Strategy::Hsdp => 16.0 / devices,
        }
}
