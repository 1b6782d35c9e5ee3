//! What would make a step hold less, each by simulating it again with one thing changed.

use super::setting::{AttentionKernel, LossKernel, Optimizer, Setting};
use super::step;
use crate::layout::{Recompute, Strategy};
use crate::model::Shape;

/// One change and what it brings.
#[derive(Debug, Clone, PartialEq)]
pub struct Remedy {
    /// The plan's key.
    pub key: &'static str,
    /// What to write there.
    pub value: String,
    /// What it costs.
    pub cost: &'static str,
    /// The step with that change.
    pub setting: Setting,
    /// Its peak, bytes.
    pub peak_bytes: f64,
    /// Bytes less than without it.
    pub saved_bytes: f64,
}

impl Remedy {
    /// The line of a plan that it is.
    #[must_use]
    pub fn line(&self) -> String {
        let bare = self.value.parse::<f64>().is_ok() || self.value.parse::<bool>().is_ok();
        let quote = if bare { "" } else { "\"" };
        format!("{} = {quote}{}{quote}", self.key, self.value)
    }
}

/// The changes that save something, the largest saving first; those that leave the peak where it is
/// are left out, and so is what cannot be simulated.
#[must_use]
pub fn remedies(shape: &Shape, setting: &Setting) -> Vec<Remedy> {
    let Ok(now) = step(shape, setting).map(|step| step.peak().bytes) else {
        return Vec::new();
    };
    let tried = changes(setting).into_iter().filter_map(|Change { key, value, cost, setting }| {
        let peak_bytes = step(shape, &setting).ok()?.peak().bytes;
        let saved_bytes = now - peak_bytes;
        (saved_bytes > 0.0).then_some(Remedy { key, value, cost, setting, peak_bytes, saved_bytes })
    });
    let mut found: Vec<Remedy> = tried.collect();
    found.sort_by(|a, b| b.saved_bytes.total_cmp(&a.saved_bytes));
    found
}

struct Change {
    key: &'static str,
    value: String,
    cost: &'static str,
    setting: Setting,
}

/// One thing changed at a time, the devices staying as many unless their number is the change.
fn changes(setting: &Setting) -> Vec<Change> {
    let mut found = Vec::new();
    let mut change = |key, value: String, cost, of: &dyn Fn(&mut Setting)| {
        let mut changed = *setting;
        of(&mut changed);
        if changed != *setting {
            found.push(Change { key, value, cost, setting: changed });
        }
    };
    let layout = setting.layout;
    for (recompute, cost) in [
        (Recompute::Full, "one more forward pass: about a third more compute"),
        (Recompute::Selective, "the cheap operators of every block run twice"),
    ] {
        if layout.recompute == Recompute::None || recompute == Recompute::Full {
            let value = recompute.to_string();
            change("layout.recompute", value, cost, &|s| s.layout.recompute = recompute);
        }
    }
    if setting.loss == LossKernel::Eager {
        let (value, cost) = (LossKernel::Released, "`del logits` before backward: no time");
        change("training.loss", value.to_string(), cost, &|s| s.loss = value);
    }
    let (value, cost) = (LossKernel::Chunked, "head and loss in parts: a little time");
    change("training.loss", value.to_string(), cost, &|s| s.loss = value);
    let (value, cost) = (AttentionKernel::Sdpa, "nothing: the kernel is faster too");
    change("training.attention", value.to_string(), cost, &|s| s.attention = value);
    if setting.optimizer == Optimizer::AdamW {
        let (value, cost) = (Optimizer::AdamW8bit, "moments of 8 bits: other rounding");
        change("training.optimizer", value.to_string(), cost, &|s| s.optimizer = value);
    }
    if layout.strategy.gathers() {
        let cost = "parameters are gathered once more, for backward";
        change("layout.reshard", "true".to_owned(), cost, &|s| s.layout.reshard = true);
    } else {
        let cost = "parameters are gathered for every pass";
        change("layout.strategy", Strategy::Fsdp2.to_string(), cost, &|s| {
            s.layout.strategy = Strategy::Fsdp2;
            s.layout.reshard = true;
            s.layout.dp_shard = layout.data_parallel();
            s.layout.dp_replicate = 1;
        });
    }
    if layout.strategy.gathers() && setting.adapter.is_none() {
        let cost = "the host's link and processor in every step";
        change("layout.cpu_offload", "true".to_owned(), cost, &|s| s.layout.cpu_offload = true);
    }
    if layout.micro_batch > 1 {
        let (value, cost) = (layout.micro_batch.div_ceil(2), "more micro-batches for a batch");
        change("layout.micro_batch", value.to_string(), cost, &|s| {
            s.layout.micro_batch = value;
            s.layout.micro_batches = layout.micro_batches.saturating_mul(2);
        });
    }
    if !layout.strategy.replicates() {
        let cost = "twice the devices, and gathers over more of them";
        let value = layout.devices().saturating_mul(2);
        change("cluster.devices", value.to_string(), cost, &|s| {
            s.layout.dp_shard = layout.dp_shard.saturating_mul(2);
        });
    }
    if layout.dp_shard.is_multiple_of(2) {
        split(&mut change, setting);
    }
    found
}

type Apply<'a> = &'a mut dyn FnMut(&'static str, String, &'static str, &dyn Fn(&mut Setting));

/// Devices taken from the shards to split something else; as many sequences a step.
fn split(change: Apply, setting: &Setting) {
    let layout = setting.layout;
    let half = layout.dp_shard / 2;
    let (tp, cp, pp) = (layout.tp * 2, layout.cp * 2, layout.pp * 2);
    let batches = layout.micro_batches.saturating_mul(2);
    let cost = "collectives in every block: within a node only";
    change("layout.tp", tp.to_string(), cost, &|s| {
        (s.layout.tp, s.layout.dp_shard, s.layout.micro_batches) = (tp, half, batches);
    });
    let cost = "keys and values go round in every block";
    change("layout.cp", cp.to_string(), cost, &|s| {
        (s.layout.cp, s.layout.dp_shard, s.layout.micro_batches) = (cp, half, batches);
    });
    let cost = "a bubble, smaller with more micro-batches";
    change("layout.pp", pp.to_string(), cost, &|s| {
        (s.layout.pp, s.layout.dp_shard, s.layout.micro_batches) = (pp, half, batches);
    });
}
