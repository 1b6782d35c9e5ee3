//! In what the modelling code of a family differs from Llama's, as far as memory goes.
//!
//! Source: `modeling_*.py` of each family, `activations.py`, `masking_utils.py` and
//! `integrations/{moe,sdpa_attention}.py` of Hugging Face's transformers 5.17; what each keeps was
//! held against steps on an H100 (`tests/oracle/gpu_families.csv`).

use super::setting::{Profile, Setting};

/// A family's code.
#[expect(clippy::struct_excessive_bools, reason = "facts of a table, one by one")]
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Code {
    pub norm: NormCode,
    pub activation: Activation,
    pub order: Order,
    pub experts: ExpertsCode,
    /// Layers whose queries see a window of the keys.
    pub sliding: Option<Sliding>,
    /// Heads are joined of a rotated and another part. They lie one after the other then, as does
    /// attention's output, which is copied for the next product.
    pub joins: bool,
    /// Queries, keys and values are cut out of one product; the values stay a view of it.
    pub fused: bool,
    /// The gate of a feed-forward and what it meets are cut out of one product.
    pub fused_gate: bool,
    /// The softmax of scores as tensors is in the scores' format, not in FP32.
    pub narrow_softmax: bool,
    /// Scores (as tensors) and logits pass tanh, which keeps its output.
    pub capped: bool,
}

/// How an `RMSNorm` or `LayerNorm` by its parts meets its weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NormCode {
    /// Cast back before the weight.
    Narrow,
    /// In FP32.
    Wide,
    /// A `LayerNorm` by its parts, in FP32.
    Centred,
}

/// What an activation keeps for backward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activation {
    /// Its input: `silu`, `gelu`.
    Input,
    /// Its output: `relu`.
    Output,
    /// Its input and three of its parts: `gelu_new`, tanh's approximation written out.
    Parts,
}

/// Where the norms of a block stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Before each part.
    Before,
    /// After each part.
    After,
    /// Before each of two parts that read the same input.
    Parallel,
}

/// How a mixture of experts runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExpertsCode {
    /// torchtitan's: router and combination in FP32.
    Torchtitan,
    /// transformers' `grouped_mm`, the router in BF16.
    Narrow,
    /// The same, the router in FP32.
    Wide,
}

/// Layers whose queries see a window of the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sliding {
    /// One of so many layers sees all keys, the last of them.
    period: u64,
    /// Keys that the others see.
    window: u64,
}

const LLAMA: Code = Code {
    norm: NormCode::Narrow,
    activation: Activation::Input,
    order: Order::Before,
    experts: ExpertsCode::Narrow,
    sliding: None,
    joins: false,
    fused: false,
    fused_gate: false,
    narrow_softmax: false,
    capped: false,
};

impl Code {
    /// The code that runs: a family's own under the profile of transformers.
    pub fn of(setting: &Setting) -> Self {
        if setting.profile != Profile::HuggingFace {
            return Self { experts: ExpertsCode::Torchtitan, ..LLAMA };
        }
        let sliding = |period, window| Some(Sliding { period, window });
        match setting.family {
            Some("gemma") => Self { norm: NormCode::Wide, ..LLAMA },
            Some("gemma2") => {
                Self { norm: NormCode::Wide, sliding: sliding(2, 4096), capped: true, ..LLAMA }
            }
            Some("gemma3_text") => {
                Self { norm: NormCode::Wide, sliding: sliding(6, 1024), ..LLAMA }
            }
            Some("olmo2") => Self { norm: NormCode::Wide, order: Order::After, ..LLAMA },
            Some("cohere") => Self { norm: NormCode::Centred, ..LLAMA },
            Some("phi3") => Self { joins: true, fused: true, fused_gate: true, ..LLAMA },
            Some("glm" | "glm4") => Self { joins: true, fused_gate: true, ..LLAMA },
            Some("stablelm") => Self { joins: true, ..LLAMA },
            Some("gpt_neox") => Self { joins: true, fused: true, order: Order::Parallel, ..LLAMA },
            Some("gpt2") => {
                Self { activation: Activation::Parts, fused: true, narrow_softmax: true, ..LLAMA }
            }
            Some("opt") => Self { activation: Activation::Output, ..LLAMA },
            Some("deepseek_v2" | "deepseek_v3") => {
                Self { joins: true, experts: ExpertsCode::Wide, ..LLAMA }
            }
            _ => LLAMA,
        }
    }

    /// Whether a layer's attention gets a mask, which keeps it from the kernel that needs none.
    pub fn masks(&self, layer: u64, sequence: u64) -> bool {
        self.sliding.is_some_and(|Sliding { period, window }| {
            !(layer + 1).is_multiple_of(period) && sequence >= window
        })
    }
}
