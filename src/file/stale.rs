//! Whether a `[derived]` table still says what follows from the plan.

use crate::plan::{Derived, KeyPath};
use crate::quantity::{exact, round_significant};
use serde::Deserialize;
use toml::Value;

/// Relative difference up to which two numbers are the same: a seventh digit may round.
const TOLERANCE: f64 = 1e-5;

/// A derived value that is no longer what follows.
#[derive(Debug, Clone, PartialEq)]
pub struct Stale {
    /// Where it stands, from `derived` on.
    pub key: KeyPath,
    /// What stands there.
    pub stands: Option<String>,
    /// What follows from the plan.
    pub follows: Option<String>,
}

/// The values of a `[derived]` table that differ from what follows, in the order of their keys.
///
/// Numbers differ by more than 1e-5 relative; strings at all. Keys that no version writes are
/// left out. Versions are not compared: that is another finding.
#[must_use]
pub fn stale(stands: &toml::Table, follows: &Derived) -> Vec<Stale> {
    let Ok(fresh) = toml::Table::try_from(follows) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    in_tables(stands, &fresh, &mut Vec::new(), &mut found);
    if found.iter().any(|stale| stale.follows.is_none()) {
        // what this program knows of the table, without the keys that no version writes
        let known = Derived::deserialize(stands.clone()).ok();
        let known = known.and_then(|known| toml::Table::try_from(known).ok());
        let is_known = |key: &KeyPath| known.as_ref().is_none_or(|table| stands_at(table, key));
        found.retain(|stale| stale.follows.is_some() || is_known(&stale.key));
    }
    found.retain(|stale| {
        let key: Vec<&str> = stale.key.0.iter().map(String::as_str).collect();
        !matches!(key.as_slice(), ["derived", "provenance", "llmplan" | "catalogue"])
    });
    found
}

/// Whether something stands at a path that starts with `derived`.
fn stands_at(table: &toml::Table, key: &KeyPath) -> bool {
    let mut path = key.0.iter().skip(1);
    let Some(mut value) = path.next().and_then(|name| table.get(name)) else { return false };
    for name in path {
        let inner = match value {
            Value::Array(items) => name.parse().ok().and_then(|at: usize| items.get(at)),
            table => table.get(name),
        };
        let Some(inner) = inner else { return false };
        value = inner;
    }
    true
}

/// A step of a path; paths are put together only for what differs.
#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

fn in_tables<'a>(
    stands: &'a toml::Table,
    follows: &'a toml::Table,
    path: &mut Vec<Step<'a>>,
    found: &mut Vec<Stale>,
) {
    for (name, value) in stands {
        path.push(Step::Key(name));
        match follows.get(name) {
            Some(follows) => compare(value, follows, path, found),
            None => found.push(entry(Some(value), None, path)),
        }
        path.pop();
    }
    for (name, value) in follows.iter().filter(|(name, _)| !stands.contains_key(*name)) {
        path.push(Step::Key(name));
        found.push(entry(None, Some(value), path));
        path.pop();
    }
}

fn compare<'a>(
    stands: &'a Value,
    follows: &'a Value,
    path: &mut Vec<Step<'a>>,
    found: &mut Vec<Stale>,
) {
    match (stands, follows) {
        (Value::Table(a), Value::Table(b)) => in_tables(a, b, path, found),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let tables = a.iter().chain(b).any(Value::is_table);
            for (index, (a, b)) in a.iter().zip(b).enumerate().filter(|_| tables) {
                path.push(Step::Index(index));
                compare(a, b, path, found);
                path.pop();
            }
            if !tables && !a.iter().zip(b).all(|(a, b)| same(a, b)) {
                found.push(entry(Some(stands), Some(follows), path));
            }
        }
        (a, b) if same(a, b) => {}
        _ => found.push(entry(Some(stands), Some(follows), path)),
    }
}

fn entry(stands: Option<&Value>, follows: Option<&Value>, path: &[Step]) -> Stale {
    let text = |value: Option<&Value>| value.map(words);
    let key = path.iter().fold(KeyPath::from("derived"), |key, step| match step {
        Step::Key(name) => key.join(*name),
        Step::Index(index) => key.join(index.to_string()),
    });
    Stale { key, stands: text(stands), follows: text(follows) }
}

fn words(value: &Value) -> String {
    match value {
        Value::Float(number) => exact(round_significant(*number, 7)),
        Value::Table(_) => "a table".to_owned(),
        Value::Array(items) if items.iter().any(Value::is_table) => {
            format!("{} entries", items.len())
        }
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(" to "),
        other => other.to_string(),
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (number(a), number(b)) {
        (Some(a), Some(b)) => (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()),
        _ => a == b,
    }
}

#[expect(clippy::cast_precision_loss, reason = "compared with a tolerance")]
fn number(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|integer| integer as f64))
}
