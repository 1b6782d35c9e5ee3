//! What each operator makes, what it saves for backward, and what its backward makes: sizes in
//! bytes, in the order in which eager PyTorch allocates and frees.
//!
//! Source of every operator: the allocations that PyTorch's own tracker sees, operator by
//! operator (`tests/oracle/fsdp_memory.md`, torch 2.15).

use super::label::Label;
use super::line::Line;
use super::tape::{Id, Tape, Trains};

const BF16: f64 = 2.0;
const FP32: f64 = 4.0;
const INT64: f64 = 8.0;

/// A linear layer on one device.
#[derive(Debug, Clone, Copy)]
pub(super) struct Linear {
    pub inputs: f64,
    pub outputs: f64,
    pub bias: bool,
    /// Share of the tokens that it works on, or times that a token passes it.
    pub tokens: f64,
    /// Its input is FP32, and it keeps a BF16 copy.
    pub cast: bool,
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

/// How queries and keys are rotated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum RotationKind {
    /// In FP32 as complex numbers, by a table of so many bytes.
    Complex { table: f64 },
    /// The same as one kernel.
    Fused { table: f64 },
    /// As `x cos + rotate_half(x) sin` (Hugging Face's modelling code), in the stream's type.
    Halves { wide: bool },
}

/// How a norm is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NormKind {
    /// `RMSNorm` by its parts: FP32 copies of the input and of the normalised input are kept.
    RmsByParts,
    /// `RMSNorm` by its parts, cast back before the weight (Hugging Face's modelling code): the FP32
    /// copy of the input and the normalised input are kept.
    RmsCastBack,
    /// `RMSNorm` as one operator (CUDA, torch 2.9 on): the input and 1/rms are kept.
    RmsFused,
    /// `RMSNorm` of an FP32 stream by its parts: the input and the normalised input are kept.
    RmsWide,
    /// `LayerNorm` of a BF16 or an FP32 stream, with its statistics in so many bytes: the stream's
    /// type on the CPU, FP32 on CUDA.
    Layer { statistics: u8, wide: bool },
}

impl Norm {
    fn numbers(&self) -> f64 {
        self.width * self.rows
    }
}

impl Tape {
    /// `x W` (and a bias): keeps its input.
    pub fn linear(&mut self, x: Id, linear: Linear) -> Id {
        self.linear_of(1.0, x, linear)
    }

    /// So many linear layers, each on its share of the tokens: a grouped product.
    pub fn linear_of(&mut self, layers: f64, x: Id, linear: Linear) -> Id {
        match self.trains() {
            Trains::All => {}
            Trains::Nothing => return self.frozen(x, linear),
            Trains::Adapters { rank, quantised } => {
                return self.adapted(layers, x, linear, rank, quantised);
            }
        }
        let Linear { inputs, outputs, bias, tokens, cast, label } = linear;
        let x = if cast { self.cast(x, inputs * tokens) } else { x };
        let kept = self.save(x);
        let size = Line::per_token(BF16 * outputs * tokens);
        // a bias makes it another operator, as does a group of products
        let plain = !bias && layers <= 1.0;
        let y = if plain { self.make_product(label, size) } else { self.make(label, size) };
        if cast {
            self.drop(x);
        }
        let dx_size = Line::per_token(BF16 * inputs * tokens);
        let weight = BF16 * inputs * outputs * layers;
        self.node(move |t| {
            let d = t.gradient(y);
            if bias {
                let dx = t.make(Label::ActivationGradients, dx_size);
                t.parameter_gradient(weight);
                t.release_early(kept);
                t.parameter_gradient(BF16 * outputs * layers);
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

    /// A linear layer whose weight has no gradient: it keeps nothing.
    fn frozen(&mut self, x: Id, linear: Linear) -> Id {
        let y = self.make(linear.label, Line::per_token(BF16 * linear.outputs * linear.tokens));
        self.node(move |t| {
            let d = t.gradient(y);
            let size = Line::per_token(BF16 * linear.inputs * linear.tokens);
            let dx = t.make(Label::ActivationGradients, size);
            t.drop(d);
            t.give(x, dx);
        });
        y
    }

    /// A frozen linear layer with an adapter beside it: `W x + B (A x) s`, the adapter in FP32
    /// (Hugging Face PEFT's `lora.Linear`): an FP32 copy of the input and `A x` are kept.
    fn adapted(&mut self, layers: f64, x: Id, linear: Linear, rank: f64, quantised: bool) -> Id {
        let Linear { inputs, outputs, tokens, label, .. } = linear;
        let per_token = move |bytes: f64, numbers: f64| Line::per_token(bytes * numbers * tokens);
        let weight = if quantised { Line::fixed(BF16 * inputs * outputs) } else { Line::ZERO };
        let dense = self.make(Label::Gathered, weight);
        let base = self.make(label, per_token(BF16, outputs));
        self.drop(dense);
        let wide = self.make(label, per_token(FP32, inputs));
        let kept_wide = self.save(wide);
        let low = self.make(label, per_token(FP32, rank));
        let kept_low = self.save(low);
        let high = self.make(label, per_token(FP32, outputs));
        self.drop(low);
        let scaled = self.make(label, per_token(FP32, outputs));
        self.drop(high);
        let sum = self.make(label, per_token(FP32, outputs));
        self.drop(scaled);
        self.drop(base);
        let y = self.make(label, per_token(BF16, outputs));
        self.drop(sum);
        self.drop(wide);
        self.node(move |t| {
            let work = Label::ActivationGradients;
            let d = t.gradient(y);
            let of_sum = t.make(work, per_token(FP32, outputs));
            t.drop(d);
            let of_high = t.make(work, per_token(FP32, outputs));
            t.adapter_gradient(FP32 * rank * outputs * layers);
            let of_low = t.make(work, per_token(FP32, rank));
            t.drop(of_high);
            t.release(kept_low);
            t.adapter_gradient(FP32 * rank * inputs * layers);
            let of_wide = t.make(work, per_token(FP32, inputs));
            t.drop(of_low);
            t.release(kept_wide);
            let narrow = t.make(work, per_token(BF16, inputs));
            t.drop(of_wide);
            t.give(x, narrow);
            let of_base = t.make(work, per_token(BF16, outputs));
            t.drop(of_sum);
            let dense = t.make(Label::Gathered, weight);
            let dx = t.make(work, per_token(BF16, inputs));
            t.drop(dense);
            t.drop(of_base);
            t.give(x, dx);
        });
        y
    }

    /// A BF16 copy of an FP32 tensor of so many numbers for each token.
    fn cast(&mut self, x: Id, numbers: f64) -> Id {
        let y = self.make(Label::Norms, Line::per_token(BF16 * numbers));
        self.node(move |t| {
            let d = t.gradient(y);
            let wide = t.make(Label::ActivationGradients, Line::per_token(FP32 * numbers));
            t.drop(d);
            t.give(x, wide);
        });
        y
    }

    /// `a + b`: both take the same gradient.
    pub fn sum(&mut self, a: Id, b: Id, size: Line) -> Id {
        let y = self.make(Label::Residual, size);
        let cast = self.autocasts();
        self.node(move |t| {
            let d = t.gradient(y);
            if cast {
                // the branch is BF16, the stream FP32
                let narrow = t.make(Label::ActivationGradients, size * 0.5);
                t.give(b, narrow);
            } else {
                t.share(b, d);
            }
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

    /// `silu(a) × b` as one kernel: keeps both.
    pub fn gate(&mut self, a: Id, b: Id, numbers: f64) -> Id {
        let y = self.product(a, b, numbers);
        self.drop(a);
        self.drop(b);
        y
    }

    /// Rotates queries and keys; lets go of what they were.
    pub fn rotation(&mut self, inputs: [(Id, f64); 2], kind: RotationKind) -> [Id; 2] {
        match kind {
            RotationKind::Complex { table } => self.rotate_complex(inputs, table),
            RotationKind::Halves { wide } => {
                inputs.map(|(x, width)| self.rotate_halves(x, width, wide))
            }
            RotationKind::Fused { .. } => inputs.map(|(x, width)| self.joined(x, width, width)),
        }
    }

    /// `x cos + rotate_half(x) sin`: nothing is kept but the tables.
    fn rotate_halves(&mut self, x: Id, width: f64, wide: bool) -> Id {
        let narrow = Line::per_token(BF16 * width);
        let size = if wide { narrow * 2.0 } else { narrow };
        let label = Label::Qkv;
        let straight = self.make(label, size);
        let negated = self.make(label, size * 0.5);
        let swapped = self.make(label, size);
        self.drop(negated);
        let turned = self.make(label, size);
        self.drop(swapped);
        let y = self.make(label, size);
        self.drop(straight);
        self.drop(turned);
        self.drop(x);
        self.node(move |t| {
            let work = Label::ActivationGradients;
            let d = t.gradient(y);
            let turned = t.make(work, size);
            let back = t.make(work, size);
            t.drop(turned);
            let straight = t.make(work, size);
            t.drop(d);
            let dx = t.make(work, narrow);
            t.drop(back);
            t.drop(straight);
            t.give(x, dx);
        });
        if wide { self.cast_queries(y, narrow) } else { y }
    }

    /// The BF16 copy of FP32 queries or keys that the kernel takes; lets go of them.
    fn cast_queries(&mut self, x: Id, narrow: Line) -> Id {
        let y = self.make(Label::Qkv, narrow);
        self.drop(x);
        self.node(move |t| {
            let d = t.gradient(y);
            let wide = t.make(Label::ActivationGradients, narrow * 2.0);
            t.drop(d);
            t.give(x, wide);
        });
        y
    }

    fn rotate_complex(&mut self, inputs: [(Id, f64); 2], table: f64) -> [Id; 2] {
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
    /// FP32 number for each head. Keys and values of all devices that split the sequence are
    /// gathered for it and for its backward.
    pub fn flash_attention(
        &mut self,
        qkv: [Id; 3],
        widths: [f64; 3],
        out: f64,
        heads: f64,
        devices: f64,
    ) -> Id {
        let kept = qkv.map(|id| self.save(id));
        let others = Line::per_token(BF16 * (widths[1] + widths[2]) * devices);
        let others = if devices > 1.0 { others } else { Line::ZERO };
        let gathered = self.make(Label::Communication, others);
        let y = self.make_kept(Label::Attention, Line::per_token(BF16 * out));
        let statistics = self.make_kept(Label::Attention, Line::per_token(FP32 * heads));
        let kept_y = self.save(y);
        let kept_statistics = self.save(statistics);
        self.drop(statistics);
        self.drop(gathered);
        self.node(move |t| {
            let d = t.gradient(y);
            let gathered = t.make(Label::Communication, others * 2.0);
            let gradients = widths
                .map(|width| t.make(Label::ActivationGradients, Line::per_token(BF16 * width)));
            t.drop(gathered);
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
            NormKind::RmsCastBack => self.rms_cast_back(x, norm),
            NormKind::RmsWide => self.rms_wide(x, norm),
            NormKind::RmsFused => self.norm_fused(x, norm, BF16, &[FP32]),
            NormKind::Layer { statistics, wide } => {
                let (bytes, width) = (f64::from(statistics), if wide { FP32 } else { BF16 });
                self.norm_fused(x, norm, width, &[bytes, bytes])
            }
        }
    }

    fn norm_fused(&mut self, x: Id, norm: Norm, bytes: f64, statistics: &[f64]) -> Id {
        let size = Line::per_token(bytes * norm.numbers());
        let gradient = BF16 * norm.weight;
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
        let kept_y = self.save_for_weight(y32);
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
            let widened = t.make(work, wide);
            t.drop(direct);
            t.drop(squared);
            let dx = t.make(work, narrow);
            t.drop(widened);
            t.give(x, dx);
        });
        y
    }

    /// `w × (x / rms(x))` with the quotient in FP32 and cast back before the weight.
    fn rms_cast_back(&mut self, x: Id, norm: Norm) -> Id {
        let wide = Line::per_token(FP32 * norm.numbers());
        let narrow = Line::per_token(BF16 * norm.numbers());
        let row = Line::per_token(FP32 * norm.rows);
        let x32 = self.make(Label::Norms, wide);
        let kept_x = self.save(x32);
        let square = self.make(Label::Norms, wide);
        let mean = self.make(Label::Norms, row);
        self.drop(square);
        let root = self.make(Label::Norms, row);
        let kept_root = self.save(root);
        let y32 = self.make(Label::Norms, wide);
        self.drop(x32);
        self.drop(mean);
        self.drop(root);
        let y16 = self.make(Label::Norms, narrow);
        let kept_y = self.save_for_weight(y16);
        self.drop(y32);
        let y = self.make(Label::Norms, narrow);
        self.drop(y16);
        self.node(move |t| {
            let work = Label::ActivationGradients;
            let d = t.gradient(y);
            let dy = t.make(work, narrow);
            let dw = t.make(work, narrow);
            t.release_early(kept_y);
            t.parameter_gradient(BF16 * norm.weight);
            t.drop(dw);
            t.drop(d);
            t.release(kept_y);
            let upcast = t.make(work, wide);
            t.drop(dy);
            let direct = t.make(work, wide);
            let through = t.make(work, wide);
            let d_root = t.make(work, row);
            t.drop(through);
            t.drop(upcast);
            t.drop(d_root);
            t.release(kept_root);
            let spread = t.make(work, wide);
            let power = t.make(work, wide);
            let squared = t.make(work, wide);
            t.drop(spread);
            t.drop(power);
            t.release(kept_x);
            let widened = t.make(work, wide);
            t.drop(direct);
            t.drop(squared);
            let dx = t.make(work, narrow);
            t.drop(widened);
            t.give(x, dx);
        });
        y
    }

    /// Attention by its parts: keys and values repeated for every head, scores as tensors of
    /// `scores` numbers for each token, their softmax in FP32 and cast back
    /// (`eager_attention_forward` of Hugging Face's modelling code).
    pub fn eager_attention(&mut self, qkv: [Id; 3], widths: [f64; 3], out: f64, scores: f64) -> Id {
        let (narrow, wide) = (Line::per_token(BF16 * scores), Line::per_token(FP32 * scores));
        let repeated = Line::per_token(BF16 * widths[0].max(out));
        let grouped = widths[1] < widths[0];
        let [queries, k, v] = qkv;
        let repeat = |t: &mut Self, id: Id| {
            if grouped {
                return t.make(Label::Qkv, repeated);
            }
            t.hold(id);
            id
        };
        let (keys, values) = (repeat(self, k), repeat(self, v));
        let kept_q = self.save(queries);
        let kept_k = self.save(keys);
        let raw = self.make(Label::Attention, narrow);
        let scaled = self.make(Label::Attention, narrow);
        self.drop(raw);
        let masked = self.make(Label::Attention, narrow);
        self.drop(scaled);
        let soft = self.make(Label::Attention, wide);
        let kept_soft = self.save(soft);
        self.drop(masked);
        let weights = self.make(Label::Attention, narrow);
        self.drop(soft);
        let kept_weights = self.save(weights);
        let kept_v = self.save(values);
        let y = self.make(Label::Attention, Line::per_token(BF16 * out));
        for id in [weights, keys, values] {
            self.drop(id);
        }
        self.node(move |t| {
            let work = Label::ActivationGradients;
            let d = t.gradient(y);
            let dv = t.make(work, repeated);
            let dweights = t.make(work, narrow);
            t.drop(d);
            t.release(kept_weights);
            t.release(kept_v);
            let dsoft = t.make(work, wide);
            t.drop(dweights);
            let dmasked = t.make(work, wide);
            t.drop(dsoft);
            t.release(kept_soft);
            let dscores = t.make(work, narrow);
            t.drop(dmasked);
            let draw = t.make(work, narrow);
            t.drop(dscores);
            let dq = t.make(work, Line::per_token(BF16 * widths[0]));
            let dk = t.make(work, repeated);
            t.drop(draw);
            t.release(kept_q);
            t.release(kept_k);
            t.give(queries, dq);
            for (id, gradient, width) in [(k, dk, widths[1]), (v, dv, widths[2])] {
                let mut gradient = gradient;
                if grouped {
                    let sum = t.make(work, Line::per_token(BF16 * width));
                    t.drop(gradient);
                    gradient = sum;
                }
                t.give(id, gradient);
            }
        });
        y
    }

    /// Gathers the tokens of other devices, or reduces partial sums and scatters them: a tensor of
    /// another size, and back in backward. Backward needs neither. `copied`: the larger one has a
    /// second copy for an instant, because the tokens are not its outermost dimension.
    pub fn resized(&mut self, x: Id, from: Line, to: Line, copied: bool) -> Id {
        let larger = if from.per_token > to.per_token { from } else { to };
        let copy = if copied { larger } else { Line::ZERO };
        let scattered = from.per_token > to.per_token;
        let second = self.make(Label::Communication, copy);
        let y = if scattered {
            self.make_kept(Label::Residual, to)
        } else {
            self.make(Label::Residual, to)
        };
        self.drop(second);
        self.node(move |t| {
            let d = t.gradient(y);
            let second = t.make(Label::Communication, copy);
            let dx = t.make(Label::ActivationGradients, from);
            t.drop(second);
            t.drop(d);
            t.give(x, dx);
        });
        y
    }

    /// Cuts a tensor of `from` numbers for each token and joins the parts, with what other tensors
    /// give to them, to one of `to`; lets go of it.
    pub fn joined(&mut self, x: Id, from: f64, to: f64) -> Id {
        let y = self.make(Label::Qkv, Line::per_token(BF16 * to));
        self.drop(x);
        self.node(move |t| {
            let d = t.gradient(y);
            let dx = t.make(Label::ActivationGradients, Line::per_token(BF16 * from));
            t.drop(d);
            t.give(x, dx);
        });
        y
    }

    /// The router: scores of `count` experts in FP32 for this device's share of the tokens.
    pub fn router(&mut self, x: Id, inputs: f64, count: f64, share: f64, bias: bool) -> Id {
        let (label, work) = (Label::Router, Label::ActivationGradients);
        let wide = Line::per_token(FP32 * inputs * share);
        let scores = Line::per_token(FP32 * count * share);
        let x32 = self.make(label, wide);
        let kept_x = self.save(x32);
        let raw = self.make(label, scores);
        let soft = self.make(label, scores);
        let kept = self.save(soft);
        self.drop(raw);
        self.drop(x32);
        self.node(move |t| {
            let d = t.gradient(soft);
            let draw = t.make(work, scores);
            t.drop(d);
            t.release(kept);
            t.parameter_gradient(BF16 * inputs * count);
            if bias {
                t.parameter_gradient(BF16 * count);
            }
            let widened = t.make(work, wide);
            t.drop(draw);
            t.release(kept_x);
            let dx = t.make(work, wide * 0.5);
            t.drop(widened);
            t.give(x, dx);
        });
        soft
    }

    /// Tokens sorted by the expert that works on them: `routed` rows for each token of this
    /// device, brought from the devices that have them.
    pub fn dispatch(&mut self, x: Id, width: f64, routed: f64, share: f64) -> Id {
        let order = self.make(Label::Router, Line::per_token(INT64 * routed));
        let kept = self.save(order);
        let y = self.make(Label::Router, Line::per_token(BF16 * width * routed));
        self.drop(order);
        self.node(move |t| {
            let d = t.gradient(y);
            let dx = t.make(Label::ActivationGradients, Line::per_token(BF16 * width * share));
            t.drop(d);
            t.release(kept);
            t.give(x, dx);
        });
        y
    }

    /// Experts' outputs weighted by their scores in FP32 and added up for each token.
    pub fn combine(&mut self, x: Id, scores: Id, width: f64, routed: f64, share: f64) -> Id {
        let (label, work) = (Label::Router, Label::ActivationGradients);
        let wide = Line::per_token(FP32 * width * routed);
        let narrow = Line::per_token(BF16 * width * routed);
        let out = Line::per_token(BF16 * width * share);
        let y = self.make(Label::Residual, out);
        let x32 = self.make(label, wide);
        let kept = self.save(x32);
        let weighted = self.make(label, wide);
        self.drop(x32);
        let cast = self.make(label, narrow);
        self.drop(weighted);
        self.drop(cast);
        self.node(move |t| {
            let d = t.gradient(y);
            let spread = t.make(work, narrow);
            t.drop(d);
            let d32 = t.make(work, wide);
            t.drop(spread);
            let dscores = t.make(work, Line::per_token(FP32 * routed));
            let widened = t.make(work, wide);
            t.drop(d32);
            t.release(kept);
            let dx = t.make(work, narrow);
            t.drop(widened);
            t.give(x, dx);
            t.give(scores, dscores);
        });
        y
    }

    /// `x / rms(x) × w` of an FP32 stream, every step an operator.
    fn rms_wide(&mut self, x: Id, norm: Norm) -> Id {
        let wide = Line::per_token(FP32 * norm.numbers());
        let row = Line::per_token(FP32 * norm.rows);
        let kept_x = self.save(x);
        let square = self.make(Label::Norms, wide);
        let mean = self.make(Label::Norms, row);
        self.drop(square);
        let root = self.make(Label::Norms, row);
        let kept_root = self.save(root);
        self.drop(mean);
        let normed = self.make(Label::Norms, wide);
        self.drop(root);
        let kept_normed = self.save_for_weight(normed);
        let y = self.make(Label::Norms, wide);
        self.drop(normed);
        self.node(move |t| {
            let work = Label::ActivationGradients;
            let d = t.gradient(y);
            let scaled = t.make(work, wide);
            let of_weight = t.make(work, wide);
            t.release_early(kept_normed);
            t.parameter_gradient(BF16 * norm.weight);
            t.drop(of_weight);
            t.drop(d);
            t.release(kept_normed);
            let direct = t.make(work, wide);
            let through = t.make(work, wide);
            t.drop(scaled);
            t.drop(through);
            t.release(kept_root);
            let squared = t.make(work, wide);
            let dx = t.make(work, wide);
            t.release(kept_x);
            t.drop(direct);
            t.drop(squared);
            t.give(x, dx);
        });
        y
    }
}
