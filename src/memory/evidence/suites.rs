//! The suites: what is known of the memory of which cases.
//!
//! A test computes every range and error here anew from the cases (`tests/support/suite.rs`).

use crate::layout::{Recompute, Strategy};
use crate::memory::setting::{AttentionKernel, LossKernel, Precision};

/// A suite of cases with known memory, and what they cover.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suite {
    /// What the cases are compared with.
    pub what: &'static str,
    /// Where they stand.
    pub file: &'static str,
    /// How many there are.
    pub cases: usize,
    /// Relative error of the peak without its sign, in the median.
    pub median_error: f64,
    /// The largest.
    pub worst_error: f64,
    /// Least and most parameters.
    pub params: [u64; 2],
    /// Least and most devices that share the states.
    pub shards: [u64; 2],
    /// Least and most tokens of a sequence.
    pub sequence: [u64; 2],
    /// Least and most sequences of a micro-batch.
    pub micro_batch: [u64; 2],
    /// Least and most rows of the embedding.
    pub vocab: [u64; 2],
    /// What was run beside that.
    pub settings: Settings,
}

/// The settings that a suite covers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Who holds what.
    pub strategies: &'static [Strategy],
    /// The largest degrees: `dp_replicate`, `tp`, `pp`, `cp`, `ep`, `micro_batches`.
    pub degrees: [u64; 6],
    /// What backward computes anew.
    pub recompute: &'static [Recompute],
    /// Number formats.
    pub precision: &'static [Precision],
    /// How the loss is computed.
    pub loss: &'static [LossKernel],
    /// How attention is computed.
    pub attention: &'static [AttentionKernel],
    /// Families whose own code ran, where that matters.
    pub families: &'static [&'static str],
    /// Experts and latent attention beside dense blocks with grouped attention.
    pub experts: bool,
    /// A norm after the embedding.
    pub embedding_norm: bool,
    /// Shards on the host.
    pub cpu_offload: bool,
}

const PLAIN: Settings = Settings {
    strategies: &[Strategy::Fsdp2],
    degrees: [1; 6],
    recompute: &[Recompute::None, Recompute::Full],
    precision: &[Precision::Bf16],
    loss: &[LossKernel::Eager, LossKernel::Released],
    attention: &[AttentionKernel::Sdpa],
    families: &[],
    experts: false,
    embedding_norm: false,
    cpu_offload: false,
};
const ONE_DEVICE: Settings = Settings {
    strategies: &[Strategy::Ddp],
    precision: &[Precision::Bf16, Precision::Bf16Pure],
    loss: &[LossKernel::Released],
    ..PLAIN
};

/// PyTorch's own tracker, without a GPU.
pub const TRACKER: Suite = Suite {
    what: "steps of PyTorch's FSDPMemTracker (torch 2.15)",
    file: "tests/oracle/fsdp_memory.csv",
    cases: 108,
    median_error: 0.0,
    worst_error: 0.0,
    params: [124_439_808, 405_853_388_800],
    shards: [1, 2048],
    sequence: [1000, 131_072],
    micro_batch: [1, 8],
    vocab: [31_999, 256_000],
    settings: PLAIN,
};

/// Measured on a GPU, its collectives moving nothing: published models, and steps drawn at random
/// after the operators were known.
pub const MEASURED: Suite = Suite {
    what: "steps measured on NVIDIA H100 and H200 (torch 2.11)",
    file: "tests/oracle/gpu_memory.csv, gpu_random.csv",
    cases: 169,
    median_error: 0.0003,
    worst_error: 0.0368,
    params: [24_960_384, 13_765_820_416],
    shards: [1, 2048],
    sequence: [512, 32_768],
    micro_batch: [1, 8],
    vocab: [31_999, 262_144],
    settings: PLAIN,
};

/// A copy on each device, whose gradients NCCL reduces.
pub const REPLICATED: Suite = Suite {
    what: "steps of DistributedDataParallel under autocast on an NVIDIA H200 (torch 2.11)",
    file: "tests/oracle/gpu_ranks.csv",
    cases: 4,
    median_error: 0.00005,
    worst_error: 0.0036,
    params: [361_821_120, 3_212_749_824],
    shards: [1, 1],
    sequence: [2048, 4096],
    micro_batch: [2, 4],
    vocab: [32_000, 128_256],
    settings: Settings {
        strategies: &[Strategy::Ddp],
        degrees: [2, 1, 1, 1, 1, 1],
        loss: &[LossKernel::Eager],
        ..PLAIN
    },
};

/// A Llama split over two GPUs as torchtitan splits it, on plain PyTorch.
pub const TENSOR: Suite = Suite {
    what: "steps with tensor and sequence parallelism on two NVIDIA H200 (torch 2.11)",
    file: "tests/oracle/gpu_ranks.csv",
    cases: 5,
    median_error: 0.00005,
    worst_error: 0.0078,
    params: [1_100_048_384, 8_030_261_248],
    shards: [1, 1],
    sequence: [2048, 8192],
    micro_batch: [1, 4],
    vocab: [32_000, 128_256],
    settings: Settings { degrees: [1, 2, 1, 1, 1, 1], loss: &[LossKernel::Eager], ..PLAIN },
};

/// Shards on the host, measured on a GPU.
pub const OFFLOADED: Suite = Suite {
    what: "steps with CPUOffloadPolicy on an NVIDIA H100 (torch 2.11)",
    file: "tests/oracle/gpu_offload.csv",
    cases: 26,
    median_error: 0.00002,
    worst_error: 0.0030,
    params: [124_439_808, 3_212_749_824],
    shards: [1, 64],
    sequence: [1000, 16_384],
    micro_batch: [1, 8],
    vocab: [31_999, 256_000],
    settings: Settings { cpu_offload: true, ..PLAIN },
};

/// Hugging Face's models measured on a GPU, family by family ([`KNOWN_FAMILIES`]). Of 59 steps the
/// operators were found out; 59 more, of other widths, formats and four further families, were
/// measured after that.
pub const HUGGING_FACE: Suite = Suite {
    what: "steps of transformers 5.17 on an NVIDIA H100 (torch 2.11)",
    file: "tests/oracle/gpu_families.csv",
    cases: 118,
    median_error: 0.001,
    worst_error: 0.0090,
    params: [287_209_472, 3_181_415_936],
    shards: [1, 1],
    sequence: [512, 16_384],
    micro_batch: [1, 4],
    vocab: [32_000, 50_304],
    settings: Settings {
        attention: &[AttentionKernel::Sdpa, AttentionKernel::Eager],
        families: &KNOWN_FAMILIES,
        experts: true,
        ..ONE_DEVICE
    },
};

/// Adapters measured on a GPU: `LoRA` written out and by PEFT, `QLoRA` by PEFT and bitsandbytes, whose
/// eight steps were simulated before they were measured.
pub const ADAPTERS: Suite = Suite {
    what: "steps of transformers 5.17 with LoRA and QLoRA on NVIDIA H100 and H200 (torch 2.11)",
    file: "tests/oracle/gpu_lora.csv, gpu_qlora.csv",
    cases: 17,
    median_error: 0.0011,
    worst_error: 0.0039,
    params: [349_994_496, 8_030_261_248],
    shards: [1, 1],
    sequence: [256, 4096],
    micro_batch: [1, 4],
    vocab: [32_000, 128_256],
    settings: Settings { families: &["llama"], ..ONE_DEVICE },
};

/// Measured on NVIDIA B200 by others: Llama 3 70B and 405B, DeepSeek-V2 and V3 of 4 to 12 layers.
pub const MEGATRON: Suite = Suite {
    what: "steps of Megatron-LM on NVIDIA B200 (MooreThreads/SimuMax 4dcaae5)",
    file: "tests/oracle/engine_memory.md",
    cases: 27,
    median_error: 0.00001,
    worst_error: 0.0005,
    params: [12_369_223_680, 36_958_721_024],
    shards: [1, 8],
    sequence: [4096, 131_072],
    micro_batch: [1, 1],
    vocab: [102_401, 129_281],
    settings: Settings {
        strategies: &[Strategy::Zero1],
        degrees: [1, 8, 2, 8, 8, 32],
        recompute: &[Recompute::None],
        loss: &[LossKernel::Fused],
        experts: true,
        ..PLAIN
    },
};

/// Published steps of torchtitan, whose figure is what the allocator reserved.
pub const TORCHTITAN: Suite = Suite {
    what: "published steps of torchtitan on NVIDIA H100 and H200, as reserved",
    file: "tests/oracle/engine_memory_torch.md",
    cases: 9,
    median_error: 0.0252,
    worst_error: 0.1007,
    params: [8_030_261_248, 70_553_706_496],
    shards: [8, 128],
    sequence: [8192, 262_144],
    micro_batch: [1, 16],
    vocab: [128_256, 128_256],
    settings: Settings {
        degrees: [1, 8, 1, 8, 1, 1],
        recompute: &[Recompute::Selective, Recompute::Full],
        loss: &[LossKernel::Eager, LossKernel::Released, LossKernel::Compiled],
        ..PLAIN
    },
};

/// Steps of BigScience, as nvidia-smi showed them.
pub const BIGSCIENCE: Suite = Suite {
    what: "steps of BigScience's Megatron-DeepSpeed on NVIDIA A100, as nvidia-smi showed them",
    file: "tests/oracle/engine_memory_torch.md",
    cases: 33,
    median_error: 0.0341,
    worst_error: 0.3077,
    params: [18_424_627_200, 203_275_438_080],
    shards: [1, 16],
    sequence: [2048, 2048],
    micro_batch: [1, 8],
    vocab: [250_880, 250_880],
    settings: Settings {
        strategies: &[Strategy::Zero1, Strategy::Ddp],
        attention: &[AttentionKernel::Eager],
        embedding_norm: true,
        degrees: [4, 8, 48, 1, 1, 2048],
        recompute: &[Recompute::Full],
        precision: &[Precision::Bf16, Precision::Bf16Pure],
        ..PLAIN
    },
};

/// Families whose code was measured.
pub const KNOWN_FAMILIES: [&str; 25] = [
    "cohere",
    "deepseek_v2",
    "deepseek_v3",
    "gemma",
    "gemma2",
    "gemma3_text",
    "glm",
    "glm4",
    "gpt2",
    "gpt_neox",
    "granite",
    "llama",
    "mistral",
    "mixtral",
    "olmo2",
    "olmoe",
    "opt",
    "phi3",
    "qwen2",
    "qwen2_moe",
    "qwen3",
    "qwen3_moe",
    "smollm3",
    "stablelm",
    "starcoder2",
];
