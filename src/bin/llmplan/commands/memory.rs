//! `memory`: what a training step holds on one device.

use super::answer::{Derived, blamed, changed, deliver, drawn, is_drawing, open, refuse, told};
use crate::args::{Format, Memory};
use crate::{Exit, files, output};
use anyhow::{Result, bail};
use plan::check::check_with;
use plan::derive::derive_with;
use plan::file::with_derived;
use plan::plan::{Chosen, ModelChoice};
use plan::report::{Answer, MemoryView, markdown, memory_csv, memory_json, memory_svg, text};
use std::path::Path;

pub fn memory(arguments: Memory) -> Result<Exit> {
    is_drawing(arguments.plot.as_deref())?;
    refuse_two_answers(&arguments)?;
    let started = match &arguments.file {
        Some(path) => match open(path)? {
            Ok(document) => Some(document),
            Err(exit) => return Ok(exit),
        },
        None => None,
    };
    let before = started.as_ref().map_or_else(Chosen::default, |d| d.chosen.clone());
    let mut chosen = before.clone();
    arguments.step.apply(&mut chosen);
    // a plan without a layout is asked for one; that is no change that a flag made
    let flagged = chosen != Chosen { layout: chosen.layout.clone(), ..before.clone() }
        || chosen.layout.clone().unwrap_or_default() != before.layout.unwrap_or_default();
    let document = changed(started, chosen);
    let path = arguments.file.as_deref().unwrap_or(Path::new(""));
    let inputs = files::inputs(path, &document.chosen);
    let derivation = match derive_with(&document.chosen, &inputs) {
        Ok(derivation) => derivation,
        Err(_) if arguments.file.is_some() && !flagged => {
            let findings = check_with(document.text.as_bytes(), |_| inputs).findings;
            return Ok(refuse(path, &document.text, &findings));
        }
        Err(error) => {
            let key = error.key.to_string();
            let place = if key.starts_with("model") && key != "model.params" {
                "--model".to_owned()
            } else {
                blamed(&key)
            };
            bail!("{place}: {}", told(&error))
        }
    };
    let derived = Derived { document, derivation };
    refuse_nothing(&derived)?;
    let Derived { document, derivation } = &derived;
    let answer = Answer { chosen: &document.chosen, derivation };
    if let Some(path) = &arguments.plot
        && let Some(svg) = memory_svg(&answer)
        && drawn(path, &svg, arguments.to.force)?
    {
        return Ok(Exit::Answered);
    }
    let (ascii, compare) = (arguments.ascii, arguments.compare);
    let view = MemoryView { width: output::width(), ascii, compare };
    deliver(&derived, &arguments.to, |format| {
        Ok(match format {
            Format::Text => text(&answer.memory(view), output::width()),
            Format::Toml => with_derived(&document.text, &derivation.derived)?,
            Format::Json => memory_json(&answer, compare),
            Format::Csv => memory_csv(&answer),
            Format::Markdown => markdown(&answer.memory(view)),
        })
    })?;
    Ok(Exit::Answered)
}

/// What is asked for has one place to go to, and a format that can show it.
fn refuse_two_answers(arguments: &Memory) -> Result<()> {
    if arguments.plot.as_deref().is_some_and(files::is_stdin) && arguments.to.keep.is_some() {
        bail!("--plot - prints the picture and nothing else; leave -o out, or give --plot a file");
    }
    if arguments.compare && matches!(arguments.to.format, Some(Format::Csv | Format::Toml)) {
        bail!("--compare shows the ways as text, json or markdown");
    }
    Ok(())
}

/// A question without an answer: says what would bring one.
fn refuse_nothing(derived: &Derived) -> Result<()> {
    if derived.derivation.memory.is_some() {
        return Ok(());
    }
    if derived.document.chosen.model == ModelChoice::default() {
        bail!("nothing to hold: name a model with --model or --params, or give a plan file");
    }
    bail!("the model's shape is not known; name one with --model")
}
