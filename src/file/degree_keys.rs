//! The degrees of `[layout]` and the rank of adapters: whole numbers.
//!
//! Serde would say which Rust type it wants; here a fault names the key, the value and what to write.
//! A whole number that is out of range is the layout's to tell.

use super::read::ReadError;
use super::shape_keys::{fault, shown, wrong};
use crate::layout::{LayoutKeys, MAX_DEGREE};
use crate::memory::MAX_RANK;
use crate::model::KeyKind;
use toml::de::{DeTable, DeValue};

/// Checks the two tables, where the plan has them.
pub(super) fn check(plan: &DeTable<'_>) -> Result<(), ReadError> {
    let degrees = LayoutKeys::default().degrees().map(|(key, _)| ("layout", key, MAX_DEGREE));
    for (table, key, most) in degrees.into_iter().chain([("training", "adapter_rank", MAX_RANK)]) {
        let table = plan.get(table).and_then(|table| table.get_ref().as_table());
        let Some(value) = table.and_then(|table| table.get(key)) else { continue };
        if is_whole(value.get_ref()) {
            continue;
        }
        if let Some(help) = wrong(key, KeyKind::Size(1, most), value.get_ref()) {
            let message = format!("`{key}` is {}", shown(value.get_ref()));
            return Err(fault(message, help, value.span()));
        }
    }
    Ok(())
}

/// Whether serde reads it.
fn is_whole(value: &DeValue<'_>) -> bool {
    let DeValue::Integer(number) = value else { return false };
    i64::from_str_radix(number.as_str(), number.radix()).is_ok_and(|number| number >= 0)
}
