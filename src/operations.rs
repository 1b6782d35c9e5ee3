//! What happens beside training: checkpoints against failures, and what is left for training.
//!
//! Failures come at random, at a constant rate. A run trains for a while, saves, and after a
//! failure starts from its last checkpoint. The expected time of such a piece, failures while
//! saving and restarting included, is M e^(R/M) (e^((t + d)/M) - 1) for t seconds of training, d of
//! saving, R of restarting and M between failures; it is derived from the memorylessness of the
//! failures and tested against a simulation. Its best t is, to first order, the square root of 2dM
//! that is known as Young's formula.

use libm::{exp, expm1};

/// Mean hours of one accelerator between failures that stop the run, where a plan states none:
/// Llama 3's 419 unexpected interruptions in 54 days on 16,384 H100s (arXiv:2407.21783).
pub const HOURS_BETWEEN_FAILURES: f64 = 16_384.0 * 54.0 * 24.0 / 419.0;

/// Seconds from a failure to the next step, where a plan states none: the median of 11 minutes that
/// a 504-GPU cluster reports between tries.
pub const RESTART_SECONDS: f64 = 660.0;

/// Bytes of a checkpoint for each parameter under `AdamW` in mixed precision: a BF16 weight, and in
/// FP32 the weight and two moments. BLOOM's 176.2 B parameters took 2.3 TB, its weights 329 GB, in
/// units of 1024 (bigscience.notion.site, the 176B model).
pub const CHECKPOINT_BYTES: f64 = 14.0;

/// Bytes that one device writes in a second, where a plan does not say how long saving takes: BLOOM's
/// 384 A100s saved 2.3 TB, in units of 1024, in 40 s (bigscience-workshop/bigscience,
/// train/tr11-176B-ml/chronicles.md).
pub const SAVED_PER_SECOND: f64 = 2.3 * 1_099_511_627_776.0 / 40.0 / 384.0;

/// Steps between evaluations, where a plan states none: `OLMo` 2's `eval_interval`
/// (allenai/OLMo, configs/official-1124/OLMo2-7B-stage1.yaml).
pub const EVALUATE_EVERY_STEPS: f64 = 1000.0;

/// Tokens that an evaluation reads, where a plan does not say; a choice.
pub const EVALUATION_TOKENS: f64 = 10e6;

/// Checkpoints to be kept beside those at hand-offs, where a plan does not say; a choice: a spike is
/// left behind by going back past it, and the newest may not be whole.
pub const KEPT: u64 = 3;

/// What published runs reached of the utilisation that they print: 6ND over all their hours beside
/// the MFU of their steps. The MFU counts attention in some of them, and no recomputation.
pub const PUBLISHED_GOODPUT: [(&str, f64, &str); 6] = [
    ("PaLM 540B", 0.66, "arXiv:2204.02311"),
    ("GLM-130B", 0.77, "arXiv:2210.02414"),
    ("Granite 13B", 0.80, "IBM, Granite foundation models, 2023"),
    ("Skywork 13B", 0.82, "arXiv:2310.19341"),
    ("Llama 3.1 405B", 0.84, "arXiv:2407.21783, of 41 %"),
    ("TinyLlama", 0.91, "arXiv:2401.02385"),
];

/// Saving and failing. All times in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Failures {
    /// Mean time between failures of the whole cluster.
    pub between: f64,
    /// From a failure to the first step after it.
    pub restart: f64,
    /// For which saving stops the training.
    pub save: f64,
}

impl Failures {
    /// The share of the time that trains, with a checkpoint after so many seconds of training.
    #[must_use]
    pub fn effective(&self, every: f64) -> f64 {
        let piece = expm1((every + self.save) / self.between);
        every / (self.between * exp(self.restart / self.between) * piece)
    }

    /// The seconds of training between checkpoints that lose least.
    ///
    /// They are M x with (1 - x) e^x = e^(-d/M), where the derivative of the share is 0; x is found
    /// by bisection. What a restart takes does not move it.
    #[must_use]
    pub fn best(&self) -> f64 {
        let target = exp(-self.save / self.between);
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..200 {
            let x = 0.5 * (low + high);
            if (1.0 - x) * exp(x) > target {
                low = x;
            } else {
                high = x;
            }
        }
        self.between * 0.5 * (low + high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    /// Trains piece by piece, failing at random, and counts the time.
    fn simulated(failures: &Failures, every: f64, pieces: u32) -> f64 {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let mut wait = || -failures.between * libm::log(1.0 - random.random::<f64>());
        let mut time = 0.0;
        for _ in 0..pieces {
            let mut ready = true;
            loop {
                let needed = if ready { every + failures.save } else { failures.restart };
                let failed = wait();
                time += failed.min(needed);
                match (failed < needed, ready) {
                    (true, _) => ready = false,
                    (false, true) => break,
                    (false, false) => ready = true,
                }
            }
        }
        every * f64::from(pieces) / time
    }

    #[test]
    fn the_share_is_that_of_a_simulation() {
        for (between, restart, save, every) in [
            (11_000.0, 660.0, 60.0, 1_200.0),
            (3_600.0, 300.0, 120.0, 900.0),
            (1_000.0, 900.0, 30.0, 2_000.0),
        ] {
            let failures = Failures { between, restart, save };
            let (own, run) = (failures.effective(every), simulated(&failures, every, 100_000));
            assert!((own / run - 1.0).abs() < 0.01, "{failures:?}: {own}, simulated {run}");
        }
    }

    #[test]
    fn the_best_interval_is_the_best_and_near_youngs() {
        for between in [500.0, 1e4, 1e6] {
            let failures = Failures { between, restart: 660.0, save: 30.0 };
            let best = failures.best();
            let most = failures.effective(best);
            assert!(most > failures.effective(best * 1.01), "{between}");
            assert!(most > failures.effective(best * 0.99), "{between}");
            let young = (2.0 * 30.0 * between).sqrt();
            assert!((best / young - 1.0).abs() < 0.5 * (30.0 / between).sqrt() + 1e-3, "{between}");
        }
    }

    /// 2 bytes a parameter are the 329 GB that BLOOM's weights take, 14 within 3 % of its 2.3 TB.
    #[test]
    fn a_checkpoint_has_the_bytes_of_blooms() {
        let (params, gib) = (176.247e9_f64, 1_073_741_824.0);
        assert!((2.0 * params / gib - 329.0).abs() < 1.0);
        assert!((CHECKPOINT_BYTES * params / gib / 1024.0 / 2.3 - 1.0).abs() < 0.03);
    }

    /// One failure every three hours on 16,384 H100s, as is reported of Llama 3.
    #[test]
    fn llama_3_failed_every_three_hours() {
        assert!((HOURS_BETWEEN_FAILURES / 16_384.0 - 3.1).abs() < 0.05);
    }
}
