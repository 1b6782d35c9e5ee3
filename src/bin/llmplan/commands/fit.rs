//! `fit`: one's own law from one's own runs.

use crate::args::{Fit, MixFormat, ObjectiveName};
use crate::{Exit, files, output};
use anyhow::{Context as _, Result, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use plan::fit::{Objective, Settings, fit_with, read};
use plan::report::{FitView, markdown, text};
use std::path::Path;
use std::sync::Once;
use std::time::{Duration, Instant};

/// How long a fit may take before it shows how far it is.
const PATIENCE: Duration = Duration::from_secs(1);

pub fn fit(arguments: &Fit) -> Result<Exit> {
    let settings = Settings {
        objective: objective(arguments)?,
        bootstrap: arguments.bootstrap,
        seed: arguments.seed,
        target: arguments.flops,
        ..Settings::default()
    };
    let name = files::name(&arguments.file);
    let source = files::stream(&arguments.file)?;
    let (columns, drop) = (&arguments.columns, arguments.drop_largest_loss);
    let runs = read(source, columns, &arguments.filters, drop, settings.k)
        .with_context(|| name.clone())?;
    let fitted = {
        let bar = Bar::new(settings.bootstrap);
        let fitted = fit_with(&runs.runs, &settings, &|| bar.step());
        bar.0.finish_and_clear();
        fitted.with_context(|| name.clone())?
    };
    let short = Path::new(&name).file_name().map_or(name.as_str().into(), |n| n.to_string_lossy());
    let view = FitView { name: &short, runs: &runs, settings: &settings, fit: &fitted };
    let rendered = match arguments.format {
        MixFormat::Text => text(&view.blocks(), output::width()),
        MixFormat::Markdown => markdown(&view.blocks()),
        MixFormat::Json => view.json(),
    };
    if let Some(path) = &arguments.keep {
        let stem = path.file_stem().map_or("fit".into(), |stem| stem.to_string_lossy());
        let law = view.law_file(&stem).text();
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

fn objective(arguments: &Fit) -> Result<Objective> {
    let delta = arguments.delta;
    if delta.is_some() && arguments.objective != ObjectiveName::LogHuber {
        bail!("--delta belongs to --objective log-huber");
    }
    Ok(match arguments.objective {
        ObjectiveName::LogHuber => Objective::LogHuber { delta: delta.unwrap_or(Objective::DELTA) },
        ObjectiveName::LogL1 => Objective::LogL1,
        ObjectiveName::Mse => Objective::Mse,
    })
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
