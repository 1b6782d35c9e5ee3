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
}

/// A part of an answer, named as its table under `[derived]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Caps.
    Budget,
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
    /// Hours, energy, money and carbon.
    Footprint,
    /// Learning rate and batch beside what laws give.
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
    pub const ALL: [(&'static str, Self); 13] = [
        ("budget", Self::Budget),
        ("utilisation", Self::Utilisation),
        ("allocation", Self::Allocation),
        ("model", Self::Model),
        ("memory", Self::Memory),
        ("throughput", Self::Throughput),
        ("footprint", Self::Footprint),
        ("recipe", Self::Recipe),
        ("operations", Self::Operations),
        ("optimum", Self::Optimum),
        ("inference", Self::Inference),
        ("stages", Self::Stages),
        ("data", Self::Data),
    ];
}
