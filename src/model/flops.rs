//! FLOPs that a token costs in training, by the conventions of published figures.
//!
//! N is what works on a token: of a mixture of experts, its active parameters. L, s and w are the
//! layers, the tokens of a sequence, and the sum over a layer's heads of the width of a query and of
//! a value: 2h where the heads split the hidden width h, so that 6 L w s is the usual 12 L h s.
//! Sliding windows are taken as full attention, as in all of the sources.

use super::count::BlockCount;
use super::shape::{FeedForward, Shape};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a figure counts as the training FLOPs of a token.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Convention {
    /// 6 N: no attention scores.
    SixN,
    /// 6 N + 12 L h s: all parameters, full attention.
    Palm,
    /// 6 (N - E) + 12 L h s: no work for looking up an embedding, full attention.
    WithoutEmbedding,
    /// 6 (N - E) + 6 L h s: the same with the half of attention that a causal mask leaves.
    Causal,
    /// Matrix by matrix and with the softmax, without embedding and head: Hoffmann et al. 2022,
    /// Appendix F, as their Table A4 has it.
    Hoffmann,
}

impl Convention {
    /// Every convention.
    pub const ALL: [Self; 5] =
        [Self::SixN, Self::Palm, Self::WithoutEmbedding, Self::Causal, Self::Hoffmann];

    /// The id that files use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SixN => "six-n",
            Self::Palm => "palm",
            Self::WithoutEmbedding => "without-embedding",
            Self::Causal => "causal",
            Self::Hoffmann => "hoffmann",
        }
    }

    /// The formula, in the symbols of its source.
    #[must_use]
    pub fn formula(self) -> &'static str {
        match self {
            Self::SixN => "6 N",
            Self::Palm => "6 N + 12 L h s",
            Self::WithoutEmbedding => "6 (N - E) + 12 L h s",
            Self::Causal => "6 (N - E) + 6 L h s",
            Self::Hoffmann => "3 L (2 matrices + 4 h s + 3 heads s)",
        }
    }

    /// Where it is defined.
    #[must_use]
    pub fn source(self) -> &'static str {
        match self {
            Self::SixN => "Kaplan et al. 2020, arXiv:2001.08361, section 2.1",
            Self::Palm => {
                "Chowdhery et al. 2022, arXiv:2204.02311, appendix B; mosaicml/llm-foundry (commit \
                 8c8dd48), scripts/train/benchmarking/README.md"
            }
            Self::WithoutEmbedding => {
                "pytorch/torchtitan (commit b5bcd76), torchtitan/models/utils.py, \
                 get_dense_model_nparams_and_flops: a tied embedding stays in N, for it is the head"
            }
            Self::Causal => {
                "recovered from tokens/s and TFLOP/s in NVIDIA-NeMo/Megatron-Bridge (commit 067f987), \
                 docs/performance-summary-archive.md"
            }
            Self::Hoffmann => {
                "Hoffmann et al. 2022, arXiv:2203.15556, Appendix F and Table A4; that embedding and \
                 head are left out is in karpathy/nanoGPT (commit 0082c48), scaling_laws.ipynb, from \
                 the authors"
            }
        }
    }

    /// Published MFU and TFLOP/s that use it.
    #[must_use]
    pub fn used_by(self) -> &'static [&'static str] {
        match self {
            Self::SixN => &["budgets and scaling laws; no MFU of long sequences"],
            Self::Palm => &["PaLM", "llm-foundry (MPT)", "torchtitan in 2024"],
            Self::WithoutEmbedding => {
                &["torchtitan now", "NeMo 24.12", "Megatron-LM's Llama examples"]
            }
            Self::Causal => &["Megatron-Bridge since 25.09", "MaxText now"],
            Self::Hoffmann => &["Chinchilla"],
        }
    }
}

impl Shape {
    /// FLOPs of a token in training (forward and backward, nothing recomputed), in sequences of so
    /// many tokens.
    ///
    /// ```
    /// use plan::model::{Convention, shapes};
    /// let llama = shapes().find("llama-3-8b")?.shape()?;
    /// assert_eq!(llama.flops_per_token(Convention::Palm, 8192), 61_066_469_376);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn flops_per_token(&self, convention: Convention, sequence: u64) -> u128 {
        let count = self.count();
        let (active, moved) = (count.active(), count.looked_up());
        let working = active.saturating_sub(moved);
        match convention {
            Convention::SixN => active.saturating_mul(6),
            Convention::Palm => {
                active.saturating_mul(6).saturating_add(self.scores(sequence).saturating_mul(6))
            }
            Convention::WithoutEmbedding => {
                working.saturating_mul(6).saturating_add(self.scores(sequence).saturating_mul(6))
            }
            Convention::Causal => {
                working.saturating_mul(6).saturating_add(self.scores(sequence).saturating_mul(3))
            }
            Convention::Hoffmann => self.matrix_by_matrix(sequence).saturating_mul(3),
        }
    }

    /// L w s: products of a query with every key, and of its scores with every value.
    fn scores(&self, sequence: u64) -> u128 {
        self.blocks().fold(0, |sum, (layers, block)| {
            let width = u128::from(block.attention.score_width());
            let layer = width.saturating_mul(sequence.into());
            sum.saturating_add(layer.saturating_mul(layers.into()))
        })
    }

    /// A forward pass through the blocks: 2 for each number of a matrix, 2 for each product of the
    /// scores, 3 for each score in the softmax.
    fn matrix_by_matrix(&self, sequence: u64) -> u128 {
        let softmax = self.blocks().fold(0_u128, |sum, (layers, block)| {
            let layer = u128::from(block.attention.heads()).saturating_mul(sequence.into());
            sum.saturating_add(layer.saturating_mul(layers.into()))
        });
        let without_positions = Self { positions: super::Positions::Free, ..self.clone() };
        let matrices = without_positions.count().sum(BlockCount::active).matrices;
        matrices
            .saturating_mul(2)
            .saturating_add(self.scores(sequence).saturating_mul(2))
            .saturating_add(softmax.saturating_mul(3))
    }

    /// Whether some layers are mixtures of experts.
    #[must_use]
    pub fn has_experts(&self) -> bool {
        self.experts().is_some()
    }

    /// Experts among which the router of a layer chooses; of layers that differ, the first's.
    #[must_use]
    pub fn experts(&self) -> Option<u64> {
        self.blocks().find_map(|(_, block)| match block.feed_forward {
            FeedForward::Experts(experts) => Some(experts.count),
            FeedForward::Dense(_) => None,
        })
    }
}
