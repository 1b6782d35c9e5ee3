//! Training data loaders: what they read of a source whose mixture asks for more or less of it than
//! there is, and how they take a mixture and its stages.

mod reads;

use crate::fact::{Catalogue, fact};
use crate::quantity::Tokens;
use libm::floor;
use serde::Deserialize;
use std::borrow::Cow;
use std::sync::LazyLock;
use toml::value::Datetime;

pub use reads::{End, Limit, Part, Read};

/// Every loader, parsed when first asked for.
#[must_use]
pub fn catalogue() -> &'static Catalogue<Loader> {
    static LOADERS: LazyLock<Catalogue<Loader>> =
        LazyLock::new(|| Catalogue::embedded(include_str!("loader/loaders.toml")));
    &LOADERS
}

/// A loader that draws training data from a mixture of sources.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loader {
    /// The id that plans use.
    pub name: String,
    /// Other names that find it.
    pub aliases: Vec<String>,
    /// One line for people.
    pub title: String,
    /// What a weight counts.
    pub unit: Unit,
    /// What happens when a source runs out.
    pub exhausted: Exhausted,
    /// The option that lets a source be read again where `exhausted` does not; the source then
    /// [wraps](Exhausted::Wraps).
    pub repeats_by: Option<String>,
    /// What happens with that option, where the source does not start again at once.
    pub repeats_as: Option<Exhausted>,
    /// Which sums of the weights are accepted.
    pub weights: Weights,
    /// Sequences in a block, where counts are rounded down in every block.
    pub block: Option<u32>,
    /// Most sources of a mixture, where the code has a limit.
    pub max_sources: Option<u32>,
    /// How a change of mixture is written.
    pub stages: Stages,
    /// Whether a later stage goes on in a source where an earlier one stopped.
    pub place: Place,
    /// Whether the sequence length may change.
    pub sequence_change: SequenceChange,
    /// As what a mixture that moves is written: no loader here moves one continuously.
    pub ramps: Ramps,
    /// The options that hold the weights.
    pub keys: String,
    /// What surprises, each with its place in the code.
    pub traps: Vec<String>,
    /// Repository, commit, file and symbol.
    pub source: String,
    /// When it was read there.
    pub as_of: Datetime,
    /// What a reader must know.
    pub note: Option<String>,
}

fact!(Loader, "loader");

/// What a weight counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Packed sequences of one length, and so tokens.
    Sequence,
    /// Documents: a source of long ones has more tokens than its weight says.
    Document,
    /// Records as they were stored: documents, unless they were packed before.
    Record,
}

/// What happens when a source runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exhausted {
    /// It starts again from its first token.
    Wraps,
    /// It starts again, until every source has been read whole; then the data end.
    WrapsUntilAll,
    /// As many epochs as needed are built beforehand and shuffled as one list; the last one apart
    /// where less than 80 % of it is needed.
    RebuiltWithEpochs,
    /// The shuffled list of one epoch, as long as all sources together, is read again and again: a
    /// part of the source is never read, and repeats start before it has been read whole.
    RepeatsEarly,
    /// Every epoch, as long as all sources together, draws its part of the source anew at random.
    Resampled,
    /// It leaves the mixture and the others take its share; the data end when all have left.
    DropsOut,
    /// The data end.
    Stops,
    /// The run fails when it reads on.
    Fails,
    /// The run is refused before it starts.
    Refuses,
}

/// Which sums of the weights are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weights {
    /// Every positive sum; the weights are divided by it.
    Normalised,
    /// One, or an error.
    SumsToOne {
        /// Largest difference from one.
        within: f64,
    },
}

/// How a change of mixture is written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stages {
    /// In one configuration or several.
    pub how: How,
    /// The option that says it.
    pub key: String,
    /// In what its beginning is counted, where an option holds it.
    pub boundary: Option<Boundary>,
}

/// Where the stages of a run stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// All in one configuration, which runs through.
    InConfig,
    /// Each is a restart of the same run with other options.
    Restart,
    /// Each is a run of its own that loads the weights of the one before.
    Separate,
}

/// In what the beginning of a stage is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Boundary {
    /// Optimiser steps.
    Step,
    /// Optimiser steps whose first sequence is a multiple of the [block](Loader::block).
    StepOnBlock,
}

/// Whether a later stage goes on in a source where an earlier one stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// It does: the whole run reads as one data set.
    Kept,
    /// It does not: every stage is a data set of its own, which may read the same tokens first.
    Lost,
}

/// Whether the sequence length may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SequenceChange {
    /// Not within one configuration.
    NewConfig,
    /// Within one configuration.
    InConfig,
    /// It is a matter of the data, not of the loader.
    Outside,
}

/// As what a mixture that moves is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ramps {
    /// As a list of steps in one configuration.
    Steps,
    /// As stages, each written as `stages` says.
    Stages,
}

impl Loader {
    /// What is read of a source of so many distinct tokens (`size`) when so many are `drawn` from
    /// it; `weight` is its share of the mixture, `pool` the tokens of all sources together. Of a
    /// source that is not read again, no more is drawn than there is.
    ///
    /// ```
    /// use plan::{data::loader::catalogue, quantity::Tokens};
    ///
    /// // 800 and 100 in equal parts: an epoch of all 900 holds 450 of the 800
    /// let nanoset = catalogue().find("nanoset")?;
    /// let read = nanoset.reads(Tokens(900.0), Tokens(800.0), 0.5, Tokens(900.0));
    /// assert_eq!((read.distinct, read.most_repeats), (Tokens(450.0), 2.0));
    /// # Ok::<(), plan::fact::UnknownName>(())
    /// ```
    #[must_use]
    pub fn reads(&self, drawn: Tokens, size: Tokens, weight: f64, pool: Tokens) -> Read {
        self.exhausted.reads(drawn, size, weight, pool)
    }

    /// Least weight that is due one sequence or document in a stage of so many. Below it, a source
    /// is never drawn where counts are rounded down in blocks; elsewhere about once, or not at all.
    #[must_use]
    pub fn least_weight(&self, sequences: f64) -> f64 {
        let block = self.block.map_or(0.0, |block| 1.0 / f64::from(block));
        block.max(1.0 / sequences)
    }

    /// The weights as they are drawn: where counts are rounded down in every block, the largest
    /// source gets the rest of it (levanter, `_compute_expected_counts_per_block`).
    ///
    /// ```
    /// let levanter = plan::data::loader::catalogue().find("levanter")?;
    /// // of 2,048 sequences 1,843, 204 and 0, and one that is left over
    /// let drawn = levanter.drawn(&[0.9, 0.0997, 0.0003]);
    /// assert_eq!(drawn, [1844.0 / 2048.0, 204.0 / 2048.0, 0.0]);
    /// # Ok::<(), plan::fact::UnknownName>(())
    /// ```
    #[must_use]
    pub fn drawn(&self, weights: &[f64]) -> Vec<f64> {
        drawn_in_blocks(self.block, weights).into_owned()
    }

    /// What happens when a source runs out, with the option set that lets it be read again or not.
    #[must_use]
    pub fn exhausted(&self, repeat: bool) -> Exhausted {
        match (&self.repeats_by, self.repeats_as) {
            (Some(_), then) if repeat => then.unwrap_or(Exhausted::Wraps),
            _ => self.exhausted,
        }
    }

    /// Where a data set of this mixture ends.
    #[must_use]
    pub fn ends_at(&self, parts: &[Part]) -> End {
        self.exhausted.ends_at(parts)
    }
}

/// The weights as they are drawn from blocks of so many sequences.
pub(super) fn drawn_in_blocks(block: Option<u32>, weights: &[f64]) -> Cow<'_, [f64]> {
    let Some(block) = block.map(f64::from) else { return Cow::Borrowed(weights) };
    let mut counts: Vec<f64> = weights.iter().map(|weight| floor(weight * block)).collect();
    let left = block - counts.iter().sum::<f64>();
    // of equal ones the first
    let largest = (0..counts.len()).rev().max_by(|a, b| counts[*a].total_cmp(&counts[*b]));
    if let Some(largest) = largest {
        counts[largest] += left;
    }
    counts.into_iter().map(|count| count / block).collect()
}

impl Weights {
    /// Whether weights of this sum are taken.
    #[must_use]
    pub fn accepts(self, sum: f64) -> bool {
        match self {
            Self::Normalised => sum > 0.0 && sum.is_finite(),
            Self::SumsToOne { within } => (sum - 1.0).abs() <= within,
        }
    }
}
