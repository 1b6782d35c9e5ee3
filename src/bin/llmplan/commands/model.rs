//! `model`: a shape from a file or by name, or shapes for a size.

use super::answer::{Derived, derived};
use crate::args::{MixFormat, Model};
use crate::{Exit, files, output};
use anyhow::{Result, anyhow, bail};
use plan::derive::SEQUENCE;
use plan::law::{Architecture, Law};
use plan::model::{ShapeError, Wanted, propose, published_shape, read_config};
use plan::quantity::{Devices, Quantity as _, SequenceTokens};
use plan::report::{
    Block, ModelSheet, Sequence, markdown, proposals, proposals_json, stage_sequences, text,
};
use std::path::Path;

pub fn model(arguments: &Model) -> Result<Exit> {
    let (blocks, json) = match (&arguments.what, arguments.params) {
        (_, Some(params)) => {
            proposed(&Wanted { params, ..wishes(arguments) }, None, &asked(arguments))?
        }
        (Some(model), None) => match found(model, arguments)? {
            Ok(found) => found,
            Err(exit) => return Ok(exit),
        },
        (None, None) => bail!("name a model, a config.json or a plan, or give --params"),
    };
    let rendered = match arguments.format {
        MixFormat::Text => text(&blocks, output::width()),
        MixFormat::Markdown => markdown(&blocks),
        MixFormat::Json => json,
    };
    output::print(&rendered)?;
    Ok(Exit::Answered)
}

/// An answer for people and as JSON.
type Answered = (Vec<Block>, String);

/// What the flags say of the shapes to propose; the size is still open.
fn wishes(arguments: &Model) -> Wanted {
    Wanted {
        vocab: arguments.vocab,
        tied: arguments.tied,
        experts: arguments.experts,
        active_params: arguments.active_params,
        ..Wanted::default()
    }
}

/// Flags that say something of proposed shapes have no say where the shape is known.
fn refuse_wishes(arguments: &Model, known: &str) -> Result<()> {
    let flags = [
        ("--experts", arguments.experts.is_some()),
        ("--active-params", arguments.active_params.is_some()),
        ("--vocab", arguments.vocab.is_some()),
        ("--tied", arguments.tied.is_some()),
    ];
    match flags.into_iter().find(|(_, given)| *given) {
        Some((flag, _)) => bail!(
            "{flag} says something of proposed shapes, but the shape of {known} is known; leave it \
             out, or propose shapes with --params"
        ),
        None => Ok(()),
    }
}

fn proposed(wanted: &Wanted, law: Option<&Law>, sequence: &Sequence) -> Result<Answered> {
    let found = propose(wanted).map_err(|error| told("", &error))?;
    Ok((proposals(&found, wanted, law), proposals_json(&found, wanted, sequence.tokens)))
}

/// What a name, a configuration or a plan says; a plan that cannot be read is shown with its fault.
fn found(model: &str, arguments: &Model) -> Result<Result<Answered, Exit>> {
    let path = Path::new(model);
    let ends = |end: &str| path.extension().is_some_and(|own| own == end);
    if ends("toml") || files::is_stdin(path) {
        return of_plan(path, arguments);
    }
    refuse_wishes(arguments, model)?;
    if path.is_dir() {
        let config = path.join("config.json");
        let display = config.display();
        if config.is_file() {
            bail!("{model} is a folder; did you mean `{display}`?");
        }
        bail!("{model} is a folder without a config.json; name a file");
    }
    let (sequence, tp) = (asked(arguments), ranks(arguments.tp));
    let sheet = if ends("json") || path.exists() {
        of_config(path, sequence, tp)?
    } else {
        let published = published_shape(model).map_err(|unknown| {
            let slash = model.contains(['/', '\\']);
            if slash { anyhow!("there is no file {model}") } else { anyhow!("{unknown}") }
        })?;
        ModelSheet {
            name: published.title.clone(),
            source: Some(published.source.clone()),
            form: Some(published.form),
            shape: published.shape().map_err(|error| told(&published.name, &error))?,
            notes: published.note.iter().cloned().collect(),
            sequence,
            tp,
            law: None,
        }
    };
    Ok(Ok((sheet.blocks(), sheet.json())))
}

fn of_config(path: &Path, sequence: Sequence, tp: u64) -> Result<ModelSheet> {
    let name = files::name(path);
    let text = String::from_utf8(files::read(path)?);
    let text = text.map_err(|_| anyhow!("{name} is not UTF-8 text"))?;
    let config = read_config(&text).map_err(|error| told(&name, &error))?;
    let defaulted = config.defaulted.iter().map(|key| format!("{} = {}", key.key, key.value));
    let defaulted: Vec<String> = defaulted.collect();
    let mut notes: Vec<String> = config.notes.iter().map(|note| format!("{note}.")).collect();
    if !defaulted.is_empty() {
        notes.push(format!("Left out there, taken from its class: {}.", defaulted.join(", ")));
    }
    let name = format!("{name} ({})", config.family);
    let shape = config.shape;
    Ok(ModelSheet { name, source: None, form: None, shape, notes, sequence, tp, law: None })
}

/// The shape of a plan, or shapes for the size that follows from it.
fn of_plan(path: &Path, arguments: &Model) -> Result<Result<Answered, Exit>> {
    let Derived { document, derivation } = match derived(path)? {
        Ok(derived) => derived,
        Err(exit) => return Ok(Err(exit)),
    };
    let name = files::name(path);
    let law = derivation.law;
    let sequence = match (arguments.sequence, stage_sequences(&document.chosen)) {
        (None, Some(of_stages)) => of_stages,
        _ => asked(arguments),
    };
    if let Some(shape) = derivation.shape {
        refuse_wishes(arguments, &name)?;
        let (notes, tp, law) = (derivation.remarks, ranks(arguments.tp), Some(law));
        let sheet = ModelSheet { name, source: None, form: None, shape, notes, sequence, tp, law };
        return Ok(Ok((sheet.blocks(), sheet.json())));
    }
    let Some(params) = derivation.point.and_then(|point| point.params) else {
        bail!("{name} has no [model], and no size follows from it");
    };
    if arguments.experts.is_some() || arguments.active_params.is_some() {
        bail!(
            "{name} says the size of a dense model; propose a mixture of experts with --params, \
             --active-params and --experts"
        );
    }
    if law.architecture == Architecture::Moe {
        bail!(
            "{name}: {} says {} active parameters of a mixture of experts and not how many there \
             are in all; propose shapes with --params, --active-params and --experts",
            law.name,
            params.human()
        );
    }
    let wanted = Wanted { params, counting: law.counting, ..wishes(arguments) };
    proposed(&wanted, Some(&law), &sequence).map(Ok)
}

/// The sequence that the flags ask for.
fn asked(arguments: &Model) -> Sequence {
    let tokens = arguments.sequence.map_or(SEQUENCE, whole);
    Sequence { tokens, stated: arguments.sequence.is_some(), ..Sequence::default() }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, checked")]
fn whole(tokens: SequenceTokens) -> u64 {
    tokens.0 as u64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, checked")]
fn ranks(tp: Devices) -> u64 {
    tp.0 as u64
}

/// An error about a shape: the file, the key, what is wrong and what would be right.
fn told(file: &str, error: &ShapeError) -> anyhow::Error {
    let named = |key: &&String| !error.message.contains(&format!("`{key}`"));
    let key = error.key.as_ref().filter(named).map_or(String::new(), |key| format!("`{key}`: "));
    let file = if file.is_empty() { String::new() } else { format!("{file}: ") };
    anyhow!("{file}{key}{}; {}", error.message, error.help)
}
