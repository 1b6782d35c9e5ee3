//! What the plan's loader makes of its mixture.

use super::super::answer::Answer;
use super::super::block::{Block, shortened};
use super::super::loader::{boundary, counted, how, length, place, ramp, run_out, sum};
use super::LISTED;
use crate::quantity::{Quantity, Tokens, grouped};

/// What the loader reads and how it takes stages; nothing where the plan names none.
pub(super) fn blocks(answer: &Answer) -> Vec<Block> {
    let Some(loader) = answer.derivation.loader else {
        return Vec::new();
    };
    let mut blocks = vec![Block::Heading(format!("What {} really does", loader.title))];
    let sources = answer.derivation.derived.data.iter().flat_map(|data| &data.sources);
    let rounds = loader.block.is_some();
    let rows: Vec<Vec<String>> = sources
        .clone()
        .filter_map(|(name, source)| {
            let mut row = vec![shortened(name), source.tokens.human()];
            row.extend(source.drawn_tokens.map(Quantity::human));
            row.extend([source.distinct_tokens?.human(), grouped(source.most_repeats?)]);
            Some(row)
        })
        .collect();
    let mut lines = Vec::new();
    let more = rows.len().saturating_sub(LISTED);
    if !rows.is_empty() {
        let mut header = vec!["source", "planned"];
        header.extend(rounds.then_some("drawn"));
        header.extend(["distinct", "most repeats"]);
        blocks.push(Block::table(&header, rows.into_iter().take(LISTED).collect(), 1));
        if more > 0 {
            lines.push(format!("and {more} more sources; `--format json` lists all"));
        }
        lines.push(format!(
            "Tokens: planned as the weights say, {}distinct the different ones that are read; most \
             repeats is how often the most repeated one is read.",
            if rounds { "drawn as the loader rounds them, " } else { "" }
        ));
    }
    lines.extend([
        format!("Its weights count {}; they sum {}.", counted(loader.unit), sum(loader.weights)),
        format!("A source that runs out {}.", run_out(loader.exhausted)),
    ]);
    if let Some(option) = &loader.repeats_by {
        let set = answer.chosen.data.repeat == Some(true);
        let is = if set { "is taken to be set, so that" } else { "lets" };
        lines.push(format!(
            "`{option}` {is} a source {} read again.",
            if set { "is" } else { "be" }
        ));
    }
    for (stage, end) in answer.derivation.reading().iter().flat_map(|r| &r.ends) {
        let Some(limit) = end.limit() else { continue };
        let names = answer.derivation.mixture.iter().flat_map(|mixture| &mixture.shares);
        let name = names.map(|share| share.name.as_str()).nth(limit.source).unwrap_or_default();
        let stages = &answer.chosen.stages;
        let of = stages.get(*stage).filter(|_| stages.len() > 1);
        let of = of.map_or(String::new(), |stage| format!(" in `{}`", stage.name));
        let after = limit.after.human();
        lines.push(format!("Here `{name}` runs out{of} after {after} tokens: no more is read."));
    }
    if let Some(block) = loader.block {
        let drawn: Vec<_> = sources
            .filter_map(|(name, source)| Some((name, source.tokens.0, source.drawn_tokens?.0)))
            .collect();
        let elsewhere: f64 =
            drawn.iter().map(|(_, planned, drawn)| (planned - drawn).max(0.0)).sum();
        let never = drawn.iter().filter(|(_, planned, drawn)| *planned > 0.0 && *drawn <= 0.0);
        let never: Vec<String> = never.map(|(name, ..)| format!("`{name}`")).collect();
        lines.push(format!(
            "Counts are rounded down in every block of {} sequences and the largest source gets the \
             rest: {} tokens are drawn elsewhere than planned{}.",
            grouped(f64::from(block)),
            Tokens(elsewhere).human(),
            match never.as_slice() {
                [] => String::new(),
                [only] => format!(", and {only} never"),
                [first, rest @ ..] => {
                    format!(", and {first} and {} more sources never", rest.len())
                }
            }
        ));
    }
    let stages = &loader.stages;
    lines.push(format!(
        "Stages are {}{}: {}; a later stage {}.",
        how(stages.how),
        boundary(stages.boundary),
        stages.key,
        place(loader.place)
    ));
    lines.push(format!(
        "Sequence length: {}. A ramp {}.",
        length(loader.sequence_change),
        ramp(loader.ramps)
    ));
    lines.push(format!(
        "`llmplan explain {}` has {} traps and the source, read on {}.",
        loader.name,
        loader.traps.len(),
        loader.as_of
    ));
    blocks.extend(lines.into_iter().map(|line| Block::Line(format!("  {line}"))));
    blocks
}
