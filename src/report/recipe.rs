//! Learning rate, batch and schedule beside what published laws give and published runs do.

use super::answer::Answer;
use super::block::Block;
use crate::plan::DerivedRecipe;
use crate::quantity::{Quantity, Tokens, exact, grouped, significant};
use crate::recipe::RECIPE_LAWS;

pub(super) fn section(answer: &Answer) -> Vec<Block> {
    let Some(own) = &answer.derivation.derived.recipe else {
        return Vec::new();
    };
    let mut rows =
        vec![vec!["the plan".to_owned(), significant(own.peak_lr, 3), own.batch_tokens.human()]];
    rows.extend(RECIPE_LAWS.iter().filter_map(|law| {
        let (rate, batch) = (own.lr_by_law.get(law.name)?, own.batch_by_law.get(law.name)?);
        Some(vec![law.source.to_owned(), significant(*rate, 3), Tokens(*batch).human()])
    }));
    rows.push(vec![
        "critical batch, Kaplan et al. 2020, arXiv:2001.08361".to_owned(),
        String::new(),
        own.critical_batch_tokens.human(),
    ]);
    let mut blocks = vec![
        Block::Heading("Recipe".to_owned()),
        Block::table(&["", "peak learning rate", "batch, tokens"], rows, 1),
        Block::table(&["", "", ""], settings(answer, own), 3),
    ];
    if !own.hand_offs.is_empty() {
        let header = ["hand-off", "after, tokens", "ends at", "begins at"];
        blocks.push(Block::table(&header, hand_offs(own), 1));
    }
    if let Some(steps) = own.steps.zip(own.stepped_tokens) {
        blocks.push(Block::Line(stepped(answer, own, steps)));
    }
    blocks.extend(reasons(answer));
    blocks
}

/// The rest of the recipe, each beside what others do.
fn settings(answer: &Answer, own: &DerivedRecipe) -> Vec<Vec<String>> {
    let tokens = answer.derivation.point.map_or(f64::NAN, |point| point.tokens.0);
    let [low, high] = own.warmups.map(|tokens| Tokens(tokens).human());
    let share = |part: f64| format!("{} %", significant(100.0 * part / tokens, 2));
    let row = |name: &str, value: String, beside: String| vec![name.to_owned(), value, beside];
    let falls = match own.schedule.as_str() {
        "constant" => "never falls".to_owned(),
        _ => format!(
            "falls from {} to {} tokens",
            own.decay_from_tokens.human(),
            own.decay_to_tokens.human()
        ),
    };
    let end = own
        .final_lr
        .map_or(falls.clone(), |end| format!("{falls}; {} at the end", significant(end, 3)));
    vec![
        row(
            "warm-up",
            format!("{} tokens", own.warmup_tokens.human()),
            format!("{} of the run; published recipes {low} to {high}", share(own.warmup_tokens.0)),
        ),
        row("schedule", own.schedule.clone(), end),
        row(
            "weight decay",
            exact(own.weight_decay),
            format!(
                "{} by AdamW's timescale, arXiv:2505.13738",
                significant(own.weight_decay_by_law, 2)
            ),
        ),
        row("betas", own.betas.map(exact).join(", "), String::new()),
        row("gradients clipped to", exact(own.clip_norm), String::new()),
    ]
}

fn hand_offs(own: &DerivedRecipe) -> Vec<Vec<String>> {
    let rate = |rate: Option<f64>| rate.map_or("not known".to_owned(), |rate| significant(rate, 4));
    let rows = own.hand_offs.iter().map(|hand_off| {
        vec![
            format!("{} to {}", hand_off.before, hand_off.after),
            hand_off.at_tokens.human(),
            rate(hand_off.ends_at),
            rate(hand_off.begins_at),
        ]
    });
    rows.collect()
}

/// Steps times batch, to the token.
fn stepped(
    answer: &Answer,
    own: &DerivedRecipe,
    (steps, stepped): (crate::quantity::Steps, Tokens),
) -> String {
    let alike = (steps.0 * own.batch_tokens.0 - stepped.0).abs() < 0.5;
    let by = if alike {
        format!("{} steps x {} tokens", steps.human(), grouped(own.batch_tokens.0))
    } else {
        format!("{} steps of up to {} tokens", steps.human(), grouped(own.batch_tokens.0))
    };
    let tokens = answer.derivation.point.map_or(stepped.0, |point| point.tokens.0);
    let over = (stepped.0 - tokens).round();
    let rest = if over >= 1.0 && over < own.batch_tokens.0 {
        format!("; the last step is {} tokens short of full", grouped(over))
    } else {
        String::new()
    };
    format!("  {by} = {} tokens{rest}.", grouped(stepped.0.round()))
}

/// Why what the plan does not state is as it is.
fn reasons(answer: &Answer) -> Vec<Block> {
    let assumed = &answer.derivation.derived.assumed;
    let keys = ["training.peak_lr", "training.batch_tokens", "training.schedule"];
    let told = keys.into_iter().filter_map(|key| {
        let own = assumed.get(key)?;
        Some(Block::Line(format!("  `{key}` = {}: {}.", own.value, own.source)))
    });
    told.collect()
}
