//! A block as a program of operators, and the parameters that it has.

use super::attention;
use super::code::Order;
use super::experts;
use super::label::Label;
use super::line::Line;
use super::operator::Linear;
use super::stream::{Stream, number};
use super::tape::{Id, Tape};
use crate::model::{self, Attention, FeedForward, Mlp};

const BF16: f64 = 2.0;
const FP32: f64 = 4.0;

/// A parameter on one device, before it is sharded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Parameter {
    /// Rows; shards are cut between them.
    pub rows: f64,
    /// Numbers in a row.
    pub row: f64,
    /// Bytes of a number of its gradient before it is reduced.
    pub gradient: f64,
    /// Devices that share it out, over those that share out the others: experts are spread
    /// already.
    pub spread: f64,
    /// Whether it is a factor of a matrix product.
    pub multiplies: bool,
    /// Bytes of a number where it is not trained.
    pub frozen: Option<f64>,
}

impl Parameter {
    pub fn matrix(rows: f64, row: f64) -> Self {
        Self { rows, row, gradient: BF16, spread: 1.0, multiplies: true, frozen: None }
    }

    /// A table of which rows are taken, and which may be a factor too.
    pub fn table(rows: f64, row: f64, multiplies: bool) -> Self {
        Self { multiplies, ..Self::matrix(rows, row) }
    }

    pub fn vector(rows: f64) -> Self {
        Self { multiplies: false, ..Self::matrix(rows, 1.0) }
    }

    /// How many numbers.
    pub fn numbers(&self) -> f64 {
        self.rows * self.row
    }
}

/// The parameters of linear layers, one after the other.
#[derive(Default)]
pub(super) struct Parameters(pub Vec<Parameter>);

impl Parameters {
    pub fn linear(&mut self, rows: f64, row: f64, bias: bool) {
        self.0.push(Parameter::matrix(rows, row));
        if bias {
            self.0.push(Parameter::vector(rows));
        }
    }
}

/// A block on one device.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block<'a> {
    pub stream: &'a Stream,
    pub kind: &'a model::Block,
    /// Whether its attention gets a mask.
    pub masked: bool,
}

impl Block<'_> {
    /// Parameters in module order: attention, feed-forward, norms.
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut out = Parameters(Vec::with_capacity(16));
        match &self.kind.attention {
            Attention::Grouped(a) => attention::grouped_parameters(self.stream, a, &mut out),
            Attention::Latent(a) => attention::latent_parameters(self.stream, a, &mut out),
        }
        match &self.kind.feed_forward {
            FeedForward::Dense(mlp) => mlp_parameters(self.stream, mlp, &mut out),
            FeedForward::Experts(experts) => experts::parameters(self.stream, experts, &mut out),
        }
        let mut out = out.0;
        if let Attention::Grouped(a) = &self.kind.attention {
            out.extend(attention::norm_parameters(self.stream, a));
        }
        for _ in 0..self.kind.norms {
            out.extend(self.stream.norm_parameters(self.stream.hidden));
        }
        out
    }

    /// Parameters with what is trained: all, or adapters beside every matrix, in FP32.
    pub fn trained(&self) -> Vec<Parameter> {
        let mut parameters = self.parameters();
        let Some(adapter) = self.stream.adapter else {
            return parameters;
        };
        let rank = number(adapter.rank);
        let mut adapters = Vec::new();
        for parameter in &mut parameters {
            let base = if parameter.multiplies { adapter.base.bytes() } else { BF16 };
            parameter.frozen = Some(base);
            if parameter.multiplies {
                let factor = |rows: f64, row: f64| Parameter {
                    gradient: FP32,
                    spread: parameter.spread,
                    ..Parameter::matrix(rows, row)
                };
                adapters.push(factor(rank, parameter.row));
                adapters.push(factor(parameter.rows, rank));
            }
        }
        parameters.extend(adapters);
        parameters
    }

    /// Runs the block; whoever called it holds its input.
    pub fn forward(&self, t: &mut Tape, x: Id) -> Id {
        let (stream, norm) = (self.stream, self.stream.norm());
        let tensor = stream.tensor();
        if self.kind.norms < 2 || stream.code.order == Order::Parallel {
            return self.side_by_side(t, x);
        }
        if stream.code.order == Order::After {
            return self.normed_after(t, x);
        }
        // Gemma norms after both parts too
        let after = self.kind.norms >= 4;
        let n = t.norm(x, norm);
        let mut mixed = self.attend(t, n);
        if after {
            mixed = replaced(t, mixed, |t, x| t.norm(x, stream.norm_of_part()));
        }
        let middle = t.sum(x, mixed, tensor);
        t.drop(mixed);
        let n = t.norm(middle, norm);
        let mut fed = self.feed(t, n);
        if after {
            fed = replaced(t, fed, |t, x| t.norm(x, stream.norm_of_part()));
        }
        let out = t.sum(middle, fed, tensor);
        t.drop(fed);
        t.drop(middle);
        out
    }

    /// Both parts on the stream itself, and a norm behind each (`OLMo` 2).
    fn normed_after(&self, t: &mut Tape, x: Id) -> Id {
        let (norm, tensor) = (self.stream.norm_of_part(), self.stream.tensor());
        t.hold(x);
        let mixed = self.attend(t, x);
        let mixed = replaced(t, mixed, |t, x| t.norm(x, norm));
        let middle = t.sum(x, mixed, tensor);
        t.drop(mixed);
        t.hold(middle);
        let fed = self.feed(t, middle);
        let fed = replaced(t, fed, |t, x| t.norm(x, norm));
        let out = t.sum(middle, fed, tensor);
        t.drop(fed);
        t.drop(middle);
        out
    }

    /// Both parts side by side behind one norm (Cohere) or a norm each (GPT-NeoX).
    fn side_by_side(&self, t: &mut Tape, x: Id) -> Id {
        let tensor = self.stream.tensor();
        let n = t.norm(x, self.stream.norm());
        let (mixed, fed) = if self.kind.norms < 2 {
            t.hold(n);
            (self.attend(t, n), self.feed(t, n))
        } else {
            let mixed = self.attend(t, n);
            let n = t.norm(x, self.stream.norm());
            (mixed, self.feed(t, n))
        };
        let sum = t.sum(x, mixed, tensor);
        t.drop(mixed);
        let out = t.sum(sum, fed, tensor);
        t.drop(sum);
        t.drop(fed);
        out
    }

    /// Attention; lets go of its input.
    fn attend(&self, t: &mut Tape, n: Id) -> Id {
        self.on_all_tokens(t, n, |t, n| match &self.kind.attention {
            Attention::Grouped(a) => attention::grouped(self.stream, a, t, n, self.masked),
            Attention::Latent(a) => attention::latent(self.stream, a, t, n),
        })
    }

    /// The feed-forward; lets go of its input.
    fn feed(&self, t: &mut Tape, n: Id) -> Id {
        match &self.kind.feed_forward {
            FeedForward::Dense(mlp) => {
                self.on_all_tokens(t, n, |t, n| feed(self.stream, mlp, t, n))
            }
            FeedForward::Experts(experts) => experts::feed(self.stream, experts, t, n),
        }
    }

    /// Runs a part on the tokens of all tensor-parallel devices: they are gathered before it, and
    /// its partial sums are reduced and scattered after it.
    fn on_all_tokens(&self, t: &mut Tape, n: Id, part: impl FnOnce(&mut Tape, Id) -> Id) -> Id {
        on_all_tokens(self.stream, t, n, part)
    }
}

/// Runs a part on the tokens of all tensor-parallel devices; lets go of its input.
pub(super) fn on_all_tokens(
    stream: &Stream,
    t: &mut Tape,
    n: Id,
    part: impl FnOnce(&mut Tape, Id) -> Id,
) -> Id {
    if stream.tp <= 1.0 {
        let out = part(t, n);
        t.drop(n);
        return out;
    }
    let (share, whole) = (stream.tensor(), stream.whole());
    let gathered = t.resized(n, share, whole, stream.copies());
    t.drop(n);
    let partial = part(t, gathered);
    t.drop(gathered);
    let out = t.resized(partial, whole, share, stream.copies());
    t.drop(partial);
    out
}

/// Two matrices, or three with a gate.
pub(super) fn feed(stream: &Stream, mlp: &Mlp, t: &mut Tape, n: Id) -> Id {
    let (hidden, width, bias) = (stream.hidden, number(mlp.width) / stream.tp, mlp.bias);
    let linear = |inputs: f64, outputs: f64, cast: bool, label: Label| Linear {
        inputs,
        outputs,
        bias,
        tokens: 1.0,
        cast,
        label,
    };
    let into = linear(hidden, width, stream.autocast, Label::FeedForward);
    if stream.code.fused_gate && mlp.gated {
        let both = t.linear(n, Linear { outputs: 2.0 * width, ..into });
        let [gate] = t.cut(both, Line::per_token(2.0 * BF16 * width));
        let inner = t.activation(gate, width, stream.code.activation);
        let product = t.product(inner, both, width);
        for id in [gate, inner, both] {
            t.drop(id);
        }
        let out = t.linear(product, linear(width, hidden, false, Label::Residual));
        t.drop(product);
        return out;
    }
    let raw = t.linear(n, into);
    if stream.compiled() && mlp.gated {
        let other = t.linear(n, into);
        let gated = t.gate(raw, other, width);
        let out = t.linear(gated, linear(width, hidden, false, Label::Residual));
        t.drop(gated);
        return out;
    }
    let mut inner = t.activation(raw, width, stream.code.activation);
    t.drop(raw);
    if mlp.gated {
        let other = t.linear(n, into);
        let product = t.product(inner, other, width);
        t.drop(inner);
        t.drop(other);
        inner = product;
    }
    let out = t.linear(inner, linear(width, hidden, false, Label::Residual));
    t.drop(inner);
    out
}

fn mlp_parameters(stream: &Stream, mlp: &Mlp, out: &mut Parameters) {
    let (h, f) = (stream.hidden, number(mlp.width) / stream.tp);
    out.linear(f, h, mlp.bias);
    out.linear(h, f, mlp.bias);
    if mlp.gated {
        out.linear(f, h, mlp.bias);
    }
}

/// Puts what an operator makes of a tensor in the tensor's place.
pub(super) fn replaced(t: &mut Tape, x: Id, operator: impl FnOnce(&mut Tape, Id) -> Id) -> Id {
    let y = operator(t, x);
    t.drop(x);
    y
}
