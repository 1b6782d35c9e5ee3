//! The time of a step as JSON and CSV: base units, unrounded.

use super::defaults;
use crate::derive::StepThroughput;
use crate::model::Convention;
use crate::plan::DerivedThroughput;
use crate::report::answer::Answer;
use crate::report::memory::layout;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Version of the JSON of a step's time.
const VERSION: u32 = 1;

/// The time as JSON, with a final newline; nothing but the version where none follows.
///
/// # Panics
/// Never: the document has string keys only.
#[must_use]
pub fn throughput_json(answer: &Answer) -> String {
    let mut document = match (&answer.derivation.derived.throughput, &answer.derivation.throughput)
    {
        (Some(derived), Some(step)) => of_step(derived, step),
        _ => json!({}),
    };
    if let Some(map) = document.as_object_mut() {
        let assumed: BTreeMap<_, _> = defaults(answer).collect();
        map.insert("version".to_owned(), json!(VERSION));
        map.insert("assumed".to_owned(), json!(assumed));
        map.insert("remarks".to_owned(), json!(answer.derivation.remarks));
    }
    serde_json::to_string_pretty(&document).expect("a step is JSON") + "\n"
}

fn of_step(derived: &DerivedThroughput, step: &StepThroughput) -> Value {
    let parts = step.time.parts().into_iter().map(|(name, s)| (name.to_owned(), json!(s)));
    let exposed = step.time.exposed.by_axis().into_iter();
    let exposed: Map<_, _> = exposed.map(|(axis, s)| (axis.to_owned(), json!(s))).collect();
    let mfu = Convention::ALL
        .into_iter()
        .map(|convention| (convention.name().to_owned(), json!(step.mfu(convention))));
    let links = &step.device.links;
    let known = |rate: f64| rate.is_finite().then_some(rate);
    json!({
        "tokens_per_second_per_device": derived.tokens_per_second_per_device,
        "tokens_per_second_per_device_80": step.range_80(),
        "measured": derived.measured,
        "predicted_tokens_per_second_per_device": step.predicted(),
        "step_seconds": derived.step_seconds,
        "predicted_step_seconds": step.time.seconds(),
        "tokens_per_step": step.tokens,
        "mfu": mfu.collect::<Map<_, _>>(),
        "seconds": parts.collect::<Map<_, _>>(),
        "exposed_seconds": exposed,
        "engine": step.engine.name,
        "precision": step.precision,
        "sequence": step.sequence,
        "layout": layout(&step.layout),
        "device": {
            "name": step.accelerator,
            "peak_flops": step.device.peak_flops,
            "fp8_flops": step.device.fp8_flops,
            "matmul_flops": step.device.matmul_flops,
            "memory_bandwidth": step.device.memory_bandwidth,
            "node_devices": links.node_devices,
            "link_bandwidth": known(links.link),
            "network_bandwidth": known(links.network),
        },
        "evidence": step.evidence.as_ref().map(|evidence| {
            let suite = evidence.suite;
            let [mean, median, p90, worst] = suite.errors;
            json!({
                "suite": suite.name,
                "what": suite.what,
                "rows": suite.rows,
                "mean_error": mean,
                "median_error": median,
                "p90_error": p90,
                "measured_over_predicted_80": suite.ratios_80,
                "worst_error": worst,
                "left_out_mean_error": suite.left_out,
                "baseline_mean_error": suite.baseline,
                "inside": evidence.inside(),
                "outside": evidence.outside,
            })
        }),
    })
}

/// The parts of the predicted step as CSV, the whole first.
///
/// # Panics
/// Never: writing to memory does not fail.
#[must_use]
pub fn throughput_csv(answer: &Answer) -> String {
    let mut rows = vec![("part".to_owned(), "seconds".to_owned())];
    if let Some(step) = &answer.derivation.throughput {
        rows.push(("step".to_owned(), step.time.seconds().to_string()));
        let parts = step.time.parts().into_iter().map(|(name, s)| (name.to_owned(), s));
        let exposed = step.time.exposed.by_axis().into_iter();
        let exposed = exposed.map(|(axis, s)| (format!("exposed_{axis}"), s));
        rows.extend(parts.chain(exposed).map(|(name, seconds)| (name, seconds.to_string())));
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    for (part, seconds) in rows {
        writer.write_record([part, seconds]).expect("rows of one length are written to memory");
    }
    let bytes = writer.into_inner().expect("memory is flushed");
    String::from_utf8(bytes).expect("cells are text")
}
