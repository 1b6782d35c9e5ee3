//! Attention as operators: grouped queries, and latent keys and values.

use super::block::{Parameter, Parameters, replaced};
use super::label::Label;
use super::line::Line;
use super::operator::{Linear, Scores};
use super::setting::AttentionKernel;
use super::stream::{Stream, number};
use super::tape::{Id, Tape};
use crate::model::{Grouped, Latent, QkNorm};

const BF16: f64 = 2.0;

/// Widths of queries and of keys on one device.
fn widths(stream: &Stream, a: &Grouped) -> (f64, f64) {
    let d = number(a.head_dim);
    // fewer key heads than devices: each device holds one
    let kv_heads = (number(a.kv_heads) / stream.tp).max(1.0);
    (number(a.heads) / stream.tp * d, kv_heads * d)
}

pub(super) fn grouped_parameters(stream: &Stream, a: &Grouped, out: &mut Parameters) {
    let (q, kv) = widths(stream, a);
    for rows in [q, kv, kv] {
        out.linear(rows, stream.hidden, a.qkv_bias);
    }
    out.linear(stream.hidden, q, a.out_bias);
    if a.sinks {
        out.0.push(Parameter::vector(number(a.heads) / stream.tp));
    }
}

/// The norms of queries and keys.
pub(super) fn norm_parameters(stream: &Stream, a: &Grouped) -> Vec<Parameter> {
    let (q, kv) = widths(stream, a);
    let weights = match a.qk_norm {
        QkNorm::None => return Vec::new(),
        QkNorm::Shared => [number(a.head_dim); 2],
        QkNorm::Whole => [q, kv],
    };
    weights.into_iter().flat_map(|weight| stream.norm_parameters(weight)).collect()
}

/// Grouped attention on all tokens, with a mask or without; its output is a partial sum under
/// tensor parallelism.
pub(super) fn grouped(stream: &Stream, a: &Grouped, t: &mut Tape, n: Id, masked: bool) -> Id {
    let (q, kv) = widths(stream, a);
    let project = |t: &mut Tape, outputs: f64| {
        let (inputs, bias, label) = (stream.hidden, a.qkv_bias, Label::Qkv);
        let cast = stream.autocast;
        t.linear(n, Linear { inputs, outputs, bias, tokens: 1.0, cast, label })
    };
    let ([mut queries, mut keys], mut values) = if stream.code.fused {
        let all = project(t, q + 2.0 * kv);
        (t.cut(all, Line::per_token(BF16 * (q + 2.0 * kv))), all)
    } else {
        ([project(t, q), project(t, kv)], project(t, kv))
    };
    let head = number(a.head_dim);
    let norm = |width: f64| match a.qk_norm {
        QkNorm::None => None,
        QkNorm::Shared => Some(stream.in_part(stream.norm_of(head, width / head, head))),
        QkNorm::Whole => Some(stream.in_part(stream.norm_of(width, 1.0, width))),
    };
    if let (Some(of_queries), Some(of_keys)) = (norm(q), norm(kv)) {
        queries = replaced(t, queries, |t, x| t.norm(x, of_queries));
        keys = replaced(t, keys, |t, x| t.norm(x, of_keys));
    }
    if let Some(kind) = stream.rotation {
        [queries, keys] = t.rotation([(queries, q), (keys, kv)], kind);
    }
    let heads = number(a.heads) / stream.tp;
    let mut each = kv;
    let masked = masked && stream.attention == AttentionKernel::Sdpa;
    if (stream.repeats() || masked) && kv < q {
        [keys, values] = [keys, values].map(|x| t.joined(x, kv, q));
        each = q;
    }
    let bias = if masked { BF16 * stream.keys } else { 0.0 };
    let mut mixed = attend(stream, t, [queries, keys, values], [q, each, each], q, heads, bias);
    if stream.code.joins && stream.attention == AttentionKernel::Sdpa {
        mixed = t.joined(mixed, q, q);
    }
    if a.sinks {
        t.node(move |t| t.parameter_gradient(2.0 * heads));
    }
    let (outputs, bias, label) = (stream.hidden, a.out_bias, Label::Residual);
    let out = t.linear(mixed, Linear { inputs: q, outputs, bias, tokens: 1.0, cast: false, label });
    for id in [queries, keys, values, mixed] {
        t.drop(id);
    }
    out
}

/// The kernel that the setting names, on keys and values of all context-parallel devices.
fn attend(
    stream: &Stream,
    t: &mut Tape,
    qkv: [Id; 3],
    widths: [f64; 3],
    out: f64,
    heads: f64,
    bias: f64,
) -> Id {
    match stream.attention {
        AttentionKernel::Sdpa => t.flash_attention(qkv, widths, [out, heads, bias], stream.cp),
        AttentionKernel::Eager => {
            let code = stream.code;
            let scores = Scores {
                numbers: heads * stream.keys,
                capped: code.capped,
                narrow: code.narrow_softmax,
            };
            t.eager_attention(qkv, widths, out, scores)
        }
    }
}

pub(super) fn latent_parameters(stream: &Stream, a: &Latent, out: &mut Parameters) {
    let (hidden, heads) = (stream.hidden, number(a.heads) / stream.tp);
    let (nope, rope, value) = (number(a.nope_dim), number(a.rope_dim), number(a.value_dim));
    let kv_rank = number(a.kv_rank);
    match a.q_rank.map(number) {
        Some(rank) => {
            out.linear(rank, hidden, a.bias);
            out.0.extend(stream.norm_parameters(rank));
            out.linear(heads * (nope + rope), rank, false);
        }
        None => out.linear(heads * (nope + rope), hidden, false),
    }
    out.linear(kv_rank + rope, hidden, a.bias);
    out.0.extend(stream.norm_parameters(kv_rank));
    out.linear(heads * (nope + value), kv_rank, false);
    out.linear(hidden, heads * value, a.bias);
}

/// Latent attention on all tokens, keys and values made whole for the kernel
/// (torchtitan's `deepseek_v3`).
pub(super) fn latent(stream: &Stream, a: &Latent, t: &mut Tape, n: Id) -> Id {
    let (hidden, heads) = (stream.hidden, number(a.heads) / stream.tp);
    let (nope, rope, value) = (number(a.nope_dim), number(a.rope_dim), number(a.value_dim));
    let kv_rank = number(a.kv_rank);
    let linear = |inputs: f64, outputs: f64, bias: bool, label: Label| Linear {
        inputs,
        outputs,
        bias,
        tokens: 1.0,
        cast: false,
        label,
    };
    let from_stream = |outputs: f64, bias: bool| Linear {
        cast: stream.autocast,
        ..linear(hidden, outputs, bias, Label::Qkv)
    };
    let width = heads * (nope + rope);
    let queries = match a.q_rank.map(number) {
        Some(rank) => {
            let low = t.linear(n, from_stream(rank, a.bias));
            let low = replaced(t, low, |t, x| t.norm(x, stream.norm_of(rank, 1.0, rank)));
            replaced(t, low, |t, x| t.linear(x, linear(rank, width, false, Label::Qkv)))
        }
        None => t.linear(n, from_stream(width, false)),
    };
    let low = t.linear(n, from_stream(kv_rank + rope, a.bias));
    let normed = t.norm(low, stream.norm_of(kv_rank, 1.0, kv_rank));
    let pairs = t.linear(normed, linear(kv_rank, heads * (nope + value), false, Label::Qkv));
    t.drop(normed);
    // the rotated parts are joined to the others: queries and keys of every head anew
    let queries = t.joined(queries, width, width);
    let keys = t.joined(low, kv_rank + rope, width);
    // values stay a view of the storage that they share with the keys' other part
    let held = heads * (nope + value);
    let qkv = [queries, keys, pairs];
    let mut mixed = attend(stream, t, qkv, [width, width, held], heads * value, heads, 0.0);
    if stream.code.joins && stream.attention == AttentionKernel::Sdpa {
        mixed = t.joined(mixed, heads * value, heads * value);
    }
    let out = t.linear(mixed, linear(heads * value, hidden, a.bias, Label::Residual));
    for id in [queries, keys, pairs, mixed] {
        t.drop(id);
    }
    out
}
