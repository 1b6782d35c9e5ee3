//! What two plans choose differently, for people and as JSON.

use super::block::Block;
use crate::file::{Change, Difference};
use crate::quantity::{
    Bytes, Flops, Params, Quantity, Tokens, Usd, exact, round_significant, significant,
};
use serde_json::{Value as Json, json};
use toml::Value;

/// Version of the JSON of a difference.
const VERSION: u32 = 1;

/// A difference as tables: what was chosen, then what follows, by the plan's own tables.
#[must_use]
pub fn diff_blocks(difference: &Difference, names: &[String; 2]) -> Vec<Block> {
    let [old, new] = names;
    let mut blocks = vec![Block::Heading(format!("{old} to {new}"))];
    if difference.is_empty() {
        blocks.push(Block::Line("The plans say the same.".to_owned()));
        return blocks;
    }
    if difference.chosen.is_empty() {
        blocks.push(Block::Line("Nothing is chosen differently.".to_owned()));
    } else {
        blocks.push(Block::Heading("Chosen".to_owned()));
        blocks.extend(tables(&difference.chosen.iter().collect::<Vec<_>>()));
    }
    let (told, left): (Vec<&Change>, Vec<&Change>) =
        difference.derived.iter().partition(|change| is_told(change));
    if told.is_empty() {
        blocks.push(Block::Line("Nothing else follows.".to_owned()));
    } else {
        blocks.push(Block::Heading("What follows".to_owned()));
        blocks.extend(tables(&told));
    }
    if !left.is_empty() {
        let count = left.len();
        blocks.push(Block::Note(format!(
            "{count} more: intervals and where values are from; `--format json` has all"
        )));
    }
    blocks
}

/// Intervals, provenance and the like follow whatever moves.
fn is_told(change: &Change) -> bool {
    let key = &change.key.0;
    let last = key.last().map_or("", String::as_str);
    let first = key.first().map_or("", String::as_str);
    !(last.ends_with("_80")
        || last == "arithmetic"
        || last == "source"
        || first == "provenance" && last != "law")
}

/// A table for each table of the plan.
fn tables(changes: &[&Change]) -> Vec<Block> {
    let mut tables: Vec<(String, Vec<Vec<String>>)> = Vec::new();
    for change in changes {
        let (table, row) = match change.key.0.as_slice() {
            [only] => (String::new(), only.clone()),
            [first, rest @ ..] => (first.clone(), rest.join(".")),
            [] => continue,
        };
        let cells = vec![
            row,
            side(change, change.old.as_ref()),
            side(change, change.new.as_ref()),
            moved(change),
        ];
        match tables.iter_mut().find(|(name, _)| *name == table) {
            Some((_, rows)) => rows.push(cells),
            None => tables.push((table, vec![cells])),
        }
    }
    tables
        .into_iter()
        .map(|(table, rows)| Block::table(&[&table, "old", "new", "change"], rows, 1))
        .collect()
}

/// One side for people; both in more digits where three do not tell them apart.
fn side(change: &Change, value: Option<&Value>) -> String {
    let Some(value) = value else { return "-".to_owned() };
    let key = change.key.0.last().map_or("", String::as_str);
    if let Some((old, new)) = change.numbers() {
        let rounded = human(key, old) == human(key, new);
        let number = if Some(value) == change.old.as_ref() { old } else { new };
        return if rounded { exact(round_significant(number, 7)) } else { human(key, number) };
    }
    words(key, value)
}

fn words(key: &str, value: &Value) -> String {
    match value {
        Value::String(text) => shortened(text),
        Value::Float(number) => human(key, *number),
        Value::Array(items) => {
            items.iter().map(|item| words(key, item)).collect::<Vec<_>>().join(", ")
        }
        Value::Table(table) => {
            let told = table.iter().filter(|(key, _)| !ASIDE.contains(&key.as_str()));
            let entries = told.map(|(key, value)| match value {
                Value::Table(inner) => format!("{key} of {}", inner.len()),
                value => format!("{key} {}", words(key, value)),
            });
            entries.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// Keys of an entry that say nothing of it beside its name.
const ASIDE: [&str; 4] = ["name", "rule", "arithmetic", "source"];

/// Characters of a sentence that are shown.
const SENTENCE: usize = 40;

fn shortened(text: &str) -> String {
    if text.chars().count() <= SENTENCE {
        return text.to_owned();
    }
    let start: String = text.chars().take(SENTENCE - 2).collect();
    format!("{}..", start.trim_end())
}

/// A number by what its key says it is.
fn human(key: &str, value: f64) -> String {
    match key {
        key if key.ends_with("params") => Params(value).human(),
        key if key.ends_with("tokens") => Tokens(value).human(),
        key if key.ends_with("bytes") => Bytes(value).human(),
        key if key.ends_with("flops") => Flops(value).human(),
        "usd" | "buy_usd" => Usd(value).human(),
        key if key.contains("loss") => significant(value, 5),
        _ => exact(round_significant(value, 4)),
    }
}

/// How far a number moved: a difference for losses, a ratio from a factor of two on, else a share.
fn moved(change: &Change) -> String {
    let key = change.key.0.last().map_or("", String::as_str);
    match (change.difference(), change.ratio()) {
        (Some(difference), _) if key.contains("loss") => signed(difference, ""),
        (Some(_), Some(ratio)) if !(0.5..2.0).contains(&ratio) => {
            format!("x {}", significant(ratio, 3))
        }
        (Some(_), Some(ratio)) => signed((ratio - 1.0) * 100.0, " %"),
        (Some(difference), None) => signed(difference, ""),
        _ if change.old.is_none() => "added".to_owned(),
        _ if change.new.is_none() => "removed".to_owned(),
        _ => String::new(),
    }
}

fn signed(value: f64, unit: &str) -> String {
    let sign = if value > 0.0 { "+" } else { "" };
    format!("{sign}{}{unit}", significant(value, 3))
}

/// A difference as JSON, version 1, unrounded, with a final newline.
///
/// # Panics
/// Never: the document has string keys only.
#[must_use]
pub fn diff_json(difference: &Difference, names: &[String; 2]) -> String {
    let all = |changes: &[Change]| changes.iter().map(change).collect::<Vec<_>>();
    let value = json!({
        "version": VERSION,
        "old": names[0],
        "new": names[1],
        "differs": !difference.is_empty(),
        "chosen": all(&difference.chosen),
        "derived": all(&difference.derived),
    });
    serde_json::to_string_pretty(&value).expect("values are JSON") + "\n"
}

fn change(change: &Change) -> Json {
    json!({
        "key": change.key.to_string(),
        "path": change.key.0,
        "old": change.old,
        "new": change.new,
        "ratio": change.ratio(),
        "difference": change.difference(),
    })
}
