//! Learning rate, batch and steps beside what published laws give.

use super::answer::Answer;
use super::block::Block;
use crate::quantity::{Quantity, Tokens, grouped, significant};
use crate::recipe::RECIPE_LAWS;

pub(super) fn section(answer: &Answer) -> Vec<Block> {
    let Some(own) = &answer.derivation.derived.recipe else {
        return Vec::new();
    };
    let batch = answer.chosen.training.batch_tokens;
    let mut rows = vec![vec![
        "the plan".to_owned(),
        significant(own.peak_lr, 3),
        batch.map_or_else(String::new, Quantity::human),
    ]];
    rows.extend(RECIPE_LAWS.iter().filter_map(|law| {
        let (rate, batch) = (own.lr_by_law.get(law.name)?, own.batch_by_law.get(law.name)?);
        Some(vec![law.source.to_owned(), significant(*rate, 3), Tokens(*batch).human()])
    }));
    let mut blocks = vec![
        Block::Heading("Recipe".to_owned()),
        Block::table(&["", "peak learning rate", "batch, tokens"], rows, 1),
    ];
    blocks.push(Block::Line(
        "  The laws come from small models and differ among themselves; of 55 dense published runs 7 \
         lie within their range and nearly all others below it."
            .to_owned(),
    ));
    if let (Some(steps), Some(tokens), Some(batch)) = (own.steps, own.stepped_tokens, batch) {
        blocks.push(Block::Line(format!(
            "  {} steps x {} tokens = {} tokens.",
            steps.human(),
            grouped(batch.0),
            grouped(tokens.0)
        )));
    }
    blocks
}
