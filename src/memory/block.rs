//! A block as a program of operators, and the parameters that it has.

use super::label::Label;
use super::line::Line;
use super::operator::{Linear, Norm, NormKind};
use super::tape::{Id, Tape};
use crate::model::{self, Attention, FeedForward, Grouped, Mlp, Positions, QkNorm, Shape};

const BF16: f64 = 2.0;

/// A parameter as sharding sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Parameter {
    /// Rows; shards are cut between them.
    pub rows: f64,
    /// Numbers in a row.
    pub row: f64,
    /// Bytes of a number of its gradient before it is reduced.
    pub gradient: f64,
}

impl Parameter {
    pub fn matrix(rows: f64, row: f64) -> Self {
        Self { rows, row, gradient: BF16 }
    }

    pub fn vector(rows: f64) -> Self {
        Self::matrix(rows, 1.0)
    }

    /// How many numbers.
    pub fn numbers(&self) -> f64 {
        self.rows * self.row
    }
}

/// What all blocks of a model share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream {
    pub hidden: f64,
    pub norm: NormKind,
    /// Numbers of a norm's parameters for each number of its width: 0, 1 or 2.
    pub norm_parameters: u8,
    /// Bytes of the table that rotates queries and keys, where they are rotated.
    pub rotation: Option<f64>,
}

impl Stream {
    pub fn of(shape: &Shape, sequence: f64, rms: NormKind, layer: NormKind) -> Self {
        let (norm, norm_parameters) = match shape.norm {
            model::Norm::Bare => (layer, 0),
            model::Norm::Scale => (rms, 1),
            model::Norm::Layer => (layer, 2),
        };
        let head_dim = shape.blocks().map(|(_, block)| rotated_width(&block.attention)).max();
        let rotation = (shape.positions == Positions::Free)
            .then(|| 4.0 * sequence * number(head_dim.unwrap_or_default()));
        Self { hidden: number(shape.hidden), norm, norm_parameters, rotation }
    }

    /// The norm of the stream.
    pub fn norm(&self) -> Norm {
        self.norm_of(self.hidden, 1.0, self.hidden)
    }

    fn norm_of(&self, width: f64, rows: f64, weight: f64) -> Norm {
        let weight = if self.norm_parameters > 0 { weight } else { 0.0 };
        Norm { width, rows, kind: self.norm, weight, bias: self.norm_parameters > 1 }
    }

    /// The parameters of a norm of so many numbers.
    pub fn norm_parameters(&self, weight: f64) -> Vec<Parameter> {
        let mut parameters = vec![Parameter::vector(weight); self.norm_parameters.into()];
        if self.norm == NormKind::RmsByParts {
            // what the parts compute in FP32 is reduced in FP32
            parameters.iter_mut().for_each(|parameter| parameter.gradient = 4.0);
        }
        parameters
    }

    /// Bytes of a tensor of the stream.
    pub fn tensor(&self) -> Line {
        Line::per_token(BF16 * self.hidden)
    }
}

fn rotated_width(attention: &Attention) -> u64 {
    match attention {
        Attention::Grouped(grouped) => grouped.head_dim,
        Attention::Latent(latent) => latent.rope_dim,
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes of a checked shape stay below 1e9")]
pub(super) fn number(size: u64) -> f64 {
    size as f64
}

/// A block: the parameters in module order, and what running it does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub stream: Stream,
    pub attention: Grouped,
    pub mlp: Mlp,
    pub norms: u64,
}

impl Block {
    /// What this simulation knows of a block; none where it has operators that it does not.
    pub fn of(stream: Stream, block: &model::Block) -> Option<Self> {
        let Attention::Grouped(attention) = block.attention else { return None };
        let FeedForward::Dense(mlp) = block.feed_forward else { return None };
        Some(Self { stream, attention, mlp, norms: block.norms })
    }

    fn widths(&self) -> (f64, f64) {
        let a = &self.attention;
        (number(a.heads) * number(a.head_dim), number(a.kv_heads) * number(a.head_dim))
    }

    /// Parameters in module order: attention, feed-forward, norms.
    pub fn parameters(&self) -> Vec<Parameter> {
        let (a, h, f) = (&self.attention, self.stream.hidden, number(self.mlp.width));
        let (q, kv) = self.widths();
        let mut out = Vec::with_capacity(16);
        let mut linear = |rows: f64, row: f64, bias: bool| {
            out.push(Parameter::matrix(rows, row));
            if bias {
                out.push(Parameter::vector(rows));
            }
        };
        for rows in [q, kv, kv] {
            linear(rows, h, a.qkv_bias);
        }
        linear(h, q, a.out_bias);
        linear(f, h, self.mlp.bias);
        linear(h, f, self.mlp.bias);
        if self.mlp.gated {
            linear(f, h, self.mlp.bias);
        }
        for weight in self.qk_norm_weights() {
            out.extend(self.stream.norm_parameters(weight));
        }
        for _ in 0..self.norms {
            out.extend(self.stream.norm_parameters(h));
        }
        out
    }

    /// Numbers of the weights of the norms of queries and keys.
    fn qk_norm_weights(&self) -> Vec<f64> {
        let (q, kv) = self.widths();
        match self.attention.qk_norm {
            QkNorm::None => vec![],
            QkNorm::Shared => vec![number(self.attention.head_dim); 2],
            QkNorm::Whole => vec![q, kv],
        }
    }

    /// Runs the block; whoever called it holds its input.
    pub fn forward(&self, t: &mut Tape, x: Id) -> Id {
        let tensor = self.stream.tensor();
        let norm = self.stream.norm();
        if self.norms < 2 {
            return self.parallel(t, x);
        }
        // Gemma norms after both parts too
        let post = self.norms >= 4;
        let n = t.norm(x, norm);
        let mut a = self.attend(t, n);
        t.drop(n);
        if post {
            a = replaced(t, a, |t, a| t.norm(a, norm));
        }
        let middle = t.sum(x, a, tensor);
        t.drop(a);
        let n = t.norm(middle, norm);
        let mut d = self.feed(t, n);
        t.drop(n);
        if post {
            d = replaced(t, d, |t, d| t.norm(d, norm));
        }
        let out = t.sum(middle, d, tensor);
        t.drop(d);
        t.drop(middle);
        out
    }

    /// Both parts side by side behind one norm (Cohere).
    fn parallel(&self, t: &mut Tape, x: Id) -> Id {
        let tensor = self.stream.tensor();
        let n = t.norm(x, self.stream.norm());
        let a = self.attend(t, n);
        let d = self.feed(t, n);
        t.drop(n);
        let sum = t.sum(x, a, tensor);
        t.drop(a);
        let out = t.sum(sum, d, tensor);
        t.drop(sum);
        t.drop(d);
        out
    }

    fn attend(&self, t: &mut Tape, n: Id) -> Id {
        let a = &self.attention;
        let (h, (q, kv)) = (self.stream.hidden, self.widths());
        let project = |t: &mut Tape, outputs: f64| {
            let bias = a.qkv_bias;
            t.linear(n, Linear { inputs: h, outputs, bias, tokens: 1.0, label: Label::Qkv })
        };
        let mut queries = project(t, q);
        let mut keys = project(t, kv);
        let values = project(t, kv);
        match a.qk_norm {
            QkNorm::None => {}
            QkNorm::Shared => {
                let d = number(a.head_dim);
                let norm = |rows: u64| self.stream.norm_of(d, number(rows), d);
                queries = replaced(t, queries, |t, x| t.norm(x, norm(a.heads)));
                keys = replaced(t, keys, |t, x| t.norm(x, norm(a.kv_heads)));
            }
            QkNorm::Whole => {
                let norm = |width: f64| self.stream.norm_of(width, 1.0, width);
                queries = replaced(t, queries, |t, x| t.norm(x, norm(q)));
                keys = replaced(t, keys, |t, x| t.norm(x, norm(kv)));
            }
        }
        if let Some(table) = self.stream.rotation {
            [queries, keys] = t.rotation([(queries, q), (keys, kv)], table);
        }
        let qkv = [queries, keys, values];
        let o = t.flash_attention(qkv, [q, kv, kv], q, number(a.heads));
        let label = Label::Residual;
        let out =
            t.linear(o, Linear { inputs: q, outputs: h, bias: a.out_bias, tokens: 1.0, label });
        for id in [queries, keys, values, o] {
            t.drop(id);
        }
        out
    }

    fn feed(&self, t: &mut Tape, n: Id) -> Id {
        let (h, f, bias) = (self.stream.hidden, number(self.mlp.width), self.mlp.bias);
        let into =
            Linear { inputs: h, outputs: f, bias, tokens: 1.0, label: Label::FeedForward };
        let out = Linear { inputs: f, outputs: h, bias, tokens: 1.0, label: Label::Residual };
        let g = t.linear(n, into);
        let s = t.activation(g, f);
        t.drop(g);
        let inner = if self.mlp.gated {
            let u = t.linear(n, into);
            let p = t.product(s, u, f);
            t.drop(s);
            t.drop(u);
            p
        } else {
            s
        };
        let d = t.linear(inner, out);
        t.drop(inner);
        d
    }
}

/// Puts what an operator makes of a tensor in the tensor's place.
fn replaced(t: &mut Tape, x: Id, operator: impl FnOnce(&mut Tape, Id) -> Id) -> Id {
    let y = operator(t, x);
    t.drop(x);
    y
}
