//! Runs of a known law.

use plan::fit::Run;
use plan::law::Surface;
use plan::quantity::{Flops, FlopsPerParamToken, Params, Tokens};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// The law of Besiroglu et al. 2024.
pub const TRUTH: Surface =
    Surface { e: 1.8172, a: 482.01, b: 2085.43, alpha: 0.3478, beta: 0.3658 };

/// A grid of runs: budgets, evenly spaced in the logarithm, and at each so many sizes from a quarter
/// to four times the optimum.
#[derive(Clone, Copy)]
pub struct Grid {
    pub budgets: u32,
    pub sizes: u32,
    /// First and last budget, FLOP.
    pub flops: [f64; 2],
    /// Standard deviation of the log loss.
    pub noise: f64,
    /// Share of the runs whose deviation is four times as large.
    pub wild: f64,
}

impl Grid {
    /// The runs of a seed; line i + 2 is that of run i.
    pub fn runs(&self, seed: u64) -> Vec<Run> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let share = |index: u32, count: u32| f64::from(index) / f64::from(count - 1);
        let mut runs = Vec::new();
        for budget in 0..self.budgets {
            let [first, last] = self.flops;
            let flops = first * libm::pow(last / first, share(budget, self.budgets));
            let best = TRUTH.optimum(Flops(flops), FlopsPerParamToken::TRAINING).params.unwrap();
            for size in 0..self.sizes {
                let params = best.0 * libm::pow(2.0, -2.0 + 4.0 * share(size, self.sizes));
                let tokens = flops / (6.0 * params);
                let wild = if rng.random::<f64>() < self.wild { 4.0 } else { 1.0 };
                let deviation = libm::exp(self.noise * wild * normal(&mut rng));
                let loss = TRUTH.loss(Params(params), Tokens(tokens)).0 * deviation;
                let line = runs.len() as u64 + 2;
                runs.push(Run { params, tokens, loss, weight: 1.0, unique_tokens: None, line });
            }
        }
        runs
    }
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let (radius, turn): (f64, f64) = (rng.random(), rng.random());
    (-2.0 * libm::log(1.0 - radius)).sqrt() * libm::cos(std::f64::consts::TAU * turn)
}
