//! The router of a mixture of experts, and tokens on their way to the experts and back.

use super::{BF16, FP32, INT64};
use crate::memory::label::Label;
use crate::memory::line::Line;
use crate::memory::tape::{Id, Tape};

impl Tape {
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
}
