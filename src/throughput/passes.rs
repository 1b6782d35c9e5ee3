//! One micro-batch through the layers of one device: seconds of each kind of work.

use super::engine::Selective;
use super::rates::Rates;
use super::work::{Products, StackWork, Work};
use crate::layout::Recompute;

/// Bytes of a number in which models compute.
const BF16: f64 = 2.0;
/// Passes of backward over a forward one, where there is nothing to recompute: a product has two
/// gradients, and what streams is read and written twice as often.
const BACKWARD: f64 = 2.0;
/// FLOPs of a fused kernel's backward over its forward: five products for two.
const FUSED_BACKWARD: f64 = 2.5;
/// Traffic of the scores in backward over that in forward.
const SCORES_BACKWARD: f64 = 1.4;
/// Bytes of the stream that a layer reads and writes for each number of the width, at least: two
/// norms and two sums.
const STREAM: f64 = 20.0;
/// A head's width that tensor cores need to be a multiple of: 16 bytes of 16-bit numbers (NVIDIA,
/// Matrix Multiplication Background, "Requirements to use Tensor Cores").
const ALIGNED: f64 = 8.0;

/// How a micro-batch meets a device.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    /// Tokens of a micro-batch on this device.
    pub(super) tokens: f64,
    pub(super) tp: f64,
    pub(super) ep: f64,
    /// Devices that share the stream between the products.
    pub(super) sp: f64,
    pub(super) recompute: Recompute,
}

/// Seconds of one micro-batch.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Passes {
    /// Products and streams, forward and backward.
    pub(super) compute: f64,
    pub(super) attention: f64,
    pub(super) recompute: f64,
    pub(super) launch: f64,
}

impl Passes {
    pub(super) fn total(&self) -> f64 {
        self.compute + self.attention + self.recompute + self.launch
    }

    pub(super) fn scaled(&self, factor: f64) -> Self {
        Self {
            compute: self.compute * factor,
            attention: self.attention * factor,
            recompute: self.recompute * factor,
            launch: self.launch * factor,
        }
    }

    fn plus(&self, other: &Self) -> Self {
        Self {
            compute: self.compute + other.compute,
            attention: self.attention + other.attention,
            recompute: self.recompute + other.recompute,
            launch: self.launch + other.launch,
        }
    }
}

/// How an engine runs the work, with what it reaches.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kernels<'a> {
    pub(super) rates: &'a Rates,
    pub(super) fused: bool,
    pub(super) selective: Selective,
}

impl Kernels<'_> {
    /// All layers of the model, as if they were on this device.
    pub(super) fn layers(&self, work: &Work, cut: &Cut) -> Passes {
        work.stacks.iter().fold(Passes::default(), |sum, stack| {
            sum.plus(&self.layer(work, stack, cut).scaled(stack.layers))
        })
    }

    /// Head and loss, forward and backward.
    pub(super) fn head(&self, work: &Work, cut: &Cut) -> f64 {
        let rates = self.rates;
        let rows = work.vocab / cut.tp;
        let flops = 2.0 * cut.tokens * work.hidden * rows;
        let numbers = cut.tokens * (work.hidden + rows) + work.hidden * rows;
        let product = flops / rates.products + BF16 * numbers / rates.memory;
        (1.0 + BACKWARD) * product + rates.loss_bytes * cut.tokens * rows / rates.memory
    }

    fn layer(&self, work: &Work, stack: &StackWork, cut: &Cut) -> Passes {
        let (product, cast) = self.products(stack, cut);
        let (attention, attention_back) = self.attention(work, stack, cut);
        let stream = self.stream(work, stack, cut);
        let forward = product + cast / 2.0;
        let backward = BACKWARD * product + cast / 2.0;
        let recompute = match cut.recompute {
            Recompute::None => 0.0,
            Recompute::Full => forward + attention + stream,
            Recompute::Selective => match self.selective {
                Selective::Attention => attention,
                Selective::Products => 0.5 * forward + stream,
            },
        };
        let passes = if cut.recompute == Recompute::Full { 4.0 } else { 3.0 };
        // the products of a device's experts are launched one by one
        let own = stack.experts.map_or(0.0, |experts| experts.count / cut.ep);
        let experts = own * self.rates.experts;
        Passes {
            compute: forward + backward + (1.0 + BACKWARD) * stream,
            attention: attention + attention_back,
            recompute,
            launch: passes * self.rates.launch + experts,
        }
    }

    /// Forward products of one layer without casts, and the casts of forward and backward.
    fn products(&self, stack: &StackWork, cut: &Cut) -> (f64, f64) {
        let dense = |products: &Products| {
            let (numbers, sides) = (products.numbers(cut.tp), products.sides(cut.tp));
            self.roofline(cut.tokens * numbers, cut.tokens * sides + numbers)
        };
        let (attention, attention_cast) = dense(&stack.attention);
        let (mut inner, mut inner_cast) = dense(&stack.feed_forward);
        if let Some(experts) = &stack.experts {
            // every device works on the tokens that were sent to its experts: as many as it sends
            let tokens = cut.tokens * experts.per_token / cut.tp;
            let numbers = experts.count / cut.ep * experts.numbers;
            let (routed, cast) =
                self.roofline(tokens * experts.numbers, tokens * experts.sides + numbers);
            let grouped = self.rates.grouped;
            inner = (inner + routed) / grouped;
            inner_cast = (inner_cast + cast) / grouped;
        }
        (attention + inner, attention_cast + inner_cast)
    }

    /// Seconds of products by their multiplications and the numbers that they touch, and of the
    /// casts before them.
    fn roofline(&self, multiplications: f64, numbers: f64) -> (f64, f64) {
        let rates = self.rates;
        let product = 2.0 * multiplications / rates.inner + BF16 * numbers / rates.memory;
        (product, rates.cast * numbers / rates.memory)
    }

    /// Forward and backward of one layer's attention, without its projections.
    pub(super) fn attention(&self, work: &Work, stack: &StackWork, cut: &Cut) -> (f64, f64) {
        let rates = self.rates;
        let scores = cut.tokens * work.sequence * stack.heads / cut.tp;
        let flops = 2.0 * scores * (stack.query + stack.value);
        if self.fused {
            // half of the scores is masked, and skipped
            let forward = flops / 2.0 / rates.attention;
            return (forward, FUSED_BACKWARD * forward);
        }
        let traffic = rates.score_bytes * scores / rates.memory;
        let aligned = stack.query % ALIGNED == 0.0;
        let slower = if aligned { 1.0 } else { rates.unaligned_head };
        let forward = flops / rates.attention + traffic;
        let backward = BACKWARD * flops / rates.attention + SCORES_BACKWARD * traffic;
        (slower * forward, slower * backward)
    }

    /// Norms, sums, activations and rotations of one layer, forward.
    fn stream(&self, work: &Work, stack: &StackWork, cut: &Cut) -> f64 {
        let inner = if stack.gated { 3.0 } else { 2.0 } * BF16 * stack.inner / cut.tp;
        let heads = 2.0 * BF16 * stack.heads / cut.tp * stack.query;
        let bytes = work.hidden * STREAM / cut.sp + inner + heads;
        self.rates.stream * bytes * cut.tokens / self.rates.memory
    }
}
