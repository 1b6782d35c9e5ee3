//! The suites: published runs with known times, and what they cover.
//!
//! A test computes every error and range here anew from the rows (`tests/throughput.rs`).

use crate::hardware::Family;
use crate::layout::Recompute;

/// Published runs with known times, and what they cover.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suite {
    /// The id of the suite.
    pub name: &'static str,
    /// What the runs are.
    pub what: &'static str,
    /// Engines that they ran on.
    pub engines: &'static [&'static str],
    /// How many there are, of the rows that were used.
    pub rows: usize,
    /// Relative error of tokens/s without its sign: mean, median, 90th percentile, worst.
    pub errors: [f64; 4],
    /// Measured over predicted tokens/s, 10th and 90th percentile; of models left out of the fit
    /// where that was done.
    pub ratios_80: [f64; 2],
    /// The mean where whole models were left out of the fit, where that was done.
    pub left_out: Option<f64>,
    /// The mean error of one constant MFU for each accelerator, its median in the suite.
    pub baseline: f64,
    /// Accelerators.
    pub families: &'static [Family],
    /// Least and most devices.
    pub devices: [u64; 2],
    /// Least and most tokens of a sequence.
    pub sequence: [u64; 2],
    /// The largest degrees: `tp`, `pp`, `cp`, `ep`, `interleave`.
    pub degrees: [u64; 5],
    /// What backward computed anew.
    pub recompute: &'static [Recompute],
    /// Whether products were in FP8: no, yes or both.
    pub fp8: &'static [bool],
    /// Whether models had experts: no, yes or both.
    pub experts: &'static [bool],
}

use Family::{Ampere, Blackwell, Hopper};
use Recompute::{Full, None as Kept, Selective};

const NO: &[bool] = &[false];
const YES: &[bool] = &[true];
const BOTH: &[bool] = &[false, true];

/// Every suite.
pub const SUITES: [Suite; 11] = [
    Suite {
        name: "llm-foundry",
        what: "MPT 125M to 70B in BF16 on A100 and H100",
        engines: &["llm-foundry"],
        rows: 144,
        errors: [0.0370, 0.0227, 0.0686, 0.3205],
        ratios_80: [0.9484, 1.0463],
        left_out: Some(0.0393),
        baseline: 0.1042,
        families: &[Ampere, Hopper],
        devices: [8, 512],
        sequence: [512, 65_536],
        degrees: [1; 5],
        recompute: &[Kept, Full],
        fp8: NO,
        experts: NO,
    },
    Suite {
        name: "llm-foundry-fp8",
        what: "MPT 1B and 3B in FP8 on H100",
        engines: &["llm-foundry"],
        rows: 6,
        errors: [0.0161, 0.0159, 0.0287, 0.0311],
        ratios_80: [0.9761, 1.0593],
        left_out: Some(0.0330),
        baseline: 0.2343,
        families: &[Hopper],
        devices: [8, 8],
        sequence: [512, 32_768],
        degrees: [1; 5],
        recompute: &[Kept, Full],
        fp8: YES,
        experts: NO,
    },
    Suite {
        name: "narayanan-korthikanti",
        what: "GPT 1.7B to 1T on A100: Narayanan et al. 2021, Table 1, and Korthikanti et al. 2022, \
               Table 5",
        engines: &["megatron-2021", "megatron-2022"],
        rows: 11,
        errors: [0.0284, 0.0291, 0.0463, 0.0725],
        ratios_80: [0.9560, 1.0461],
        left_out: Some(0.0331),
        baseline: 0.1353,
        families: &[Ampere],
        devices: [8, 3072],
        sequence: [2048, 2048],
        degrees: [8, 64, 1, 1, 3],
        recompute: &[Full, Selective],
        fp8: NO,
        experts: NO,
    },
    Suite {
        name: "megatron-core",
        what: "GPT 7B to 177B in BF16 on H100, Megatron-Core 0.8",
        engines: &["megatron-bridge"],
        rows: 5,
        errors: [0.0308, 0.0165, 0.0626, 0.0804],
        ratios_80: [0.9495, 1.0291],
        left_out: None,
        baseline: 0.0380,
        families: &[Hopper],
        devices: [96, 2304],
        sequence: [4096, 4096],
        degrees: [8, 6, 1, 1, 1],
        recompute: &[Kept],
        fp8: NO,
        experts: NO,
    },
    Suite {
        name: "torchtitan",
        what: "Llama 2 and 3, 8B to 405B, on A100, H100 and H200",
        engines: &["torchtitan", "torchtitan-eager"],
        rows: 27,
        errors: [0.0436, 0.0345, 0.0860, 0.1663],
        ratios_80: [0.9148, 1.0913],
        left_out: Some(0.0718),
        baseline: 0.1959,
        families: &[Ampere, Hopper],
        devices: [8, 512],
        sequence: [4096, 262_144],
        degrees: [8, 8, 8, 1, 1],
        recompute: &[Kept, Selective, Full],
        fp8: BOTH,
        experts: NO,
    },
    Suite {
        name: "bigscience",
        what: "models of 18B to 203B on A100, of the rows that state their shape",
        engines: &["megatron-deepspeed"],
        rows: 47,
        errors: [0.0375, 0.0261, 0.0848, 0.1541],
        ratios_80: [0.9583, 1.0556],
        left_out: Some(0.0385),
        baseline: 0.0860,
        families: &[Ampere],
        devices: [8, 384],
        sequence: [2048, 2048],
        degrees: [8, 48, 1, 1, 1],
        recompute: &[Full],
        fp8: NO,
        experts: NO,
    },
    Suite {
        name: "simumax",
        what: "4 to 12 layers of Llama 3 and DeepSeek on B200",
        engines: &["megatron"],
        rows: 27,
        errors: [0.0377, 0.0308, 0.0758, 0.1018],
        ratios_80: [0.8713, 1.0441],
        left_out: Some(0.0554),
        baseline: 0.2232,
        families: &[Blackwell],
        devices: [8, 8],
        sequence: [4096, 131_072],
        degrees: [8, 2, 8, 8, 1],
        recompute: &[Kept],
        fp8: NO,
        experts: BOTH,
    },
    Suite {
        name: "nvidia-fp8",
        what: "dense models in FP8 on H100, B200, GB200 and GB300: NeMo 24.12, Megatron-LM, \
               Megatron-Bridge",
        engines: &["megatron-bridge", "megatron-bridge-26.06"],
        rows: 35,
        errors: [0.0704, 0.0675, 0.1221, 0.1524],
        ratios_80: [0.8671, 1.1173],
        left_out: Some(0.0858),
        baseline: 0.0519,
        families: &[Hopper, Blackwell],
        devices: [8, 1024],
        sequence: [2048, 8192],
        degrees: [8, 16, 2, 1, 10],
        recompute: &[Kept],
        fp8: YES,
        experts: NO,
    },
    Suite {
        name: "nvidia-bf16-experts",
        what: "mixtures of experts in BF16 on H100 to GB300, Megatron-Bridge 25.11 to 26.04, on \
               which nothing was fitted",
        engines: &["megatron-bridge"],
        rows: 13,
        errors: [0.2130, 0.1939, 0.3115, 0.5396],
        ratios_80: [0.7714, 1.1494],
        left_out: None,
        baseline: 0.0818,
        families: &[Hopper, Blackwell],
        devices: [64, 256],
        sequence: [4096, 8192],
        degrees: [1, 8, 1, 64, 12],
        recompute: &[Kept],
        fp8: NO,
        experts: YES,
    },
    Suite {
        name: "nvidia-fp8-experts",
        what: "mixtures of experts in FP8 on H100 to GB300, Megatron-Bridge 26.02 to 26.04",
        engines: &["megatron-bridge"],
        rows: 38,
        errors: [0.0719, 0.0414, 0.1151, 0.7009],
        ratios_80: [0.9115, 1.0947],
        left_out: Some(0.0797),
        baseline: 0.0959,
        families: &[Hopper, Blackwell],
        devices: [8, 256],
        sequence: [4096, 4096],
        degrees: [2, 16, 1, 64, 12],
        recompute: &[Kept],
        fp8: YES,
        experts: YES,
    },
    Suite {
        name: "nvidia-fp8-experts-26.06",
        what: "the same, Megatron-Bridge 26.06 to 26.08",
        engines: &["megatron-bridge-26.06"],
        rows: 22,
        errors: [0.1814, 0.0755, 0.5856, 0.9660],
        ratios_80: [0.5960, 1.2260],
        left_out: Some(0.2284),
        baseline: 0.1189,
        families: &[Hopper, Blackwell],
        devices: [8, 256],
        sequence: [4096, 4096],
        degrees: [1, 8, 1, 64, 12],
        recompute: &[Kept],
        fp8: YES,
        experts: YES,
    },
];
