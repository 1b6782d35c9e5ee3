//! What a process holds on a device outside the allocator.

use super::deepspeed;
use super::setting::{Profile, Setting};

const MIB: f64 = 1024.0 * 1024.0;
/// Context and kernels of torch 2.11 on an H100, one process without a communicator of NCCL: used
/// less reserved memory, our measurements. Hugging Face's classes: 766.8 to 776.8 MiB over 67 runs
/// (`tests/oracle/gpu_families.csv`, `gpu_memory.csv`).
const HUGGING_FACE: f64 = 774.8 * MIB;
/// The same of FSDP2 with every kernel that it loads: 840.8 to 864.8 MiB over 94 runs.
const FSDP2: f64 = 854.8 * MIB;

/// Bytes beside what is reserved; none where nobody has measured them.
pub(super) fn context(setting: &Setting) -> Option<f64> {
    if setting.profile.megatron_deepspeed() {
        return Some(deepspeed::context(setting));
    }
    // between devices NCCL holds buffers beside these
    if setting.layout.devices() > 1 {
        return None;
    }
    match setting.profile {
        Profile::HuggingFace => Some(HUGGING_FACE),
        Profile::Cuda => Some(FSDP2),
        _ => None,
    }
}
