//! What people write of a layout.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Largest degree and micro-batch.
pub const MAX_DEGREE: u64 = 1_000_000_000;

/// The `[layout]` table; what is left out is filled in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LayoutKeys {
    /// Who holds what of parameters, gradients and optimizer states: fsdp2 unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// Copies of the model's states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dp_replicate: Option<u64>,
    /// Devices over which one copy of the states is sharded: the rest of the devices unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dp_shard: Option<u64>,
    /// Tensor-parallel devices, with sequence parallel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tp: Option<u64>,
    /// Devices of a pipeline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pp: Option<u64>,
    /// Devices that split every sequence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cp: Option<u64>,
    /// Devices over which the experts are spread, out of `dp_shard × cp × tp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ep: Option<u64>,
    /// Chunks of layers on each pipeline device; 1 is 1F1B.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interleave: Option<u64>,
    /// Order of a pipeline's passes: 1f1b unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<PipelineSchedule>,
    /// Sequences of one micro-batch on one data-parallel device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub micro_batch: Option<u64>,
    /// Micro-batches of one optimizer step on one data-parallel device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub micro_batches: Option<u64>,
    /// What backward computes anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recompute: Option<Recompute>,
    /// Whether parameters are gathered anew for backward (FSDP2's `reshard_after_forward`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reshard: Option<bool>,
    /// Whether shards, their gradients and the optimizer are on the host (FSDP2's
    /// `CPUOffloadPolicy`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_offload: Option<bool>,
    /// Whether tensor-parallel collectives run piece by piece beside the matrix products (PyTorch's
    /// asynchronous tensor parallel).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub async_tp: Option<bool>,
}

impl LayoutKeys {
    /// The keys with every degree that is left open at 1, and nothing left to search but what follows
    /// from the devices and the batch.
    #[must_use]
    pub fn alone(&self) -> Self {
        let one = |degree: Option<u64>| degree.or(Some(1));
        Self {
            tp: one(self.tp),
            cp: one(self.cp),
            pp: one(self.pp),
            ep: one(self.ep),
            interleave: one(self.interleave),
            micro_batch: one(self.micro_batch),
            recompute: self.recompute.or(Some(Recompute::default())),
            ..self.clone()
        }
    }

    /// The keys that are whole numbers from 1 to [`MAX_DEGREE`], and what is stated of them.
    #[must_use]
    pub fn degrees(&self) -> [(&'static str, Option<u64>); 9] {
        [
            ("dp_replicate", self.dp_replicate),
            ("dp_shard", self.dp_shard),
            ("tp", self.tp),
            ("cp", self.cp),
            ("pp", self.pp),
            ("ep", self.ep),
            ("interleave", self.interleave),
            ("micro_batch", self.micro_batch),
            ("micro_batches", self.micro_batches),
        ]
    }
}

/// The order of a pipeline's passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PipelineSchedule {
    /// One forward, one backward; interleaved where a device has more than one chunk of layers.
    #[default]
    #[serde(rename = "1f1b")]
    OneForwardOneBackward,
    /// The gradients of the weights fill a part of the bubble, in the memory of 1f1b: ZB-H1 of
    /// Qi et al. 2023, arXiv:2401.10241.
    ZbH1,
}

impl PipelineSchedule {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::OneForwardOneBackward, Self::ZbH1];
}

impl fmt::Display for PipelineSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneForwardOneBackward => "1f1b",
            Self::ZbH1 => "zb-h1",
        })
    }
}

/// Who holds what of parameters, gradients and optimizer states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// One process, a copy of the model on every device (`torch.nn.DataParallel`).
    Dp,
    /// A process and a copy for every device; gradients are all-reduced.
    Ddp,
    /// Optimizer states are sharded.
    #[serde(alias = "zero1", alias = "zero-1")]
    Zero1,
    /// Optimizer states and gradients are sharded.
    #[serde(alias = "zero2", alias = "zero-2")]
    Zero2,
    /// Optimizer states, gradients and parameters are sharded (`DeepSpeed`).
    #[serde(alias = "zero3", alias = "zero-3")]
    Zero3,
    /// The same, unit by unit (PyTorch's `fully_shard`).
    #[default]
    Fsdp2,
    /// FSDP2 within groups of devices, copies between them.
    Hsdp,
}

impl Strategy {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Dp, Self::Ddp, Self::Zero1, Self::Zero2, Self::Zero3, Self::Fsdp2, Self::Hsdp];

    /// Whether every device holds all states.
    #[must_use]
    pub fn replicates(self) -> bool {
        matches!(self, Self::Dp | Self::Ddp)
    }

    /// Whether BF16 copies of FP32 parameters come from PyTorch's autocast.
    #[must_use]
    pub fn autocasts(self) -> bool {
        self.replicates()
    }

    /// Whether units are gathered by FSDP2.
    #[must_use]
    pub fn gathers(self) -> bool {
        matches!(self, Self::Fsdp2 | Self::Hsdp)
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dp => "dp",
            Self::Ddp => "ddp",
            Self::Zero1 => "zero1",
            Self::Zero2 => "zero2",
            Self::Zero3 => "zero3",
            Self::Fsdp2 => "fsdp2",
            Self::Hsdp => "hsdp",
        })
    }
}

/// What backward computes anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Recompute {
    /// Nothing: all that backward needs is kept.
    #[default]
    None,
    /// Part of every block: what is cheap to compute and large to keep.
    Selective,
    /// Every block: of each, the input is kept.
    Full,
}

impl fmt::Display for Recompute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Selective => "selective",
            Self::Full => "full",
        })
    }
}
