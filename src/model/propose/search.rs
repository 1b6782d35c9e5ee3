//! The search for an aligned shape of a size: every width and depth near the wanted proportion, the
//! feed-forward that fits, and the one that is most as published models are.

use super::{TOLERANCE, Wanted};
use crate::law::Counting;
use crate::model::generic::ShapeKeys;
use crate::model::relatives::float;
use crate::model::shape::Shape;
use libm::{fabs, log, sqrt};
use std::ops::RangeInclusive;

/// Widths are multiples of this.
const ALIGN: u64 = 128;
/// Widest hidden width that is tried.
pub(super) const WIDEST: u64 = 65_536;
/// Deepest that is tried.
const DEEPEST: f64 = 500.0;
/// Feed-forward width over hidden width, as Llama 3 has it, and the bounds of what is tried:
/// Llama's first models had 8/3, Qwen2.5-7B 5.3. Of a mixture it is the experts on a token together:
/// `OLMoE` 4, Qwen3 30B-A3B 3, Mixtral 7, DeepSeek-V3 2.3.
const FFN: f64 = 3.5;
const FFN_RANGE: [f64; 2] = [2.25, 5.4];
const EXPERTS_RANGE: [f64; 2] = [1.0, 7.5];

/// A shape that fits.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub keys: ShapeKeys,
    pub shape: Shape,
}

/// What is searched for.
pub(super) struct Search<'a> {
    wanted: &'a Wanted,
    vocab: u64,
    tied: bool,
    /// Hidden width over layers.
    aspect: f64,
    mixtures: Vec<(u64, u64)>,
}

/// Vocabulary and tie where they are left open: those of Llama 2 (32,000) tied below 3e7, of `SmolLM2`
/// 135M (49,152, tied) below 1e9, of Llama 3.2 (128,256, tied) below 4e9, and of Llama 3 (128,256,
/// untied) from there on; by the active parameters, where they are wanted.
pub(super) fn embedding(wanted: &Wanted) -> (u64, bool) {
    let params = wanted.active_params.unwrap_or(wanted.params).0;
    let usual = match params {
        _ if params < 3e7 => 32_000,
        _ if params < 1e9 => 49_152,
        _ => 128_256,
    };
    (wanted.vocab.unwrap_or(usual), wanted.tied.unwrap_or(params < 4e9))
}

/// Experts on a token: Mixtral has 2 of 8, `OLMoE` 8 of 64, Qwen3 8 of 128.
fn usual_k(experts: u64) -> u64 {
    if experts < 32 { 2 } else { 8 }
}

/// Experts and how many of them work on a token; (0, 0) for a dense shape.
fn mixtures(wanted: &Wanted) -> Vec<(u64, u64)> {
    let active = wanted.active_params.is_some();
    let counts = match wanted.experts {
        None if !active => return vec![(0, 0)],
        None => vec![8, 16, 32, 64, 128, 256],
        Some(experts) => vec![experts],
    };
    let ks = |experts: u64| {
        if active { vec![1, 2, 4, 6, 8, 10, 12, 16] } else { vec![usual_k(experts)] }
    };
    let pairs = counts.iter().flat_map(|e| ks(*e).into_iter().map(move |k| (*e, k)));
    pairs.map(|(experts, k)| (experts, k.min(experts - 1))).collect()
}

impl<'a> Search<'a> {
    pub fn new(wanted: &'a Wanted, aspect: f64) -> Self {
        let (vocab, tied) = embedding(wanted);
        Self { wanted, vocab, tied, aspect, mixtures: mixtures(wanted) }
    }

    /// The best shape so many times deeper or shallower than wanted at most, or none where nothing
    /// aligned is near enough to the target. Ties go to the narrower, then to the shallower.
    pub fn best(&self, slack: f64) -> Option<Candidate> {
        let mut best: Option<(f64, Candidate)> = None;
        for hidden in (1..=WIDEST / ALIGN).map(|tiles| tiles * ALIGN) {
            let depth = float(hidden.into()) / self.aspect;
            for layers in self.depths(hidden, depth, slack) {
                for &(experts, k) in &self.mixtures {
                    let least = best.as_ref().map_or(f64::INFINITY, |(least, _)| *least);
                    if let Some(better) = self.fit(hidden, layers, (experts, k), least) {
                        best = Some(better);
                    }
                }
            }
        }
        best.map(|(_, candidate)| candidate)
    }

    /// Depths near the wanted one at which the layers can make up the parameters: a layer has at
    /// least 6 times the square of its width.
    fn depths(&self, hidden: u64, depth: f64, slack: f64) -> RangeInclusive<u64> {
        let h = float(hidden.into());
        let most = self.wanted.params.0 / (6.0 * h * h);
        whole((depth / slack).max(2.0))..=whole((depth * slack).min(most).min(DEEPEST))
    }

    /// Parameters of the vocabulary that the target does not count.
    fn left_out(&self, hidden: f64) -> f64 {
        let table = float(self.vocab.into()) * hidden;
        match (self.wanted.counting, self.tied) {
            (Counting::WithoutEmbeddings, false) => 2.0 * table,
            (Counting::WithoutEmbeddings, true) | (Counting::OneVocabulary, false) => table,
            _ => 0.0,
        }
    }

    /// The shape of such a width and depth whose feed-forward makes up the target, and how unlike
    /// published models it is; none where that is not less than `least`.
    fn fit(
        &self,
        hidden: u64,
        layers: u64,
        (experts, k): (u64, u64),
        least: f64,
    ) -> Option<(f64, Candidate)> {
        let head_dim = if hidden < 2048 { 64 } else { 128 };
        let heads = hidden / head_dim;
        let kv_heads = kv_heads(heads)?;
        let h = float(hidden.into());
        let depth = float(layers.into());
        let (e, k_share) = (float(experts.max(1).into()), float(k.max(1).into()));
        let attention = 2.0 * h * h + 2.0 * h * float((kv_heads * head_dim).into());
        let tables = float(self.vocab.into()) * h * if self.tied { 1.0 } else { 2.0 };
        let router = if experts > 0 { h * e } else { 0.0 };
        let target = self.wanted.params.0 + self.left_out(h);
        let rest = tables + depth * (attention + router + 2.0 * h) + h;
        let each = 3.0 * h * e * depth; // parameters for one more of width
        let exact = (target - rest) / each;
        let ratio = exact * k_share / h;
        let [low, high] = if experts > 0 { EXPERTS_RANGE } else { FFN_RANGE };
        if !(low..=high).contains(&ratio) {
            return None;
        }
        let width = aligned(exact, TOLERANCE / 2.0 * self.wanted.params.0 / each);
        let active = rest + each * k_share / e * float(width.into());
        let off = |target: f64, counted: f64| fabs(counted / target - 1.0);
        let apart = fabs(rest + each * float(width.into()) - target) / self.wanted.params.0
            + self.wanted.active_params.map_or(0.0, |wanted| off(wanted.0, active));
        if apart > 2.0 * TOLERANCE {
            return None;
        }
        let unlike = |off: f64| {
            2.0 * fabs(log(h / depth / self.aspect))
                + fabs(log(ratio / FFN))
                + 5.0 * off
                + 0.5
                    * fabs(log(k_share / float(usual_k(experts).into())))
                    * f64::from(u8::from(k > 0))
                + misaligned(hidden, layers, heads, kv_heads)
        };
        if unlike(0.0) >= least {
            return None; // most shapes are not worth making
        }
        let keys = ShapeKeys {
            layers: Some(layers),
            hidden: Some(hidden),
            heads: Some(heads),
            kv_heads: Some(kv_heads),
            head_dim: Some(head_dim),
            vocab: Some(self.vocab),
            tied: Some(self.tied),
            ffn: (experts == 0).then_some(width),
            experts: (experts > 0).then_some(experts),
            experts_per_token: (experts > 0).then_some(k),
            expert_ffn: (experts > 0).then_some(width),
            ..ShapeKeys::default()
        };
        let shape = keys.shape().ok()?;
        let total = off(self.wanted.params.0, shape.size_by(self.wanted.counting).0);
        let active =
            self.wanted.active_params.map_or(0.0, |active| off(active.0, shape.active_params().0));
        if total > TOLERANCE || active > TOLERANCE {
            return None;
        }
        let unlike = unlike(total + active);
        (unlike < least).then_some((unlike, Candidate { keys, shape }))
    }
}

/// Small costs of sizes that split badly over devices: of the hidden width and the heads over 8
/// ranks, of keys and values over 8 ranks, of the layers over 4 stages.
fn misaligned(hidden: u64, layers: u64, heads: u64, kv_heads: u64) -> f64 {
    let cost = |bad: bool, cost: f64| if bad { cost } else { 0.0 };
    cost(!hidden.is_multiple_of(8 * ALIGN), 0.1)
        + cost(!hidden.is_multiple_of(4 * ALIGN), 0.1)
        + cost(!heads.is_multiple_of(8), 0.1)
        + cost(heads >= 16 && kv_heads < 8, 0.15)
        + cost(!layers.is_multiple_of(4), 0.05)
        + cost(!layers.is_multiple_of(2), 0.05)
}

/// The width nearest to the exact one in steps of 1024, 512, 256 or 128: the largest step that stays
/// within a bound, or else 128.
fn aligned(exact: f64, bound: f64) -> u64 {
    let to = |step: u64| whole(exact / float(step.into()) + 0.5) * step;
    let near = |step: &u64| fabs(float(to(*step).into()) - exact) <= bound;
    to([8 * ALIGN, 4 * ALIGN, 2 * ALIGN].into_iter().find(near).unwrap_or(ALIGN)).max(ALIGN)
}

/// Heads for keys and values: 8 where they divide (Llama 3, Qwen3), else fewer. An odd number of
/// heads that nothing divides is no shape that is published.
fn kv_heads(heads: u64) -> Option<u64> {
    let most = if heads >= 16 { 8 } else { whole(sqrt(float(heads.into()))).max(1) };
    (1..=most).rev().find(|kv| heads.is_multiple_of(*kv) && (*kv > 1 || heads <= 3))
}

/// The whole number below.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn whole(number: f64) -> u64 {
    number.clamp(0.0, 1e15) as u64
}
