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
mod tape;
mod timeline;

pub use fsdp::Settings;
pub use label::Label;
pub use line::Line;
pub use timeline::{Envelope, Level, Peak, Phase, Timeline};

use crate::model::Shape;
use block::Stream;
use operator::NormKind;

/// One step of eager PyTorch under FSDP2.
#[must_use]
pub fn fsdp_step(shape: &Shape, settings: &Settings) -> Option<Timeline> {
    #[expect(clippy::cast_precision_loss, reason = "sequences are below 1e9")]
    let sequence = settings.sequence as f64;
    let layer = NormKind::Layer { statistics: 2 };
    let stream = Stream::of(shape, sequence, NormKind::RmsByParts, layer);
    fsdp::step(shape, &stream, settings)
}
