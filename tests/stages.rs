//! Stages of every kind, length and way: what they read, in whole steps, within caps, and what is
//! said where they make no run.

#[path = "stages/course.rs"]
mod course;
#[path = "stages/errors.rs"]
mod errors;
#[path = "stages/exact.rs"]
mod exact;
#[path = "support/gauss.rs"]
mod gauss;
#[path = "stages/kept.rs"]
mod kept;
#[path = "stages/kinds.rs"]
mod kinds;
#[path = "stages/proof.rs"]
mod proof;
#[path = "stages/rounding.rs"]
mod rounding;
#[path = "stages/summation.rs"]
mod summation;
#[path = "stages/ways.rs"]
mod ways;
