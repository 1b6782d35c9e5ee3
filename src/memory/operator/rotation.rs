//! The rotation of queries and keys.

use super::{BF16, FP32};
use crate::memory::label::Label;
use crate::memory::line::Line;
use crate::memory::tape::{Id, Tape};

/// How queries and keys are rotated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::memory) enum RotationKind {
    /// In FP32 as complex numbers, by a table of so many bytes.
    Complex { table: f64 },
    /// The same as one kernel.
    Fused { table: f64 },
    /// As `x cos + rotate_half(x) sin` (Hugging Face's modelling code), in the stream's type.
    Halves { wide: bool },
}

impl Tape {
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
}
