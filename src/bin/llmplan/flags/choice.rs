//! Choices by the same names as in a plan file.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use serde::de::value::{Error, StrDeserializer};
use serde::de::{Deserializer, Error as _, IntoDeserializer as _, Visitor};
use serde::{Deserialize, Serialize, forward_to_deserialize_any};

/// Reads a choice by the names that serde knows; of several names of one value only the one that
/// is written shows in the help.
pub fn one_of<T>() -> impl TypedValueParser<Value = T>
where
    T: Serialize + for<'de> Deserialize<'de> + Clone + Send + Sync + 'static,
{
    let shown = |name: &'static str| PossibleValue::new(name).hide(!is_written::<T>(name));
    PossibleValuesParser::new(names::<T>().iter().copied().map(shown))
        .try_map(|name| T::deserialize::<StrDeserializer<Error>>(name.as_str().into_deserializer()))
}

fn is_written<T: Serialize + for<'de> Deserialize<'de>>(name: &'static str) -> bool {
    let value = T::deserialize::<StrDeserializer<Error>>(name.into_deserializer());
    let written = value.ok().and_then(|value| serde_json::to_value(value).ok());
    written.is_some_and(|written| written == name)
}

/// Every name of an enum's values.
fn names<T: for<'de> Deserialize<'de>>() -> &'static [&'static str] {
    let mut names = Names(&[]);
    // it only looks at what is asked for, and gives nothing
    let _ = T::deserialize(&mut names);
    names.0
}

struct Names(&'static [&'static str]);

impl<'de> Deserializer<'de> for &mut Names {
    type Error = Error;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Error> {
        self.0 = variants;
        Err(Error::custom("only the names are asked for"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(Error::custom("an enum is meant"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plan::layout::Strategy;

    #[test]
    fn names_are_those_of_a_plan_file() {
        let all = names::<Strategy>();
        assert!(Strategy::ALL.iter().all(|s| all.contains(&s.to_string().as_str())), "{all:?}");
        assert!(is_written::<Strategy>("zero1") && !is_written::<Strategy>("zero-1"));
    }
}
