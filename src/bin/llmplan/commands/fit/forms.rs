//! The forms that are not L(N, D) alone.

use super::{Told, short, source, stem, with_bar};
use crate::args::Fit;
use crate::{files, flags, output};
use anyhow::{Context as _, Result, anyhow, bail};
use plan::derive::derive_with;
use plan::fact::nearest;
use plan::file::read as read_plan;
use plan::fit::{
    Caps, Run, Runs, Settings, fit_constrained, fit_isoflop, fit_mixing, fit_power, fit_with,
    propose, read, read_mixtures, read_optima,
};
use plan::law::{self, Law, LawFile};
use plan::report::{ConstrainedView, FitView, MixingView, PowerView, Source};
use std::path::Path;

fn runs(arguments: &Fit, settings: &Settings) -> Result<Runs> {
    let source = source(arguments)?;
    let (columns, drop) = (&arguments.columns, arguments.drop_largest_loss);
    Ok(read(source, columns, &arguments.filters, drop, settings.k)?)
}

pub(super) fn isoflop(arguments: &Fit, settings: &Settings) -> Result<Told> {
    let runs = runs(arguments, settings)?;
    let fitted = fit_isoflop(&runs.runs, settings)?;
    let name = short(arguments);
    let view = PowerView { source: Source::of_runs(&name, &runs), settings, fit: &fitted };
    Ok(power_told(&view, arguments))
}

pub(super) fn power(arguments: &Fit, settings: &Settings) -> Result<Told> {
    let source = source(arguments)?;
    let optima = read_optima(source, &arguments.columns, &arguments.filters, settings.k)?;
    let fitted = fit_power(&optima.optima, settings)?;
    let name = short(arguments);
    let source = Source::new(&name, "optima", &optima.origin);
    Ok(power_told(&PowerView { source, settings, fit: &fitted }, arguments))
}

fn power_told(view: &PowerView, arguments: &Fit) -> Told {
    let form = arguments.form.name();
    let law = view.law_file(&stem(arguments), form);
    Told { blocks: view.blocks(), json: view.json(form), law: Some(law), svg: None }
}

pub(super) fn constrained(arguments: &Fit, settings: &Settings) -> Result<Told> {
    let runs = runs(arguments, settings)?;
    let name = short(arguments);
    let base = match &arguments.law {
        Some(law) => named_law(law)?,
        None => law_of_fresh_runs(&name, &runs, settings)?,
    };
    let Some(surface) = base.surface() else {
        bail!("--law {} has no loss L(N, D) to hold", base.name);
    };
    let fitted = with_bar(settings.bootstrap, |refitted| {
        fit_constrained(&runs.runs, &surface, settings, refitted)
    })?;
    let source = Source::of_runs(&name, &runs);
    let view = ConstrainedView { source, settings, base: &base, fit: &fitted };
    let law = view.law_file(&stem(arguments));
    Ok(Told { blocks: view.blocks(), json: view.json(), law: Some(law), svg: None })
}

/// A law of the catalogue, or that of a file.
fn named_law(name: &str) -> Result<Law> {
    if !flags::is_law_file(name) {
        return Ok(law::catalogue().find(name).context("--law")?.clone());
    }
    let text = String::from_utf8(files::read(Path::new(name))?)
        .map_err(|_| anyhow!("{name} is not UTF-8 text"))?;
    let file = LawFile::read(&text).map_err(|error| anyhow!("{name}{error}"))?;
    Ok(file.law())
}

/// The law of the runs that read their data once.
fn law_of_fresh_runs(name: &str, runs: &Runs, settings: &Settings) -> Result<Law> {
    let fresh: Vec<Run> =
        runs.runs.iter().filter(|run| run.epochs().is_none_or(|e| e <= 1.0)).copied().collect();
    let count = fresh.len();
    let fitted = fit_with(&fresh, settings, &|| ()).with_context(|| {
        format!(
            "{count} runs read their data once, and tell no law to hold; name one with --law, such \
             as --law {}",
            law::REPEATS
        )
    })?;
    let filtered = runs.filtered + runs.runs.len() - count;
    let fresh = Runs { runs: fresh, filtered, ..runs.clone() };
    let view =
        FitView { name, runs: &fresh, settings, fit: &fitted, roll_out: None, coverage: None };
    Ok(view.law_file(&format!("of the {count} runs that read their data once")).law())
}

pub(super) fn mixing(arguments: &Fit, settings: &Settings) -> Result<Told> {
    let source = source(arguments)?;
    let read = read_mixtures(source, &arguments.columns, &arguments.filters)?;
    let caps = arguments.plan.as_deref().map(|plan| caps(plan, &read.sources)).transpose()?;
    let fitted = with_bar(settings.bootstrap, |refitted| {
        fit_mixing(&read.sources, &read.runs, settings, refitted)
    })?;
    let proposal = propose(&fitted, caps.as_ref())?;
    let name = short(arguments);
    let view = MixingView {
        source: Source::new(&name, "runs", &read.origin),
        sources: &read.sources,
        losses: &read.losses,
        runs: &read.runs,
        settings,
        fit: &fitted,
        caps: caps.as_ref(),
        proposal: &proposal,
    };
    Ok(Told { blocks: view.blocks(), json: view.json(), ..Told::default() })
}

/// The sizes of a plan's sources, how often they may be read, and the length of its run.
fn caps(plan: &Path, sources: &[String]) -> Result<Caps> {
    let name = files::name(plan);
    let bytes = files::read(plan)?;
    let document = read_plan(&bytes).map_err(|_| {
        anyhow!("{name} is no plan that can be read: `llmplan check {name}` says why")
    })?;
    let chosen = &document.chosen;
    let tokens = if let Some(tokens) = chosen.run.tokens {
        Some(tokens)
    } else {
        let derived = derive_with(chosen, &files::inputs(plan, chosen));
        let derived = derived.map_err(|error| anyhow!("{name}: {}: {error}", error.key))?;
        derived.point.map(|point| point.tokens)
    };
    let Some(tokens) = tokens else {
        bail!("{name} does not say how long the run is: add `run.tokens` or a budget");
    };
    let of = |source: &String| {
        if let Some(facts) = chosen.sources.get(source) {
            let most = facts.max_epochs.map(|most| most.0);
            return Ok(facts.unique_tokens.map(|unique| (unique, most)));
        }
        let near = nearest(source, chosen.sources.keys().map(String::as_str));
        let near = near.first().map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        Err(anyhow!("{name} has no source `{source}`, which the runs mix{near}"))
    };
    let sizes = sources.iter().map(of).collect::<Result<_>>()?;
    for source in chosen.sources.keys().filter(|own| !sources.contains(own)) {
        output::remark(&format!("{name}: no run mixes the source `{source}`; it gets nothing"));
    }
    Ok(Caps { tokens, sources: sizes })
}
