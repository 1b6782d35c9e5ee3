//! Storages, what holds them, and backward in reverse order: autograd, as far as memory goes.

use super::label::Label;
use super::line::Line;
use super::timeline::Event;
use std::collections::VecDeque;

/// A storage. It is freed when the last of its holders lets go: variables of the running code,
/// tensors saved for backward, gradients that wait for their reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id(usize);

/// A storage that backward needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Saved(usize);

struct Storage {
    label: Label,
    size: Line,
    /// What its events are called: one name in all tapes of a layer.
    name: u32,
    holders: u32,
    grad: Option<Id>,
}

type Backward = Box<dyn FnOnce(&mut Tape)>;

/// The operators of one part of a model as they run.
#[derive(Default)]
pub(super) struct Tape {
    events: Vec<Event>,
    storages: Vec<Storage>,
    names: u32,
    saved: Vec<Option<Id>>,
    waiting: usize,
    nodes: Vec<Backward>,
    mode: Mode,
    stopped: bool,
    trains: Trains,
    /// Parameters' gradients are cast from BF16 to FP32 as they are made.
    autocast: bool,
    /// The parameters' gradients that backward has made, bytes.
    unit_gradients: Vec<Line>,
    /// What selective recomputation keeps of the first pass, in order.
    cache: VecDeque<Id>,
    /// Matrix products that have run.
    products: u64,
}

/// What has gradients.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) enum Trains {
    /// All parameters.
    #[default]
    All,
    /// None of these: what they need of the forward pass is not kept.
    Nothing,
    /// Adapters of this rank beside every matrix, which may be quantised.
    Adapters { rank: f64, quantised: bool },
}

/// How the forward pass runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Mode {
    /// Everything that backward needs is kept.
    #[default]
    Keep,
    /// Nothing is kept: the first pass under recomputation.
    Forget,
    /// Nothing is kept but the outputs of some operators: the first pass under selective
    /// recomputation.
    Select {
        /// Tensors that the whole pass would save.
        saves: usize,
        /// What is made after the last of them is kept too, though nobody reads it.
        unread: bool,
    },
    /// The second pass: it stops when the last of so many tensors is there, and what it keeps
    /// dies with the operator that reads it.
    Recompute {
        /// Tensors that the whole pass would save.
        saves: usize,
        /// What the first pass kept to begin from; goes when the last saved tensor is read.
        input: Id,
    },
}

impl Tape {
    /// What has gradients.
    pub fn trains(&self) -> Trains {
        self.trains
    }

    /// The same tape where something else has gradients.
    pub fn training(mut self, trains: Trains) -> Self {
        self.trains = trains;
        self
    }

    /// A tape on which parameters and stream are FP32, and products BF16, or not.
    pub fn new(autocast: bool) -> Self {
        Self { autocast, ..Self::default() }
    }

    /// Whether parameters and stream are FP32, and products BF16.
    pub fn autocasts(&self) -> bool {
        self.autocast
    }

    /// The tape of a second pass over the layer of another: new storages get new names.
    pub fn after(&self) -> Self {
        Self { names: self.names, ..Self::new(self.autocast) }
    }

    /// A storage that is there already.
    pub fn given(&mut self, label: Label, size: Line) -> Id {
        self.names += 1;
        self.named(label, size, self.names)
    }

    fn named(&mut self, label: Label, size: Line, name: u32) -> Id {
        self.storages.push(Storage { label, size, name, holders: 1, grad: None });
        Id(self.storages.len() - 1)
    }

    /// A storage of another tape, now this one's to free.
    pub fn taken(&mut self, before: &Self, id: Id) -> Id {
        let Storage { label, size, name, .. } = before.storages[id.0];
        self.named(label, size, name)
    }

    /// Another kind for a storage, which stays.
    pub fn relabel(&mut self, id: Id, label: Label) {
        let Storage { label: before, size, name, .. } = self.storages[id.0];
        self.storages[id.0].label = label;
        self.event(before, -size, name);
        self.event(label, size, name);
    }

    pub fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    /// What has happened so far, taken out.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Tensors saved so far.
    pub fn saves(&self) -> usize {
        self.saved.len()
    }

    /// The parameters' gradients made so far, bytes, taken out.
    pub fn take_unit_gradients(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.unit_gradients)
    }

    /// Allocates.
    pub fn make(&mut self, label: Label, size: Line) -> Id {
        let size = if self.stopped { Line::ZERO } else { size };
        let id = self.given(label, size);
        self.event(label, size, self.names);
        id
    }

    /// Allocates the output of an operator that selective recomputation keeps, or takes the one
    /// kept.
    pub fn make_kept(&mut self, label: Label, size: Line) -> Id {
        match self.mode {
            Mode::Select { saves, unread } => {
                let id = self.make(label, size);
                if unread || self.saved.len() < saves {
                    self.hold(id);
                    self.cache.push_back(id);
                }
                id
            }
            Mode::Recompute { .. } if !self.stopped => {
                self.cache.pop_front().unwrap_or_else(|| self.make(label, size))
            }
            _ => self.make(label, size),
        }
    }

    /// Allocates the output of a matrix product: selective recomputation keeps every other one,
    /// the first among them (torchtitan's `_custom_policy`).
    pub fn make_product(&mut self, label: Label, size: Line) -> Id {
        self.products += 1;
        if self.products % 2 == 1 { self.make_kept(label, size) } else { self.make(label, size) }
    }

    /// Takes over what selective recomputation has kept of the first pass.
    pub fn take_cached(&mut self, first: &Self) {
        self.cache = first.cache.iter().map(|&id| self.taken(first, id)).collect();
    }

    /// Lets go of what was kept and nobody took.
    pub fn drop_cached(&mut self) {
        while let Some(id) = self.cache.pop_front() {
            self.drop(id);
        }
    }

    fn forgets(&self) -> bool {
        matches!(self.mode, Mode::Forget | Mode::Select { .. })
    }

    /// One more holder of a storage.
    pub fn hold(&mut self, id: Id) {
        self.storages[id.0].holders += 1;
    }

    /// Lets go of a storage.
    pub fn drop(&mut self, id: Id) {
        let storage = &mut self.storages[id.0];
        storage.holders -= 1;
        if storage.holders == 0 {
            let (label, size, name) = (storage.label, storage.size, storage.name);
            self.event(label, -size, name);
        }
    }

    /// Keeps a storage for backward.
    pub fn save(&mut self, id: Id) -> Saved {
        let kept = !self.forgets();
        if kept {
            self.storages[id.0].holders += 1;
            self.waiting += 1;
        }
        self.saved.push(kept.then_some(id));
        if let Mode::Recompute { saves, .. } = self.mode {
            self.stopped = self.saved.len() == saves;
        }
        Saved(self.saved.len() - 1)
    }

    /// Keeps a storage for the gradient of a weight, where that is trained.
    pub fn save_for_weight(&mut self, id: Id) -> Saved {
        if self.trains == Trains::All {
            return self.save(id);
        }
        self.saved.push(None);
        Saved(self.saved.len() - 1)
    }

    /// Lets go of a saved storage, if that has not happened.
    pub fn release(&mut self, saved: Saved) {
        let Some(id) = self.saved[saved.0].take() else { return };
        self.drop(id);
        self.waiting -= 1;
        if let (0, Mode::Recompute { input, .. }) = (self.waiting, self.mode) {
            self.drop(input);
        }
    }

    /// Lets go of a saved storage where recomputed tensors die with their reader.
    pub fn release_early(&mut self, saved: Saved) {
        if let Mode::Recompute { .. } = self.mode {
            self.release(saved);
        }
    }

    /// What backward does for the operator that has just run.
    pub fn node(&mut self, backward: impl FnOnce(&mut Self) + 'static) {
        if !self.forgets() {
            self.nodes.push(Box::new(backward));
        }
    }

    /// Runs backward from the gradient of `output`.
    pub fn backward(&mut self, output: Id, gradient: Id) {
        self.storages[output.0].grad = Some(gradient);
        self.stopped = false;
        while let Some(node) = self.nodes.pop() {
            node(self);
        }
    }

    /// The gradient of a tensor that backward reached, taken out.
    ///
    /// # Panics
    /// Where no operator gave one: a fault of the operators, not of the input.
    pub fn gradient(&mut self, of: Id) -> Id {
        self.storages[of.0].grad.take().expect("an operator's reader gives a gradient")
    }

    /// Gives a tensor a gradient, or adds to the one that it has: the sum is a storage of its own.
    pub fn give(&mut self, to: Id, gradient: Id) {
        let Some(other) = self.storages[to.0].grad else {
            self.storages[to.0].grad = Some(gradient);
            return;
        };
        let size = self.storages[gradient.0].size;
        let sum = self.make(Label::ActivationGradients, size);
        self.drop(other);
        self.drop(gradient);
        self.storages[to.0].grad = Some(sum);
    }

    /// Gives the same gradient to a second tensor.
    pub fn share(&mut self, to: Id, gradient: Id) {
        self.hold(gradient);
        self.give(to, gradient);
    }

    /// Allocates a parameter's gradient; it stays until its unit is reduced.
    pub fn parameter_gradient(&mut self, bytes: f64) {
        if self.trains == Trains::All {
            self.gradient_of_parameter(bytes);
        }
    }

    /// Allocates the gradient of an adapter's factor.
    pub fn adapter_gradient(&mut self, bytes: f64) {
        self.gradient_of_parameter(bytes);
    }

    fn gradient_of_parameter(&mut self, bytes: f64) {
        let size = Line::fixed(bytes);
        self.event(Label::UnitGradients, size, 0);
        if self.autocast {
            self.event(Label::UnitGradients, size * 2.0, 0);
            self.event(Label::UnitGradients, -size, 0);
        }
        self.unit_gradients.push(if self.autocast { size * 2.0 } else { size });
    }

    fn event(&mut self, label: Label, size: Line, name: u32) {
        if size != Line::ZERO {
            self.events.push(Event { name, ..Event::new(label, size) });
        }
    }
}
