//! Values to TOML text: readable numbers, one line per source, a comment with the unit.

use super::BOM;
use super::schema::Comments;
use super::write::without_derived;
use crate::plan::Chosen;
use crate::quantity::exact;
use serde::Serialize;
use toml::Value as Tree;
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, Value};

/// The chosen tables as a plan file.
#[must_use]
pub fn chosen_text(chosen: &Chosen) -> String {
    let emitter = Emitter { comments: Comments::of::<Chosen>() };
    let mut tree = tree_of(chosen);
    let format = tree.remove("format");
    let mut document = DocumentMut::new();
    if let Some(format) = format {
        document.insert("format", Item::Value(Emitter::value(&format)));
    }
    emitter.fill(document.as_table_mut(), &tree, &mut Vec::new());
    document.to_string().trim_start().to_owned()
}

/// A plan's text with other chosen values: keys that did not change keep their lines and comments.
///
/// `text` is the plan of `old`; values that `new` lacks are left alone but in a `[layout]`, which is
/// taken over whole; `[derived]` is left out.
#[must_use]
pub fn rewritten(text: &str, old: &Chosen, new: &Chosen) -> Option<String> {
    let bom = if text.starts_with(BOM) { BOM } else { "" };
    let chosen = without_derived(text).ok()?;
    let mut document: DocumentMut = chosen.trim_start_matches(BOM).parse().ok()?;
    let emitter = Emitter { comments: Comments::of::<Chosen>() };
    let (was, now) = (tree_of(old), tree_of(new));
    emitter.replace(document.as_table_mut(), &was, &now);
    let keys = |tree: &toml::Table| tree.get("layout").and_then(Tree::as_table).cloned();
    if let (Some(was), Some(now)) = (keys(&was), keys(&now))
        && let Some(table) = document.get_mut("layout").and_then(Item::as_table_like_mut)
    {
        for stale in was.keys().filter(|key| !now.contains_key(*key)) {
            table.remove(stale);
        }
    }
    let mut rewritten = document.to_string().replace("\r\n", "\n");
    if text.contains("\r\n") {
        rewritten = rewritten.replace('\n', "\r\n");
    }
    Some(format!("{bom}{rewritten}"))
}

fn tree_of(value: &impl Serialize) -> toml::Table {
    match Tree::try_from(value) {
        Ok(Tree::Table(table)) => table,
        _ => unreachable!("plans serialise to tables"),
    }
}

struct Emitter {
    comments: Comments,
}

impl Emitter {
    /// Values first, then tables, as TOML wants it.
    fn fill(&self, table: &mut Table, tree: &toml::Table, path: &mut Vec<String>) {
        for (key, value) in tree {
            path.push(key.clone());
            if let Some(item) = self.leaf(value, path) {
                table.insert(key, self.commented(item, path));
            }
            path.pop();
        }
        for (key, value) in tree {
            path.push(key.clone());
            match value {
                Tree::Table(inner) if self.leaf(value, path).is_none() => {
                    let mut child = Table::new();
                    self.fill(&mut child, inner, path);
                    table.insert(key, Item::Table(child));
                }
                Tree::Array(items) if self.leaf(value, path).is_none() => {
                    let mut tables = ArrayOfTables::new();
                    for item in items.iter().filter_map(Tree::as_table) {
                        let mut child = Table::new();
                        self.fill(&mut child, item, path);
                        tables.push(child);
                    }
                    table.insert(key, Item::ArrayOfTables(tables));
                }
                _ => {}
            }
            path.pop();
        }
    }

    /// Sets the values in which two trees differ.
    fn replace(&self, table: &mut dyn TableLike, old: &toml::Table, new: &toml::Table) {
        for (key, value) in new.iter().filter(|(key, value)| old.get(*key) != Some(*value)) {
            let inner = old.get(key).and_then(Tree::as_table).zip(value.as_table());
            let child = table.get_mut(key).and_then(Item::as_table_like_mut);
            if let (Some((old, new)), Some(child)) = (inner, child) {
                self.replace(child, old, new);
                continue;
            }
            let item = match value {
                Tree::Table(inner) => {
                    let mut child = Table::new();
                    self.fill(&mut child, inner, &mut vec![key.clone()]);
                    Item::Table(child)
                }
                value => Item::Value(Self::value(value)),
            };
            match (table.get_mut(key), item) {
                (Some(Item::Value(there)), Item::Value(mut value)) => {
                    *value.decor_mut() = there.decor().clone();
                    *there = value;
                }
                (Some(there), item) => *there = item,
                (None, item) => {
                    table.insert(key, item);
                }
            }
        }
    }

    /// What stands on one line: a number, a string, an interval, an entry of a table of entries.
    fn leaf(&self, value: &Tree, path: &[String]) -> Option<Value> {
        match value {
            Tree::Table(inner) => {
                let flat = inner.values().all(|v| !v.is_table() && !v.is_array());
                let keys: Vec<&str> = path.iter().map(String::as_str).collect();
                (keys.len() > 1 && flat && !self.comments.is_field_table(&keys))
                    .then(|| Self::value(value))
            }
            Tree::Array(items) => (!items.iter().any(Tree::is_table)).then(|| Self::value(value)),
            _ => Some(Self::value(value)),
        }
    }

    fn value(tree: &Tree) -> Value {
        match tree {
            Tree::Float(number) => Self::number(*number),
            Tree::Integer(number) => Value::from(*number),
            Tree::Boolean(truth) => Value::from(*truth),
            Tree::String(text) => Value::from(text.as_str()),
            Tree::Datetime(date) => Value::from(*date),
            Tree::Array(items) => Value::Array(items.iter().map(Self::value).collect::<Array>()),
            Tree::Table(table) => {
                let entries = table.iter().map(|(key, value)| (key.as_str(), Self::value(value)));
                Value::InlineTable(entries.collect::<InlineTable>())
            }
        }
    }

    /// `1e21` and `256`, never `1000000000000000000000.0`.
    fn number(number: f64) -> Value {
        exact(number).parse().unwrap_or_else(|_| Value::from(number))
    }

    fn commented(&self, mut value: Value, path: &[String]) -> Item {
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        let entry = matches!(value, Value::InlineTable(_) | Value::String(_));
        if let Some(comment) = self.comments.on(&keys).filter(|_| !entry) {
            value.decor_mut().set_suffix(format!(" # {comment}"));
        }
        Item::Value(value)
    }
}
