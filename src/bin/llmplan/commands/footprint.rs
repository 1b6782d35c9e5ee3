//! `footprint`: accelerator-hours, money, energy and carbon, and when to run.

use super::answer::{Derived, blamed, changed, deliver, drawn, is_drawing, open, refuse, told};
use crate::args::{Footprint, Format};
use crate::{Exit, files, output};
use anyhow::{Result, bail};
use plan::check::check_with;
use plan::derive::derive_with;
use plan::file::with_derived;
use plan::plan::Chosen;
use plan::report::{
    Answer, FootprintView, footprint_csv, footprint_json, footprint_svg, markdown, text,
};
use std::path::Path;

pub fn footprint(arguments: Footprint) -> Result<Exit> {
    let Footprint { file, site, chosen: flags, ascii, plot, to } = arguments;
    is_drawing(plot.as_deref())?;
    if plot.as_deref().is_some_and(files::is_stdin) && to.keep.is_some() {
        bail!("--plot - prints the picture and nothing else; leave -o out, or give --plot a file");
    }
    let started = match &file {
        Some(path) => match open(path)? {
            Ok(document) => Some(document),
            Err(exit) => return Ok(exit),
        },
        None => None,
    };
    let before = started.as_ref().map_or_else(Chosen::default, |d| d.chosen.clone());
    let mut chosen = before.clone();
    // where the plan is, or will be
    let folder = file.as_deref().or(to.keep.as_deref()).unwrap_or(Path::new(""));
    let (law, grid) = (flags.law.is_some(), site.grid.is_some());
    flags.apply(&mut chosen)?;
    site.apply(&mut chosen);
    if let Some(path) = chosen.law.file.as_mut().filter(|_| law) {
        *path = files::from_plan(path, folder);
    }
    if let Some(path) = chosen.site.as_mut().and_then(|site| site.grid_series.as_mut())
        && grid
    {
        *path = files::from_plan(path, folder);
    }
    // a plan without a site is asked for one; that is no change that a flag made
    let flagged = chosen != Chosen { site: chosen.site.clone(), ..before.clone() }
        || chosen.site.clone().unwrap_or_default() != before.site.unwrap_or_default();
    let document = changed(started, chosen);
    let inputs = files::inputs(folder, &document.chosen);
    let derivation = match derive_with(&document.chosen, &inputs) {
        Ok(derivation) => derivation,
        Err(_) if file.is_some() && !flagged => {
            let findings = check_with(document.text.as_bytes(), |_| inputs.clone()).findings;
            return Ok(refuse(folder, &document.text, &findings));
        }
        Err(error) => bail!("{}: {}", blamed(&error.key.to_string()), told(&error)),
    };
    let derived = Derived { document, derivation };
    refuse_nothing(&derived)?;
    let Derived { document, derivation } = &derived;
    let answer = Answer { chosen: &document.chosen, derivation };
    if let Some(path) = &plot {
        let Some(svg) = footprint_svg(&answer) else {
            bail!("--plot draws when to run: name a series with --grid FILE.csv, and --devices");
        };
        if drawn(path, &svg, to.force)? {
            return Ok(Exit::Answered);
        }
    }
    let view = FootprintView { width: output::width(), ascii };
    deliver(&derived, &to, |format| {
        Ok(match format {
            Format::Text => text(&answer.footprint(view), output::width()),
            Format::Toml => with_derived(&document.text, &derivation.derived)?,
            Format::Json => footprint_json(&answer),
            Format::Csv => footprint_csv(&answer),
            Format::Markdown => markdown(&answer.footprint(view)),
        })
    })?;
    Ok(Exit::Answered)
}

/// A question without an answer: says what would bring one.
fn refuse_nothing(derived: &Derived) -> Result<()> {
    if derived.derivation.footprint.is_some() {
        return Ok(());
    }
    let missing = derived.derivation.missing.iter();
    match missing.filter(|missing| missing.what == "the footprint").map(|m| &m.key).next() {
        Some(key) if derived.document.chosen.cluster.accelerator.is_some() => bail!(
            "accelerator-hours do not follow yet: give --accelerator-hours, or a run and {}",
            blamed(&key.to_string())
        ),
        _ => bail!(
            "nothing to count: give --accelerator and --accelerator-hours, a run with --mfu, or a \
             plan file"
        ),
    }
}
