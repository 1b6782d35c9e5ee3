//! A mixture of experts as operators: router, dispatch, grouped products, combination.
//!
//! Source: torchtitan's `models/common/moe.py` and `token_dispatcher.py` (commit b5bcd76): scores
//! in FP32, tokens sorted by expert, grouped matrix products in BF16, outputs weighted in FP32 and
//! added up; and transformers' `integrations/moe.py` (5.17). Every expert is taken to get its even share of the tokens.

use super::block::{Parameter, Parameters, feed as mlp, on_all_tokens};
use super::code::{Activation, ExpertsCode};
use super::label::Label;
use super::operator::Linear;
use super::stream::{Stream, number};
use super::tape::{Id, Tape};
use crate::model::Experts;

/// The parameters: router, experts, the shared expert and its gate.
pub(super) fn parameters(stream: &Stream, e: &Experts, out: &mut Parameters) {
    let (h, f) = (stream.hidden, number(e.expert.width));
    out.linear(number(e.count), h, e.router_bias);
    let local = number(e.count) / stream.ep;
    let multiplies = stream.code.experts == ExpertsCode::Torchtitan || !stream.autocast;
    let matrices = if e.expert.gated { 3 } else { 2 };
    for _ in 0..matrices {
        let spread = stream.tp / stream.ep;
        let matrix = Parameter::matrix(local * f, h);
        out.0.push(Parameter { spread, multiplies, ..matrix });
        if e.expert.bias {
            out.0.push(Parameter { spread, ..Parameter::vector(local * f) });
        }
    }
    if let Some(shared) = &e.shared {
        let f = number(shared.width) / stream.tp;
        out.linear(f, h, shared.bias);
        out.linear(h, f, shared.bias);
        if shared.gated {
            out.linear(f, h, shared.bias);
        }
    }
    if e.shared_gate {
        out.linear(1.0, h, false);
    }
}

/// The feed-forward of experts; lets go of its input.
pub(super) fn feed(stream: &Stream, e: &Experts, t: &mut Tape, n: Id) -> Id {
    let (hidden, width) = (stream.hidden, number(e.expert.width));
    // experts split the tokens, not the products: this device has its share of them
    let share = 1.0 / stream.tp;
    let routed = number(e.per_token) * share;
    let local = number(e.count) / stream.ep;
    let torchtitan = stream.code.experts == ExpertsCode::Torchtitan;
    // autocast does not know transformers' grouped products, which stay in FP32
    let routed = if stream.autocast && !torchtitan { 2.0 * routed } else { routed };
    let narrow = stream.code.experts == ExpertsCode::Narrow || stream.autocast && !torchtitan;
    let route = if narrow { Tape::narrow_router } else { Tape::router };
    let scores = route(t, n, hidden, number(e.count), share, e.router_bias);
    let sorted = t.dispatch(n, hidden, routed, share);
    let linear = |inputs: f64, outputs: f64| Linear {
        inputs,
        outputs,
        bias: e.expert.bias,
        tokens: routed,
        cast: false,
        label: Label::FeedForward,
    };
    let raw = t.linear_of(local, sorted, linear(hidden, width));
    let mut inner = t.activation(raw, width * routed, Activation::Input);
    t.drop(raw);
    if e.expert.gated {
        let other = t.linear_of(local, sorted, linear(hidden, width));
        let product = t.product(inner, other, width * routed);
        t.drop(inner);
        t.drop(other);
        inner = product;
    }
    t.drop(sorted);
    let outputs = t.linear_of(local, inner, linear(width, hidden));
    t.drop(inner);
    let combine = if torchtitan { Tape::combine } else { Tape::combine_narrow };
    let combined = combine(t, outputs, scores, hidden, routed, share);
    t.drop(outputs);
    t.drop(scores);
    let Some(shared) = &e.shared else {
        t.drop(n);
        return combined;
    };
    let mut other = on_all_tokens(stream, t, n, |t, n| mlp(stream, shared, t, n));
    if e.shared_gate {
        other = t.weighted(other, hidden * share);
    }
    let out = t.sum(combined, other, stream.tensor());
    t.drop(combined);
    t.drop(other);
    out
}
