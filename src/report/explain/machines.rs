//! Accelerators, machines and engines.

use super::page;
use crate::hardware::{Accelerator, Node};
use crate::quantity::{Bandwidth, Quantity as _, significant};
use crate::report::block::Block;
use crate::throughput::{Engine, SUITES, constants};

pub(super) fn explain_accelerator(accelerator: &Accelerator) -> Vec<Block> {
    let peak = accelerator.peak_flops;
    let mut rows = vec![(
        "peak",
        format!("{} TFLOP/s, dense BF16, one device", significant(peak.0 / 1e12, 4)),
    )];
    if let (Some(bytes), Some(source)) = (accelerator.memory_bytes, &accelerator.memory_source) {
        let named = significant(bytes.0 / 1e9, 3);
        let usable = accelerator.usable_bytes;
        let usable = usable.map_or(String::new(), |bytes| format!(", {} usable", bytes.human()));
        rows.push(("memory", format!("{named} GB{usable}: {source}")));
    }
    let gigabytes = |rate: f64| significant(rate / 1e9, 4);
    let mut speeds = Vec::new();
    if let Some(fp8) = accelerator.fp8_flops {
        speeds.push(format!("{} TFLOP/s dense FP8", significant(fp8.0 / 1e12, 4)));
    }
    if let Some(flops) = accelerator.matmul_flops {
        let share = significant(flops.0 / peak.0 * 100.0, 3);
        let flops = significant(flops.0 / 1e12, 4);
        speeds.push(format!("{flops} TFLOP/s in the fastest BF16 product measured, {share} %"));
    }
    if let Some(rate) = accelerator.memory_bandwidth {
        speeds.push(format!("memory {} GB/s", gigabytes(rate.0)));
    }
    if let (false, Some(source)) = (speeds.is_empty(), &accelerator.speed_source) {
        rows.push(("speed", format!("{}: {source}", speeds.join(", "))));
    }
    for (label, best, source) in [
        ("best benchmark", accelerator.best_mfu, &accelerator.best_mfu_source),
        ("best whole run", accelerator.best_run, &accelerator.best_run_source),
    ] {
        if let (Some(best), Some(source)) = (best, source) {
            rows.push((label, format!("{} %: {source}", significant(best * 100.0, 3))));
        }
    }
    if let Some(node) = &accelerator.node {
        rows.push(("node", node.clone()));
    }
    if let Some(note) = &accelerator.note {
        rows.push(("note", note.clone()));
    }
    page(accelerator, &accelerator.title, rows)
}

pub(super) fn explain_node(node: &Node) -> Vec<Block> {
    let gigabytes = |rate: Bandwidth| format!("{} GB/s", significant(rate.0 / 1e9, 4));
    let beyond = node.network_bandwidth.map(gigabytes);
    let rows = vec![
        ("devices", node.devices.to_string()),
        ("inside", format!("{} for each device, one way", gigabytes(node.link_bandwidth))),
        ("beyond", beyond.unwrap_or_else(|| "differs: `cluster.network_bandwidth` says it".into())),
    ];
    page(node, &node.title, rows)
}

pub(super) fn explain_engine(engine: &Engine) -> Vec<Block> {
    let families: Vec<String> = engine.families().map(|family| family.to_string()).collect();
    let mut rows = vec![
        ("mechanism", engine.mechanism.clone()),
        ("fitted on", families.join(", ")),
        ("fp8", if engine.knows_fp8() { "yes" } else { "no" }.to_owned()),
    ];
    for suite in SUITES.iter().filter(|suite| suite.engines.contains(&engine.name.as_str())) {
        let [mean, median, _, worst] = suite.errors.map(|e| significant(e * 100.0, 2));
        let text = format!(
            "{} runs, {}: {mean} % off in the mean, {median} % in the median, {worst} % at worst; a \
             constant MFU {} %",
            suite.rows,
            suite.what,
            significant(suite.baseline * 100.0, 2)
        );
        rows.push(("tested", text));
    }
    for constant in engine.fitted().filter_map(|name| constants().find(name).ok()) {
        let value = significant(constant.value, 4);
        let text =
            format!("{} = {value}: {}; {}", constant.name, constant.title, constant.fitted_on);
        rows.push(("fitted", text));
    }
    page(engine, &engine.title, rows)
}
