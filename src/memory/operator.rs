//! What each operator makes, what it saves for backward, and what its backward makes: sizes in
//! bytes, in the order in which eager PyTorch allocates and frees.
//!
//! Source of every operator: the allocations that PyTorch's own tracker sees, operator by
//! operator (`tests/oracle/fsdp_memory.md`, torch 2.15).

use super::label::Label;
use super::line::Line;
use super::tape::{Id, Tape};

const BF16: f64 = 2.0;
const FP32: f64 = 4.0;

/// A linear layer on one device.
#[derive(Debug, Clone, Copy)]
pub(super) struct Linear {
    pub inputs: f64,
    pub outputs: f64,
    pub bias: bool,
    /// Share of the tokens that it works on, or times that a token passes it.
    pub tokens: f64,
    /// What its output is.
    pub label: Label,
}

/// A norm of rows of `width` numbers, so many rows for each token.
#[derive(Debug, Clone, Copy)]
pub(super) struct Norm {
    pub width: f64,
    pub rows: f64,
    pub kind: NormKind,
    /// Numbers of its weight.
    pub weight: f64,
    /// Whether the weight has a gradient beside it: a bias of as many numbers.
    pub bias: bool,
}

/// How a norm is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NormKind {
    /// `RMSNorm` by its parts: FP32 copies of the input and of the normalised input are kept.
    RmsByParts,
    /// `RMSNorm` as one operator (CUDA, torch 2.9 on): the input and 1/rms are kept.
    RmsFused,
    /// `LayerNorm`, with its statistics in so many bytes: the stream's type on the CPU, FP32 on CUDA.
    Layer { statistics: u8 },
}

impl Norm {
    fn numbers(&self) -> f64 {
        self.width * self.rows
    }
}

impl Tape {
    /// `x W` (and a bias): keeps its input.
    pub fn linear(&mut self, x: Id, linear: Linear) -> Id {
        let Linear { inputs, outputs, bias, tokens, label } = linear;
        let kept = self.save(x);
        let y = self.make(label, Line::per_token(BF16 * outputs * tokens));
        let dx_size = Line::per_token(BF16 * inputs * tokens);
        let weight = BF16 * inputs * outputs;
        self.node(move |t| {
            let d = t.gradient(y);
            if bias {
                let dx = t.make(Label::ActivationGradients, dx_size);
                t.parameter_gradient(weight);
                t.release_early(kept);
                t.parameter_gradient(BF16 * outputs);
                t.drop(d);
                t.release(kept);
                t.give(x, dx);
            } else {
                t.parameter_gradient(weight);
                let dx = t.make(Label::ActivationGradients, dx_size);
                t.drop(d);
                t.release(kept);
                t.give(x, dx);
            }
        });
        y
    }

    /// `a + b`: both take the same gradient.
    pub fn sum(&mut self, a: Id, b: Id, size: Line) -> Id {
        let y = self.make(Label::Residual, size);
        self.node(move |t| {
            let d = t.gradient(y);
            t.share(b, d);
            t.give(a, d);
        });
        y
    }

    /// `silu(x)` or `gelu(x)` of so many numbers for a token: keeps its input.
    pub fn activation(&mut self, x: Id, numbers: f64) -> Id {
        let size = Line::per_token(BF16 * numbers);
        let kept = self.save(x);
        let y = self.make(Label::FeedForward, size);
        self.node(move |t| {
            let d = t.gradient(y);
            let dx = t.make(Label::ActivationGradients, size);
            t.drop(d);
            t.release(kept);
            t.give(x, dx);
        });
        y
    }

    /// `a × b`, number by number: keeps both.
    pub fn product(&mut self, a: Id, b: Id, numbers: f64) -> Id {
        let size = Line::per_token(BF16 * numbers);
        let (kept_a, kept_b) = (self.save(a), self.save(b));
        let y = self.make(Label::FeedForward, size);
        self.node(move |t| {
            let d = t.gradient(y);
            let db = t.make(Label::ActivationGradients, size);
            let da = t.make(Label::ActivationGradients, size);
            t.drop(d);
            t.release(kept_a);
            t.release(kept_b);
            t.give(b, db);
            t.give(a, da);
        });
        y
    }

    /// Rotates queries and keys in FP32 as complex numbers, by a table of `table` bytes; lets go
    /// of what they were.
    pub fn rotation(&mut self, inputs: [(Id, f64); 2], table: f64) -> [Id; 2] {
        let wide = |width: f64| Line::per_token(FP32 * width);
        let narrow = |width: f64| Line::per_token(BF16 * width);
        let cast = inputs.map(|(_, width)| self.make(Label::Qkv, wide(width)));
        let turned = inputs.map(|(_, width)| self.make(Label::Qkv, wide(width)));
        let outputs = inputs.map(|(_, width)| self.make(Label::Qkv, narrow(width)));
        for ((cast, turned), (input, _)) in cast.into_iter().zip(turned).zip(inputs) {
            self.drop(cast);
            self.drop(turned);
            self.drop(input);
        }
        self.node(move |t| {
            let backwards = [1, 0];
            let cast = backwards.map(|i| {
                let d = t.gradient(outputs[i]);
                let cast = t.make(Label::ActivationGradients, wide(inputs[i].1));
                t.drop(d);
                cast
            });
            let turned = [0, 1].map(|j| {
                let conjugate = t.make(Label::ActivationGradients, Line::fixed(table));
                let turned = t.make(Label::ActivationGradients, wide(inputs[backwards[j]].1));
                t.drop(conjugate);
                t.drop(cast[j]);
                turned
            });
            for (i, turned) in backwards.into_iter().zip(turned) {
                let d = t.make(Label::ActivationGradients, narrow(inputs[i].1));
                t.drop(turned);
                t.give(inputs[i].0, d);
            }
        });
        outputs
    }

    /// Attention that never holds the scores: keeps queries, keys, values, its output and one
    /// FP32 number for each head.
    pub fn flash_attention(&mut self, qkv: [Id; 3], widths: [f64; 3], out: f64, heads: f64) -> Id {
        let kept = qkv.map(|id| self.save(id));
        let y = self.make(Label::Attention, Line::per_token(BF16 * out));
        let statistics = self.make(Label::Attention, Line::per_token(FP32 * heads));
        let kept_y = self.save(y);
        let kept_statistics = self.save(statistics);
        self.drop(statistics);
        self.node(move |t| {
            let d = t.gradient(y);
            let gradients = widths
                .map(|width| t.make(Label::ActivationGradients, Line::per_token(BF16 * width)));
            t.drop(d);
            for saved in kept.into_iter().chain([kept_y, kept_statistics]) {
                t.release(saved);
            }
            for (id, gradient) in qkv.into_iter().zip(gradients) {
                t.give(id, gradient);
            }
        });
        y
    }

    /// A norm; the stream's type comes in and goes out.
    pub fn norm(&mut self, x: Id, norm: Norm) -> Id {
        match norm.kind {
            NormKind::RmsByParts => self.rms_by_parts(x, norm),
            NormKind::RmsFused => self.norm_fused(x, norm, &[FP32], BF16 * norm.weight),
            NormKind::Layer { statistics } => {
                let bytes = f64::from(statistics);
                self.norm_fused(x, norm, &[bytes, bytes], BF16 * norm.weight)
            }
        }
    }

    fn norm_fused(&mut self, x: Id, norm: Norm, statistics: &[f64], gradient: f64) -> Id {
        let size = Line::per_token(BF16 * norm.numbers());
        let kept = self.save(x);
        let y = self.make(Label::Norms, size);
        let statistics: Vec<_> = statistics
            .iter()
            .map(|bytes| {
                let id = self.make(Label::Norms, Line::per_token(bytes * norm.rows));
                let saved = self.save(id);
                self.drop(id);
                saved
            })
            .collect();
        self.node(move |t| {
            let d = t.gradient(y);
            let dx = t.make(Label::ActivationGradients, size);
            if norm.weight > 0.0 {
                t.parameter_gradient(gradient);
                if norm.bias {
                    t.parameter_gradient(gradient);
                }
            }
            t.drop(d);
            t.release(kept);
            for saved in statistics {
                t.release(saved);
            }
            t.give(x, dx);
        });
        y
    }

    /// `x / rms(x) × w` as PyTorch composes it: in FP32, every step an operator.
    fn rms_by_parts(&mut self, x: Id, norm: Norm) -> Id {
        let wide = Line::per_token(FP32 * norm.numbers());
        let narrow = Line::per_token(BF16 * norm.numbers());
        let row = Line::per_token(FP32 * norm.rows);
        let x32 = self.make(Label::Norms, wide);
        let kept_x = self.save(x32);
        let square = self.make(Label::Norms, wide);
        let mean = self.make(Label::Norms, row);
        let root = self.make(Label::Norms, row);
        let kept_root = self.save(root);
        self.drop(mean);
        self.drop(square);
        let y32 = self.make(Label::Norms, wide);
        let kept_y = self.save(y32);
        let scaled = self.make(Label::Norms, wide);
        self.drop(x32);
        self.drop(y32);
        let y = self.make(Label::Norms, narrow);
        self.drop(scaled);
        self.drop(root);
        self.node(move |t| {
            let work = Label::ActivationGradients;
            let d = t.gradient(y);
            let d32 = t.make(work, wide);
            t.drop(d);
            let dy = t.make(work, wide);
            let dw = t.make(work, wide);
            t.release_early(kept_y);
            t.parameter_gradient(FP32 * norm.weight);
            t.drop(dw);
            t.drop(d32);
            t.release(kept_y);
            let direct = t.make(work, wide);
            let through = t.make(work, wide);
            let d_root = t.make(work, row);
            t.drop(through);
            t.drop(dy);
            let cube = t.make(work, row);
            let cubed = t.make(work, row);
            let d_mean = t.make(work, row);
            for id in [cubed, cube, d_root] {
                t.drop(id);
            }
            t.release(kept_root);
            let spread = t.make(work, wide);
            t.drop(d_mean);
            let power = t.make(work, wide);
            let twice = t.make(work, wide);
            let squared = t.make(work, wide);
            for id in [twice, power, spread] {
                t.drop(id);
            }
            t.release(kept_x);
            let dx32 = t.make(work, wide);
            t.drop(direct);
            t.drop(squared);
            let dx = t.make(work, narrow);
            t.drop(dx32);
            t.give(x, dx);
        });
        y
    }
}
