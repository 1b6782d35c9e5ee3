//! Facts: named entries that carry their source, and how they are looked up; what stands behind a
//! prediction.

mod evidence;
pub(crate) mod hash;

pub use evidence::Evidence;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::value::Datetime;

/// An entry of a catalogue.
pub trait Fact {
    /// What the entries are, in messages: `law`, `accelerator`.
    const KIND: &'static str;
    /// The id that plans use.
    fn name(&self) -> &str;
    /// Other names that find the entry.
    fn aliases(&self) -> &[String];
    /// Paper, table, datasheet or repository that it comes from.
    fn source(&self) -> &str;
    /// The day on which it was published or confirmed there.
    fn as_of(&self) -> Datetime;
}

/// Implements [`Fact`] for a struct with the fields that every catalogue entry has.
macro_rules! fact {
    ($type:ty, $kind:literal) => {
        impl $crate::fact::Fact for $type {
            const KIND: &'static str = $kind;
            fn name(&self) -> &str {
                &self.name
            }
            fn aliases(&self) -> &[String] {
                &self.aliases
            }
            fn source(&self) -> &str {
                &self.source
            }
            fn as_of(&self) -> toml::value::Datetime {
                self.as_of
            }
        }
    };
}
pub(crate) use fact;

/// A name that no entry has.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("unknown {kind} `{name}`; {}", suggestion(.nearest, .kind))]
pub struct UnknownName {
    /// What was looked for.
    pub kind: &'static str,
    /// The name as written.
    pub name: String,
    /// Names that resemble it, best first; all of them when the catalogue is short.
    pub nearest: Vec<String>,
}

impl UnknownName {
    /// What may have been meant.
    #[must_use]
    pub fn advice(&self) -> String {
        suggestion(&self.nearest, self.kind)
    }
}

fn suggestion(nearest: &[String], kind: &str) -> String {
    match nearest {
        [] if kind == "name" => "`llmplan explain --list KIND` shows what there is".to_owned(),
        [] => format!("`llmplan explain --list {kind}s` shows all"),
        [one] => format!("did you mean `{one}`?"),
        many => format!("the nearest are `{}`", many.join("`, `")),
    }
}

/// All facts of one kind, in the order of their file.
#[derive(Debug)]
pub struct Catalogue<T> {
    entries: Vec<T>,
}

impl<T: Fact + DeserializeOwned> Catalogue<T> {
    /// Reads a catalogue that is part of the program.
    ///
    /// # Panics
    /// When the embedded file is malformed; a test reads every one.
    pub(crate) fn embedded(text: &str) -> Self {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, bound(deserialize = "T: DeserializeOwned"))]
        struct File<T> {
            entry: Vec<T>,
        }
        let file: File<T> = toml::from_str(text).expect("embedded catalogues are well-formed");
        Self { entries: file.entry }
    }
}

impl<T: Fact> Catalogue<T> {
    /// Every entry, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.entries.iter()
    }

    /// Finds an entry by name or alias, without regard to case.
    ///
    /// # Errors
    /// [`UnknownName`] with the nearest names.
    pub fn find(&self, name: &str) -> Result<&T, UnknownName> {
        self.entries
            .iter()
            .find(|entry| names(*entry).any(|own| own.eq_ignore_ascii_case(name)))
            .ok_or_else(|| UnknownName {
                kind: T::KIND,
                name: name.to_owned(),
                nearest: self.nearest(name),
            })
    }
}

impl<T: Fact> Catalogue<T> {
    /// Names that resemble a misspelt one, the best of each entry.
    fn nearest(&self, name: &str) -> Vec<String> {
        let best =
            self.entries.iter().filter_map(|entry| nearest(name, names(entry)).into_iter().next());
        let best: Vec<String> = best.collect();
        nearest(name, best.iter().map(String::as_str))
    }
}

fn names<T: Fact>(entry: &T) -> impl Iterator<Item = &str> {
    std::iter::once(entry.name()).chain(entry.aliases().iter().map(String::as_str))
}

/// Up to three known words that a misspelt one may have meant, best first.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Vec<String> {
    let word = word.to_ascii_lowercase();
    let mut scored: Vec<(f64, &str)> = known
        .map(|candidate| {
            let lower = candidate.to_ascii_lowercase();
            let starts = !word.is_empty() && lower.starts_with(&word);
            (strsim::jaro_winkler(&word, &lower) + f64::from(u8::from(starts)), candidate)
        })
        .filter(|(score, _)| *score > 0.75)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.dedup_by_key(|(_, name)| *name);
    scored.into_iter().take(3).map(|(_, name)| name.to_owned()).collect()
}
