//! What is reported of a run.

use crate::quantity::{
    AcceleratorHours, Days, Flops, Fraction, GramsPerKilowattHour, KilowattHours, TonnesCo2e, Watts,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a paper, a card or a log reports of the run. Nothing is derived from it: `check` holds it
/// against what follows from the plan, and one figure against another.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reported {
    /// Training compute, FLOP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flops: Option<Flops>,
    /// Accelerator-hours of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accelerator_hours: Option<AcceleratorHours>,
    /// Wall-clock days of the run; with `cluster.devices` they are hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<Days>,
    /// MFU as printed: of a step or a benchmark, without restarts and evaluations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mfu: Option<Fraction>,
    /// Electricity of the run, kWh, what the building adds included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy_kwh: Option<KilowattHours>,
    /// Power of one accelerator that the energy was computed with, W, without what the building adds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watts_per_accelerator: Option<Watts>,
    /// Emissions by the grid that the run drew from, metric tons of CO2 equivalents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tco2e: Option<TonnesCo2e>,
    /// Carbon intensity of the grid that the emissions were computed with, g of CO2 equivalents a
    /// kWh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grams_per_kwh: Option<GramsPerKilowattHour>,
}
