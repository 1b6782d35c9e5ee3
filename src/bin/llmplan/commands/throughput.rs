//! `throughput`: how long a training step takes, and what it does in that time.

use super::answer::{Derived, deliver};
use super::step::asked;
use crate::args::{Format, Throughput};
use crate::{Exit, output};
use anyhow::{Result, bail};
use plan::file::with_derived;
use plan::plan::ModelChoice;
use plan::report::{Answer, markdown, text, throughput_csv, throughput_json};

pub fn throughput(arguments: Throughput) -> Result<Exit> {
    let derived = match asked(arguments.file.as_deref(), arguments.step)? {
        Ok(derived) => derived,
        Err(exit) => return Ok(exit),
    };
    refuse_nothing(&derived)?;
    let Derived { document, derivation } = &derived;
    let answer = Answer { chosen: &document.chosen, derivation };
    deliver(&derived, &arguments.to, |format| {
        Ok(match format {
            Format::Text => text(&answer.throughput(), output::width()),
            Format::Toml => with_derived(&document.text, &derivation.derived)?,
            Format::Json => throughput_json(&answer),
            Format::Csv => throughput_csv(&answer),
            Format::Markdown => markdown(&answer.throughput()),
        })
    })?;
    Ok(Exit::Answered)
}

/// A question without an answer: says what would bring one.
fn refuse_nothing(derived: &Derived) -> Result<()> {
    let (chosen, derivation) = (&derived.document.chosen, &derived.derivation);
    if derivation.throughput.is_some() {
        return Ok(());
    }
    if chosen.model == ModelChoice::default() {
        bail!("nothing to time: name a model with --model or --params, or give a plan file");
    }
    if chosen.cluster.accelerator.is_none() && chosen.cluster.peak_flops.is_none() {
        bail!(
            "the accelerator is not known; name one with --accelerator \
             (`llmplan explain --list accelerators`)"
        );
    }
    if chosen.training.adapter.is_some() {
        bail!("--adapter: a step with adapters is not timed; leave it out for the whole model");
    }
    let missing = derivation.missing.iter().find(|missing| missing.what == "the time of a step");
    match missing {
        Some(missing) => {
            let key = missing.key.to_string();
            let links = ["link_bandwidth", "network_bandwidth", "node_devices"];
            let or_node = if links.iter().any(|link| key.ends_with(link)) {
                ", or name a --node (`llmplan explain --list nodes`)"
            } else {
                ""
            };
            bail!("`{key}` of these devices is not known here: say it in a plan{or_node}")
        }
        None => bail!("the model's shape is not known; name one with --model"),
    }
}
