//! How well the cluster is used, where that is predicted: the rounds until it reaches itself.

use super::answer::Answer;
use super::block::Block;
use crate::derive::Round;
use crate::footprint::GOODPUT;
use crate::quantity::{Quantity, grouped, significant};

/// Rounds that are shown; of more, the first ones and the last.
const SHOWN: usize = 5;

fn percent(share: f64) -> String {
    format!("{} %", significant(share * 100.0, 4))
}

/// The utilisation, the layout behind it, and how the rounds came together.
pub(super) fn section(answer: &Answer) -> Vec<Block> {
    let Some(found) = &answer.derivation.derived.utilisation else {
        return Vec::new();
    };
    let rounds = &answer.derivation.rounds;
    let range = found.mfu_80.map_or_else(String::new, |[low, high]| {
        format!(" (80 %: {} to {})", percent(low), percent(high))
    });
    let own = answer.chosen.operations.goodput;
    let taken = rounds.iter().rev().find(|round| near(round.assumed, found.mfu.0));
    let mut blocks = vec![
        Block::Heading("Predicted utilisation".to_owned()),
        Block::Line(format!(
            "  {} MFU within training steps{range}; steps take {} of the run's time, {}.",
            percent(found.mfu.0),
            percent(own.map_or(GOODPUT, |share| share.0)),
            if own.is_some() { "as stated" } else { "as of published runs" }
        )),
    ];
    if let Some(round) = taken.or(rounds.last()) {
        let picked = if answer.derivation.derived.layout.is_some() { ", picked" } else { "" };
        blocks.push(Block::Line(format!(
            "  Layout{picked}: {}; {} tokens a step. `llmplan layout` searches them all.",
            round.layout,
            grouped(round.batch_tokens)
        )));
    }
    blocks.push(table(rounds));
    blocks.push(Block::Line(if found.settled {
        format!("  Settled in {} rounds: the run reaches the utilisation that pays for it.", rounds.len())
    } else {
        format!(
            "  Not settled in {} rounds: another shape or layout is taken here, and what is reached \
             jumps over what is assumed. Taken is an assumption that is surpassed.",
            rounds.len()
        )
    }));
    blocks
}

fn near(a: f64, b: f64) -> bool {
    (a / b - 1.0).abs() < 1e-6
}

fn table(rounds: &[Round]) -> Block {
    let all = rounds.iter().enumerate();
    let shown = all.filter(|(place, _)| place + 1 < SHOWN || place + 1 == rounds.len());
    let rows = shown.map(|(place, round)| {
        vec![
            (place + 1).to_string(),
            percent(round.assumed),
            round.params.map_or_else(String::new, Quantity::human),
            round.tokens.human(),
            format!("{} x {}", round.layers, round.hidden),
            grouped(round.tokens_per_second_per_device.round()),
            percent(round.reached),
        ]
    });
    let header = ["round", "MFU assumed", "N", "D", "layers x hidden", "tokens/s", "reached"];
    Block::table(&header, rows.collect(), 0)
}
