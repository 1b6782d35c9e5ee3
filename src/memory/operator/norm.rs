//! Norms, as engines compute them.

use super::{BF16, FP32};
use crate::memory::label::Label;
use crate::memory::line::Line;
use crate::memory::tape::{Id, Saved, Tape};

/// A norm of rows of `width` numbers, so many rows for each token.
#[derive(Debug, Clone, Copy)]
pub(in crate::memory) struct Norm {
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
pub(in crate::memory) enum NormKind {
    /// `RMSNorm` by its parts: FP32 copies of the input and of the normalised input are kept.
    RmsByParts,
    /// `RMSNorm` by its parts, cast back before the weight (Hugging Face's modelling code): the FP32
    /// copy of the input and the normalised input are kept.
    RmsCastBack,
    /// `RMSNorm` of a BF16 or an FP32 stream as one operator (CUDA, torch 2.9 on): the input and 1/rms
    /// are kept.
    RmsFused { wide: bool },
    /// `RMSNorm` of an FP32 stream by its parts: the input and the normalised input are kept.
    RmsWide,
    /// `LayerNorm` by its parts of a BF16 or an FP32 stream (Cohere's modelling code): the centred
    /// input, twice, and the normalised input are kept in FP32.
    LayerByParts { wide: bool },
    /// `LayerNorm` of a BF16 or an FP32 stream, with its statistics in so many bytes: the stream's
    /// type on the CPU, FP32 on CUDA.
    Layer { statistics: u8, wide: bool },
}

/// Bytes of a stream's numbers.
fn width(wide: bool) -> f64 {
    if wide { FP32 } else { BF16 }
}

impl Norm {
    fn numbers(&self) -> f64 {
        self.width * self.rows
    }
}

impl Tape {
    /// A norm; the stream's type comes in and goes out.
    pub fn norm(&mut self, x: Id, norm: Norm) -> Id {
        match norm.kind {
            NormKind::RmsByParts => self.rms_by_parts(x, norm),
            NormKind::RmsCastBack => self.rms_cast_back(x, norm),
            NormKind::RmsWide => self.rms_wide(x, norm),
            NormKind::LayerByParts { wide } => self.layer_by_parts(x, norm, wide),
            NormKind::RmsFused { wide } => self.norm_fused(x, norm, width(wide), &[FP32]),
            NormKind::Layer { statistics, wide } => {
                let bytes = f64::from(statistics);
                self.norm_fused(x, norm, width(wide), &[bytes, bytes])
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
            t.weighed(kept_y, FP32 * norm.weight, [dw, d32]);
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
            t.summed(x, [direct, squared], wide, narrow);
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
            t.weighed(kept_y, BF16 * norm.weight, [dw, d]);
            let upcast = t.make(work, wide);
            t.drop(dy);
            let direct = t.make(work, wide);
            let through = t.make(work, wide);
            let d_root = t.make(work, row);
            t.drop(through);
            t.drop(upcast);
            t.drop(d_root);
            t.release(kept_root);
            let squared = t.squared(wide);
            t.release(kept_x);
            t.summed(x, [direct, squared], wide, narrow);
        });
        y
    }

    /// `w × (x - mean) / deviation` in FP32, every step an operator; the mean is taken away twice.
    fn layer_by_parts(&mut self, x: Id, norm: Norm, is_wide: bool) -> Id {
        let wide = Line::per_token(FP32 * norm.numbers());
        let row = Line::per_token(FP32 * norm.rows);
        let cast = if is_wide { Line::ZERO } else { wide };
        let x32 = self.make(Label::Norms, cast);
        let mean = self.make(Label::Norms, row);
        let first = self.make(Label::Norms, wide);
        let kept_first = self.save(first);
        let square = self.make(Label::Norms, wide);
        self.drop(first);
        let variance = self.make(Label::Norms, row);
        self.drop(square);
        let centred = self.make(Label::Norms, wide);
        let kept_centred = self.save(centred);
        let root = self.make(Label::Norms, row);
        let kept_root = self.save(root);
        let y32 = self.make(Label::Norms, wide);
        for id in [centred, root, x32, mean, variance] {
            self.drop(id);
        }
        let kept_y = self.save_for_weight(y32);
        let scaled = self.make(Label::Norms, wide);
        self.drop(y32);
        let y = if is_wide {
            scaled
        } else {
            let y = self.make(Label::Norms, wide * 0.5);
            self.drop(scaled);
            y
        };
        self.node(move |t| {
            let work = Label::ActivationGradients;
            let mut d = t.gradient(y);
            if !is_wide {
                let d32 = t.make(work, wide);
                t.drop(d);
                d = d32;
            }
            let dy = t.make(work, wide);
            let dw = t.make(work, wide);
            t.weighed(kept_y, FP32 * norm.weight, [dw, d]);
            let direct = t.make(work, wide);
            let through = t.make(work, wide);
            let d_root = t.make(work, row);
            for id in [through, dy, d_root] {
                t.drop(id);
            }
            t.release(kept_centred);
            t.release(kept_root);
            let squared = t.squared(wide);
            t.release(kept_first);
            if is_wide {
                let dx = t.make(work, wide);
                t.drop(direct);
                t.drop(squared);
                t.give(x, dx);
            } else {
                t.summed(x, [direct, squared], wide, wide * 0.5);
            }
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
            t.weighed(kept_normed, BF16 * norm.weight, [of_weight, d]);
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

    /// The gradient of a norm's weight, so many bytes, from what is kept for it; then its product and the
    /// incoming gradient go.
    fn weighed(&mut self, kept: Saved, gradient: f64, gone: [Id; 2]) {
        self.release_early(kept);
        self.parameter_gradient(gradient);
        for id in gone {
            self.drop(id);
        }
        self.release(kept);
    }

    /// The gradient that comes through a mean of squares.
    fn squared(&mut self, wide: Line) -> Id {
        let work = Label::ActivationGradients;
        let spread = self.make(work, wide);
        let power = self.make(work, wide);
        let squared = self.make(work, wide);
        self.drop(spread);
        self.drop(power);
        squared
    }

    /// The input's gradient: the two ways to it added up in FP32 and cast to BF16.
    fn summed(&mut self, x: Id, ways: [Id; 2], wide: Line, narrow: Line) {
        let sum = self.make(Label::ActivationGradients, wide);
        for id in ways {
            self.drop(id);
        }
        let dx = self.make(Label::ActivationGradients, narrow);
        self.drop(sum);
        self.give(x, dx);
    }
}
