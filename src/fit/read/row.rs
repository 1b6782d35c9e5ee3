//! A row of a table, and what it is understood as.

use super::{Columns, ReadRunsError, Role};
use crate::fit::{MeasuredOptimum, MixtureRun, Run};
use crate::quantity::{Flops, FlopsPerParamToken, Params, Quantity, Tokens, parse};
use crate::table::{Place, shortened};
use csv::StringRecord;

/// How far a mixture's shares may sum from one: published ones are rounded to three digits.
const ROUNDING: f64 = 0.01;

/// A row of the file.
pub(super) struct Row<'a> {
    pub(super) record: &'a StringRecord,
    pub(super) line: u64,
}

impl Row<'_> {
    pub(super) fn field(&self, column: usize) -> &str {
        self.record.get(column).unwrap_or_default()
    }

    /// A number, or `None` where there is none.
    fn number(&self, role: Role, column: usize) -> Option<f64> {
        let text = self.field(column);
        if let Ok(number) = text.parse() {
            return Some(number);
        }
        match role {
            Role::Params => parse::<Params>(text).ok().map(Quantity::get),
            Role::Tokens | Role::UniqueTokens => parse::<Tokens>(text).ok().map(Quantity::get),
            Role::Flops => parse::<Flops>(text).ok().map(Quantity::get),
            Role::Loss | Role::Weight | Role::LogStd | Role::Mixture => None,
        }
    }

    /// What a role comes to in this row, whether it stands there or follows.
    pub(super) fn value(
        &self,
        role: Role,
        columns: &Columns,
        k: FlopsPerParamToken,
    ) -> Option<f64> {
        if let Some(column) = columns.of(role) {
            return self.number(role, column);
        }
        let stated = |role| self.number(role, columns.of(role)?);
        match role {
            Role::Tokens => Some(stated(Role::Flops)? / (k.0 * stated(Role::Params)?)),
            Role::Flops => Some(k.0 * stated(Role::Params)? * stated(Role::Tokens)?),
            Role::Weight => Some(1.0),
            Role::Params | Role::Loss | Role::UniqueTokens | Role::LogStd | Role::Mixture => None,
        }
    }

    /// The field of a column, which must be a number above zero, or not below where that is allowed.
    fn sound(
        &self,
        role: Role,
        column: usize,
        header: &StringRecord,
        zero: bool,
    ) -> Result<f64, ReadRunsError> {
        let place =
            || Place { line: self.line, column: column + 1, name: header[column].to_owned() };
        let text = self.field(column);
        match self.number(role, column) {
            Some(number) if number.is_finite() && (number > 0.0 || (zero && number == 0.0)) => {
                Ok(number)
            }
            Some(_) => Err(ReadRunsError::Value { place: place(), role, text: shortened(text) }),
            None if text.is_empty() => Err(ReadRunsError::EmptyField { place: place() }),
            None => Err(ReadRunsError::NotANumber { place: place(), text: shortened(text) }),
        }
    }

    pub(super) fn run(
        &self,
        columns: &Columns,
        header: &StringRecord,
        k: FlopsPerParamToken,
    ) -> Result<Run, ReadRunsError> {
        let value = |role: Role| match columns.of(role) {
            Some(column) => self.sound(role, column, header, false),
            None => Ok(self.value(role, columns, k).unwrap_or(f64::NAN)),
        };
        if columns.of(Role::Flops).is_some() {
            value(Role::Flops)?;
        }
        let unique =
            columns.of(Role::UniqueTokens).filter(|&column| !self.field(column).is_empty());
        Ok(Run {
            params: value(Role::Params)?,
            tokens: value(Role::Tokens)?,
            loss: value(Role::Loss)?,
            weight: value(Role::Weight)?,
            unique_tokens: unique.map(|_| value(Role::UniqueTokens)).transpose()?,
            line: self.line,
        })
    }

    pub(super) fn optimum(
        &self,
        columns: &Columns,
        header: &StringRecord,
    ) -> Result<MeasuredOptimum, ReadRunsError> {
        let value = |role: Role| {
            columns.of(role).map(|column| self.sound(role, column, header, false)).transpose()
        };
        let spread = value(Role::LogStd)?;
        Ok(MeasuredOptimum {
            flops: value(Role::Flops)?.unwrap_or(f64::NAN),
            params: value(Role::Params)?,
            tokens: value(Role::Tokens)?,
            weight: value(Role::Weight)?.unwrap_or(1.0) / spread.map_or(1.0, |one| one * one),
            line: self.line,
        })
    }

    pub(super) fn mixture(
        &self,
        columns: &Columns,
        header: &StringRecord,
    ) -> Result<MixtureRun, ReadRunsError> {
        let all = |role: Role, zero: bool| -> Result<Vec<f64>, ReadRunsError> {
            let columns = columns.all(role).into_iter();
            columns.map(|(column, _)| self.sound(role, column, header, zero)).collect()
        };
        let mut shares = all(Role::Mixture, true)?;
        let sum: f64 = shares.iter().sum();
        if (sum - 1.0).abs() > ROUNDING {
            return Err(ReadRunsError::NoMixture { line: self.line, sum });
        }
        for share in &mut shares {
            *share /= sum;
        }
        let weight = columns.of(Role::Weight);
        Ok(MixtureRun {
            shares,
            losses: all(Role::Loss, false)?,
            weight: weight.map_or(Ok(1.0), |at| self.sound(Role::Weight, at, header, false))?,
            line: self.line,
        })
    }
}
