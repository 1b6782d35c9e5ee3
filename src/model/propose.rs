//! Shapes for a size, as published models have them.
//!
//! Depth against width is that of the published models nearest in size. Widths are multiples of 128,
//! heads 64 or 128 wide, keys and values grouped, the feed-forward gated and about 3.5 times the
//! hidden width (Llama 3: 3.5 at 8B and 70B, 3.25 at 405B); the feed-forward then takes up what is
//! missing to the target.

mod search;

use super::error::ShapeError;
use super::generic::ShapeKeys;
use super::relatives::{Relative, nearest, nearest_published};
use super::shape::Shape;
use crate::law::Counting;
use crate::quantity::{Params, Quantity as _};
use libm::{fabs, log};
use search::{Candidate, Search};
use std::cmp::Ordering::{Equal, Greater, Less};

/// How far a proposal may be from its target.
pub const TOLERANCE: f64 = 0.02;

/// Title of the proposal that is as the published models nearest in size are.
const USUAL: &str = "usual";

/// How many times deeper or shallower than its style a shape may be, and where that fits nothing, the
/// usual one.
const SLACK: f64 = 1.35;
const WIDE_SLACK: f64 = 4.0;

/// Published models that a proposal is compared with.
const RELATIVES: usize = 3;

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Wanted {
    /// Parameters, counted as `counting` says.
    pub params: Params,
    /// What counts as a parameter; all of them, both embeddings among them, unless said otherwise.
    pub counting: Counting,
    /// Rows of the embedding, padding included; by size where absent.
    pub vocab: Option<u64>,
    /// Whether the head is the embedding; by size where absent.
    pub tied: Option<bool>,
    /// Experts to choose from, for a mixture.
    pub experts: Option<u64>,
    /// Parameters that work on a token, for a mixture.
    pub active_params: Option<Params>,
}

/// A shape for a size.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// What sets it apart from the others.
    pub title: &'static str,
    /// The keys that say it in a plan.
    pub keys: ShapeKeys,
    /// The same, to count.
    pub shape: Shape,
    /// Why each size is what it is.
    pub reasons: Vec<String>,
    /// The published models that resemble it most, nearest first.
    pub relatives: Vec<&'static Relative>,
}

/// Proposes shapes for a size, the usual one first; each within [`TOLERANCE`] of the parameters and,
/// where they are wanted, of the active parameters.
///
/// # Errors
/// Sizes that no aligned shape meets.
pub fn propose(wanted: &Wanted) -> Result<Vec<Proposal>, ShapeError> {
    check(wanted)?;
    let kin = kin(wanted);
    let mut proposals: Vec<Proposal> = Vec::new();
    for (title, candidate) in candidates(wanted, &kin) {
        if proposals.iter().all(|other| other.keys != candidate.keys) {
            let usual = proposals.first().filter(|first| first.title == USUAL);
            let title = usual.map_or(title, |usual| beside(&candidate.keys, &usual.keys));
            proposals.push(describe(title, &candidate, wanted, &kin));
        }
    }
    if proposals.is_empty() { Err(none(wanted)) } else { Ok(proposals) }
}

/// The shape of the first proposal alone, with the keys that say it.
///
/// # Errors
/// As [`propose`].
pub fn propose_usual(wanted: &Wanted) -> Result<(ShapeKeys, Shape), ShapeError> {
    check(wanted)?;
    let first = candidates(wanted, &kin(wanted)).next();
    first.map(|(_, candidate)| (candidate.keys, candidate.shape)).ok_or_else(|| none(wanted))
}

/// The published models nearest in size.
fn kin(wanted: &Wanted) -> Vec<&'static Relative> {
    let mixture = wanted.experts.is_some() || wanted.active_params.is_some();
    let size = |relative: &Relative| relative.shape.size_by(wanted.counting).0;
    nearest(mixture, 5, |relative| fabs(log(size(relative) / wanted.params.0)))
}

/// The best shape of every style that fits one.
fn candidates(
    wanted: &Wanted,
    kin: &[&'static Relative],
) -> impl Iterator<Item = (&'static str, Candidate)> {
    let usual = median(kin.iter().map(|relative| relative.aspect()).collect());
    let styles = [(USUAL, 1.0), ("deeper and narrower", 0.7), ("wider and shallower", 1.4)];
    styles.into_iter().filter_map(move |(title, factor)| {
        let search = Search::new(wanted, usual * factor);
        let wide = || if title == USUAL { search.best(WIDE_SLACK) } else { None };
        Some((title, search.best(SLACK).or_else(wide)?))
    })
}

/// What sets a shape apart from the usual one.
fn beside(keys: &ShapeKeys, usual: &ShapeKeys) -> &'static str {
    match (keys.layers.cmp(&usual.layers), keys.hidden.cmp(&usual.hidden)) {
        (Greater, Less) => "deeper and narrower",
        (Greater, Equal) => "deeper",
        (Greater, Greater) => "deeper and wider",
        (Equal, Less) => "narrower",
        (Equal, Equal) => "other feed-forward",
        (Equal, Greater) => "wider",
        (Less, Less) => "shallower and narrower",
        (Less, Equal) => "shallower",
        (Less, Greater) => "wider and shallower",
    }
}

fn check(wanted: &Wanted) -> Result<(), ShapeError> {
    let wrong = |key, message: String, help: &str| {
        Err(ShapeError::new(Some(key), message, help.to_owned()))
    };
    let (params, known) = (wanted.params.0, Params::MIN..=Params::MAX);
    if !known.contains(&params) {
        return wrong("params", format!("`params` is {params}"), "write a number from 1e3 to 1e17");
    }
    if let Some(active) = wanted.active_params.map(|active| active.0)
        && !(active >= Params::MIN && active < params)
    {
        let message = format!("`active_params` is {active}, `params` {params}");
        return wrong("active_params", message, "fewer than all can be active");
    }
    if wanted.counting == Counting::Flops {
        let message = "the law counts FLOPs per token, not parameters".to_owned();
        return wrong("params", message, "state the parameters, all of them");
    }
    match (wanted.vocab, wanted.experts) {
        (Some(vocab), _) if !(1..=1_000_000_000).contains(&vocab) => {
            wrong("vocab", format!("`vocab` is {vocab}"), "write a whole number from 1 to 1e9")
        }
        (_, Some(experts)) if !(2..=65_536).contains(&experts) => {
            wrong("experts", format!("`experts` is {experts}"), "write 2 to 65536")
        }
        _ => Ok(()),
    }
}

fn none(wanted: &Wanted) -> ShapeError {
    let (vocab, _) = search::embedding(wanted);
    let active = wanted.active_params.map(|active| format!(", {} of them active", active.human()));
    let (params, active) = (wanted.params.human(), active.unwrap_or_default());
    let message = format!("no aligned shape has {params} parameters{active}");
    let help = format!(
        "the vocabulary is {vocab}: a smaller one leaves more for the layers; nothing wider than {} is \
         tried",
        search::WIDEST
    );
    let help = match (wanted.active_params, wanted.experts) {
        (Some(_), Some(_)) => format!("leave `experts` or `active_params` open; {help}"),
        (Some(_), None) => format!("leave `active_params` open; {help}"),
        _ => help,
    };
    ShapeError::new(Some("params"), message, help)
}

fn describe(
    title: &'static str,
    candidate: &Candidate,
    wanted: &Wanted,
    kin: &[&'static Relative],
) -> Proposal {
    let Candidate { keys, shape } = candidate.clone();
    let relatives = nearest_published(&shape, RELATIVES);
    let reasons = reasons(&keys, &shape, wanted, kin);
    Proposal { title, keys, shape, reasons, relatives }
}

/// Why each size is what it is.
fn reasons(
    keys: &ShapeKeys,
    shape: &Shape,
    wanted: &Wanted,
    kin: &[&'static Relative],
) -> Vec<String> {
    let given = |value: Option<u64>| value.unwrap_or_default();
    let (hidden, layers) = (given(keys.hidden), given(keys.layers));
    let aspects: Vec<String> = kin
        .iter()
        .map(|relative| format!("{} {:.0}", relative.published.name, relative.aspect()))
        .collect();
    let mut reasons = vec![
        format!(
            "hidden / layers = {hidden} / {layers} = {:.0}; the nearest in size have {}",
            shape.aspect(),
            aspects.join(", ")
        ),
        format!(
            "hidden width {hidden} = {} x 128: it fills the tiles of the kernels",
            hidden / 128
        ),
        format!(
            "{} heads of {}, {} for keys and values: {} times less to keep than one for each head",
            given(keys.heads),
            given(keys.head_dim),
            given(keys.kv_heads),
            given(keys.heads) / given(keys.kv_heads).max(1)
        ),
    ];
    let per_mille = |width: u64| width.saturating_mul(100) / hidden.max(1);
    let times = |width: u64| format!("{}.{:02}", per_mille(width) / 100, per_mille(width) % 100);
    reasons.push(match (keys.expert_ffn, keys.experts_per_token) {
        (Some(width), Some(k)) => format!(
            "{} experts of {width}, {k} on a token: together {} x hidden",
            given(keys.experts),
            times(width.saturating_mul(k))
        ),
        _ => format!(
            "gated feed-forward of {} = {} x hidden",
            given(keys.ffn),
            times(given(keys.ffn))
        ),
    });
    let tied = keys.tied == Some(true);
    reasons.push(format!(
        "vocabulary {}{}, {}{}",
        given(keys.vocab),
        if wanted.vocab.is_some() { " as wanted" } else { " as published models of this size" },
        if tied { "tied: the embedding is the head" } else { "an untied head" },
        if wanted.tied.is_some() { ", as wanted" } else { "" }
    ));
    reasons
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(100.0)
}
