//! The JSON Schema of a plan file, and the comments that come from it.

use super::derived_text::Outline;
use crate::plan::{Chosen, Derived};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// A plan file as a whole.
#[derive(JsonSchema)]
#[schemars(title = "llmplan plan", deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct PlanFile {
    #[schemars(flatten)]
    chosen: Chosen,
    /// Written by llmplan; do not edit.
    derived: Option<Derived>,
}

/// The JSON Schema (draft 7) of a plan file.
#[must_use]
pub fn schema() -> Value {
    SchemaSettings::draft07().into_generator().into_root_schema_for::<PlanFile>().to_value()
}

/// Finds what the doc comments say about a key.
pub(super) struct Comments(Value);

impl Comments {
    pub(super) fn of<T: JsonSchema>() -> Self {
        Self(SchemaSettings::draft07().into_generator().into_root_schema_for::<T>().to_value())
    }

    /// The comment on a key, its full stop taken off.
    pub(super) fn on(&self, path: &[&str]) -> Option<String> {
        let mut node = &self.0;
        for key in path {
            node = self.child(node, key)?;
        }
        node.get("description")?.as_str().map(comment)
    }

    /// Whether a key names a table of fields, rather than an entry of a map or a map itself.
    pub(super) fn is_field_table(&self, path: &[&str]) -> bool {
        let mut node = &self.0;
        let mut field = false;
        for key in path {
            let properties = self.resolve(node).get("properties");
            field = properties.is_some_and(|properties| properties.get(key).is_some());
            let Some(child) = self.child(node, key) else {
                return false;
            };
            node = child;
        }
        field && self.resolve(node).get("properties").is_some()
    }

    /// All keys with what is said about them, laid out.
    pub(super) fn outline(&self) -> Outline {
        self.outline_of(&self.0)
    }

    fn outline_of(&self, node: &Value) -> Outline {
        let comment = node.get("description").and_then(Value::as_str).map(comment);
        let node = self.resolve(node);
        let properties = node.get("properties").and_then(Value::as_object);
        let fields = properties.into_iter().flatten();
        let entries = node.get("additionalProperties").filter(|inner| inner.is_object());
        Outline {
            comment,
            has_fields: properties.is_some(),
            fields: fields.map(|(key, field)| (key.clone(), self.outline_of(field))).collect(),
            entries: entries.map(|entries| Box::new(self.outline_of(entries))),
        }
    }

    fn child<'a>(&'a self, node: &'a Value, key: &str) -> Option<&'a Value> {
        let node = self.resolve(node);
        node.get("properties")
            .and_then(|properties| properties.get(key))
            .or_else(|| node.get("additionalProperties").filter(|inner| inner.is_object()))
    }

    /// Follows `$ref`, and the type behind an optional one.
    fn resolve<'a>(&'a self, node: &'a Value) -> &'a Value {
        if let Some(name) = node.get("$ref").and_then(Value::as_str) {
            let definition = self.0.pointer(name.trim_start_matches('#'));
            return definition.map_or(node, |definition| self.resolve(definition));
        }
        for list in ["anyOf", "allOf"] {
            let inner = node.get(list).and_then(Value::as_array).and_then(|list| list.first());
            if let Some(inner) = inner {
                return self.resolve(inner);
            }
        }
        node
    }
}

/// A doc comment on one line, its full stop taken off.
fn comment(text: &str) -> String {
    text.trim_end_matches('.').replace('\n', " ")
}
