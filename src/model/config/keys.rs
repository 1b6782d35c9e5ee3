//! The keys of a configuration, each read as what it has to be.

use crate::model::error::ShapeError;
use crate::model::relatives::float;
use crate::model::shape::MAX_SIZE;
use serde_json::Value;
use std::collections::BTreeMap;

/// The top level of a configuration, and what reading it brought up.
pub(in crate::model) struct Keys {
    values: BTreeMap<String, Value>,
    /// Whether the file holds only what differs from the class, as Gemma 3's `text_config` does.
    pub partial: bool,
    pub defaulted: Vec<Defaulted>,
    pub notes: Vec<String>,
}

/// A key that the file leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defaulted {
    /// The key.
    pub key: &'static str,
    /// What the family's class takes in its place.
    pub value: u64,
}

/// A key that holds a size, by one name or two, and the class's value where it is absent.
#[derive(Clone, Copy)]
pub(in crate::model) struct Key {
    pub name: &'static str,
    pub other: Option<&'static str>,
    pub default: u64,
    /// Whether a file must say it: the class's own value is the size of one model.
    pub needed: bool,
}

/// A size that published files leave out where it is the class's.
pub(in crate::model) const fn key(name: &'static str, default: u64) -> Key {
    Key { name, other: None, default, needed: false }
}

/// A size that a file must say.
pub(in crate::model) const fn needed(name: &'static str, default: u64) -> Key {
    Key { needed: true, ..key(name, default) }
}

/// A size that a file must say by one name or the other.
pub(in crate::model) const fn either(name: &'static str, other: &'static str, default: u64) -> Key {
    Key { other: Some(other), ..needed(name, default) }
}

impl Keys {
    pub fn new(values: BTreeMap<String, Value>) -> Self {
        Self { values, partial: false, defaulted: Vec::new(), notes: Vec::new() }
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// A size from 1, or the class's default; null is no size.
    pub fn size(&mut self, key: Key) -> Result<u64, ShapeError> {
        self.size_from(1, key)
    }

    /// A size that may be so small.
    pub fn size_from(&mut self, least: u64, key: Key) -> Result<u64, ShapeError> {
        let own = self.values.get(key.name);
        let other = key.other.and_then(|name| Some((name, self.values.get(name)?)));
        let other = other.filter(|(_, value)| !value.is_null());
        let value = match (own, other) {
            (Some(own), Some((name, other))) if own != other => {
                return Err(contradiction(key.name, own, name, other));
            }
            (_, Some((name, other))) => whole(name, other, least)?,
            (Some(own), None) => whole(key.name, own, least)?,
            (None, None) if key.needed && !self.partial => return Err(missing(key)),
            (None, None) => {
                self.defaulted.push(Defaulted { key: key.name, value: key.default });
                key.default
            }
        };
        Ok(value)
    }

    /// A size where null and absence say that there is none.
    pub fn given(&self, name: &str, least: u64) -> Result<Option<u64>, ShapeError> {
        match self.values.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => whole(name, value, least).map(Some),
        }
    }

    /// Whether the key stands there with null.
    pub fn is_null(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(Value::is_null)
    }

    /// A size where null has a meaning of its own.
    pub fn unless_null(&mut self, least: u64, key: Key) -> Result<Option<u64>, ShapeError> {
        if self.is_null(key.name) {
            return Ok(None);
        }
        self.size_from(least, key).map(Some)
    }

    /// True or false; null is false, as Python takes it.
    pub fn switch(&self, name: &str, default: bool) -> Result<bool, ShapeError> {
        match self.values.get(name) {
            None => Ok(default),
            Some(Value::Null) => Ok(false),
            Some(Value::Bool(switch)) => Ok(*switch),
            Some(value) => Err(ShapeError::new(
                Some(name),
                format!("`{name}` is {}", shown(value)),
                "write true or false".to_owned(),
            )),
        }
    }

    /// A list of layer numbers; null and absence are an empty one.
    pub fn layers(&self, name: &str) -> Result<Vec<u64>, ShapeError> {
        match self.values.get(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(items)) => items.iter().map(|item| whole(name, item, 0)).collect(),
            Some(value) => Err(ShapeError::new(
                Some(name),
                format!("`{name}` is {}", shown(value)),
                "write a list of layer numbers, or null".to_owned(),
            )),
        }
    }

    /// Notes what stands in the file and is not counted.
    pub fn remark_parts(&mut self) {
        if let Some(layers) = self.get("num_nextn_predict_layers").and_then(Value::as_u64)
            && layers > 0
        {
            self.notes.push(format!(
                "`num_nextn_predict_layers` is {layers}: the layers that predict further tokens \
                 are not counted, transformers' class has none"
            ));
        }
        if let Some(every) = self.get("moe_layer_freq").and_then(Value::as_u64)
            && every != 1
        {
            self.notes.push(format!(
                "`moe_layer_freq` is {every}: transformers' class ignores it and makes every layer \
                 after the dense ones a mixture of experts; other code may not"
            ));
        }
    }
}

fn missing(key: Key) -> ShapeError {
    let other = key.other.map_or(String::new(), |other| format!(" (or `{other}`)"));
    ShapeError::new(
        Some(key.name),
        format!("`{}` is missing", key.name),
        format!(
            "write it{other}; transformers' class takes {} where it is absent, the size of one model",
            key.default
        ),
    )
}

/// A whole number from `least`.
fn whole(name: &str, value: &Value, least: u64) -> Result<u64, ShapeError> {
    let number = value.as_u64().filter(|number| (least..=MAX_SIZE).contains(number));
    number.ok_or_else(|| {
        let range = format!("from {least} to {MAX_SIZE}");
        let help = match value {
            Value::String(text) if text.trim().parse::<u64>().is_ok() => {
                format!("write the number without quotes, a whole one {range}")
            }
            Value::Number(number) if number.as_f64().is_some_and(|own| is_whole(own, least)) => {
                format!("write it without a point: {}", number.as_f64().unwrap_or_default())
            }
            Value::Null => format!("write a whole number {range}; null is not the class's default"),
            _ => format!("write a whole number {range}"),
        };
        ShapeError::new(Some(name), format!("`{name}` is {}", shown(value)), help)
    })
}

/// Whether a float is a size that was written as one.
fn is_whole(own: f64, least: u64) -> bool {
    own.fract() == 0.0 && (float(least.into())..=float(MAX_SIZE.into())).contains(&own)
}

fn contradiction(name: &str, value: &Value, other: &str, said: &Value) -> ShapeError {
    ShapeError::new(
        Some(name),
        format!("`{name}` is {} and `{other}` is {}", shown(value), shown(said)),
        "they are two names of one size: leave one out".to_owned(),
    )
}

/// A value for a message, cut short.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(_) => "an object".to_owned(),
        _ => short(&value.to_string()),
    }
}

/// A text for a message, cut short, without characters that a terminal obeys.
pub(super) fn short(text: &str) -> String {
    let plain = |c: char| if c.is_control() { c.escape_debug().to_string() } else { c.into() };
    let cut: String = text.chars().take(40).map(plain).collect();
    if text.chars().nth(40).is_some() { cut + "…" } else { cut }
}
