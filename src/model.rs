//! Models: shapes, their exact parameters and FLOPs, and what was published.

mod config;
mod count;
mod counting;
mod error;
mod family;
mod flops;
mod generic;
mod propose;
mod relatives;
mod shape;
mod shapes;
mod warnings;

use crate::fact::{Catalogue, fact};
use crate::quantity::{Params, Tokens};
use serde::Deserialize;
use std::sync::LazyLock;
use toml::value::Datetime;

pub use config::{Config, Defaulted, MAX_BYTES, families, read_config};
pub use count::{BlockCount, Count, Weights};
pub use error::ShapeError;
pub use flops::Convention;
pub use generic::{KeyKind, NormKey, QkNormKey, SHAPE_KEYS, ShapeKeys, key_advice, key_kind};
pub use propose::{Proposal, TOLERANCE, Wanted, propose, propose_usual};
pub use relatives::{Relative, nearest_published};
pub use shape::{
    Attention, Block, Experts, FeedForward, Grouped, Latent, MAX_LAYERS, MAX_PARAMS, MAX_SIZE, Mlp,
    Norm, Positions, QkNorm, Shape, Stack,
};
pub use shapes::{Form, NoShape, PublishedShape, published_shape, shapes};
pub use warnings::{USUAL_ASPECT, Warning, WarningKind};

/// Every published model, parsed when first asked for.
#[must_use]
pub fn catalogue() -> &'static Catalogue<Published> {
    static MODELS: LazyLock<Catalogue<Published>> =
        LazyLock::new(|| Catalogue::embedded(include_str!("model/models.toml")));
    &MODELS
}

/// A published model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// The id that plans use.
    pub name: String,
    /// Other names that find it.
    pub aliases: Vec<String>,
    /// One line for people.
    pub title: String,
    /// All trained parameters.
    pub params: Params,
    /// Parameters that work on a token, for a mixture of experts.
    pub active_params: Option<Params>,
    /// Training tokens.
    pub tokens: Tokens,
    /// Year of publication.
    pub year: u16,
    /// Paper, model card or configuration.
    pub source: String,
    /// When it was confirmed there.
    pub as_of: Datetime,
    /// What a reader must know.
    pub note: Option<String>,
}

fact!(Published, "model");
