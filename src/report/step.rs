//! What the reports of a training step's memory and time share.

use super::answer::Answer;
use super::block::Block;
use crate::layout::Layout;
use crate::model::{Shape, shapes};
use crate::plan::Assumed;
use crate::quantity::{Quantity, grouped};

#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(super) fn count(number: u64) -> String {
    grouped(number as f64)
}

/// The model in a few words.
pub(super) fn named(answer: &Answer, shape: &Shape) -> String {
    let model = &answer.chosen.model;
    let published = model.name.as_deref().and_then(|name| shapes().find(name).ok());
    let name = published.map(|published| published.title.clone()).or(model.config.clone());
    let params = format!("{} parameters", shape.params().human());
    name.map_or_else(|| params.clone(), |name| format!("{name}, {params}"))
}

/// The degrees of a split that split something: ", tp 8, pp 2".
pub(super) fn degrees(layout: &Layout) -> String {
    let split = layout.degrees().into_iter().filter(|(_, degree)| *degree > 1);
    split.fold(String::new(), |all, (key, degree)| format!("{all}, {key} {degree}"))
}

/// Defaults on a line; nothing where there are none.
pub(super) fn assumed<'a>(defaults: impl Iterator<Item = (&'a String, &'a Assumed)>) -> Vec<Block> {
    let words = defaults.map(|(key, assumed)| format!("{key} = {}", assumed.value));
    let words: Vec<String> = words.collect();
    if words.is_empty() {
        return Vec::new();
    }
    vec![
        Block::Heading("Assumed".to_owned()),
        Block::Line(format!("  {}.", words.join(", "))),
        Block::Line("  `--format json` has the source of each.".to_owned()),
    ]
}
