//! Where a run takes place, and what its energy is like.

use crate::quantity::{GramsPerKilowattHour, Hours, Overhead, Watts};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// Where the accelerators are.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Name of the grid: `llmplan explain --list grids`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grid: Option<String>,
    /// What a kilowatt-hour emits, grams of CO2 equivalent; it goes before what the catalogue says
    /// of `grid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grams_per_kwh: Option<GramsPerKilowattHour>,
    /// A CSV of the grid's intensity over time, from the plan's folder: when to run follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grid_series: Option<String>,
    /// Its column that holds the intensity, where several could.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grid_column: Option<String>,
    /// When the run may start, such as 2025-03-01T00:00Z; at the start of the series unless stated.
    #[serde(default, deserialize_with = "text_or_time", skip_serializing_if = "Option::is_none")]
    pub earliest_start: Option<String>,
    /// When it has to have ended; with the series unless stated.
    #[serde(default, deserialize_with = "text_or_time", skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
    /// Hours at full draw without progress after each pause: 1 unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume_hours: Option<Hours>,
    /// Who runs the data centre, whose PUE is taken: `llmplan explain --list operators`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// Energy of the site over that of its computers; it goes before the operator's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pue: Option<Overhead>,
    /// Mean draw of one accelerator, watts; 0.8 of its rated power unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watts_per_accelerator: Option<Watts>,
    /// Draw of a server over that of its accelerators: 1.5 unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_overhead: Option<Overhead>,
}

/// A date, or a date and a time, with or without quotes.
pub(super) fn text_or_time<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let value = toml::Value::deserialize(deserializer)?;
    match value {
        toml::Value::String(text) => Ok(Some(text)),
        toml::Value::Datetime(time) => Ok(Some(time.to_string())),
        _ => Err(serde::de::Error::custom("write a date such as 2025-03-01T00:00Z")),
    }
}
