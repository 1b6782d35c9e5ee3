//! How long one optimizer step takes, and what it does in that time.
//!
//! A roofline for each kind of work: matrix products by their FLOPs and bytes, attention, what only
//! streams through memory, the optimizer; then what is computed anew, the collectives of each axis
//! over the links that they cross, less what is hidden behind compute, and the pipeline's bubble.
//! What an engine reaches of a device's peaks is fitted on published runs: `engines.toml` says how
//! each engine works, `constants.toml` lists every fitted number with the rows that it was fitted on.
//!
//! ```text
//! Work    a shape, for one length of sequence         once for a model
//! Clock   work, an engine and a device                once for a cluster
//! Clock::step(&Layout) -> StepTime                    below a microsecond, for a search
//! ```

mod adapter;
mod clock;
mod constant;
mod engine;
mod evidence;
mod exchange;
mod passes;
mod rates;
mod work;

use crate::model::{Convention, Shape};

pub use adapter::{Adapted, LORA_MEASURED, QLORA, QLORA_80};
pub use clock::Clock;
pub use constant::{Constant, constants};
pub use engine::{Engine, Selective, engines};
pub use evidence::{SUITES, Suite, evidence};
pub use work::Work;

/// One optimizer step on the pipeline device that takes longest; seconds, which add up.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct StepTime {
    /// Matrix products, norms, activations, head and loss, forward and backward.
    pub compute: f64,
    /// The cores of attention, forward and backward.
    pub attention: f64,
    /// What backward computes anew.
    pub recompute: f64,
    /// What a layer costs whatever its size: launches, and an experts' router and bookkeeping.
    pub launch: f64,
    /// Collectives that nothing hides.
    pub exposed: Exposed,
    /// A pipeline's waiting at the start and the end of a step.
    pub bubble: f64,
    /// The optimizer.
    pub optimizer: f64,
    /// What more nodes cost beside their traffic: the slowest is waited for.
    pub spread: f64,
}

/// Seconds of collectives that nothing hides, by axis.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Exposed {
    /// Parameters and gradients within a copy of the states.
    pub dp_shard: f64,
    /// Gradients between copies of the states.
    pub dp_replicate: f64,
    /// Activations of split products.
    pub tp: f64,
    /// Keys and values.
    pub cp: f64,
    /// Tokens to their experts and back, and their sorting.
    pub ep: f64,
    /// The stream between stages.
    pub pp: f64,
}

impl Exposed {
    /// Every axis with its seconds.
    #[must_use]
    pub fn by_axis(&self) -> [(&'static str, f64); 6] {
        [
            ("dp_shard", self.dp_shard),
            ("dp_replicate", self.dp_replicate),
            ("tp", self.tp),
            ("cp", self.cp),
            ("ep", self.ep),
            ("pp", self.pp),
        ]
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.by_axis().iter().map(|(_, seconds)| seconds).sum()
    }
}

impl StepTime {
    /// The parts but the exposed collectives, by the names of the fields.
    #[must_use]
    pub fn parts(&self) -> [(&'static str, f64); 7] {
        [
            ("compute", self.compute),
            ("attention", self.attention),
            ("recompute", self.recompute),
            ("launch", self.launch),
            ("bubble", self.bubble),
            ("optimizer", self.optimizer),
            ("spread", self.spread),
        ]
    }

    /// The whole step, seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.exposed.total() + self.parts().iter().map(|(_, seconds)| seconds).sum::<f64>()
    }
}

/// Share of the dense BF16 peak that a rate of tokens is, under a convention's FLOPs of a token.
#[must_use]
pub fn mfu(
    shape: &Shape,
    sequence: u64,
    convention: Convention,
    tokens_per_second_per_device: f64,
    peak_flops: f64,
) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a share has not as many digits")]
    let flops = shape.flops_per_token(convention, sequence) as f64;
    tokens_per_second_per_device * flops / peak_flops
}

/// Why a step has no time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ThroughputError {
    /// The plan's key at fault.
    pub key: &'static str,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: String,
}

#[expect(clippy::cast_precision_loss, reason = "sizes and degrees are far below 2^53")]
fn float(number: u64) -> f64 {
    number as f64
}
