//! The run: what is asked, what it comes to, and how it compares.

use super::budget::RunCost;
use super::{DeriveError, Notes, Problem, Setting, data, extrapolation};
use crate::allocation::{self, Deviation, Intervals, Objective, Point, Wanted, lifetime_flops};
use crate::data::loader::Loader;
use crate::data::{Curriculum, Mixture};
use crate::law::{Law, interval_80};
use crate::model;
use crate::plan::{Allocated, Chosen, Cluster, Interval, KeyPath, Served, Versus};
use crate::quantity::{Flops, FlopsPerParamToken, Loss, Quantity, Tokens};
use libm::log;

/// A determined run with all that is known of it.
pub(super) struct Run {
    pub(super) point: Point,
    pub(super) deviation: Option<Deviation>,
    intervals: Option<Intervals>,
    optimum_80: (Option<Interval>, Option<Interval>),
}

/// What the plan asks of the run.
pub(super) fn wanted(setting: &Setting, notes: &mut Notes) -> Result<Wanted, DeriveError> {
    let chosen = setting.chosen;
    let shape_params = setting.shape.and_then(|shape| shape.counted_by(setting.law.counting));
    Ok(Wanted {
        flops: setting.caps.run_flops,
        params: chosen.model.params.or(shape_params),
        tokens: tokens(setting, notes),
        tokens_per_param: chosen.run.tokens_per_param,
        loss: target(setting, notes)?,
        inference_tokens: chosen.run.inference_tokens,
    })
}

/// Tokens as stated, as so many passes over what the mixture reads, or as all stages state them.
fn tokens(setting: &Setting, notes: &mut Notes) -> Option<Tokens> {
    let chosen = setting.chosen;
    if chosen.run.tokens.is_some() {
        return chosen.run.tokens;
    }
    let Some(epochs) = chosen.run.epochs else {
        return setting.curriculum.and_then(Curriculum::stated_tokens);
    };
    let unique = setting.mixture.and_then(Mixture::unique);
    if unique.is_none() {
        let unknown = chosen.sources.iter().find(|(_, source)| source.unique_tokens.is_none());
        let key = match unknown {
            Some((name, _)) => KeyPath::from("sources").join(name.as_str()).join("unique_tokens"),
            None => KeyPath::from("sources"),
        };
        notes.missing("run.epochs in tokens", key);
    }
    Some(Tokens(epochs.0 * unique?.0))
}

/// The loss to reach: stated, or that of a published model under the law.
fn target(setting: &Setting, notes: &mut Notes) -> Result<Option<Loss>, DeriveError> {
    let chosen = setting.chosen;
    let Some(name) = &chosen.run.matches else {
        return Ok(chosen.run.loss);
    };
    if chosen.run.loss.is_some() {
        let text = "a loss and a model to match are both stated; state one".to_owned();
        return Err(Problem::Value(text).at("run.match"));
    }
    let published = model::catalogue().find(name).map_err(|e| Problem::from(e).at("run.match"))?;
    let Some(objective) = &setting.objective else {
        let text = "matching a model needs a law with a loss, such as `besiroglu-2024`".to_owned();
        return Err(Problem::Value(text).at("run.match"));
    };
    if published.active_params.is_some() {
        let text = format!(
            "`{}` is a mixture of experts; the law describes dense models, so its loss is unknown",
            published.name
        );
        return Err(Problem::Value(text).at("run.match"));
    }
    let loss = objective.surface.loss(published.params, published.tokens);
    notes.remark(format!(
        "{} ({} parameters, {} tokens) has a loss of {loss:.4} under this law; {}",
        published.title,
        published.params.human(),
        published.tokens.human(),
        published.source,
        loss = loss.0,
    ));
    Ok(Some(loss))
}

/// Solves for the run, unless it is sized already; `None` while too little is said.
pub(super) fn run(
    setting: &Setting,
    wanted: &Wanted,
    sized: Option<Point>,
    notes: &mut Notes,
) -> Result<Option<Run>, DeriveError> {
    let Setting { chosen, law, k, ref objective, .. } = *setting;
    let objective = objective.as_ref();
    let solved = match sized {
        Some(point) => {
            let loss = objective.zip(point.params).map(|(o, params)| o.loss(params, point.tokens));
            Ok(Some(Point { loss: loss.or(point.loss), ..point }))
        }
        None => allocation::solve(law, objective, k, wanted),
    };
    let Some(point) = solved.map_err(|error| Problem::from(error).at(asked_by(chosen)))? else {
        if notes.missing.is_empty() {
            notes.missing("the run", "budget.flops");
        }
        return Ok(None);
    };
    if !(1.0..=Flops::MAX * 1.001).contains(&point.flops.0) {
        let text = format!("this needs {}, which no run can mean", point.flops.human());
        return Err(Problem::Value(text).at(asked_by(chosen)));
    }
    let pooled = !chosen.cluster.pools.is_empty();
    if !pooled && chosen.cluster != Cluster::default() && setting.caps.rate.is_none() {
        for (key, stated) in [
            (
                "cluster.accelerator",
                chosen.cluster.accelerator.is_some() || chosen.cluster.peak_flops.is_some(),
            ),
            ("cluster.mfu", chosen.cluster.mfu.is_some()),
        ] {
            if !stated {
                notes.missing("time on the cluster", key);
            }
        }
    }
    let intervals = allocation::intervals(law, objective, k, wanted, &point);
    let deviation = allocation::deviation(law, objective, k, &point)
        .filter(|deviation| !is_optimum(deviation, objective, &point));
    let optimum_80 = deviation.map_or((None, None), |_| optimum_80(law, point.flops, k));
    Ok(Some(Run { point, deviation, intervals, optimum_80 }))
}

/// A run whose stages were moved to keep to the caps of their sources.
pub(super) struct Kept {
    pub(super) point: Point,
    pub(super) curriculum: Curriculum,
    pub(super) mixture: Option<Mixture>,
    /// Nats by which they were moved.
    pub(super) moved: f64,
}

/// Sizes the run as if its sources had no caps, then moves its stages to keep to them.
pub(super) fn within_caps(
    setting: &Setting,
    loader: Option<&'static Loader>,
    per_stage: bool,
) -> Result<Option<Kept>, DeriveError> {
    let quiet = &mut Notes::default();
    let wanted = wanted(setting, quiet)?;
    let run = run(setting, &wanted, None, quiet)?;
    let (Some(run), Some(stages)) = (run, setting.curriculum) else {
        return Ok(None);
    };
    let kept = data::keep_caps(setting.chosen, stages, run.point.tokens, per_stage)?;
    let mixture = data::mixture(setting.chosen, Some(&kept.curriculum), loader, quiet);
    Ok(Some(Kept {
        point: run.point,
        mixture: mixture.map(Mixture::unbounded),
        curriculum: kept.curriculum,
        moved: kept.moved,
    }))
}

/// Whether a run is the optimum of its compute, so that there is nothing to compare.
fn is_optimum(deviation: &Deviation, objective: Option<&Objective>, point: &Point) -> bool {
    match (objective, deviation.wasted) {
        (Some(_), Some(wasted)) => wasted.0 < 1e-9,
        _ => point.free || (deviation.multiple - 1.0).abs() < 1e-9,
    }
}

fn optimum_80(
    law: &Law,
    flops: Flops,
    k: FlopsPerParamToken,
) -> (Option<Interval>, Option<Interval>) {
    let ln_product = log(flops.0 / k.0);
    let draws = law.prepared_draws();
    let optima: Vec<_> = draws.iter().map(|draw| draw.allocation(ln_product)).collect();
    let params = interval_80(optima.iter().map(|(params, _)| params.0));
    (params, interval_80(optima.iter().map(|(_, tokens)| tokens.0)))
}

/// The key whose value an impossible run is to be blamed on.
fn asked_by(chosen: &Chosen) -> &'static str {
    let run = &chosen.run;
    match () {
        () if run.loss.is_some() => "run.loss",
        () if run.matches.is_some() => "run.match",
        () if run.inference_tokens.is_some() => "run.inference_tokens",
        () if chosen.model.params.is_some() => "model.params",
        () if run.tokens.is_some() => "run.tokens",
        () if run.tokens_per_param.is_some() => "run.tokens_per_param",
        () => "budget",
    }
}

/// The `[derived.allocation]` table.
pub(super) fn view(run: &Run, setting: &Setting) -> Allocated {
    let Run { point, intervals, .. } = run;
    let intervals = intervals.unwrap_or_default();
    let outside = extrapolation(setting.law, setting.k, point);
    let cost = RunCost::of(point.flops, setting.caps, setting.chosen);
    Allocated {
        params: point.params,
        params_80: intervals.params,
        tokens: point.tokens,
        tokens_80: intervals.tokens,
        tokens_per_param: point.params.map(|params| point.tokens / params),
        tokens_per_param_80: intervals.tokens_per_param,
        flops_per_token: point.flops_per_token,
        flops: point.flops,
        flops_80: intervals.flops,
        loss: point.loss,
        loss_80: intervals.loss,
        extrapolation: outside.map(|outside| outside.factor),
        extrapolated: outside.map(|outside| outside.side.to_owned()),
        days: cost.days,
        accelerator_hours: cost.hours.map(|hours| hours.0),
        usd: cost.usd,
    }
}

/// The `[derived.optimum]` table.
pub(super) fn versus(run: &Run) -> Option<Versus> {
    let deviation = run.deviation?;
    Some(Versus {
        params: deviation.params,
        params_80: run.optimum_80.0,
        tokens: deviation.tokens,
        tokens_80: run.optimum_80.1,
        tokens_per_param: deviation.tokens_per_param,
        loss: deviation.loss,
        multiple: deviation.multiple,
        loss_difference: deviation.loss_difference,
        equivalent_flops: deviation.equivalent_flops,
        wasted: deviation.wasted,
    })
}

/// The `[derived.inference]` table.
pub(super) fn served(run: &Run, setting: &Setting, wanted: &Wanted) -> Option<Served> {
    let inference = wanted.inference_tokens?;
    let (objective, k) = (setting.objective.as_ref()?, setting.k);
    let (params, loss) = (run.point.params?, run.point.loss?);
    let lifetime = lifetime_flops(k, params, run.point.tokens, inference);
    let (best_params, best_tokens) = objective.optimum(objective.flops_for_loss(loss)?);
    let optimum = lifetime_flops(k, best_params, best_tokens, inference);
    Some(Served {
        lifetime_flops: lifetime,
        optimum_lifetime_flops: optimum,
        saved: 1.0 - lifetime.0 / optimum.0,
    })
}
