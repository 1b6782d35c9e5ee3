//! What stands around the blocks: embedding, final norm, head.

use super::block::Parameter;
use super::label::Label;
use super::line::Line;
use super::operator::Linear;
use super::setting::{LossKernel, Setting};
use super::states::States;
use super::stream::{Stream, number};
use super::tape::{Id, Tape, Trains};
use super::timeline::Event;
use super::unit::Unit;
use crate::model::{Positions, Shape};

const BF16: f64 = 2.0;
const INT64: f64 = 8.0;

/// What stands around the blocks that a device has: on a pipeline, the first has the embedding and
/// the last the head.
pub(super) struct Root {
    pub unit: Unit,
    /// Parameters that the optimizer meets before the blocks'.
    pub first: usize,
    pub embedding: Vec<Event>,
    pub embedding_backward: Vec<Event>,
    pub head: Vec<Event>,
    pub head_backward: Vec<Event>,
    /// The gradients that backward makes, before they are reduced, bytes.
    pub gradients: Vec<Line>,
}

/// Which ends of the model a device has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    pub embedding: bool,
    pub head: bool,
}

impl Root {
    pub fn of(
        shape: &Shape,
        stream: &Stream,
        setting: &Setting,
        states: States,
        ends: Ends,
    ) -> Self {
        let mut root = Self {
            unit: Unit::new(Vec::new(), states),
            first: 0,
            embedding: Vec::new(),
            embedding_backward: Vec::new(),
            head: Vec::new(),
            head_backward: Vec::new(),
            gradients: Vec::new(),
        };
        if ends.embedding {
            root.embed(shape, stream, ends);
        }
        root.first = root.unit.parameters.len();
        if ends.head {
            root.finish(shape, stream, setting, ends);
        }
        if stream.adapter.is_some() {
            for parameter in &mut root.unit.parameters {
                parameter.frozen = Some(BF16);
            }
        }
        root
    }

    fn embed(&mut self, shape: &Shape, stream: &Stream, ends: Ends) {
        let (hidden, rows) = (stream.hidden, number(shape.vocab) / stream.tp);
        let tensor = stream.tensor();
        let table = Parameter::table(rows, hidden, shape.tied && ends.head);
        let learned = match shape.positions {
            Positions::Learned(rows) => Some(number(rows)),
            _ => None,
        };
        let parameters = &mut self.unit.parameters;
        parameters.push(table);
        parameters.extend(learned.map(|rows| Parameter::table(rows, hidden, false)));
        if shape.embedding_norm {
            parameters.extend(stream.norm_parameters(hidden));
        }

        let mut t = Tape::new(stream.autocast).training(stream.trains_root());
        let mut x = t.make(Label::Residual, tensor);
        let positions = Line::fixed(BF16 * stream.sequence * hidden);
        let indices = learned.map(|_| {
            let indices = t.make(Label::Embedding, Line::fixed(INT64 * stream.sequence));
            let added = t.make(Label::Embedding, positions);
            let sum = t.make(Label::Residual, tensor);
            t.drop(added);
            t.drop(x);
            x = sum;
            indices
        });
        let mut out = x;
        if shape.embedding_norm {
            out = t.norm(x, stream.norm());
            t.drop(x);
            // what the norm made is the stream from here on
            t.relabel(out, Label::Residual);
        }
        self.embedding = t.take_events();

        let mut gradient = t.given(Label::ActivationGradients, tensor);
        if shape.embedding_norm {
            t.backward(out, gradient);
            gradient = t.gradient(x);
        }
        if let Some(rows) = learned {
            let d = t.make(Label::ActivationGradients, positions);
            t.parameter_gradient(BF16 * rows * hidden);
            t.drop(d);
        }
        if let Some(indices) = indices {
            t.drop(indices);
        }
        let bytes = BF16 * table.numbers();
        if shape.tied && ends.head {
            add_to_head(&mut t, gradient, bytes);
        } else {
            t.parameter_gradient(bytes);
            t.drop(gradient);
        }
        self.embedding_backward = t.take_events();
        self.gradients.append(&mut t.take_unit_gradients());
    }

    fn finish(&mut self, shape: &Shape, stream: &Stream, setting: &Setting, ends: Ends) {
        let (hidden, rows) = (stream.hidden, number(shape.vocab) / stream.tp);
        let parameters = &mut self.unit.parameters;
        if shape.final_norm {
            parameters.extend(stream.norm_parameters(hidden));
        }
        if !(shape.tied && ends.embedding) {
            parameters.push(Parameter::matrix(rows, hidden));
        }

        let mut t = Tape::new(stream.autocast).training(stream.trains_root());
        let x = t.given(Label::Residual, stream.tensor());
        let mut n = x;
        if shape.final_norm {
            n = t.norm(x, stream.norm());
            t.drop(x);
        }
        if stream.tp > 1.0 {
            let gathered = t.resized(n, stream.tensor(), stream.whole(), stream.copies());
            t.drop(n);
            n = gathered;
        }
        if setting.loss == LossKernel::Chunked {
            // head and loss run part by part, forward and backward: see `Step::chunks`
            self.head = t.take_events();
            let gradient = t.given(Label::ActivationGradients, stream.whole());
            t.backward(n, gradient);
            t.drop(n);
            if t.trains() == Trains::All {
                self.gradients.push(Line::fixed(BF16 * rows * hidden));
            }
        } else {
            let label = Label::Logits;
            let head = Linear {
                inputs: hidden,
                outputs: rows,
                bias: false,
                tokens: 1.0,
                cast: stream.autocast,
                label,
            };
            let mut logits = t.linear(n, head);
            t.drop(n);
            if stream.code.capped {
                logits = t.capped(logits, label, Line::per_token(BF16 * rows));
            }
            self.head = t.take_events();
            let gradient = t.given(Label::Loss, Line::per_token(BF16 * rows));
            t.backward(logits, gradient);
        }
        self.head_backward = t.take_events();
        self.gradients.append(&mut t.take_unit_gradients());
    }
}

/// The gradient of a tied table, which the head has given already: the sum is made out of place.
fn add_to_head(t: &mut Tape, gradient: Id, bytes: f64) {
    if t.trains() != Trains::All {
        return t.drop(gradient);
    }
    let table = Line::fixed(bytes);
    let own = t.make(Label::UnitGradients, table);
    t.drop(gradient);
    let sum = t.make(Label::UnitGradients, table);
    t.drop(own);
    // the sum takes the place of the head's
    t.drop(sum);
}
