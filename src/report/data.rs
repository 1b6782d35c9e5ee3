//! Sources, epochs, and what repeats are worth.

use super::answer::Answer;
use super::block::{Block, shortened};
use crate::allocation::Objective;
use crate::data::value_of_pass;
use crate::law::{self, Repeats};
use crate::plan::{DerivedData, Gap};
use crate::quantity::{Quantity, Tokens, grouped, significant};

/// Sources that are listed one by one.
const LISTED: usize = 40;
/// Passes whose value is shown.
const PASSES: [u32; 7] = [1, 2, 3, 4, 8, 16, 40];
/// `R_D`* at the ends of its 80 % bootstrap interval over the authors' 182 runs: 7.7, and no decay.
const DECAY_80: [f64; 2] = [7.7, 1e9];

/// Nats per token that repeats must cost before the ways to close the gap are told.
const FELT: f64 = 1e-3;

pub(super) fn blocks(answer: &Answer) -> Vec<Block> {
    let Some(data) = &answer.derivation.derived.data else {
        return Vec::new();
    };
    let mut blocks = vec![Block::Heading("Data".to_owned()), sources(data)];
    if data.sources.len() > LISTED {
        let rest = data.sources.len() - LISTED;
        blocks.push(Block::Line(format!("  and {rest} more sources; `--format json` lists all")));
    }
    blocks.extend(lines(answer, data).into_iter().map(|line| Block::Line(format!("  {line}"))));
    let felt = |gap: &&Gap| gap.repeat_loss_difference > FELT;
    blocks.extend(data.gap.iter().filter(felt).flat_map(gap));
    blocks
}

/// What every source gives.
fn sources(data: &DerivedData) -> Block {
    let rows = data.sources.iter().take(LISTED).map(|(name, source)| {
        vec![
            shortened(name),
            format!("{} %", significant(source.weight * 100.0, 3)),
            source.tokens.human(),
            source.distinct_tokens.map_or("?".to_owned(), Quantity::human),
            source.epochs.map_or("?".to_owned(), Quantity::human),
            source.most_repeats.map_or("?".to_owned(), grouped),
            source.effective_tokens.map_or("?".to_owned(), Quantity::human),
        ]
    });
    let header =
        ["source", "share", "tokens", "distinct", "epochs", "most repeats", "worth in fresh"];
    Block::table(&header, rows.collect(), 1)
}

fn lines(answer: &Answer, data: &DerivedData) -> Vec<String> {
    let mut lines = Vec::new();
    if let (Some(unique), Some(epochs)) = (data.unique_tokens, data.epochs) {
        let noun = if (epochs.0 - 1.0).abs() < 1e-9 { "epoch" } else { "epochs" };
        let (unique, epochs) = (unique.human(), epochs.human());
        lines.push(format!("{epochs} {noun} of {unique} unique tokens{}.", most_read(data)));
    }
    if let Some(decision) = data.decision {
        lines.push(format!("Decision: {}.", decision.words()));
    }
    if let (Some(source), Some(tokens), Some(epochs)) =
        (&data.binding_source, data.longest_run, data.longest_run_epochs)
        && tokens.0 > 0.0
    {
        lines.push(format!(
            "`{source}` binds first: its {} {} for a run of {} tokens.",
            epochs.human(),
            if epochs.0 > 1.0 { "passes last" } else { "pass lasts" },
            tokens.human()
        ));
    }
    let run = answer.derivation.point.map(|point| point.tokens);
    if let (Some(run), Some(worth)) = (run, data.effective_tokens)
        && worth.0 < run.0 * (1.0 - 1e-9)
    {
        let (lost, run, worth) = (Tokens(run.0 - worth.0).human(), run.human(), worth.human());
        lines.push(format!("{run} tokens are worth {worth} fresh ones: repeats take {lost}."));
    }
    if data.loss_from_repeats.is_some_and(|loss| loss > 0.0) {
        let decay = answer.derivation.law.repeats.unwrap_or_else(law::repeats);
        lines.push(passes(decay));
        lines.push(format!(
            "Repeats cost {} nats/token against as many fresh tokens (Muennighoff et al. 2023).",
            significant(data.loss_from_repeats.unwrap_or_default(), 3)
        ));
        lines.extend(sensitivity(answer));
    }
    lines
}

/// The source that is read most often, where that is not what the total says.
fn most_read(data: &DerivedData) -> String {
    let total = data.epochs.map_or(0.0, |epochs| epochs.0);
    let read = data.sources.iter().filter_map(|(name, source)| Some((name, source.epochs?)));
    match read.max_by(|a, b| a.1.0.total_cmp(&b.1.0)) {
        Some((name, epochs)) if epochs.0 > total * 1.01 => {
            format!(" in all; `{name}` is read most often, {} times", epochs.human())
        }
        _ => String::new(),
    }
}

fn passes(decay: Repeats) -> String {
    let values = PASSES
        .map(|pass| format!("{pass}: {} %", significant(value_of_pass(pass, decay).0 * 100.0, 2)));
    format!("Value of a pass, as a share of the first: {}.", values.join(", "))
}

/// How the joint optimum moves with `R_D`*, which the authors' runs hardly identify.
fn sensitivity(answer: &Answer) -> Option<String> {
    let derivation = answer.derivation;
    let point = derivation.point.filter(|point| point.free)?;
    let objective = derivation.objective().filter(|o| o.is_limited_at(point.tokens))?;
    let ends = DECAY_80.map(|tokens| {
        let repeats = Repeats { tokens, ..objective.repeats };
        let (params, tokens) =
            Objective { repeats, ..objective }.rough_optimum(point.flops, point.tokens);
        format!("{} parameters on {} tokens", params.human(), tokens.human())
    });
    (ends[0] != ends[1]).then(|| format!(
        "R_D* is poorly identified: its 80 % interval, 7.7 to no decay, moves the optimum from {} to {}; the intervals above leave that out.",
        ends[0], ends[1]
    ))
}

fn gap(gap: &Gap) -> Vec<Block> {
    let mut rows = vec![vec![
        "repeat".to_owned(),
        format!(
            "{} nats/token; {} of compute buys nothing",
            significant(gap.repeat_loss_difference, 3),
            gap.repeat_wasted_flops.human()
        ),
    ]];
    rows.push(vec![
        "synthesise".to_owned(),
        format!(
            "{} to write them with a model of this size, 2N FLOPs a token",
            gap.synthesis_flops.human()
        ),
    ]);
    let buy = match (gap.buy_usd, gap.break_even_usd_per_billion) {
        (Some(usd), Some(even)) => format!(
            "{}; worth it in compute below {} USD per billion tokens",
            usd.human(),
            significant(even, 3)
        ),
        (Some(usd), None) => usd.human(),
        (None, Some(even)) => {
            format!("worth it in compute below {} USD per billion tokens", significant(even, 3))
        }
        (None, None) => "price unknown: add `cost.usd_per_billion_tokens`".to_owned(),
    };
    rows.push(vec!["buy".to_owned(), buy]);
    vec![
        Block::Heading(format!("Missing: {} fresh tokens", gap.missing_tokens.human())),
        Block::table(&["way", "cost"], rows, 2),
    ]
}
