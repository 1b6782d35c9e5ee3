//! Pools of unlike accelerators, and what ways of using them come to.

use super::answer::Answer;
use super::block::Block;
use crate::plan::DerivedFleet;
use crate::quantity::{Flops, Quantity, grouped, significant};

fn percent(share: f64) -> String {
    format!("{} %", significant(share * 100.0, 3))
}

pub(super) fn section(answer: &Answer) -> Vec<Block> {
    let Some(fleet) = &answer.derivation.derived.fleet else {
        return Vec::new();
    };
    let mut blocks = vec![Block::Heading("Pools".to_owned()), pools(fleet)];
    let days = answer.chosen.budget.days.map(Quantity::human);
    blocks.push(Block::Heading("What a split would do".to_owned()));
    blocks.push(ways(fleet));
    let mut line = "  Training waits for the slowest: give every pool the share of a batch above, \
                    or it idles."
        .to_owned();
    if let Some(days) = days {
        line = format!("  N, D and loss: the best run in the budget's {days}. {}", line.trim());
    }
    blocks.push(Block::Line(line));
    if let Some(bytes) = fleet.exchanged_bytes.filter(|_| fleet.pools.len() > 1) {
        blocks.push(Block::Line(format!(
            "  In every step each pool gives and takes {} GB of BF16 gradients; the link between the \
             pools is not known here, and its time not counted.",
            significant(bytes / 1e9, 3)
        )));
    }
    blocks
}

fn pools(fleet: &DerivedFleet) -> Block {
    let rows = fleet.pools.iter().map(|pool| {
        let range = pool.mfu_80.map_or_else(String::new, |[low, high]| {
            format!("{} to {}", percent(low), percent(high))
        });
        vec![
            pool.accelerator.clone(),
            grouped(pool.devices),
            percent(pool.mfu.0),
            range,
            significant(pool.flops_per_second, 3),
            percent(pool.share),
        ]
    });
    let header = ["pool", "devices", "MFU", "80 % of whole runs", "FLOP/s", "share of a batch"];
    Block::table(&header, rows.collect(), 1)
}

fn ways(fleet: &DerivedFleet) -> Block {
    let human = |flops: Flops| flops.human().replace(" FLOP", "");
    let rows = fleet.ways.iter().map(|way| {
        vec![
            way.way.clone(),
            significant(way.flops_per_second, 3),
            way.days.map_or_else(String::new, |days| format!("{} days", significant(days, 3))),
            way.flops.map_or_else(String::new, human),
            way.params.map_or_else(String::new, Quantity::human),
            way.tokens.map_or_else(String::new, Quantity::human),
            way.loss.map_or_else(String::new, Quantity::human),
        ]
    });
    let header = ["way", "FLOP/s", "the run", "FLOP", "N", "D", "loss"];
    Block::table(&header, rows.collect(), 1)
}
