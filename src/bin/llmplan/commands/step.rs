//! What is asked of a training step: a plan, or flags, or flags over a plan.

use super::answer::{Derived, blamed, changed, open, refuse, told};
use crate::flags::Step;
use crate::{Exit, files};
use anyhow::{Result, bail};
use plan::check::check_with;
use plan::derive::derive_with;
use plan::plan::Chosen;
use std::path::Path;

/// Derives what is asked; a plan's own fault is shown in the plan, one of the flags names the flag.
pub(super) fn asked(file: Option<&Path>, flags: Step) -> Result<Result<Derived, Exit>> {
    let started = match file {
        Some(path) => match open(path)? {
            Ok(document) => Some(document),
            Err(exit) => return Ok(Err(exit)),
        },
        None => None,
    };
    let before = started.as_ref().map_or_else(Chosen::default, |d| d.chosen.clone());
    let mut chosen = before.clone();
    flags.apply(&mut chosen);
    // a plan without a layout is asked for one; that is no change that a flag made
    let flagged = chosen != Chosen { layout: chosen.layout.clone(), ..before.clone() }
        || chosen.layout.clone().unwrap_or_default() != before.layout.unwrap_or_default();
    let document = changed(started, chosen);
    let path = file.unwrap_or(Path::new(""));
    let inputs = files::inputs(path, &document.chosen);
    match derive_with(&document.chosen, &inputs) {
        Ok(derivation) => Ok(Ok(Derived { document, derivation })),
        Err(_) if file.is_some() && !flagged => {
            let findings = check_with(document.text.as_bytes(), |_| inputs.clone()).findings;
            Ok(Err(refuse(path, &document.text, &findings)))
        }
        Err(error) => {
            let key = error.key.to_string();
            let of_shape = key.starts_with("model") && key != "model.params";
            let place = if of_shape { "--model".to_owned() } else { blamed(&key) };
            bail!("{place}: {}", told(&error))
        }
    }
}
