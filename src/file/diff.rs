//! What two plans choose differently, and what follows.

use crate::plan::{Chosen, Derived, KeyPath};
use std::collections::BTreeSet;
use toml::{Table, Value};

/// Relative difference up to which two derived numbers are the same: they are written with 7 digits.
const TOLERANCE: f64 = 1e-7;

/// What differs between two plans.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Difference {
    /// What people wrote.
    pub chosen: Vec<Change>,
    /// What follows.
    pub derived: Vec<Change>,
}

impl Difference {
    /// Whether the plans say the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chosen.is_empty() && self.derived.is_empty()
    }
}

/// A value that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Where it stands; stages go by their name, allowances by their rule.
    pub key: KeyPath,
    /// What the old plan has.
    pub old: Option<Value>,
    /// What the new plan has.
    pub new: Option<Value>,
}

impl Change {
    /// Both values, where they are numbers.
    #[must_use]
    pub fn numbers(&self) -> Option<(f64, f64)> {
        Some((number(self.old.as_ref()?)?, number(self.new.as_ref()?)?))
    }

    /// New less old.
    #[must_use]
    pub fn difference(&self) -> Option<f64> {
        self.numbers().map(|(old, new)| new - old)
    }

    /// New over old; `None` where the old value is 0.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        self.numbers().filter(|(old, _)| *old != 0.0).map(|(old, new)| new / old)
    }
}

/// Compares two plans, each with what follows from it. Values are compared, not their spelling:
/// `"1.5T"` and `1.5e12` are the same.
#[must_use]
pub fn difference(old: (&Chosen, &Derived), new: (&Chosen, &Derived)) -> Difference {
    let chosen = (tree(old.0), tree(new.0));
    let derived = (tree(old.1), tree(new.1));
    Difference { chosen: changes(&chosen.0, &chosen.1), derived: changes(&derived.0, &derived.1) }
}

fn tree<T: serde::Serialize>(value: &T) -> Table {
    Table::try_from(value).unwrap_or_default()
}

fn changes(old: &Table, new: &Table) -> Vec<Change> {
    let mut found = Vec::new();
    in_tables(old, new, &KeyPath::default(), &mut found);
    found
}

fn in_tables(old: &Table, new: &Table, key: &KeyPath, found: &mut Vec<Change>) {
    let added = new.keys().filter(|name| !old.contains_key(*name));
    for name in old.keys().chain(added) {
        compare(old.get(name), new.get(name), &key.clone().join(name.as_str()), found);
    }
}

fn compare(old: Option<&Value>, new: Option<&Value>, key: &KeyPath, found: &mut Vec<Change>) {
    let empty = Table::new();
    match (old, new) {
        (Some(Value::Table(old)), Some(Value::Table(new))) => in_tables(old, new, key, found),
        // a table that only one side has is told by its values, unless it is a source or the like
        (Some(Value::Table(old)), None) if !is_entry(key) => in_tables(old, &empty, key, found),
        (None, Some(Value::Table(new))) if !is_entry(key) => in_tables(&empty, new, key, found),
        (Some(Value::Array(old)), Some(Value::Array(new))) if named(old) && named(new) => {
            by_name(old, new, key, found);
        }
        (Some(Value::Array(all)), None) if named(all) => by_name(all, &[], key, found),
        (None, Some(Value::Array(all))) if named(all) => by_name(&[], all, key, found),
        (Some(old), Some(new)) if same(old, new) => {}
        _ => found.push(Change { key: key.clone(), old: old.cloned(), new: new.cloned() }),
    }
}

/// Tables and arrays whose keys are names that people chose.
const MAPS: [&str; 6] = ["sources", "stages", "allow", "assumed", "caps", "mixture"];

/// Whether a key names an entry of such a table.
fn is_entry(key: &KeyPath) -> bool {
    key.0.iter().rev().nth(1).is_some_and(|parent| MAPS.contains(&parent.as_str()))
}

/// The name of an entry of an array of tables.
fn name(item: &Value) -> Option<&str> {
    item.get("name").or_else(|| item.get("rule"))?.as_str()
}

/// Whether every entry has a name of its own.
fn named(items: &[Value]) -> bool {
    let names: BTreeSet<&str> = items.iter().filter_map(name).collect();
    !items.is_empty() && names.len() == items.len()
}

fn by_name(old: &[Value], new: &[Value], key: &KeyPath, found: &mut Vec<Change>) {
    let entry = |items: &[Value], wanted: &str| {
        items.iter().find(|item| name(item) == Some(wanted)).cloned()
    };
    let of = |items: &[Value]| items.iter().filter_map(name).map(str::to_owned).collect::<Vec<_>>();
    let (before, after) = (of(old), of(new));
    let kept = |names: &[String], other: &[String]| -> Vec<Value> {
        let kept = names.iter().filter(|name| other.contains(name));
        kept.map(|name| Value::from(name.as_str())).collect()
    };
    let (was, is) = (kept(&before, &after), kept(&after, &before));
    if was != is {
        let (old, new) = (Some(Value::Array(was)), Some(Value::Array(is)));
        found.push(Change { key: key.clone().join("order"), old, new });
    }
    let added = after.iter().filter(|name| !before.contains(name));
    for name in before.iter().chain(added) {
        let (old, new) = (entry(old, name), entry(new, name));
        compare(old.as_ref(), new.as_ref(), &key.clone().join(name.as_str()), found);
    }
}

fn same(old: &Value, new: &Value) -> bool {
    match (number(old), number(new)) {
        (Some(old), Some(new)) => (old - new).abs() <= TOLERANCE * old.abs().max(new.abs()),
        _ => match (old, new) {
            (Value::Array(old), Value::Array(new)) => {
                old.len() == new.len() && old.iter().zip(new).all(|(old, new)| same(old, new))
            }
            (Value::Table(old), Value::Table(new)) => {
                old.len() == new.len()
                    && old.iter().all(|(key, old)| new.get(key).is_some_and(|new| same(old, new)))
            }
            _ => old == new,
        },
    }
}

#[expect(clippy::cast_precision_loss, reason = "compared with a tolerance")]
fn number(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|integer| integer as f64))
}
