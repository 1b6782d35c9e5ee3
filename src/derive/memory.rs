//! What a training step holds on one device, for plans with a `[layout]`.

use super::split::Split;
use super::{DeriveError, Notes, Problem};
use crate::fact::Evidence;
use crate::hardware::{self, Accelerator};
use crate::layout::LayoutKeys;
use crate::memory::{
    self, Adapter, Context, Device, Label, MAX_RANK, Peak, Profile, Setting, Step, Suite, step,
};
use crate::model::Shape;
use crate::plan::{Chosen, DerivedMemory, KeyPath};
use crate::quantity::{Bytes, grouped};

/// Most bytes that are counted exactly, 2^53; no device has as many.
const MOST: f64 = 9_007_199_254_740_992.0;

/// A training step as the plan has it, on the device that holds most.
#[derive(Debug, Clone)]
pub struct StepMemory {
    /// The model.
    pub shape: Shape,
    /// Everything else that the memory depends on, decided.
    pub setting: Setting,
    /// The step under the plan's profile.
    pub step: Step,
    /// Its peak.
    pub peak: Peak,
    /// The step as a GPU runs it.
    pub cuda: Step,
    /// The most that it allocates there, bytes.
    pub cuda_bytes: f64,
    /// What lies outside the allocator there.
    pub context: Context,
    /// Bytes on the host for each device, under CPU offload.
    pub host_bytes: Option<f64>,
    /// Whether the plan says how many devices there are.
    pub devices_stated: bool,
    /// The accelerator, where the plan names one.
    pub accelerator: Option<&'static Accelerator>,
    /// Memory of an accelerator of one's own.
    pub own_bytes: Option<Bytes>,
}

impl StepMemory {
    /// What tested a step like this.
    #[must_use]
    pub fn evidence(&self) -> Evidence<Suite> {
        memory::evidence(&self.shape, &self.setting)
    }

    /// What the step takes of a GPU: what the allocator reserves is walked block by block, some
    /// milliseconds for a hundred layers.
    #[must_use]
    pub fn device(&self) -> Device {
        Device::of(&self.cuda, &self.setting)
    }

    /// Bytes of the accelerator, where they are known.
    #[must_use]
    pub fn accelerator_bytes(&self) -> Option<f64> {
        Some(self.own_bytes.or_else(|| self.accelerator?.memory())?.0)
    }

    /// Whether what a GPU holds, and its context, fit into the accelerator.
    #[must_use]
    pub fn fits(&self) -> Option<bool> {
        Some(self.cuda_bytes <= self.context.room(self.accelerator_bytes()?))
    }

    /// Most sequences of a micro-batch that fit into the accelerator; 0 where not even one does.
    #[must_use]
    pub fn largest_micro_batch(&self) -> Option<f64> {
        let room = self.context.room(self.accelerator_bytes()?);
        Some(self.cuda.most_sequences(room).unwrap_or(0.0))
    }
}

/// What a GPU allocates at most in a step, bytes; under the step's own profile where that of a GPU
/// is not simulated.
///
/// # Errors
/// None where the step itself can be simulated.
pub fn on_gpu(shape: &Shape, setting: &Setting) -> Result<Step, memory::MemoryError> {
    step(shape, &Setting { profile: setting.profile.on_gpu(), ..*setting })
        .or_else(|_| step(shape, setting))
}

/// Simulates the step of a plan with a `[layout]`.
pub(super) fn of(
    chosen: &Chosen,
    split: Option<&Split>,
    shape: Option<&Shape>,
    family: Option<&'static str>,
    notes: &mut Notes,
) -> Result<Option<StepMemory>, DeriveError> {
    let (Some(keys), Some(split)) = (&chosen.layout, split) else {
        return Ok(None);
    };
    let &Split { layout, devices_stated, sequence, profile, .. } = split;
    let training = &chosen.training;
    let setting = Setting {
        layout,
        sequence,
        precision: training.precision.unwrap_or_default(),
        optimizer: training.optimizer.unwrap_or_default(),
        attention: training.attention.unwrap_or_default(),
        loss: training.loss.unwrap_or(profile.loss()),
        profile,
        adapter: adapter(chosen, notes)?,
        family,
    };
    assume(chosen, keys, &setting, notes);
    let Some(shape) = shape else {
        notes.missing("the memory of a step", "model.name");
        return Ok(None);
    };
    let fault = |error: memory::MemoryError| {
        let key = place(error.key);
        Problem::Memory(error).at(key)
    };
    let simulated = match step(shape, &setting).map_err(fault) {
        // a plan that names an engine asks for its time, which is known without
        Err(error) if training.engine.is_some() => {
            notes.remark(format!("The memory of this step is not simulated: {error}."));
            return Ok(None);
        }
        simulated => simulated?,
    };
    let cuda = on_gpu(shape, &setting).map_err(fault)?;
    let host_bytes = memory::host_bytes(shape, &setting).map_err(fault)?;
    let (peak, cuda_bytes) = (simulated.peak(), cuda.peak().bytes);
    if !(peak.bytes < MOST && cuda_bytes < MOST) {
        let longer = sequence > layout.micro_batch;
        let key = if longer { "training.sequence" } else { "layout.micro_batch" };
        let text = format!(
            "a step of {} sequences of {} tokens holds more than 9 PB on one device",
            grouped(float(layout.micro_batch)),
            grouped(float(sequence))
        );
        return Err(Problem::Value(text).at(key));
    }
    let name = chosen.cluster.accelerator.as_deref();
    let accelerator = name.and_then(|name| hardware::catalogue().find(name).ok());
    let own_bytes = chosen.cluster.memory_bytes;
    Ok(Some(StepMemory {
        own_bytes,
        shape: shape.clone(),
        setting,
        step: simulated,
        peak,
        context: Context::of(&setting),
        cuda,
        cuda_bytes,
        host_bytes,
        devices_stated,
        accelerator,
    }))
}

/// Rank where none is stated.
pub(super) const RANK: u64 = 8;

/// The adapters that are trained, where the plan has some.
fn adapter(chosen: &Chosen, notes: &mut Notes) -> Result<Option<Adapter>, DeriveError> {
    let training = &chosen.training;
    let fault = |text: &str| Err(Problem::Value(text.to_owned()).at("training.adapter_rank"));
    let Some(kind) = training.adapter else {
        return match training.adapter_rank {
            Some(_) => fault("a rank belongs to `adapter = \"lora\"` or `\"qlora\"`"),
            None => Ok(None),
        };
    };
    if training.adapter_rank.is_none() {
        notes.assume(
            "training.adapter_rank",
            &RANK.to_string(),
            "`r` of Hugging Face PEFT's LoraConfig",
        );
    }
    let rank = training.adapter_rank.unwrap_or(RANK);
    if !(1..=MAX_RANK).contains(&rank) {
        return fault(&format!("a rank is a whole number from 1 to {MAX_RANK}"));
    }
    Ok(Some(Adapter { rank, base: kind.base() }))
}

/// Where in a plan the key of an error of `layout` or `memory` stands.
pub(super) fn place(key: &str) -> KeyPath {
    let training =
        ["sequence", "batch_tokens", "precision", "optimizer", "attention", "loss", "profile"];
    match key {
        key if key.contains('.') || key == "model" => KeyPath::from(key),
        key if training.contains(&key) => KeyPath::from("training").join(key),
        key => KeyPath::from("layout").join(key),
    }
}

/// Records the choices that were left to their defaults.
fn assume(chosen: &Chosen, keys: &LayoutKeys, setting: &Setting, notes: &mut Notes) {
    let training = &chosen.training;
    let reference = "the case that tests/oracle/fsdp_memory.md describes";
    let mixed = "FP32 shards and reductions, BF16 compute (PyTorch's MixedPrecisionPolicy)";
    let layout = &setting.layout;
    let reshard = keys.reshard.is_some() || !layout.strategy.gathers();
    for (key, stated, value, source) in [
        (
            "layout.strategy",
            keys.strategy.is_some(),
            layout.strategy.to_string(),
            match setting.profile {
                Profile::Megatron => "Megatron-LM's distributed optimizer",
                _ => "PyTorch's fully_shard, a unit for every block",
            },
        ),
        (
            "layout.micro_batch",
            keys.micro_batch.is_some(),
            layout.micro_batch.to_string(),
            "the least that a step can have",
        ),
        (
            "layout.recompute",
            keys.recompute.is_some(),
            layout.recompute.to_string(),
            "PyTorch's own default",
        ),
        (
            "layout.reshard",
            reshard,
            layout.reshard.to_string(),
            "parameters are gathered anew for backward (reshard_after_forward)",
        ),
        ("training.precision", training.precision.is_some(), setting.precision.to_string(), mixed),
        (
            "training.optimizer",
            training.optimizer.is_some(),
            setting.optimizer.to_string(),
            reference,
        ),
        (
            "training.attention",
            training.attention.is_some(),
            setting.attention.to_string(),
            "PyTorch's scaled_dot_product_attention",
        ),
        (
            "training.loss",
            training.loss.is_some(),
            setting.loss.to_string(),
            match setting.profile {
                Profile::Megatron => "Transformer Engine's cross-entropy",
                Profile::HuggingFace => "`model(...).loss.backward()`: nothing names the logits",
                _ => "cross_entropy(logits.float()), as scripts write it",
            },
        ),
        ("training.profile", training.profile.is_some(), setting.profile.to_string(), reference),
    ] {
        if !stated {
            notes.assume(key, &value, source);
        }
    }
}

/// The `[derived.memory]` table.
pub(super) fn view(memory: &StepMemory) -> DerivedMemory {
    let held = |label: Label| (label.key().to_owned(), whole(memory.peak.held(label)));
    DerivedMemory {
        peak_allocated_bytes: whole(memory.peak.bytes),
        peak: memory.peak.phase.to_string(),
        cuda_allocated_bytes: whole(memory.cuda_bytes),
        host_bytes: memory.host_bytes.map(whole),
        accelerator_bytes: memory.accelerator_bytes().map(Bytes),
        largest_micro_batch: memory.largest_micro_batch().map(whole),
        breakdown: Label::ALL.into_iter().map(held).filter(|(_, bytes)| *bytes > 0).collect(),
    }
}

/// Bytes below [`MOST`] as a whole number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, below 2^53")]
fn whole(bytes: f64) -> u64 {
    bytes.clamp(0.0, MOST).round() as u64
}

#[expect(clippy::cast_precision_loss, reason = "degrees are below 2^53")]
fn float(number: u64) -> f64 {
    number as f64
}
