//! Reads a Hugging Face `config.json`.
//!
//! What an absent key or a null means is what the configuration class of the family makes of it in
//! transformers 4.57.6; `tests/oracle` holds the counts of its classes. Keys that do not change a
//! parameter are ignored, as the classes do. A size without which there is no model is an error
//! where it is absent, for the class's own value is that of one model; `tests/oracle` has no published
//! file that leaves one out, but for the text part of Gemma 3.

mod keys;
mod read;

use super::error::ShapeError;
use super::family;
use super::shape::Shape;

pub use keys::Defaulted;
pub(super) use keys::{Key, Keys, either, key, needed};
pub use read::MAX_BYTES;

/// A configuration that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The `model_type`, one of [`families`].
    pub family: &'static str,
    /// The network.
    pub shape: Shape,
    /// Keys that the file leaves out and the class fills in.
    pub defaulted: Vec<Defaulted>,
    /// What a reader must know: parts that are not counted, keys that are ignored.
    pub notes: Vec<String>,
}

/// The `model_type` of every family that is read.
pub fn families() -> impl Iterator<Item = &'static str> {
    family::FAMILIES.iter().map(|family| family.model_type)
}

/// Reads the text of a `config.json`.
///
/// ```
/// let text = r#"{"model_type": "gpt2", "vocab_size": 50257, "n_positions": 1024, "n_layer": 24,
///     "n_embd": 1024, "n_head": 16}"#;
/// let config = plan::model::read_config(text)?;
/// assert_eq!(config.shape.count().total(), 354_823_168);
/// # Ok::<(), plan::model::ShapeError>(())
/// ```
///
/// # Errors
/// Text that is no JSON object, is too large or too deep, an unknown architecture, and keys that are
/// missing, absurd or contradict each other: each names the key.
pub fn read_config(text: &str) -> Result<Config, ShapeError> {
    let mut keys = read::object(text)?;
    let family = read::family(&mut keys)?;
    let shape = family.shape(&mut keys)?;
    shape.check()?;
    keys.remark_parts();
    Ok(Config { family: family.model_type, shape, defaulted: keys.defaulted, notes: keys.notes })
}
