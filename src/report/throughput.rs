//! The time of a training step.

mod json;

use super::answer::Answer;
use super::block::Block;
use super::step::{self, count, degrees, named};
use crate::derive::StepThroughput;
use crate::hardware::nodes;
use crate::model::Convention;
use crate::plan::Assumed;
use crate::quantity::{grouped, significant};
use std::fmt::Write as _;

pub use json::{throughput_csv, throughput_json};

fn percent(share: f64) -> String {
    format!("{} %", significant(share * 100.0, 3))
}

/// Seconds in a unit that suits them.
fn time(seconds: f64) -> String {
    match seconds {
        s if s >= 1.0 => format!("{} s", significant(s, 4)),
        s if s >= 1e-3 => format!("{} ms", significant(s * 1e3, 4)),
        s => format!("{} us", significant(s * 1e6, 4)),
    }
}

/// The time in short, for the answer of a plan.
pub(super) fn section(answer: &Answer) -> Vec<Block> {
    let Some(step) = &answer.derivation.throughput else {
        return Vec::new();
    };
    let mut blocks = vec![Block::Heading("Time of a training step".to_owned())];
    blocks.push(Block::Line(rate(step)));
    blocks.push(Block::Line(format!("  {}", tested(step))));
    blocks
}

/// Everything about it.
pub(super) fn page(answer: &Answer) -> Vec<Block> {
    let Some(step) = &answer.derivation.throughput else {
        return Vec::new();
    };
    let mut blocks = vec![Block::Heading("Time of a training step".to_owned())];
    blocks.push(Block::Line(rate(step)));
    blocks.push(Block::Line(format!("  {}", asked(answer, step))));
    blocks.push(Block::Line(format!("  {}", device(step))));
    blocks.push(Block::Heading("Where the predicted time goes".to_owned()));
    blocks.push(parts(step));
    blocks.push(Block::Heading("Share of the dense BF16 peak (MFU), by convention".to_owned()));
    blocks.push(utilisation(step));
    blocks.push(Block::Heading("Evidence".to_owned()));
    blocks.push(Block::Line(format!("  {}", tested(step))));
    blocks.extend(step::assumed(defaults(answer)));
    blocks
}

/// Tokens a second first, and whether they were measured.
fn rate(step: &StepThroughput) -> String {
    let each = step.tokens_per_second_per_device();
    let devices = step.layout.devices();
    let range = step.range_80().map_or_else(String::new, |[low, high]| {
        format!(" (80 %: {} to {})", grouped(four(low)), grouped(four(high)))
    });
    let how = if step.measured.is_some() { "measured" } else { "predicted" };
    let mut line = format!(
        "  {} tokens/s per device, {how}{range}; {} on {} device{}, {} for a step of {} tokens.",
        grouped(four(each)),
        grouped(four(each * float(devices))),
        count(devices),
        if devices == 1 { "" } else { "s" },
        time(step.step_seconds()),
        grouped(step.tokens),
    );
    if step.measured.is_some() {
        let predicted = step.predicted();
        let off = percent((predicted / each - 1.0).abs());
        let side = if predicted < each { "below" } else { "above" };
        let _ = write!(line, " Predicted: {}, {off} {side}.", grouped(four(predicted)));
    }
    line
}

/// Four significant digits of a number that is shown whole.
fn four(number: f64) -> f64 {
    crate::quantity::round_significant(number, 4)
}

fn asked(answer: &Answer, step: &StepThroughput) -> String {
    let layout = &step.layout;
    let model = named(answer, &step.shape);
    let split = format!("{model}, {}{}", layout.strategy, degrees(layout));
    format!(
        "{split}; {} x {} tokens a micro-batch, {} micro-batch{} a step, recompute {}, {}.",
        count(layout.micro_batch),
        count(step.sequence),
        count(layout.micro_batches),
        if layout.micro_batches == 1 { "" } else { "es" },
        layout.recompute,
        step.precision,
    )
}

fn device(step: &StepThroughput) -> String {
    let device = &step.device;
    let peak = significant(device.peak_flops / 1e12, 4);
    let measured = device.matmul_flops.map_or(String::new(), |flops| {
        format!(", {} measured in a product", significant(flops / 1e12, 4))
    });
    let gigabytes = |rate: f64| significant(rate / 1e9, 3);
    let links = device.links;
    let mut text = format!(
        "{}: {peak} TFLOP/s dense BF16{measured}; memory {} GB/s",
        step.accelerator,
        gigabytes(device.memory_bandwidth)
    );
    if links.link.is_finite() {
        let _ = write!(text, "; {} GB/s among {}", gigabytes(links.link), links.node_devices);
    }
    if links.network.is_finite() {
        let _ = write!(text, ", {} GB/s beyond", gigabytes(links.network));
    }
    format!("{text}. Engine {}: {}.", step.engine.name, step.engine.title)
}

/// Each part with its share, what nothing takes left out.
fn parts(step: &StepThroughput) -> Block {
    let whole = step.time.seconds();
    let rows = step.time.parts().into_iter().map(|(name, s)| (name.to_owned(), s));
    let axes = step.time.exposed.by_axis().into_iter();
    let axes = axes.map(|(axis, seconds)| (format!("exposed, {axis}"), seconds));
    let mut rows: Vec<(String, f64)> = rows.chain(axes).collect();
    rows.retain(|(_, seconds)| *seconds > 0.0);
    let row = |name: String, seconds: f64| vec![name, time(seconds), percent(seconds / whole)];
    let mut cells = vec![row("all".to_owned(), whole)];
    cells.extend(rows.into_iter().map(|(name, seconds)| row(name, seconds)));
    Block::table(&["", "time", "share"], cells, 1)
}

fn utilisation(step: &StepThroughput) -> Block {
    let rows = Convention::ALL.into_iter().map(|convention| {
        vec![
            convention.name().to_owned(),
            percent(step.mfu(convention)),
            convention.formula().to_owned(),
        ]
    });
    Block::table(&["convention", "MFU", "FLOPs of a token"], rows.collect(), 1)
}

/// What tested the engine, its error there, and whether this case is like it.
fn tested(step: &StepThroughput) -> String {
    let Some(evidence) = &step.evidence else {
        return format!("Nothing tested {}.", step.engine.name);
    };
    let suite = evidence.suite;
    let [mean, median, _, worst] = suite.errors.map(percent_2);
    let mut text = format!(
        "{} published runs of {}: tokens/s {mean} off in the mean, {median} in the median, {worst} \
         at worst",
        suite.rows,
        suite.engines.join(" and ")
    );
    if let Some(left_out) = suite.left_out {
        let _ = write!(text, "; {} with whole models left out of the fit", percent_2(left_out));
    }
    let _ = write!(text, ". They are {}. ", suite.what);
    if evidence.inside() {
        text.push_str("This step lies inside what they cover.");
    } else {
        let _ = write!(text, "Not tested: {}.", evidence.outside.join("; "));
    }
    text
}

fn percent_2(share: f64) -> String {
    format!("{} %", significant(share * 100.0, 2))
}

/// The defaults that the time of a step rests on.
fn defaults<'a>(answer: &Answer<'a>) -> impl Iterator<Item = (&'a String, &'a Assumed)> {
    let of_step = |key: &str| {
        let tables = ["layout.", "cluster.", "stages.", "model.", "training.engine"];
        let formats = ["training.precision", "training.optimizer"];
        tables.iter().any(|table| key.starts_with(table)) || formats.contains(&key)
    };
    answer.derivation.derived.assumed.iter().filter(move |(key, _)| of_step(key))
}

/// Machines, a line each.
pub(super) fn node_rows() -> Vec<Vec<String>> {
    let gigabytes = |rate: f64| significant(rate / 1e9, 3);
    let rows = nodes().iter().map(|node| {
        vec![
            node.name.clone(),
            node.title.clone(),
            gigabytes(node.link_bandwidth.0),
            node.network_bandwidth.map_or(String::new(), |rate| gigabytes(rate.0)),
        ]
    });
    rows.collect()
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn float(number: u64) -> f64 {
    number as f64
}
