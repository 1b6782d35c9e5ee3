//! Conditions on rows: `flops<1e21`.

use super::columns::named;
use super::row::Row;
use super::{Columns, ReadRunsError, Role};
use crate::quantity::FlopsPerParamToken;
use csv::StringRecord;
use std::str::FromStr;

/// A condition as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// What is compared: params, tokens, flops, loss, weight, `unique_tokens` or epochs, or the name of a
    /// column.
    pub name: String,
    /// How.
    pub condition: Condition,
    /// With what.
    pub value: String,
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
    /// `=`
    Is,
    /// `!=`
    IsNot,
}

/// Longer signs first, so that `<=` is not read as `<`.
const SIGNS: [(&str, Condition); 7] = [
    ("<=", Condition::AtMost),
    (">=", Condition::AtLeast),
    ("!=", Condition::IsNot),
    ("==", Condition::Is),
    ("<", Condition::Less),
    (">", Condition::More),
    ("=", Condition::Is),
];

impl FromStr for Filter {
    type Err = ReadRunsError;

    fn from_str(text: &str) -> Result<Self, ReadRunsError> {
        let none = || ReadRunsError::NoCondition { text: text.to_owned() };
        let at = text.find(['<', '>', '=', '!']).ok_or_else(none)?;
        let (name, rest) = text.split_at(at);
        let (sign, condition) =
            SIGNS.into_iter().find(|(sign, _)| rest.starts_with(sign)).ok_or_else(none)?;
        let (name, value) = (name.trim(), rest[sign.len()..].trim());
        let compares = !matches!(condition, Condition::Is | Condition::IsNot);
        if name.is_empty() || value.is_empty() || (compares && number(value).is_none()) {
            return Err(none());
        }
        Ok(Self { name: name.to_owned(), condition, value: value.to_owned() })
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|value| !value.is_nan())
}

/// A condition that knows where its value stands.
pub(super) struct Placed<'a> {
    filter: &'a Filter,
    of: Of,
}

/// What a condition compares.
enum Of {
    Role(Role),
    /// Tokens over unique tokens.
    Epochs,
    Column(usize),
}

/// Finds the column of each condition: a role's, or that of a name.
pub(super) fn place<'a>(
    filters: &'a [Filter],
    header: &StringRecord,
    columns: &Columns,
) -> Result<Vec<Placed<'a>>, ReadRunsError> {
    let placed = filters.iter().map(|filter| {
        let role = Role::ALL.into_iter().find(|role| role.name() == filter.name);
        let stands = |role: &Role| {
            let follows = matches!(role, Role::Tokens | Role::Flops);
            columns.of(*role).is_some() || (follows && columns.of(Role::Params).is_some())
        };
        let of = match role.filter(stands) {
            Some(role) => Of::Role(role),
            None if filter.name == "epochs" && columns.of(Role::UniqueTokens).is_some() => {
                Of::Epochs
            }
            None => Of::Column(named(header, &filter.name)?),
        };
        Ok(Placed { filter, of })
    });
    placed.collect()
}

impl Placed<'_> {
    /// A field that is no number meets no comparison.
    pub(super) fn holds(&self, row: &Row, columns: &Columns, k: FlopsPerParamToken) -> bool {
        let value = match self.of {
            Of::Role(role) => row.value(role, columns, k),
            Of::Epochs => row
                .value(Role::Tokens, columns, k)
                .zip(row.value(Role::UniqueTokens, columns, k))
                .map(|(tokens, unique)| tokens / unique),
            Of::Column(column) => number(row.field(column)),
        };
        if let (Some(value), Some(with)) = (value, number(&self.filter.value)) {
            return match self.filter.condition {
                Condition::Less => value < with,
                Condition::AtMost => value <= with,
                Condition::More => value > with,
                Condition::AtLeast => value >= with,
                Condition::Is => value.total_cmp(&with).is_eq(),
                Condition::IsNot => value.total_cmp(&with).is_ne(),
            };
        }
        let text = match self.of {
            Of::Column(column) => row.field(column),
            Of::Role(_) | Of::Epochs => "",
        };
        match self.filter.condition {
            Condition::Is => text == self.filter.value,
            Condition::IsNot => text != self.filter.value,
            _ => false,
        }
    }
}
