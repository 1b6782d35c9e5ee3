//! Who holds what of parameters, gradients and optimizer states.

use super::setting::Setting;
use crate::layout::{Recompute, Strategy};

/// Bytes that a state has for each parameter, and the devices that share it out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct State {
    pub bytes: f64,
    pub over: f64,
}

/// Where the parameters come from with which a block works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Working {
    /// Units are gathered from shards, reduced to shards, and freed where they are resharded.
    Gathered { cast: bool, reshard: bool },
    /// A copy in the format of computing is made in forward and lives to its backward, or to the
    /// end of forward where backward runs the blocks again and makes it anew.
    Cast { again: bool },
    /// They are those that are kept.
    Same,
}

/// Who holds what.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct States {
    pub parameter: State,
    pub gradient: State,
    pub optimizer: State,
    pub working: Working,
    /// The root and the last block are not resharded after forward: backward begins with them
    /// (torchtitan's `apply_fsdp`, and PyTorch for a root until the end of 2024).
    pub keeps_last: bool,
    /// Gradients are added up over micro-batches before they are reduced, in so many bytes of a
    /// number: a pipeline reduces once (`FSDPParam.to_accumulated_grad_if_needed`).
    pub accumulated: f64,
    /// Bytes of a number that a reduction adds up.
    pub reduced: f64,
    /// Bytes for each parameter of buffers in which gradients are reduced, over all units.
    pub buckets: f64,
    /// Numbers of one bucket, where buckets are of a set size.
    pub bucket: f64,
    /// Bytes for each shared-out parameter of the gradients' copy that the optimizer reads.
    pub optimizer_copy: f64,
    /// What is kept is kept on the host, where the optimizer runs.
    pub on_host: bool,
}

/// Numbers in a bucket of `DeepSpeed` where its configuration does not say otherwise
/// (`reduce_bucket_size`: DeepSpeed's `runtime/zero/config.py`).
const DEEPSPEED_BUCKET: f64 = 5e8;

impl States {
    pub fn of(setting: &Setting, shards: f64) -> Self {
        let layout = &setting.layout;
        // adapters are FP32 whatever the model is in
        let kept = if setting.adapter.is_some() { 4.0 } else { setting.precision.kept() };
        let all = |bytes: f64| State { bytes, over: 1.0 };
        let shared = |bytes: f64| State { bytes, over: shards };
        let optimizer = setting.optimizer.states(kept);
        let cast = setting.precision.mixed() && setting.adapter.is_none();
        let again = layout.recompute == Recompute::Full;
        // DeepSpeed computes with BF16 parameters and keeps the optimizer's own copy in FP32
        let master = 4.0 + setting.optimizer.states(4.0);
        let none = Self {
            parameter: all(kept),
            gradient: all(kept),
            optimizer: all(optimizer),
            working: if cast { Working::Cast { again } } else { Working::Same },
            keeps_last: false,
            accumulated: 0.0,
            reduced: kept,
            buckets: 0.0,
            bucket: f64::INFINITY,
            optimizer_copy: 0.0,
            on_host: false,
        };
        let zero = Self {
            parameter: all(2.0),
            gradient: all(2.0),
            optimizer: shared(master),
            working: Working::Same,
            keeps_last: false,
            accumulated: 0.0,
            reduced: 2.0,
            buckets: 2.0,
            bucket: DEEPSPEED_BUCKET,
            optimizer_copy: 4.0,
            on_host: false,
        };
        let pipelined = layout.pp > 1 && setting.profile.torchtitan();
        match layout.strategy {
            // the reducer's buckets are a second copy of the gradients unless
            // `gradient_as_bucket_view` is set, which it is not (PyTorch's DistributedDataParallel)
            Strategy::Ddp if layout.data_parallel() > 1 => Self { buckets: kept, ..none },
            Strategy::Dp | Strategy::Ddp => none,
            Strategy::Zero1 => zero,
            Strategy::Zero2 => Self { gradient: shared(2.0), ..zero },
            Strategy::Zero3 => Self {
                parameter: shared(2.0),
                gradient: shared(2.0),
                working: Working::Gathered { cast: false, reshard: true },
                buckets: 0.0,
                ..zero
            },
            Strategy::Fsdp2 | Strategy::Hsdp => Self {
                parameter: shared(kept),
                gradient: shared(kept),
                optimizer: shared(optimizer),
                working: Working::Gathered { cast, reshard: layout.reshard },
                keeps_last: layout.reshard && setting.profile.torchtitan(),
                accumulated: if pipelined { kept } else { 0.0 },
                on_host: layout.cpu_offload,
                ..none
            },
        }
    }

    /// Whether the blocks' copies go at the end of forward and are made anew in backward.
    pub fn casts_again(&self) -> bool {
        self.working == Working::Cast { again: true }
    }

    /// Whether parameters are freed after forward and gathered anew for backward.
    pub fn reshards(&self) -> bool {
        matches!(self.working, Working::Gathered { reshard: true, .. })
    }
}
