//! The fitted numbers.

use crate::fact::{Catalogue, fact};
use serde::Deserialize;
use std::sync::LazyLock;
use toml::value::Datetime;

/// Every fitted number, parsed when first asked for.
#[must_use]
pub fn constants() -> &'static Catalogue<Constant> {
    static CONSTANTS: LazyLock<Catalogue<Constant>> =
        LazyLock::new(|| Catalogue::embedded(include_str!("constants.toml")));
    &CONSTANTS
}

/// A number that was fitted on published runs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constant {
    /// The id that `engines.toml` uses.
    pub name: String,
    /// Other names that find it.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// The number.
    pub value: f64,
    /// What it is, with its unit.
    pub title: String,
    /// The suites and the rows that it was fitted on.
    pub fitted_on: String,
    /// Where those are published.
    pub source: String,
    /// When it was fitted.
    pub as_of: Datetime,
}

fact!(Constant, "constant");
