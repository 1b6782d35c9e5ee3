//! Machines and their links.

use crate::fact::{Catalogue, fact};
use crate::quantity::Bandwidth;
use serde::Deserialize;
use std::sync::LazyLock;
use toml::value::Datetime;

/// Every machine, parsed when first asked for.
#[must_use]
pub fn nodes() -> &'static Catalogue<Node> {
    static NODES: LazyLock<Catalogue<Node>> =
        LazyLock::new(|| Catalogue::embedded(include_str!("nodes.toml")));
    &NODES
}

/// A machine, or a domain of machines that share one fast link.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// The id that plans use.
    pub name: String,
    /// Other names that find it.
    pub aliases: Vec<String>,
    /// One line for people.
    pub title: String,
    /// Devices that the fast link connects.
    pub devices: u64,
    /// What one device sends to the others of its node, bytes/s, one way.
    pub link_bandwidth: Bandwidth,
    /// What one device sends to other nodes, bytes/s, one way; none where it differs too much.
    pub network_bandwidth: Option<Bandwidth>,
    /// Table or data sheet.
    pub source: String,
    /// When it was confirmed there.
    pub as_of: Datetime,
}

fact!(Node, "node");
