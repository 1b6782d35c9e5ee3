//! Parts that read the same sources.

use super::Infeasible;
use super::flow::{Network, balance};
use super::proof::{Claim, Proof, proof};
use std::collections::BTreeMap;

/// Parts that read the same sources, taken together.
pub(super) struct Kinds {
    members: Vec<Vec<usize>>,
    /// Sources of each kind.
    pub(super) links: Vec<Vec<usize>>,
}

impl Kinds {
    pub(super) fn of<'a>(parts: impl Iterator<Item = (usize, &'a [bool])>) -> Self {
        let mut known: BTreeMap<&[bool], usize> = BTreeMap::new();
        let (mut members, mut links) = (Vec::<Vec<usize>>::new(), Vec::new());
        for (part, reads) in parts {
            let kind = *known.entry(reads).or_insert_with(|| {
                links.push((0..reads.len()).filter(|&source| reads[source]).collect());
                members.push(Vec::new());
                members.len() - 1
            });
            members[kind].push(part);
        }
        Self { members, links }
    }

    /// The sum over the parts of each kind.
    pub(super) fn sums(&self, values: &[f64]) -> Vec<f64> {
        self.members.iter().map(|parts| parts.iter().map(|&part| values[part]).sum()).collect()
    }

    /// As much as can be of the needs, routed to sources.
    pub(super) fn network<'a>(&'a self, needs: &[f64], caps: &'a [f64]) -> Network<'a> {
        Network::new(needs, caps, &self.links, vec![0.0; needs.len() * caps.len()])
    }

    /// What a set of kinds needs, and what all sources that it can read hold.
    pub(super) fn balance(&self, set: &[usize], needs: &[f64], caps: &[f64]) -> (f64, f64) {
        balance(set, needs, caps, &self.links)
    }

    /// What claims need of every kind.
    pub(super) fn needs(&self, claims: &[Claim]) -> Vec<f64> {
        let mut needs = vec![0.0; self.links.len()];
        for claim in claims {
            needs[claim.kind] += claim.tokens;
        }
        needs
    }

    /// Owners of parts that need more than their sources hold, where there are some; without owners,
    /// every kind is one of its own.
    pub(super) fn proof(
        &self,
        tokens: &[f64],
        caps: &[f64],
        owners: Option<&[usize]>,
    ) -> Option<Infeasible> {
        let network = self.network(&self.sums(tokens), caps);
        let worst = union(&network.short());
        if worst.is_empty() {
            return None;
        }
        let owner = |kind: usize, part: usize| owners.map_or(kind, |owners| owners[part]);
        let mut known: BTreeMap<(usize, usize), f64> = BTreeMap::new();
        for kind in worst {
            for &part in &self.members[kind] {
                *known.entry((owner(kind, part), kind)).or_default() += tokens[part];
            }
        }
        let claims = known.into_iter().map(|((owner, kind), tokens)| Claim { owner, kind, tokens });
        let claims: Vec<Claim> = claims.collect();
        let Proof { owners: named, sources, smallest } = proof(self, &claims, caps);
        let held = |kind: usize| self.links[kind].iter().all(|own| sources.contains(own));
        let kinds = (0..self.links.len()).filter(|kind| held(*kind));
        let parts = kinds.flat_map(|kind| self.members[kind].iter().map(move |part| (kind, *part)));
        let parts = parts.filter(|(kind, part)| named.contains(&owner(*kind, *part)));
        let parts = union(&[parts.map(|(_, part)| part).collect()]);
        let needed = parts.iter().map(|part| tokens[*part]).sum();
        let available = sources.iter().map(|source| caps[*source]).sum();
        Some(Infeasible { parts, sources, needed, available, smallest })
    }
}

/// The members of all sets, in order.
pub(super) fn union(sets: &[Vec<usize>]) -> Vec<usize> {
    let mut all: Vec<usize> = sets.iter().flatten().copied().collect();
    all.sort_unstable();
    all.dedup();
    all
}
