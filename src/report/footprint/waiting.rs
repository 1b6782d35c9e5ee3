//! When to run, what that saves, and what waiting costs.

use super::{carbon, number};
use crate::derive::{RunFootprint, Waiting};
use crate::footprint::{Moment, Schedule};
use crate::quantity::significant;
use crate::report::block::Block;
use std::fmt::Write as _;

/// Runs of a schedule that are listed.
const LISTED: usize = 8;

/// When to run, in a sentence.
pub(super) fn sentence(waiting: &Waiting) -> Block {
    let best = waiting.plans.best();
    let (now, least) = (waiting.kg(waiting.plans.now.intensity), waiting.kg(best.intensity));
    let saved = significant(100.0 * (1.0 - least / now.max(f64::MIN_POSITIVE)), 3);
    Block::Line(if waiting.hours_later(best) == 0.0 && best.pauses() == 0 {
        format!("  Start at once: {}, and no other time within the window emits less.", carbon(now))
    } else {
        format!(
            "  Start {}, {}: {} in place of {} at once, {saved} % less, {} later.",
            waiting.window.at(best.start()),
            paused(best),
            carbon(least),
            carbon(now),
            days(waiting.hours_later(best))
        )
    })
}

fn paused(schedule: &Schedule) -> String {
    match schedule.pauses() {
        0 => "without a pause".to_owned(),
        1 => "with one pause".to_owned(),
        pauses => format!("with {pauses} pauses"),
    }
}

fn days(hours: f64) -> String {
    if hours < 48.0 {
        format!("{} h", significant(hours, 3))
    } else {
        format!("{} days", significant(hours / 24.0, 3))
    }
}

fn saved(kg: f64, now: f64) -> String {
    if now > 0.0 {
        format!("{} %", significant(100.0 * (1.0 - kg / now), 3))
    } else {
        String::new()
    }
}

pub(super) fn blocks(footprint: &RunFootprint, waiting: &Waiting) -> Vec<Block> {
    let (window, plans) = (&waiting.window, &waiting.plans);
    let now = waiting.kg(plans.now.intensity);
    let row = |name: &str, schedule: &Schedule| {
        let kg = waiting.kg(schedule.intensity);
        vec![
            name.to_owned(),
            clock(window.at(schedule.start())),
            clock(window.at(schedule.end())),
            schedule.pauses().to_string(),
            carbon(kg).replace(" CO2e", ""),
            saved(kg, now),
        ]
    };
    let mut rows = vec![row("at once", &plans.now), row("best start", &plans.start)];
    rows.extend(plans.paused.as_ref().map(|paused| row("with pauses", paused)));
    let header = ["", "start, UTC", "end, UTC", "pauses", "CO2e", "saved"];
    let mut blocks = vec![
        Block::Heading(format!("When to run, by `{}` of the series", waiting.column)),
        Block::table(&header, rows, 1),
        sentence(waiting),
    ];
    blocks.extend(runs(waiting));
    blocks.push(Block::Line(cost(footprint, waiting)));
    blocks.push(Block::Heading("What a later end saves".to_owned()));
    let rows = plans.slacks.iter().map(|slack| {
        let paused = slack.paused.map_or(String::new(), |sum| saved(waiting.kg(sum), now));
        let start = saved(waiting.kg(slack.start), now);
        vec![days(window.hours(slack.steps)), start, paused]
    });
    blocks.push(Block::table(&["later by", "best start", "with pauses"], rows.collect(), 1));
    blocks
}

/// A moment as short as a table wants it.
fn clock(moment: Moment) -> String {
    moment.to_string().replace('T', " ").replace('Z', "")
}

/// The runs between the pauses.
fn runs(waiting: &Waiting) -> Option<Block> {
    let best = waiting.plans.best();
    if best.pauses() == 0 {
        return None;
    }
    let at = |step: usize| waiting.window.at(step);
    let shown = best.runs.iter().take(LISTED);
    let shown: Vec<String> =
        shown.map(|run| format!("{} to {}", at(run.start), at(run.end))).collect();
    let more = best.runs.len().saturating_sub(LISTED);
    let more = if more > 0 { format!(", and {more} more (JSON has all)") } else { String::new() };
    let lost = waiting.window.hours(waiting.window.resume);
    Some(Block::Line(format!(
        "  Runs: {}{more}. Every resumption runs {} without progress, which is counted.",
        shown.join(", "),
        days(lost)
    )))
}

/// What waiting costs where the accelerators are paid for meanwhile.
fn cost(footprint: &RunFootprint, waiting: &Waiting) -> String {
    let (window, plans) = (&waiting.window, &waiting.plans);
    let best = plans.best();
    let devices = footprint.devices.unwrap_or_default();
    let idle = window.hours(best.end() - best.steps()) * devices;
    let resumed = window.hours(best.steps() - window.work) * devices;
    let tonnes = waiting.kg(plans.now.intensity - best.intensity) / 1e3;
    if best.end() == window.work || tonnes <= 0.0 {
        return "  Waiting costs nothing here: nothing is gained by it.".to_owned();
    }
    let mut text = format!(
        "  Waiting costs {} idle accelerator-hours where these are paid for meanwhile{}",
        number(idle, 3),
        if resumed > 0.0 {
            format!(", and {} more to resume", number(resumed, 3))
        } else {
            String::new()
        }
    );
    match footprint.price {
        Some(price) => {
            let usd = (idle + resumed) * price;
            let each = number(usd / tonnes, 3);
            let usd = number(usd, 3);
            let _ = write!(text, ": {usd} USD, {each} USD for a tonne of CO2e");
        }
        None => text.push_str("; a price, `cost.usd_per_accelerator_hour`, would say what that is"),
    }
    format!("{text}. Accelerators that are rented by the hour cost only the resumption.")
}
