//! Text and TOML values to quantities: an integer of any length, a float, or a string with a unit.

use super::{Quantity, exact};
use serde::de::{self, Deserializer, Visitor};
use std::marker::PhantomData;

/// Why a text is not the quantity that was asked for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum QuantityError {
    /// No number at all.
    #[error("`{text}` is not a number of {name}{}", hint(.name))]
    NotANumber {
        /// The text as written.
        text: String,
        /// The dimension that was expected.
        name: &'static str,
    },
    /// The unit belongs to another dimension.
    #[error("`{text}` is {found}, but {name} are meant")]
    OtherDimension {
        /// The text as written.
        text: String,
        /// The dimension that the unit belongs to.
        found: &'static str,
        /// The dimension that was expected.
        name: &'static str,
    },
    /// No dimension has this unit.
    #[error("`{unit}` in `{text}` is not a unit of {name}; known are {}", .known.join(", "))]
    UnknownUnit {
        /// The text as written.
        text: String,
        /// The part that was not understood.
        unit: String,
        /// The dimension that was expected.
        name: &'static str,
        /// Units of this dimension.
        known: Vec<&'static str>,
    },
    /// Infinite, NaN, or too large for a float.
    #[error("`{text}` is not finite; a number of {name} is needed")]
    NotFinite {
        /// The text as written.
        text: String,
        /// The dimension that was expected.
        name: &'static str,
    },
    /// Outside what a plan can mean.
    #[error("{text} is out of range: {name} from {} to {} are accepted{}", exact(*.min), exact(*.max), hint(.name))]
    OutOfRange {
        /// The text as written.
        text: String,
        /// The dimension that was expected.
        name: &'static str,
        /// Smallest accepted value.
        min: f64,
        /// Largest accepted value.
        max: f64,
    },
    /// A fraction where only whole numbers make sense.
    #[error("{text} is not whole; a whole number of {name} is needed")]
    NotWhole {
        /// The text as written.
        text: String,
        /// The dimension that was expected.
        name: &'static str,
    },
}

fn hint(name: &str) -> &'static str {
    match name {
        "tokens" | "parameters" => ", such as 13e9 or \"13B\"",
        "FLOPs" => ", such as 1e21",
        "shares" | "weights" => ", such as 0.4 or \"40 %\"",
        "days" => ", such as 10 or \"10d\"",
        _ => "",
    }
}

/// Units of dimensions that a number can be mistaken for.
const FOREIGN: &[(&str, &[&str])] = &[
    ("bytes", &["GB", "GiB", "MB", "MiB", "TB", "TiB", "KB", "kB", "KiB", "PB", "bytes"]),
    ("a time", &["s", "min", "h", "d", "w", "day", "days", "hours", "hour", "weeks", "week", "ms"]),
    ("money", &["USD", "$", "EUR", "€"]),
    ("FLOPs", &["FLOP", "FLOPs", "PFLOP", "EFLOP", "ZFLOP", "YFLOP", "PFLOPs", "EFLOPs", "ZFLOPs"]),
    ("FLOP/s", &["FLOP/s", "TFLOP/s", "PFLOP/s", "EFLOP/s"]),
    ("tokens", &["tokens"]),
    ("parameters", &["params", "parameters"]),
    ("epochs", &["epochs", "epoch"]),
    ("a share", &["%"]),
];

/// Reads a quantity from text: a number, perhaps with underscores, and perhaps a unit.
///
/// ```
/// use plan::quantity::{parse, Tokens};
/// assert_eq!(parse::<Tokens>("1.5T"), Ok(Tokens(1.5e12)));
/// assert!(parse::<Tokens>("13GB").is_err());
/// ```
///
/// # Errors
/// When the text is no number, has a foreign unit, or is outside the accepted range.
pub fn parse<Q: Quantity>(text: &str) -> Result<Q, QuantityError> {
    let text = text.trim();
    let (number, unit) = split(text);
    let cleaned: String = number.chars().filter(|c| *c != '_').collect();
    let Ok(value) = cleaned.parse::<f64>() else {
        return Err(not_a_number::<Q>(text));
    };
    let mut factor = 1.0;
    for word in unit.split_whitespace() {
        factor *= factor_of::<Q>(word, text)?;
    }
    if factor >= 1.0 || unit.is_empty() {
        checked(value * factor, || shortened(text))
    } else {
        checked(value / (1.0 / factor).round(), || shortened(text)) // 40 % is 40/100, exactly 0.4
    }
}

/// Checks a number against what the dimension accepts; the text is asked for only to complain.
fn checked<Q: Quantity>(value: f64, text: impl Fn() -> String) -> Result<Q, QuantityError> {
    let name = Q::NAME;
    if !value.is_finite() {
        return Err(QuantityError::NotFinite { text: text(), name });
    }
    if !(Q::MIN..=Q::MAX).contains(&value) {
        return Err(QuantityError::OutOfRange { text: text(), name, min: Q::MIN, max: Q::MAX });
    }
    if Q::WHOLE && value.fract() != 0.0 {
        return Err(QuantityError::NotWhole { text: text(), name });
    }
    Ok(Q::of(value))
}

fn not_a_number<Q: Quantity>(text: &str) -> QuantityError {
    let lower = text.to_ascii_lowercase();
    let word = lower.trim_start_matches(['+', '-']);
    let (text, name) = (shortened(text), Q::NAME);
    if ["inf", "nan", "infinity"].contains(&word) {
        QuantityError::NotFinite { text, name }
    } else {
        QuantityError::NotANumber { text, name }
    }
}

/// A text fit to stand in a message.
fn shortened(text: &str) -> String {
    if text.chars().count() <= 40 {
        return text.to_owned();
    }
    text.chars().take(37).chain("...".chars()).collect()
}

/// Splits at the end of the longest leading number.
fn split(text: &str) -> (&str, &str) {
    let body = text.strip_prefix('$').unwrap_or(text);
    let bytes = body.as_bytes();
    let digits = |from: usize| {
        from + bytes[from..].iter().take_while(|b| b.is_ascii_digit() || **b == b'_').count()
    };
    let mut end = digits(usize::from(matches!(bytes.first(), Some(b'+' | b'-'))));
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    let unit = if body.len() == text.len() { body[end..].trim() } else { "$" };
    if body.len() == text.len() || body[end..].trim().is_empty() {
        (&body[..end], unit)
    } else {
        (text, "")
    }
}

fn factor_of<Q: Quantity>(word: &str, text: &str) -> Result<f64, QuantityError> {
    if let Some((_, factor)) = Q::UNITS.iter().find(|(unit, _)| *unit == word) {
        return Ok(*factor);
    }
    let text = shortened(text);
    if let Some((found, _)) = FOREIGN.iter().find(|(_, units)| units.contains(&word)) {
        return Err(QuantityError::OtherDimension { text, found, name: Q::NAME });
    }
    let known = Q::UNITS.iter().map(|(unit, _)| *unit).collect();
    Err(QuantityError::UnknownUnit { text, unit: shortened(word), name: Q::NAME, known })
}

/// The serde side of [`parse`].
pub(super) fn deserialize<'de, Q: Quantity, D: Deserializer<'de>>(d: D) -> Result<Q, D::Error> {
    struct Reader<Q>(PhantomData<Q>);
    impl<Q: Quantity> Visitor<'_> for Reader<Q> {
        type Value = Q;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "a number of {}", Q::NAME)
        }

        fn visit_f64<E: de::Error>(self, value: f64) -> Result<Q, E> {
            checked(value, || exact(value)).map_err(E::custom)
        }

        #[expect(clippy::cast_precision_loss, reason = "a count above 2^53 is an estimate anyway")]
        fn visit_i64<E: de::Error>(self, value: i64) -> Result<Q, E> {
            checked(value as f64, || value.to_string()).map_err(E::custom)
        }

        #[expect(clippy::cast_precision_loss, reason = "a count above 2^53 is an estimate anyway")]
        fn visit_u64<E: de::Error>(self, value: u64) -> Result<Q, E> {
            checked(value as f64, || value.to_string()).map_err(E::custom)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Q, E> {
            parse(text).map_err(E::custom)
        }
    }
    d.deserialize_any(Reader(PhantomData))
}

#[cfg(test)]
mod tests {
    use super::super::{Bytes, Days, Devices, Flops, Fraction, Params, Tokens, Usd};
    use super::*;

    #[test]
    fn units_are_understood() {
        assert_eq!(parse("1.5T"), Ok(Tokens(1.5e12)));
        assert_eq!(parse("13 B params"), Ok(Params(13e9)));
        assert_eq!(parse("1_000_000"), Ok(Tokens(1e6)));
        assert_eq!(parse("40 %"), Ok(Fraction(0.4)));
        assert_eq!(parse("12h"), Ok(Days(0.5)));
        assert_eq!(parse("$50000"), Ok(Usd(50_000.0)));
        assert_eq!(parse("80GB"), Ok(Bytes(80e9)));
        assert_eq!(parse("1 GiB"), Ok(Bytes(1_073_741_824.0)));
        assert_eq!(parse("1e21"), Ok(Flops(1e21)));
    }

    #[test]
    fn slips_are_told_apart() {
        use QuantityError as E;
        assert!(matches!(parse::<Tokens>("13GB"), Err(E::OtherDimension { found: "bytes", .. })));
        assert!(matches!(parse::<Tokens>("10d"), Err(E::OtherDimension { found: "a time", .. })));
        assert!(matches!(parse::<Tokens>("1.5X"), Err(E::UnknownUnit { .. })));
        assert!(matches!(parse::<Flops>("1e400"), Err(E::NotFinite { .. })));
        assert!(matches!(parse::<Flops>("nan"), Err(E::NotFinite { .. })));
        assert!(matches!(parse::<Flops>("-inf"), Err(E::NotFinite { .. })));
        assert!(matches!(parse::<Flops>("0"), Err(E::OutOfRange { .. })));
        assert!(matches!(parse::<Flops>("-1e21"), Err(E::OutOfRange { .. })));
        assert!(matches!(parse::<Flops>("1e60"), Err(E::OutOfRange { .. })));
        assert!(matches!(parse::<Flops>("many"), Err(E::NotANumber { .. })));
        assert!(matches!(parse::<Flops>(""), Err(E::NotANumber { .. })));
        assert!(matches!(parse::<Devices>("2.5"), Err(E::NotWhole { .. })));
        assert!(matches!(parse::<Bytes>("1.5T"), Err(E::UnknownUnit { .. })));
    }
}
