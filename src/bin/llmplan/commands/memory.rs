//! `memory`: what a training step holds on one device.

use super::answer::{Derived, deliver, drawn, is_drawing};
use super::step::asked;
use crate::args::{Format, Memory};
use crate::{Exit, files, output};
use anyhow::{Result, bail};
use plan::file::with_derived;
use plan::plan::ModelChoice;
use plan::report::{Answer, MemoryView, markdown, memory_csv, memory_json, memory_svg, text};

pub fn memory(arguments: Memory) -> Result<Exit> {
    is_drawing(arguments.plot.as_deref())?;
    refuse_two_answers(&arguments)?;
    let derived = match asked(arguments.file.as_deref(), arguments.step)? {
        Ok(derived) => derived,
        Err(exit) => return Ok(exit),
    };
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
