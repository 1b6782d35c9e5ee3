//! How long a training step takes, for plans with a `[layout]` and an accelerator.

use super::split::Split;
use super::{DeriveError, Notes, Problem};
use crate::fact::Evidence;
use crate::hardware::{self, Device, Node, UserDevice, nodes};
use crate::layout::Layout;
use crate::memory::Precision;
use crate::model::{Convention, Shape};
use crate::plan::{Chosen, Cluster, DerivedThroughput};
use crate::throughput::{
    Clock, Engine, StepTime, Suite, ThroughputError, Work, engines, evidence, mfu,
};

/// The time of a step as the plan has it.
#[derive(Debug, Clone)]
pub struct StepThroughput {
    /// The model.
    pub shape: Shape,
    /// Tokens of a sequence.
    pub sequence: u64,
    /// The split of the model over devices.
    pub layout: Layout,
    /// The engine.
    pub engine: &'static Engine,
    /// One device with its links.
    pub device: Device,
    /// What the device is called.
    pub accelerator: String,
    /// Number formats.
    pub precision: Precision,
    /// The predicted step.
    pub time: StepTime,
    /// Tokens of a step, on all devices.
    pub tokens: f64,
    /// What was measured instead, tokens per second of one device.
    pub measured: Option<f64>,
    /// What tested such predictions; none where nothing did.
    pub evidence: Option<Evidence<Suite>>,
}

impl StepThroughput {
    /// Tokens per second of one device, as predicted.
    #[must_use]
    pub fn predicted(&self) -> f64 {
        self.tokens / self.time.seconds() / float(self.layout.devices())
    }

    /// Tokens per second of one device: what was measured, else what is predicted.
    #[must_use]
    pub fn tokens_per_second_per_device(&self) -> f64 {
        self.measured.unwrap_or_else(|| self.predicted())
    }

    /// The range of 80 % of the runs that tested it; none where it was measured, nor where the step
    /// is unlike those runs.
    #[must_use]
    pub fn range_80(&self) -> Option<[f64; 2]> {
        let evidence = self.evidence.as_ref().filter(|evidence| evidence.inside())?;
        let range = evidence.suite.ratios_80.map(|ratio| ratio * self.predicted());
        self.measured.is_none().then_some(range)
    }

    /// Seconds of a step at that rate.
    #[must_use]
    pub fn step_seconds(&self) -> f64 {
        self.tokens / self.tokens_per_second_per_device() / float(self.layout.devices())
    }

    /// Share of the dense BF16 peak that it is, by a convention.
    #[must_use]
    pub fn mfu(&self, convention: Convention) -> f64 {
        let rate = self.tokens_per_second_per_device();
        mfu(&self.shape, self.sequence, convention, rate, self.device.peak_flops)
    }
}

/// Times the step of a plan with a `[layout]` and an accelerator.
pub(super) fn of(
    chosen: &Chosen,
    split: Option<&Split>,
    shape: Option<&Shape>,
    notes: &mut Notes,
) -> Result<Option<StepThroughput>, DeriveError> {
    let cluster = &chosen.cluster;
    let node = node(cluster)?;
    let own = own(cluster)?;
    let (Some(split), Some(shape)) = (split, shape) else {
        return Ok(None);
    };
    if cluster.accelerator.is_none() && cluster.peak_flops.is_none() {
        if chosen.training.engine.is_some() {
            notes.missing("the time of a step", "cluster.accelerator");
        }
        return Ok(None);
    }
    if chosen.training.adapter.is_some() {
        // what a step takes beside one of the whole model: `[derived.adapter]`
        return Ok(None);
    }
    if split.layout.cpu_offload {
        notes
            .remark("The time of a step whose shards are on the host is not predicted.".to_owned());
        return Ok(None);
    }
    let name = cluster.accelerator.as_deref();
    let accelerator = name.map(|name| hardware::catalogue().find(name)).transpose();
    let accelerator =
        accelerator.map_err(|unknown| Problem::from(unknown).at("cluster.accelerator"))?;
    let layout = split.layout;
    let device = match Device::of(layout.devices(), accelerator, node, &own) {
        Ok(device) => device,
        Err(key) => {
            notes.missing("the time of a step", format!("cluster.{key}").as_str());
            return Ok(None);
        }
    };
    let engine = engine(split, notes)?;
    let precision = chosen.training.precision.unwrap_or_default();
    let optimizer = chosen.training.optimizer.unwrap_or_default();
    let work = Work::of(shape, split.sequence);
    let clock = Clock::new(&work, engine, &device, precision, optimizer).map_err(fault)?;
    possible(shape, &layout).map_err(fault)?;
    Ok(Some(StepThroughput {
        sequence: split.sequence,
        layout,
        engine,
        device,
        accelerator: accelerator.map_or("an accelerator of one's own", |a| &a.title).to_owned(),
        precision,
        time: clock.step(&layout),
        tokens: clock.tokens(&layout),
        measured: cluster.tokens_per_second_per_device.map(|rate| rate.0),
        evidence: evidence(engine, shape, split.sequence, &layout, precision, device.family),
        shape: shape.clone(),
    }))
}

fn fault(error: ThroughputError) -> DeriveError {
    let key = error.key;
    Problem::Throughput(error).at(key)
}

/// What no engine can split.
fn possible(shape: &Shape, layout: &Layout) -> Result<(), ThroughputError> {
    if layout.pp.saturating_mul(layout.interleave) > shape.layers() {
        return Err(ThroughputError {
            key: "layout.pp",
            message: format!(
                "a pipeline of {} x {} chunks has more than the model's {} layers",
                layout.pp,
                layout.interleave,
                shape.layers()
            ),
            help: "take fewer stages, or fewer chunks on each".to_owned(),
        });
    }
    Ok(())
}

/// The engine that the plan names, else its profile's.
fn engine(split: &Split, notes: &mut Notes) -> Result<&'static Engine, DeriveError> {
    if let Some(engine) = split.engine {
        return Ok(engine);
    }
    let name = Engine::of_profile(split.profile);
    notes.assume("training.engine", name, "the engine of the plan's profile");
    engines().find(name).map_err(|unknown| Problem::from(unknown).at("training.engine"))
}

pub(super) fn node(cluster: &Cluster) -> Result<Option<&'static Node>, DeriveError> {
    let found = cluster.node.as_deref().map(|name| nodes().find(name)).transpose();
    found.map_err(|unknown| Problem::from(unknown).at("cluster.node"))
}

pub(super) fn own(cluster: &Cluster) -> Result<UserDevice, DeriveError> {
    if cluster.node_devices.is_some_and(|devices| devices.0 < 1.0) {
        let text = "a node has at least one device".to_owned();
        return Err(Problem::Value(text).at("cluster.node_devices"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, checked")]
    let node_devices = cluster.node_devices.map(|devices| devices.0 as u64);
    Ok(UserDevice {
        peak_flops: cluster.peak_flops,
        fp8_flops: cluster.fp8_flops,
        memory_bytes: cluster.memory_bytes,
        memory_bandwidth: cluster.memory_bandwidth,
        node_devices,
        link_bandwidth: cluster.link_bandwidth,
        network_bandwidth: cluster.network_bandwidth,
    })
}

/// The `[derived.throughput]` table.
pub(super) fn view(step: &StepThroughput) -> DerivedThroughput {
    let parts = step.time.parts().into_iter().map(|(name, seconds)| (name.to_owned(), seconds));
    let exposed = step.time.exposed.by_axis().into_iter();
    let exposed = exposed.map(|(axis, seconds)| (format!("exposed_{axis}"), seconds));
    DerivedThroughput {
        tokens_per_second_per_device: step.tokens_per_second_per_device(),
        tokens_per_second_per_device_80: step.range_80(),
        measured: step.measured.is_some(),
        predicted_tokens_per_second_per_device: step.measured.map(|_| step.predicted()),
        step_seconds: step.step_seconds(),
        engine: step.engine.name.clone(),
        mfu: Convention::ALL
            .into_iter()
            .map(|convention| (convention.name().to_owned(), step.mfu(convention)))
            .collect(),
        seconds: parts.chain(exposed).filter(|(_, seconds)| *seconds > 0.0).collect(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "devices are below 2^53")]
fn float(number: u64) -> f64 {
    number as f64
}
