//! One step of PyTorch's FSDP2 (`fully_shard`): a unit for every block and one for the rest.
//!
//! Source: the allocations and frees that PyTorch's own `FSDPMemTracker` counts, moment by moment
//! (`tests/oracle/fsdp_memory.md`).

use super::block::{Block, Parameter, Stream, number};
use super::label::Label;
use super::line::Line;
use super::operator::Linear;
use super::setting::{LossKernel, Setting};
use super::tape::{Mode, Tape};
use super::timeline::{Event, Phase, Timeline};
use crate::layout::Recompute;
use crate::model::{Positions, Shape};

const BF16: f64 = 2.0;
const FP32: f64 = 4.0;
const INT64: f64 = 8.0;

/// A unit: parameters that are gathered and reduced together.
#[derive(Debug, Clone)]
struct Unit {
    parameters: Vec<Parameter>,
    ranks: f64,
}

impl Unit {
    fn shard_of(&self, parameter: &Parameter) -> f64 {
        (parameter.rows / self.ranks).ceil() * parameter.row
    }

    /// Numbers of this device's shards, padding included.
    fn shard(&self) -> f64 {
        self.parameters.iter().map(|p| self.shard_of(p)).sum()
    }

    /// Numbers of the gathered unit, padding included.
    fn whole(&self) -> f64 {
        self.shard() * self.ranks
    }

    fn gathered(&self) -> f64 {
        if self.ranks > 1.0 { BF16 * self.whole() } else { 0.0 }
    }

    fn scatter(&self) -> f64 {
        FP32 * self.whole()
    }
}

/// Events in the making.
#[derive(Default)]
struct Script(Vec<Event>);

impl Script {
    fn make(&mut self, label: Label, bytes: f64) {
        self.add(label, Line::fixed(bytes));
    }

    fn free(&mut self, label: Label, bytes: f64) {
        self.add(label, Line::fixed(-bytes));
    }

    fn add(&mut self, label: Label, size: Line) {
        if size != Line::ZERO {
            self.0.push(Event { label, size });
        }
    }

    fn extend(&mut self, events: &[Event]) {
        self.0.extend_from_slice(events);
    }

    /// All-gathers a unit into one buffer.
    fn gather(&mut self, unit: &Unit) {
        if unit.ranks > 1.0 {
            self.make(Label::Communication, BF16 * unit.shard());
            self.make(Label::Communication, unit.gathered());
            self.free(Label::Communication, BF16 * unit.shard());
        }
    }

    /// Copies the gathered buffer out into the parameters; the buffer stays.
    fn copy_out(&mut self, unit: &Unit) {
        if unit.ranks > 1.0 {
            self.make(Label::Gathered, BF16 * unit.whole());
            return;
        }
        let mut before = 0.0;
        for parameter in &unit.parameters {
            let bytes = BF16 * parameter.numbers();
            self.make(Label::Communication, bytes);
            self.free(Label::Communication, before);
            self.make(Label::Gathered, bytes);
            before = bytes;
        }
        self.free(Label::Communication, before);
    }

    fn reshard(&mut self, unit: &Unit) {
        self.free(Label::Gathered, BF16 * unit.whole());
    }

    /// Reduces a unit's gradients to shards; its buffer stays, `before` it goes.
    fn reduce(&mut self, unit: &Unit, before: f64, gradients: Line) {
        self.reshard(unit);
        self.free(Label::Communication, before);
        self.make(Label::Communication, unit.scatter());
        let last = unit.parameters.last().map_or(0.0, |p| p.gradient * p.numbers());
        self.add(Label::UnitGradients, -(gradients - Line::fixed(last)));
        self.make(Label::Gradients, FP32 * unit.shard());
        self.free(Label::UnitGradients, last);
    }
}

/// A kind of block: its unit, and what forward and backward do.
struct Kind {
    unit: Unit,
    forward: Vec<Event>,
    backward: Vec<Event>,
    gradients: Line,
}

impl Kind {
    fn of(block: &Block, setting: &Setting) -> Self {
        let tensor = block.stream.tensor();
        let mut t = Tape::default();
        let mut x = t.given(Label::Residual, tensor);
        let mut out = block.forward(&mut t, x);
        t.drop(x);
        let mut forward = t.take_events();
        if setting.layout.recompute == Recompute::Full {
            let saves = t.saves();
            forward = forgetful(block, tensor);
            t = Tape::default();
            x = t.given(Label::Checkpoints, tensor);
            t.set_mode(Mode::Recompute { saves, input: x });
            out = block.forward(&mut t, x);
        }
        let gradient = t.given(Label::ActivationGradients, tensor);
        t.backward(out, gradient);
        let unit = Unit { parameters: block.parameters(), ranks: number(setting.layout.shards()) };
        let (backward, gradients) = (t.take_events(), t.unit_gradients());
        Self { unit, forward, backward, gradients }
    }
}

/// The first forward under recomputation: of all its tensors only the input stays.
fn forgetful(block: &Block, tensor: Line) -> Vec<Event> {
    let mut t = Tape::default();
    t.set_mode(Mode::Forget);
    let x = t.given(Label::Residual, tensor);
    block.forward(&mut t, x);
    t.drop(x);
    let mut events = t.take_events();
    events.push(Event { label: Label::Checkpoints, size: tensor });
    events
}

/// What stands around the blocks: embedding, final norm, head.
struct Root {
    unit: Unit,
    /// Parameters that the optimizer meets before the blocks'.
    first: usize,
    embedding: Vec<Event>,
    embedding_backward: Vec<Event>,
    head: Vec<Event>,
    head_backward: Vec<Event>,
    gradients: Line,
}

impl Root {
    fn of(shape: &Shape, stream: &Stream, setting: &Setting) -> Self {
        let (h, v, s) = (stream.hidden, number(shape.vocab), number(setting.sequence));
        let tensor = stream.tensor();
        let learned = match shape.positions {
            Positions::Learned(rows) => Some(number(rows)),
            _ => None,
        };
        let mut parameters = vec![Parameter::matrix(v, h)];
        parameters.extend(learned.map(|rows| Parameter::matrix(rows, h)));
        let mut first = parameters.len();
        if shape.embedding_norm {
            parameters.extend(stream.norm_parameters(h));
            first = parameters.len();
        }
        if shape.final_norm {
            parameters.extend(stream.norm_parameters(h));
        }
        if !shape.tied {
            parameters.push(Parameter::matrix(v, h));
        }

        let mut e = Tape::default();
        let mut x = e.make(Label::Residual, tensor);
        if learned.is_some() {
            e.make(Label::Embedding, Line::fixed(INT64 * s));
            let positions = e.make(Label::Embedding, Line::fixed(BF16 * s * h));
            let sum = e.make(Label::Residual, tensor);
            e.drop(positions);
            e.drop(x);
            x = sum;
        }
        let mut out = x;
        if shape.embedding_norm {
            out = e.norm(x, stream.norm());
            e.drop(x);
        }
        let embedding = e.take_events();
        let mut gradient = e.given(Label::ActivationGradients, tensor);
        if shape.embedding_norm {
            e.backward(out, gradient);
            gradient = e.gradient(x);
        }
        if let Some(rows) = learned {
            let d = e.make(Label::ActivationGradients, Line::fixed(BF16 * s * h));
            e.parameter_gradient(BF16 * rows * h);
            e.drop(d);
        }
        let table = Line::fixed(BF16 * v * h);
        if shape.tied {
            // the gradients of embedding and head are added out of place
            let d = e.make(Label::UnitGradients, table);
            e.drop(gradient);
            let _sum = e.make(Label::UnitGradients, table);
            e.drop(d);
        } else {
            e.parameter_gradient(BF16 * v * h);
            e.drop(gradient);
        }
        let mut embedding_backward = e.take_events();
        if learned.is_some() {
            let size = -Line::fixed(INT64 * s);
            embedding_backward.push(Event { label: Label::Embedding, size });
        }
        if shape.tied {
            embedding_backward.push(Event { label: Label::UnitGradients, size: -table });
        }

        let mut t = Tape::default();
        let x = t.given(Label::Residual, tensor);
        let n = if shape.final_norm { t.norm(x, stream.norm()) } else { x };
        let label = Label::Logits;
        let logits =
            t.linear(n, Linear { inputs: h, outputs: v, bias: false, tokens: 1.0, label });
        t.drop(x);
        if shape.final_norm {
            t.drop(n);
        }
        let head = t.take_events();
        let gradient = t.given(Label::Loss, Line::per_token(BF16 * v));
        t.backward(logits, gradient);
        let head_backward = t.take_events();
        let gradients = e.unit_gradients() + t.unit_gradients();
        let unit = Unit { parameters, ranks: number(setting.layout.shards()) };
        Self { unit, first, embedding, embedding_backward, head, head_backward, gradients }
    }
}

/// The step, as allocations and frees; none where the model has operators that are not known here.
#[must_use]
pub fn step(shape: &Shape, stream: &Stream, setting: &Setting) -> Option<Timeline> {
    let kinds: Vec<(u64, Kind)> = shape
        .blocks()
        .map(|(layers, block)| Some((layers, Kind::of(&Block::of(*stream, block)?, setting))))
        .collect::<Option<_>>()?;
    let root = Root::of(shape, stream, setting);
    let mut timeline = Timeline::default();
    let step = Step { setting, stream, vocab: number(shape.vocab), root, kinds };
    step.start(&mut timeline);
    step.forward(&mut timeline);
    step.loss(&mut timeline);
    step.backward(&mut timeline);
    step.optimizer(&mut timeline);
    Some(timeline)
}

struct Step<'a> {
    setting: &'a Setting,
    stream: &'a Stream,
    vocab: f64,
    root: Root,
    /// Each stack: its layers and what one of them does.
    kinds: Vec<(u64, Kind)>,
}

impl Step<'_> {
    fn start(&self, timeline: &mut Timeline) {
        let layers = |of: &dyn Fn(&Unit) -> f64| -> f64 {
            let blocks: f64 = self.kinds.iter().map(|(n, k)| number(*n) * of(&k.unit)).sum();
            blocks + of(&self.root.unit)
        };
        let shards = layers(&Unit::shard);
        #[expect(clippy::cast_precision_loss, reason = "a unit has a few parameters")]
        let counters = layers(&|unit| unit.parameters.len() as f64);
        let mut s = Script::default();
        s.make(Label::Parameters, FP32 * shards);
        s.make(Label::Optimizer, 2.0 * FP32 * shards);
        s.make(Label::Optimizer, FP32 * counters);
        s.make(Label::Embedding, self.stream.rotation.unwrap_or_default());
        s.add(Label::Inputs, Line::per_token(2.0 * INT64));
        s.make(Label::Loss, FP32);
        if self.setting.loss == LossKernel::Eager {
            s.add(Label::Logits, self.logits(BF16));
        }
        timeline.push(Phase::Start, 1, s.0);
    }

    fn logits(&self, bytes: f64) -> Line {
        Line::per_token(bytes * self.vocab)
    }

    fn forward(&self, timeline: &mut Timeline) {
        let mut s = Script::default();
        s.gather(&self.root.unit);
        s.copy_out(&self.root.unit);
        s.extend(&self.root.embedding);
        timeline.push(Phase::Embedding, 1, s.0);

        let mut layer = 0;
        let mut before = &self.root.unit;
        for (layers, kind) in &self.kinds {
            for (times, before) in [(1, before), (layers - 1, &kind.unit)] {
                let mut s = Script::default();
                s.gather(&kind.unit);
                s.free(Label::Communication, before.gathered());
                s.copy_out(&kind.unit);
                s.extend(&kind.forward);
                if self.setting.layout.reshard {
                    s.reshard(&kind.unit);
                }
                timeline.push(Phase::Forward(layer), times, s.0);
                layer += times;
            }
            before = &kind.unit;
        }

        let mut s = Script::default();
        s.extend(&self.root.head);
        if self.setting.layout.reshard {
            s.reshard(&self.root.unit);
        }
        s.free(Label::Communication, before.gathered());
        if self.setting.loss == LossKernel::Eager {
            s.add(Label::Logits, -self.logits(BF16));
        }
        timeline.push(Phase::Head, 1, s.0);
    }

    /// Cross-entropy of the logits in FP32.
    fn loss(&self, timeline: &mut Timeline) {
        let (wide, narrow) = (self.logits(FP32), self.logits(BF16));
        let mut s = Script::default();
        s.add(Label::Loss, wide); // the logits in FP32
        s.add(Label::Loss, wide); // their log-softmax
        s.make(Label::Loss, 2.0 * FP32); // the loss, its weight
        s.add(Label::Loss, -wide);
        s.free(Label::Loss, FP32); // the last step's loss
        if self.setting.loss != LossKernel::Eager {
            s.add(Label::Logits, -narrow);
        }
        timeline.push(Phase::Loss, 1, s.0);

        let mut s = Script::default();
        s.make(Label::Loss, FP32); // the gradient of the loss
        s.add(Label::Loss, wide); // of the negative log-likelihood
        s.free(Label::Loss, FP32);
        s.add(Label::Loss, wide); // of the log-softmax
        s.add(Label::Loss, -wide);
        s.add(Label::Loss, -wide);
        s.add(Label::Loss, narrow); // of the logits
        s.add(Label::Loss, -wide);
        timeline.push(Phase::LossBackward, 1, s.0);
    }

    fn backward(&self, timeline: &mut Timeline) {
        let Some((_, last)) = self.kinds.last() else { return };
        let reshard = self.setting.layout.reshard;
        let mut s = Script::default();
        if reshard {
            s.gather(&self.root.unit);
            s.copy_out(&self.root.unit);
            s.free(Label::Communication, self.root.unit.gathered());
            s.gather(&last.unit);
        }
        s.extend(&self.root.head_backward);
        timeline.push(Phase::HeadBackward, 1, s.0);

        let mut layer = self.kinds.iter().map(|(layers, _)| layers).sum::<u64>();
        let mut scatter = 0.0;
        for (index, (layers, kind)) in self.kinds.iter().enumerate().rev() {
            let below = index.checked_sub(1).map(|below| &self.kinds[below].1.unit);
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
                if reshard {
                    s.copy_out(&kind.unit);
                    s.free(Label::Communication, kind.unit.gathered());
                    if let Some(next) = next {
                        s.gather(next);
                    }
                }
                s.extend(&kind.backward);
                s.reduce(&kind.unit, scatter, kind.gradients);
                timeline.push(Phase::Backward(layer - 1), times, s.0);
                layer -= times;
                scatter = kind.unit.scatter();
            }
        }

        timeline.push(Phase::EmbeddingBackward, 1, self.root.embedding_backward.clone());
        let mut s = Script::default();
        s.reduce(&self.root.unit, scatter, self.root.gradients);
        s.free(Label::Communication, self.root.unit.scatter());
        s.free(Label::Loss, FP32);
        timeline.push(Phase::Reduce, 1, s.0);
    }

    /// `AdamW` one parameter after the other: a square root and a quotient of the size of each.
    fn optimizer(&self, timeline: &mut Timeline) {
        let phase = Phase::Optimizer;
        let (first, rest) = self.root.unit.parameters.split_at(self.root.first);
        let mut before = 0.0;
        let events = self.update(&self.root.unit, first, &mut before);
        timeline.push(phase, 1, events);
        for (layers, kind) in &self.kinds {
            for times in [1, layers - 1] {
                let events = self.update(&kind.unit, &kind.unit.parameters, &mut before);
                timeline.push(phase, times, events);
            }
        }
        let mut events = self.update(&self.root.unit, rest, &mut before);
        events.push(Event { label: Label::OptimizerWork, size: Line::fixed(-before) });
        timeline.push(phase, 1, events);
    }

    fn update(&self, unit: &Unit, parameters: &[Parameter], before: &mut f64) -> Vec<Event> {
        let mut s = Script::default();
        for parameter in parameters {
            let bytes = FP32 * unit.shard_of(parameter);
            s.make(Label::OptimizerWork, bytes);
            s.make(Label::OptimizerWork, bytes);
            s.free(Label::OptimizerWork, bytes);
            s.free(Label::OptimizerWork, *before);
            *before = bytes;
        }
        s.0
    }
}
