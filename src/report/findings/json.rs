//! A check as JSON, version 1.

use super::{CheckReport, Diagnosed, Diagnosis};
use serde_json::{Value, json};

/// Version of the JSON of a check.
const VERSION: u32 = 1;

/// A check as JSON, with a final newline.
///
/// # Panics
/// Never: the document has string keys only.
#[must_use]
pub fn check_json(report: &CheckReport) -> String {
    let totals = report.totals();
    let failures = report
        .failures
        .iter()
        .map(|failure| json!({ "path": failure.path, "message": failure.message }));
    let value = json!({
        "version": VERSION,
        "plans": totals.plans,
        "errors": totals.errors,
        "warnings": totals.warnings,
        "allowed": totals.allowed,
        "known": totals.known,
        "failures": failures.collect::<Vec<_>>(),
        "files": report.files.iter().map(file).collect::<Vec<_>>(),
    });
    serde_json::to_string_pretty(&value).expect("findings are JSON") + "\n"
}

fn file(file: &Diagnosed) -> Value {
    let allowed = file.allowed.iter().map(|(one, reason)| {
        let mut value = finding(one);
        value["reason"] = reason.as_str().into();
        value
    });
    json!({
        "path": file.path,
        "readable": file.readable,
        "findings": file.findings.iter().map(finding).collect::<Vec<_>>(),
        "allowed": allowed.collect::<Vec<_>>(),
        "known": file.known,
    })
}

fn finding(diagnosis: &Diagnosis) -> Value {
    let finding = &diagnosis.finding;
    let places = finding.labels.iter().zip(&diagnosis.regions).map(|(label, region)| {
        let place = region.map(|region| {
            json!({
                "start": region.start, "end": region.end,
                "line": region.line, "column": region.column,
                "end_line": region.end_line, "end_column": region.end_column,
            })
        });
        json!({ "key": label.key.to_string(), "text": label.text, "at": place })
    });
    json!({
        "rule": finding.rule,
        "level": finding.level.to_string(),
        "message": finding.message,
        "help": finding.help,
        "about": finding.about,
        "measure": finding.measure.filter(|measure| measure.is_finite()),
        "count": finding.count,
        "places": places.collect::<Vec<_>>(),
    })
}
