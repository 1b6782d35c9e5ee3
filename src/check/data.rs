//! Rules about sources, the mixture and repeats.

use super::rule::rule;
use super::{Finding, Rule, Subject};
use crate::data::{Draw, Mixture, NEARLY_FREE, Quality, Share, value_of_pass};
use crate::law;
use crate::plan::KeyPath;
use crate::quantity::{Epochs, Fraction, Quantity, significant};
use std::collections::BTreeSet;

/// Rounding of stated tokens and caps.
const ROUNDING: f64 = 1.0 + 1e-6;

pub(super) static SOURCE_EXHAUSTED: Rule = rule!(
    "source-exhausted",
    Data,
    Error,
    "0.1.0",
    "the run reads a source more often than its `max_epochs` allow",
    source_exhausted
);
pub(super) static REPEATS_PAST_FOUR_EPOCHS: Rule = rule!(
    "repeats-past-four-epochs",
    Data,
    Warning,
    "0.1.0",
    "a source is read more than four times",
    repeats_past_four_epochs
);
pub(super) static SUSPECT_SOURCE: Rule = rule!(
    "suspect-source",
    Data,
    Warning,
    "0.1.0",
    "the run reads a source of suspect quality",
    suspect_source
);
pub(super) static SOURCE_NOT_READ: Rule = rule!(
    "source-not-read",
    Data,
    Warning,
    "0.1.0",
    "a source has no part in the mixture",
    source_not_read
);

/// Every share of the mixture with what the run draws from it, the most repeated first.
fn draws(subject: &Subject) -> Vec<(Share, Draw)> {
    let derivation = subject.derivation;
    let (Some(mixture), Some(point)) = (&derivation.mixture, derivation.point) else {
        return Vec::new();
    };
    let decay = derivation.objective().map_or_else(law::repeats, |objective| objective.repeats);
    let drawn = mixture.shares.iter().cloned().zip(mixture.draws(point.tokens, decay));
    let mut drawn: Vec<_> = drawn.collect();
    let epochs = |draw: &Draw| draw.passes().map_or(0.0, |passes| passes.0);
    drawn.sort_by(|a, b| epochs(&b.1).total_cmp(&epochs(&a.1)));
    drawn
}

/// Findings of one rule that are shown one by one.
const SHOWN: usize = 5;

/// One finding for each thing that breaks a rule; many are told at once, with the first of them.
pub(super) fn gathered<T>(
    broken: &[T],
    many: &str,
    finding: impl Fn(&T) -> Finding,
) -> Vec<Finding> {
    let mut findings: Vec<Finding> = broken.iter().take(SHOWN).map(finding).collect();
    if broken.len() <= SHOWN {
        return findings;
    }
    let labels = findings.iter().flat_map(|finding| finding.labels.clone()).collect();
    let worst = findings.iter().filter_map(|finding| finding.measure).reduce(f64::max);
    let help = findings.swap_remove(0).help;
    let count = broken.len();
    let all = Finding::new(format!("{count} {many}"));
    vec![Finding { labels, help, measure: worst, count, ..all }]
}

pub(super) fn source(name: &str) -> KeyPath {
    KeyPath::from("sources").join(name)
}

fn source_exhausted(subject: &Subject) -> Vec<Finding> {
    let exhausted: Vec<(Share, Draw, Epochs, Epochs)> = draws(subject)
        .into_iter()
        .filter_map(|(share, draw)| {
            let (epochs, most) = (draw.epochs?, share.max_epochs?);
            (epochs.0 > most.0 * ROUNDING).then_some((share, draw, epochs, most))
        })
        .collect();
    gathered(
        &exhausted,
        "sources are read more often than allowed",
        |(share, draw, epochs, most)| {
            let name = &share.name;
            let (epochs, most) = (epochs.human(), most.human());
            Finding::new(format!("`{name}` is read {epochs} times; `max_epochs` allows {most}"))
                .at(
                    source(name).join("max_epochs"),
                    format!("the run draws {} tokens", draw.tokens.human()),
                )
                .help(longest(subject.derivation.mixture.as_ref()))
                .measured(draw.epochs.map_or(0.0, |epochs| epochs.0))
        },
    )
}

fn longest(mixture: Option<&Mixture>) -> String {
    mixture.and_then(Mixture::binding).map_or(String::new(), |(tokens, share)| {
        if tokens.0 <= 0.0 {
            return format!("its stages alone read `{}` more often", share.name);
        }
        let tokens = tokens.human();
        format!("with this mixture `{}` allows a run of {tokens} tokens", share.name)
    })
}

fn repeats_past_four_epochs(subject: &Subject) -> Vec<Finding> {
    let repeated: Vec<(Share, Draw, Epochs)> = draws(subject)
        .into_iter()
        .filter_map(|(share, draw)| {
            let passes = draw.passes()?;
            (passes.0 > NEARLY_FREE.0 * ROUNDING).then_some((share, draw, passes))
        })
        .collect();
    gathered(&repeated, "sources are read more than four times", |(share, draw, passes)| {
        let name = &share.name;
        let lost = (1.0 - draw.effective.0 / draw.tokens.0) * 100.0;
        // a loader may read a part of a source the more often for leaving the rest of it unread
        let distinct = draw.read.map(|read| read.distinct).unwrap_or_default();
        let part = share.unique.filter(|unique| distinct.0 < unique.0 * (1.0 - 1e-6));
        let what = match part {
            Some(unique) => {
                format!("{} of the {} tokens of `{name}` are", distinct.human(), unique.human())
            }
            None => format!("`{name}` is"),
        };
        Finding::new(format!("{what} read {} times", passes.human()))
            .at(
                source(name).join("unique_tokens"),
                format!(
                    "{} tokens drawn are worth {} fresh ones; pass {} is worth {} of the first",
                    draw.tokens.human(),
                    draw.effective.human(),
                    passes.0.ceil(),
                    last_pass(*passes).human()
                ),
            )
            .help(format!(
                "up to four passes cost little; here {} % of these tokens buy nothing",
                significant(lost, 2)
            ))
            .measured(passes.0)
    })
}

/// What the last pass over a source is worth, as a share of the first.
fn last_pass(passes: Epochs) -> Fraction {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let pass = passes.0.ceil() as u32;
    value_of_pass(pass, law::repeats())
}

/// Names of the sources that the run reads: all of them while there is no mixture.
fn read_sources<'a>(subject: &'a Subject) -> BTreeSet<&'a str> {
    match &subject.derivation.mixture {
        Some(mixture) => mixture.shares.iter().map(|share| share.name.as_str()).collect(),
        None => subject.document.chosen.sources.keys().map(String::as_str).collect(),
    }
}

fn suspect_source(subject: &Subject) -> Vec<Finding> {
    let read = read_sources(subject);
    let sources = subject.document.chosen.sources.iter();
    let suspect: Vec<&String> = sources
        .filter(|(name, facts)| {
            facts.quality == Some(Quality::Suspect) && read.contains(name.as_str())
        })
        .map(|(name, _)| name)
        .collect();
    gathered(&suspect, "sources are of suspect quality", |name| {
        let advice = "fix the data first: more passes do not repair it";
        Finding::new(format!("`{name}` is of suspect quality"))
            .at(source(name).join("quality"), advice)
    })
}

fn source_not_read(subject: &Subject) -> Vec<Finding> {
    let read = read_sources(subject);
    let sources = subject.document.chosen.sources.keys();
    let left: Vec<&String> = sources.filter(|name| !read.contains(name.as_str())).collect();
    gathered(&left, "sources have no part in the mixture", |name| {
        Finding::new(format!("`{name}` has no part in the mixture"))
            .at(source(name), "never read")
            .help("give it a weight, or remove the source")
    })
}
