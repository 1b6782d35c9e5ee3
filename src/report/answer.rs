//! What was asked, what follows, and which parts of that to show.

use crate::derive::Derivation;
use crate::plan::Chosen;

/// A plan with what follows from it, to be shown.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// What was asked.
    pub chosen: &'a Chosen,
    /// What follows.
    pub derivation: &'a Derivation,
}

/// Which parts of an answer to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Show {
    /// One section alone.
    pub only: Option<Section>,
    /// All laws, one by one.
    pub laws: bool,
    /// The regret of every law's choice.
    pub regret: bool,
    /// What `check` finds in the plan: with it a summary stands before the sections.
    pub found: Option<Tally>,
}

/// How many findings a plan has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Errors.
    pub errors: usize,
    /// Warnings, and what is only told.
    pub warnings: usize,
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let noun = |count: usize, noun: &str| match count {
            0 => None,
            1 => Some(format!("1 {noun}")),
            count => Some(format!("{count} {noun}s")),
        };
        let both = [noun(self.errors, "error"), noun(self.warnings, "warning")];
        let words: Vec<String> = both.into_iter().flatten().collect();
        f.write_str(&if words.is_empty() { "none".to_owned() } else { words.join(", ") })
    }
}

/// A part of an answer, named as its table under `[derived]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Caps.
    Budget,
    /// Pools of unlike accelerators.
    Fleet,
    /// How well the cluster is used, where that is predicted.
    Utilisation,
    /// Size, tokens, loss.
    Allocation,
    /// The model's shape.
    Model,
    /// What a training step holds on one device.
    Memory,
    /// How long a training step takes.
    Throughput,
    /// Adapters beside training the whole model.
    Adapter,
    /// Hours, energy, money and carbon.
    Footprint,
    /// Learning rate, batch and schedule beside what laws give.
    Recipe,
    /// Checkpoints, failures, and what is left for training.
    Operations,
    /// The run beside the optimum.
    Optimum,
    /// Training and serving together.
    Inference,
    /// The curriculum.
    Stages,
    /// Sources and epochs.
    Data,
}

impl Section {
    /// Every section, in the order of an answer.
    pub const ALL: [(&'static str, Self); 15] = [
        ("budget", Self::Budget),
        ("fleet", Self::Fleet),
        ("utilisation", Self::Utilisation),
        ("allocation", Self::Allocation),
        ("optimum", Self::Optimum),
        ("inference", Self::Inference),
        ("stages", Self::Stages),
        ("data", Self::Data),
        ("model", Self::Model),
        ("memory", Self::Memory),
        ("throughput", Self::Throughput),
        ("adapter", Self::Adapter),
        ("recipe", Self::Recipe),
        ("operations", Self::Operations),
        ("footprint", Self::Footprint),
    ];
}
