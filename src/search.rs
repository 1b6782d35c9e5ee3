//! The best way to split a model over a cluster: every legal layout timed, its memory simulated
//! where that decides.
//!
//! ```text
//! Question   a model, a setting, a clock, devices, sequences of a step, what is fixed
//! layouts    every legal layout; what is refused is counted by its reason
//! search     all of them timed; walked from the fastest on, memory where no bound decides
//! Found      the fastest that fits, the front of time and memory, runners-up, counts
//! ```
//!
//! The walk is exact. A layout whose states alone hold no less than a faster layout holds in all is
//! neither on the front nor the fastest that fits, so its memory is not simulated; how many are
//! discarded so is counted. Ties go to the layout that is met first: the smallest tp, then pp, then
//! cp, then what [`layouts`] turns over inside.

mod reason;
mod room;
mod space;
mod walk;

use crate::layout::{Layout, LayoutKeys, Strategy};
use crate::memory::Setting;
use crate::model::Shape;
use crate::throughput::{Clock, StepTime};
use std::collections::BTreeMap;

pub use reason::Reason;
pub use room::states_bytes;

/// Share of a device's memory that a layout leaves free.
pub const HEADROOM: f64 = 0.05;
/// Layouts of other splits that are told beside the best.
const TOLD: usize = 5;

/// What is searched.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// The model.
    pub shape: &'a Shape,
    /// Everything that the memory depends on; its layout is not read.
    pub setting: Setting,
    /// Times steps of the model on one of the devices.
    pub clock: Clock<'a>,
    /// Devices in all.
    pub devices: u64,
    /// Devices of a node: tensor parallel stays inside unless it is fixed.
    pub node_devices: u64,
    /// Sequences of one optimizer step, on all devices.
    pub sequences: u64,
    /// Bytes of a device that a step may hold, context included and headroom left free.
    pub room: f64,
    /// Who may hold what, in the order of the search.
    pub strategies: Vec<Strategy>,
    /// What is not searched.
    pub fixed: LayoutKeys,
    /// How many layouts are tried.
    pub breadth: Breadth,
}

/// How many layouts are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Breadth {
    /// Every legal one.
    #[default]
    All,
    /// At most a few thousand, whatever the devices: of the engine's own strategy, degrees up to
    /// 64 experts, 16 stages that share the layers evenly in up to 4 chunks, micro-batches of 1 to
    /// 8 sequences, and sequences that are split only where they have more than 16,384 tokens.
    Short,
}

/// A layout with its time and memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// The split.
    pub layout: Layout,
    /// The time of a step.
    pub time: StepTime,
    /// Bytes that a device holds at most, context included.
    pub bytes: f64,
    /// Whether that leaves the headroom.
    pub fits: bool,
}

/// What a search finds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// The fastest layout that fits.
    pub best: Option<Candidate>,
    /// Layouts of which no other is as fast and holds as little, from the fastest on; those that
    /// do not fit are there too.
    pub front: Vec<Candidate>,
    /// The fastest layouts of other splits that fit.
    pub runners_up: Vec<Candidate>,
    /// Faster layouts that do not fit, the fastest of a split.
    pub too_large: Vec<Candidate>,
    /// What was looked at.
    pub counts: Counts,
}

/// What a search looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Legal layouts, all of which were timed.
    pub legal: u64,
    /// What was refused. A split that is refused counts once, whatever layouts it would have had.
    pub refused: BTreeMap<Reason, u64>,
    /// Legal layouts whose memory was asked for.
    pub asked: u64,
    /// Simulations behind these: layouts that differ in their micro-batch share one.
    pub simulated: u64,
    /// Legal layouts that a bound discarded: their states alone hold too much to matter.
    pub discarded: u64,
}

impl Candidate {
    /// The parts of a step that take longer than in another one, the worst first, and by how many
    /// seconds; exposed collectives by their axis.
    #[must_use]
    pub fn longer(&self, than: &Self) -> Vec<(String, f64)> {
        let parts = |time: &StepTime| {
            let axes = time.exposed.by_axis().map(|(axis, s)| (format!("exposed {axis}"), s));
            let parts = time.parts().map(|(name, s)| (name.to_owned(), s));
            parts.into_iter().chain(axes)
        };
        let pairs = parts(&self.time).zip(parts(&than.time));
        let mut longer: Vec<_> = pairs.map(|((name, a), (_, b))| (name, a - b)).collect();
        longer.retain(|(_, seconds)| *seconds > 0.0);
        longer.sort_by(|a, b| b.1.total_cmp(&a.1));
        longer
    }
}

/// Every legal layout in the order of the search.
#[must_use]
pub fn layouts(question: &Question) -> (Vec<Layout>, Counts) {
    let mut all = Vec::new();
    let counts = space::each(question, &mut |layout| all.push(*layout));
    (all, counts)
}

/// Searches every legal layout. `step` is told, now and then, which share of the layouts is done.
#[must_use]
pub fn search(question: &Question, step: &dyn Fn(f64)) -> Found {
    walk::walk(question, step)
}
