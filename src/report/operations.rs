//! Checkpoints against failures, evaluations, what is left for training, and when to stop.

use super::answer::Answer;
use super::block::Block;
use crate::operations::PUBLISHED_GOODPUT;
use crate::plan::DerivedOperations;
use crate::quantity::{Quantity as _, grouped, significant};

pub(super) fn section(answer: &Answer) -> Vec<Block> {
    let Some(own) = &answer.derivation.derived.operations else {
        return Vec::new();
    };
    let row = |name: &str, value: String, beside: String| vec![name.to_owned(), value, beside];
    let steps = own.best_checkpoint_steps.map(|steps| format!("{} steps, ", steps.human()));
    let mut rows = vec![
        row(
            "failures",
            own.failures.map_or(String::new(), |count| significant(count, 3)),
            format!("one every {} h in the mean", significant(own.hours_between_failures, 3)),
        ),
        row(
            "save every",
            time(own.checkpoint_every_seconds),
            format!(
                "{}{} lose least",
                steps.unwrap_or_default(),
                time(own.best_checkpoint_seconds)
            ),
        ),
        row(
            "time that trains",
            own.effective_time.human(),
            format!(
                "less saving, repeated work, restarts; {} if saved twice as often, {} if half",
                own.effective_time_twice_as_often.human(),
                own.effective_time_half_as_often.human()
            ),
        ),
    ];
    if let Some(bytes) = own.checkpoint_bytes {
        let kept = own
            .kept_bytes
            .map_or(String::new(), |kept| format!("keep {}: {}", own.kept, terabytes(kept.0)));
        rows.push(row("a checkpoint", terabytes(bytes.0), kept));
    }
    if let Some(every) = own.evaluate_every_steps {
        let count = own.evaluations.map(|count| format!("{} in all", grouped(count)));
        let cost = own.evaluation_time.map(|share| format!("{} of the time", share.human()));
        let beside: Vec<String> = count.into_iter().chain(cost).collect();
        rows.push(row("evaluate every", format!("{} steps", every.human()), beside.join(", ")));
    }
    rows.push(row("goodput", own.goodput.human(), published()));
    let mut blocks =
        vec![Block::Heading("Operations".to_owned()), Block::table(&["", "", ""], rows, 3)];
    blocks.extend(when_to_stop(own).into_iter().map(Block::Line));
    blocks
}

/// What published runs reached: the range, and the ends of it by name.
fn published() -> String {
    let [(low, least, _), .., (high, most, _)] = PUBLISHED_GOODPUT;
    format!(
        "published whole runs reached {least} ({low}) to {most} ({high}) of the MFU that they print"
    )
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

/// What to watch, and the gain that is still to be had, in numbers.
fn when_to_stop(own: &DerivedOperations) -> Vec<String> {
    let mut lines = vec![
        "  Watch the loss and the norm of the gradient: PaLM went back some 100 steps before a spike \
         and skipped 200 to 500 batches (arXiv:2204.02311, section 5.1)."
            .to_owned(),
    ];
    let nats = |nats: f64| significant(nats, 2);
    if let (Some(last), Some(next)) = (own.last_tenth_nats, own.next_tenth_nats) {
        lines.push(format!(
            "  Stop or extend, by the law: a tenth fewer tokens costs {} nats/token, a tenth more \
             brings {}.",
            nats(last),
            nats(next)
        ));
    }
    if let (Some(last), Some(best)) = (own.last_percent_nats, own.percent_at_optimum_nats) {
        lines.push(format!(
            "  The last per cent of the tokens brings {}, a per cent more compute {} at the \
             optimum's size and length.",
            nats(last),
            nats(best)
        ));
    }
    lines
}
