//! The model: its shape, and its size as the law counts it.

use super::{DeriveError, Notes, Problem, Setting, sequence};
use crate::law::Architecture;
use crate::model::{
    Convention, Shape, ShapeError, Wanted, propose_usual, published_shape, read_config,
};
use crate::plan::{Chosen, DerivedModel, Inputs, KeyPath};
use crate::quantity::Params;

/// The network that the plan states, and its family where that is known; `None` where it states a
/// size alone.
pub(super) fn network(
    chosen: &Chosen,
    inputs: &Inputs,
    notes: &mut Notes,
) -> Result<Option<(Shape, Option<&'static str>)>, DeriveError> {
    let model = &chosen.model;
    let mut stated = model.stated();
    if let (Some(first), Some(second)) = (stated.next(), stated.next()) {
        let message = format!("`{first}` and `{second}` are both stated");
        let help =
            "a model has a `name`, a `config` or a `shape`, and only one of them: leave one out";
        let error = ShapeError { key: None, message, help: help.to_owned() };
        return Err(fault(second, error));
    }
    if let Some(name) = &model.name {
        let published =
            published_shape(name).map_err(|none| Problem::from(none).at("model.name"))?;
        let config = read_config(&published.config).map_err(|e| fault("model.name", e))?;
        return Ok(Some((config.shape, Some(config.family))));
    }
    if let Some(path) = &model.config {
        let text = match inputs.get(path) {
            Some(Ok(text)) => text,
            Some(Err(why)) => {
                let text = format!("cannot read `{path}`: {why}");
                return Err(Problem::Value(text).at("model.config"));
            }
            None => return Ok(None),
        };
        let config = read_config(text).map_err(|error| fault("model.config", error))?;
        let defaulted = config.defaulted.iter().map(|key| format!("{} = {}", key.key, key.value));
        let defaulted: Vec<String> = defaulted.collect();
        for note in &config.notes {
            notes.remark(format!("`{path}`: {note}"));
        }
        if !defaulted.is_empty() {
            notes.remark(format!(
                "`{path}` leaves out what its class then takes as {}",
                defaulted.join(", ")
            ));
        }
        return Ok(Some((config.shape, Some(config.family))));
    }
    let Some(keys) = &model.shape else {
        return Ok(None);
    };
    keys.shape().map(|shape| Some((shape, None))).map_err(|error| {
        let key = KeyPath::from("model.shape");
        let key = error.key.iter().fold(key, |key, own| key.join(own.as_str()));
        Problem::Shape(error).at(key)
    })
}

fn fault(key: &str, error: ShapeError) -> DeriveError {
    Problem::Shape(error).at(key)
}

/// The `[derived.model]` table: of the plan's shape, or of one that is picked for the size.
pub(super) fn view(
    setting: &Setting,
    params: Option<Params>,
    notes: &mut Notes,
) -> Option<DerivedModel> {
    let Setting { chosen, law, shape, .. } = *setting;
    if let Some(shape) = shape {
        return Some(counted(shape, setting, notes));
    }
    if chosen.model.config.is_some() {
        notes.missing("the model's shape", "model.config");
        return None;
    }
    let params = params?;
    if law.architecture == Architecture::Moe {
        notes.missing("a shape of this mixture of experts", "model.shape");
        return None;
    }
    let wanted = Wanted { params, counting: law.counting, ..Wanted::default() };
    let (keys, shape) = match propose_usual(&wanted) {
        Ok(picked) => picked,
        Err(error) => {
            notes.remark(format!("no shape is picked: {error}; {}", error.help));
            return None;
        }
    };
    let source = "depth, width and vocabulary of the published models nearest in size";
    notes.assume("model.shape", "as published models have it", source);
    Some(DerivedModel { shape: Some(keys), ..counted(&shape, setting, notes) })
}

fn counted(shape: &Shape, setting: &Setting, notes: &mut Notes) -> DerivedModel {
    let Setting { chosen, law, .. } = *setting;
    let sequence = sequence::first(chosen, notes);
    let count = shape.count();
    let whole = |number: u128| u64::try_from(number).unwrap_or(u64::MAX);
    let flops = Convention::ALL.into_iter().map(|convention| {
        let flops = shape.flops_per_token(convention, sequence);
        (convention.name().to_owned(), float(flops))
    });
    DerivedModel {
        params: whole(count.total()),
        law_params: count
            .counted_by(law.counting)
            .filter(|by_law| *by_law != count.total())
            .map(whole),
        active_params: shape.has_experts().then(|| whole(count.active())),
        embedding_params: whole(count.input_embedding.total()),
        kv_width: shape.kv_width(),
        sequence,
        flops_per_token: flops.collect(),
        shape: None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "the law knows fewer digits")]
fn float(number: u128) -> f64 {
    number as f64
}
