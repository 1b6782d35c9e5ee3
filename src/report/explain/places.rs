//! Grids and operators of data centres.

use super::page;
use crate::footprint::{grids, operators};
use crate::report::block::Block;

/// The page of a grid or an operator, where one has the name.
pub(super) fn explain(name: &str) -> Option<Vec<Block>> {
    if let Ok(grid) = grids().find(name) {
        let rows = vec![
            ("intensity", format!("{} g CO2e/kWh, mean of {}", grid.grams_per_kwh, grid.year)),
            ("basis", grid.basis.to_string()),
        ];
        return Some(page(grid, &grid.title, rows));
    }
    let operator = operators().find(name).ok()?;
    let rows = vec![("PUE", format!("{:.2}, {}", operator.pue, operator.year))];
    Some(page(operator, &operator.title, rows))
}
