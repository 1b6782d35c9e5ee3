//! What the tool knows: laws, rules, accelerators, nodes, engines, models, loaders.

mod machines;
mod places;

use super::block::Block;
use super::loader::{boundary, counted, how, length, place, ramp, run_out, sum};
use super::throughput;
use crate::check::{self, RULES};
use crate::data::loader::{self, Loader};
use crate::fact::{Fact, UnknownName, nearest};
use crate::footprint::{grids, operators};
use crate::hardware::{self, nodes};
use crate::law::{self, Draws, Form, Law, Range, Status};
use crate::model::{self, Published, PublishedShape};
use crate::quantity::{Quantity, grouped, significant};
use crate::throughput::engines;
use machines::{explain_accelerator, explain_engine, explain_node};

/// What can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Scaling laws.
    Laws,
    /// Rules of `check`.
    Rules,
    /// Accelerators.
    Accelerators,
    /// Machines and their links.
    Nodes,
    /// Training engines whose time is predicted.
    Engines,
    /// Published models.
    Models,
    /// Training data loaders.
    Loaders,
    /// Grids and what their kilowatt-hours emit.
    Grids,
    /// Operators of data centres and their PUE.
    Operators,
}

impl Kind {
    /// Every kind with its name.
    pub const ALL: [(&'static str, Self); 9] = [
        ("laws", Self::Laws),
        ("rules", Self::Rules),
        ("accelerators", Self::Accelerators),
        ("models", Self::Models),
        ("loaders", Self::Loaders),
        ("nodes", Self::Nodes),
        ("engines", Self::Engines),
        ("grids", Self::Grids),
        ("operators", Self::Operators),
    ];
}

/// All entries of a kind, a line each.
#[must_use]
pub fn list(kind: Kind) -> Vec<Block> {
    let cells = |row: &[&str]| row.iter().map(|&cell| cell.to_owned()).collect::<Vec<_>>();
    vec![match kind {
        Kind::Laws => {
            let rows = law::catalogue()
                .iter()
                .map(|law| cells(&[&law.name, &law.title, status(law.status)]));
            Block::table(&["law", "title", ""], rows.collect(), 3)
        }
        Kind::Rules => {
            let level = |rule: &check::Rule| {
                if rule.strict { "picky".to_owned() } else { rule.level.to_string() }
            };
            let rows = RULES.iter().map(|rule| cells(&[rule.id, &level(rule), rule.summary]));
            Block::table(&["rule", "level", "finds that"], rows.collect(), 3)
        }
        Kind::Accelerators => {
            let rows = hardware::catalogue().iter().map(|accelerator| {
                let peak = format!("{} TFLOP/s", significant(accelerator.peak_flops.0 / 1e12, 4));
                cells(&[&accelerator.name, &accelerator.title, &peak])
            });
            Block::table(&["accelerator", "title", "dense BF16 peak"], rows.collect(), 2)
        }
        Kind::Nodes => {
            let header = ["node", "title", "GB/s inside", "GB/s beyond"];
            Block::table(&header, throughput::node_rows(), 2)
        }
        Kind::Engines => {
            let rows = engines().iter().map(|engine| cells(&[&engine.name, &engine.title]));
            Block::table(&["engine", "title"], rows.collect(), 2)
        }
        Kind::Models => {
            let rows = model::catalogue().iter().map(|model| {
                cells(&[
                    &model.name,
                    &model.title,
                    &model.params.human(),
                    &model.tokens.human(),
                    &model.year.to_string(),
                    if model::shapes().find(&model.name).is_ok() { "yes" } else { "no" },
                ])
            });
            let known = |name: &str| model::catalogue().find(name).is_ok();
            let shapes = model::shapes().iter().filter(|shape| !known(&shape.name));
            let others = shapes.filter_map(|published| {
                let params = published.shape().ok()?.params().human();
                Some(cells(&[&published.name, &published.title, &params, "", "", "yes"]))
            });
            let rows = rows.chain(others).collect();
            Block::table(&["model", "title", "parameters", "tokens", "year", "shape"], rows, 2)
        }
        Kind::Grids => {
            let header = ["grid", "title", "basis", "year", "g CO2e/kWh"];
            Block::table(&header, super::footprint::grid_rows(), 3)
        }
        Kind::Operators => {
            let header = ["operator", "title", "year", "PUE"];
            Block::table(&header, super::footprint::operator_rows(), 2)
        }
        Kind::Loaders => {
            let rows = loader::catalogue().iter().map(|loader| {
                cells(&[&loader.name, run_out(loader.exhausted), how(loader.stages.how)])
            });
            Block::table(&["loader", "a source that runs out", "stages"], rows.collect(), 3)
        }
    }]
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Current => "",
        Status::Historical => "historical",
        Status::Warned => "warned",
    }
}

/// Everything about a name of any kind.
///
/// # Errors
/// A name that nothing has, with the nearest ones.
pub fn explain(name: &str) -> Result<Vec<Block>, UnknownName> {
    if let Ok(law) = law::catalogue().find(name) {
        return Ok(explain_law(law));
    }
    if let Some(rule) = check::find(name) {
        return Ok(explain_rule(rule));
    }
    if let Ok(accelerator) = hardware::catalogue().find(name) {
        return Ok(explain_accelerator(accelerator));
    }
    if let Ok(node) = nodes().find(name) {
        return Ok(explain_node(node));
    }
    if let Ok(model) = model::catalogue().find(name) {
        return Ok(explain_model(model));
    }
    if let Ok(shape) = model::shapes().find(name) {
        return Ok(explain_shape(shape));
    }
    // some projects are both: a loader and an engine
    let loader = loader::catalogue().find(name).map(explain_loader);
    let engine = engines().find(name).map(explain_engine);
    if loader.is_ok() || engine.is_ok() {
        return Ok(loader.into_iter().chain(engine).flatten().collect());
    }
    if let Some(place) = places::explain(name) {
        return Ok(place);
    }
    let known = names(law::catalogue().iter())
        .chain(RULES.iter().map(|rule| rule.id))
        .chain(names(hardware::catalogue().iter()))
        .chain(names(nodes().iter()))
        .chain(names(engines().iter()))
        .chain(names(model::catalogue().iter()))
        .chain(names(model::shapes().iter()))
        .chain(names(loader::catalogue().iter()))
        .chain(names(grids().iter()))
        .chain(names(operators().iter()));
    let nearest = nearest(name, known);
    Err(UnknownName { kind: "name", name: name.to_owned(), nearest })
}

fn names<'a, T: Fact + 'a>(entries: impl Iterator<Item = &'a T>) -> impl Iterator<Item = &'a str> {
    entries.flat_map(|entry| {
        std::iter::once(entry.name()).chain(entry.aliases().iter().map(String::as_str))
    })
}

/// A title and rows of name and text, the source last.
fn page<T: Fact>(entry: &T, title: &str, rows: Vec<(&str, String)>) -> Vec<Block> {
    let mut all = vec![("name", entry.name().to_owned())];
    if !entry.aliases().is_empty() {
        all.push(("also", entry.aliases().join(", ")));
    }
    all.extend(rows);
    all.push(("source", entry.source().to_owned()));
    // a law file need not say when it was made
    all.extend(
        Some(entry.as_of().to_string()).filter(|day| day != "1970-01-01").map(|day| ("as of", day)),
    );
    let rows = all.into_iter().map(|(key, text)| vec![key.to_owned(), text]).collect();
    vec![Block::Heading(title.to_owned()), Block::table(&["", ""], rows, 2)]
}

/// Where the intervals of a law file are from.
fn of_file(draws: usize) -> String {
    format!("80 %, from the {draws} draws of the file")
}

/// Everything about a law, be it of the catalogue or of a file.
#[must_use]
pub fn explain_law(law: &Law) -> Vec<Block> {
    let mut rows = vec![
        ("form", form(law)),
        ("N counts", law.counts.clone()),
        ("data", law.data.clone()),
        ("range", range(&law.range)),
    ];
    if let Some(repeats) = law.repeats {
        rows.push(("repeats", format!("R_D* = {}, R_N* = {}", repeats.tokens, repeats.params)));
    }
    rows.extend(match &law.draws {
        Draws::None => None,
        Draws::Embedded => Some((
            "intervals",
            "80 %, from 256 bootstrap draws: Huber fits (delta 1e-3, log loss) to resamples of the \
             240 points, of 4000 those at evenly spaced, bias-corrected ranks of the exponent of \
             N*; tests/draws.rs makes them and says how to repeat it"
                .to_owned(),
        )),
        Draws::Own(draws) => Some(("intervals", of_file(draws.len()))),
        Draws::Powers(draws) => Some(("intervals", of_file(draws.len()))),
    });
    if law.status != Status::Current {
        rows.push(("status", status(law.status).to_owned()));
    }
    if let Some(note) = &law.note {
        rows.push(("note", note.clone()));
    }
    page(law, &law.title, rows)
}

fn form(law: &Law) -> String {
    if let Some(s) = law.surface() {
        let repeats = law.repeats.map_or("", |_| {
            " on N' and D' for N and D, where D' = U (1 + R_D* (1 - e^(-R/R_D*))) for R repeats of \
             U unique tokens, and N' alike beyond the size that U can feed"
        });
        return format!(
            "L = E + A/N^alpha + B/D^beta{repeats}; E = {}, A = {}, B = {}, alpha = {}, beta = {}",
            significant(s.e, 7),
            significant(s.a, 7),
            significant(s.b, 7),
            significant(s.alpha, 7),
            significant(s.beta, 7)
        );
    }
    match &law.form {
        Form::Table(rows) => {
            let fitted = law::PowerLaw::through(rows);
            let lines = powers(&fitted);
            format!("least-squares line through {} printed optima: {lines}", rows.len())
        }
        Form::Power(power) => powers(power),
        Form::Ratio(ratio) => format!("D = {ratio} N"),
        Form::Surface(_) | Form::SurfaceLogs(_) | Form::OverTraining(_) => String::new(),
    }
}

fn powers(power: &law::PowerLaw) -> String {
    let unit = if power.unit_flops > 1.0 { "C in PF-days" } else { "C in FLOP" };
    let term = |name: &str, power: Option<law::Power>| {
        power.map(|p| {
            format!("{name} = {} C^{}", significant(p.coefficient, 6), significant(p.exponent, 5))
        })
    };
    let loss =
        power.loss.map(|p| format!("L = ({}/C)^{}", significant(p.coefficient, 6), p.exponent));
    let terms = [
        term("N", power.params),
        term("M", power.flops_per_token),
        term("D", power.tokens),
        loss,
        Some(unit.to_owned()),
    ];
    terms.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn range(range: &Range) -> String {
    let side = |name: &str, ends: Option<[f64; 2]>| {
        ends.map(|[low, high]| match low {
            0.0 => format!("{name} up to {}", significant(high, 3)),
            low => format!("{name} {} to {}", significant(low, 3), significant(high, 3)),
        })
    };
    let sides = [
        side("C", range.flops),
        side("N", range.params),
        side("D", range.tokens),
        side("D/N", range.tokens_per_param),
    ];
    sides.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// The page of a rule: its headings as headings, its code as it is.
fn explain_rule(rule: &check::Rule) -> Vec<Block> {
    let title = format!("{} ({}, {}, since {})", rule.id, rule.family, rule.level, rule.since);
    let mut blocks = vec![Block::Heading(title)];
    let mut code = false;
    for line in rule.page.lines().skip(1).filter(|line| !line.is_empty()) {
        if line.starts_with("```") {
            code = !code;
        } else if let Some(heading) = line.strip_prefix("## ") {
            blocks.push(Block::Heading(heading.to_owned()));
        } else {
            let indent = if code { "    " } else { "  " };
            blocks.push(Block::Line(format!("{indent}{line}")));
        }
    }
    blocks
}

fn explain_model(model: &Published) -> Vec<Block> {
    let mut rows = vec![("parameters", model.params.human())];
    if let Some(active) = model.active_params {
        rows.push(("active", active.human()));
    }
    rows.push(("tokens", model.tokens.human()));
    rows.push(("year", model.year.to_string()));
    let shape = match model::shapes().find(&model.name) {
        Ok(_) => format!("`llmplan model {}` counts it", model.name),
        Err(_) => "not known here: its config.json, or `[model.shape]`, would say it".to_owned(),
    };
    rows.push(("shape", shape));
    if let Some(note) = &model.note {
        rows.push(("note", note.clone()));
    }
    page(model, &model.title, rows)
}

/// A model of which the shape alone is known.
fn explain_shape(published: &PublishedShape) -> Vec<Block> {
    let mut rows = Vec::new();
    if let Ok(shape) = published.shape() {
        rows.push(("parameters", shape.params().human()));
    }
    rows.push(("shape", format!("`llmplan model {}` counts it", published.name)));
    rows.push(("config.json", published.config.clone()));
    if let Some(note) = &published.note {
        rows.push(("note", note.clone()));
    }
    page(published, &published.title, rows)
}

fn explain_loader(loader: &Loader) -> Vec<Block> {
    let mut rows = vec![
        ("weights", loader.keys.clone()),
        ("a weight counts", counted(loader.unit).to_owned()),
        ("they sum", sum(loader.weights)),
        ("a source that runs out", run_out(loader.exhausted).to_owned()),
    ];
    if let Some(option) = &loader.repeats_by {
        rows.push(("repeats it", option.clone()));
    }
    if let Some(block) = loader.block {
        let least = significant(100.0 / f64::from(block), 2);
        let text =
            format!("{block} sequences, counts rounded down in each: least weight {least} %");
        rows.push(("block", text));
    }
    if let Some(most) = loader.max_sources {
        rows.push(("most sources", grouped(f64::from(most))));
    }
    let (how, boundary) = (how(loader.stages.how), boundary(loader.stages.boundary));
    rows.push(("stages", format!("{how}{boundary}: {}", loader.stages.key)));
    rows.push(("a later stage", place(loader.place).to_owned()));
    rows.push(("sequence length", length(loader.sequence_change).to_owned()));
    rows.push(("a ramp", ramp(loader.ramps).to_owned()));
    rows.extend(loader.traps.iter().map(|trap| ("trap", trap.clone())));
    if let Some(note) = &loader.note {
        rows.push(("note", note.clone()));
    }
    page(loader, &loader.title, rows)
}
