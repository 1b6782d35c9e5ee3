//! Outcomes of runs under a known law.

use super::Ladder;
use crate::fit::Run;
use crate::law::Surface;
use crate::quantity::{Params, Tokens};
use libm::{cos, exp, log, sqrt};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// How the log losses lie around a law.
#[derive(Debug, Clone, PartialEq)]
pub enum Noise {
    /// Normal, with this standard deviation.
    Normal(f64),
    /// Drawn from these.
    Of(Vec<f64>),
}

/// What is simulated.
#[derive(Debug, Clone, PartialEq)]
pub struct World<'a> {
    /// The runs; their losses are not read.
    pub runs: &'a [Run],
    /// The law that is true.
    pub law: Surface,
    /// How far losses lie from it.
    pub noise: Noise,
}

/// Losses of the runs of a ladder under the law that placed them; the line is that of its manifest.
#[must_use]
pub fn outcome(ladder: &Ladder, seed: u64) -> Vec<Run> {
    let runs = runs(ladder);
    let settings = &ladder.settings;
    World { runs: &runs, law: settings.law, noise: Noise::Normal(settings.noise) }.outcome(seed, 0)
}

/// The runs of a ladder, without an outcome.
#[must_use]
pub fn runs(ladder: &Ladder) -> Vec<Run> {
    let runs = (2..).zip(&ladder.rungs).map(|(line, rung)| Run {
        params: rung.params.0,
        tokens: rung.tokens.0,
        loss: 1.0,
        weight: 1.0,
        unique_tokens: None,
        line,
    });
    runs.collect()
}

impl World<'_> {
    /// The runs with losses: the outcome of a number, of those of a seed.
    #[must_use]
    pub fn outcome(&self, seed: u64, set: u64) -> Vec<Run> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // the resamples of a fit with this seed take the streams from 0
        rng.set_stream(u64::MAX - set);
        let runs = self.runs.iter().map(|run| {
            let expected = self.law.loss(Params(run.params), Tokens(run.tokens)).0;
            let deviation = match &self.noise {
                Noise::Normal(sd) => sd * normal(&mut rng),
                Noise::Of(all) => all[rng.random_range(0..all.len())],
            };
            Run { loss: expected * exp(deviation), ..*run }
        });
        runs.collect()
    }
}

/// A standard normal deviate (Box and Muller).
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let (radius, turn): (f64, f64) = (rng.random(), rng.random());
    sqrt(-2.0 * log(1.0 - radius)) * cos(std::f64::consts::TAU * turn)
}
