//! The memory of a step as JSON and CSV: bytes, unrounded.

use super::{compare, defaults, remedied, title, whole};
use crate::derive::StepMemory;
use crate::layout::Layout;
use crate::memory::{Label, Over, Phase, Ratios, remedies};
use crate::plan::DerivedMemory;
use crate::report::answer::Answer;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Version of the JSON of a step's memory.
const VERSION: u32 = 1;

/// The memory as JSON, with a final newline; nothing but the version where none follows;
/// `compared` adds the ways of training side by side.
///
/// # Panics
/// Never: the document has string keys only.
#[must_use]
pub fn memory_json(answer: &Answer, compared: bool) -> String {
    let derived = &answer.derivation.derived;
    let mut document = match (&derived.memory, &answer.derivation.memory) {
        (Some(memory), Some(step)) => of_step(memory, step),
        _ => json!({}),
    };
    if let (true, Some(step)) = (compared, &answer.derivation.memory) {
        document["compare"] = json!(compare::json(step));
    }
    if let Some(map) = document.as_object_mut() {
        let assumed: BTreeMap<_, _> = defaults(answer).collect();
        map.insert("version".to_owned(), json!(VERSION));
        map.insert("model".to_owned(), json!(title(answer)));
        map.insert("assumed".to_owned(), json!(assumed));
        map.insert("remarks".to_owned(), json!(answer.derivation.remarks));
    }
    serde_json::to_string_pretty(&document).expect("a step is JSON") + "\n"
}

fn of_step(memory: &DerivedMemory, step: &StepMemory) -> Value {
    let bytes = |label: &Label| memory.breakdown.get(label.key()).copied().unwrap_or(0);
    let breakdown = Label::ALL.iter().map(|label| (label.key().to_owned(), json!(bytes(label))));
    let layer = match step.peak.phase {
        Phase::Forward(layer) | Phase::Backward(layer) => Some(layer),
        _ => None,
    };
    let (setting, device) = (&step.setting, step.device());
    json!({
        "peak_allocated_bytes": memory.peak_allocated_bytes,
        "peak": {
            "phase": memory.peak,
            "layer": layer,
            "last_allocated": step.peak.last.key(),
        },
        "breakdown": breakdown.collect::<serde_json::Map<_, _>>(),
        "cuda_allocated_bytes": memory.cuda_allocated_bytes,
        "reserved_bytes": whole(device.reserved.bytes),
        "reserved_bytes_80": device.reserved.range.map(whole),
        "device_bytes": whole(device.shown.bytes),
        "device_bytes_80": device.shown.range.map(whole),
        "host_bytes": memory.host_bytes,
        "context_bytes": whole(device.context.bytes),
        "reserved_evidence": ratios(device.ratios),
        "accelerator": step.accelerator.map(|accelerator| &accelerator.name),
        "accelerator_bytes": memory.accelerator_bytes.map(|bytes| whole(bytes.0)),
        "fits": step.fits(),
        "largest_micro_batch": memory.largest_micro_batch,
        "parameters": u64::try_from(step.shape.count().total()).ok(),
        "layout": layout(&setting.layout),
        "training": {
            "sequence": setting.sequence,
            "precision": setting.precision,
            "optimizer": setting.optimizer,
            "attention": setting.attention,
            "loss": setting.loss,
            "profile": setting.profile,
            "adapter_rank": setting.adapter.map(|adapter| adapter.rank),
            "adapter_base": setting.adapter.map(|adapter| adapter.base),
        },
        "remedies": remedies_json(memory, step),
        "evidence": evidence_json(step),
    })
}

/// What reserved and shown bytes rest on.
fn ratios(ratios: &Ratios) -> Value {
    let [least, low, _, median, _, high, most] = ratios.of;
    json!({
        "suite": ratios.what,
        "file": ratios.file,
        "cases": ratios.cases,
        "over": match ratios.over {
            Over::Allocated => "measured allocated bytes",
            Over::Reserved => "simulated reserved bytes",
            Over::Shown => "simulated device bytes",
        },
        "median": median,
        "range_80": [low, high],
        "range": [least, most],
    })
}

/// A split.
pub(in crate::report) fn layout(layout: &Layout) -> Value {
    json!({
        "strategy": layout.strategy,
        "devices": layout.devices(),
        "dp_replicate": layout.dp_replicate,
        "dp_shard": layout.dp_shard,
        "tp": layout.tp,
        "pp": layout.pp,
        "cp": layout.cp,
        "ep": layout.ep,
        "interleave": layout.interleave,
        "micro_batch": layout.micro_batch,
        "micro_batches": layout.micro_batches,
        "recompute": layout.recompute,
        "reshard": layout.reshard,
        "cpu_offload": layout.cpu_offload,
        "schedule": layout.schedule,
        "async_tp": layout.async_tp,
    })
}

fn remedies_json(memory: &DerivedMemory, step: &StepMemory) -> Vec<Value> {
    let found = remedies(&step.shape, &step.setting).into_iter();
    let found = found.map(|remedy| {
        json!({
            "key": remedy.key,
            "value": remedy.value,
            "peak_allocated_bytes": whole(remedy.peak_bytes),
            "saved_bytes": whole(remedy.saved_bytes),
            "saved": remedy.saved_bytes / step.peak.bytes,
            "costs": remedy.cost,
            "fits": memory.accelerator_bytes.and_then(|_| remedied(step, &remedy)),
        })
    });
    found.collect()
}

fn evidence_json(step: &StepMemory) -> Value {
    let evidence = step.evidence();
    let suite = evidence.suite;
    json!({
        "suite": suite.what,
        "file": suite.file,
        "cases": suite.cases,
        "median_error": suite.median_error,
        "worst_error": suite.worst_error,
        "inside": evidence.inside(),
        "outside": evidence.outside,
        "covers": {
            "parameters": suite.params,
            "shards": suite.shards,
            "sequence": suite.sequence,
            "micro_batch": suite.micro_batch,
            "vocab": suite.vocab,
        },
    })
}

/// The breakdown as CSV, what is held most first; the peak is its first row.
///
/// # Panics
/// Never: writing to memory does not fail.
#[must_use]
pub fn memory_csv(answer: &Answer) -> String {
    let mut rows = vec![("held".to_owned(), "bytes".to_owned())];
    if let Some(memory) = &answer.derivation.derived.memory {
        rows.push(("peak_allocated".to_owned(), memory.peak_allocated_bytes.to_string()));
        let mut parts: Vec<(&String, &u64)> = memory.breakdown.iter().collect();
        parts.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        rows.extend(parts.into_iter().map(|(label, bytes)| (label.clone(), bytes.to_string())));
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    for (held, bytes) in rows {
        writer.write_record([held, bytes]).expect("rows of one length are written to memory");
    }
    let bytes = writer.into_inner().expect("memory is flushed");
    String::from_utf8(bytes).expect("cells are text")
}
