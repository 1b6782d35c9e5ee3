//! `fit`: one's own law from one's own runs.

mod forms;

use super::answer::{drawn, is_drawing};
use crate::args::{Fit, FitForm, MixFormat, ObjectiveName};
use crate::progress::{Bar, Watched};
use crate::{Exit, files, output};
use anyhow::{Context as _, Result, bail};
use plan::fit::{Exponents, Objective, Run, Settings, fit_with, read, roll_out};
use plan::ladder::{Simulation, calibrated, widened};
use plan::law::LawFile;
use plan::report::{Block, FitView, markdown, text};
use std::io::Read;
use std::path::Path;

pub fn fit(arguments: &Fit) -> Result<Exit> {
    is_drawing(arguments.plot.as_deref())?;
    belongs(arguments)?;
    let tied = arguments.form == FitForm::Tied;
    let settings = Settings {
        exponents: if tied { Exponents::Tied } else { Exponents::Two },
        objective: objective(arguments.objective, arguments.delta)?,
        bootstrap: arguments.bootstrap,
        seed: arguments.seed,
        target: arguments.flops,
        ..Settings::default()
    };
    let name = files::name(&arguments.file);
    let told = match arguments.form {
        FitForm::Parametric | FitForm::Tied => surface(arguments, &settings),
        FitForm::Isoflop => forms::isoflop(arguments, &settings),
        FitForm::PowerLaw => forms::power(arguments, &settings),
        FitForm::DataConstrained => forms::constrained(arguments, &settings),
        FitForm::Mixing => forms::mixing(arguments, &settings),
    };
    let told = told.with_context(|| name.clone())?;
    if let (Some(plot), Some(svg)) = (&arguments.plot, &told.svg)
        && drawn(plot, svg, arguments.force)?
    {
        return Ok(Exit::Answered);
    }
    let rendered = match arguments.format {
        MixFormat::Text => text(&told.blocks, output::width()),
        MixFormat::Markdown => markdown(&told.blocks),
        MixFormat::Json => told.json,
    };
    if let (Some(path), Some(law)) = (&arguments.keep, told.law) {
        let law = law.text();
        if files::is_stdin(path) {
            output::print(&law)?;
            return Ok(Exit::Answered);
        }
        files::write(path, &law, arguments.force)?;
        output::remark(&format!("wrote {}", path.display()));
    }
    output::print(&rendered)?;
    Ok(Exit::Answered)
}

/// What a form has to say.
#[derive(Default)]
struct Told {
    blocks: Vec<Block>,
    json: String,
    /// The law, where there is one of N and D.
    law: Option<LawFile>,
    /// The picture, where it was asked for.
    svg: Option<String>,
}

/// L(N, D).
fn surface(arguments: &Fit, settings: &Settings) -> Result<Told> {
    let (columns, drop) = (&arguments.columns, arguments.drop_largest_loss);
    let runs = read(source(arguments)?, columns, &arguments.filters, drop, settings.k)?;
    let mut fitted =
        with_bar(settings.bootstrap, |refitted| fit_with(&runs.runs, settings, refitted))?;
    let rolled = arguments.roll_out.then(|| roll_out(&runs.runs, &fitted.surface, settings));
    let coverage = arguments.coverage.map(|sets| covered(&mut fitted, &runs.runs, settings, sets));
    let coverage = coverage.transpose()?;
    let view = FitView {
        name: &short(arguments),
        runs: &runs,
        settings,
        fit: &fitted,
        roll_out: rolled.as_ref(),
        coverage: coverage.as_ref(),
    };
    Ok(Told {
        blocks: view.blocks(),
        json: view.json(),
        law: Some(view.law_file(&stem(arguments))),
        svg: arguments.plot.is_some().then(|| view.svg()),
    })
}

/// Simulates how often such intervals hold the truth, and widens those that do too rarely.
fn covered(
    fitted: &mut plan::fit::Fit,
    runs: &[Run],
    settings: &Settings,
    sets: u32,
) -> Result<Simulation> {
    let bar = Bar::new("simulating", u64::from(sets));
    let Some(simulation) = calibrated(fitted, runs, settings, sets, &|| bar.step()) else {
        bail!("--coverage: from too few of {sets} simulated outcomes a law followed");
    };
    let (target, said) = widened(&fitted.target, &simulation);
    fitted.target = target;
    fitted.remarks.push(said);
    Ok(simulation)
}

/// The file of runs, which shows how much of it was read.
fn source(arguments: &Fit) -> Result<impl Read> {
    let bytes = std::fs::metadata(&arguments.file).map_or(0, |file| file.len());
    Ok(Watched::new(files::stream(&arguments.file)?, bytes))
}

/// Settings that do not belong to the form are refused.
fn belongs(arguments: &Fit) -> Result<()> {
    use FitForm::{DataConstrained, Isoflop, Mixing, Parametric, PowerLaw, Tied};
    let form = arguments.form;
    let objective = [Parametric, Tied, DataConstrained, Mixing];
    let of_flags: [(&str, bool, &[FitForm]); 10] = [
        ("--objective", arguments.objective.is_some(), &objective),
        ("--delta", arguments.delta.is_some(), &objective),
        (
            "--drop-largest-loss",
            arguments.drop_largest_loss > 0,
            &[Parametric, Tied, DataConstrained, Isoflop],
        ),
        ("--flops", arguments.flops.is_some(), &[Parametric, Tied, Isoflop, PowerLaw]),
        ("--law", arguments.law.is_some(), &[DataConstrained]),
        ("--plan", arguments.plan.is_some(), &[Mixing]),
        ("--plot", arguments.plot.is_some(), &[Parametric, Tied]),
        ("--roll-out", arguments.roll_out, &[Parametric, Tied]),
        ("--coverage", arguments.coverage.is_some(), &[Parametric, Tied]),
        (
            "--output",
            arguments.keep.is_some(),
            &[Parametric, Tied, DataConstrained, Isoflop, PowerLaw],
        ),
    ];
    for (flag, given, forms) in of_flags {
        if given && !forms.contains(&form) {
            let names: Vec<&str> = forms.iter().map(|form| form.name()).collect();
            bail!("{flag} does not belong to --form {}, but to {}", form.name(), names.join(", "));
        }
    }
    if arguments.plot.as_deref().is_some_and(files::is_stdin) && arguments.keep.is_some() {
        bail!("--plot - prints the picture and nothing else; leave -o out, or give --plot a file");
    }
    if arguments.coverage.is_some() && arguments.bootstrap == 0 {
        bail!("--coverage judges the intervals, and --bootstrap 0 makes none");
    }
    Ok(())
}

/// The objective of a name, log-huber unless one is given, and of a delta.
pub(super) fn objective(name: Option<ObjectiveName>, delta: Option<f64>) -> Result<Objective> {
    let name = name.unwrap_or(ObjectiveName::LogHuber);
    if delta.is_some() && name != ObjectiveName::LogHuber {
        bail!("--delta belongs to --objective log-huber");
    }
    Ok(match name {
        ObjectiveName::LogHuber => Objective::LogHuber { delta: delta.unwrap_or(Objective::DELTA) },
        ObjectiveName::LogL1 => Objective::LogL1,
        ObjectiveName::Mse => Objective::Mse,
    })
}

/// The file's name without its folders.
fn short(arguments: &Fit) -> String {
    let name = files::name(&arguments.file);
    Path::new(&name).file_name().map_or(name.clone(), |own| own.to_string_lossy().into_owned())
}

/// The name of the law that is kept.
fn stem(arguments: &Fit) -> String {
    let stem = arguments.keep.as_deref().and_then(Path::file_stem);
    stem.map_or("fit".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

/// Work that shows how far it is.
fn with_bar<T>(resamples: u32, work: impl FnOnce(&(dyn Fn() + Sync)) -> T) -> T {
    let bar = Bar::new("refitting", u64::from(resamples));
    work(&|| bar.step())
}
