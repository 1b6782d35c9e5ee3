//! Versions and constants behind the derived values.

use crate::fact::hash::{START, fnv1a};
use crate::law::Law;
use crate::plan::Provenance;
use std::collections::BTreeMap;

/// Version of the catalogue: a hash of the embedded laws, draws, models, accelerators, nodes,
/// engines, prices, powers, sites, grids and loaders, so that no change of a fact goes unnoticed.
pub const CATALOGUE: u64 = {
    let hash = fnv1a(START, include_bytes!("../law/laws.toml"));
    let hash = fnv1a(hash, include_bytes!("../law/draws.csv"));
    let hash = fnv1a(hash, include_bytes!("../model/models.toml"));
    let hash = fnv1a(hash, include_bytes!("../model/shapes.toml"));
    let hash = fnv1a(hash, include_bytes!("../hardware/accelerators.toml"));
    let hash = fnv1a(hash, include_bytes!("../hardware/nodes.toml"));
    let hash = fnv1a(hash, include_bytes!("../throughput/engines.toml"));
    let hash = fnv1a(hash, include_bytes!("../throughput/constants.toml"));
    let hash = fnv1a(hash, include_bytes!("../footprint/prices.toml"));
    let hash = fnv1a(hash, include_bytes!("../footprint/power.toml"));
    let hash = fnv1a(hash, include_bytes!("../footprint/operators.toml"));
    let hash = fnv1a(hash, include_bytes!("../footprint/grids.toml"));
    fnv1a(hash, include_bytes!("../data/loader/loaders.toml"))
};

pub(super) fn of(law: &Law) -> Provenance {
    let constants = law.surface().map_or_else(BTreeMap::new, |surface| {
        [
            ("E", surface.e),
            ("A", surface.a),
            ("B", surface.b),
            ("alpha", surface.alpha),
            ("beta", surface.beta),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    });
    Provenance {
        llmplan: env!("CARGO_PKG_VERSION").to_owned(),
        catalogue: format!("{CATALOGUE:016x}"),
        law: law.name.clone(),
        law_source: law.source.clone(),
        law_constants: constants,
    }
}
