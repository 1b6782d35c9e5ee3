//! From what is allocated to what the allocator reserves and the device shows.
//!
//! The one home of what was measured of that: ratios for each profile, and the bytes outside the
//! allocator. Tests compute every figure anew from its cases (`tests/memory_facts.rs`,
//! `tests/memory_engines.rs`, `tests/memory_megatron.rs`).

use super::setting::{Profile, Setting};
use super::{Step, deepspeed};
use crate::quantity::significant;

/// What a step takes of a device, under the profile of its setting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Device {
    /// Most bytes of tensors; none where the profile counts what is reserved alone.
    pub allocated: Option<f64>,
    /// Bytes that PyTorch's allocator asks the driver for.
    pub reserved: Estimate,
    /// Bytes that the device shows as used, as `nvidia-smi` does.
    pub shown: Estimate,
    /// What of these lies outside the allocator.
    pub context: Context,
    /// What the estimates rest on.
    pub ratios: &'static Ratios,
}

/// An estimate with the range of 80 % of the cases that it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The median; what is simulated, where that is compared.
    pub bytes: f64,
    /// 10th and 90th percentile, and what is simulated where that lies outside.
    pub range: [f64; 2],
}

/// How far what was measured stands above what is known before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratios {
    /// The cases.
    pub what: &'static str,
    /// Where they stand.
    pub file: &'static str,
    /// How many there are.
    pub cases: usize,
    /// What is measured over what.
    pub over: Over,
    /// Measured over known: least, 10th percentile, quartiles, 90th percentile, most.
    pub of: [f64; 7],
}

/// What is measured over what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Measured reserved over measured allocated bytes.
    Allocated,
    /// Measured reserved bytes over those of [`Step::reserved`].
    Reserved,
    /// What nvidia-smi showed over [`Step::on_device`].
    Shown,
}

/// Bytes of a device outside PyTorch's allocator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Context {
    /// How many: the median of what was measured.
    pub bytes: f64,
    /// What they are.
    pub what: &'static str,
    /// How many of them are assumed, not measured: NCCL's buffers between nodes.
    pub assumed: f64,
    /// Least and most; none where there is one figure.
    pub range: Option<[f64; 2]>,
    /// Whether it is that of the profile; else that of FSDP2, for nobody has measured its own.
    pub own: bool,
    /// Whether NCCL's buffers between devices come on top, of which [`NCCL`] is known.
    pub nccl_beside: bool,
}

const CUDA: &str = "CUDA's context";
/// FSDP2 under the fake process group: published models and steps drawn at random.
const FSDP2: Ratios = Ratios {
    what: "steps of FSDP2 on NVIDIA H100 and H200 (torch 2.11)",
    file: "tests/oracle/gpu_memory.csv, gpu_random.csv",
    cases: 169,
    over: Over::Reserved,
    of: [0.7787, 0.8923, 0.9306, 0.9824, 1.0647, 1.1090, 1.4469],
};
/// Every family of `gpu_families.csv`, and eight Llamas of `gpu_memory.csv`.
const HUGGING_FACE: Ratios = Ratios {
    what: "steps of transformers 5.17 on an NVIDIA H100 (torch 2.11)",
    file: "tests/oracle/gpu_families.csv",
    cases: 126,
    over: Over::Allocated,
    of: [1.0196, 1.0338, 1.0523, 1.0783, 1.1316, 1.2392, 1.3119],
};
const ADAPTERS: Ratios = Ratios {
    what: "steps of transformers 5.17 with LoRA and QLoRA on NVIDIA H100 and H200 (torch 2.11)",
    file: "tests/oracle/gpu_lora.csv, gpu_qlora.csv",
    cases: 17,
    over: Over::Allocated,
    of: [1.0420, 1.0516, 1.0588, 1.0691, 1.1086, 1.2524, 1.3147],
};
/// The most that a rank reserved over the most that a rank allocated.
const MEGATRON: Ratios = Ratios {
    what: "steps of Megatron-LM on NVIDIA B200 (MooreThreads/SimuMax 4dcaae5)",
    file: "tests/oracle/engine_memory.md",
    cases: 27,
    over: Over::Allocated,
    of: [1.0278, 1.0284, 1.0300, 1.0404, 1.0691, 1.0780, 1.0928],
};
const TORCHTITAN: Ratios = Ratios {
    what: "published steps of torchtitan on NVIDIA H100 and H200",
    file: "tests/oracle/engine_memory_torch.md",
    cases: 9,
    over: Over::Reserved,
    of: [1.0079, 1.0127, 1.0194, 1.0258, 1.0872, 1.0937, 1.1120],
};
const BIGSCIENCE: Ratios = Ratios {
    what: "steps of BigScience's Megatron-DeepSpeed on NVIDIA A100, by nvidia-smi,",
    file: "tests/oracle/engine_memory_torch.md",
    cases: 33,
    over: Over::Shown,
    of: [0.9435, 0.9555, 1.0005, 1.0182, 1.0461, 1.0692, 1.4444],
};

/// Context and kernels of one process without a communicator of NCCL: what the device shows less what
/// is reserved. Hugging Face's classes, 126 steps; with adapters 17 lie inside.
const HUGGING_FACE_CONTEXT: [f64; 3] = [804_061_184.0, 812_449_792.0, 820_838_400.0];
/// The same of FSDP2 with every kernel that it loads, 169 steps.
const FSDP2_CONTEXT: [f64; 3] = [877_461_504.0, 894_238_720.0, 906_821_632.0];
/// What NCCL held beside that on each of two NVIDIA H200, bytes: with one group of devices, and with
/// one for a split of the model more (`tests/oracle/gpu_ranks.csv`, NCCL 2.28). More devices and links
/// between nodes take more.
pub const NCCL: [f64; 2] = [794_886_144.0, 1_199_636_480.0];

impl Device {
    /// What a step takes. [`Step::reserved`] is asked for where the profile was tested against it: some
    /// milliseconds for a hundred layers.
    #[must_use]
    pub fn of(step: &Step, setting: &Setting) -> Self {
        let (ratios, context) = (Ratios::of(setting), Context::of(setting));
        let held = step.peak().bytes;
        let outside = |estimate: Estimate, bytes: f64| Estimate {
            bytes: estimate.bytes + bytes,
            range: estimate.range.map(|end| end + bytes),
        };
        let reserved = match ratios.over {
            Over::Allocated => ratios.median(held),
            Over::Reserved => ratios.around(step.reserved()),
            Over::Shown => outside(ratios.around(step.reserved() + context.bytes), -context.bytes),
        };
        Self {
            allocated: (ratios.over != Over::Shown).then_some(held),
            reserved,
            shown: outside(reserved, context.bytes),
            context,
            ratios,
        }
    }
}

/// Whether a step runs on a device of so many bytes: its peak and the context have to find room.
///
/// What is allocated counts, not what is reserved: where the driver has no more, the allocator "will
/// free all cached blocks that are not split and retry the allocation" (the head of PyTorch's
/// `c10/cuda/CUDACachingAllocator.cpp`). So a step that does not fit fails for certain, and one that
/// fits may fail for blocks that are split. The profiles of Megatron-DeepSpeed know only what is
/// reserved, and count NCCL's buffers with the context.
#[must_use]
pub fn fits(step: &Step, setting: &Setting, device: f64) -> bool {
    step.peak().bytes <= Context::of(setting).room(device)
}

impl Over {
    /// What the peak of a step counts.
    #[must_use]
    pub fn held(self) -> &'static str {
        match self {
            Self::Allocated | Self::Reserved => "allocated",
            Self::Shown => "reserved",
        }
    }
}

impl Ratios {
    /// Those of a profile.
    #[must_use]
    pub fn of(setting: &Setting) -> &'static Self {
        match setting.profile {
            Profile::Eager | Profile::Cuda => &FSDP2,
            Profile::HuggingFace if setting.adapter.is_some() => &ADAPTERS,
            Profile::HuggingFace => &HUGGING_FACE,
            Profile::Megatron => &MEGATRON,
            Profile::Torchtitan | Profile::TorchtitanEager => &TORCHTITAN,
            Profile::MegatronDeepspeed | Profile::MegatronDeepspeedBf16 => &BIGSCIENCE,
        }
    }

    /// In words, after how many cases there are: "reserved 1.2 times what they allocated".
    #[must_use]
    pub fn words(&self, times: &str) -> String {
        let (verb, base) = match self.over {
            Over::Allocated => ("reserved", "what they allocated"),
            Over::Reserved => ("reserved", "what is simulated"),
            Over::Shown => ("took", "what is simulated"),
        };
        format!("{} {verb} {times} times {base}", self.what)
    }

    /// Least, quartiles and most, rounded for people.
    #[must_use]
    pub fn rounded(&self) -> [String; 5] {
        [0, 2, 3, 4, 6].map(|place| significant(self.of[place], 3))
    }

    /// The median of the cases that hold so much.
    fn median(&self, known: f64) -> Estimate {
        let [_, low, _, median, _, high, _] = self.of.map(|ratio| (ratio * known).round());
        Estimate { bytes: median, range: [low, high] }
    }

    /// What is simulated, with the range of those that were compared.
    fn around(&self, known: f64) -> Estimate {
        let [low, high] = self.median(known).range;
        Estimate { bytes: known, range: [low.min(known), high.max(known)] }
    }
}

impl Context {
    /// That of a profile.
    #[must_use]
    pub fn of(setting: &Setting) -> Self {
        if setting.profile.megatron_deepspeed() {
            let (measured, assumed) = deepspeed::context(setting);
            let bytes = measured + assumed;
            let what = if assumed > 0.0 { "CUDA's context and NCCL's buffers" } else { CUDA };
            return Self { bytes, what, range: None, assumed, own: true, nccl_beside: false };
        }
        let [least, bytes, most] = match setting.profile {
            Profile::HuggingFace => HUGGING_FACE_CONTEXT,
            _ => FSDP2_CONTEXT,
        };
        let own = matches!(setting.profile.on_gpu(), Profile::HuggingFace | Profile::Cuda);
        let nccl_beside = setting.layout.devices() > 1;
        let range = Some([least, most]);
        Self { bytes, what: CUDA, assumed: 0.0, range, own, nccl_beside }
    }

    /// Its bytes where they are all that lies outside the allocator.
    #[must_use]
    pub fn whole(&self) -> Option<f64> {
        (self.own && !self.nccl_beside).then_some(self.bytes)
    }

    /// Bytes of a device that the allocator can have.
    #[must_use]
    pub fn room(&self, device: f64) -> f64 {
        device - self.bytes
    }
}
