//! `layout`: the best split of a model over a cluster.

use super::answer::{Derived, blamed, changed, deliver, drawn, is_drawing, open, refuse, told};
use crate::args::{Format, Layout};
use crate::progress::Bar;
use crate::{Exit, files, output};
use anyhow::{Result, bail};
use plan::check::{Level, check_with};
use plan::derive::{DeriveError, LayoutSearch, derive_with};
use plan::file::with_derived;
use plan::plan::{Chosen, ModelChoice};
use plan::report::{LayoutView, markdown, model_words, text};
use plan::search::{Breadth, Found, search};
use std::path::Path;

/// Steps of the bar.
const STEPS: u32 = 1000;

pub fn layout(arguments: Layout) -> Result<Exit> {
    is_drawing(arguments.plot.as_deref())?;
    refuse_two_answers(&arguments)?;
    let Layout { file, step, ascii, plot, write, to } = arguments;
    let started = match file.as_deref().map(open).transpose()? {
        Some(Err(exit)) => return Ok(exit),
        Some(Ok(document)) => Some(document),
        None => None,
    };
    let before = started.as_ref().map_or_else(Chosen::default, |d| d.chosen.clone());
    // the plan's own layout is what is asked for: the flags alone fix degrees
    let mut asked = Chosen { layout: None, ..before.clone() };
    step.apply(&mut asked);
    if asked.model == ModelChoice::default() && asked.budget == plan::plan::Budget::default() {
        bail!("nothing to split: name a model with --model or --params, or give a plan file");
    }
    let path = file.as_deref().unwrap_or(Path::new(""));
    let inputs = files::inputs(path, &asked);
    let derivation = derive_with(&Chosen { layout: None, ..asked.clone() }, &inputs);
    let sought = derivation.and_then(|derivation| LayoutSearch::of(&asked, &derivation));
    let sought = match sought {
        Ok(sought) => sought,
        Err(error) => {
            if let Some(document) = &started {
                // a fault of the plan is shown in the plan
                let found = check_with(document.text.as_bytes(), |_| inputs.clone()).findings;
                if found.iter().any(|f| f.level == Level::Error && f.message == told(&error)) {
                    return Ok(refuse(path, &document.text, &found));
                }
            }
            bail!("{}", said(&error))
        }
    };
    let found = searched(&sought)?;
    let model = model_words(&asked.model, &sought);
    let view = LayoutView { model: &model, search: &sought, found: &found };
    if let Some(plot) = &plot
        && let Some(svg) = view.svg()
        && drawn(plot, &svg, to.force)?
    {
        return Ok(Exit::Answered);
    }
    let Some(best) = &found.best else {
        return nothing_fits(&view, to.format, to.keep.is_some() || write, ascii);
    };
    let chosen = Chosen { layout: Some(sought.keys(&best.layout)), ..asked };
    let document = changed(started, chosen);
    let derivation = match derive_with(&document.chosen, &inputs) {
        Ok(derivation) => derivation,
        Err(error) => bail!("{}", said(&error)),
    };
    let derived = Derived { document, derivation };
    if let (true, Some(path)) = (write, &file) {
        let text = with_derived(&derived.document.text, &derived.derivation.derived)?;
        files::write(path, &text, true)?;
        output::remark(&format!("wrote {}", path.display()));
    }
    deliver(&derived, &to, |format| {
        Ok(match format {
            Format::Text => text(&view.blocks(output::width(), ascii), output::width()),
            Format::Toml => with_derived(&derived.document.text, &derived.derivation.derived)?,
            Format::Json => view.json(),
            Format::Csv => view.csv(),
            Format::Markdown => markdown(&view.blocks(output::width(), ascii)),
        })
    })?;
    Ok(Exit::Answered)
}

/// What is asked for has one place to go to.
fn refuse_two_answers(arguments: &Layout) -> Result<()> {
    if arguments.plot.as_deref().is_some_and(files::is_stdin) && arguments.to.keep.is_some() {
        bail!("--plot - prints the picture and nothing else; leave -o out, or give --plot a file");
    }
    if arguments.write && arguments.file.as_deref().is_none_or(files::is_stdin) {
        bail!("--write needs a plan file; -o FILE keeps a plan");
    }
    Ok(())
}

/// A fault by the flag that a user knows.
fn said(error: &DeriveError) -> String {
    let key = error.key.to_string();
    let of_shape = key.starts_with("model") && key != "model.params";
    let flag = if of_shape { "--model".to_owned() } else { blamed(&key) };
    format!("{flag}: {}", told(error))
}

/// Says what was searched in vain; there is nothing to keep.
fn nothing_fits(
    view: &LayoutView,
    format: Option<Format>,
    keeps: bool,
    ascii: bool,
) -> Result<Exit> {
    if view.found.counts.legal == 0 {
        bail!("no layout is legal: {}", view.refusals());
    }
    let width = output::width();
    match format.unwrap_or(Format::Text) {
        _ if keeps => {}
        Format::Json => output::print(&view.json())?,
        Format::Csv => output::print(&view.csv())?,
        Format::Markdown => output::print(&markdown(&view.blocks(width, ascii)))?,
        Format::Text => output::print(&text(&view.blocks(width, ascii), width))?,
        Format::Toml => {}
    }
    bail!("no layout fits into a device; take more devices, or larger ones")
}

fn searched(sought: &LayoutSearch) -> Result<Found> {
    let question = sought.question(Breadth::All)?;
    let bar = Bar::new("searching", u64::from(STEPS));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share")]
    let found = search(&question, &|share| bar.at((share * f64::from(STEPS)) as u64));
    Ok(found)
}
