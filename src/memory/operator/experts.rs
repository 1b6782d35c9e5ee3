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

    /// The same with the product in BF16.
    pub fn narrow_router(&mut self, x: Id, inputs: f64, count: f64, share: f64, bias: bool) -> Id {
        let (label, work) = (Label::Router, Label::ActivationGradients);
        let scores = Line::per_token(FP32 * count * share);
        let cast = self.autocasts().then(|| {
            let size = Line::per_token(BF16 * inputs * share);
            self.make(label, size)
        });
        let kept_x = self.save(cast.unwrap_or(x));
        if let Some(cast) = cast {
            self.drop(cast);
        }
        let raw = self.make(label, scores * 0.5);
        let wide = self.make(label, scores);
        self.drop(raw);
        let soft = self.make(label, scores);
        let kept = self.save(soft);
        self.drop(wide);
        self.node(move |t| {
            let d = t.gradient(soft);
            let of_wide = t.make(work, scores);
            t.drop(d);
            t.release(kept);
            let draw = t.make(work, scores * 0.5);
            t.drop(of_wide);
            t.parameter_gradient(BF16 * inputs * count);
            if bias {
                t.parameter_gradient(BF16 * count);
            }
            let dx = t.make(work, Line::per_token(BF16 * inputs * share));
            t.drop(draw);
            t.release(kept_x);
            t.give(x, dx);
        });
        soft
    }

    /// A tensor times one number for each token, which has a gradient too; lets go of it.
    pub fn weighted(&mut self, x: Id, numbers: f64) -> Id {
        let size = Line::per_token(BF16 * numbers);
        let kept = self.save(x);
        self.drop(x);
        let y = self.make(Label::Residual, size);
        self.node(move |t| {
            let work = Label::ActivationGradients;
            let d = t.gradient(y);
            let of_weight = t.make(work, size);
            t.drop(of_weight);
            let dx = t.make(work, size);
            t.drop(d);
            t.release(kept);
            t.give(x, dx);
        });
        y
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

    /// Experts' outputs as they are kept, weighted by their scores, brought back into the tokens'
    /// order and added up for each token.
    pub fn combine_narrow(&mut self, x: Id, scores: Id, width: f64, routed: f64, share: f64) -> Id {
        let (label, work) = (Label::Router, Label::ActivationGradients);
        let wide = Line::per_token(FP32 * width * routed);
        let narrow = Line::per_token(BF16 * width * routed);
        let out = Line::per_token(BF16 * width * share);
        let kept = self.save(x);
        let weighted = self.make(label, wide);
        let ordered = self.make(label, wide);
        self.drop(weighted);
        let sum = self.make(label, out * 2.0);
        self.drop(ordered);
        let y = self.make(Label::Residual, out);
        self.drop(sum);
        self.node(move |t| {
            let d = t.gradient(y);
            let widened = t.make(work, out * 2.0);
            t.drop(d);
            let spread = t.make(work, wide);
            t.drop(widened);
            let of_scores = t.make(work, wide);
            let dscores = t.make(work, Line::per_token(FP32 * routed));
            t.drop(of_scores);
            let dx = t.make(work, narrow);
            t.drop(spread);
            t.release(kept);
            t.give(x, dx);
            t.give(scores, dscores);
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
