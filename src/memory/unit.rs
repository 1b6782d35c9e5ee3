//! Parameters that are gathered and reduced together, and the events of doing so.

use super::block::Parameter;
use super::label::Label;
use super::line::Line;
use super::states::{State, States, Working};
use super::timeline::{Event, Lane};

const BF16: f64 = 2.0;
/// Bytes of the optimizer's counter of steps for each parameter.
const COUNTER: f64 = 4.0;

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

    /// Bytes of a gathered parameter in the format in which it works.
    fn working(&self, parameter: &Parameter) -> f64 {
        parameter.frozen.unwrap_or(BF16) * self.whole_of(parameter)
    }

    /// Bytes of the gathered unit in the format in which it works.
    fn whole(&self) -> f64 {
        self.parameters.iter().map(|parameter| self.working(parameter)).sum()
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

    /// Bytes of the parameters of one kind that this device keeps.
    fn kept(&self, parameter: &Parameter) -> f64 {
        let state = self.states.parameter;
        let bytes = parameter.frozen.unwrap_or(state.bytes);
        bytes * Self::shard_of(parameter, state.over)
    }

    /// Bytes of the optimizer's states for one parameter.
    fn optimized(&self, parameter: &Parameter) -> f64 {
        let state = self.states.optimizer;
        state.bytes * Self::shard_of(parameter, state.over)
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

    /// Numbers of what is trained of the unit on this device, sharded or not.
    pub fn numbers(&self) -> f64 {
        let trained = self.parameters.iter().filter(|p| p.frozen.is_none());
        trained.map(Parameter::numbers).sum()
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
        self.on(Lane::Compute, label, size);
    }

    fn on(&mut self, lane: Lane, label: Label, size: Line) {
        if size != Line::ZERO {
            self.0.push(Event { lane, ..Event::new(label, size) });
        }
    }

    /// Makes or frees a buffer of the gathering stream.
    fn gathering(&mut self, bytes: f64) {
        self.on(Lane::Gather, Label::Communication, Line::fixed(bytes));
    }

    /// Frees the buffer into which a unit was gathered.
    pub fn gathered(&mut self, unit: &Unit) {
        self.gathering(-unit.gathered());
    }

    /// What a unit holds throughout: parameters, the optimizer's states and, where gradients are
    /// added up over micro-batches, those.
    pub fn hold(&mut self, unit: &Unit, again: bool) {
        if !unit.states.on_host {
            for parameter in &unit.parameters {
                self.make(Label::Parameters, unit.kept(parameter));
                if parameter.frozen.is_none() {
                    self.make(Label::Optimizer, unit.optimized(parameter));
                    self.make(Label::Optimizer, COUNTER);
                }
            }
        }
        if again {
            if !unit.states.on_host {
                self.gradients(unit);
            }
            self.make(Label::UnitGradients, unit.states.accumulated * unit.numbers());
        }
    }

    fn gradients(&mut self, unit: &Unit) {
        self.on(Lane::Reduce, Label::Gradients, Line::fixed(unit.gradients_held()));
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
        let shard = self.inputs(unit, cast);
        self.gathering(unit.gathered());
        self.gathering(-shard);
    }

    /// Makes what this device gives to a gather, and its bytes: a cast of the shards, where there
    /// is one; or the shards, parameter by parameter from the host, each cast there and then
    /// (`FSDPParam.all_gather_inputs`).
    fn inputs(&mut self, unit: &Unit, cast: bool) -> f64 {
        let shard = match (cast, unit.states.on_host) {
            (true, _) => unit.shard(),
            (false, true) => unit.held(unit.states.parameter),
            (false, false) => 0.0,
        };
        if !unit.states.on_host {
            self.gathering(shard);
            return shard;
        }
        for parameter in &unit.parameters {
            let kept = unit.kept(parameter);
            self.gathering(kept);
            if cast {
                self.gathering(BF16 * Unit::shard_of(parameter, unit.states.parameter.over));
                self.gathering(-kept);
            }
        }
        shard
    }

    /// Makes the parameters with which the unit works: out of the gathered buffer, which stays,
    /// or out of what is kept.
    pub fn copy_out(&mut self, unit: &Unit) {
        match unit.states.working {
            Working::Same => {}
            Working::Cast { .. } => self.make(Label::Gathered, unit.cast()),
            Working::Gathered { .. } if !unit.alone() => {
                for parameter in &unit.parameters {
                    self.make(Label::Gathered, unit.working(parameter));
                }
            }
            Working::Gathered { cast, .. } => {
                // one device: each parameter is cast and copied into a storage of its own
                let mut before = 0.0;
                for parameter in &unit.parameters {
                    let bytes = parameter.frozen.unwrap_or(BF16) * parameter.numbers();
                    let from_host = unit.states.on_host && cast;
                    let kept = if from_host { unit.kept(parameter) } else { 0.0 };
                    self.make(Label::Communication, kept);
                    self.make(Label::Communication, bytes);
                    self.free(Label::Communication, kept);
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
            Working::Gathered { .. } => {
                for parameter in &unit.parameters {
                    self.free(Label::Gathered, unit.working(parameter));
                }
            }
        }
    }

    /// Hands a unit's gradients over to the optimizer: reduced to shards where they are sharded.
    /// Its buffer stays, `before` it goes. `again`: they are added to those of the micro-batches
    /// before.
    pub fn reduce(&mut self, unit: &Unit, before: f64, gradients: &[Line], again: bool) {
        self.reshard(unit);
        self.free(Label::Communication, before);
        self.make(Label::Communication, unit.scatter());
        if let Working::Gathered { .. } = unit.states.working {
            // the last parameter's gradient goes after the shards are there
            let last = unit.parameters.iter().rfind(|p| p.frozen.is_none());
            let last = last.map_or(0.0, |p| p.gradient * p.numbers());
            let last = gradients.iter().rposition(|size| *size == Line::fixed(last));
            for (index, size) in gradients.iter().enumerate() {
                if Some(index) != last {
                    self.add(Label::UnitGradients, -*size);
                }
            }
            self.gradients(unit);
            if let Some(last) = last {
                self.add(Label::UnitGradients, -gradients[last]);
            }
            // added to those that are there, or sent to the host
            if again || unit.states.on_host {
                let held = unit.gradients_held();
                self.on(Lane::Reduce, Label::Gradients, Line::fixed(-held));
            }
            return;
        }
        for size in gradients {
            self.add(Label::UnitGradients, -*size);
        }
        if !again {
            self.gradients(unit);
        }
    }
}
