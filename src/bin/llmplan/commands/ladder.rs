//! `ladder`: the runs that measure a law.

use super::answer::{blamed, drawn, is_drawing, open, told};
use super::fit::objective;
use crate::args::{Ladder, LadderFormat, MixFormat};
use crate::progress::Bar;
use crate::{Exit, files, output};
use anyhow::{Context as _, Result, anyhow, bail};
use plan::derive::{DeriveError, derive_with};
use plan::fit::{Exponents, Settings as FitSettings, fit_with, read};
use plan::ladder::{self, Noise, Sets, Settings, Simulation, World, manifest, outcome, simulate};
use plan::plan::{Budget, Chosen, ModelChoice, Run};
use plan::quantity::Flops;
use plan::report::{FitView, LadderView, markdown, text};
use std::path::Path;

/// What a ladder may take where neither a flag nor a plan says so.
const SHARE: f64 = 0.02;
/// Name of the table of the runs.
const MANIFEST: &str = "manifest.csv";

pub fn ladder(arguments: &Ladder) -> Result<Exit> {
    is_drawing(arguments.plot.as_deref())?;
    if arguments.plot.as_deref().is_some_and(files::is_stdin) && arguments.keep.is_some() {
        bail!("--plot - prints the picture and nothing else; leave -o out, or give --plot a file");
    }
    let path = arguments.file.as_deref().unwrap_or(Path::new(""));
    let mut served = match arguments.file.as_deref().map(open).transpose()? {
        Some(Err(exit)) => return Ok(exit),
        Some(Ok(document)) => document.chosen,
        None => Chosen::default(),
    };
    arguments.apply(&mut served);
    if let Some(file) = served.law.file.as_mut().filter(|_| arguments.law.is_some()) {
        *file = files::from_plan(file, path);
    }
    let inputs = files::inputs(path, &served);
    let derivation = derive_with(&served, &inputs).map_err(|error| said(&error))?;
    let settings = settings(arguments, &served, &derivation)?;
    let spans = arguments.span.map_or(Settings::SPANS.to_vec(), |span| vec![span]);
    let ladder = ladder::ladder_over(settings, &spans).map_err(|error| match &error {
        ladder::LadderError::Setting { .. } => anyhow!("--{error}"),
        ladder::LadderError::Size { .. } => {
            anyhow!("{error}; --vocab sets it, --span and --reach move the sizes")
        }
    })?;
    let sets = Sets {
        count: arguments.sets,
        bootstrap: Sets::USUAL.1,
        seed: arguments.seed,
        exponents: Exponents::Two,
        objective: objective(Some(arguments.objective), None)?,
        target: settings.target,
        k: settings.k,
    };
    let simulation = simulated(&ladder, &sets)?;
    // what the spend takes is what a run of as much takes
    let spent = Chosen {
        budget: Budget { flops: Some(ladder.flops()), ..Budget::default() },
        run: Run::default(),
        model: ModelChoice::default(),
        law: served.law.clone(),
        cluster: served.cluster.clone(),
        cost: served.cost.clone(),
        ..Chosen::default()
    };
    let cost = derive_with(&spent, &inputs).map_err(|error| said(&error))?.derived.allocation;
    let view = LadderView {
        ladder: &ladder,
        law: &derivation.law.name,
        sets: &sets,
        simulation: simulation.as_ref(),
        cost: cost.as_ref(),
    };
    if let Some(plot) = &arguments.plot
        && drawn(plot, &view.svg(), arguments.force)?
    {
        return Ok(Exit::Answered);
    }
    let losses = arguments.simulate.then(|| outcome(&ladder, arguments.seed));
    let table = manifest(&ladder, losses.as_deref());
    if let Some(folder) = &arguments.keep {
        keep(folder, &ladder, &served, path, &table, arguments.force)?;
    }
    if arguments.simulate
        && let Some(format) = arguments.format.of_fit()
    {
        return fitted(&table, &sets, format);
    }
    output::print(&match arguments.format {
        LadderFormat::Text => text(&view.blocks(), output::width()),
        LadderFormat::Markdown => markdown(&view.blocks()),
        LadderFormat::Json => view.json(),
        LadderFormat::Csv => table,
    })?;
    Ok(Exit::Answered)
}

/// A fault by the flag that a user knows.
fn said(error: &DeriveError) -> anyhow::Error {
    anyhow!("{}: {}", blamed(&error.key.to_string()), told(error))
}

fn settings(
    arguments: &Ladder,
    served: &Chosen,
    derivation: &plan::derive::Derivation,
) -> Result<Settings> {
    let run = derivation.point.map(|point| point.flops);
    let Some(target) = derivation.run_flops().or(run) else {
        if served.budget != Budget::default()
            && let Some(missing) = derivation.missing.first()
        {
            bail!("no budget is known yet: {} is missing", blamed(&missing.key.to_string()));
        }
        bail!("nothing to aim at: give the target as `--flops 1e23`, or a plan file");
    };
    let whole = derivation.caps.tightest().map_or(target, |(_, cap)| cap.flops);
    let reserve = served.budget.reserve.map(|reserve| reserve.0).filter(|share| *share > 0.0);
    let share = match (arguments.share, reserve) {
        (Some(share), _) => share.0,
        (None, Some(reserve)) => reserve,
        (None, None) => SHARE,
    };
    if !(share > 0.0 && share < 1.0) {
        bail!("--share is {share}; write a share of the budget above 0 and below 1, such as 0.02");
    }
    let law = &derivation.law;
    let Some(surface) = law.surface() else {
        bail!(
            "--law: `{}` has no loss as a function of N and D, so that no outcome can be simulated; \
             take another, such as `{}`",
            law.name,
            plan::law::DEFAULT
        );
    };
    Ok(Settings {
        counting: law.counting,
        k: derivation.k,
        budgets: arguments.budgets,
        sizes: arguments.sizes,
        reach: arguments.reach,
        vocab: arguments.vocab.or(derivation.shape.as_ref().map(|shape| shape.vocab)),
        noise: arguments.noise,
        ..Settings::new(target, Flops(share * whole.0), surface)
    })
}

fn simulated(ladder: &ladder::Ladder, sets: &Sets) -> Result<Option<Simulation>> {
    if sets.count == 0 {
        return Ok(None);
    }
    let bar = Bar::new("simulating", u64::from(sets.count));
    let runs = ladder::runs(ladder);
    let Settings { law, noise, .. } = ladder.settings;
    let world = World { runs: &runs, law, noise: Noise::Normal(noise) };
    let simulation = simulate(&world, sets, &|| bar.step());
    if simulation.is_none() {
        bail!(
            "from too few of {} simulated outcomes a law followed: take more budgets or sizes, a \
             larger span, or --sets 0 for none",
            sets.count
        );
    }
    Ok(simulation)
}

/// Writes the plans and the manifest; nothing where one of them exists and may not be replaced.
fn keep(
    folder: &Path,
    ladder: &ladder::Ladder,
    served: &Chosen,
    from: &Path,
    table: &str,
    force: bool,
) -> Result<()> {
    if folder.exists() && !folder.is_dir() {
        bail!("{} is a file; -o needs a folder", folder.display());
    }
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut base = served.clone();
    if let Some(file) = &mut base.law.file {
        let seen = from.parent().unwrap_or(Path::new("")).join(&*file);
        *file = files::from_plan(&seen.to_string_lossy(), &folder.join(MANIFEST));
    }
    let manifest = folder.join(MANIFEST);
    let inputs = files::inputs(&manifest, &base);
    let schema = files::schema_line(&manifest).unwrap_or_default();
    let mut texts = Vec::new();
    for rung in &ladder.rungs {
        let text = ladder::rung_text(ladder, rung, &base, &inputs).map_err(|error| said(&error))?;
        texts.push((folder.join(format!("{}.toml", rung.name())), format!("{schema}{text}")));
    }
    texts.push((manifest, table.to_owned()));
    if let Some((there, _)) = texts.iter().find(|(path, _)| path.exists()).filter(|_| !force) {
        bail!("{} exists; --force replaces it, and with it the losses in it", there.display());
    }
    for (path, text) in &texts {
        files::write(path, text, force)?;
    }
    output::remark(&format!(
        "wrote {} plans and {MANIFEST} into {}",
        texts.len() - 1,
        folder.display()
    ));
    Ok(())
}

/// The fit to one simulated outcome, as `fit` would show it.
fn fitted(table: &str, sets: &Sets, format: MixFormat) -> Result<Exit> {
    let settings = FitSettings {
        objective: sets.objective,
        seed: sets.seed,
        k: sets.k,
        target: Some(sets.target),
        ..FitSettings::default()
    };
    let runs = read(table.as_bytes(), &[], &[], 0, settings.k)?;
    let fit = {
        let bar = Bar::new("refitting", u64::from(settings.bootstrap));
        fit_with(&runs.runs, &settings, &|| bar.step())?
    };
    let name = format!("simulated outcome {}", sets.seed);
    let view = FitView {
        name: &name,
        runs: &runs,
        settings: &settings,
        fit: &fit,
        roll_out: None,
        coverage: None,
    };
    output::print(&match format {
        MixFormat::Text => text(&view.blocks(), output::width()),
        MixFormat::Markdown => markdown(&view.blocks()),
        MixFormat::Json => view.json(),
    })?;
    Ok(Exit::Answered)
}
