//! The time of a step.

use super::engine::Engine;
use super::exchange::{Exchange, Held, held};
use super::passes::{Cut, Kernels};
use super::rates::Rates;
use super::work::Work;
use super::{Exposed, StepTime, ThroughputError, float};
use crate::hardware::Device;
use crate::layout::{Layout, PipelineSchedule, Strategy};
use crate::memory::{Optimizer, Precision};

/// Bubble of ZB-H1 over that of 1F1B where forward, the gradients of the stream and those of the
/// weights take as long: a third (Qi et al. 2023, arXiv:2401.10241, section 2.1).
const ZB_H1: f64 = 1.0 / 3.0;

/// Times steps of one model on one kind of device under one engine; it holds what does not depend
/// on the layout.
#[derive(Debug, Clone, Copy)]
pub struct Clock<'a> {
    work: &'a Work,
    engine: &'a Engine,
    rates: Rates,
}

impl<'a> Clock<'a> {
    /// A clock for steps of `work`.
    ///
    /// # Errors
    /// FP8 on a device or with an engine that has none.
    pub fn new(
        work: &'a Work,
        engine: &'a Engine,
        device: &Device,
        precision: Precision,
        optimizer: Optimizer,
    ) -> Result<Self, ThroughputError> {
        let engine = engine.on(device.family);
        Ok(Self { work, engine, rates: Rates::of(engine, device, precision, optimizer)? })
    }

    /// Tokens that a device trains on in a second.
    #[must_use]
    pub fn tokens_per_second_per_device(&self, layout: &Layout) -> f64 {
        self.tokens(layout) / self.step(layout).seconds() / float(layout.devices())
    }

    /// Tokens of one optimizer step on all devices.
    #[must_use]
    pub fn tokens(&self, layout: &Layout) -> f64 {
        let sequences = float(layout.micro_batch) * float(layout.micro_batches);
        sequences * float(layout.data_parallel()) * self.work.sequence
    }

    /// The time of one optimizer step.
    #[must_use]
    pub fn step(&self, layout: &Layout) -> StepTime {
        let (work, rates) = (self.work, &self.rates);
        let cut = self.cut(layout);
        let kernels = self.kernels();
        let exchange = Exchange { rates, layout, tokens: cut.tokens };
        let layers = kernels.layers(work, &cut);
        let axes = self.axes(&exchange);
        let one = (layers.total() + axes.total()) / work.layers;
        let ending = kernels.head(work, &cut);
        let hop = exchange.stages(work.hidden, cut.sp);
        let stages = Stages::of(layout.pp, work.layers);
        let (counted, with_head) = stages.slowest(one, ending);
        let batches = float(layout.micro_batches);
        let times = batches * counted / work.layers;

        let passes = layers.scaled(times);
        let compute = passes.compute + if with_head { batches * ending } else { 0.0 };
        let held = held(work, layout);
        let hides = batches * (one * stages.mean + ending);
        let (shard, replicate) = self.data(&exchange, &held, hides);
        let mut step = StepTime {
            compute,
            attention: passes.attention,
            recompute: passes.recompute,
            launch: passes.launch,
            exposed: Exposed {
                dp_shard: shard,
                dp_replicate: replicate,
                tp: times * axes.tp,
                cp: times * axes.cp,
                ep: times * axes.ep,
                pp: batches * hop,
            },
            bubble: bubble(layout, one * stages.mean + hop),
            optimizer: self.update(layout, &held),
            spread: 0.0,
        };
        let nodes = float(layout.devices()) / rates.node_devices;
        step.spread = step.seconds() * rates.doubling * libm::log2(nodes.max(1.0));
        step
    }

    fn kernels(&self) -> Kernels<'_> {
        Kernels {
            rates: &self.rates,
            fused: self.engine.fused_attention,
            selective: self.engine.selective,
        }
    }

    fn cut(&self, layout: &Layout) -> Cut {
        let tp = float(layout.tp);
        Cut {
            tokens: float(layout.micro_batch) * self.work.sequence / float(layout.cp),
            tp,
            ep: float(layout.ep),
            sp: if self.engine.sequence_parallel { tp } else { 1.0 },
            recompute: layout.recompute,
        }
    }

    /// Exposed collectives of all layers in one micro-batch.
    fn axes(&self, exchange: &Exchange) -> Exposed {
        let (work, rates, layout) = (self.work, &self.rates, exchange.layout);
        let kernels = self.kernels();
        let share = if layout.async_tp { rates.async_tp } else { rates.tp };
        let tensor = exchange.tensor(self.engine.sequence_parallel, work.hidden);
        let mut axes = Exposed { tp: share * work.layers * tensor, ..Exposed::default() };
        for stack in &work.stacks {
            if layout.cp > 1 {
                let (forward, backward) = kernels.attention(work, stack, &self.cut(layout));
                let attention = forward + backward;
                let moved = exchange.context(stack);
                let bare = (moved - attention).max(0.0) + rates.cp * attention;
                axes.cp += stack.layers * bare;
            }
            if let Some(experts) = &stack.experts {
                let (sent, sorted) = exchange.experts(work.hidden, experts.per_token);
                axes.ep += stack.layers * (rates.ep * sent + sorted);
            }
        }
        axes
    }

    /// Exposed seconds of parameters and gradients; gathers unit by unit hide behind so many
    /// seconds at most.
    fn data(&self, exchange: &Exchange, held: &Held, hides: f64) -> (f64, f64) {
        let time = exchange.data(held);
        let strategy = exchange.layout.strategy;
        let by_unit = !strategy.replicates() && strategy != Strategy::Zero1;
        if by_unit {
            let shard = (self.rates.sharded * time.shard).max(time.shard - hides);
            (shard, self.rates.sharded.max(self.rates.once) * time.replicate)
        } else {
            (self.rates.once * time.shard, self.rates.once * time.replicate)
        }
    }

    /// Weights, gradients and states go through memory once.
    fn update(&self, layout: &Layout, held: &Held) -> f64 {
        let (dense, experts) = if layout.strategy.replicates() {
            (1.0, 1.0)
        } else {
            let shards = layout.shards();
            let of_experts = shards.saturating_mul(layout.tp) / layout.ep.max(1);
            (float(shards), float(of_experts.max(1)))
        };
        self.rates.update * (held.dense / dense + held.experts / experts) / self.rates.memory
    }
}

/// Waiting at the start and the end of a step, by the time of a micro-batch on a stage.
fn bubble(layout: &Layout, stage: f64) -> f64 {
    let waits = (float(layout.pp) - 1.0) * stage / float(layout.interleave);
    match layout.schedule {
        PipelineSchedule::OneForwardOneBackward => waits,
        PipelineSchedule::ZbH1 => waits * ZB_H1,
    }
}

/// How layers are shared out over a pipeline.
struct Stages {
    /// Layers of a stage in the middle, and of the last.
    middle: f64,
    last: f64,
    /// Layers of a stage in the mean.
    mean: f64,
}

impl Stages {
    /// As many on each where that goes; where embedding and head count as layers it goes for two
    /// more (Megatron-DeepSpeed's `type:transformer|embedding`, torchtitan); else the last has less.
    fn of(pp: u64, layers: f64) -> Self {
        let devices = float(pp);
        let mean = layers / devices;
        let (middle, last) = if layers % devices == 0.0 {
            (mean, mean)
        } else if (layers + 2.0) % devices == 0.0 {
            let each = (layers + 2.0) / devices;
            (each, each - 1.0)
        } else {
            (mean.ceil(), mean.floor())
        };
        Self { middle, last, mean }
    }

    /// Layers of the slowest stage, and whether the head is there.
    fn slowest(&self, layer: f64, head: f64) -> (f64, bool) {
        if layer * self.middle > layer * self.last + head {
            (self.middle, false)
        } else {
            (self.last, true)
        }
    }
}
