//! Runs over mixtures of a known law.

use plan::fit::{MixingLaw, MixtureRun};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

pub const SOURCES: [&str; 3] = ["web", "code", "math"];
pub const LOSSES: [&str; 3] = ["prose", "code", "math"];

/// Three losses, each of which falls most with its own source.
pub fn truth() -> Vec<MixingLaw> {
    [(2.1, 0.5, [-1.2, 0.7, 0.6]), (1.0, 0.7, [0.4, -2.4, -0.3]), (1.3, 0.6, [0.3, -0.6, -3.0])]
        .map(|(c, k, t)| MixingLaw { c, k, t: t.to_vec() })
        .to_vec()
}

/// Mixtures drawn evenly from all there are, with a deviation of the log losses.
pub fn runs(count: usize, noise: f64, seed: u64) -> Vec<MixtureRun> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let laws = truth();
    let mut run = |index: usize| {
        let parts: Vec<f64> =
            SOURCES.iter().map(|_| -libm::log(1.0 - rng.random::<f64>())).collect();
        let sum: f64 = parts.iter().sum();
        let shares: Vec<f64> = parts.iter().map(|part| part / sum).collect();
        let losses = laws.iter().map(|law| {
            let (radius, turn): (f64, f64) = (rng.random(), rng.random());
            let normal =
                (-2.0 * libm::log(1.0 - radius)).sqrt() * libm::cos(std::f64::consts::TAU * turn);
            law.loss(&shares) * libm::exp(noise * normal)
        });
        let losses = losses.collect();
        MixtureRun { shares, losses, weight: 1.0, line: index as u64 + 2 }
    };
    (0..count).map(&mut run).collect()
}

/// As the CSV that `llmplan fit --form mixing` reads.
pub fn table(runs: &[MixtureRun]) -> String {
    let header = SOURCES.iter().map(|name| format!("mixture.{name}"));
    let header = header.chain(LOSSES.iter().map(|name| format!("loss.{name}")));
    let mut text = header.collect::<Vec<_>>().join(",") + "\n";
    for run in runs {
        let shares = run.shares.iter().map(|share| format!("{share:.4}"));
        let losses = run.losses.iter().map(|loss| format!("{loss:.4}"));
        text += &(shares.chain(losses).collect::<Vec<_>>().join(",") + "\n");
    }
    text
}
