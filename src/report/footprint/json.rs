//! The footprint as JSON and CSV: base units, unrounded.

use super::defaults;
use crate::derive::{RunFootprint, Waiting};
use crate::footprint::{Schedule, grids, kg_co2e};
use crate::plan::Interval;
use crate::quantity::exact;
use crate::report::answer::Answer;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Version of the JSON of a footprint.
const VERSION: u32 = 1;

/// The footprint as JSON, with a final newline; nothing but the version where none follows.
///
/// # Panics
/// Never: the document has string keys only.
#[must_use]
pub fn footprint_json(answer: &Answer) -> String {
    let derivation = answer.derivation;
    let mut document = match (&derivation.derived.footprint, &derivation.footprint) {
        (Some(derived), Some(own)) => {
            let mut document = serde_json::to_value(derived).expect("a footprint is JSON");
            if let Some(map) = document.as_object_mut() {
                map.insert("power".to_owned(), power(own));
                map.insert("published_price".to_owned(), price(own));
                map.insert("grids".to_owned(), elsewhere(own));
                map.insert("waiting".to_owned(), own.waiting.as_ref().map_or(Value::Null, waiting));
            }
            document
        }
        _ => json!({}),
    };
    if let Some(map) = document.as_object_mut() {
        let assumed: BTreeMap<_, _> = defaults(answer).collect();
        map.insert("version".to_owned(), json!(VERSION));
        map.insert("assumed".to_owned(), json!(assumed));
        map.insert("remarks".to_owned(), json!(derivation.remarks));
    }
    serde_json::to_string_pretty(&document).expect("a footprint is JSON") + "\n"
}

fn power(own: &RunFootprint) -> Value {
    own.power.map_or(Value::Null, |power| {
        json!({
            "watts_per_accelerator": power.watts,
            "server_overhead": power.overhead,
            "server_overhead_range": power.overhead_range,
            "pue": power.pue,
        })
    })
}

fn price(own: &RunFootprint) -> Value {
    own.published.map_or(Value::Null, |price| {
        json!({
            "low": price.low,
            "middle": price.middle,
            "high": price.high,
            "low_from": price.low_from,
            "high_from": price.high_from,
            "offers": price.offers,
            "as_of": price.as_of.to_string(),
            "source": price.source,
        })
    })
}

/// Every grid of the catalogue with the same energy.
fn elsewhere(own: &RunFootprint) -> Value {
    let Some(kwh) = own.kwh() else {
        return json!([]);
    };
    let rows = grids().iter().map(|grid| {
        json!({
            "name": grid.name,
            "title": grid.title,
            "basis": grid.basis.to_string(),
            "year": grid.year,
            "grams_per_kwh": grid.grams_per_kwh,
            "kg_co2e": kg_co2e(kwh, grid.grams_per_kwh),
            "source": grid.source,
        })
    });
    Value::Array(rows.collect())
}

fn waiting(own: &Waiting) -> Value {
    let (window, plans) = (&own.window, &own.plans);
    let schedule = |schedule: &Schedule| {
        let runs = schedule
            .runs
            .iter()
            .map(|run| json!([window.at(run.start).to_string(), window.at(run.end).to_string()]));
        json!({
            "start": window.at(schedule.start()).to_string(),
            "end": window.at(schedule.end()).to_string(),
            "pauses": schedule.pauses(),
            "kg_co2e": own.kg(schedule.intensity),
            "hours_later": own.hours_later(schedule),
            "runs": runs.collect::<Vec<_>>(),
        })
    };
    let slacks = plans.slacks.iter().map(|slack| {
        json!({
            "hours_later": window.hours(slack.steps),
            "best_start_kg_co2e": own.kg(slack.start),
            "with_pauses_kg_co2e": slack.paused.map(|sum| own.kg(sum)),
        })
    });
    json!({
        "column": own.column,
        "step_seconds": window.step,
        "work_steps": window.work,
        "resume_steps": window.resume,
        "kwh_per_step": own.kwh_per_step,
        "at_once": schedule(&plans.now),
        "best_start": schedule(&plans.start),
        "with_pauses": plans.paused.as_ref().map(schedule),
        "later": slacks.collect::<Vec<_>>(),
    })
}

/// The footprint as CSV: a quantity a row, with its range.
///
/// # Panics
/// Never: writing to memory does not fail.
#[must_use]
pub fn footprint_csv(answer: &Answer) -> String {
    let mut rows = vec![["quantity", "value", "low", "high"].map(str::to_owned)];
    if let Some(own) = &answer.derivation.derived.footprint {
        let mut row = |name: &str, value: Option<f64>, range: Option<Interval>| {
            if let Some(value) = value {
                let [low, high] = range.map_or([String::new(), String::new()], |r| r.map(exact));
                rows.push([name.to_owned(), exact(value), low, high]);
            }
        };
        row("accelerator_hours", Some(own.accelerator_hours), own.accelerator_hours_80);
        row("days", own.days, None);
        row("kwh", own.kwh, own.kwh_range);
        row("kg_co2e", own.kg_co2e, own.kg_co2e_range);
        row("usd", own.usd.map(|usd| usd.0), own.published_usd);
        let schedule = own.schedule.as_ref();
        row("scheduled_kg_co2e", schedule.map(|s| s.kg_co2e), None);
        row("at_once_kg_co2e", schedule.map(|s| s.kg_co2e_at_once), None);
        row("hours_later", schedule.map(|s| s.hours_later), None);
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).expect("rows of one length are written to memory");
    }
    let bytes = writer.into_inner().expect("memory is flushed");
    String::from_utf8(bytes).expect("cells are text")
}
