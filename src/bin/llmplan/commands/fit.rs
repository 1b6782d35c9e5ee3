//! `fit`: one's own law from one's own runs.

mod forms;

use crate::args::{Fit, FitForm, MixFormat, ObjectiveName};
use crate::{Exit, files, output};
use anyhow::{Context as _, Result, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use plan::fit::{Exponents, Objective, Settings, fit_with, read};
use plan::law::LawFile;
use plan::report::{Block, FitView, markdown, text};
use std::path::Path;
use std::sync::Once;
use std::time::{Duration, Instant};

/// How long a fit may take before it shows how far it is.
const PATIENCE: Duration = Duration::from_secs(1);

pub fn fit(arguments: &Fit) -> Result<Exit> {
    belongs(arguments)?;
    let tied = arguments.form == FitForm::Tied;
    let settings = Settings {
        exponents: if tied { Exponents::Tied } else { Exponents::Two },
        objective: objective(arguments)?,
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
struct Told {
    blocks: Vec<Block>,
    json: String,
    /// The law, where there is one of N and D.
    law: Option<LawFile>,
}

/// L(N, D).
fn surface(arguments: &Fit, settings: &Settings) -> Result<Told> {
    let source = files::stream(&arguments.file)?;
    let (columns, drop) = (&arguments.columns, arguments.drop_largest_loss);
    let runs = read(source, columns, &arguments.filters, drop, settings.k)?;
    let fitted = with_bar(settings.bootstrap, |refitted| fit_with(&runs.runs, settings, refitted))?;
    let view = FitView { name: &short(arguments), runs: &runs, settings, fit: &fitted };
    let law = view.law_file(&stem(arguments));
    Ok(Told { blocks: view.blocks(), json: view.json(), law: Some(law) })
}

/// Settings that do not belong to the form are refused.
fn belongs(arguments: &Fit) -> Result<()> {
    use FitForm::{DataConstrained, Isoflop, Mixing, Parametric, PowerLaw, Tied};
    let form = arguments.form;
    let objective = [Parametric, Tied, DataConstrained, Mixing];
    let of_flags: [(&str, bool, &[FitForm]); 7] = [
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
    Ok(())
}

fn objective(arguments: &Fit) -> Result<Objective> {
    let delta = arguments.delta;
    let name = arguments.objective.unwrap_or(ObjectiveName::LogHuber);
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
    let bar = Bar::new(resamples);
    let done = work(&|| bar.step());
    bar.0.finish_and_clear();
    done
}

/// A bar that shows itself only where the work takes a while.
struct Bar(ProgressBar, Instant, Once);

impl Bar {
    #[expect(clippy::disallowed_methods, reason = "the binary may look at the clock")]
    fn new(resamples: u32) -> Self {
        let bar =
            ProgressBar::with_draw_target(Some(u64::from(resamples)), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("refitting {bar:40} {pos}/{len} {eta}") {
            bar.set_style(style);
        }
        Self(bar, Instant::now(), Once::new())
    }

    fn step(&self) {
        if self.1.elapsed() > PATIENCE {
            self.2.call_once(|| self.0.set_draw_target(ProgressDrawTarget::stderr()));
        }
        self.0.inc(1);
    }
}
