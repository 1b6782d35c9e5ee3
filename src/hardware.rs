//! Accelerators: peak compute and memory.

use crate::fact::{Catalogue, fact};
use crate::quantity::{Bytes, FlopRate};
use serde::Deserialize;
use std::sync::LazyLock;
use toml::value::Datetime;

/// Every accelerator, parsed when first asked for.
#[must_use]
pub fn catalogue() -> &'static Catalogue<Accelerator> {
    static ACCELERATORS: LazyLock<Catalogue<Accelerator>> =
        LazyLock::new(|| Catalogue::embedded(include_str!("hardware/accelerators.toml")));
    &ACCELERATORS
}

/// A device that trains.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accelerator {
    /// The id that plans use.
    pub name: String,
    /// Other names that find it.
    pub aliases: Vec<String>,
    /// One line for people.
    pub title: String,
    /// Dense BF16 peak of one device, FLOP/s, without sparsity.
    pub peak_flops: FlopRate,
    /// Memory of one device as its vendor names it.
    pub memory_bytes: Option<Bytes>,
    /// Memory that a framework finds on one device.
    pub usable_bytes: Option<Bytes>,
    /// Where the memory is from.
    pub memory_source: Option<String>,
    /// Datasheet or table.
    pub source: String,
    /// When it was confirmed there.
    pub as_of: Datetime,
    /// What a reader must know: another number format, what counts as one device.
    pub note: Option<String>,
}

fact!(Accelerator, "accelerator");

impl Accelerator {
    /// The memory to compare with: what a framework finds, else what the vendor names.
    #[must_use]
    pub fn memory(&self) -> Option<Bytes> {
        self.usable_bytes.or(self.memory_bytes)
    }
}
