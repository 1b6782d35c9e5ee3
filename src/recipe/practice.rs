//! What published runs do where no law says more, and the weight decay that a law gives.

use crate::quantity::{Params, Tokens};
use libm::pow;

/// Rates of the moments' averages under `AdamW`: GPT-3 (arXiv:2005.14165, appendix B), `LLaMA`
/// (arXiv:2302.13971, section 2.3), `OLMo` 2 (allenai/OLMo, configs/official-1124).
pub const BETAS: [f64; 2] = [0.9, 0.95];

/// Norm to which a gradient is clipped: the same sources.
pub const CLIP_NORM: f64 = 1.0;

/// Weight decay: the same sources.
pub const WEIGHT_DECAY: f64 = 0.1;

/// What is left of the peak at the end of a cosine or a line: GPT-3, `LLaMA` and `OLMo` 2 end at a tenth.
pub const FLOOR: f64 = 0.1;

/// Share of a run over which `wsd` decays: `MiniCPM` (arXiv:2404.06395) takes about a tenth.
pub const DECAY_SHARE: f64 = 0.1;

/// The weight decay that the timescale of `AdamW` asks for: B / (tau lr D), with tau = 1.084
/// (D/N)^-0.527 (Bergsma et al. 2025, arXiv:2505.13738; models of 0.1 to 3.3 B under muP).
#[must_use]
pub fn weight_decay(params: Params, tokens: Tokens, batch: Tokens, rate: f64) -> f64 {
    let timescale = 1.084 * pow(tokens.0 / params.0, -0.527);
    batch.0 / (timescale * rate * tokens.0)
}

/// Fewest steps of a warm-up under which the second moment is no longer a guess: 2/(1 - beta2) (Ma
/// and Yarats 2019, arXiv:1910.04209).
#[must_use]
pub fn least_warmup_steps(beta2: f64) -> f64 {
    2.0 / (1.0 - beta2)
}

/// Warm-ups of published recipes, tokens: 2,000 steps (`LLaMA`, `OLMo` 2), 375 M tokens (GPT-3), 1 % of the
/// run (Pythia, arXiv:2304.01373), as many tokens as parameters (Porian et al. 2024).
#[must_use]
pub fn warmups(params: Params, tokens: Tokens, batch: Tokens) -> [f64; 4] {
    [2000.0 * batch.0, 375e6, 0.01 * tokens.0, params.0]
}

/// Steps of warm-up where a plan states none: 2,000, but no more than a hundredth of the run and no
/// fewer than the second moment needs, and never past its half.
#[must_use]
pub fn warmup_steps(steps: f64, beta2: f64) -> f64 {
    let least = least_warmup_steps(beta2).round();
    (0.01 * steps).round().min(2000.0).max(least).min((0.5 * steps).floor()).max(1.0)
}
