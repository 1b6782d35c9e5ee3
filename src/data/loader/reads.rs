//! What is read of a source, and where the data end, by what happens when a source runs out.

use super::Exhausted;
use crate::quantity::Tokens;
use libm::{ceil, floor, pow};

/// What a loader reads of one source in one data set: a stage's own where its place in the source
/// is [lost](super::Place::Lost), the run's where it is [kept](super::Place::Kept).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Read {
    /// Tokens read.
    pub drawn: Tokens,
    /// Different ones among them; what is expected where chance decides.
    pub distinct: Tokens,
    /// Times that the most repeated token is read: a whole number that chance does not exceed.
    pub most_repeats: f64,
}

/// A source's weight, which is its share of the mixture, and its tokens where they are known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// Share of the mixture.
    pub weight: f64,
    /// Distinct tokens.
    pub size: Option<Tokens>,
}

/// Where a loader ends a mixture of fixed weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum End {
    /// Nowhere, as far as the sizes are known.
    Never,
    /// The data end there.
    Stops(Limit),
    /// A longer run fails there.
    Fails(Limit),
    /// A longer run is refused before it starts.
    Refuses(Limit),
}

impl End {
    /// Tokens until the end.
    #[must_use]
    pub fn after(&self) -> f64 {
        self.limit().map_or(f64::INFINITY, |limit| limit.after.0)
    }

    /// The tokens and the source, where there is an end.
    #[must_use]
    pub fn limit(&self) -> Option<Limit> {
        match *self {
            Self::Never => None,
            Self::Stops(limit) | Self::Fails(limit) | Self::Refuses(limit) => Some(limit),
        }
    }

    /// The end with its source looked up among these; `None` where there is no end.
    pub(in crate::data) fn located(self, places: &[usize]) -> Option<Self> {
        self.with(|limit| Limit { source: places[limit.source], ..limit })
    }

    /// The end after so many tokens more.
    pub(in crate::data) fn later_by(self, tokens: f64) -> Self {
        self.with(|limit| Limit { after: Tokens(limit.after.0 + tokens), ..limit }).unwrap_or(self)
    }

    fn with(self, change: impl Fn(Limit) -> Limit) -> Option<Self> {
        match self {
            Self::Never => None,
            Self::Stops(limit) => Some(Self::Stops(change(limit))),
            Self::Fails(limit) => Some(Self::Fails(change(limit))),
            Self::Refuses(limit) => Some(Self::Refuses(change(limit))),
        }
    }
}

/// The longest run over a mixture, and the source that ends it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// Tokens of all sources together.
    pub after: Tokens,
    /// Index of the source.
    pub source: usize,
}

impl Exhausted {
    /// What is read of a source; see [`Loader::reads`](super::Loader::reads).
    #[must_use]
    pub fn reads(self, drawn: Tokens, size: Tokens, weight: f64, pool: Tokens) -> Read {
        let drawn = Tokens(drawn.0.max(0.0));
        match self {
            Self::Wraps | Self::WrapsUntilAll => passes(drawn, size),
            Self::RebuiltWithEpochs => built(drawn, size),
            Self::RepeatsEarly => epochs(drawn, size, weight * pool.0, |copies, whole, part| {
                missed(copies, if whole > 0.0 { 1.0 } else { part })
            }),
            Self::Resampled => epochs(drawn, size, weight * pool.0, |copies, whole, part| {
                pow(missed(copies, 1.0), whole) * missed(copies, part)
            }),
            Self::DropsOut | Self::Stops | Self::Fails | Self::Refuses => {
                passes(Tokens(drawn.0.min(size.0)), size)
            }
        }
    }

    /// Where a data set of a mixture ends; sources of weight 0 are not read and end nothing, but
    /// where all must run out they never do.
    #[must_use]
    pub fn ends_at(self, parts: &[Part]) -> End {
        let ends = parts.iter().enumerate().filter_map(|(source, part)| {
            let size = part.size.map_or(f64::INFINITY, |size| size.0);
            let after = Tokens(if part.weight > 0.0 { size / part.weight } else { f64::INFINITY });
            (!after.0.is_nan()).then_some(Limit { after, source })
        });
        let by_length = |a: &Limit, b: &Limit| a.after.0.total_cmp(&b.after.0);
        let limit = match self {
            Self::Wraps | Self::RebuiltWithEpochs | Self::RepeatsEarly | Self::Resampled => None,
            Self::Stops | Self::Fails | Self::Refuses => ends.min_by(by_length),
            Self::WrapsUntilAll => ends.max_by(by_length),
            Self::DropsOut => ends.max_by(by_length).map(|last| {
                let all = parts.iter().filter_map(|part| part.size).map(|size| size.0).sum();
                let all = if last.after.0.is_finite() { all } else { f64::INFINITY };
                Limit { after: Tokens(all), ..last }
            }),
        };
        match (self, limit.filter(|limit| limit.after.0.is_finite())) {
            (_, None) => End::Never,
            (Self::Fails, Some(limit)) => End::Fails(limit),
            (Self::Refuses, Some(limit)) => End::Refuses(limit),
            (_, Some(limit)) => End::Stops(limit),
        }
    }
}

/// One pass after the other.
fn passes(drawn: Tokens, size: Tokens) -> Read {
    let most_repeats = if drawn.0 > 0.0 { whole_up(drawn.0 / size.0) } else { 0.0 };
    Read { drawn, distinct: Tokens(drawn.0.min(size.0)), most_repeats }
}

/// Epochs built beforehand, the last one in the same list unless less than 80 % of it is needed
/// (Megatron-LM, `gpt_dataset.py`).
fn built(drawn: Tokens, size: Tokens) -> Read {
    let plain = passes(drawn, size);
    let (epochs, needed) = (plain.most_repeats, drawn.0 / size.0);
    if epochs > 1.0 && epochs.is_finite() && needed - (epochs - 1.0) >= 0.8 {
        let distinct = Tokens(size.0 * (1.0 - missed(epochs, needed / epochs)));
        return Read { distinct, ..plain };
    }
    plain
}

/// Epochs of which each takes so many tokens (`epoch`) of the source: what is not read, as a share,
/// follows from the copies of the source in an epoch, the whole epochs, and the part of the last.
fn epochs(drawn: Tokens, size: Tokens, epoch: f64, unread: impl Fn(f64, f64, f64) -> f64) -> Read {
    let sound = drawn.0 > 0.0 && size.0 > 0.0 && epoch > 0.0;
    if !sound {
        return passes(drawn, size);
    }
    let (copies, runs) = (epoch / size.0, drawn.0 / epoch);
    let whole = floor(runs);
    let distinct = size.0 * (1.0 - unread(copies, whole, runs - whole));
    Read {
        drawn,
        distinct: Tokens(distinct.min(size.0).min(drawn.0)),
        most_repeats: whole_up(runs) * whole_up(copies),
    }
}

/// Share of a source that is not read where a shuffled list holds so many copies of it, the last
/// one in part, and is read to a share `read`.
fn missed(copies: f64, read: f64) -> f64 {
    let (whole, left) = (floor(copies), 1.0 - read.clamp(0.0, 1.0));
    pow(left, whole) * (1.0 - (copies - whole) * (1.0 - left))
}

/// The next whole number, forgiving the rounding of a projected mixture.
fn whole_up(value: f64) -> f64 {
    ceil(value * (1.0 - 1e-9))
}
