//! What each operator makes, what it saves for backward, and what its backward makes: sizes in
//! bytes, in the order in which eager PyTorch allocates and frees.
//!
//! Source of every operator: the allocations that PyTorch's own tracker sees, operator by
//! operator (`tests/oracle/fsdp_memory.md`, torch 2.15).

mod attention;
mod experts;
mod linear;
mod norm;
mod rotation;

pub(super) use attention::Scores;
pub(super) use linear::Linear;
pub(super) use norm::{Norm, NormKind};
pub(super) use rotation::RotationKind;

use super::code::Activation;
use super::label::Label;
use super::line::Line;
use super::tape::{Id, Saved, Tape};

const BF16: f64 = 2.0;
const FP32: f64 = 4.0;
const INT64: f64 = 8.0;

impl Tape {
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

    /// The activation of so many numbers for a token.
    pub fn activation(&mut self, x: Id, numbers: f64, kind: Activation) -> Id {
        let (label, size) = (Label::FeedForward, Line::per_token(BF16 * numbers));
        let mut kept = Vec::new();
        // autocast raises to a power in FP32, and what follows from that
        let wide = if self.autocasts() { size * 2.0 } else { size };
        match kind {
            Activation::Input => kept.push(self.save(x)),
            Activation::Output => {}
            Activation::Parts => {
                // 0.5 x, and 1 + tanh of what holds the cube
                let half = self.make(label, size);
                let base = if self.autocasts() { self.make(label, wide) } else { x };
                kept.push(self.save(base));
                let inner = self.make(label, wide);
                let tanh = self.make(label, wide);
                self.drop(inner);
                let more = self.make(label, wide);
                for part in [half, tanh, more] {
                    kept.push(self.save(part));
                    self.drop(part);
                }
                if self.autocasts() {
                    self.drop(base);
                }
            }
        }
        let y = self.make(label, size);
        if kind == Activation::Output {
            kept.push(self.save(y));
        }
        self.node(move |t| {
            let d = t.gradient(y);
            let dx = t.make(Label::ActivationGradients, size);
            t.drop(d);
            for saved in kept {
                t.release(saved);
            }
            t.give(x, dx);
        });
        y
    }

    /// tanh of a tensor between a quotient and a product with the same number; lets go of the
    /// tensor.
    pub fn capped(&mut self, x: Id, label: Label, size: Line) -> Id {
        let (y, kept) = self.cap(x, label, size);
        self.node(move |t| {
            let d = t.gradient(y);
            let dx = t.uncap(d, kept, size);
            t.give(x, dx);
        });
        y
    }

    /// Its forward: tanh keeps its output.
    pub fn cap(&mut self, x: Id, label: Label, size: Line) -> (Id, Saved) {
        let quotient = self.make(label, size);
        self.drop(x);
        let tanh = self.make(label, size);
        let kept = self.save(tanh);
        self.drop(quotient);
        let y = self.make(label, size);
        self.drop(tanh);
        (y, kept)
    }

    /// Its backward.
    pub fn uncap(&mut self, gradient: Id, kept: Saved, size: Line) -> Id {
        let of_tanh = self.make(Label::ActivationGradients, size);
        self.drop(gradient);
        let of_quotient = self.make(Label::ActivationGradients, size);
        self.drop(of_tanh);
        self.release(kept);
        let dx = self.make(Label::ActivationGradients, size);
        self.drop(of_quotient);
        dx
    }

    /// Views of a tensor of so many bytes, whose gradients and that of what stays of it are joined.
    pub fn cut<const N: usize>(&mut self, x: Id, whole: Line) -> [Id; N] {
        let views = [(); N].map(|()| self.make(Label::Qkv, Line::ZERO));
        self.node(move |t| {
            let ids = views.into_iter().chain([x]);
            let parts: Vec<Id> = ids.map(|id| t.gradient(id)).collect();
            let d = t.make(Label::ActivationGradients, whole);
            for part in parts {
                t.drop(part);
            }
            t.give(x, d);
        });
        views
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
}
