//! The file that a fit comes from.

use crate::fit::{Columns, Origin, Runs, Settings};
use crate::law::Provenance;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// The file that a fit comes from, and which of its rows were kept.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Name of the file.
    pub name: &'a str,
    /// What a row is.
    pub of: &'a str,
    /// Rows of the file.
    pub rows: usize,
    /// Rows that a condition left out.
    pub filtered: usize,
    /// Rows that were dropped for their large loss.
    pub dropped: usize,
    /// Hash of the file's bytes.
    pub hash: &'a str,
    /// Which column is what.
    pub columns: &'a Columns,
}

impl<'a> Source<'a> {
    /// That of runs.
    #[must_use]
    pub fn of_runs(name: &'a str, runs: &'a Runs) -> Self {
        let Runs { rows, filtered, dropped, ref hash, ref columns, .. } = *runs;
        Self { name, of: "runs", rows, filtered, dropped, hash, columns }
    }

    /// That of something else.
    #[must_use]
    pub fn new(name: &'a str, of: &'a str, origin: &'a Origin) -> Self {
        let Origin { rows, filtered, ref hash, ref columns } = *origin;
        Self { name, of, rows, filtered, dropped: 0, hash, columns }
    }

    /// Rows that were fitted.
    #[must_use]
    pub fn fitted(&self) -> usize {
        self.rows - self.filtered - self.dropped
    }

    pub(super) fn text(&self) -> String {
        let Self { name, of, rows, filtered, dropped, .. } = *self;
        let mut text = format!("{name}: {} {of}", self.fitted());
        if filtered > 0 {
            let _ = write!(text, ", {filtered} of {rows} left out by --where");
        }
        if dropped > 0 {
            let _ = write!(text, ", the {dropped} largest losses dropped");
        }
        text
    }

    pub(super) fn provenance(
        &self,
        objective: &str,
        delta: Option<f64>,
        value: f64,
        settings: &Settings,
    ) -> Provenance {
        Provenance {
            llmplan: env!("CARGO_PKG_VERSION").to_owned(),
            data_hash: self.hash.to_owned(),
            rows: self.fitted() as u64,
            objective: objective.to_owned(),
            delta,
            value,
            bootstrap: u64::from(settings.bootstrap),
            seed: settings.seed,
        }
    }

    pub(super) fn json(&self) -> Value {
        let mut columns = Map::new();
        for (role, name) in self.columns.iter() {
            match columns.get_mut(role.name()) {
                None => {
                    columns.insert(role.name().to_owned(), json!(name));
                }
                // of a role with several columns a list
                Some(Value::Array(names)) => names.push(json!(name)),
                Some(first) => *first = json!([first.clone(), name]),
            }
        }
        json!({
            "file": self.name,
            "hash": self.hash,
            "rows": self.rows,
            "filtered": self.filtered,
            "dropped": self.dropped,
            "fitted": self.fitted(),
            "columns": columns,
        })
    }
}
