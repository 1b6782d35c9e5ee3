//! Accelerator-hours, energy, money, carbon, and when to run.

mod json;
mod picture;
mod waiting;

use super::answer::Answer;
use super::block::Block;
use super::step;
use crate::derive::{Hours, RunFootprint};
use crate::footprint::{Price, grids, kg_co2e, operators};
use crate::plan::{Assumed, Interval};
use crate::quantity::{grouped, round_significant, significant};

pub use json::{footprint_csv, footprint_json};
pub use picture::footprint_svg;

/// Grids that the same energy is shown on, from clean to dirty.
const ELSEWHERE: [&str; 8] = ["is", "se", "fr", "gb", "us", "de", "cn", "pl"];

/// How the picture of a footprint is drawn in a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FootprintView {
    /// Columns.
    pub width: u16,
    /// Whether it is drawn in ASCII.
    pub ascii: bool,
}

/// The footprint in short, for the answer of a plan.
pub(super) fn section(answer: &Answer) -> Vec<Block> {
    let Some(footprint) = &answer.derivation.footprint else {
        return Vec::new();
    };
    let mut blocks = vec![heading(footprint), table(footprint)];
    blocks.extend(footprint.waiting.as_ref().map(waiting::sentence));
    blocks
}

/// Everything about it.
pub(super) fn page(answer: &Answer, view: FootprintView) -> Vec<Block> {
    let Some(footprint) = &answer.derivation.footprint else {
        return Vec::new();
    };
    let mut blocks = vec![heading(footprint), table(footprint)];
    blocks.extend(arithmetic(footprint).map(|text| Block::Line(format!("  {text}"))));
    blocks.extend(money(answer, footprint).map(Block::Line));
    blocks.extend(elsewhere(footprint));
    if let Some(own) = &footprint.waiting {
        blocks.extend(waiting::blocks(footprint, own));
        blocks.push(Block::Picture(picture::text(own, view.width, view.ascii)));
    }
    blocks.extend(step::assumed(defaults(answer)));
    blocks
}

fn heading(footprint: &RunFootprint) -> Block {
    Block::Heading(match footprint.of {
        Hours::Budget => "Footprint of the budget".to_owned(),
        of => format!("Footprint of the {of}"),
    })
}

/// A number of so many significant digits with its thousands apart.
fn number(value: f64, digits: usize) -> String {
    if value.abs() < 1000.0 {
        significant(value, digits)
    } else {
        grouped(round_significant(value, digits))
    }
}

fn range(ends: Option<Interval>, unit: f64) -> String {
    ends.map_or(String::new(), |[low, high]| {
        format!("{} to {}", number(low / unit, 3), number(high / unit, 3))
    })
}

/// Carbon in a unit that suits it.
fn carbon(kg: f64) -> String {
    if kg >= 1e3 {
        format!("{} t CO2e", number(kg / 1e3, 3))
    } else {
        format!("{} kg CO2e", number(kg, 3))
    }
}

fn table(footprint: &RunFootprint) -> Block {
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String, range: String, basis: String| {
        rows.push(vec![name.to_owned(), value, range, basis]);
    };
    let of_hours = match footprint.of {
        Hours::Steps if footprint.hours_80.is_some() => "80 %: step, goodput",
        Hours::WholeRuns => "80 % of whole runs",
        Hours::Pools if footprint.hours_80.is_some() => "80 % of whole runs",
        _ => "",
    };
    let hours = number(footprint.hours, 4);
    row("accelerator-hours", hours, range(footprint.hours_80, 1.0), of_hours.to_owned());
    if let (Some(days), Some(devices)) = (footprint.days(), footprint.devices) {
        let devices = format!("on {} devices", grouped(devices));
        let ends = footprint.hours_80.map(|ends| ends.map(|hours| hours / footprint.hours * days));
        row("time", format!("{} days", number(days, 3)), range(ends, 1.0), devices);
    }
    if let (Some(power), Some(kwh)) = (footprint.power, footprint.kwh()) {
        let watts = format!("{} W of the site each", number(power.site_watts(), 3));
        let energy = format!("{} MWh", number(kwh / 1e3, 3));
        row("energy", energy, range(footprint.kwh_range(), 1e3), watts);
    }
    if let (Some(kg), Some(grams)) = (footprint.kg_co2e(), footprint.grams_per_kwh) {
        let ends = footprint.kwh_range().map(|ends| ends.map(|kwh| kg_co2e(kwh, grams)));
        let unit = if kg >= 1e3 { 1e3 } else { 1.0 };
        let of = footprint.grid.map_or(String::new(), |g| format!(", {} {}", g.title, g.year));
        row("carbon", carbon(kg), range(ends, unit), format!("{} g/kWh{of}", number(grams, 3)));
    }
    if let (Some((usd, ends)), Some(price)) = (footprint.usd(), footprint.price) {
        let price = format!("{} USD an hour", number(price, 3));
        row("cost", format!("{} USD", number(usd, 3)), range(ends, 1.0), price);
    }
    Block::table(&["", "", "range", ""], rows, 1)
}

/// How energy follows from hours.
fn arithmetic(footprint: &RunFootprint) -> Option<String> {
    let power = footprint.power?;
    Some(format!(
        "Energy: {} h x {} W of an accelerator x {} for its server x {} of the site (PUE).",
        number(footprint.hours, 4),
        number(power.watts, 3),
        number(power.overhead, 3),
        number(power.pue, 3)
    ))
}

/// What it would cost at published prices, with their day.
fn money(answer: &Answer, footprint: &RunFootprint) -> Option<String> {
    let price = footprint.published?;
    let Price { low, middle, high, low_from, high_from, offers, as_of, .. } = price;
    let usd = |price: &f64| number(price * footprint.hours, 3);
    let own = match (footprint.price, &answer.chosen.cost.price_as_of) {
        (Some(_), Some(day)) => format!(" The plan's price is of {day}."),
        (Some(_), None) => " The plan's price has no date: `cost.price_as_of`.".to_owned(),
        (None, _) => " State yours in `cost.usd_per_accelerator_hour`.".to_owned(),
    };
    let text = match offers {
        1 => {
            format!("Published price of {as_of}: {low} USD an hour ({low_from}), {} USD.", usd(low))
        }
        _ => format!(
            "Published prices up to {as_of}, {offers} offers: {low} ({low_from}) to {high} \
             ({high_from}) USD an hour, {} in the middle: {} to {}, {} USD.",
            number(*middle, 3),
            usd(low),
            usd(high),
            usd(middle)
        ),
    };
    Some(format!("  {text}{own}"))
}

/// The same energy on other grids.
fn elsewhere(footprint: &RunFootprint) -> Vec<Block> {
    let Some(kwh) = footprint.kwh() else {
        return Vec::new();
    };
    let own = footprint.grid.map(|grid| grid.name.as_str());
    let shown = grids()
        .iter()
        .filter(|grid| ELSEWHERE.contains(&grid.name.as_str()) || own == Some(grid.name.as_str()));
    let mut shown: Vec<_> = shown.collect();
    shown.sort_by(|a, b| a.grams_per_kwh.total_cmp(&b.grams_per_kwh));
    let rows = shown.into_iter().map(|grid| {
        let mark = if own == Some(grid.name.as_str()) { "  <- here" } else { "" };
        vec![
            format!("{}{mark}", grid.title),
            grid.name.clone(),
            grid.year.to_string(),
            number(grid.grams_per_kwh, 3),
            carbon(kg_co2e(kwh, grid.grams_per_kwh)),
        ]
    });
    let header = ["grid", "name", "year", "g/kWh", "carbon"];
    vec![
        Block::Heading("The same energy on other grids".to_owned()),
        Block::table(&header, rows.collect(), 2),
    ]
}

/// The defaults that a footprint rests on.
fn defaults<'a>(answer: &Answer<'a>) -> impl Iterator<Item = (&'a String, &'a Assumed)> {
    let of_footprint = |key: &str| {
        key.starts_with("site.") || ["cluster.mfu", "operations.goodput"].contains(&key)
    };
    answer.derivation.derived.assumed.iter().filter(move |(key, _)| of_footprint(key))
}

/// Grids, a line each.
pub(super) fn grid_rows() -> Vec<Vec<String>> {
    let rows = grids().iter().map(|grid| {
        vec![
            grid.name.clone(),
            grid.title.clone(),
            grid.basis.to_string(),
            grid.year.to_string(),
            number(grid.grams_per_kwh, 3),
        ]
    });
    rows.collect()
}

/// Operators, a line each.
pub(super) fn operator_rows() -> Vec<Vec<String>> {
    let rows = operators().iter().map(|operator| {
        let (year, pue) = (operator.year.to_string(), format!("{:.2}", operator.pue));
        vec![operator.name.clone(), operator.title.clone(), year, pue]
    });
    rows.collect()
}
