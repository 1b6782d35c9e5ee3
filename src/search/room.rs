//! What layouts hold, each step simulated once for all its micro-batches.

use super::Question;
use crate::layout::{Layout, Strategy};
use crate::memory::{Context, Envelope, Setting, envelopes};
use crate::model::Shape;
use std::collections::HashMap;

/// Micro-batches over stages after which more of them hold nothing more: a pipeline is full, and
/// an interleaved one repeats itself (`memory::megatron`'s schedule, [`Layout::in_flight`]).
const FULL: u64 = 4;
/// Bytes of a parameter in BF16, and of the optimizer's own copy.
const BF16: f64 = 2.0;
const FP32: f64 = 4.0;

/// Peaks by what they depend on.
pub(super) struct Room<'a> {
    question: &'a Question<'a>,
    known: HashMap<Layout, Vec<Envelope>>,
}

impl<'a> Room<'a> {
    pub(super) fn new(question: &'a Question<'a>) -> Self {
        Self { question, known: HashMap::new() }
    }

    /// How many steps were simulated.
    pub(super) fn simulated(&self) -> u64 {
        self.known.len() as u64
    }

    /// Bytes that a device holds at most, context included.
    pub(super) fn bytes(&mut self, layout: &Layout) -> f64 {
        let q = self.question;
        let key = Layout {
            // all that is larger is like 2
            micro_batch: layout.micro_batch.min(2),
            micro_batches: layout.micro_batches.min(FULL * layout.pp),
            // what takes time alone
            schedule: crate::layout::PipelineSchedule::default(),
            async_tp: false,
            ..*layout
        };
        let lines = self.known.entry(key).or_insert_with(|| {
            // a legal layout has them
            envelopes(q.shape, &Setting { layout: key, ..q.setting }).unwrap_or_default()
        });
        let tokens = float(layout.micro_batch) * (float(q.setting.sequence) / float(layout.cp));
        let peak = lines.iter().map(|line| line.peak(tokens)).fold(0.0, f64::max);
        let context = Context::of(&Setting { layout: *layout, ..q.setting });
        peak + context.bytes
    }
}

/// Bytes below which no step of a layout can be: parameters and optimizer states on the mean
/// device, by exact counts; without gradients, activations and gathered units.
#[must_use]
pub fn states_bytes(shape: &Shape, setting: &Setting) -> f64 {
    Numbers::of(shape).states(setting)
}

/// A model's parameters, told apart as they are split.
#[derive(Clone, Copy)]
pub(super) struct Numbers {
    dense: f64,
    experts: f64,
}

impl Numbers {
    pub(super) fn of(shape: &Shape) -> Self {
        let count = shape.count();
        let experts = real(count.sum(|block| block.routed_experts).total());
        Self { dense: real(count.total()) - experts, experts }
    }

    /// See [`states_bytes`].
    pub(super) fn states(&self, setting: &Setting) -> f64 {
        let layout = &setting.layout;
        let kept = setting.precision.kept();
        let (shards, tp) = (float(layout.shards()), float(layout.tp));
        let over = self.dense + self.experts;
        // DeepSpeed and Megatron-LM keep the optimizer's own copy in FP32
        let master = FP32 + setting.optimizer.states(FP32);
        let bytes = match layout.strategy {
            Strategy::Dp | Strategy::Ddp => {
                let each = kept + setting.optimizer.states(kept);
                each * (self.dense + self.experts / float(layout.ep))
            }
            Strategy::Zero1 | Strategy::Zero2 => {
                // the experts' states are shared out over those of their copies at most
                let dense = (BF16 + master / shards) * self.dense;
                dense + (BF16 + master / (shards * tp)) * self.experts / float(layout.ep)
            }
            Strategy::Zero3 => (BF16 + master) / shards * over,
            Strategy::Fsdp2 | Strategy::Hsdp => {
                (kept + setting.optimizer.states(kept)) / shards * over
            }
        };
        bytes / (tp * float(layout.pp))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a bound has not as many digits")]
fn float(number: u64) -> f64 {
    number as f64
}

#[expect(clippy::cast_precision_loss, reason = "a bound has not as many digits")]
fn real(number: u128) -> f64 {
    number as f64
}
