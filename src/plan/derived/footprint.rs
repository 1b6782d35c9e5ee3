//! What the run takes from its surroundings.

use super::Interval;
use crate::quantity::Usd;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Hours, energy, money and carbon.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DerivedFootprint {
    /// What it is of: the run by its utilisation or by its step, or the hours of the budget.
    pub of: String,
    /// Accelerator-hours.
    pub accelerator_hours: f64,
    /// 80 % of further runs: by published whole runs, or by the time of a step and published goodput.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accelerator_hours_80: Option<Interval>,
    /// Wall-clock days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<f64>,
    /// US dollars at the plan's price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd: Option<Usd>,
    /// The same for the range of the hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_80: Option<Interval>,
    /// US dollars at the lowest and the highest published price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published_usd: Option<Interval>,
    /// Day of the newest of these prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published_as_of: Option<String>,
    /// Watts of the site for one accelerator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site_watts: Option<f64>,
    /// Energy of the site, kWh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kwh: Option<f64>,
    /// Range of the energy from that of the hours and from what servers draw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kwh_range: Option<Interval>,
    /// Grams of CO2 equivalent that a kilowatt-hour emits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grams_per_kwh: Option<f64>,
    /// Kilograms of CO2 equivalent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kg_co2e: Option<f64>,
    /// Range of the carbon from that of the energy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kg_co2e_range: Option<Interval>,
    /// When to run, where the grid's intensity is known over time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<DerivedSchedule>,
}

/// When to run so as to emit least.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DerivedSchedule {
    /// When it starts.
    pub start: String,
    /// When it ends.
    pub end: String,
    /// Pauses between.
    pub pauses: u64,
    /// Kilograms of CO2 equivalent.
    pub kg_co2e: f64,
    /// Kilograms of CO2 equivalent if it starts at once and runs through.
    pub kg_co2e_at_once: f64,
    /// Hours by which it ends later than at once.
    pub hours_later: f64,
}
