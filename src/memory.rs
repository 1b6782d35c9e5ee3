//! What one training step holds on one device, as a timeline with a peak.
//!
//! Not a sum of rules of thumb but a small simulation: the operators of a block with what each
//! saves for backward, in order, with gathers, frees, gradients, the loss and the optimizer. Like
//! layers are simulated once.

mod block;
mod fsdp;
mod label;
mod line;
mod operator;
mod setting;
mod tape;
mod timeline;

pub use label::Label;
pub use line::Line;
pub use setting::{AttentionKernel, LossKernel, Optimizer, Precision, Profile, Setting};
pub use timeline::{Envelope, Level, Peak, Phase, Timeline};

use crate::model::Shape;
use block::{Stream, number};
use operator::NormKind;

/// One training step on the device that holds most.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Allocations and frees in order.
    pub timeline: Timeline,
    /// Tokens of one micro-batch on this device.
    pub tokens: f64,
    /// Tokens of one sequence on this device.
    pub sequence: f64,
}

impl Step {
    /// The most that is held at once.
    #[must_use]
    pub fn peak(&self) -> Peak {
        self.timeline.peak(self.tokens)
    }

    /// The most sequences of a micro-batch whose peak is not above so many bytes; none where not
    /// even one fits.
    #[must_use]
    pub fn most_sequences(&self, bytes: f64) -> Option<f64> {
        let sequences = (self.timeline.envelope().most_tokens(bytes)? / self.sequence).floor();
        (sequences >= 1.0).then_some(sequences)
    }
}

/// Why a step cannot be simulated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct MemoryError {
    /// The plan's key at fault.
    pub key: &'static str,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: String,
}

/// Simulates one training step.
///
/// # Errors
/// A model, strategy or kernel whose operators are not known here: nothing is guessed.
pub fn step(shape: &Shape, setting: &Setting) -> Result<Step, MemoryError> {
    let sequence = number(setting.sequence);
    let (rms, statistics) = match setting.profile {
        Profile::Eager => (NormKind::RmsByParts, 2),
        Profile::Cuda => (NormKind::RmsFused, 4),
    };
    let stream = Stream::of(shape, sequence, rms, NormKind::Layer { statistics });
    let timeline = fsdp::step(shape, &stream, setting).ok_or_else(|| MemoryError {
        key: "model",
        message: "blocks of this kind are not simulated".to_owned(),
        help: "dense blocks with grouped attention are".to_owned(),
    })?;
    let tokens = number(setting.layout.micro_batch) * sequence;
    Ok(Step { timeline, tokens, sequence })
}
