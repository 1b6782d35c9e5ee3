//! A plan: what people chose, and what follows from it.

mod chosen;
mod derived;
mod inputs;
mod key;

pub use chosen::{
    Allowance, Budget, Chosen, Cluster, Cost, DataChoice, Format, Goal, LawChoice, MfuEvidence,
    ModelChoice, Operations, Pool, Reported, Run, Schedule, Site, SourceCaps, Training,
};
pub use derived::{
    Allocated, Assumed, Cap, Derived, DerivedAdapter, DerivedAdapterWay, DerivedBudget,
    DerivedData, DerivedFleet, DerivedFootprint, DerivedHandOff, DerivedKnot, DerivedMemory,
    DerivedModel, DerivedOperations, DerivedPool, DerivedRecipe, DerivedSchedule, DerivedSource,
    DerivedStage, DerivedThroughput, DerivedUtilisation, DerivedWay, Gap, Interval, Provenance,
    Served, Versus,
};
pub use inputs::{Inputs, inputs};
pub use key::KeyPath;
