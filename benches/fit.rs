//! Times of fits: `cargo bench --bench fit`, or a part: `-- times`, `million`, `coverage`, `scipy`.
//!
//! Each line is the median of its runs; the bootstrap tells CPU seconds, which other work on the
//! machine does not change. Where Epoch AI's points are at hand (see `tests/draws.rs`) they are
//! fitted, else as many simulated ones. Where a Python with numpy and scipy is (`$PYTHON`, or else
//! `python3`), `benches/fit_scipy.py` does the same work in the same run, by the logic of the
//! published notebook. It reports and does not judge: machines differ.

#[path = "../tests/support/chinchilla.rs"]
mod chinchilla;
#[path = "../tests/support/data.rs"]
mod data;
#[path = "../tests/support/simulate.rs"]
mod simulate;

use plan::fit::{Exponents, Objective, Run, Settings, fit, read};
use plan::quantity::{Flops, FlopsPerParamToken};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const RUNS: usize = 11;

fn main() {
    let flops = [6e18, 3e21];
    let grid = simulate::Grid { budgets: 12, sizes: 20, flops, noise: 0.005, wild: 0.1 };
    let runs = chinchilla::runs().unwrap_or_else(|| grid.runs(3));
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let wants = |part: &str| wanted.is_empty() || wanted.iter().any(|one| one == part);
    if wants("times") {
        times(&runs);
    }
    if wants("million") {
        million(&grid);
    }
    if wants("coverage") {
        coverage();
    }
    if wants("scipy") {
        python(&runs);
    }
}

/// One fit, and 4000 resamples, for every objective.
fn times(runs: &[Run]) {
    println!("{} runs", runs.len());
    let huber = Objective::LogHuber { delta: 1e-3 };
    let ways = [Exponents::Two, Exponents::Tied]
        .into_iter()
        .flat_map(|exponents| [huber, Objective::LogL1, Objective::Mse].map(|o| (exponents, o)));
    for (exponents, objective) in ways {
        let settings = Settings { exponents, objective, bootstrap: 0, ..Settings::default() };
        let time = median(|| drop(std::hint::black_box(fit(runs, &settings))));
        let name = name(exponents, objective);
        println!("one fit, {name:36} {:>8.2} ms", time.as_secs_f64() * 1e3);
        let settings = Settings { bootstrap: 4000, ..settings };
        let (before, start) = (cpu_seconds(), now());
        let fitted = std::hint::black_box(fit(runs, &settings)).unwrap();
        let (cpu, wall) = (cpu_seconds() - before, start.elapsed().as_secs_f64());
        println!("4000 resamples, {name:29} {cpu:>8.2} CPU s {wall:>6.2} s");
        let errors = fitted.bootstrap.unwrap().standard_errors;
        println!(
            "    standard errors: A {:.1} B {:.0} E {:.4} alpha {:.4} beta {:.4}",
            errors.a, errors.b, errors.e, errors.alpha, errors.beta
        );
    }
}

fn name(exponents: Exponents, objective: Objective) -> String {
    let tied = if exponents == Exponents::Tied { ", tied" } else { "" };
    format!("{}{tied}", objective.name())
}

/// Reads and fits a million rows.
fn million(grid: &simulate::Grid) {
    let mut text = "params,tokens,loss\n".to_owned();
    let many = simulate::Grid { budgets: 1000, sizes: 1000, ..*grid }.runs(1);
    for run in &many {
        let _ = writeln!(text, "{:e},{:e},{}", run.params, run.tokens, run.loss);
    }
    let (before, start) = (cpu_seconds(), now());
    let read = read(text.as_bytes(), &[], &[], 0, FlopsPerParamToken::TRAINING).unwrap();
    let reading = start.elapsed().as_secs_f64();
    let fitted = fit(&read.runs, &Settings::default()).unwrap();
    let (cpu, wall) = (cpu_seconds() - before, start.elapsed().as_secs_f64());
    println!("1,000,000 rows, read in {reading:.2} s, and fitted {cpu:>12.2} CPU s {wall:>6.2} s");
    for remark in fitted.remarks {
        println!("    {remark}");
    }
}

/// Shares of 80 % intervals that hold the true N* at 30 times the largest budget.
fn coverage() {
    let flops = [1e18, 3e20];
    let target = Flops(30.0 * flops[1]);
    let truth = simulate::TRUTH.optimum(target, FlopsPerParamToken::TRAINING).params.unwrap().0;
    println!("coverage of the 80 % interval of N*, 500 data sets of 400 resamples");
    for (budgets, sizes, noise, wild) in [
        (3, 5, 0.005, 0.0),
        (4, 6, 0.002, 0.0),
        (5, 8, 0.005, 0.0),
        (5, 8, 0.005, 0.1),
        (9, 12, 0.005, 0.0),
        (9, 20, 0.003, 0.1),
    ] {
        let grid = simulate::Grid { budgets, sizes, flops, noise, wild };
        for objective in [Objective::LogHuber { delta: 1e-3 }, Objective::Mse] {
            let target = Some(target);
            let settings =
                Settings { objective, bootstrap: 400, seed: 1, target, ..Settings::default() };
            let held = (0..500).filter(|set| {
                let fitted = fit(&grid.runs(1000 + set), &settings).unwrap();
                let [low, high] = fitted.target.params_80.unwrap();
                (low..=high).contains(&truth)
            });
            let percent = f64::from(u32::try_from(held.count()).unwrap()) / 5.0;
            println!(
                "    {budgets} x {sizes}, noise {noise}, {:3.0} % wild, {:10} {percent:>6.1} %",
                100.0 * wild,
                objective.name()
            );
        }
    }
}

/// The same fit and 200 resamples in `SciPy`.
#[expect(clippy::disallowed_methods, reason = "a benchmark may be told which Python")]
fn python(runs: &[Run]) {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/fit_scipy.py");
    let child = Command::new(&python)
        .args([script, "200"])
        .env("OMP_NUM_THREADS", "1")
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else {
        println!("skipped SciPy: there is no {python}; $PYTHON names another");
        return;
    };
    let rows = runs.iter().fold("params,tokens,loss\n".to_owned(), |mut rows, run| {
        let _ = writeln!(rows, "{:?},{:?},{:?}", run.params, run.tokens, run.loss);
        rows
    });
    let _ = child.stdin.take().unwrap().write_all(rows.as_bytes());
    if !child.wait().is_ok_and(|status| status.success()) {
        println!("skipped SciPy: {python} has no numpy or scipy; $PYTHON names another");
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}

/// CPU seconds of this process, from Linux's clock ticks of 1/100 s; elsewhere not known.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok());
    if stat.is_empty() { f64::NAN } else { ticks.sum::<f64>() / 100.0 }
}

fn median(mut work: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[RUNS / 2]
}
