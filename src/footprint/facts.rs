//! Prices, rated powers, sites and grids, each with its source and date.

use crate::fact::{Catalogue, fact};
use serde::Deserialize;
use std::sync::LazyLock;
use toml::value::Datetime;

/// Published prices, by accelerator.
#[must_use]
pub fn prices() -> &'static Catalogue<Price> {
    static PRICES: LazyLock<Catalogue<Price>> =
        LazyLock::new(|| Catalogue::embedded(include_str!("prices.toml")));
    &PRICES
}

/// Rated powers, by accelerator.
#[must_use]
pub fn rated_powers() -> &'static Catalogue<RatedPower> {
    static POWERS: LazyLock<Catalogue<RatedPower>> =
        LazyLock::new(|| Catalogue::embedded(include_str!("power.toml")));
    &POWERS
}

/// Operators of data centres with their PUE.
#[must_use]
pub fn operators() -> &'static Catalogue<Operator> {
    static OPERATORS: LazyLock<Catalogue<Operator>> =
        LazyLock::new(|| Catalogue::embedded(include_str!("operators.toml")));
    &OPERATORS
}

/// Grids with their carbon intensity.
#[must_use]
pub fn grids() -> &'static Catalogue<Grid> {
    static GRIDS: LazyLock<Catalogue<Grid>> =
        LazyLock::new(|| Catalogue::embedded(include_str!("grids.toml")));
    &GRIDS
}

/// What an accelerator-hour cost on demand in one quarter.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Name of the accelerator.
    pub name: String,
    /// Others that the same offers are for.
    pub aliases: Vec<String>,
    /// The lowest offer, US dollars.
    pub low: f64,
    /// The one in the middle.
    pub middle: f64,
    /// The highest.
    pub high: f64,
    /// Who made the lowest.
    pub low_from: String,
    /// Who made the highest.
    pub high_from: String,
    /// How many there were.
    pub offers: u32,
    /// Table that has them.
    pub source: String,
    /// Day of the newest offer.
    pub as_of: Datetime,
}

fact!(Price, "price");

/// The rated power of one accelerator.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RatedPower {
    /// Name of the accelerator.
    pub name: String,
    /// Others of the same power.
    pub aliases: Vec<String>,
    /// Watts.
    pub watts: f64,
    /// Table or data sheet.
    pub source: String,
    /// When it was read there.
    pub as_of: Datetime,
}

fact!(RatedPower, "rated power");

/// Who runs a data centre, and how much its site takes beside the computers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// The id that plans use.
    pub name: String,
    /// Other names that find it.
    pub aliases: Vec<String>,
    /// One line for people.
    pub title: String,
    /// Energy of the site over that of its computers.
    pub pue: f64,
    /// The year that it is of.
    pub year: u16,
    /// Who published it.
    pub source: String,
    /// When it was read there.
    pub as_of: Datetime,
}

fact!(Operator, "operator");

/// A grid and what its kilowatt-hours emit in the mean of a year.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    /// The id that plans use.
    pub name: String,
    /// Other names that find it.
    pub aliases: Vec<String>,
    /// One line for people.
    pub title: String,
    /// The year that the figure is of.
    pub year: u16,
    /// Grams of CO2 equivalent.
    pub grams_per_kwh: f64,
    /// What was counted.
    pub basis: Basis,
    /// Table that has it.
    pub source: String,
    /// When it was read there.
    pub as_of: Datetime,
}

fact!(Grid, "grid");

/// What a grid's figure counts; the bases of one place may differ twofold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// A country's electricity over its life cycle.
    Country,
    /// What the plants of a state emit.
    State,
    /// The grid of a cloud's region, as the cloud tells it.
    #[serde(rename = "cloud region")]
    CloudRegion,
}

impl std::fmt::Display for Basis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Country => "country",
            Self::State => "state",
            Self::CloudRegion => "cloud region",
        })
    }
}
