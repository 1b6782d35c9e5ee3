//! Accelerators and the machines that they sit in: compute, memory, links.

mod device;
mod node;

use crate::fact::{Catalogue, fact};
use crate::quantity::{Bandwidth, Bytes, FlopRate};
use serde::Deserialize;
use std::sync::LazyLock;
use toml::value::Datetime;

pub use device::{Device, Links, UserDevice};
pub use node::{Node, nodes};

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
    /// What engines are fitted by.
    pub family: Option<Family>,
    /// Dense FP8 peak of one device, FLOP/s, without sparsity.
    pub fp8_flops: Option<FlopRate>,
    /// The fastest BF16 matrix product that was measured on one device, FLOP/s.
    pub matmul_flops: Option<FlopRate>,
    /// Bandwidth of its memory, bytes/s.
    pub memory_bandwidth: Option<Bandwidth>,
    /// The best MFU that was published for pre-training in BF16.
    pub best_mfu: Option<f64>,
    /// Where that is from, and by which convention.
    pub best_mfu_source: Option<String>,
    /// The best utilisation of a whole run that was published: 6ND over hours and peak.
    pub best_run: Option<f64>,
    /// Where that is from: the run, its size, tokens and hours.
    pub best_run_source: Option<String>,
    /// The usual machine that it sits in.
    pub node: Option<String>,
    /// Where the FP8 peak, the product and the bandwidth are from.
    pub speed_source: Option<String>,
    /// Datasheet or table.
    pub source: String,
    /// When it was confirmed there.
    pub as_of: Datetime,
    /// What a reader must know: another number format, what counts as one device.
    pub note: Option<String>,
}

fact!(Accelerator, "accelerator");

/// Accelerators whose matrix units and kernels are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// NVIDIA A100.
    Ampere,
    /// NVIDIA H100, H200, GH200.
    Hopper,
    /// NVIDIA B200, B300, GB200, GB300.
    Blackwell,
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ampere => "Ampere",
            Self::Hopper => "Hopper",
            Self::Blackwell => "Blackwell",
        })
    }
}

impl Accelerator {
    /// The memory to compare with: what a framework finds, else what the vendor names.
    #[must_use]
    pub fn memory(&self) -> Option<Bytes> {
        self.usable_bytes.or(self.memory_bytes)
    }
}
