//! Bytes to a plan.

use super::derived_text::HEADER;
use super::{BOM, Locator, degree_keys, shape_keys, toml10};
use crate::fact::nearest;
use crate::layout::LayoutKeys;
use crate::plan::{Chosen, Format};
use crate::quantity::{QuantityError, Tokens, exact, parse};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Deserializer};

/// A plan file that was read.
#[derive(Debug, Clone)]
pub struct Document {
    /// The file as it is, byte order mark and line ends included.
    pub text: String,
    /// What people chose.
    pub chosen: Chosen,
    /// The `[derived]` table, as it stands.
    pub derived: Option<toml::Table>,
    /// Whether there is one that is to the byte what follows from `chosen`; its values are then
    /// not read.
    pub as_derived: bool,
}

impl Document {
    /// The layout that was picked when the plan was last derived, where the plan states none.
    #[must_use]
    pub fn pinned(&self) -> Option<LayoutKeys> {
        self.derived.as_ref()?.get("layout")?.clone().try_into().ok()
    }
}

/// Why bytes are not a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ReadError {
    /// What kind of fault it is.
    pub kind: ReadErrorKind,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
    /// Where, in bytes from the start of the file.
    pub span: Option<Range<usize>>,
}

/// Kinds of unreadable plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadErrorKind {
    /// Not TOML, or not a plan.
    Invalid,
    /// A plan of another format version.
    UnknownFormat,
}

impl ReadError {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        let kind = ReadErrorKind::Invalid;
        Self { kind, message: message.into(), help: None, span: None }
    }
}

/// Reads a plan.
///
/// # Errors
/// Bytes that are no UTF-8, no TOML, or no plan of format 1.
pub fn read(bytes: &[u8]) -> Result<Document, ReadError> {
    let text = text_of(bytes)?;
    let (chosen, derived) = without_bom(text, parse_plan)?;
    Ok(Document { text: text.to_owned(), chosen, derived, as_derived: false })
}

/// Reads what stands above a `[derived]` table that starts as llmplan writes it, and gives the text
/// of that table with it; `None` where there is none such, where it pins a layout, or where anything
/// is amiss.
///
/// Where the table's text is what would be written, the whole file is right where the part above is:
/// a text that reads as a plan has no string or array left open, and the table is not stated twice.
pub(crate) fn read_above_derived(bytes: &[u8]) -> Option<(Document, &str)> {
    let text = text_of(bytes).ok()?;
    let start = text.find(&format!("\n{HEADER}"))? + 1;
    let (above, derived) = text.split_at(start);
    if derived.contains("\n[derived.layout]") {
        return None;
    }
    let (chosen, None) = without_bom(above, parse_plan).ok()? else { return None };
    let document = Document { text: text.to_owned(), chosen, derived: None, as_derived: false };
    Some((document, derived))
}

/// Reads settings that are no plan; `refuse` may find keys that are understood and cannot be meant.
///
/// # Errors
/// Bytes that are no UTF-8 or no TOML, refused and unknown keys, and values of another kind.
pub(crate) fn read_settings<T: DeserializeOwned>(
    bytes: &[u8],
    refuse: &dyn Fn(&Locator<'_>) -> Option<ReadError>,
) -> Result<(String, T), ReadError> {
    let text = text_of(bytes)?;
    if let Some(refused) = refuse(&Locator::new(text)) {
        return Err(refused);
    }
    let settings = without_bom(text, |source| {
        let mut table = DeTable::parse(source).map_err(|error| syntax(source, &error))?;
        widen_integers(table.get_mut());
        T::deserialize(Deserializer::from(table)).map_err(|error| shape(&error))
    })?;
    Ok((text.to_owned(), settings))
}

fn text_of(bytes: &[u8]) -> Result<&str, ReadError> {
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(not_text(bytes, at));
    }
    std::str::from_utf8(bytes).map_err(|error| not_text(bytes, error.valid_up_to()))
}

/// Parses what follows the byte order mark; faults are placed in the whole text.
fn without_bom<'a, T>(
    text: &'a str,
    parse: impl FnOnce(&'a str) -> Result<T, ReadError>,
) -> Result<T, ReadError> {
    let offset = if text.starts_with(BOM) { BOM.len() } else { 0 };
    parse(&text[offset..]).map_err(|mut error| {
        error.span = error.span.map(|span| span.start + offset..span.end + offset);
        error
    })
}

fn not_text(bytes: &[u8], at: usize) -> ReadError {
    let line = bytes[..at].split(|byte| *byte == b'\n').count();
    let what = if bytes.contains(&0) { "a binary file" } else { "not UTF-8" };
    let byte = bytes.get(at).copied().unwrap_or_default();
    ReadError::invalid(format!("this is {what}: byte {at} (0x{byte:02x}, line {line}) is no text"))
}

fn parse_plan(source: &str) -> Result<(Chosen, Option<toml::Table>), ReadError> {
    if source.trim().is_empty() {
        let mut error = ReadError::invalid("the file is empty");
        error.help = Some("a plan starts with `format = 1`".to_owned());
        return Err(error);
    }
    let mut table = DeTable::parse(source).map_err(|error| syntax(source, &error))?;
    toml10::check(source, table.get_ref())?;
    check_format(table.get_ref())?;
    let derived = take_derived(table.get_mut())?;
    check_tables(table.get_ref())?;
    shape_keys::check(table.get_ref())?;
    degree_keys::check(table.get_ref())?;
    widen_integers(table.get_mut());
    let chosen = Chosen::deserialize(Deserializer::from(table)).map_err(|e| shape(&e))?;
    Ok((chosen, derived))
}

/// A newer format may have other keys: it is told before anything else is judged.
fn check_format(table: &DeTable<'_>) -> Result<(), ReadError> {
    let Some(format) = table.get("format") else {
        let mut error = ReadError::invalid("the plan does not say its format");
        error.help = Some("add `format = 1` as the first line".to_owned());
        error.span = Some(0..0);
        return Err(error);
    };
    let known = match format.get_ref() {
        DeValue::Integer(number) => number.as_str() == Format::CURRENT.to_string(),
        _ => false,
    };
    if known {
        return Ok(());
    }
    Err(ReadError {
        kind: ReadErrorKind::UnknownFormat,
        message: "this plan format is not known".to_owned(),
        help: Some(match format.get_ref() {
            DeValue::Integer(_) => format!(
                "llmplan {} reads `format = 1`; a higher one needs a newer llmplan",
                env!("CARGO_PKG_VERSION")
            ),
            _ => "write `format = 1`, a whole number".to_owned(),
        }),
        span: Some(format.span()),
    })
}

/// Keys of the format that are tables, and those that are arrays of tables.
const TABLES: [&str; 13] = [
    "budget",
    "run",
    "law",
    "model",
    "sources",
    "data",
    "training",
    "layout",
    "operations",
    "cluster",
    "cost",
    "site",
    "reported",
];
const ARRAYS: [&str; 2] = ["stages", "allow"];

/// Serde would read an array as a table by position; here a table is a table.
fn check_tables(table: &DeTable<'_>) -> Result<(), ReadError> {
    for (key, value) in table {
        let (name, value, span) = (key.get_ref().as_ref(), value.get_ref(), value.span());
        if TABLES.contains(&name) {
            let DeValue::Table(inner) = value else {
                return Err(not_a_table(&format!("`{name}`"), &format!("[{name}]"), span));
            };
            let mut entries = inner.iter().filter(|_| name == "sources");
            if let Some((source, facts)) = entries.find(|(_, facts)| !facts.get_ref().is_table()) {
                let source = source.get_ref();
                let right = format!("{source} = {{ unique_tokens = 1e12 }}");
                return Err(not_a_table(&format!("source `{source}`"), &right, facts.span()));
            }
        }
        let tables = |items: &DeArray<'_>| items.iter().all(|item| item.get_ref().is_table());
        if ARRAYS.contains(&name) && !value.as_array().is_some_and(tables) {
            return Err(not_a_table(&format!("`{name}`"), &format!("[[{name}]]"), span));
        }
    }
    Ok(())
}

fn not_a_table(what: &str, right: &str, span: Range<usize>) -> ReadError {
    let array = if right.starts_with("[[") { "an array of tables" } else { "a table" };
    ReadError {
        help: Some(format!("write `{right}`")),
        span: Some(span),
        ..ReadError::invalid(format!("{what} must be {array}"))
    }
}

fn take_derived(table: &mut DeTable<'_>) -> Result<Option<toml::Table>, ReadError> {
    let Some(derived) = table.remove("derived") else {
        return Ok(None);
    };
    let span = derived.span();
    match derived.into_inner() {
        DeValue::Table(mut derived) => {
            widen_integers(&mut derived);
            let tree = Deserializer::from(Spanned::new(span, derived));
            toml::Table::deserialize(tree).map(Some).map_err(|error| shape(&error))
        }
        _ => Err(ReadError {
            span: Some(span),
            help: Some("it is written by llmplan; delete it and run `llmplan plan --write`".into()),
            ..ReadError::invalid("`derived` is not a table")
        }),
    }
}

/// Integers may have any length: those that fit no machine integer are read as text.
fn widen_integers(table: &mut DeTable<'_>) {
    for (_, value) in table.iter_mut() {
        widen(value.get_mut());
    }
}

fn widen(value: &mut DeValue<'_>) {
    match value {
        DeValue::Integer(number)
            if i64::from_str_radix(number.as_str(), number.radix()).is_err() =>
        {
            let digits = match number.radix() {
                10 => number.as_str().to_owned(),
                radix => exact(digits_value(number.as_str(), radix)),
            };
            *value = DeValue::String(Cow::Owned(digits));
        }
        DeValue::Array(array) => array.iter_mut().for_each(|value| widen(value.get_mut())),
        DeValue::Table(table) => widen_integers(table),
        _ => {}
    }
}

/// The value of digits in another base, to the nearest float.
fn digits_value(digits: &str, radix: u32) -> f64 {
    let digits = digits.chars().filter_map(|digit| digit.to_digit(radix));
    digits.fold(0.0, |value, digit| value * f64::from(radix) + f64::from(digit))
}

/// Text that is no TOML.
fn syntax(source: &str, error: &toml::de::Error) -> ReadError {
    if let Some(span) = error.span().and_then(|span| unquoted_quantity(source, &span)) {
        let word = &source[span.clone()];
        return ReadError {
            help: Some(format!("a number with a unit is a string: write \"{word}\" in quotes")),
            span: Some(span),
            ..ReadError::invalid(format!("`{word}` is no TOML value"))
        };
    }
    ReadError { span: error.span(), ..ReadError::invalid(error.message()) }
}

/// `unique_tokens = 1.5T` is the slip that people make most: it needs quotes.
fn unquoted_quantity(source: &str, span: &Range<usize>) -> Option<Range<usize>> {
    let start = source.get(..span.start)?.rfind('\n').map_or(0, |at| at + 1);
    let line = source.get(start..)?.lines().next()?;
    line.split(['=', ',', '{', '}', '#']).skip(1).map(str::trim).find_map(|word| {
        let first = word.chars().next()?;
        let unit = word.ends_with(|c: char| c.is_ascii_alphabetic() || c == '%');
        let known = !matches!(
            parse::<Tokens>(word),
            Err(QuantityError::NotANumber { .. } | QuantityError::UnknownUnit { .. })
        );
        let at = word.as_ptr() as usize - source.as_ptr() as usize;
        (first.is_ascii_digit() && unit && known).then(|| at..at + word.len())
    })
}

/// TOML that is no plan.
fn shape(error: &toml::de::Error) -> ReadError {
    let message = error.message();
    let help = unknown_word(message).and_then(|(word, known)| {
        let near = nearest(word, known.iter().copied());
        match near.first() {
            Some(name) => Some(format!("did you mean `{name}`?")),
            None if known.is_empty() => None,
            None => Some(format!("known are {}", known.join(", "))),
        }
    });
    let message = match unknown_word(message) {
        _ if message.contains("overflow") => "the number is not finite".to_owned(),
        Some((word, _)) if message.starts_with("unknown field") => format!("unknown key `{word}`"),
        Some((word, _)) => format!("unknown value `{word}`"),
        None => message.replace("missing field", "missing key"),
    };
    ReadError { help, span: error.span(), ..ReadError::invalid(message) }
}

/// Serde names the unknown word first and the known ones after "expected".
fn unknown_word(message: &str) -> Option<(&str, Vec<&str>)> {
    let rest = message
        .strip_prefix("unknown field ")
        .or_else(|| message.strip_prefix("unknown variant "))?;
    let mut words = rest.split('`').skip(1).step_by(2);
    Some((words.next()?, words.collect()))
}
