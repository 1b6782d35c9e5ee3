//! Files that a plan names: whoever calls the library reads them.

use super::{Chosen, KeyPath};
use std::collections::BTreeMap;

/// Texts of files by the path as the plan writes it; or why one could not be read.
pub type Inputs = BTreeMap<String, Result<String, String>>;

/// Paths of the files that a plan names, each with its key; relative ones start at the plan's folder.
#[must_use]
pub fn inputs(chosen: &Chosen) -> Vec<(KeyPath, String)> {
    let series = chosen.site.as_ref().and_then(|site| site.grid_series.as_ref());
    [
        ("law.file", chosen.law.file.as_ref()),
        ("model.config", chosen.model.config.as_ref()),
        ("site.grid_series", series),
    ]
    .into_iter()
    .filter_map(|(key, path)| Some((KeyPath::from(key), path?.clone())))
    .collect()
}
