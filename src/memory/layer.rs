//! A kind of layer: its unit, and what its forward and backward do.

use super::block::Block;
use super::label::Label;
use super::line::Line;
use super::states::States;
use super::tape::{Mode, Tape};
use super::timeline::Event;
use super::unit::Unit;
use crate::layout::Recompute;

/// A kind of layer.
pub(super) struct Layer {
    pub unit: Unit,
    pub forward: Vec<Event>,
    pub backward: Vec<Event>,
    /// Bytes of the gradients that backward makes, before they are reduced.
    pub gradients: Line,
}

impl Layer {
    pub fn of(block: &Block, recompute: Recompute, states: States) -> Self {
        let tensor = block.stream.tensor();
        let cast = block.stream.autocast;
        let trains = block.stream.trains();
        let mut t = Tape::new(cast).training(trains);
        let mut x = t.given(Label::Residual, tensor);
        let mut out = block.forward(&mut t, x);
        t.drop(x);
        let mut forward = t.take_events();
        if recompute == Recompute::Full {
            let saves = t.saves();
            forward = forgetful(block, tensor);
            t = Tape::new(cast).training(trains);
            x = t.given(Label::Checkpoints, tensor);
            t.set_mode(Mode::Recompute { saves, input: x });
            out = block.forward(&mut t, x);
        }
        let gradient = t.given(Label::ActivationGradients, tensor);
        t.backward(out, gradient);
        let unit = Unit::new(block.trained(), states);
        let (backward, gradients) = (t.take_events(), t.unit_gradients());
        Self { unit, forward, backward, gradients }
    }

    /// What a forward leaves for backward, by kind.
    pub fn kept(&self) -> Vec<Event> {
        let mut kept = [Line::ZERO; Label::ALL.len()];
        for event in &self.forward {
            kept[event.label as usize] += event.size;
        }
        let events = Label::ALL.into_iter().zip(kept);
        events
            .filter(|(_, size)| *size != Line::ZERO)
            .map(|(label, size)| Event { label, size })
            .collect()
    }
}

/// The first forward under recomputation: of all its tensors only the input stays.
fn forgetful(block: &Block, tensor: Line) -> Vec<Event> {
    let mut t = Tape::default().training(block.stream.trains());
    t.set_mode(Mode::Forget);
    let x = t.given(Label::Residual, tensor);
    block.forward(&mut t, x);
    t.drop(x);
    let mut events = t.take_events();
    events.push(Event { label: Label::Checkpoints, size: tensor });
    events
}
