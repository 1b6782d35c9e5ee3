//! Text to keys, and keys to their family.

use super::families;
use super::keys::{Keys, short, shown};
use crate::fact::nearest;
use crate::model::error::ShapeError;
use crate::model::family::{FAMILIES, Family};
use crate::model::generic::SHAPE_KEYS;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// Largest configuration that is read, in bytes; a published one has a few thousand.
pub const MAX_BYTES: usize = 4 << 20;

/// The top level of the file.
pub(super) fn object(text: &str) -> Result<Keys, ShapeError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > MAX_BYTES {
        return Err(ShapeError::new(
            None,
            format!("the file has {} bytes: no configuration is so large", text.len()),
            format!(
                "give the model's config.json, not its weights or tokenizer (at most {MAX_BYTES} bytes)"
            ),
        ));
    }
    match serde_json::from_str::<Object>(text) {
        Ok(Object(values)) => Ok(Keys::new(values)),
        Err(error) => {
            if let Some(message) = no_object(text) {
                let help = "give a config.json: one JSON object with `model_type` and the sizes";
                return Err(ShapeError::new(None, message, help.to_owned()));
            }
            let message = error.to_string();
            if let Some(key) = valueless(text, &error) {
                let message = format!("`{key}` has a value that JSON does not know: {message}");
                let help = "write a whole number, true, false, null or a text in double quotes";
                return Err(ShapeError::new(Some(&key), message, help.to_owned()));
            }
            let help = if message.contains("recursion limit") {
                "a configuration is not nested more than 127 deep"
            } else if message.contains("stands twice") {
                "leave one of them out"
            } else {
                "give a config.json: one JSON object with `model_type` and the sizes"
            };
            Err(ShapeError::new(twice(&message), message.clone(), help.to_owned()))
        }
    }
}

/// What the text is, where it is no object at all.
fn no_object(text: &str) -> Option<String> {
    let what = match text.trim_start().chars().next() {
        None => return Some("the file is empty".to_owned()),
        Some('[') => "a list",
        Some('"') => "a text",
        Some('0'..='9' | '-') => "a number",
        Some('n') => "null",
        Some('t' | 'f') => "true or false",
        Some(_) => return None,
    };
    Some(format!("the file holds {what}, not an object"))
}

/// The key whose value stops the parser, such as Python's NaN and Infinity.
fn valueless(text: &str, error: &serde_json::Error) -> Option<String> {
    if !error.to_string().starts_with("expected value") {
        return None;
    }
    let line = text.split('\n').nth(error.line() - 1)?;
    let before = line.get(..error.column().saturating_sub(1).min(line.len()))?;
    let (key, value) = before.rsplit_once(':')?;
    let key = key.trim_end().strip_suffix('"')?.rsplit_once('"')?.1;
    value.trim().is_empty().then(|| short(key))
}

/// The key that a message says stands twice.
fn twice(message: &str) -> Option<&str> {
    message.strip_prefix('`')?.split_once("` stands twice").map(|(key, _)| key)
}

/// An object whose keys stand once.
struct Object(BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Once;
        impl<'de> Visitor<'de> for Once {
            type Value = Object;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut values = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    if values.contains_key(&key) {
                        return Err(A::Error::custom(format!("`{key}` stands twice")));
                    }
                    values.insert(key, value);
                }
                Ok(Object(values))
            }
        }
        deserializer.deserialize_map(Once)
    }
}

/// The family that `model_type` and `architectures` name; they must agree.
pub(super) fn family(keys: &mut Keys) -> Result<&'static Family, ShapeError> {
    if keys.get("model_type").and_then(Value::as_str) == Some("gemma3") {
        *keys = text_of_gemma3(keys)?;
    }
    let classes = classes(keys)?;
    let of_class = |class: &String| FAMILIES.iter().find(|family| family.class == class);
    let family = match keys.get("model_type") {
        None => match classes.iter().find_map(of_class) {
            Some(family) => family,
            None if classes.is_empty() => return Err(missing("model_type")),
            None => return Err(unknown("architectures", &classes.join("`, `"))),
        },
        Some(Value::String(name)) => match FAMILIES.iter().find(|f| f.model_type == name) {
            Some(family) => family,
            None => return Err(unknown("model_type", name)),
        },
        Some(value) => return Err(unknown("model_type", &shown(value))),
    };
    if classes.is_empty() || classes.iter().any(|class| class == family.class) {
        return Ok(family);
    }
    Err(ShapeError::new(
        Some("architectures"),
        format!(
            "`architectures` is `{}`, `model_type` {}",
            classes.join("`, `"),
            family.model_type
        ),
        format!("the language model of {} is the class {}", family.model_type, family.class),
    ))
}

/// The classes that `architectures` lists.
fn classes(keys: &Keys) -> Result<Vec<String>, ShapeError> {
    let wrong = |value: &Value| {
        let message = format!("`architectures` is {}", shown(value));
        let help = "write a list of class names, [\"LlamaForCausalLM\"]".to_owned();
        ShapeError::new(Some("architectures"), message, help)
    };
    match keys.get("architectures") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => {
            let name = |item: &Value| item.as_str().map(str::to_owned).ok_or_else(|| wrong(item));
            items.iter().map(name).collect()
        }
        Some(value) => Err(wrong(value)),
    }
}

/// The language model inside a Gemma 3 that sees: its `text_config`, of which any key may be absent.
fn text_of_gemma3(keys: &Keys) -> Result<Keys, ShapeError> {
    let mut text: BTreeMap<String, Value> = match keys.get("text_config") {
        None | Some(Value::Null) => {
            let help = "write an object with the sizes of the language model".to_owned();
            let message = "`text_config` is missing".to_owned();
            return Err(ShapeError::new(Some("text_config"), message, help));
        }
        Some(Value::Object(inner)) => inner.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
        Some(value) => {
            let message = format!("`text_config` is {}", shown(value));
            let help = "write an object with the sizes of the language model".to_owned();
            return Err(ShapeError::new(Some("text_config"), message, help));
        }
    };
    text.remove("architectures");
    let own = text.entry("model_type".to_owned()).or_insert_with(|| "gemma3_text".into());
    if own.as_str() != Some("gemma3_text") {
        let message = format!("`model_type` in `text_config` is {}", shown(own));
        let help = "the language model of a gemma3 is a gemma3_text".to_owned();
        return Err(ShapeError::new(Some("text_config"), message, help));
    }
    let mut keys = Keys::new(text);
    keys.partial = true;
    keys.notes.push("only the language model is counted, not the vision tower".to_owned());
    Ok(keys)
}

fn missing(key: &str) -> ShapeError {
    ShapeError::new(Some(key), format!("`{key}` is missing"), supported())
}

fn unknown(key: &str, name: &str) -> ShapeError {
    let near = nearest(&short(name), families());
    let near = near.first().map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    let name = short(name);
    let message = format!("`{key}` is `{name}`, an architecture that is not known");
    ShapeError::new(Some(key), message, near + &supported())
}

/// What can be read, and the way around it.
fn supported() -> String {
    let families: Vec<&str> = families().collect();
    format!(
        "known are {}, and gemma3 for its text; any other model can be given by its shape: {}",
        families.join(", "),
        SHAPE_KEYS.join(", ")
    )
}
