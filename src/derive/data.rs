//! What the run reads: the mixture, passes, and what repeats cost.

use super::allocate::Run;
use super::{DeriveError, Notes, Problem, Setting};
use crate::allocation::Objective;
use crate::data::loader::{self, Loader};
use crate::data::{
    Curriculum, Decision, Draw, Kept, Kind, Mixture, MixtureError, NEARLY_FREE, Quality, StageError,
};
use crate::law;
use crate::plan::{
    Chosen, DerivedData, DerivedKnot, DerivedSource, DerivedStage, Gap, KeyPath, SourceCaps,
};
use crate::quantity::{
    Epochs, Flops, FlopsPerParamToken, Quantity, Tokens, Usd, exact, round_significant,
};
use std::collections::BTreeMap;

/// The stages of the plan, resolved; `None` where it has none.
pub(super) fn curriculum(
    chosen: &Chosen,
    notes: &mut Notes,
) -> Result<Option<Curriculum>, DeriveError> {
    if chosen.stages.is_empty() {
        return match keeps_caps(chosen) {
            None => Ok(None),
            Some(_) => Err(Problem::Value(
                "without [[stages]] there is nothing to move; add one with \
                 `mixture = \"proportional\"`"
                    .to_owned(),
            )
            .at("data.caps")),
        };
    }
    let curriculum = Curriculum::new(&chosen.sources, &chosen.stages, chosen.run.tokens);
    let curriculum = curriculum.map_err(|(index, key, error)| {
        let at = KeyPath::from("stages").join(index.to_string()).join(key);
        let at = match &error {
            StageError::Mixture(MixtureError::Unknown { name, .. }) => at.join(name.as_str()),
            StageError::Fact { of, .. } => KeyPath::from("sources").join(of.as_str()),
            StageError::NotASource(MixtureError::Unknown { name, .. })
            | StageError::Twice(name) => {
                let over = chosen.stages[index].over.iter().flatten();
                at.join(
                    over.enumerate()
                        .filter(|(_, own)| *own == name)
                        .last()
                        .map_or(0, |(i, _)| i)
                        .to_string(),
                )
            }
            _ => at,
        };
        Problem::from(error).at(at)
    })?;
    if let (Some(stated), Some(run)) = (curriculum.stated_tokens(), chosen.run.tokens)
        && (stated.0 / run.0 - 1.0).abs() > 1e-3
    {
        let (stated, run) = (stated.human(), run.human());
        notes.remark(format!(
            "the stages state {stated} tokens and the run {run}: each stage is shown at its share"
        ));
    }
    for normalised in curriculum.normalised.iter().filter(|sum| sum.is_worth_a_word()) {
        notes.remark(format!(
            "the `{}` of stage `{}` sums to {}; it was normalised to 1",
            normalised.key,
            chosen.stages[normalised.stage].name,
            exact(round_significant(normalised.sum, 8))
        ));
    }
    Ok(Some(curriculum))
}

/// Faults of single sources that no quantity can see.
pub(super) fn sources(chosen: &Chosen) -> Result<(), DeriveError> {
    for (name, source) in &chosen.sources {
        let at = KeyPath::from("sources").join(name.as_str());
        if name.trim().is_empty() {
            return Err(Problem::Value("a source needs a name".to_owned()).at(at));
        }
        if let Some(most) = source.max_epochs.filter(|most| most.0 < 1.0) {
            let text = format!(
                "a cap of {} passes is below one; to read less of a source, give it less weight or \
                 state a smaller `unique_tokens`",
                most.human()
            );
            return Err(Problem::Value(text).at(at.join("max_epochs")));
        }
    }
    Ok(())
}

/// The data loader that the plan names.
pub(super) fn loader(chosen: &Chosen) -> Result<Option<&'static Loader>, DeriveError> {
    if chosen.data.repeat.is_some() && chosen.data.loader.is_none() {
        let text = "`repeat` is an option of a data loader; name it in `loader`".to_owned();
        return Err(Problem::Value(text).at("data.repeat"));
    }
    let loader = chosen.data.loader.as_ref().map(|name| loader::catalogue().find(name));
    let loader = loader.transpose().map_err(|e| Problem::from(e).at("data.loader"))?;
    if chosen.data.repeat.is_some()
        && let Some(loader) = loader.filter(|loader| loader.repeats_by.is_none())
    {
        let text = format!("`{}` has no option to read a source again", loader.name);
        return Err(Problem::Value(text).at("data.repeat"));
    }
    Ok(loader)
}

/// Whether the stages are to be moved to keep to the caps, and then whether stage by stage.
pub(super) fn keeps_caps(chosen: &Chosen) -> Option<bool> {
    match chosen.data.caps? {
        SourceCaps::Check => None,
        SourceCaps::Project => Some(false),
        SourceCaps::ProjectPerStage => Some(true),
    }
}

/// The stages of a run of so many tokens, moved as little as keeps to the caps.
pub(super) fn keep_caps(
    chosen: &Chosen,
    stages: &Curriculum,
    run: Tokens,
    per_stage: bool,
) -> Result<Kept, DeriveError> {
    let cap = |name: &String| {
        let source = &chosen.sources[name];
        let sized = source.unique_tokens.zip(source.max_epochs);
        sized.map_or(f64::INFINITY, |(unique, most)| unique.0 * most.0)
    };
    let caps: Vec<f64> = stages.names.iter().map(cap).collect();
    let kept = stages.keeping(run, &caps, per_stage);
    kept.map_err(|error| Problem::Caps(Box::new(error)).at("data.caps"))
}

/// What the run reads over all its stages, as its loader reads it; `None` without sources or without
/// their sizes.
pub(super) fn mixture(
    chosen: &Chosen,
    curriculum: Option<&Curriculum>,
    loader: Option<&Loader>,
    notes: &mut Notes,
) -> Option<Mixture> {
    let mixture = match curriculum {
        Some(curriculum) => Some(Mixture::over(curriculum, &chosen.sources)),
        None if chosen.sources.is_empty() => None,
        None => Mixture::proportional(&chosen.sources),
    }?;
    if curriculum.is_none() && chosen.sources.len() > 1 {
        let source = "in proportion to unique tokens: every source is read equally often";
        notes.assume("stages.mixture", "proportional", source);
    }
    let repeat = chosen.data.repeat.unwrap_or_default();
    Some(match loader {
        Some(loader) => mixture.read_by(loader, repeat),
        None => mixture,
    })
}

/// The `[[derived.stages]]` tables.
pub(super) fn stages(run: &Run, setting: &Setting) -> Vec<DerivedStage> {
    let Some(curriculum) = setting.curriculum else {
        return Vec::new();
    };
    let row = |weights: &[f64]| -> BTreeMap<String, f64> {
        let named = curriculum.names.iter().cloned().zip(weights.iter().copied());
        named.filter(|(_, weight)| *weight > 0.0).collect()
    };
    let stages = curriculum.placed(run.point.tokens).into_iter().enumerate();
    let stages = stages.map(|(index, stage)| {
        let kept = curriculum.kept(index);
        let kept = kept.as_deref();
        DerivedStage {
            kind: Some(stage.kind).filter(|kind| *kind != Kind::Pretrain),
            start_tokens: stage.start_tokens,
            tokens: stage.tokens,
            steps: stage.steps,
            stepped_tokens: stage.stepped(),
            mixture: match kept {
                Some([(_, weights)]) => row(weights),
                _ => BTreeMap::new(),
            },
            table: match kept {
                Some(knots @ [_, _, ..]) => knots
                    .iter()
                    .map(|(at, weights)| DerivedKnot { at: *at, mixture: row(weights) })
                    .collect(),
                _ => Vec::new(),
            },
            kept: kept.map(|knots| match knots {
                [_] => "a constant mixture, not the one above".to_owned(),
                _ => "a table, no longer the way that is named above".to_owned(),
            }),
            name: stage.name,
        }
    });
    stages.collect()
}

/// Tokens by kind of stage, where there are several kinds.
fn kinds(curriculum: Option<&Curriculum>, run: Tokens) -> BTreeMap<Kind, Tokens> {
    let mut kinds: BTreeMap<Kind, Tokens> = BTreeMap::new();
    for stage in curriculum.map_or_else(Vec::new, |curriculum| curriculum.placed(run)) {
        kinds.entry(stage.kind).or_default().0 += stage.tokens.0;
    }
    if kinds.len() > 1 { kinds } else { BTreeMap::new() }
}

/// The `[derived.data]` table.
pub(super) fn view(run: Option<&Run>, setting: &Setting, notes: &mut Notes) -> Option<DerivedData> {
    let Setting { chosen, ref objective, .. } = *setting;
    let objective = objective.as_ref();
    for (name, source) in &chosen.sources {
        if source.unique_tokens.is_none() {
            let key = KeyPath::from("sources").join(name.as_str()).join("unique_tokens");
            notes.missing(format!("epochs of `{name}`"), key);
        }
    }
    let (mixture, run) = (setting.mixture?, run?);
    let decay = objective.map_or_else(law::repeats, |objective| objective.repeats);
    let tokens = run.point.tokens;
    let effective = mixture.effective(tokens, decay);
    let read = Tokens(tokens.0 + mixture.shares.iter().map(|share| share.after).sum::<f64>());
    let draws: Vec<Draw> = mixture.draws(tokens, decay).collect();
    let rounded = mixture.rounded(tokens);
    let sources = mixture.shares.iter().zip(&draws).enumerate().map(|(place, (share, draw))| {
        let source = DerivedSource {
            weight: draw.tokens.0 / read.0,
            tokens: draw.tokens,
            epochs: draw.epochs,
            effective_tokens: draw.epochs.map(|_| draw.effective),
            drawn_tokens: rounded.as_ref().map(|rounded| rounded[place]),
            distinct_tokens: draw.read.map(|read| read.distinct),
            most_repeats: draw.read.map(|read| read.most_repeats),
        };
        (share.name.clone(), source)
    });
    if effective.0 < tokens.0 && objective.is_none() {
        notes.remark(format!(
            "the law `{}` has no loss, so the cost of repeats and the joint optimum of size and epochs are left out; `{}` has one",
            setting.law.name,
            law::DEFAULT
        ));
    }
    if effective.0 < tokens.0 {
        let source = &law::catalogue().find(law::REPEATS).ok()?.source;
        notes.assume("repeats.tokens", &decay.tokens.to_string(), source);
        notes.assume("repeats.params", &decay.params.to_string(), source);
    }
    let unique = mixture.unique();
    if unique.is_none() {
        let source = "some sources have no size; every token of theirs counts as fresh";
        notes.assume("repeats", "none where the size is unknown", source);
    }
    let epochs = unique.map(|unique| read / unique);
    let most_read = draws
        .iter()
        .filter_map(Draw::passes)
        .fold(None, |most, e| if most.is_none_or(|most| e > most) { Some(e) } else { most });
    let (longest_run, binding, at) =
        binding(mixture).map_or((None, None, None), |(t, n, e)| (Some(t), Some(n), Some(e)));
    let suspect = mixture.shares.iter().any(|share| {
        chosen.sources.get(&share.name).is_some_and(|s| s.quality == Some(Quality::Suspect))
    });
    Some(DerivedData {
        unique_tokens: unique,
        epochs,
        effective_tokens: unique.map(|_| effective),
        loss_from_repeats: objective.zip(run.point.params).filter(|_| unique.is_some()).map(
            |(objective, params)| {
                objective.loss(params, tokens).0 - objective.fresh().loss(params, tokens).0
            },
        ),
        decision: most_read.map(|epochs| Decision::on(epochs, suspect, decay)),
        binding_source: binding,
        longest_run,
        longest_run_epochs: at,
        kinds: kinds(setting.curriculum, tokens),
        moved: setting.moved,
        gap: objective.and_then(|objective| gap(mixture, run, objective, setting)),
        sources: sources.collect(),
    })
}

/// The source that ends the run first: at its own `max_epochs`, or at four passes.
fn binding(mixture: &Mixture) -> Option<(Tokens, String, Epochs)> {
    let (tokens, share) = mixture.exhausted_first(NEARLY_FREE)?;
    Some((tokens, share.name.clone(), share.max_epochs.unwrap_or(NEARLY_FREE)))
}

/// What is missing to the optimum that fresh data would allow, and what closing it costs;
/// `None` while the data suffice for that.
fn gap(mixture: &Mixture, run: &Run, objective: &Objective, setting: &Setting) -> Option<Gap> {
    let cost = &setting.chosen.cost;
    let flops = run.point.flops;
    let best = objective.surface.optimum(flops, objective.k);
    let needed = if run.point.free { best.tokens } else { run.point.tokens };
    let at_hand: f64 = mixture
        .shares
        .iter()
        .map(|share| share.unique.map(|unique| unique.0.min(share.drawn(needed).0)))
        .sum::<Option<f64>>()?;
    let missing = Tokens(needed.0 - at_hand);
    if missing.0 <= needed.0 * 1e-9 {
        return None;
    }
    let (own, params) = (run.point.loss?, run.point.params?);
    let fresh =
        if run.point.free { best.loss? } else { objective.fresh().loss(params, run.point.tokens) };
    let equivalent = objective.surface.flops_for_loss(own, objective.k)?;
    let against = objective.surface.flops_for_loss(fresh, objective.k)?;
    let wasted = Flops((against.0 - equivalent.0).max(0.0));
    let saved_usd = setting
        .caps
        .rate
        .zip(cost.usd_per_accelerator_hour)
        .map(|(rate, price)| (wasted / rate).0 / 3600.0 * price.0);
    let buy = cost.usd_per_billion_tokens.map(|price| Usd(missing.0 / 1e9 * price.0));
    Some(Gap {
        missing_tokens: missing,
        synthesis_flops: FlopsPerParamToken::INFERENCE.cost(params, missing),
        repeat_loss_difference: (own.0 - fresh.0).max(0.0),
        repeat_wasted_flops: wasted,
        buy_usd: buy,
        break_even_usd_per_billion: saved_usd.map(|usd| usd / (missing.0 / 1e9)),
    })
}
