//! How long a step with low-rank adapters takes beside one that trains the whole model.
//!
//! A frozen matrix costs 4 FLOPs a parameter and token in place of 6: forward and the gradient of its
//! input, but none of its own (Hu et al. 2021, arXiv:2106.09685, section 4.2). Attention costs the
//! same, an adapter 6 FLOPs a parameter, and what is recomputed another forward pass of both.

use crate::layout::Recompute;
use crate::memory::AdapterKind;
use crate::model::{Attention, Convention, FeedForward, Mlp, Shape};

/// Time of published `LoRA` steps over what the FLOPs say, lowest and highest: GPT-3 175B on V100, 43.1
/// against 32.5 tokens/s (arXiv:2106.09685, footnote 5), 1.00; Llama 3 70B in FP8 on H100, GB200 and
/// GB300, 2,643 against 1,638, 5,958 against 3,593 and 7,447 against 4,312 tokens/s for each device
/// (NVIDIA-NeMo/Megatron-Bridge, commit 067f987, docs/performance-summary-archive.md), 0.90, 0.87
/// and 0.84.
pub const LORA_MEASURED: [f64; 2] = [0.84, 1.0];

/// Time of a step with a 4-bit model over that with a BF16 one: the geometric mean of 1.8B, 7B and
/// 14B in sequences of 1,024 to 8,192 on an A100 (QwenLM/Qwen, commit 03cd81f, README.md).
pub const QLORA: f64 = 1.21;

/// Where eight of ten of these lie; Google's tuning service names 1.66.
pub const QLORA_80: [f64; 2] = [1.03, 1.4];

/// What of a step is left where adapters are trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adapted {
    /// Parameters of the adapters, where the blocks are plain ones.
    pub trained: Option<f64>,
    /// FLOPs of a token.
    pub flops: f64,
    /// FLOPs of a token where the whole model is trained.
    pub full_flops: f64,
    /// Time over that of the whole model.
    pub time: f64,
    /// The range of it that published steps give.
    pub time_range: [f64; 2],
}

impl Adapted {
    /// Adapters of a rank beside every matrix of the blocks, in sequences of so many tokens.
    #[must_use]
    pub fn of(
        shape: &Shape,
        sequence: u64,
        recompute: Recompute,
        kind: AdapterKind,
        rank: u64,
    ) -> Self {
        let count = shape.count();
        let products = float(count.active().saturating_sub(count.looked_up()));
        let with_attention = shape.flops_per_token(Convention::WithoutEmbedding, sequence);
        let attention = float(with_attention) - 6.0 * products;
        let trained = adapters(shape, rank);
        let beside = trained.unwrap_or_default();
        // of a forward pass, how much is run again
        let again = match recompute {
            Recompute::Full => 1.0,
            _ => 0.0,
        };
        let forward = |parameters: f64| again * (2.0 * parameters + attention / 3.0);
        let full_flops = 6.0 * products + attention + forward(products);
        let flops = 4.0 * products + attention + 6.0 * beside + forward(products + beside);
        let least = flops / full_flops;
        let [low, high] = LORA_MEASURED.map(|times| times * least);
        let (time, time_range) = match kind {
            AdapterKind::Lora => (least, [low, high]),
            AdapterKind::Qlora => (QLORA * least, [QLORA_80[0] * low, QLORA_80[1] * high]),
        };
        Self { trained, flops, full_flops, time, time_range }
    }
}

/// Parameters of the two factors beside every matrix; none for attention through low ranks.
fn adapters(shape: &Shape, rank: u64) -> Option<f64> {
    let hidden = float(shape.hidden.into());
    let sides = shape.blocks().map(|(layers, block)| {
        let Attention::Grouped(attention) = block.attention else {
            return None;
        };
        let width = |heads: u64| float(heads.into()) * float(attention.head_dim.into());
        let (queries, keys) = (width(attention.heads), width(attention.kv_heads));
        let of_mlp = |mlp: &Mlp| {
            let matrices = if mlp.gated { 3.0 } else { 2.0 };
            matrices * (hidden + float(mlp.width.into()))
        };
        let inner = match &block.feed_forward {
            FeedForward::Dense(mlp) => of_mlp(mlp),
            FeedForward::Experts(_) => return None,
        };
        let outer = 2.0 * (hidden + queries) + 2.0 * (hidden + keys);
        Some(float(layers.into()) * (outer + inner))
    });
    Some(float(rank.into()) * sides.sum::<Option<f64>>()?)
}

#[expect(clippy::cast_precision_loss, reason = "sizes of models")]
fn float(number: u128) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::shapes;

    fn lora(name: &str, sequence: u64, recompute: Recompute, kind: AdapterKind) -> Adapted {
        let shape = shapes().find(name).unwrap().shape().unwrap();
        Adapted::of(&shape, sequence, recompute, kind, 8)
    }

    /// The published pairs that `LORA_MEASURED` names; GPT-3's share is that of BLOOM, as large.
    #[test]
    fn published_steps_lie_in_the_range() {
        let gpt = lora("bloom-176b", 2048, Recompute::Full, AdapterKind::Lora);
        let llama = lora("llama-3-70b", 4096, Recompute::None, AdapterKind::Lora);
        for (own, full, adapted) in [
            (gpt, 32.5, 43.1),
            (llama, 1638.0, 2643.0),
            (llama, 3593.0, 5958.0),
            (llama, 4312.0, 7447.0),
        ] {
            let measured: f64 = full / adapted;
            let times = measured / own.time;
            let [low, high] = LORA_MEASURED;
            assert!(low - 5e-3 <= times && times <= high + 5e-3, "{times}");
        }
    }

    /// Seconds of an iteration with and without 4 bits, as Qwen's README has them.
    #[test]
    fn four_bits_take_what_was_measured() {
        let rows = [
            [1.1, 1.7, 3.3, 6.8, 1.4, 2.0, 3.4, 6.5],
            [2.8, 5.2, 10.1, 21.3, 3.5, 7.0, 11.6, 22.3],
            [4.4, 8.4, 17.0, 36.0, 8.2, 11.8, 20.1, 38.3],
        ];
        let ratios = rows.iter().flat_map(|row| (0..4).map(|at| row[at + 4] / row[at]));
        let mut ratios: Vec<f64> = ratios.collect();
        ratios.sort_by(f64::total_cmp);
        let mean = ratios.iter().map(|ratio| libm::log(*ratio)).sum::<f64>() / 12.0;
        assert!((libm::exp(mean) - QLORA).abs() < 5e-3, "{}", libm::exp(mean));
        assert!((ratios[1] - QLORA_80[0]).abs() < 5e-3, "{}", ratios[1]);
        assert!((ratios[10] - QLORA_80[1]).abs() < 1e-2, "{}", ratios[10]);
    }

    /// Unsloth's notebooks print 41,943,040 trainable parameters of Llama 3 8B for adapters of rank 16
    /// on all linear layers of its blocks: half of that at rank 8.
    #[test]
    fn adapters_are_counted() {
        let llama = lora("llama-3-8b", 8192, Recompute::None, AdapterKind::Lora);
        assert!((llama.trained.unwrap() - 41_943_040.0 / 2.0).abs() < 0.5, "{:?}", llama.trained);
        let four = lora("llama-3-8b", 8192, Recompute::None, AdapterKind::Qlora);
        assert!((four.time / llama.time - QLORA).abs() < 1e-12);
    }
}
