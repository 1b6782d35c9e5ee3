//! Text to plan and back.
//!
//! Reading takes bytes and gives a [`Document`], or a [`ReadError`] that knows where the fault is.
//! Writing keeps every byte before the `[derived]` header and replaces what follows.

mod degree_keys;
mod derived_text;
mod diff;
mod emit;
mod locate;
mod read;
mod schema;
mod shape_keys;
mod stale;
mod toml10;
mod write;

pub use derived_text::derived_text;
pub use diff::{Change, Difference, difference};
pub use emit::{chosen_text, rewritten};
pub use locate::{Locator, locate};
pub use read::{Document, ReadError, ReadErrorKind, read};
pub(crate) use read::{read_above_derived, read_settings};
pub use schema::schema;
pub use stale::{Stale, stale};
pub use write::{WriteError, with_derived};

/// The byte order mark, which some editors leave at the start of a file.
const BOM: &str = "\u{feff}";
