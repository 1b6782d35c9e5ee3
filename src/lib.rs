//! Plan LLM training runs.
//!
//! ```text
//! chosen ── derive() ──> derived            what follows from what people chose
//! (chosen, derived) ── check() ──> findings
//! ```
//!
//! The modules stand in the order of the flow; each uses only those above it.
//!
//! ```
//! use plan::{derive::derive, plan::Chosen, quantity::Flops};
//!
//! let mut chosen = Chosen::default();
//! chosen.budget.flops = Some(Flops(1e21));
//! let run = derive(&chosen)?.derived.allocation.expect("a cap determines the run");
//! assert_eq!(format!("{:.2e}", run.params.unwrap_or_default().0), "2.78e9");
//! # Ok::<(), plan::derive::DeriveError>(())
//! ```
//!
//! The library never prints and reads no environment, clock or network: it takes text and values
//! and gives text and values. `exp`, `ln` and `pow` come from `libm`, so that the same plan gives
//! the same bytes on every machine.

#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod quantity;

pub mod fact;

pub mod table;

pub mod law;

pub mod model;

pub mod hardware;

pub mod layout;

pub mod memory;

pub mod throughput;

pub mod search;

pub mod data;

pub mod allocation;

pub mod recipe;

pub mod operations;

pub mod footprint;

pub mod plan;

pub mod derive;

pub mod file;

pub mod check;

pub mod fit;

pub mod ladder;

pub mod report;
