//! The search for the best layout that a plan leaves open.

use super::{Derivation, DeriveError, Notes, Problem, sequence, throughput};
use crate::hardware::{self, Device};
use crate::layout::{Layout, LayoutKeys, MAX_DEGREE, Strategy};
use crate::memory::{AttentionKernel, LossKernel, Profile, Setting, possible};
use crate::model::Shape;
use crate::plan::Chosen;
use crate::quantity::grouped;
use crate::search::{Breadth, HEADROOM, Question};
use crate::throughput::{Clock, Engine, ThroughputError, Work, engines};

/// What is searched for a plan: everything but the layout is decided.
#[derive(Debug, Clone)]
pub struct LayoutSearch {
    /// The model.
    pub shape: Shape,
    /// What it computes.
    work: Work,
    /// The engine.
    pub engine: &'static Engine,
    /// One device with its links.
    pub device: Device,
    /// What the device is called.
    pub accelerator: String,
    /// Bytes of a device.
    pub capacity: f64,
    /// What the memory depends on, beside the layout.
    pub setting: Setting,
    /// Devices in all.
    pub devices: u64,
    /// Sequences of an optimizer step.
    pub sequences: u64,
    /// What is not searched.
    pub fixed: LayoutKeys,
    /// Remarks about how the plan was read.
    pub remarks: Vec<String>,
}

fn fault(key: &str, text: &str) -> DeriveError {
    Problem::Value(text.to_owned()).at(key)
}

impl LayoutSearch {
    /// What is to be searched for a plan whose `[layout]` says what is fixed; `derivation` is that
    /// of the plan without it.
    ///
    /// # Errors
    /// The key of what is missing, or cannot be searched.
    pub fn of(chosen: &Chosen, derivation: &Derivation) -> Result<Self, DeriveError> {
        let Some(shape) = derivation.model_shape() else {
            return Err(fault("model.name", "the model's shape is not known; name a model"));
        };
        Self::with(chosen, shape, derivation.family)
    }

    /// The same for a shape of a family.
    pub(super) fn with(
        chosen: &Chosen,
        shape: Shape,
        family: Option<&'static str>,
    ) -> Result<Self, DeriveError> {
        let fixed = chosen.layout.clone().unwrap_or_default();
        for (key, degree) in fixed.degrees() {
            if degree.is_some_and(|degree| degree == 0 || degree > MAX_DEGREE) {
                let text = format!("a degree is a whole number from 1 to {MAX_DEGREE}");
                return Err(fault(&format!("layout.{key}"), &text));
            }
        }
        if fixed.cpu_offload == Some(true) {
            let text = "the time of a step whose shards are on the host is not predicted";
            return Err(fault("layout.cpu_offload", text));
        }
        if chosen.training.adapter.is_some() {
            let text = "the time of a step with adapters is not predicted";
            return Err(fault("training.adapter", text));
        }
        let mut notes = Notes::default();
        let sequence = sequence::longest(chosen, &mut notes);
        let (devices, sequences) = (devices(chosen)?, sequences(chosen, sequence)?);
        let stated = chosen.training.engine.as_deref();
        let named = stated.map(|name| engines().find(name)).transpose();
        let named = named.map_err(|unknown| Problem::from(unknown).at("training.engine"))?;
        let profile = chosen.training.profile.or(named.map(|engine| engine.profile));
        let profile = profile.unwrap_or_default();
        let engine = match named {
            Some(engine) => engine,
            None => engines()
                .find(Engine::of_profile(profile))
                .map_err(|unknown| Problem::from(unknown).at("training.engine"))?,
        };
        let (device, accelerator) = device(chosen, devices)?;
        let Some(capacity) = capacity(chosen) else {
            let text = "its memory is not known: say it as `cluster.memory_bytes` in a plan";
            return Err(fault("cluster.accelerator", text));
        };
        let training = &chosen.training;
        let setting = Setting {
            layout: one(fixed.strategy.unwrap_or(engine.strategy)),
            sequence,
            precision: training.precision.unwrap_or_default(),
            optimizer: training.optimizer.unwrap_or_default(),
            attention: training.attention.unwrap_or_default(),
            loss: training.loss.unwrap_or(profile.loss()),
            profile: profile.on_gpu(),
            adapter: None,
            family,
        };
        let mut search = Self {
            work: Work::of(&shape, sequence),
            shape,
            engine,
            device,
            accelerator,
            capacity,
            setting,
            devices,
            sequences,
            fixed,
            remarks: Vec::new(),
        };
        search.known_operators()?;
        search.clock().map_err(|error| {
            let key = error.key;
            Problem::Throughput(error).at(key)
        })?;
        Ok(search)
    }

    /// Where the engine's own operators are not known of this model, PyTorch's are simulated.
    fn known_operators(&mut self) -> Result<(), DeriveError> {
        let of_model = |error: &crate::memory::MemoryError| {
            error.key == "model" || error.key.starts_with("training.")
        };
        let Some(error) = possible(&self.shape, &self.setting).err().filter(of_model) else {
            return Ok(());
        };
        let loss = Some(self.setting.loss).filter(|loss| *loss != LossKernel::Fused);
        let fused = self.engine.fused_attention;
        let other = Setting {
            profile: Profile::Cuda,
            loss: loss.unwrap_or_default(),
            attention: if fused { self.setting.attention } else { AttentionKernel::Eager },
            ..self.setting
        };
        if error.key != "model" || possible(&self.shape, &other).is_err_and(|e| of_model(&e)) {
            let key = error.key;
            return Err(Problem::Memory(error).at(key));
        }
        self.remarks.push(format!(
            "The memory is that of PyTorch's operators (profile {}): {error}.",
            other.profile
        ));
        self.setting = other;
        Ok(())
    }

    fn clock(&self) -> Result<Clock<'_>, ThroughputError> {
        let (precision, optimizer) = (self.setting.precision, self.setting.optimizer);
        Clock::new(&self.work, self.engine, &self.device, precision, optimizer)
    }

    /// Bytes of a device that a step may hold.
    #[must_use]
    pub fn room(&self) -> f64 {
        self.capacity * (1.0 - HEADROOM)
    }

    /// Tokens of an optimizer step.
    #[must_use]
    pub fn tokens(&self) -> f64 {
        float(self.sequences) * float(self.setting.sequence)
    }

    /// The question.
    ///
    /// # Errors
    /// None: the clock was made once before.
    pub fn question(&self, breadth: Breadth) -> Result<Question<'_>, ThroughputError> {
        let strategies = match (self.fixed.strategy, self.engine.strategy) {
            (Some(strategy), _) => vec![strategy],
            (None, strategy) if breadth == Breadth::Short => vec![strategy],
            (None, Strategy::Fsdp2 | Strategy::Hsdp) => vec![Strategy::Fsdp2, Strategy::Hsdp],
            (None, _) => vec![Strategy::Zero1, Strategy::Ddp],
        };
        Ok(Question {
            shape: &self.shape,
            setting: self.setting,
            clock: self.clock()?,
            devices: self.devices,
            node_devices: self.device.links.node_devices,
            sequences: self.sequences,
            room: self.room(),
            strategies,
            fixed: self.fixed.clone(),
            breadth,
        })
    }

    /// A layout as the `[layout]` of a plan, whose micro-batches follow from its
    /// `training.batch_tokens`.
    #[must_use]
    pub fn keys(&self, layout: &Layout) -> LayoutKeys {
        let split = |degree: u64| (degree > 1).then_some(degree);
        LayoutKeys {
            strategy: Some(layout.strategy),
            dp_replicate: split(layout.dp_replicate).filter(|_| layout.strategy == Strategy::Hsdp),
            dp_shard: self.fixed.dp_shard,
            tp: split(layout.tp),
            pp: split(layout.pp),
            cp: split(layout.cp),
            ep: split(layout.ep),
            interleave: split(layout.interleave),
            schedule: self.fixed.schedule.filter(|_| layout.pp > 1),
            micro_batch: Some(layout.micro_batch),
            micro_batches: None,
            recompute: Some(layout.recompute),
            reshard: layout.strategy.gathers().then_some(layout.reshard),
            cpu_offload: None,
            async_tp: layout.async_tp.then_some(true),
        }
    }
}

/// A layout of one device.
fn one(strategy: Strategy) -> Layout {
    Layout {
        strategy,
        dp_replicate: 1,
        dp_shard: 1,
        tp: 1,
        pp: 1,
        cp: 1,
        ep: 1,
        interleave: 1,
        micro_batch: 1,
        micro_batches: 1,
        recompute: crate::layout::Recompute::Full,
        reshard: true,
        cpu_offload: false,
        schedule: crate::layout::PipelineSchedule::default(),
        async_tp: false,
    }
}

fn devices(chosen: &Chosen) -> Result<u64, DeriveError> {
    let Some(devices) = chosen.cluster.devices else {
        return Err(fault("cluster.devices", "how many devices there are is not known"));
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, checked")]
    let devices = devices.0 as u64;
    if devices == 0 || devices > MAX_DEVICES {
        let text = format!("a search is for 1 to {MAX_DEVICES} devices");
        return Err(fault("cluster.devices", &text));
    }
    Ok(devices)
}

/// Most devices and sequences of a search: a million divide in 49 ways at most.
const MAX_DEVICES: u64 = 1_000_000;

fn sequences(chosen: &Chosen, sequence: u64) -> Result<u64, DeriveError> {
    let key = "training.batch_tokens";
    let Some(batch) = chosen.training.batch_tokens else {
        return Err(fault(key, "how many tokens an optimizer step has is not known"));
    };
    let sequences = batch.0 / float(sequence);
    if sequences.fract() != 0.0 || sequences < 1.0 || sequences > float(MAX_DEVICES) {
        let text = format!(
            "{} tokens are no whole number of sequences of {} tokens, from 1 to {MAX_DEVICES}",
            grouped(batch.0),
            grouped(float(sequence))
        );
        return Err(fault(key, &text));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole")]
    let sequences = sequences as u64;
    Ok(sequences)
}

/// One device with its links, and its name.
fn device(chosen: &Chosen, devices: u64) -> Result<(Device, String), DeriveError> {
    let cluster = &chosen.cluster;
    if cluster.accelerator.is_none() && cluster.peak_flops.is_none() {
        let text = "the accelerator is not known: `llmplan explain --list accelerators`";
        return Err(fault("cluster.accelerator", text));
    }
    let found = cluster.accelerator.as_deref().map(|name| hardware::catalogue().find(name));
    let accelerator =
        found.transpose().map_err(|unknown| Problem::from(unknown).at("cluster.accelerator"))?;
    let (node, own) = (throughput::node(cluster)?, throughput::own(cluster)?);
    let device = Device::of(devices, accelerator, node, &own).map_err(|key| {
        let text = "it is not known of these devices: say it in a plan, or name a --node";
        fault(&format!("cluster.{key}"), text)
    })?;
    let name = accelerator.map_or("an accelerator of one's own", |a| &a.title);
    Ok((device, name.to_owned()))
}

/// Bytes of a device.
fn capacity(chosen: &Chosen) -> Option<f64> {
    let name = chosen.cluster.accelerator.as_deref();
    let accelerator = name.and_then(|name| hardware::catalogue().find(name).ok());
    Some(chosen.cluster.memory_bytes.or_else(|| accelerator?.memory())?.0)
}

#[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
fn float(number: u64) -> f64 {
    number as f64
}
