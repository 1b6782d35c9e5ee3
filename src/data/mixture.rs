//! A mixture over sources, taken over a whole run: tokens drawn, passes, and their worth.

use super::curriculum::Curriculum;
use super::loader::{Loader, Read, drawn_in_blocks};
use super::reading::{IN_TURN, Reading, Set, Taking};
use super::{Source, Sources, effective_tokens};
use crate::law::Repeats;
use crate::quantity::{Epochs, Tokens};

/// One source's part in a mixture.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// Source.
    pub name: String,
    /// Tokens that it supplies to a run of any length, the a of a + bD; from stages that state
    /// their tokens.
    pub offset: f64,
    /// Share of a run's tokens on top of that, the b of a + bD.
    pub weight: f64,
    /// Tokens that it supplies to the stages on top of the run.
    pub after: f64,
    /// Distinct tokens, where known.
    pub unique: Option<Tokens>,
    /// Most passes that the plan allows.
    pub max_epochs: Option<Epochs>,
}

/// What a run draws from one source.
#[derive(Debug, Clone, PartialEq)]
pub struct Draw {
    /// Tokens read from the source.
    pub tokens: Tokens,
    /// Passes over it, where its size is known.
    pub epochs: Option<Epochs>,
    /// What is really read of it, where its size is known.
    pub read: Option<Read>,
    /// What the tokens are worth in fresh ones.
    pub effective: Tokens,
}

impl Draw {
    /// How often those of its tokens that are read at all are read on average, where its size is
    /// known: more than `epochs` where a loader leaves a part of the source unread.
    #[must_use]
    pub fn passes(&self) -> Option<Epochs> {
        let distinct = self.read?.distinct;
        (distinct.0 > 0.0).then(|| self.tokens / distinct)
    }
}

/// What a run reads from its sources: of D tokens, a + bD from each, and what the stages on top of
/// the run read besides.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixture {
    /// The sources with a part in it, by name.
    pub shares: Vec<Share>,
    groups: Vec<Group>,
    stretches: Vec<Stretch>,
    /// How a loader takes the sources, where one is named.
    taking: Option<Taking>,
    /// The shortest run that holds the stages that state their tokens.
    shortest: f64,
    /// Whether `max_epochs` end a run.
    bounded: bool,
}

impl Mixture {
    /// In proportion to the unique tokens; `None` while a size is unknown or nothing is there.
    #[must_use]
    pub fn proportional(sources: &Sources) -> Option<Self> {
        let sizes: Vec<f64> =
            sources.values().map(|s| s.unique_tokens.map(|t| t.0)).collect::<Option<_>>()?;
        let total: f64 = sizes.iter().sum();
        let weights: Vec<f64> = sizes.iter().map(|size| size / total).collect();
        let shares = sources.iter().zip(&weights).map(|((n, s), weight)| share(n, s, *weight));
        let shares: Vec<Share> = shares.collect();
        let whole = Stretch { offset: 0.0, slope: 1.0, in_run: true, weights };
        (total > 0.0).then(|| Self::of(shares, vec![whole]))
    }

    /// What the stages of a run read, taken over the whole run.
    #[must_use]
    pub fn over(curriculum: &Curriculum, sources: &Sources) -> Self {
        let supplies = curriculum.names.iter().zip(curriculum.supplies());
        let shares = supplies.map(|(name, supply)| Share {
            offset: supply.offset,
            after: supply.after,
            ..share(name, &sources[name], supply.slope)
        });
        let shortest = curriculum.shortest().0;
        Self { shortest, ..Self::of(shares.collect(), curriculum.stretches()) }
    }

    fn of(shares: Vec<Share>, stretches: Vec<Stretch>) -> Self {
        let groups = Group::all(&shares);
        Self { shares, groups, stretches, taking: None, shortest: 0.0, bounded: true }
    }

    /// The same as a loader reads it; with `repeat`, the option is set that lets it read a source
    /// again.
    #[must_use]
    pub fn read_by(self, loader: &Loader, repeat: bool) -> Self {
        let exhausted = loader.exhausted(repeat);
        let taking = Taking { exhausted, place: loader.place, block: loader.block };
        Self { taking: Some(taking), ..self }
    }

    /// The same for a run that its sources' `max_epochs` do not shorten, because the mixture is
    /// moved to keep to them.
    #[must_use]
    pub fn unbounded(self) -> Self {
        Self { bounded: false, ..self }
    }

    /// What is really read in a run of so many tokens and in the stages on top of it; without a
    /// loader, one pass over a source after the other.
    #[must_use]
    pub fn reading(&self, tokens: Tokens) -> Reading {
        self.read(tokens, |_| true)
    }

    fn read(&self, tokens: Tokens, of: impl Fn(&Stretch) -> bool) -> Reading {
        let stretches = self.stretches.iter().filter(|stretch| of(stretch));
        let sizes: Vec<Option<Tokens>> = self.shares.iter().map(|share| share.unique).collect();
        let taking = self.taking.unwrap_or(IN_TURN);
        Reading::over(taking, &self.sets(stretches, tokens), &sizes)
    }

    /// Stages as the loader draws them.
    fn sets<'a>(
        &self,
        stretches: impl Iterator<Item = &'a Stretch>,
        tokens: Tokens,
    ) -> Vec<Set<'a>> {
        let block = self.taking.and_then(|taking| taking.block);
        let sets = stretches.map(|stretch| Set {
            tokens: (stretch.offset + stretch.slope * tokens.0).max(0.0),
            weights: drawn_in_blocks(block, &stretch.weights),
        });
        sets.collect()
    }

    /// Tokens that a loader which rounds counts down in blocks draws from each source instead of
    /// what the plan says; `None` where none rounds. A stage that moves counts by its mean.
    #[must_use]
    pub fn rounded(&self, tokens: Tokens) -> Option<Vec<Tokens>> {
        self.taking?.block?;
        let mut drawn = vec![Tokens(0.0); self.shares.len()];
        for set in self.sets(self.stretches.iter(), tokens) {
            for (drawn, weight) in drawn.iter_mut().zip(&*set.weights) {
                drawn.0 += weight * set.tokens;
            }
        }
        Some(drawn)
    }

    /// What tokens that are asked of a source are worth as they are read.
    fn worth(&self, asked: Tokens, read: Option<Read>, decay: Repeats) -> Tokens {
        let rounds = self.taking.is_some_and(|taking| taking.block.is_some());
        let drawn = read.filter(|_| rounds).map_or(asked, |read| read.drawn);
        read.map_or(drawn, |read| effective_tokens(drawn, read.distinct, decay))
    }

    /// What a run of so many tokens draws from each source, with the stages on top of it, in the
    /// order of `shares`.
    pub fn draws(&self, tokens: Tokens, decay: Repeats) -> impl Iterator<Item = Draw> {
        let reading = self.reading(tokens);
        self.shares.iter().zip(reading.sources).map(move |(share, read)| {
            let drawn = share.drawn(tokens);
            Draw {
                tokens: drawn,
                epochs: share.unique.map(|unique| drawn / unique),
                read,
                effective: self.worth(drawn, read, decay),
            }
        })
    }

    /// What a run of so many tokens is worth in fresh ones, without the stages on top of it.
    ///
    /// Repeats are counted over the tokens that are really read: a loader that leaves a part of a
    /// source unread repeats the rest the more often. Where a loader would end the data instead of
    /// reading a source again, the run is worth what it was planned to read.
    #[must_use]
    pub fn effective(&self, tokens: Tokens, decay: Repeats) -> Tokens {
        if tokens.0 < self.shortest && self.shortest.is_finite() {
            // a run with no room for its stages is taken as a part of the shortest that has
            let whole = self.effective(self.shortest(), decay);
            return Tokens(whole.0 * tokens.0 / self.shortest);
        }
        let drawn = |offset: f64, weight: f64| Tokens((offset + tokens.0 * weight).max(0.0));
        if self.taking.is_none() {
            let worth = self.groups.iter().map(|group| {
                let drawn = drawn(group.offset, group.weight);
                group.unique.map_or(drawn, |unique| effective_tokens(drawn, unique, decay)).0
            });
            return Tokens(worth.sum());
        }
        let reading = self.read(tokens, |stretch| stretch.in_run);
        let worth = self
            .shares
            .iter()
            .zip(reading.sources)
            .map(|(share, read)| self.worth(drawn(share.offset, share.weight), read, decay).0);
        Tokens(worth.sum())
    }

    /// All unique tokens that the mixture can draw, where every size is known.
    #[must_use]
    pub fn unique(&self) -> Option<Tokens> {
        self.shares.iter().map(|share| share.unique.map(|t| t.0)).sum::<Option<f64>>().map(Tokens)
    }

    /// The longest run before some source has been read as often as its own `max_epochs` allow, or
    /// `limit` times where it states none.
    #[must_use]
    pub fn exhausted_first(&self, limit: Epochs) -> Option<(Tokens, &Share)> {
        self.first_exhausted(|share| share.max_epochs.or(Some(limit)))
    }

    /// The longest run that the sources' own `max_epochs` allow, and the source that binds.
    #[must_use]
    pub fn binding(&self) -> Option<(Tokens, &Share)> {
        self.first_exhausted(|share| share.max_epochs)
    }

    /// The longest run that the sources' own `max_epochs` allow. A source that its stages exhaust
    /// at any length does not count here: no length would mend it.
    #[must_use]
    pub fn longest_allowed(&self) -> Option<Tokens> {
        let shares = self.shares.iter().filter(|_| self.bounded);
        let ends = shares.filter_map(|share| self.end(share, share.max_epochs?));
        ends.filter(|end| end.0 > 0.0).min_by(|a, b| a.0.total_cmp(&b.0))
    }

    /// The shortest run that has room for its stages.
    #[must_use]
    pub fn shortest(&self) -> Tokens {
        Tokens(self.shortest)
    }

    /// The longest run in which a source is read at most `limit` times; 0 where none is.
    fn end(&self, share: &Share, limit: Epochs) -> Option<Tokens> {
        let left = share.unique?.0 * limit.0 - share.offset - share.after;
        let most = if share.weight > 0.0 { left / share.weight } else { f64::INFINITY };
        let most = if left < 0.0 || most < self.shortest { 0.0 } else { most };
        most.is_finite().then_some(Tokens(most))
    }

    fn first_exhausted(
        &self,
        limit: impl Fn(&Share) -> Option<Epochs>,
    ) -> Option<(Tokens, &Share)> {
        self.shares
            .iter()
            .filter_map(|share| {
                let end = self.end(share, limit(share)?)?;
                Some((end, share))
            })
            .min_by(|a, b| a.0.0.total_cmp(&b.0.0))
    }
}

/// A stage of a run of D tokens: `offset` + `slope` D tokens, by these weights on average.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stretch {
    pub(super) offset: f64,
    pub(super) slope: f64,
    /// Whether it is part of the run, and not on top of it.
    pub(super) in_run: bool,
    pub(super) weights: Vec<f64>,
}

/// Sources that are read equally often, taken together: their repeats decay alike.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Group {
    offset: f64,
    weight: f64,
    unique: Option<Tokens>,
}

impl Group {
    /// Merges the shares whose passes agree to 1e-12 at every length of the run.
    fn all(shares: &[Share]) -> Vec<Self> {
        let passes = |group: &Self| group.unique.map_or(0.0, |unique| group.weight / unique.0);
        let mut single: Vec<Self> = shares
            .iter()
            .map(|s| Self { offset: s.offset, weight: s.weight, unique: s.unique })
            .collect();
        single.sort_by(|a, b| passes(a).total_cmp(&passes(b)));
        let mut groups: Vec<Self> = Vec::new();
        for next in single {
            match groups.last_mut() {
                Some(last)
                    if last.offset == 0.0
                        && next.offset == 0.0
                        && passes(&next) - passes(last) <= 1e-12 * passes(&next) =>
                {
                    last.weight += next.weight;
                    last.unique = last.unique.zip(next.unique).map(|(a, b)| Tokens(a.0 + b.0));
                }
                _ => groups.push(next),
            }
        }
        groups
    }
}

impl Share {
    /// What the source supplies to a run of so many tokens, and to the stages on top of it.
    #[must_use]
    pub fn drawn(&self, tokens: Tokens) -> Tokens {
        Tokens((self.offset + tokens.0 * self.weight).max(0.0) + self.after)
    }
}

fn share(name: &str, source: &Source, weight: f64) -> Share {
    Share {
        name: name.to_owned(),
        offset: 0.0,
        weight,
        after: 0.0,
        unique: source.unique_tokens,
        max_epochs: source.max_epochs,
    }
}
