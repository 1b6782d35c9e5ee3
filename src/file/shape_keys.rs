//! `[model.shape]`: every key is one that a shape has, and holds what it has to.
//!
//! Serde would say which Rust type it wants; here a fault names the key, the value and what to write.

use super::read::ReadError;
use crate::model::{KeyKind, SHAPE_KEYS, key_advice, key_kind};
use crate::quantity::{SequenceTokens, parse};
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// Checks the table of the shape, where the plan has one.
pub(super) fn check(plan: &DeTable<'_>) -> Result<(), ReadError> {
    let model = plan.get("model").and_then(|model| model.get_ref().as_table());
    let Some(shape) = model.and_then(|model| model.get("shape")) else {
        return Ok(());
    };
    let DeValue::Table(keys) = shape.get_ref() else {
        let help = format!("write `[model.shape]` and below it {}", SHAPE_KEYS[..5].join(", "));
        return Err(fault("`model.shape` must be a table".to_owned(), help, shape.span()));
    };
    for (key, value) in keys {
        let name = key.get_ref().as_ref();
        let Some(kind) = key_kind(name) else {
            let message = format!("unknown key `{}` in `model.shape`", name.escape_debug());
            return Err(fault(message, key_advice(name), key.span()));
        };
        if let Some(help) = wrong(name, kind, value.get_ref()) {
            return Err(fault(
                format!("`{name}` is {}", shown(value.get_ref())),
                help,
                value.span(),
            ));
        }
    }
    Ok(())
}

pub(super) fn fault(message: String, help: String, span: Range<usize>) -> ReadError {
    ReadError { help: Some(help), span: Some(span), ..ReadError::invalid(message) }
}

/// What to write in place of a value that the key cannot have.
pub(super) fn wrong(name: &str, kind: KeyKind, value: &DeValue<'_>) -> Option<String> {
    match (kind, value) {
        (KeyKind::Switch, DeValue::Boolean(_)) => None,
        (KeyKind::Switch, _) => Some(format!("write true or false: {name} = true")),
        (KeyKind::Choice(words), DeValue::String(word)) if words.contains(&word.as_ref()) => None,
        (KeyKind::Choice(words), _) => {
            Some(format!("write one of \"{}\": {name} = \"{}\"", words.join("\", \""), words[0]))
        }
        (KeyKind::Size(least, most), value) => {
            let own = match value {
                DeValue::Integer(number) => {
                    let own = u64::from_str_radix(&plain(number.as_str()), number.radix());
                    if own.as_ref().is_ok_and(|own| (least..=most).contains(own)) {
                        return None;
                    }
                    own.ok()
                }
                DeValue::Float(number) => meant(number.as_str()),
                DeValue::String(text) => meant(text),
                _ => None,
            };
            Some(match own.filter(|own| (least..=most).contains(own)) {
                Some(own) => format!("write a whole number: {name} = {own}"),
                None => format!("write a whole number from {least} to {most}"),
            })
        }
    }
}

/// The whole number that a float or a text means.
fn meant(text: &str) -> Option<u64> {
    if let Ok(own) = plain(text).parse() {
        return Some(own);
    }
    let own = parse::<SequenceTokens>(text).ok()?.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, checked")]
    Some(own as u64)
}

fn plain(text: &str) -> String {
    text.trim().replace('_', "")
}

/// A value for a message, cut short.
pub(super) fn shown(value: &DeValue<'_>) -> String {
    let text = match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(switch) => switch.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(items) => format!("a list of {}", items.len()),
        DeValue::Table(_) => "a table".to_owned(),
    };
    match text.char_indices().nth(40) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}
