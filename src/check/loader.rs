//! Rules about what the data loader really does.

use super::data::{gathered, source};
use super::rule::rule;
use super::stages::{moved, read_stages, stage};
use super::{Finding, Rule, Subject};
use crate::data::loader::{
    End, Exhausted, How, Loader, Ramps, Read, SequenceChange, Unit, Weights,
};
use crate::data::{Deepspeed, Pacing, Placed, Ramp, Reading};
use crate::plan::KeyPath;
use crate::quantity::{Quantity, Tokens, exact, grouped, round_significant, significant};

/// Share of what could be read that must be missed for a source to count as repeated too early.
const MISSED: f64 = 0.01;

pub(super) static BELOW_GRANULARITY: Rule = rule!(
    "below-granularity",
    Loader,
    Warning,
    "0.1.0",
    "a weight is so small that the source is drawn never or hardly once",
    below_granularity
);
pub(super) static DATA_END_EARLY: Rule = rule!(
    "data-end-early",
    Loader,
    Error,
    "0.1.0",
    "the loader stops, fails or refuses when a source runs out before the stage ends",
    data_end_early
);
pub(super) static REPEATS_BEFORE_EXHAUSTION: Rule = rule!(
    "repeats-before-exhaustion",
    Loader,
    Warning,
    "0.1.0",
    "the loader reads a part of a source again while another part is never read",
    repeats_before_exhaustion
);
pub(super) static STAGES_NEED_SEPARATE_CONFIGS: Rule = rule!(
    "stages-need-separate-configs",
    Loader,
    Warning,
    "0.1.0",
    "the loader cannot run the stages from one configuration",
    stages_need_separate_configs
);
pub(super) static LOADER_CANNOT_RAMP: Rule = rule!(
    "loader-cannot-ramp",
    Loader,
    Warning,
    "0.1.0",
    "the mixture moves, and the loader has only fixed ones",
    loader_cannot_ramp
);
pub(super) static WEIGHTS_COUNT_DOCUMENTS: Rule = rule!(
    "weights-count-documents",
    Loader,
    Warning,
    "0.1.0",
    "the loader counts documents where the plan counts tokens",
    weights_count_documents
);
pub(super) static TOO_MANY_SOURCES: Rule = rule!(
    "too-many-sources",
    Loader,
    Error,
    "0.1.0",
    "the loader has room for fewer sources",
    too_many_sources
);
pub(super) static LOADER_REFUSES_WEIGHTS: Rule = rule!(
    "loader-refuses-weights",
    Loader,
    Error,
    "0.1.0",
    "the loader takes only weights that sum to 1",
    loader_refuses_weights
);
pub(super) static DIFFICULTY_ROUNDED_DOWN: Rule = rule!(
    "difficulty-rounded-down",
    Loader,
    Warning,
    "0.1.0",
    "the trainer rounds the difficulty down to a multiple that misses the stated ends",
    difficulty_rounded_down
);

fn loader(subject: &Subject) -> Option<&'static Loader> {
    subject.derivation.loader
}

const LOADER: &str = "data.loader";

fn reading(subject: &Subject) -> Option<Reading> {
    subject.derivation.reading()
}

/// Names of the sources that are read, in the order of the shares and of a reading.
fn names<'a>(subject: &'a Subject) -> Vec<&'a String> {
    let shares = subject.derivation.mixture.iter().flat_map(|mixture| &mixture.shares);
    shares.map(|share| &share.name).collect()
}

/// Key, weights and sequences of every stage; without stages, of the run.
fn sets(subject: &Subject) -> Vec<(KeyPath, Vec<f64>, f64)> {
    if let (Some(mixture), None) = (&subject.derivation.mixture, &subject.derivation.curriculum) {
        let weights = mixture.shares.iter().map(|share| share.weight).collect();
        return vec![(KeyPath::from("sources"), weights, f64::INFINITY)];
    }
    let sets = read_stages(subject).into_iter().map(|(index, placed)| {
        let length = placed.training.sequence;
        let sequences = length.map_or(f64::INFINITY, |length| placed.tokens.0 / length.0);
        (stage(index).join("mixture"), placed.mean, sequences)
    });
    sets.collect()
}

fn below_granularity(subject: &Subject) -> Vec<Finding> {
    let (loader, names) = (loader(subject), names(subject));
    let mut small = Vec::new();
    for (key, weights, sequences) in sets(subject) {
        let least = loader.map_or(1.0 / sequences, |loader| loader.least_weight(sequences));
        for (name, weight) in names.iter().zip(weights) {
            if weight > 0.0 && weight < least {
                small.push((
                    key.clone().join(name.as_str()),
                    *name,
                    weight,
                    least,
                    1.0 / sequences,
                ));
            }
        }
    }
    let mut distinct: Vec<&String> = small.iter().map(|small| small.1).collect();
    distinct.sort_unstable();
    distinct.dedup();
    let many = if distinct.len() == small.len() {
        "sources have weights below what is drawn"
    } else {
        "weights are below what is drawn"
    };
    gathered(&small, many, |(key, name, weight, least, one)| {
        let block = loader.and_then(|loader| loader.block).filter(|_| *weight >= *one);
        let (message, label) = match (block, loader) {
            (Some(block), Some(loader)) => (
                format!("`{name}` is never drawn"),
                format!(
                    "`{}` gives {} of {} sequences, rounded down to 0",
                    loader.name,
                    significant(weight * f64::from(block), 3),
                    grouped(f64::from(block))
                ),
            ),
            _ => (
                format!("`{name}` is due less than one sequence of the stage"),
                format!("a weight of {}; one sequence is {}", short(*weight), short(*one)),
            ),
        };
        Finding::new(message)
            .at(key.clone(), label)
            .help(format!("give it at least {}, or leave it out", at_least(*least)))
    })
}

/// A weight in three digits.
fn short(weight: f64) -> String {
    exact(round_significant(weight, 3))
}

/// A weight in three digits that is no smaller.
fn at_least(weight: f64) -> String {
    let steps = (0..=10).map(|step| round_significant(weight * (1.0 + f64::from(step) * 1e-3), 3));
    exact(steps.into_iter().find(|near| *near >= weight).unwrap_or(weight))
}

fn data_end_early(subject: &Subject) -> Vec<Finding> {
    let (Some(loader), Some(reading)) = (loader(subject), reading(subject)) else {
        return Vec::new();
    };
    let (names, stages) = (names(subject), &subject.document.chosen.stages);
    let findings = reading.ends.iter().filter_map(|(index, end)| {
        let (does, limit) = match end {
            End::Never => return None,
            End::Stops(limit) => ("ends the data", limit),
            End::Fails(limit) => ("fails the run", limit),
            End::Refuses(limit) => ("refuses the run", limit),
        };
        let name = names[limit.source];
        let before = match stages.get(*index).filter(|_| stages.len() > 1) {
            Some(stage) => format!("before `{}` ends", stage.name),
            None => "before the run ends".to_owned(),
        };
        let set = subject.document.chosen.data.repeat == Some(true);
        let help = match &loader.repeats_by {
            Some(option) if !set => {
                format!("lower its weight; or set `{option}` there and `data.repeat = true` here")
            }
            _ if loader.exhausted == Exhausted::DropsOut => {
                "shorten the run, or add text".to_owned()
            }
            _ => "lower its weight, or choose a loader that starts it again".to_owned(),
        };
        let after = limit.after.human();
        Some(
            Finding::new(format!("`{}` {does}: `{name}` runs out {before}", loader.name))
                .at(source(name).join("unique_tokens"), format!("it lasts for {after} tokens"))
                .help(help),
        )
    });
    findings.collect()
}

fn repeats_before_exhaustion(subject: &Subject) -> Vec<Finding> {
    let (Some(loader), Some(reading)) = (loader(subject), reading(subject)) else {
        return Vec::new();
    };
    let sources = &subject.document.chosen.sources;
    let early: Vec<(&String, Read, Tokens)> = names(subject)
        .into_iter()
        .zip(&reading.sources)
        .filter_map(|(name, read)| {
            let (read, size) = ((*read)?, sources[name].unique_tokens?);
            let could = read.drawn.0.min(size.0);
            (read.distinct.0 < could * (1.0 - MISSED)).then_some((name, read, size))
        })
        .collect();
    gathered(&early, "sources are repeated before they are read whole", |(name, read, size)| {
        let (drawn, distinct) = (read.drawn.human(), read.distinct.human());
        Finding::new(format!("`{name}` is repeated before it is read whole"))
            .at(
                source(name).join("unique_tokens"),
                format!("{drawn} drawn, but only {distinct} of {} distinct", size.human()),
            )
            .help(format!("`llmplan explain {}` says how that comes about", loader.name))
    })
}

fn stages_need_separate_configs(subject: &Subject) -> Vec<Finding> {
    let Some(loader) = loader(subject) else {
        return Vec::new();
    };
    let stages = read_stages(subject);
    let after = |differs: fn(&Placed, &Placed) -> bool| -> Vec<&str> {
        let pairs = stages.windows(2).filter(|pair| differs(&pair[0].1, &pair[1].1));
        pairs.map(|pair| pair[1].1.name.as_str()).collect()
    };
    let mixture = after(|a, b| moved(&a.last, &b.first) > 1e-9 || a.moves || b.moves);
    let length = after(|a, b| {
        let lengths = a.training.sequence.zip(b.training.sequence);
        lengths.is_some_and(|(a, b)| (a.0 - b.0).abs() > 0.0)
    });
    let each = format!("write one for each: {}", loader.stages.key);
    let (who, why, help) = match (loader.stages.how, loader.sequence_change) {
        (How::Restart, _) if !mixture.is_empty() => {
            (mixture, "a change of mixture is a restart", each)
        }
        (How::Separate, _) if !mixture.is_empty() => {
            (mixture, "every mixture is a run of its own", each)
        }
        (_, SequenceChange::NewConfig) if !length.is_empty() => {
            let help = "write one for each sequence length".to_owned();
            (length, "a configuration has one sequence length", help)
        }
        _ => return Vec::new(),
    };
    let needs = match who.len() {
        1 => "needs a configuration of its own",
        _ => "need configurations of their own",
    };
    vec![
        Finding::new(format!("`{}` {needs}", who.join("`, `")))
            .at(KeyPath::from(LOADER), why)
            .help(help),
    ]
}

fn loader_cannot_ramp(subject: &Subject) -> Vec<Finding> {
    let Some(loader) = loader(subject) else {
        return Vec::new();
    };
    let chosen = &subject.document.chosen.stages;
    let moving: Vec<(usize, String)> = read_stages(subject)
        .into_iter()
        .filter(|(index, placed)| {
            // the plateaus of a step ramp are what such a loader takes
            let steps = chosen[*index].ramp == Some(Ramp::Step) && chosen[*index].blend.is_none();
            placed.moves && !(steps && loader.ramps == Ramps::Steps)
        })
        .map(|(index, placed)| (index, placed.name))
        .collect();
    gathered(&moving, "stages move their mixture, which the loader cannot", |(index, name)| {
        let help = match (loader.ramps, chosen[*index].from.is_some()) {
            (Ramps::Steps, true) => "write it as steps: `ramp = \"step\"` and `plateaus`",
            _ => "write its steps as stages of their own",
        };
        Finding::new(format!("the mixture of `{name}` moves, which the loader cannot"))
            .at(stage(*index).join("mixture"), format!("`{}` has fixed mixtures", loader.name))
            .help(help)
    })
}

fn weights_count_documents(subject: &Subject) -> Vec<Finding> {
    let Some(loader) = loader(subject) else {
        return Vec::new();
    };
    let counts = match loader.unit {
        Unit::Sequence => return Vec::new(),
        Unit::Document => "documents",
        Unit::Record => "records as they are stored",
    };
    let mixed = |weights: &[f64]| weights.iter().filter(|weight| **weight > 0.0).count() > 1;
    if !sets(subject).iter().any(|(_, weights, _)| mixed(weights)) {
        return Vec::new();
    }
    vec![
        Finding::new(format!("`{}` counts {counts}, the plan's weights count tokens", loader.name))
            .at(KeyPath::from(LOADER), "a source of long documents gets more tokens than its weight")
            .help("pack every source to sequences before they are mixed, or divide each weight by the source's mean tokens a document"),
    ]
}

fn too_many_sources(subject: &Subject) -> Vec<Finding> {
    let Some((loader, most)) = loader(subject).and_then(|own| Some((own, own.max_sources?))) else {
        return Vec::new();
    };
    let read = |weights: &[f64]| weights.iter().filter(|weight| **weight > 0.0).count();
    let count = sets(subject).iter().map(|(_, weights, _)| read(weights)).max().unwrap_or(0);
    if count <= most as usize {
        return Vec::new();
    }
    #[expect(clippy::cast_precision_loss, reason = "sources")]
    let count = grouped(count as f64);
    vec![
        Finding::new(format!("{count} sources are more than `{}` can index", loader.name))
            .at(KeyPath::from(LOADER), format!("at most {}", grouped(f64::from(most))))
            .help("put small sources together"),
    ]
}

fn loader_refuses_weights(subject: &Subject) -> Vec<Finding> {
    let (Some(loader), Some(curriculum)) = (loader(subject), &subject.derivation.curriculum) else {
        return Vec::new();
    };
    let refused = curriculum.normalised.iter().filter(|n| !loader.weights.accepts(n.sum));
    let findings = refused.map(|normalised| {
        let name = &subject.document.chosen.stages[normalised.stage].name;
        let off = significant((normalised.sum - 1.0).abs(), 3);
        Finding::new(format!("`{}` refuses the `{}` of `{name}`", loader.name, normalised.key))
            .at(
                stage(normalised.stage).join(normalised.key),
                match loader.weights {
                    Weights::SumsToOne { within } => {
                        format!("its sum is off by {off}; {within:e} is accepted")
                    }
                    Weights::Normalised => format!("its sum is off by {off}"),
                },
            )
            .help("state weights that sum to 1")
    });
    findings.collect()
}

fn difficulty_rounded_down(subject: &Subject) -> Vec<Finding> {
    let stages = subject.document.chosen.stages.iter().enumerate();
    let findings = stages.flat_map(|(index, chosen)| {
        let degree = match chosen.pacing.unwrap_or(Pacing::Linear) {
            Pacing::Root => 2.0,
            _ => 1.0,
        };
        let traps = chosen.difficulty_step.map_or_else(Vec::new, |step| {
            let min = chosen.start.map_or(0.0, |start| round_significant(start.0 * 100.0, 12));
            Deepspeed { min, max: 100.0, step: f64::from(step), degree }.traps()
        });
        traps.into_iter().map(move |trap| {
            Finding::new(format!("in `{}` the open share, in per cent, {trap}", chosen.name))
                .at(stage(index).join("difficulty_step"), "rounded down to multiples of this")
                .help("choose a step that divides both `start` and 100 %")
        })
    });
    findings.collect()
}
