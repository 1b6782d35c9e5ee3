//! Hours of whole runs: what `src/footprint/whole_runs.toml` says, computed from the runs of
//! `plans/published`, and every run held against an interval from which it was left out.
//! docs/published-hours.md lists them all; `LLMPLAN_REGENERATE=1` writes both anew.

use super::{Published, RUNS, root};
use libm::{exp, log};
use plan::fact::Fact as _;
use plan::footprint::{GOODPUT, GOODPUT_80, whole_runs};
use plan::hardware;
use plan::quantity::{FlopsPerParamToken, grouped, round_significant, significant};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

/// Runs whose hours are not those of one training run of the stated size and tokens.
const UNSOUND: &[(&str, &str)] = &[
    ("amber-7b", "circular: 25 days are its tokens over the 582.4 thousand a second of its steps"),
    ("llama-3-8b", "hours of the model's whole life, not of one run"),
    ("llama-3.1-405b", "hours of the model's whole life, not of one run"),
    ("llama-3.1-70b", "hours of the model's whole life, not of one run"),
    ("llama-3.2-1b", "pruned and distilled: the tokens went through a teacher too"),
    ("llama-3.2-3b", "pruned and distilled: the tokens went through a teacher too"),
    ("llama-4-maverick-17bx128e", "distilled together with a larger model"),
    ("mpt-1b-redpajama-200b", "no hours: \"about half a day\""),
    ("mpt-30b", "an estimate of the card; the run was on other devices first"),
    ("nemotron-4-15b", "no hours: most of its 13 days had fewer devices than are named"),
    ("phi-1.5", "two figures for its hours, four times apart"),
    ("snowflake-arctic", "an upper limit: \"less than\""),
];

/// Runs whose printed utilisation counts recomputation: it is none of the model's FLOPs.
const HARDWARE: &[&str] = &["bloom-176b", "opt-175b"];

/// A sound run: its model left out, others say how long it should take.
struct Run {
    name: &'static str,
    kind: usize,
    accelerator: &'static str,
    flops: f64,
    hours: f64,
    /// Logarithm of 6ND over hours and peak.
    used: f64,
    peak: f64,
}

/// A published run whose hours are reported, or follow from its days and devices.
fn stated(run: &'static Published) -> Option<Run> {
    let chosen = &run.document.chosen;
    let reported = &chosen.reported;
    let by_days = || Some(reported.days?.0 * 24.0 * chosen.cluster.devices?.0);
    let hours = reported.accelerator_hours.map(|hours| hours.0).or_else(by_days)?;
    let name = chosen.cluster.accelerator.as_deref()?;
    let accelerator = hardware::catalogue().find(name).unwrap();
    let kind = whole_runs().iter().position(|kind| kind.aliases.contains(&accelerator.name));
    let flops = FlopsPerParamToken::TRAINING.cost(chosen.model.params?, chosen.run.tokens?).0;
    let peak = accelerator.peak_flops.0;
    Some(Run {
        name: run.name(),
        kind: kind.unwrap_or_else(|| panic!("{}: {name} is of no kind", run.name())),
        accelerator: accelerator.name(),
        flops,
        hours,
        used: log(flops / (hours * 3600.0 * peak)),
        peak,
    })
}

fn sound() -> Vec<Run> {
    let unsound = |run: &Run| UNSOUND.iter().any(|(name, _)| *name == run.name);
    RUNS.iter().filter_map(stated).filter(|run| !unsound(run)).collect()
}

/// The 90 % quantile of Student's t, by Cornish and Fisher's expansion about the normal one.
fn student_90(degrees: f64) -> f64 {
    let z: f64 = 1.281_551_565_544_6;
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    let third = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
    z + first / degrees + second / degrees.powi(2) + third / degrees.powi(3)
}

/// Printed tables of the t distribution.
#[test]
fn students_quantile_is_that_of_tables() {
    for (degrees, printed) in [(10.0, 1.372), (20.0, 1.325), (30.0, 1.310), (40.0, 1.303)] {
        assert!((student_90(degrees) - printed).abs() < 5.1e-4, "{degrees}");
    }
}

/// Means of the logarithms by kind with how many there are, and the half width of the interval of
/// one further run of each: normal logarithms with one deviation for all kinds.
fn fit<'a>(runs: impl Iterator<Item = &'a Run>) -> BTreeMap<usize, (f64, f64, f64)> {
    let mut kinds: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for run in runs {
        kinds.entry(run.kind).or_default().push(run.used);
    }
    let count = |all: &[f64]| f64::from(u32::try_from(all.len()).unwrap());
    let mean = |all: &[f64]| all.iter().sum::<f64>() / count(all);
    let squares = |all: &[f64]| all.iter().map(|used| (used - mean(all)).powi(2)).sum::<f64>();
    let degrees: f64 = kinds.values().map(|all| count(all) - 1.0).sum();
    let deviation = (kinds.values().map(|all| squares(all)).sum::<f64>() / degrees).sqrt();
    let kinds = kinds.into_iter().map(|(kind, all)| {
        let further = (1.0 + 1.0 / count(&all)).sqrt();
        (kind, (mean(&all), student_90(degrees) * deviation * further, count(&all)))
    });
    kinds.collect()
}

/// The hours that the other runs give a run: lowest, mean and highest.
fn left_out(run: &Run, runs: &[Run]) -> [f64; 3] {
    let (mean, half, _) = fit(runs.iter().filter(|other| other.name != run.name))[&run.kind];
    [mean + half, mean, mean - half].map(|used| run.flops / (exp(used) * run.peak) / 3600.0)
}

fn holds(run: &Run, runs: &[Run]) -> bool {
    let [low, _, high] = left_out(run, runs);
    (low..=high).contains(&run.hours)
}

/// Whether 75 to 85 % of so many runs are within their intervals.
fn eighty(inside: usize, all: usize) -> bool {
    inside * 100 >= all * 75 && inside * 100 <= all * 85
}

/// 80 % intervals hold 75 to 85 % of the stated hours, of runs that were left out, and their ends
/// are at most 2.5 times apart.
#[test]
fn intervals_hold_four_of_five_runs_that_were_left_out() {
    let runs = sound();
    let inside = runs.iter().filter(|run| holds(run, &runs)).count();
    assert!(runs.len() >= 30 && eighty(inside, runs.len()), "{inside} of {}", runs.len());
    for run in &runs {
        let [low, _, high] = left_out(run, &runs);
        assert!(high / low <= 2.5, "{}: {}", run.name, high / low);
    }
}

/// Rows of a table of published runs whose hours are not those of one run of its size and tokens.
const UNSOUND_ROWS: &[&str] = &["falcon-180b", "mt-nlg-530b"];

/// The same for a table of published runs: rows that it marks as confirmed, of which some are of no
/// plan here.
#[test]
fn intervals_hold_four_of_five_runs_of_a_table() {
    let folder = std::env::var_os("LLMPLAN_DATA");
    let folder = folder.map_or_else(|| root().join("../shared/data"), Into::into);
    let path = folder.join("published_runs.csv");
    let Ok(text) = fs::read_to_string(&path) else {
        eprintln!("skipped: no {}", path.display());
        return;
    };
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let runs = sound();
    let rows = reader.records().filter_map(|record| {
        let record = record.unwrap();
        let cell = |name| &record[header.iter().position(|own| own == name).unwrap()];
        let number = |name| cell(name).parse::<f64>().ok();
        let name = cell("name").to_lowercase().replace(' ', "-");
        let accelerator = match cell("gpu_type") {
            "A100-40GB" => "a100-sxm-40gb",
            "A100-80GB" => "a100-sxm-80gb",
            "H100-80GB" => "h100-sxm",
            "H800" => "h800-sxm",
            "TPUv3" => "tpu-v3",
            "TPUv4" => "tpu-v4",
            _ => return None,
        };
        let unsound = UNSOUND.iter().map(|(name, _)| name).chain(UNSOUND_ROWS);
        if cell("confirmed") != "yes" || unsound.into_iter().any(|own| *own == name) {
            return None;
        }
        let by_days = || Some(number("wall_days")? * 24.0 * number("gpu_count")?);
        let hours = number("gpu_hours").or_else(by_days)?;
        let params = number("params_active").or_else(|| number("params_total"))?;
        let peak = hardware::catalogue().find(accelerator).unwrap().peak_flops.0;
        let used = 6.0 * params * number("tokens")? / (hours * 3600.0 * peak);
        let kind = whole_runs()
            .iter()
            .position(|kind| kind.aliases.iter().any(|alias| alias == accelerator))?;
        let others = runs.iter().filter(|run| run.name != name);
        let (mean, half, _) = fit(others)[&kind];
        Some((log(used) - mean).abs() <= half)
    });
    let inside: Vec<bool> = rows.collect();
    let held = inside.iter().filter(|inside| **inside).count();
    assert!(inside.len() >= 25 && eighty(held, inside.len()), "{held} of {}", inside.len());
}

/// Sound runs that print a utilisation, with that of all their hours over it.
fn printed() -> Vec<(Run, f64, f64)> {
    let runs = sound().into_iter().filter(|run| !HARDWARE.contains(&run.name));
    let printed = runs.filter_map(|run| {
        let published = RUNS.iter().find(|published| published.name() == run.name)?;
        let mfu = published.document.chosen.reported.mfu?.0;
        let share = exp(run.used) / mfu;
        Some((run, mfu, share))
    });
    printed.collect()
}

/// The mean of these shares with the interval of a further one, as logarithms.
fn goodput() -> (f64, f64) {
    let shares =
        printed().into_iter().map(|(run, _, share)| Run { kind: 0, used: log(share), ..run });
    let (mean, half, _) = fit(shares.collect::<Vec<_>>().iter())[&0];
    (mean, half)
}

#[test]
fn goodput_is_that_of_the_runs_that_print_a_utilisation() {
    let (mean, half) = goodput();
    let [low, high] = GOODPUT_80;
    for (own, computed) in [(GOODPUT, mean), (low, mean - half), (high, mean + half)] {
        let digits = |value: f64| significant(value, 3);
        assert_eq!(digits(own), digits(exp(computed)), "{}", printed().len());
    }
}

/// What is left out is there, and is named for a reason.
#[test]
fn unsound_runs_are_published_ones() {
    for (name, why) in UNSOUND {
        let run = RUNS.iter().find(|run| run.name() == *name);
        assert!(run.is_some_and(|run| stated(run).is_some()) && !why.is_empty(), "{name}");
    }
}

fn rounded(value: f64) -> f64 {
    round_significant(value, 4)
}

/// The catalogue's text with its numbers computed anew.
fn catalogue(text: &str) -> String {
    let fitted = fit(sound().iter());
    let mut kind = 0;
    let mut lines = String::new();
    for line in text.lines() {
        let (mean, half, count) = fitted[&kind.min(fitted.len() - 1)];
        let [low, middle, high] = [mean - half, mean, mean + half].map(|used| rounded(exp(used)));
        if line.starts_with("runs = ") {
            let _ = writeln!(lines, "runs = {count}");
        } else if line.starts_with("utilisation = ") {
            let _ = writeln!(lines, "utilisation = {middle}");
        } else if line.starts_with("utilisation_80 = ") {
            let _ = writeln!(lines, "utilisation_80 = [{low}, {high}]");
            kind += 1;
        } else {
            let _ = writeln!(lines, "{line}");
        }
    }
    assert_eq!(kind, fitted.len(), "a kind without runs");
    lines
}

#[test]
fn the_catalogue_and_the_page_of_hours_are_current() {
    for (path, written) in [
        ("src/footprint/whole_runs.toml", catalogue as fn(&str) -> String),
        ("docs/published-hours.md", |_| page()),
    ] {
        let full = root().join(path);
        let committed = fs::read_to_string(&full).unwrap_or_default();
        let current = written(&committed);
        if std::env::var_os("LLMPLAN_REGENERATE").is_some() {
            fs::write(&full, &current).unwrap();
        } else {
            assert!(committed == current, "renew {path} with LLMPLAN_REGENERATE=1");
        }
    }
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap())
}

fn hours(value: f64) -> String {
    grouped(round_significant(value, 4))
}

/// The page: kinds, runs with the interval of the others, and what was left out.
fn page() -> String {
    let runs = sound();
    let inside = runs.iter().filter(|run| holds(run, &runs)).count();
    let widest = runs.iter().map(|run| left_out(run, &runs)).map(|[low, _, high]| high / low);
    let mut page = format!(
        "# How long whole runs take\n\n\
         Where a plan states neither a utilisation nor a layout, `llmplan` takes the hours of its run from what published whole\n\
         runs reached on the same kind of accelerator: 6ND over all accelerator-hours and the dense BF16 peak.\n\
         That holds what the printed MFU of a step leaves out: failures, restarts, evaluations, waiting.\n\
         This page is written by a test (tests/published.rs) from [plans/published](../plans/published), which has the sources.\n\n\
         Each of the {} runs below is held against an interval that the others alone give: {inside} of them, {} %, lie in their\n\
         80 % interval, whose ends are {} times apart at most.\n\n\
         ## Kinds of accelerators\n\n| kind | runs | utilisation | 80 % of further runs |\n|---|---|---|---|\n",
        runs.len(),
        significant(100.0 * count(inside) / count(runs.len()), 3),
        significant(widest.fold(0.0, f64::max), 3),
    );
    for (kind, (mean, half, count)) in fit(runs.iter()) {
        let kind = whole_runs().iter().nth(kind).unwrap();
        let [low, middle, high] =
            [mean - half, mean, mean + half].map(|used| significant(exp(used), 3));
        let _ = writeln!(page, "| {} | {count} | {middle} | {low} to {high} |", kind.name);
    }
    page += "\nLogarithms are taken as normal with one deviation for all kinds, and a mean for each.\n\
             Number formats, experts and sizes are not told apart: with so few runs none of them narrows the interval.\n\n\
             ## Runs\n\n| run | accelerator | utilisation | hours as published | by the other runs | 80 % | inside |\n\
             |---|---|---|---|---|---|---|\n";
    for run in &runs {
        let [low, middle, high] = left_out(run, &runs).map(hours);
        let inside = if holds(run, &runs) { "yes" } else { "no" };
        let (used, own) = (significant(exp(run.used), 3), hours(run.hours));
        let _ = writeln!(
            page,
            "| [{0}](../plans/published/{0}.toml) | {1} | {used} | {own} | {middle} | {low} to {high} | {inside} |",
            run.name, run.accelerator
        );
    }
    let (mean, half) = goodput();
    let [low, middle, high] =
        [mean - half, mean, mean + half].map(|share| significant(exp(share), 3));
    let _ = write!(
        page,
        "\n## Whole runs over their steps\n\n\
         The utilisation of all hours over the one that is printed for the steps: {middle} in the mean, {low} to {high} for 80 % of\n\
         further runs. The time of a step is divided by it. Runs that print what the hardware did, recomputation included, are left out.\n\n\
         | run | printed | of all hours | share |\n|---|---|---|---|\n"
    );
    for (run, mfu, share) in printed() {
        let [mfu, used, share] = [mfu, exp(run.used), share].map(|value| significant(value, 3));
        let _ = writeln!(
            page,
            "| [{0}](../plans/published/{0}.toml) | {mfu} | {used} | {share} |",
            run.name
        );
    }
    page += "\n## Left out\n\n| run | why |\n|---|---|\n";
    for (name, why) in UNSOUND {
        let _ = writeln!(page, "| [{name}](../plans/published/{name}.toml) | {why} |");
    }
    page
}
