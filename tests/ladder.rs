//! `plan::ladder`: the runs that measure a law, and what is predicted of them.

#[path = "ladder/plans.rs"]
mod plans;
#[path = "ladder/precision.rs"]
mod precision;
#[path = "ladder/predicted.rs"]
mod predicted;
#[path = "ladder/roll_out.rs"]
mod roll_out;
#[path = "support/simulate.rs"]
mod simulate;
