//! Numbers with their interval, as people read them.

use crate::plan::Interval;
use crate::quantity::Quantity;

/// `2.60 B to 3.10 B`, or nothing.
pub(super) fn interval<Q: Quantity>(interval: Option<Interval>) -> String {
    interval.map_or(String::new(), |[low, high]| {
        format!("{} to {}", Q::of(low).human(), Q::of(high).human())
    })
}

/// Text that stands in a cell of a Markdown table as it is.
pub(super) fn cell(text: &str) -> String {
    text.replace(['\r', '\n'], " ").replace('|', "\\|").replace('<', "&lt;")
}
