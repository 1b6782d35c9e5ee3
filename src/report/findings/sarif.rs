//! A check as SARIF 2.1.0, which code scanning reads.

mod model;

use super::{CheckReport, Diagnosed, Diagnosis, Region};
use crate::check::{Level, RULES, Rule};
use model::{
    Artifact, Configuration, Descriptor, Driver, Invocation, Location, Log, Logical, Notification,
    Outcome, Physical, Place, Properties, Run, Suppression, Text, Tool,
};
use std::collections::BTreeMap;
use std::fmt::Write as _;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// A check as SARIF, with a final newline.
///
/// Every rule is listed, so that its index does not depend on what was found. What a plan allows is
/// there as suppressed, with its reason.
///
/// # Panics
/// Never: the document has string keys only.
#[must_use]
pub fn sarif(report: &CheckReport) -> String {
    let driver = Driver {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        semantic_version: env!("CARGO_PKG_VERSION"),
        rules: RULES.iter().map(|rule| descriptor(rule)).collect(),
    };
    let notifications = report.failures.iter().map(|failure| Notification {
        level: "error",
        message: text(&failure.message),
        locations: vec![location(&failure.path, None)],
    });
    let invocation = Invocation {
        execution_successful: report.failures.is_empty(),
        tool_execution_notifications: notifications.collect(),
    };
    let run = Run {
        tool: Tool { driver },
        invocations: [invocation],
        column_kind: "unicodeCodePoints",
        results: report.files.iter().flat_map(results).collect(),
    };
    let log = Log { schema: SCHEMA, version: "2.1.0", runs: [run] };
    serde_json::to_string_pretty(&log).expect("findings are JSON") + "\n"
}

fn descriptor(rule: &'static Rule) -> Descriptor {
    let summary = || Text { text: rule.summary.to_owned(), markdown: None };
    let help = Text { text: rule.page.to_owned(), markdown: Some(rule.page) };
    Descriptor {
        id: rule.id,
        short_description: summary(),
        full_description: summary(),
        help,
        default_configuration: Configuration {
            level: rule.level.to_string(),
            enabled: !rule.strict,
        },
        properties: Properties { tags: [rule.family.name()] },
    }
}

fn results(file: &Diagnosed) -> Vec<Outcome> {
    let found = file.findings.iter().map(|one| (one, Vec::new()));
    let allowed = file.allowed.iter().map(|(one, reason)| {
        (one, vec![Suppression { kind: "inSource", justification: reason.clone() }])
    });
    let mut seen = BTreeMap::new();
    let results = found.chain(allowed).map(|(one, suppressions)| {
        let finding = &one.finding;
        let count: &mut usize = seen.entry((finding.rule, finding.about.clone())).or_default();
        *count += 1;
        let print = format!("{} {} {count}", finding.rule, finding.about);
        let mut main = location(&file.path, one.main());
        main.logical_locations = logical(one);
        Outcome {
            rule_id: finding.rule,
            rule_index: RULES.iter().position(|rule| rule.id == finding.rule),
            level: level(finding.level),
            message: text(&said(one)),
            locations: [main],
            related_locations: related(file, one),
            partial_fingerprints: BTreeMap::from([(
                "ruleAndKey/v1",
                format!("{:016x}", hash(print.as_bytes())),
            )]),
            suppressions,
        }
    });
    results.collect()
}

/// The message; what stands at the first place and the advice belong to it, as a viewer shows it
/// alone.
fn said(one: &Diagnosis) -> String {
    let finding = &one.finding;
    let main = finding.labels.first().map(|label| label.text.as_str()).unwrap_or_default();
    let parts = [finding.message.as_str(), main, finding.help.as_deref().unwrap_or_default()];
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(". ")
}

fn related(file: &Diagnosed, one: &Diagnosis) -> Vec<Location> {
    let labels = one.finding.labels.iter().zip(&one.regions).skip(1);
    let placed = labels.filter_map(|(label, region)| Some((label, region.as_ref()?)));
    placed
        .enumerate()
        .map(|(id, (label, region))| Location {
            id: Some(id + 1),
            message: Some(text(if label.text.is_empty() { "here" } else { &label.text })),
            ..location(&file.path, Some(region))
        })
        .collect()
}

fn logical(one: &Diagnosis) -> Vec<Logical> {
    let about = &one.finding.about;
    if about.is_empty() {
        return Vec::new();
    }
    vec![Logical { fully_qualified_name: about.clone(), kind: "member" }]
}

fn location(path: &str, region: Option<&Region>) -> Location {
    let physical = Physical {
        artifact_location: Artifact { uri: uri(path) },
        region: region.map(|at| Place {
            start_line: at.line,
            start_column: at.column,
            end_line: at.end_line,
            end_column: at.end_column,
        }),
    };
    Location { id: None, physical_location: physical, logical_locations: Vec::new(), message: None }
}

/// A path as a URI reference: relative paths stay relative, to the root of the sources.
fn uri(path: &str) -> String {
    let path = path.replace('\\', "/");
    let plain = path.trim_start_matches("./");
    let mut uri = String::new();
    if plain.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in plain.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
    }
}

fn text(text: &str) -> Text {
    Text { text: text.to_owned(), markdown: None }
}

/// FNV-1a, 64 bit: the same on every machine and in every version.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
