//! Checkpoints against failures, evaluations, and what is left for training.

use super::answer::Answer;
use super::block::Block;
use crate::plan::DerivedOperations;
use crate::quantity::{Quantity as _, grouped, significant};

/// Goodput of published runs: utilisation over all hours over that which is printed.
const PUBLISHED: &str = "published runs reached 0.65 to 0.95 of the utilisation that they print";

pub(super) fn section(answer: &Answer) -> Vec<Block> {
    let Some(own) = &answer.derivation.derived.operations else {
        return Vec::new();
    };
    let mut rows = vec![vec![
        "failures".to_owned(),
        own.failures.map_or(String::new(), |count| significant(count, 3)),
        format!("one every {} h in the mean", significant(own.hours_between_failures, 3)),
    ]];
    let steps = own.best_checkpoint_steps.map(|steps| format!("{} steps, ", steps.human()));
    rows.push(vec![
        "save every".to_owned(),
        time(own.checkpoint_every_seconds),
        format!("{}{} lose least", steps.unwrap_or_default(), time(own.best_checkpoint_seconds)),
    ]);
    if let Some(bytes) = own.checkpoint_bytes {
        let kept =
            own.kept_bytes.map_or(String::new(), |kept| format!("{} kept", terabytes(kept.0)));
        rows.push(vec!["a checkpoint".to_owned(), terabytes(bytes.0), kept]);
    }
    rows.push(vec![
        "time that trains".to_owned(),
        own.effective_time.human(),
        "less saving, repeated work, restarts".to_owned(),
    ]);
    if let Some(share) = own.evaluation_time {
        rows.push(vec!["evaluations".to_owned(), share.human(), "of the time".to_owned()]);
    }
    rows.push(vec!["goodput".to_owned(), own.goodput.human(), PUBLISHED.to_owned()]);
    let mut blocks =
        vec![Block::Heading("Operations".to_owned()), Block::table(&["", "", ""], rows, 1)];
    blocks.extend(when_to_stop(own).map(Block::Line));
    blocks
}

fn time(seconds: f64) -> String {
    match seconds {
        s if s >= 7200.0 => format!("{} h", significant(s / 3600.0, 3)),
        s if s >= 120.0 => format!("{} min", significant(s / 60.0, 3)),
        s => format!("{} s", significant(s, 3)),
    }
}

fn terabytes(bytes: f64) -> String {
    if bytes >= 1e12 {
        format!("{} TB", significant(bytes / 1e12, 3))
    } else {
        format!("{} GB", grouped(crate::quantity::round_significant(bytes / 1e9, 3)))
    }
}

/// The gain that is still to be had, in numbers.
fn when_to_stop(own: &DerivedOperations) -> Option<String> {
    let (last, best) = (own.last_percent_nats?, own.percent_at_optimum_nats?);
    Some(format!(
        "  Stop or extend: the last per cent of the tokens brings {} nats/token by the law, and a per \
         cent more compute {} at the optimum's size and length.",
        significant(last, 3),
        significant(best, 3)
    ))
}
