//! Parameters that are gathered and reduced together, and the events of doing so.

use super::block::Parameter;
use super::label::Label;
use super::line::Line;
use super::states::{State, States, Working};
use super::timeline::Event;

const BF16: f64 = 2.0;

/// Parameters that are gathered and reduced together.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub parameters: Vec<Parameter>,
    states: States,
}

impl Unit {
    pub fn new(parameters: Vec<Parameter>, states: States) -> Self {
        Self { parameters, states }
    }

    /// Numbers of a parameter's shard on one of so many devices: rows are not cut.
    fn shard_of(parameter: &Parameter, over: f64) -> f64 {
        (parameter.rows / (over * parameter.spread).max(1.0)).ceil() * parameter.row
    }

    /// Bytes on this device, padding included, of what has so many bytes for each parameter that
    /// is trained and, of those that are not, what they are kept in.
    fn held(&self, state: State) -> f64 {
        let bytes = |p: &Parameter| p.frozen.unwrap_or(state.bytes);
        self.parameters.iter().map(|p| bytes(p) * Self::shard_of(p, state.over)).sum()
    }

    /// Bytes on this device of a state that only trained parameters have.
    fn of_trained(&self, state: State) -> f64 {
        let trained = self.parameters.iter().filter(|p| p.frozen.is_none());
        trained.map(|p| state.bytes * Self::shard_of(p, state.over)).sum()
    }

    /// Bytes of the unit's shards in the format in which it works.
    fn shard(&self) -> f64 {
        self.held(State { bytes: BF16, ..self.states.parameter })
    }

    /// Numbers of a parameter, gathered, padding included.
    fn whole_of(&self, parameter: &Parameter) -> f64 {
        let over = self.states.parameter.over;
        Self::shard_of(parameter, over) * (over * parameter.spread).max(1.0)
    }

    /// Bytes of the gathered unit in the format in which it works.
    fn whole(&self) -> f64 {
        let bytes = |p: &Parameter| p.frozen.unwrap_or(BF16);
        self.parameters.iter().map(|p| bytes(p) * self.whole_of(p)).sum()
    }

    /// Numbers of what is trained of the gathered unit.
    fn whole_trained(&self) -> f64 {
        let trained = self.parameters.iter().filter(|p| p.frozen.is_none());
        trained.map(|p| self.whole_of(p)).sum()
    }

    fn alone(&self) -> bool {
        self.states.parameter.over <= 1.0
    }

    /// Bytes of the buffer into which the unit is gathered.
    pub fn gathered(&self) -> f64 {
        match self.states.working {
            Working::Gathered { .. } if !self.alone() => self.whole(),
            _ => 0.0,
        }
    }

    /// Bytes of the buffer from which the unit's gradients are reduced.
    pub fn scatter(&self) -> f64 {
        match self.states.working {
            Working::Gathered { .. } => self.states.reduced * self.whole_trained(),
            _ => 0.0,
        }
    }

    /// Bytes of the parameters that this device keeps.
    pub fn parameters_held(&self) -> f64 {
        self.held(self.states.parameter)
    }

    /// Bytes of the optimizer's states that this device keeps.
    pub fn optimizer_held(&self) -> f64 {
        self.of_trained(self.states.optimizer)
    }

    /// Bytes of the gradients that this device keeps for the optimizer.
    pub fn gradients_held(&self) -> f64 {
        self.of_trained(self.states.gradient)
    }

    /// Bytes of the copies of the matrices in the format of computing.
    pub fn cast(&self) -> f64 {
        let matrices = self.parameters.iter().filter(|p| p.multiplies);
        BF16 * matrices.map(Parameter::numbers).sum::<f64>()
    }

    /// Numbers of the unit on this device, sharded or not.
    pub fn numbers(&self) -> f64 {
        self.parameters.iter().map(Parameter::numbers).sum()
    }

    /// Bytes of the temporaries of one parameter's update.
    pub fn update_of(&self, parameter: &Parameter, bytes: f64) -> f64 {
        if parameter.frozen.is_some() {
            return 0.0;
        }
        bytes * Self::shard_of(parameter, self.states.optimizer.over)
    }
}

/// Events in the making.
#[derive(Default)]
pub(super) struct Script(pub Vec<Event>);

impl Script {
    pub fn make(&mut self, label: Label, bytes: f64) {
        self.add(label, Line::fixed(bytes));
    }

    pub fn free(&mut self, label: Label, bytes: f64) {
        self.add(label, Line::fixed(-bytes));
    }

    pub fn add(&mut self, label: Label, size: Line) {
        if size != Line::ZERO {
            self.0.push(Event { label, size });
        }
    }

    pub fn extend(&mut self, events: &[Event]) {
        self.0.extend_from_slice(events);
    }

    /// All-gathers a unit into one buffer.
    pub fn gather(&mut self, unit: &Unit) {
        let Working::Gathered { cast, .. } = unit.states.working else { return };
        if unit.alone() {
            return;
        }
        let shard = if cast { unit.shard() } else { 0.0 };
        self.make(Label::Communication, shard);
        self.make(Label::Communication, unit.gathered());
        self.free(Label::Communication, shard);
    }

    /// Makes the parameters with which the unit works: out of the gathered buffer, which stays,
    /// or out of what is kept.
    pub fn copy_out(&mut self, unit: &Unit) {
        match unit.states.working {
            Working::Same => {}
            Working::Cast { .. } => self.make(Label::Gathered, unit.cast()),
            Working::Gathered { .. } if !unit.alone() => {
                self.make(Label::Gathered, unit.whole());
            }
            Working::Gathered { .. } => {
                // one device: each parameter is cast and copied into a storage of its own
                let mut before = 0.0;
                for parameter in &unit.parameters {
                    let bytes = parameter.frozen.unwrap_or(BF16) * parameter.numbers();
                    self.make(Label::Communication, bytes);
                    self.free(Label::Communication, before);
                    self.make(Label::Gathered, bytes);
                    before = bytes;
                }
                self.free(Label::Communication, before);
            }
        }
    }

    /// Frees the parameters with which the unit worked.
    pub fn reshard(&mut self, unit: &Unit) {
        match unit.states.working {
            Working::Same => {}
            Working::Cast { .. } => self.free(Label::Gathered, unit.cast()),
            Working::Gathered { .. } => self.free(Label::Gathered, unit.whole()),
        }
    }

    /// Hands a unit's gradients over to the optimizer: reduced to shards where they are sharded.
    /// Its buffer stays, `before` it goes. `again`: they are added to those of the micro-batches
    /// before.
    pub fn reduce(&mut self, unit: &Unit, before: f64, gradients: Line, again: bool) {
        self.reshard(unit);
        self.free(Label::Communication, before);
        self.make(Label::Communication, unit.scatter());
        let last = unit.parameters.iter().rfind(|p| p.frozen.is_none());
        let last = last.map_or(0.0, |p| p.gradient * p.numbers());
        let held = unit.gradients_held();
        if let Working::Gathered { .. } = unit.states.working {
            self.add(Label::UnitGradients, -(gradients - Line::fixed(last)));
            self.make(Label::Gradients, held);
            self.free(Label::UnitGradients, last);
            if again {
                self.free(Label::Gradients, held);
            }
            return;
        }
        self.add(Label::UnitGradients, -gradients);
        if !again {
            self.make(Label::Gradients, held);
        }
    }
}
