//! Versions and constants behind the derived values.

use crate::law::Law;
use crate::plan::Provenance;
use std::collections::BTreeMap;

/// Version of the catalogue: a hash of the embedded laws, draws, models, accelerators, nodes,
/// engines and loaders, so that no change of a fact goes unnoticed.
pub const CATALOGUE: u64 = {
    let hash = fnv1a(0xcbf2_9ce4_8422_2325, include_bytes!("../law/laws.toml"));
    let hash = fnv1a(hash, include_bytes!("../law/draws.csv"));
    let hash = fnv1a(hash, include_bytes!("../model/models.toml"));
    let hash = fnv1a(hash, include_bytes!("../model/shapes.toml"));
    let hash = fnv1a(hash, include_bytes!("../hardware/accelerators.toml"));
    let hash = fnv1a(hash, include_bytes!("../hardware/nodes.toml"));
    let hash = fnv1a(hash, include_bytes!("../throughput/engines.toml"));
    let hash = fnv1a(hash, include_bytes!("../throughput/constants.toml"));
    fnv1a(hash, include_bytes!("../data/loader/loaders.toml"))
};

/// FNV-1a, 64 bit: small enough for the compiler to run.
const fn fnv1a(mut hash: u64, bytes: &[u8]) -> u64 {
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u64).wrapping_mul(0x0100_0000_01b3);
        index += 1;
    }
    hash
}

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
