//! One step of a device: every unit in turn through forward, loss, backward and the optimizer.
//!
//! Source of the order: the allocations and frees that PyTorch's own `FSDPMemTracker` counts,
//! moment by moment (`tests/oracle/fsdp_memory.md`). Strategies differ in what a unit's gather,
//! reshard and reduction do, in `unit.rs`.

use super::block::{Block, Parameter};
use super::code::Code;
use super::label::Label;
use super::layer::Layer;
use super::line::Line;
use super::root::{Ends, Root};
use super::setting::{LossKernel, Profile, Setting};
use super::states::States;
use super::stream::{Stream, number};
use super::timeline::{Event, Phase, Timeline};
use super::unit::{Script, Unit};
use crate::layout::Strategy;
use crate::model::{self, Shape};
use std::rc::Rc;

const BF16: f64 = 2.0;
const FP32: f64 = 4.0;
const INT64: f64 = 8.0;
/// What cuBLAS allocates through PyTorch on an H100: 33 MiB for each of two threads, forward's and
/// backward's. Our measurement: the least by which 94 peaks stand above their operators
/// (`tests/oracle/gpu_memory.csv`).
const WORKSPACE: f64 = 2.0 * 33.0 * 1024.0 * 1024.0;

/// One step of the device at a place in the pipeline, as allocations and frees.
pub(super) fn timeline(shape: &Shape, setting: &Setting, place: u64) -> Timeline {
    let stream = Stream::of(shape, setting);
    let states = States::of(setting, number(setting.layout.shards()));
    let (pp, stage) = (setting.layout.pp, place);
    let ends = Ends { embedding: stage == 0, head: stage + 1 == pp };
    let mut layers: Vec<(u64, Rc<Layer>)> = Vec::new();
    let stacks = runs(shape, setting, stage);
    for (index, &(times, block, masked)) in stacks.iter().enumerate() {
        // like layers are simulated once, wherever they stand
        let like =
            |(_, other, mask): &(u64, &model::Block, bool)| (*other, *mask) == (block, masked);
        let like = stacks[..index].iter().position(like);
        let layer = like.map_or_else(
            || {
                let block = Block { stream: &stream, kind: block, masked };
                Rc::new(Layer::of(&block, setting.layout.recompute, states))
            },
            |like| Rc::clone(&layers[like].1),
        );
        layers.push((times, layer));
    }
    let root = Root::of(shape, &stream, setting, states, ends);
    let vocab = number(shape.vocab) / stream.tp;
    let step = Step { setting, stream: &stream, states, vocab, ends, stage, root, layers };
    let mut timeline = Timeline::default();
    step.start(&mut timeline);
    step.forward(&mut timeline);
    if ends.head {
        step.loss(&mut timeline);
    }
    step.backward(&mut timeline);
    step.optimizer(&mut timeline);
    timeline
}

/// Places in the pipeline that can hold most: of neighbours with like layers the first, which has
/// the most micro-batches in flight.
pub(super) fn places(shape: &Shape, setting: &Setting) -> Vec<u64> {
    let pp = setting.layout.pp;
    let like_before = |place: &u64| {
        (2..pp - 1).contains(place)
            && stage_layers(shape, pp, *place) == stage_layers(shape, pp, place - 1)
    };
    (0..pp).filter(|place| !like_before(place)).collect()
}

/// The layers of a pipeline stage, stack by stack: as even as whole layers allow, the first stages
/// having one more.
pub(super) fn stage_layers(shape: &Shape, pp: u64, stage: u64) -> Vec<(u64, &model::Block)> {
    let all = shape.layers();
    let first = all / pp * stage + stage.min(all % pp);
    let last = first + all / pp + u64::from(stage < all % pp);
    let mut at = 0;
    let mut out = Vec::new();
    for (layers, block) in shape.blocks() {
        let (from, to) = (at.max(first), (at + layers).min(last));
        if from < to {
            out.push((to - from, block));
        }
        at += layers;
    }
    out
}

/// The layers of a pipeline stage, those alike that follow each other at once, and whether they
/// get a mask.
fn runs<'a>(shape: &'a Shape, setting: &Setting, stage: u64) -> Vec<(u64, &'a model::Block, bool)> {
    let code = Code::of(setting);
    let pp = setting.layout.pp;
    let mut layer = (0..stage).flat_map(|stage| stage_layers(shape, pp, stage)).map(|l| l.0).sum();
    let mut out: Vec<(u64, &model::Block, bool)> = Vec::new();
    for (times, block) in stage_layers(shape, pp, stage) {
        if code.sliding.is_none() {
            out.push((times, block, false));
            continue;
        }
        for _ in 0..times {
            let masked = code.masks(layer, setting.sequence);
            match out.last_mut() {
                Some(run) if run.1 == block && run.2 == masked => run.0 += 1,
                _ => out.push((1, block, masked)),
            }
            layer += 1;
        }
    }
    out
}

/// A step in the making.
pub(super) struct Step<'a> {
    pub setting: &'a Setting,
    pub stream: &'a Stream,
    states: States,
    /// Rows of the head on this device.
    pub vocab: f64,
    ends: Ends,
    stage: u64,
    root: Root,
    /// Each stack: its layers and what one of them does.
    layers: Vec<(u64, Rc<Layer>)>,
}

impl Step<'_> {
    fn start(&self, timeline: &mut Timeline) {
        let mut numbers = 0.0;
        for (layers, unit) in self.units() {
            let mut s = Script::default();
            s.hold(unit, self.again());
            timeline.push(Phase::Start, layers, s.0);
            numbers += number(layers) * unit.numbers();
        }
        let mut s = Script::default();
        s.make(Label::Communication, self.states.buckets * numbers.min(self.states.bucket));
        if self.setting.profile != Profile::Eager {
            s.make(Label::Workspace, WORKSPACE);
        }
        s.make(Label::Embedding, self.stream.table());
        s.add(Label::Inputs, Line::per_token(2.0 * INT64));
        self.in_flight(&mut s);
        if self.ends.head {
            s.make(Label::Loss, FP32);
            if self.setting.loss == LossKernel::Eager {
                s.add(Label::Logits, self.logits(BF16));
            }
        }
        timeline.push(Phase::Start, 1, s.0);
    }

    /// Every unit, with how many there are of it.
    fn units(&self) -> impl Iterator<Item = (u64, &Unit)> {
        let blocks = self.layers.iter().map(|(layers, kind)| (*layers, &kind.unit));
        blocks.chain([(1, &self.root.unit)])
    }

    /// Whether gradients of micro-batches before are there.
    fn again(&self) -> bool {
        self.setting.layout.micro_batches > 1
    }

    /// What other micro-batches on their way through the pipeline have left for their backward.
    fn in_flight(&self, s: &mut Script) {
        let others = self.setting.layout.in_flight(self.stage) - 1.0;
        if others <= 0.0 {
            return;
        }
        for (layers, kind) in &self.layers {
            for event in kind.kept() {
                s.add(event.label, event.size * (number(*layers) * others));
            }
        }
    }

    /// Bytes of a tensor of the logits: of all devices' under `torch.nn.DataParallel`, which
    /// gathers them on the first.
    pub fn logits(&self, bytes: f64) -> Line {
        let layout = &self.setting.layout;
        let devices = if layout.strategy == Strategy::Dp { layout.data_parallel() } else { 1 };
        Line::per_token(bytes * self.vocab * number(devices))
    }

    fn forward(&self, timeline: &mut Timeline) {
        let mut s = Script::default();
        s.gather(&self.root.unit);
        s.copy_out(&self.root.unit);
        s.extend(&self.root.embedding);
        timeline.push(Phase::Embedding, 1, s.0);

        let mut layer = 0;
        let mut before = &self.root.unit;
        for (index, (layers, kind)) in self.layers.iter().enumerate() {
            let inner = (&kind.unit, true);
            let kept = self.states.keeps_last && index + 1 == self.layers.len();
            // the first of the stack, those between, the last where it is not like them
            let parts = match (kept, *layers) {
                (false, layers) => [(1, (before, true)), (layers - 1, inner), (0, inner)],
                (true, 1) => [(1, (before, false)), (0, inner), (0, inner)],
                (true, layers) => {
                    [(1, (before, true)), (layers - 2, inner), (1, (&kind.unit, false))]
                }
            };
            for (times, (before, reshards)) in parts {
                if times == 0 {
                    continue;
                }
                let mut s = Script::default();
                s.gather(&kind.unit);
                s.gathered(before);
                s.copy_out(&kind.unit);
                s.extend(&kind.forward);
                if self.states.reshards() && reshards {
                    s.reshard(&kind.unit);
                }
                timeline.push(Phase::Forward(layer), times, s.0);
                layer += times;
            }
            before = &kind.unit;
        }

        let mut s = Script::default();
        s.extend(&self.root.head);
        if self.states.reshards() && !self.states.keeps_last {
            s.reshard(&self.root.unit);
        }
        s.gathered(before);
        if self.ends.head && self.setting.loss == LossKernel::Eager {
            s.add(Label::Logits, -self.logits(BF16));
        }
        timeline.push(Phase::Head, 1, s.0);
    }

    /// Autocast's copies that only its cache holds go with it.
    pub fn end_of_autocast(&self, s: &mut Script) {
        if self.states.casts_again() {
            let casts = self.layers.iter().map(|(layers, kind)| number(*layers) * kind.unit.cast());
            s.free(Label::Gathered, casts.sum());
        }
    }

    fn backward(&self, timeline: &mut Timeline) {
        let Some((_, last)) = self.layers.last() else { return };
        let reshard = self.states.reshards();
        let mut s = Script::default();
        let keeps_last = self.states.keeps_last;
        if reshard && !keeps_last {
            s.gather(&self.root.unit);
            s.copy_out(&self.root.unit);
            s.gathered(&self.root.unit);
            s.gather(&last.unit);
        }
        s.extend(&self.root.head_backward);
        timeline.push(Phase::HeadBackward, 1, s.0);

        let mut layer = self.layers.iter().map(|(layers, _)| layers).sum::<u64>();
        let mut scatter = 0.0;
        let mut unsharded = keeps_last;
        for (index, (layers, kind)) in self.layers.iter().enumerate().rev() {
            let below = index.checked_sub(1).map(|below| &self.layers[below].1.unit);
            // the highest of the stack, those between, the lowest
            let lowest = (1, below);
            let parts = if *layers == 1 {
                [(0, None), (0, None), lowest]
            } else {
                [(1, Some(&kind.unit)), (layers - 2, Some(&kind.unit)), lowest]
            };
            for (times, next) in parts {
                if times == 0 {
                    continue;
                }
                let mut s = Script::default();
                let casts = self.states.casts_again() && self.ends.head;
                if reshard || casts {
                    if !unsharded {
                        s.copy_out(&kind.unit);
                        s.gathered(&kind.unit);
                    }
                    if let Some(next) = next {
                        s.gather(next);
                    }
                    unsharded = false;
                }
                s.extend(&kind.backward);
                s.reduce(&kind.unit, scatter, &kind.gradients, self.again());
                timeline.push(Phase::Backward(layer - 1), times, s.0);
                layer -= times;
                scatter = kind.unit.scatter();
            }
        }

        timeline.push(Phase::EmbeddingBackward, 1, self.root.embedding_backward.clone());
        let mut s = Script::default();
        s.reduce(&self.root.unit, scatter, &self.root.gradients, self.again());
        s.free(Label::Communication, self.root.unit.scatter());
        if self.ends.head {
            s.free(Label::Loss, FP32);
        }
        timeline.push(Phase::Reduce, 1, s.0);
    }

    /// `AdamW` one parameter after the other: a square root and a quotient of the size of each; or
    /// all at once, with a square root of every one (`foreach`: PyTorch's default on a GPU).
    fn optimizer(&self, timeline: &mut Timeline) {
        let phase = Phase::Optimizer;
        if self.states.on_host {
            return;
        }
        if self.setting.profile.torchtitan() {
            for sign in [1.0, -1.0] {
                for (layers, unit) in self.units() {
                    let of = |p| unit.update_of(p, sign * self.states.parameter.bytes);
                    let roots = unit.parameters.iter().map(of).map(Line::fixed);
                    let roots = roots.map(|size| Event::new(Label::OptimizerWork, size));
                    timeline.push(phase, layers, roots.collect());
                }
            }
            return;
        }
        let (first, rest) = self.root.unit.parameters.split_at(self.root.first);
        let mut before = 0.0;
        let events = self.update(&self.root.unit, first, &mut before);
        timeline.push(phase, 1, events);
        for (layers, kind) in &self.layers {
            for times in [1, layers - 1] {
                let events = self.update(&kind.unit, &kind.unit.parameters, &mut before);
                timeline.push(phase, times, events);
            }
        }
        let mut events = self.update(&self.root.unit, rest, &mut before);
        events.push(Event::new(Label::OptimizerWork, Line::fixed(-before)));
        timeline.push(phase, 1, events);
    }

    fn update(&self, unit: &Unit, parameters: &[Parameter], before: &mut f64) -> Vec<Event> {
        let mut s = Script::default();
        for parameter in parameters {
            let bytes = unit.update_of(parameter, self.states.parameter.bytes);
            s.make(Label::OptimizerWork, bytes);
            s.make(Label::OptimizerWork, bytes);
            s.free(Label::OptimizerWork, bytes);
            s.free(Label::OptimizerWork, *before);
            *before = bytes;
        }
        s.0
    }
}
