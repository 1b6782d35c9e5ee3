//! What a training step's memory depends on, beside the model.

use super::pool::Segments;
use crate::layout::{Layout, LayoutError, LayoutKeys, Strategy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a training step's memory depends on, beside the model; everything is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The split of the model over devices.
    pub layout: Layout,
    /// Tokens of a sequence, before context parallel devices share it.
    pub sequence: u64,
    /// Number formats.
    pub precision: Precision,
    /// What the optimizer keeps.
    pub optimizer: Optimizer,
    /// How attention is computed.
    pub attention: AttentionKernel,
    /// How the loss is computed.
    pub loss: LossKernel,
    /// Whose operators run.
    pub profile: Profile,
    /// Low-rank adapters that are trained instead of the model.
    pub adapter: Option<Adapter>,
    /// The model's family, by the `model_type` of its config.json: whose modelling code runs under
    /// the profile `hugging-face`; Llama's where there is none.
    pub family: Option<&'static str>,
}

impl Setting {
    /// Whether parameters and stream are FP32 and PyTorch's autocast makes BF16 copies: a frozen
    /// model is BF16 itself.
    #[must_use]
    pub fn autocasts(&self) -> bool {
        let mixed = self.precision.mixed() && self.adapter.is_none();
        mixed && self.layout.strategy.autocasts()
    }
}

/// Low-rank adapters beside every matrix of the blocks, in FP32; the model is frozen
/// (Hu et al. 2021, arXiv:2106.09685).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adapter {
    /// Rank of the two factors.
    pub rank: u64,
    /// How the frozen matrices of the blocks are kept.
    pub base: Base,
}

/// Largest rank of adapters.
pub const MAX_RANK: u64 = 1_000_000;

/// Which adapters are trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AdapterKind {
    /// Beside a BF16 model.
    Lora,
    /// Beside a 4-bit model.
    Qlora,
}

impl AdapterKind {
    /// How the frozen matrices of the blocks are kept.
    #[must_use]
    pub fn base(self) -> Base {
        match self {
            Self::Lora => Base::Bf16,
            Self::Qlora => Base::Nf4,
        }
    }
}

/// How frozen matrices are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Base {
    /// BF16: `LoRA`.
    #[default]
    Bf16,
    /// 4-bit `NormalFloat` with doubly quantised scales, 4.127 bits a number; a matrix is made BF16
    /// while it works: `QLoRA` (Dettmers et al. 2023, arXiv:2305.14314, section 3).
    Nf4,
}

impl Base {
    /// Bytes of a number.
    #[must_use]
    pub fn bytes(self) -> f64 {
        match self {
            Self::Bf16 => 2.0,
            Self::Nf4 => 4.127 / 8.0,
        }
    }
}

/// Number formats of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Parameters kept and gradients reduced in FP32, everything computed in BF16.
    #[default]
    Bf16,
    /// Everything in BF16, the optimizer's moments too.
    Bf16Pure,
    /// As `bf16`, with the matrix products of the blocks in FP8, one scale for a whole tensor or
    /// block of it. Their memory is taken as that of `bf16`.
    Fp8,
    /// The same with a scale for every row.
    Fp8Rowwise,
}

/// What the optimizer keeps for every parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Optimizer {
    /// `AdamW`: two moments in the parameters' format.
    #[default]
    #[serde(rename = "adamw")]
    AdamW,
    /// `AdamW` with two moments of 8 bits, and an FP32 scale for each block of 256.
    #[serde(rename = "adamw-8bit")]
    AdamW8bit,
    /// Stochastic gradient descent with momentum.
    Sgd,
}

/// How attention is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttentionKernel {
    /// `scaled_dot_product_attention` with a kernel that never holds the scores.
    #[default]
    Sdpa,
    /// Scores and their softmax as tensors of tokens × tokens for each head.
    Eager,
}

/// How the loss is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LossKernel {
    /// `cross_entropy(logits.float())`, the logits' name living on through backward.
    #[default]
    Eager,
    /// The same, the logits let go of before backward.
    Released,
    /// Head and loss for one of eight parts of the tokens after the other.
    Chunked,
    /// Transformer Engine's cross-entropy, which writes the gradient over the logits.
    Fused,
    /// One compiled kernel that reads the logits, and one that makes their gradient.
    Compiled,
}

/// Whose operators run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// PyTorch's operators one by one, as its own memory tracker counts them without a GPU.
    #[default]
    Eager,
    /// The same on an NVIDIA GPU, where `RMSNorm` is one operator.
    Cuda,
    /// Hugging Face's modelling code on an NVIDIA GPU.
    HuggingFace,
    /// Megatron-LM with Transformer Engine: BF16, sequence parallel, fused attention and loss.
    /// Its strategies are `zero1`, the distributed optimizer, and `ddp`. Selective recomputation
    /// is that of core attention (`--recompute-activations`): with a fused kernel it frees the
    /// statistics alone, and keeps the values as a part of the undivided product of queries, keys
    /// and values, so that it holds more than `none`.
    Megatron,
    /// torchtitan of December 2024 on an NVIDIA GPU, every block compiled.
    Torchtitan,
    /// The same, not compiled.
    TorchtitanEager,
    /// Megatron-DeepSpeed of February 2022 on an NVIDIA A100, `ZeRO` on 16-bit gradients.
    MegatronDeepspeed,
    /// The same with the BF16 optimizer of that month's end: gradients added up in FP32.
    MegatronDeepspeedBf16,
}

macro_rules! named {
    ($($type:ident { $($variant:ident = $name:literal),+ $(,)? })+) => {
        $(impl $type {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $name),+ })
            }
        })+
    };
}
named! {
    AdapterKind { Lora = "lora", Qlora = "qlora" }
    Base { Bf16 = "bf16", Nf4 = "nf4" }
    Precision { Bf16 = "bf16", Bf16Pure = "bf16-pure", Fp8 = "fp8", Fp8Rowwise = "fp8-rowwise" }
    Optimizer { AdamW = "adamw", AdamW8bit = "adamw-8bit", Sgd = "sgd" }
    AttentionKernel { Sdpa = "sdpa", Eager = "eager" }
    LossKernel { Eager = "eager", Released = "released", Chunked = "chunked", Fused = "fused",
        Compiled = "compiled" }
    Profile { Eager = "eager", Cuda = "cuda", HuggingFace = "hugging-face", Megatron = "megatron",
        Torchtitan = "torchtitan", TorchtitanEager = "torchtitan-eager",
        MegatronDeepspeed = "megatron-deepspeed",
        MegatronDeepspeedBf16 = "megatron-deepspeed-bf16" }
}

impl Profile {
    /// The strategy where none is stated.
    #[must_use]
    pub fn strategy(self) -> Strategy {
        match self {
            Self::Megatron | Self::MegatronDeepspeed | Self::MegatronDeepspeedBf16 => {
                Strategy::Zero1
            }
            _ => Strategy::default(),
        }
    }

    /// The loss where none is stated.
    #[must_use]
    pub fn loss(self) -> LossKernel {
        match self {
            Self::Megatron => LossKernel::Fused,
            // the answer of a model that holds the logits is let go of before backward
            Self::HuggingFace => LossKernel::Released,
            _ => LossKernel::default(),
        }
    }

    /// The layout of so many devices with what is stated and the rest filled in, the strategy as
    /// this profile has it.
    ///
    /// # Errors
    /// As [`Layout::of`].
    pub fn layout(self, keys: &LayoutKeys, devices: u64) -> Result<Layout, LayoutError> {
        let strategy = keys.strategy.or(Some(self.strategy()));
        Layout::of(&LayoutKeys { strategy, ..keys.clone() }, devices)
    }

    /// The same operators as a GPU runs them.
    #[must_use]
    pub fn on_gpu(self) -> Self {
        match self {
            Self::Eager => Self::Cuda,
            other => other,
        }
    }

    /// Whether it is one of torchtitan's.
    #[must_use]
    pub fn torchtitan(self) -> bool {
        matches!(self, Self::Torchtitan | Self::TorchtitanEager)
    }

    /// Whether it is one of Megatron-DeepSpeed's.
    #[must_use]
    pub fn megatron_deepspeed(self) -> bool {
        matches!(self, Self::MegatronDeepspeed | Self::MegatronDeepspeedBf16)
    }

    /// How its allocator asks the driver for memory: torchtitan's `run_llama_train.sh` sets
    /// `expandable_segments:True`.
    pub(super) fn segments(self) -> Segments {
        match self {
            Self::Torchtitan | Self::TorchtitanEager => Segments::Expandable,
            Self::Eager | Self::Cuda | Self::HuggingFace | Self::Megatron => Segments::Fixed,
            Self::MegatronDeepspeed | Self::MegatronDeepspeedBf16 => Segments::Counted,
        }
    }
}

impl Precision {
    /// Whether the matrix products of the blocks are in FP8.
    #[must_use]
    pub fn fp8(self) -> bool {
        matches!(self, Self::Fp8 | Self::Fp8Rowwise)
    }

    /// Whether parameters are kept in FP32 beside what computes.
    #[must_use]
    pub fn mixed(self) -> bool {
        self != Self::Bf16Pure
    }

    /// Bytes of a parameter as the optimizer keeps it, and of its gradient there.
    #[must_use]
    pub fn kept(self) -> f64 {
        match self {
            Self::Bf16 | Self::Fp8 | Self::Fp8Rowwise => 4.0,
            Self::Bf16Pure => 2.0,
        }
    }
}

impl Optimizer {
    /// Bytes of its states for each parameter kept in so many bytes.
    #[must_use]
    pub fn states(self, parameter: f64) -> f64 {
        match self {
            Self::AdamW => 2.0 * parameter,
            Self::AdamW8bit => 2.0 * (1.0 + 4.0 / 256.0),
            Self::Sgd => parameter,
        }
    }
}
