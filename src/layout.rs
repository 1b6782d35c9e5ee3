//! Legal splits of a model over devices.
//!
//! ```text
//! devices = dp_replicate × dp_shard × tp × cp × pp
//!           └── data ──────────────┘              replicas, and devices that share one set of states
//! ```
//!
//! Expert parallelism takes its devices from `dp_shard × cp × tp`: experts are spread where the
//! other layers are replicated or sharded. The names are torchtitan's (`ParallelDims`).

mod keys;
mod traffic;

pub use keys::{LayoutKeys, MAX_DEGREE, PipelineSchedule, Recompute, Strategy};
pub use traffic::{Collective, Traffic, traffic};

/// A split of a model over devices that adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Layout {
    /// Who holds what of parameters, gradients and optimizer states.
    pub strategy: Strategy,
    /// Copies of the model's states.
    pub dp_replicate: u64,
    /// Devices over which one copy is sharded, or whose states are shared out (`ZeRO`).
    pub dp_shard: u64,
    /// Devices that split every matrix product: tensor parallel, with sequence parallel.
    pub tp: u64,
    /// Pipeline stages' devices.
    pub pp: u64,
    /// Devices that split every sequence: context parallel.
    pub cp: u64,
    /// Devices over which the experts are spread.
    pub ep: u64,
    /// Chunks of layers on each pipeline device: 1 is 1F1B, more is interleaved.
    pub interleave: u64,
    /// Sequences of one micro-batch on one data-parallel device.
    pub micro_batch: u64,
    /// Micro-batches of one optimizer step on one data-parallel device.
    pub micro_batches: u64,
    /// What backward computes anew.
    pub recompute: Recompute,
    /// Whether parameters are gathered anew for backward.
    pub reshard: bool,
    /// Whether shards, their gradients and the optimizer are on the host.
    pub cpu_offload: bool,
    /// Order of a pipeline's passes.
    pub schedule: PipelineSchedule,
    /// Whether tensor-parallel collectives run piece by piece beside the products.
    pub async_tp: bool,
}

impl Layout {
    /// Devices in all.
    #[must_use]
    pub fn devices(&self) -> u64 {
        [self.dp_replicate, self.dp_shard, self.tp, self.cp, self.pp]
            .into_iter()
            .fold(1, u64::saturating_mul)
    }

    /// The degrees by their keys.
    #[must_use]
    pub fn degrees(&self) -> [(&'static str, u64); 7] {
        [
            ("dp_replicate", self.dp_replicate),
            ("dp_shard", self.dp_shard),
            ("tp", self.tp),
            ("pp", self.pp),
            ("cp", self.cp),
            ("ep", self.ep),
            ("interleave", self.interleave),
        ]
    }

    /// Data-parallel devices: those that read different sequences.
    #[must_use]
    pub fn data_parallel(&self) -> u64 {
        self.dp_replicate.saturating_mul(self.dp_shard)
    }

    /// Devices over which states are sharded: context-parallel devices hold the same parameters,
    /// so they share them too.
    #[must_use]
    pub fn shards(&self) -> u64 {
        self.dp_shard.saturating_mul(self.cp)
    }

    /// Micro-batches that a place in the pipeline holds at once, at most: those that have gone
    /// forward and not yet backward. One more than the warm-up that Megatron-LM counts, 1F1B or
    /// interleaved (`pipeline_parallel/schedules.py`, `get_pp_rank_microbatches`).
    #[must_use]
    pub fn in_flight(&self, place: u64) -> f64 {
        let after = self.pp.saturating_sub(place + 1);
        let chunks = if self.interleave > 1 {
            after.saturating_mul(2).saturating_add((self.interleave - 1).saturating_mul(self.pp))
        } else {
            after
        };
        let all = self.micro_batches.saturating_mul(self.interleave);
        let held = chunks.saturating_add(1).min(all);
        #[expect(clippy::cast_precision_loss, reason = "stages are few")]
        let held = (held as f64, self.interleave as f64);
        held.0 / held.1
    }

    /// The layout of so many devices with what is stated and the rest filled in.
    ///
    /// # Errors
    /// Degrees that do not divide the devices, or that belong to another strategy.
    pub fn of(keys: &LayoutKeys, devices: u64) -> Result<Self, LayoutError> {
        let strategy = keys.strategy.unwrap_or_default();
        let degree = |value: Option<u64>| value.unwrap_or(1);
        let (tp, cp, pp) = (degree(keys.tp), degree(keys.cp), degree(keys.pp));
        for (key, value) in keys.degrees() {
            if value.is_some_and(|value| value == 0) {
                let message = format!("`{key}` is 0");
                return Err(LayoutError::new(
                    key,
                    message,
                    "write 1 where nothing is split".into(),
                ));
            }
            if value.is_some_and(|value| value > MAX_DEGREE) {
                let message = format!("`{key}` is above {MAX_DEGREE}");
                return Err(LayoutError::new(key, message, "no cluster is as large".into()));
            }
        }
        let inner = tp.saturating_mul(cp).saturating_mul(pp);
        if !devices.is_multiple_of(inner) {
            let key = [("pp", pp), ("cp", cp), ("tp", tp)];
            let key = key.iter().find(|(_, degree)| *degree > 1).map_or("tp", |(key, _)| key);
            let message =
                format!("tp {tp} × cp {cp} × pp {pp} = {inner} does not divide {devices} devices");
            let help = format!(
                "the rest of the devices is data parallel: take a multiple of {inner} devices"
            );
            return Err(LayoutError::new(key, message, help));
        }
        let data = devices / inner;
        let (dp_replicate, dp_shard) = data_split(keys, strategy, data)?;
        let layout = Self {
            strategy,
            dp_replicate,
            dp_shard,
            tp,
            pp,
            cp,
            ep: degree(keys.ep),
            interleave: degree(keys.interleave),
            micro_batch: degree(keys.micro_batch),
            micro_batches: keys.micro_batches.unwrap_or(pp),
            recompute: keys.recompute.unwrap_or_default(),
            reshard: keys.reshard.unwrap_or(true),
            cpu_offload: keys.cpu_offload.unwrap_or(false),
            schedule: keys.schedule.unwrap_or_default(),
            async_tp: keys.async_tp.unwrap_or(false),
        };
        layout.agrees(keys)?;
        Ok(layout)
    }

    fn agrees(&self, keys: &LayoutKeys) -> Result<(), LayoutError> {
        let fault =
            |key, message: String, help: &str| Err(LayoutError::new(key, message, help.into()));
        let mesh = self.shards().saturating_mul(self.tp);
        if !mesh.is_multiple_of(self.ep) {
            let message = format!(
                "{} devices (dp_shard {} × cp {} × tp {}) cannot spread experts over ep {}",
                mesh, self.dp_shard, self.cp, self.tp, self.ep
            );
            return fault("ep", message, "take an `ep` that divides them");
        }
        if self.interleave > 1 && self.pp == 1 {
            let message = "`interleave` belongs to a pipeline, and pp is 1".to_owned();
            return fault("interleave", message, "state `pp`, or leave `interleave` out");
        }
        if keys.schedule.is_some() && self.pp == 1 {
            let message = "`schedule` belongs to a pipeline, and pp is 1".to_owned();
            return fault("schedule", message, "state `pp`, or leave `schedule` out");
        }
        if self.schedule == PipelineSchedule::ZbH1 && self.interleave > 1 {
            let message = "zb-h1 has one chunk of layers on every device".to_owned();
            return fault("schedule", message, "leave `interleave` out");
        }
        if self.async_tp && self.tp == 1 {
            let message = "`async_tp` belongs to tensor parallel, and tp is 1".to_owned();
            return fault("async_tp", message, "state `tp`, or leave `async_tp` out");
        }
        if keys.reshard.is_some() && !self.strategy.gathers() {
            let message =
                format!("`reshard` belongs to fsdp2 and hsdp; {} gathers nothing", self.strategy);
            return fault("reshard", message, "leave it out, or take `strategy = \"fsdp2\"`");
        }
        if self.cpu_offload && !self.strategy.gathers() {
            let message = format!(
                "`cpu_offload` belongs to fsdp2 and hsdp; what {} would hold on the host is not known",
                self.strategy
            );
            return fault("cpu_offload", message, "leave it out, or take `strategy = \"fsdp2\"`");
        }
        Ok(())
    }
}

/// Replicas and shards of so many data-parallel devices.
fn data_split(keys: &LayoutKeys, strategy: Strategy, data: u64) -> Result<(u64, u64), LayoutError> {
    let (replicate, shard) = match (keys.dp_replicate, keys.dp_shard) {
        (Some(replicate), Some(shard)) => (replicate, shard),
        (Some(replicate), None) => (replicate, data / replicate.max(1)),
        (None, Some(shard)) => (data / shard.max(1), shard),
        (None, None) if strategy.replicates() => (data, 1),
        (None, None) if strategy == Strategy::Hsdp && data.is_multiple_of(NODE) && data > NODE => {
            (data / NODE, NODE)
        }
        (None, None) => (1, data),
    };
    let key = if keys.dp_shard.is_some() { "dp_shard" } else { "dp_replicate" };
    if replicate.saturating_mul(shard) != data {
        let message = format!(
            "dp_replicate × dp_shard is {}, and {data} devices are data parallel",
            match (keys.dp_replicate, keys.dp_shard) {
                (Some(replicate), Some(shard)) => format!("{replicate} × {shard}"),
                (Some(replicate), None) => format!("{replicate} × something"),
                (_, Some(shard)) => format!("something × {shard}"),
                _ => format!("{replicate} × {shard}"),
            }
        );
        let help = format!("their product is {data}: devices over tp × cp × pp");
        return Err(LayoutError::new(key, message, help));
    }
    if strategy.replicates() && shard > 1 {
        let message =
            format!("{strategy} holds every state on every device, and dp_shard is {shard}");
        let help = "take `strategy = \"fsdp2\"` to shard".to_owned();
        return Err(LayoutError::new("dp_shard", message, help));
    }
    if strategy == Strategy::Hsdp && replicate == 1 && data > 1 {
        let message = "hsdp has more than one copy of the states, and dp_replicate is 1".to_owned();
        let help = "state `dp_replicate`, or take `strategy = \"fsdp2\"`".to_owned();
        return Err(LayoutError::new(key, message, help));
    }
    Ok((replicate, shard))
}

/// Devices of a node where none is stated, over which `hsdp` shards.
const NODE: u64 = 8;

/// Why a split is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LayoutError {
    /// The key of `[layout]` at fault.
    pub key: &'static str,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: String,
}

impl LayoutError {
    pub(crate) fn new(key: &'static str, message: String, help: String) -> Self {
        Self { key, message, help }
    }
}
