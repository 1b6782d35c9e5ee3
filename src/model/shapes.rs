//! Published shapes by name.

use super::config::read_config;
use super::error::ShapeError;
use super::shape::Shape;
use super::{Published, catalogue};
use crate::fact::{Catalogue, UnknownName, fact};
use crate::quantity::Quantity as _;
use serde::Deserialize;
use std::fmt;
use std::sync::LazyLock;
use toml::value::Datetime;

/// Every published shape, parsed when first asked for.
#[must_use]
pub fn shapes() -> &'static Catalogue<PublishedShape> {
    static SHAPES: LazyLock<Catalogue<PublishedShape>> =
        LazyLock::new(|| Catalogue::embedded(include_str!("shapes.toml")));
    &SHAPES
}

/// Finds a published shape by any name of the model.
///
/// # Errors
/// A name that no model has, or a model of which the size alone is known.
pub fn published_shape(name: &str) -> Result<&'static PublishedShape, NoShape> {
    let unknown = match shapes().find(name) {
        Ok(shape) => return Ok(shape),
        Err(unknown) => unknown,
    };
    let Ok(published) = catalogue().find(name) else {
        return Err(NoShape::Unknown(unknown));
    };
    shapes().find(&published.name).map_err(|_| NoShape::SizeAlone(published))
}

/// Why a name brings no shape.
#[derive(Debug, Clone, PartialEq)]
pub enum NoShape {
    /// No model has the name; with the nearest names of models that have a shape.
    Unknown(UnknownName),
    /// The model is known, its shape is not.
    SizeAlone(&'static Published),
}

impl NoShape {
    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Unknown(unknown) => format!("unknown {} `{}`", unknown.kind, unknown.name),
            Self::SizeAlone(published) => format!(
                "of `{}` the size is known ({}), its shape is not",
                published.name,
                published.params.human()
            ),
        }
    }

    /// What would be right.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Unknown(unknown) if unknown.nearest.is_empty() => {
                "`llmplan explain --list models` shows all, and which have a shape".to_owned()
            }
            Self::Unknown(unknown) => {
                format!("{}; `llmplan explain --list models` shows all", unknown.advice())
            }
            Self::SizeAlone(published) => format!(
                "give its config.json, or its sizes in `[model.shape]`; `llmplan model --params \
                 {:e}` proposes shapes of its size",
                published.params.0
            ),
        }
    }
}

impl fmt::Display for NoShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.message(), self.help())
    }
}

impl std::error::Error for NoShape {}

/// The shape of a published model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedShape {
    /// The id that plans use; that of [`catalogue`](super::catalogue) where the model is in both.
    pub name: String,
    /// Other names that find it, models of the same shape among them.
    pub aliases: Vec<String>,
    /// One line for people.
    pub title: String,
    /// How its numbers were seen.
    pub form: Form,
    /// The keys of its `config.json` that say the shape.
    pub config: String,
    /// Where they were read.
    pub source: String,
    /// When.
    pub as_of: Datetime,
    /// What a reader must know.
    pub note: Option<String>,
}

fact!(PublishedShape, "model");

/// How the numbers of a published shape were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// In a copy of the published `config.json`.
    Config,
    /// Under another repository's names.
    Fields,
    /// As the defaults of the model's own configuration class.
    Defaults,
}

impl PublishedShape {
    /// The shape.
    ///
    /// # Errors
    /// None for the embedded entries: a test reads every one.
    pub fn shape(&self) -> Result<Shape, ShapeError> {
        read_config(&self.config).map(|config| config.shape)
    }
}
