//! Tensors as the code that runs holds them.

use crate::memory::label::Label;
use crate::memory::line::Line;
use crate::memory::timeline::Event;

/// A tensor that is held. It is not copied, so that it is let go of once.
#[derive(Debug)]
pub(super) struct Held {
    label: Label,
    size: Line,
}

impl Held {
    /// A tensor that is there already.
    pub fn given(label: Label, size: Line) -> Self {
        Self { label, size }
    }
}

/// Allocations and frees in order.
#[derive(Debug, Default)]
pub(super) struct Heap {
    events: Vec<Event>,
}

impl Heap {
    pub fn make(&mut self, label: Label, size: Line) -> Held {
        self.events.push(Event::new(label, size));
        Held { label, size }
    }

    /// A gradient of activations.
    pub fn gradient(&mut self, size: Line) -> Held {
        self.make(Label::ActivationGradients, size)
    }

    pub fn free(&mut self, held: impl IntoIterator<Item = Held>) {
        let frees = held.into_iter().map(|Held { label, size }| Event::new(label, -size));
        self.events.extend(frees);
    }

    /// Makes a tensor out of another, which goes.
    pub fn replaced(&mut self, held: Held, size: Line) -> Held {
        let made = self.make(held.label, size);
        self.free([held]);
        made
    }

    /// What has happened so far, taken out.
    pub fn take(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }
}

/// What is left of some events, by kind.
pub(super) fn left(events: &[Event]) -> impl Iterator<Item = Event> {
    let mut left = [Line::ZERO; Label::ALL.len()];
    for event in events {
        left[event.label as usize] += event.size;
    }
    let all = Label::ALL.map(|label| Event::new(label, left[label as usize]));
    all.into_iter().filter(|event| event.size != Line::ZERO)
}
