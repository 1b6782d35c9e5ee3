//! The `[derived]` table as text.
//!
//! A check of many plans writes this text for each of them, to hold it against what stands there;
//! so it goes straight into a string, and what the doc comments say about the keys is laid out
//! once. Keys and strings that need quotes are quoted by `toml_edit`.

mod tree;

use super::schema::Comments;
use crate::plan::Derived;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;
use tree::Tree;

/// The header as it is written.
pub(super) const HEADER: &str = "[derived] # written by llmplan; do not edit\n";

/// Significant digits of a derived number.
const DIGITS: usize = 7;

/// The `[derived]` table, its header first.
#[must_use]
pub fn derived_text(derived: &Derived) -> String {
    static OUTLINE: LazyLock<Outline> = LazyLock::new(|| Comments::of::<Derived>().outline());
    let mut writer = Writer { out: HEADER.to_owned() };
    if let Some(Tree::Table(tables)) = Tree::of(derived) {
        writer.fill("derived", &tables, Some(&OUTLINE), 0);
    }
    writer.out
}

/// What is known of a key and of those below it.
#[derive(Default)]
pub(super) struct Outline {
    /// What its doc comment says.
    pub(super) comment: Option<String>,
    /// Whether it is a table with fields of its own rather than a map.
    pub(super) has_fields: bool,
    /// Its fields.
    pub(super) fields: BTreeMap<String, Outline>,
    /// The entries of a map.
    pub(super) entries: Option<Box<Outline>>,
}

impl Outline {
    /// What is below a key, and whether that is a table of fields.
    fn below(&self, key: &str) -> (Option<&Self>, bool) {
        match self.fields.get(key) {
            Some(field) => (Some(field), field.has_fields),
            None => (self.entries.as_deref(), false),
        }
    }
}

/// A key of a table with its value.
type Entry = (Cow<'static, str>, Tree);

struct Writer {
    out: String,
}

impl Writer {
    /// Values first, then tables, as TOML wants it.
    fn fill(&mut self, path: &str, table: &[Entry], outline: Option<&Outline>, depth: usize) {
        let below = |key: &str| outline.map_or((None, false), |outline| outline.below(key));
        for (key, value) in table {
            let (about, fields) = below(key);
            if !is_leaf(value, depth, fields) {
                continue;
            }
            self.key(key);
            self.out.push_str(" = ");
            self.value(value);
            let comment = about.and_then(|about| about.comment.as_deref());
            if let Some(comment) =
                comment.filter(|_| !matches!(value, Tree::Table(_) | Tree::Text(_)))
            {
                self.out.push_str(" # ");
                self.out.push_str(comment);
            }
            self.out.push('\n');
        }
        for (key, value) in table {
            let (about, fields) = below(key);
            if is_leaf(value, depth, fields) {
                continue;
            }
            let path = format!("{path}.{}", quoted_key(key));
            match value {
                Tree::Array(items) => {
                    for item in items {
                        let Tree::Table(item) = item else { continue };
                        self.header("[[", &path, "]]");
                        self.fill(&path, item, about, depth + 1);
                    }
                }
                Tree::Table(inner) => {
                    self.header("[", &path, "]");
                    self.fill(&path, inner, about, depth + 1);
                }
                _ => {}
            }
        }
    }

    fn header(&mut self, open: &str, path: &str, close: &str) {
        for part in ["\n", open, path, close, "\n"] {
            self.out.push_str(part);
        }
    }

    fn key(&mut self, key: &str) {
        if is_bare(key) {
            self.out.push_str(key);
        } else {
            self.out.push_str(&quoted_key(key));
        }
    }

    fn value(&mut self, value: &Tree) {
        match value {
            Tree::Nothing => {}
            Tree::Float(number) => self.number(*number),
            Tree::Integer(number) => _ = write!(self.out, "{number}"),
            Tree::Boolean(truth) => self.out.push_str(if *truth { "true" } else { "false" }),
            Tree::Text(text) => self.string(text),
            Tree::Array(items) => {
                self.out.push('[');
                for (index, item) in items.iter().enumerate() {
                    self.out.push_str(if index > 0 { ", " } else { "" });
                    self.value(item);
                }
                self.out.push(']');
            }
            Tree::Table(table) if table.is_empty() => self.out.push_str("{}"),
            Tree::Table(table) => {
                for (index, (key, value)) in table.iter().enumerate() {
                    self.out.push_str(if index > 0 { ", " } else { "{ " });
                    self.key(key);
                    self.out.push_str(" = ");
                    self.value(value);
                }
                self.out.push_str(" }");
            }
        }
    }

    /// `1e21` and `256`, never `1000000000000000000000.0`: the digits of
    /// [`round_significant`](crate::quantity::round_significant) as
    /// [`exact`](crate::quantity::exact) writes them, made once.
    fn number(&mut self, number: f64) {
        if !number.is_finite() {
            self.out.push_str(&toml_edit::Value::from(number).to_string());
            return;
        }
        let start = self.out.len();
        let _ = write!(self.out, "{number:.*e}", DIGITS - 1);
        let text = self.out.split_off(start);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
        let exponent: i32 = exponent.parse().unwrap_or(0);
        if number == 0.0 {
            self.out.push_str(mantissa);
        } else if (-3..7).contains(&exponent) {
            self.positional(mantissa, exponent);
        } else {
            let _ = write!(self.out, "{mantissa}e{exponent}");
        }
    }

    /// `-d.ddd` times a power of ten without that power.
    fn positional(&mut self, mantissa: &str, exponent: i32) {
        let (sign, mantissa) = mantissa.split_at(usize::from(mantissa.starts_with('-')));
        self.out.push_str(sign);
        let digits = mantissa.bytes().filter(u8::is_ascii_digit).map(char::from);
        let Ok(whole) = usize::try_from(exponent + 1) else {
            self.out.push_str("0.");
            (exponent..-1).for_each(|_| self.out.push('0'));
            self.out.extend(digits);
            return;
        };
        if whole == 0 {
            self.out.push_str("0.");
        }
        let mut written = 0;
        for digit in digits {
            if written == whole && whole > 0 {
                self.out.push('.');
            }
            self.out.push(digit);
            written += 1;
        }
        (written..whole).for_each(|_| self.out.push('0'));
    }

    /// Stays on one line, so that the file's line ends cannot change it.
    fn string(&mut self, text: &str) {
        let plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\'' | b'\\');
        if text.bytes().all(plain) {
            self.out.push('"');
            self.out.push_str(text);
            self.out.push('"');
        } else if text.contains('\n') {
            let quoted = serde_json::Value::from(text).to_string();
            self.out.push_str(&quoted.replace('\u{7f}', "\\u007f"));
        } else {
            self.out.push_str(&toml_edit::Value::from(text).to_string());
        }
    }
}

/// What stands on one line: a number, a string, an interval, an entry of a table of entries.
fn is_leaf(value: &Tree, depth: usize, fields: bool) -> bool {
    match value {
        Tree::Table(inner) => {
            depth > 0 && !fields && inner.iter().all(|(_, v)| !v.is_table() && !v.is_array())
        }
        Tree::Array(items) => !items.iter().any(Tree::is_table),
        _ => true,
    }
}

fn is_bare(key: &str) -> bool {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !key.is_empty() && key.bytes().all(bare)
}

fn quoted_key(key: &str) -> String {
    if is_bare(key) { key.to_owned() } else { toml_edit::Key::new(key).display_repr().into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::{exact, round_significant};
    use proptest::prelude::*;

    fn written(number: f64) -> String {
        let mut writer = Writer { out: String::new() };
        writer.number(number);
        writer.out
    }

    #[test]
    fn numbers_are_those_that_are_written_elsewhere() {
        for number in [0.0, -0.0, 1.0, 10.0, 256.0, 0.001, 0.05, 0.000_999_999_96, 9_999_999.6, 1e7]
        {
            for number in [number, -number, number * 1e9, number * 1.234_567_89] {
                assert_eq!(written(number), exact(round_significant(number, DIGITS)), "{number:e}");
            }
        }
        assert_eq!(written(1e21), "1e21");
        assert_eq!(written(f64::INFINITY), "inf");
    }

    proptest! {
        #[test]
        fn any_number_is_written_as_elsewhere(digits in -1e4..1e4_f64, power in -12..30_i32) {
            let number = digits * libm::pow(10.0, power.into());
            prop_assert_eq!(written(number), exact(round_significant(number, DIGITS)));
        }
    }
}
