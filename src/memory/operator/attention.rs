//! Attention: one kernel, or scores as tensors.

use super::{BF16, FP32};
use crate::memory::label::Label;
use crate::memory::line::Line;
use crate::memory::tape::{Id, Tape};

/// Scores as tensors.
#[derive(Debug, Clone, Copy)]
pub(in crate::memory) struct Scores {
    /// How many for each token.
    pub numbers: f64,
    /// Whether they pass tanh.
    pub capped: bool,
    /// Whether their softmax is in their own format.
    pub narrow: bool,
}

impl Tape {
    /// Attention that never holds the scores: keeps queries, keys, values, its output, one FP32
    /// number for each head and, where it gets a mask, so many bytes of it for a token. Keys and values of all devices that split the sequence are
    /// gathered for it and for its backward.
    pub fn flash_attention(
        &mut self,
        qkv: [Id; 3],
        widths: [f64; 3],
        [out, heads, bias]: [f64; 3],
        devices: f64,
    ) -> Id {
        let kept = qkv.map(|id| self.save(id));
        let mask = self.make(Label::Attention, Line::per_token(bias));
        let kept_mask = self.save(mask);
        self.drop(mask);
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
            for saved in kept.into_iter().chain([kept_mask, kept_y, kept_statistics]) {
                t.release(saved);
            }
            for (id, gradient) in qkv.into_iter().zip(gradients) {
                t.give(id, gradient);
            }
        });
        y
    }

    /// Attention by its parts: keys and values repeated for every head, scores as tensors of
    /// `scores` numbers for each token, their softmax in FP32 and cast back
    /// (`eager_attention_forward` of Hugging Face's modelling code).
    pub fn eager_attention(
        &mut self,
        qkv: [Id; 3],
        widths: [f64; 3],
        out: f64,
        scores: Scores,
    ) -> Id {
        let narrow = Line::per_token(BF16 * scores.numbers);
        let wide = if scores.narrow { narrow } else { narrow * 2.0 };
        let in_place = scores.narrow;
        // a copy in another format in a tensor's place, or itself
        let copy = move |t: &mut Self, label, id: Id, size: Line| {
            if in_place {
                return id;
            }
            let copy = t.make(label, size);
            t.drop(id);
            copy
        };
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
        let mut scaled = self.make(Label::Attention, narrow);
        self.drop(raw);
        let mut kept_tanh = None;
        if scores.capped {
            let (capped, kept) = self.cap(scaled, Label::Attention, narrow);
            (scaled, kept_tanh) = (capped, Some(kept));
        }
        let masked = self.make(Label::Attention, narrow);
        self.drop(scaled);
        self.hold(masked);
        let cast = copy(self, Label::Attention, masked, wide);
        let soft = self.make(Label::Attention, wide);
        let kept_soft = self.save(soft);
        self.drop(cast);
        self.drop(masked);
        let weights = copy(self, Label::Attention, soft, narrow);
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
            let dsoft = copy(t, work, dweights, wide);
            let dmasked = t.make(work, wide);
            // the CUDA kernel takes the gradient times its output
            let weighted = t.make(work, wide);
            t.drop(weighted);
            t.drop(dsoft);
            t.release(kept_soft);
            let mut dscores = copy(t, work, dmasked, narrow);
            if let Some(kept) = kept_tanh {
                dscores = t.uncap(dscores, kept, narrow);
            }
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
}
