//! The ways of training the model on the same devices, side by side.

use super::{GIB, count, whole};
use crate::derive::{StepMemory, on_gpu};
use crate::memory::{Context, Outcome, Row, Setting, compare, fits};
use crate::report::block::Block;
use serde_json::{Value, json};

/// Devices of a node, where groups of devices are on its links; no plan says how many it has.
const NODE: u64 = 8;

/// What each way holds and moves, and what it asks of the user.
pub(super) fn tables(step: &StepMemory) -> Vec<Block> {
    let rows = compare(&step.shape, &step.setting);
    let known = step.accelerator_bytes().is_some();
    let mut header = vec!["way", "GiB held", "GB in a node", "GB between"];
    if known {
        header.extend(["largest micro-batch", "fits"]);
    }
    let numbers = rows.iter().filter_map(|row| {
        let outcome = row.outcome.as_ref().ok()?;
        let (node, between) = moved(outcome);
        let mut cells = vec![row.way.name.clone()];
        let held = outcome.step.peak().bytes / GIB;
        cells.extend([held, node / 1e9, between / 1e9].map(|number| format!("{number:.1}")));
        if let Some((fits, most)) = fitted(step, outcome) {
            cells.push(most.map_or_else(|| "none".to_owned(), |most| format!("{most:.0}")));
            cells.push(if fits { "yes" } else { "no" }.to_owned());
        }
        Some(cells)
    });
    let numbers = numbers.collect();
    let words = rows.iter().filter_map(|row| {
        let outcome = row.outcome.as_ref().ok()?;
        let mut moves: Vec<String> = Vec::new();
        for traffic in &outcome.traffic {
            let one = format!("{} ({})", traffic.collective, traffic.axis);
            if !moves.contains(&one) {
                moves.push(one);
            }
        }
        let moves = if moves.is_empty() { "nothing".to_owned() } else { moves.join(", ") };
        Some(vec![row.way.name.clone(), moves, row.way.asks.to_owned()])
    });
    let words = words.collect();
    let layout = &step.setting.layout;
    let mut blocks = vec![
        Block::Heading("The ways side by side, per device and optimizer step".to_owned()),
        Block::table(&header, numbers, 1),
        Block::Line(format!(
            "  {} devices, {} x {} tokens a micro-batch on a data-parallel device. Moved is what a \
             device receives; a group of up to {NODE} neighbours is in a node. A pipeline runs 4 \
             micro-batches for each of its stages, the others one.",
            count(layout.devices()),
            count(layout.micro_batch),
            count(step.setting.sequence)
        )),
        Block::Heading("What they move, and what they ask".to_owned()),
        Block::table(&["way", "moves", "asks"], words, 3),
    ];
    let odd = rows.iter().filter_map(|row| Some((row, row.outcome.as_ref().err()?)));
    let odd: Vec<String> = odd.map(|(row, error)| format!("{}: {error}", row.way.name)).collect();
    if !odd.is_empty() {
        blocks.push(Block::Line(format!("  Not simulated: {}.", odd.join("; "))));
    }
    blocks
}

/// Bytes that a device receives within its node and from other nodes.
fn moved(outcome: &Outcome) -> (f64, f64) {
    outcome.traffic.iter().fold((0.0, 0.0), |(node, between), traffic| {
        if traffic.span <= NODE {
            (node + traffic.bytes, between)
        } else {
            (node, between + traffic.bytes)
        }
    })
}

/// Whether a way fits into the accelerator, and its largest micro-batch there.
fn fitted(step: &StepMemory, outcome: &Outcome) -> Option<(bool, Option<f64>)> {
    let bytes = step.accelerator_bytes()?;
    let setting = Setting { layout: outcome.layout, ..step.setting };
    let on_gpu = on_gpu(&step.shape, &setting).ok()?;
    let most = on_gpu.most_sequences(Context::of(&setting).room(bytes));
    Some((fits(&on_gpu, &setting, bytes), most))
}

/// The same as JSON.
pub(super) fn json(step: &StepMemory) -> Vec<Value> {
    compare(&step.shape, &step.setting).iter().map(|row| one(step, row)).collect()
}

fn one(step: &StepMemory, row: &Row) -> Value {
    let outcome = match &row.outcome {
        Ok(outcome) => outcome,
        Err(error) => {
            return json!({ "way": row.way.name, "error": error.message, "key": error.key });
        }
    };
    let fitted = fitted(step, outcome);
    let layout = &outcome.layout;
    let traffic = outcome.traffic.iter().map(|traffic| {
        json!({
            "axis": traffic.axis,
            "collective": traffic.collective.to_string(),
            "bytes": whole(traffic.bytes),
            "span": traffic.span,
        })
    });
    json!({
        "way": row.way.name,
        "asks": row.way.asks,
        "layout": super::json::layout(layout),
        "peak_allocated_bytes": whole(outcome.step.peak().bytes),
        "moved_bytes": whole(outcome.moved()),
        "moved": traffic.collect::<Vec<_>>(),
        "fits": fitted.map(|(fits, _)| fits),
        "largest_micro_batch": fitted.map(|(_, most)| whole(most.unwrap_or(0.0))),
    })
}
