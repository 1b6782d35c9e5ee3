//! What one training step holds on one device, as a timeline with a peak.
//!
//! Not a sum of rules of thumb but a small simulation: the operators of a block with what each
//! saves for backward, in order, with gathers, frees, gradients, the loss and the optimizer. Like
//! layers are simulated once.

mod attention;
mod block;
mod check;
mod code;
mod compare;
mod deepspeed;
mod device;
mod engine;
mod evidence;
mod experts;
mod label;
mod layer;
mod line;
mod loss;
mod megatron;
mod operator;
mod papers;
mod pool;
mod remedies;
mod reserved;
mod root;
mod setting;
mod states;
mod step;
mod stream;
mod tape;
mod timeline;
mod unit;

pub use compare::{Outcome, Row, Way, compare};
pub use device::{Context, Device, Estimate, NCCL, Over, Ratios, fits};
pub use evidence::{
    ADAPTERS, BIGSCIENCE, HUGGING_FACE, KNOWN_FAMILIES, MEASURED, MEGATRON, OFFLOADED, REPLICATED,
    Settings, Suite, TENSOR, TORCHTITAN, TRACKER, evidence,
};
pub use label::{Group, Label};
pub use line::Line;
pub use papers::{korthikanti_bytes_per_layer, zero_state_bytes};
pub use pool::Segments;
pub use remedies::{Remedy, remedies};
pub use setting::{
    Adapter, AdapterKind, AttentionKernel, Base, LossKernel, MAX_RANK, Optimizer, Precision,
    Profile, Setting,
};
pub use timeline::{Envelope, Event, Lane, Moment, Peak, Phase, Stretch, Timeline};

use crate::layout::Layout;
use crate::model::Shape;
use stream::number;

/// One training step on the device that holds most.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Step {
    /// Allocations and frees in order.
    pub timeline: Timeline,
    /// Tokens of one micro-batch on this device.
    pub tokens: f64,
    /// Tokens of one sequence on this device.
    pub sequence: f64,
    /// Its place in the pipeline, counted from 0.
    pub stage: u64,
    /// How the allocator asks the driver for memory.
    pub segments: Segments,
    /// Bytes that `nvidia-smi` shows beside what is reserved: CUDA's context, kernels and NCCL's
    /// buffers; none where nobody has measured them.
    pub context: Option<f64>,
}

impl Step {
    /// The most that is held at once.
    #[must_use]
    pub fn peak(&self) -> Peak {
        self.timeline.peak(self.tokens)
    }

    /// The most that PyTorch's caching allocator asks the driver for, bytes: the peak, and the
    /// holes that no request fitted. Three full steps are walked block by block: tens of
    /// milliseconds for a hundred layers, where the peak takes microseconds.
    #[must_use]
    pub fn reserved(&self) -> f64 {
        reserved::reserved(&self.timeline, self.tokens, self.segments)
    }

    /// What `nvidia-smi` shows, bytes: reserved memory and what lies outside the allocator; none
    /// where that is not known.
    #[must_use]
    pub fn on_device(&self) -> Option<f64> {
        Some(self.reserved() + self.context?)
    }

    /// The most sequences of a micro-batch whose peak is not above so many bytes; none where not
    /// even one fits.
    #[must_use]
    pub fn most_sequences(&self, bytes: f64) -> Option<f64> {
        let sequences = (self.timeline.most_tokens(bytes)? / self.sequence).floor();
        (sequences >= 1.0).then_some(sequences)
    }
}

/// Bytes on the host for each device: the shards of parameters, gradients and optimizer states
/// that CPU offload takes from it; none without offload.
///
/// # Errors
/// What cannot be simulated.
pub fn host_bytes(shape: &Shape, setting: &Setting) -> Result<Option<f64>, MemoryError> {
    if !setting.layout.cpu_offload {
        return Ok(None);
    }
    let layout = Layout { cpu_offload: false, ..setting.layout };
    let step = step(shape, &Setting { layout, ..*setting })?;
    let kept = [Label::Parameters, Label::Gradients, Label::Optimizer];
    Ok(Some(kept.map(|label| step.timeline.left(label).at(step.tokens)).iter().sum()))
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

/// Whether a step can be simulated: its operators are known, and its splits are whole.
///
/// # Errors
/// What is not known, or does not divide.
pub fn possible(shape: &Shape, setting: &Setting) -> Result<(), MemoryError> {
    check::possible(shape, setting)
}

/// Peaks of a step as functions of the tokens of its micro-batch, for every place in the pipeline
/// that may hold most; the micro-batches on their way are those of the setting.
///
/// # Errors
/// As [`step`].
pub fn envelopes(shape: &Shape, setting: &Setting) -> Result<Vec<Envelope>, MemoryError> {
    check::possible(shape, setting)?;
    let places = places(shape, setting).into_iter();
    Ok(places.map(|stage| timeline(shape, setting, stage).envelope()).collect())
}

/// Simulates one training step.
///
/// # Errors
/// A model, strategy or kernel whose operators are not known here: nothing is guessed.
pub fn step(shape: &Shape, setting: &Setting) -> Result<Step, MemoryError> {
    check::possible(shape, setting)?;
    let sequence = number(setting.sequence) / number(setting.layout.cp);
    let tokens = number(setting.layout.micro_batch) * sequence;
    let of = |stage: u64| Step {
        timeline: timeline(shape, setting, stage),
        tokens,
        sequence,
        stage,
        segments: setting.profile.segments(),
        // without a GPU nothing is shown
        context: Context::of(setting).whole().filter(|_| setting.profile != Profile::Eager),
    };
    let heavier = |a: Step, b: Step| if b.peak().bytes > a.peak().bytes { b } else { a };
    let heaviest = places(shape, setting).into_iter().map(of).reduce(heavier);
    Ok(heaviest.unwrap_or_default())
}

/// Places in the pipeline whose device may hold most.
fn places(shape: &Shape, setting: &Setting) -> Vec<u64> {
    if setting.profile == Profile::Megatron {
        megatron::places(shape, setting)
    } else {
        step::places(shape, setting)
    }
}

/// One step of the device at a place, under the setting's profile.
fn timeline(shape: &Shape, setting: &Setting, stage: u64) -> Timeline {
    match setting.profile {
        Profile::Megatron => megatron::timeline(shape, setting, stage),
        profile if profile.megatron_deepspeed() => deepspeed::timeline(shape, setting, stage),
        _ => step::timeline(shape, setting, stage),
    }
}
