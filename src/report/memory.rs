//! The memory of a training step.

mod compare;
mod held;
mod json;
mod known;

use super::answer::Answer;
use super::block::Block;
use super::memory_picture;
use super::step::{self, count, degrees, named};
use crate::derive::{StepMemory, on_gpu};
use crate::hardware::Accelerator;
use crate::memory::{Over, Ratios, Remedy, fits, remedies};
use crate::plan::Assumed;
use crate::quantity::{grouped, significant};

pub(super) use json::layout;
pub use json::{memory_csv, memory_json};

/// Bytes of a GiB, in which PyTorch prints memory.
const GIB: f64 = 1_073_741_824.0;

fn gib(bytes: f64) -> String {
    significant(bytes / GIB, 3)
}

fn percent(part: f64, of: f64) -> String {
    format!("{} %", significant(part / of * 100.0, 3))
}

/// The memory in short, for the answer of a plan.
pub(super) fn section(answer: &Answer) -> Vec<Block> {
    let Some(step) = &answer.derivation.memory else {
        return Vec::new();
    };
    let mut blocks = vec![Block::Heading("Memory of a training step, per device".to_owned())];
    blocks.extend(headline(answer, step));
    blocks.push(Block::Line(format!("  {}", fit(step))));
    blocks
}

/// How a step is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryView {
    /// Columns of the picture.
    pub width: u16,
    /// The picture in ASCII.
    pub ascii: bool,
    /// The ways of training side by side, instead of the one step.
    pub compare: bool,
}

/// What a step holds from its start to the optimizer, as an SVG; none where no step follows.
#[must_use]
pub fn memory_svg(answer: &Answer) -> Option<String> {
    let step = answer.derivation.memory.as_ref()?;
    Some(memory_picture::svg(&step.step, step.accelerator_bytes()))
}

/// Everything about it.
pub(super) fn page(answer: &Answer, view: MemoryView) -> Vec<Block> {
    let Some(step) = &answer.derivation.memory else {
        return Vec::new();
    };
    let mut blocks = vec![Block::Heading("Memory of a training step, per device".to_owned())];
    blocks.extend(headline(answer, step));
    if view.compare {
        blocks.extend(compare::tables(step));
        blocks.push(Block::Heading("Evidence".to_owned()));
        blocks.extend(known::evidence(step));
        blocks.extend(step::assumed(defaults(answer)));
        return blocks;
    }
    let device = step.accelerator_bytes();
    let picture = memory_picture::text(&step.step, device, view.width, view.ascii);
    blocks.push(Block::Picture(format!("\n{picture}")));
    blocks.push(Block::Heading("What is held at the peak".to_owned()));
    blocks.push(held::table(&step.peak));
    blocks.push(Block::Heading("Allocated, reserved, and what nvidia-smi shows".to_owned()));
    blocks.extend(known::told_apart(step));
    blocks.push(Block::Heading("Does it fit?".to_owned()));
    blocks.push(Block::Line(format!("  {}", fit(step))));
    blocks.extend(saving(step));
    blocks.push(Block::Heading("Evidence".to_owned()));
    blocks.extend(known::evidence(step));
    blocks.extend(step::assumed(defaults(answer)));
    blocks
}

/// What was asked, the peak, and what dominates it.
fn headline(answer: &Answer, step: &StepMemory) -> Vec<Block> {
    let (layout, peak) = (&step.setting.layout, &step.peak);
    let part = held::largest(peak);
    let plural = if layout.devices() == 1 { "" } else { "s" };
    let mut split = format!("{} on {} device{plural}", layout.strategy, count(layout.devices()));
    split.push_str(&degrees(layout));
    if layout.cpu_offload {
        split.push_str(", cpu_offload");
    }
    let mut lines = vec![
        Block::Line(format!("  {}; {split}.", named(answer, &step.shape))),
        Block::Line(format!(
            "  {} x {} tokens a micro-batch, recompute {}, {}, {}, profile {}{}.",
            count(layout.micro_batch),
            count(step.setting.sequence),
            layout.recompute,
            step.setting.precision,
            step.setting.optimizer,
            step.setting.profile,
            step.setting.adapter.map_or_else(String::new, |adapter| {
                format!(
                    ", adapters of rank {} beside a frozen {} model",
                    adapter.rank, adapter.base
                )
            })
        )),
        Block::Line(format!(
            "  Peak: {} GiB ({} GB) {}, in the {}.",
            gib(peak.bytes),
            significant(peak.bytes / 1e9, 3),
            Ratios::of(&step.setting).over.held(),
            peak.phase
        )),
        Block::Line(format!(
            "  {} dominate: {} GiB, {} of it.",
            part.0,
            gib(part.1),
            percent(part.1, peak.bytes)
        )),
    ];
    if let Some(bytes) = step.host_bytes {
        let held = "parameters, gradients and optimizer states";
        lines.push(Block::Line(format!(
            "  On the host: {} GiB for each device, {held}.",
            gib(bytes)
        )));
    }
    lines
}

/// Whether it fits, where that can be said.
fn fit(step: &StepMemory) -> String {
    let Some(accelerator) = step.accelerator else {
        return "No accelerator is stated, so none is claimed to be large enough: add \
                `cluster.accelerator`."
            .to_owned();
    };
    let Some(bytes) = step.accelerator_bytes() else {
        return format!("The memory of {} is not known here.", accelerator.title);
    };
    let context = step.context;
    let needs = step.cuda_bytes + context.bytes;
    let largest = step.largest_micro_batch().unwrap_or(0.0);
    let verdict = if needs > bytes {
        format!("do not fit, {} GiB too much", gib(needs - bytes))
    } else {
        format!("fit, {} left", percent(bytes - needs, bytes))
    };
    let most = match largest {
        0.0 => "not even one sequence a micro-batch fits".to_owned(),
        most => format!("the largest micro-batch that fits has {}", grouped(most)),
    };
    let reserved = match Ratios::of(&step.setting).over {
        Over::Shown => "What the allocator reserves is counted",
        _ => "What the allocator reserves in vain is not counted",
    };
    format!(
        "{}, {} GiB {}: {} GiB on a GPU and {} GiB of {} {verdict}; {most}. \
         {reserved}.",
        accelerator.title,
        gib(bytes),
        whose(accelerator),
        gib(step.cuda_bytes),
        gib(context.bytes),
        context.what,
    )
}

fn whose(accelerator: &Accelerator) -> &'static str {
    if accelerator.usable_bytes.is_some() { "usable" } else { "by its vendor" }
}

/// Whether a changed step fits, where that can be said.
fn remedied(step: &StepMemory, remedy: &Remedy) -> Option<bool> {
    let (bytes, setting) = (step.accelerator_bytes()?, &remedy.setting);
    Some(fits(&on_gpu(&step.shape, setting).ok()?, setting, bytes))
}

/// One change each, simulated again.
fn saving(step: &StepMemory) -> Vec<Block> {
    let found = remedies(&step.shape, &step.setting);
    let mut blocks =
        vec![Block::Heading("What would save memory, one change at a time".to_owned())];
    if found.is_empty() {
        blocks.push(Block::Line("  None of the changes that are known here saves any.".to_owned()));
        return blocks;
    }
    let known = step.accelerator_bytes().is_some();
    let rows = found.iter().map(|remedy| {
        let mut row = vec![
            remedy.line(),
            remedy.cost.to_owned(),
            format!("{:.2}", remedy.peak_bytes / GIB),
            format!("{:.1} %", remedy.saved_bytes / step.peak.bytes * 100.0),
        ];
        if known {
            let fits = remedied(step, remedy).unwrap_or(false);
            row.push(if fits { "yes" } else { "no" }.to_owned());
        }
        row
    });
    let rows = rows.collect();
    let header: &[&str] = if known {
        &["write", "costs", "peak, GiB", "saves", "fits"]
    } else {
        &["write", "costs", "peak, GiB", "saves"]
    };
    blocks.push(Block::table(header, rows, 2));
    blocks
}

/// Keys of `[training]` that a step's memory depends on; the others are the recipe's.
const OF_STEP: [&str; 7] = [
    "training.adapter_rank",
    "training.attention",
    "training.engine",
    "training.loss",
    "training.optimizer",
    "training.precision",
    "training.profile",
];

/// The defaults that the memory of a step rests on.
fn defaults<'a>(answer: &Answer<'a>) -> impl Iterator<Item = (&'a String, &'a Assumed)> {
    let of_step = |key: &str| {
        let tables = ["layout.", "cluster.", "stages.", "model."];
        tables.iter().any(|table| key.starts_with(table)) || OF_STEP.contains(&key)
    };
    answer.derivation.derived.assumed.iter().filter(move |(key, _)| of_step(key))
}

/// The model of the step.
fn title(answer: &Answer) -> Option<String> {
    answer.derivation.memory.as_ref().map(|step| named(answer, &step.shape))
}

/// Bytes as a whole number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, below 2^63")]
fn whole(bytes: f64) -> u64 {
    bytes.max(0.0).round() as u64
}
