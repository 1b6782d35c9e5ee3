//! From what is allocated to what the allocator reserves and the device shows.
//!
//! Source: our own measurements, `tests/oracle/gpu_memory.csv`: 102 steps on one NVIDIA H100 80GB
//! under torch 2.11, their peaks allocated and reserved and what the device shows beside them.
//! A test computes every figure here anew from that file.

/// Steps that were measured.
pub const MEASURED_STEPS: usize = 102;
/// Reserved over allocated: least, 10th percentile, quartiles, 90th percentile, most.
///
/// The caching allocator keeps what it once had in blocks that fit nothing else; the large ones
/// are steps whose gathers and reductions run on streams of their own.
pub const RESERVED: [f64; 7] = [1.0198, 1.1086, 1.1497, 1.2290, 1.4599, 1.7751, 4.0521];
/// Bytes that the device shows above those reserved, the CUDA context of one process: least,
/// median, most.
pub const CONTEXT: [f64; 3] = [804_061_184.0, 894_238_720.0, 906_821_632.0];

/// An estimate with the range of 80 % of the measured steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The median.
    pub bytes: f64,
    /// 10th and 90th percentile.
    pub range: [f64; 2],
}

/// Bytes that PyTorch's allocator reserves on a GPU for a peak of so many allocated.
#[must_use]
pub fn reserved(allocated: f64) -> Estimate {
    let [_, low, _, median, _, high, _] = RESERVED.map(|ratio| (ratio * allocated).round());
    Estimate { bytes: median, range: [low, high] }
}

/// Bytes that the device shows as used, as `nvidia-smi` does.
#[must_use]
pub fn shown(allocated: f64) -> Estimate {
    let reserved = reserved(allocated);
    let context = CONTEXT[1];
    Estimate { bytes: reserved.bytes + context, range: reserved.range.map(|end| end + context) }
}

/// Bytes of a device that tensors can have: all but the context.
#[must_use]
pub fn room(device: f64) -> f64 {
    device - CONTEXT[1]
}
