//! The proof that no mixtures keep to the caps: owners (stages) whose parts need more than all
//! sources hold that these can read.
//!
//! What a set of parts is short of, needs less caps, is supermodular: every set that is short shares
//! with the worst one a part that is short too, so that the search keeps to the worst. Within it a
//! smallest proof is a union of what some parts read, and the owners that need the most of it. The
//! unions are walked by branch and bound, in steps that are counted: in general the smallest is hard
//! to find (with one owner a part, it is a smallest set of parts without enough neighbours). Where
//! the steps run out, the proof is one of whose owners none can be spared.

use super::flow::{HELD, Network};
use super::kinds::{Kinds, union};
use std::collections::{BTreeMap, BTreeSet};

/// Words of 64 sources that are compared in search of the smallest proof: some 12 ms. Twenty owners
/// that read each from a choice of their own among 64 sources take less.
const STEPS: usize = 1 << 23;

/// Owners, and the sources that hold too little for them.
#[derive(Debug, Clone)]
pub(super) struct Proof {
    pub(super) owners: Vec<usize>,
    pub(super) sources: Vec<usize>,
    /// Whether no proof has fewer owners, nor as many and fewer sources.
    pub(super) smallest: bool,
}

/// What owners need of kinds of parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim {
    pub(super) owner: usize,
    pub(super) kind: usize,
    pub(super) tokens: f64,
}

/// The proof among claims on the worst kinds, of which there is at least one that is short.
pub(super) fn proof(kinds: &Kinds, claims: &[Claim], caps: &[f64]) -> Proof {
    let mut search = Search::new(kinds, claims, caps);
    // what few parts prove is seen first, should the steps run out
    for depth in [1, 2, usize::MAX] {
        let none = Union { bits: vec![0; search.words], available: 0.0 };
        search.walk(0, &none, &mut Vec::new(), depth);
    }
    let found = search.best.as_ref().map(|best| (search.owners(best), search.sources(&best.bits)));
    match found {
        Some((owners, sources)) if search.left > 0 => Proof { owners, sources, smallest: true },
        found => {
            // of what was found, or of all
            let owners = found.map(|(owners, _)| owners);
            let named =
                |claim: &&Claim| owners.as_ref().is_none_or(|own| own.contains(&claim.owner));
            let own: Vec<Claim> = claims.iter().filter(named).copied().collect();
            let (owners, sources) = spared(kinds, &own, caps);
            Proof { owners, sources, smallest: false }
        }
    }
}

/// Owners of whom none can be spared, and the sources that are short for them.
fn spared(kinds: &Kinds, claims: &[Claim], caps: &[f64]) -> (Vec<usize>, Vec<usize>) {
    let mut needs = kinds.needs(claims);
    let mut network = kinds.network(&needs, caps);
    let mut set = smallest(&network.short());
    narrow(&mut network, &mut needs, &set);
    let mut by_kind: Vec<Vec<Claim>> = vec![Vec::new(); needs.len()];
    for claim in claims {
        by_kind[claim.kind].push(*claim);
    }
    let mut totals: BTreeMap<usize, f64> = BTreeMap::new();
    for claim in claims {
        *totals.entry(claim.owner).or_default() += claim.tokens;
    }
    let mut order: Vec<usize> = totals.keys().copied().collect();
    order.sort_by(|a, b| totals[a].total_cmp(&totals[b]).then(b.cmp(a)));
    let mut left: BTreeSet<usize> = order.iter().copied().collect();
    for owner in order {
        let asks = |kind: &&usize| by_kind[**kind].iter().any(|claim| claim.owner == owner);
        let own: Vec<usize> = set.iter().filter(asks).copied().collect();
        let before = needs.clone();
        left.remove(&owner);
        for &kind in &own {
            let others = by_kind[kind].iter().filter(|claim| left.contains(&claim.owner));
            needs[kind] = others.map(|claim| claim.tokens).sum();
        }
        change(&mut network, &own, &needs);
        let short = smallest(&network.short());
        if short.is_empty() {
            left.insert(owner);
            needs = before;
            change(&mut network, &own, &needs);
        } else {
            set = short;
            narrow(&mut network, &mut needs, &set);
        }
    }
    for kind in set.clone() {
        if !set.contains(&kind) {
            continue;
        }
        network.withdraw(&[kind]);
        let short = smallest(&network.short());
        if short.is_empty() {
            network.restore(kind, needs[kind]);
        } else {
            needs[kind] = 0.0;
            set = short;
            narrow(&mut network, &mut needs, &set);
        }
    }
    let links: Vec<Vec<usize>> = set.iter().map(|kind| kinds.links[*kind].clone()).collect();
    let named = set.iter().flat_map(|kind| &by_kind[*kind]).map(|claim| claim.owner);
    let named = named.filter(|owner| left.contains(owner)).collect();
    (union(&[named]), union(&links))
}

/// Gives kinds other needs.
fn change(network: &mut Network, kinds: &[usize], needs: &[f64]) {
    network.withdraw(kinds);
    for &kind in kinds.iter().filter(|kind| needs[**kind] > 0.0) {
        network.restore(kind, needs[kind]);
    }
}

/// Leaves the kinds of a set alone in the network.
fn narrow(network: &mut Network, needs: &mut [f64], set: &[usize]) {
    let beyond: Vec<usize> =
        (0..needs.len()).filter(|kind| needs[*kind] > 0.0 && !set.contains(kind)).collect();
    network.withdraw(&beyond);
    for kind in beyond {
        needs[kind] = 0.0;
    }
}

fn smallest(sets: &[Vec<usize>]) -> Vec<usize> {
    sets.iter().min_by_key(|set| set.len()).cloned().unwrap_or_default()
}

/// A walk over the unions of what kinds of parts read.
struct Search {
    words: usize,
    kinds: Vec<Reads>,
    /// The sources of the bits, and their caps.
    places: Vec<usize>,
    caps: Vec<f64>,
    /// Owners, as they are numbered here.
    names: Vec<usize>,
    /// The most that so many owners need.
    most: Vec<f64>,
    best: Option<Best>,
    left: usize,
}

/// Sources, as bits, and who needs what of them.
struct Reads {
    bits: Vec<u64>,
    needs: Vec<(usize, f64)>,
}

/// Sources, and what they hold.
#[derive(Clone)]
struct Union {
    bits: Vec<u64>,
    available: f64,
}

/// Sources, and the number of owners and of sources.
struct Best {
    bits: Vec<u64>,
    size: (usize, u32),
}

impl Search {
    fn new(kinds: &Kinds, claims: &[Claim], caps: &[f64]) -> Self {
        let each =
            |of: &dyn Fn(&Claim) -> usize| union(&[claims.iter().map(of).collect::<Vec<usize>>()]);
        let (names, own) = (each(&|claim| claim.owner), each(&|claim| claim.kind));
        let links: Vec<Vec<usize>> = own.iter().map(|kind| kinds.links[*kind].clone()).collect();
        let places = union(&links);
        let words = places.len().div_ceil(64);
        let bits = |links: &[usize]| {
            let mut bits = vec![0_u64; words];
            for source in links {
                if let Ok(at) = places.binary_search(source) {
                    bits[at / 64] |= 1 << (at % 64);
                }
            }
            bits
        };
        let mut totals = vec![0.0; names.len()];
        let read = |links: &Vec<usize>| Reads { bits: bits(links), needs: Vec::new() };
        let mut kinds: Vec<Reads> = links.iter().map(read).collect();
        for claim in claims {
            let kind = own.binary_search(&claim.kind);
            if let (Ok(kind), Ok(owner)) = (kind, names.binary_search(&claim.owner)) {
                kinds[kind].needs.push((owner, claim.tokens));
                totals[owner] += claim.tokens;
            }
        }
        kinds.sort_by_key(|kind| count(&kind.bits));
        totals.sort_by(|a, b| b.total_cmp(a));
        let mut sum = 0.0;
        let most = totals.into_iter().map(|tokens| {
            sum += tokens;
            sum
        });
        let most = most.collect();
        let caps = places.iter().map(|place| caps[*place]).collect();
        Self { words, kinds, places, caps, names, most, best: None, left: STEPS }
    }

    fn held(&self, bits: &[u64]) -> f64 {
        self.caps.iter().enumerate().filter(|(at, _)| has(bits, *at)).map(|(_, cap)| cap).sum()
    }

    /// What each owner needs of these sources alone, the most first.
    fn needs(&self, bits: &[u64]) -> Vec<(usize, f64)> {
        let mut needs: Vec<(usize, f64)> = (0..self.names.len()).map(|name| (name, 0.0)).collect();
        for kind in self.kinds.iter().filter(|kind| within(&kind.bits, bits)) {
            for (owner, tokens) in &kind.needs {
                needs[*owner].1 += tokens;
            }
        }
        needs.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        needs
    }

    /// Keeps a union that proves it with less than the best one.
    fn weigh(&mut self, union: &Union) {
        let mut sum = 0.0;
        let needs = self.needs(&union.bits);
        let passes = needs.iter().position(|(_, tokens)| {
            sum += tokens;
            sum > union.available * (1.0 + HELD)
        });
        let Some(last) = passes else { return };
        let size = (last + 1, count(&union.bits));
        if self.best.as_ref().is_none_or(|best| size < best.size) {
            self.best = Some(Best { bits: union.bits.clone(), size });
        }
    }

    /// Walks every union of at most so many of the kinds from one on, added to others; what is left
    /// out, `without`, must not come back with the rest.
    fn walk(&mut self, from: usize, union: &Union, without: &mut Vec<usize>, depth: usize) {
        let cost = self.words * (self.kinds.len() + 1);
        let before = without.len();
        for at in from..self.kinds.len() {
            if within(&self.kinds[at].bits, &union.bits) {
                continue;
            }
            if !self.may_improve(union) {
                break;
            }
            self.left = self.left.saturating_sub(cost);
            if self.left == 0 {
                break;
            }
            let mut larger = union.clone();
            for (bits, own) in larger.bits.iter_mut().zip(&self.kinds[at].bits) {
                *bits |= own;
            }
            if !without.iter().any(|other| within(&self.kinds[*other].bits, &larger.bits)) {
                larger.available = self.held(&larger.bits);
                self.weigh(&larger);
                if depth > 1 {
                    self.walk(at + 1, &larger, without, depth - 1);
                }
            }
            without.push(at);
        }
        without.truncate(before);
    }

    /// Whether more sources than these may make a smaller proof than the best.
    fn may_improve(&self, union: &Union) -> bool {
        let Some(best) = &self.best else { return true };
        let least = self.most.iter().position(|most| *most > union.available * (1.0 + HELD));
        least.is_some_and(|owners| (owners + 1, count(&union.bits) + 1) < best.size)
    }

    fn owners(&self, best: &Best) -> Vec<usize> {
        let needs = self.needs(&best.bits);
        let mut owners: Vec<usize> =
            needs[..best.size.0].iter().map(|(owner, _)| self.names[*owner]).collect();
        owners.sort_unstable();
        owners
    }

    fn sources(&self, bits: &[u64]) -> Vec<usize> {
        (0..self.places.len()).filter(|at| has(bits, *at)).map(|at| self.places[at]).collect()
    }
}

fn has(bits: &[u64], at: usize) -> bool {
    bits[at / 64] >> (at % 64) & 1 == 1
}

fn within(some: &[u64], all: &[u64]) -> bool {
    some.iter().zip(all).all(|(some, all)| some & !all == 0)
}

fn count(bits: &[u64]) -> u32 {
    bits.iter().map(|word| word.count_ones()).sum()
}
