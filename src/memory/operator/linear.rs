//! Linear layers: trained, frozen, and frozen with an adapter beside them.

use super::{BF16, FP32};
use crate::memory::label::Label;
use crate::memory::line::Line;
use crate::memory::tape::{Id, Tape, Trains};

/// A linear layer on one device.
#[derive(Debug, Clone, Copy)]
pub(in crate::memory) struct Linear {
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
}
