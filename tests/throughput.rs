//! The time of a step against published runs.
//!
//! The tables are not part of this repository: where `$LLMPLAN_DATA` or `../shared/data` does not
//! have them, the tests that need them say `skipped` and pass. What is shipped was fitted on these
//! rows, all at once; `left_out` refits with whole models left out.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rows hold small numbers"
)]

#[path = "support/data.rs"]
mod data;
#[path = "support/network.rs"]
mod network;
#[path = "support/percentile.rs"]
mod percentile;
mod throughput {
    pub mod cases;
    pub mod nvidia;
    pub mod refit;
    pub mod rows;
}

use percentile::{percentile, rounded, sorted};
use plan::model::Convention;
use plan::throughput::{Engine, SUITES, Suite, constants, engines, mfu};
use std::collections::{BTreeMap, BTreeSet};
use throughput::cases::{Case, all};
use throughput::refit::refit;

/// Mean, median, 90th percentile and worst of errors without their sign.
fn spread(errors: &[f64]) -> [f64; 4] {
    let sizes = sorted(errors.iter().map(|error| error.abs()));
    let [median, p90, worst] = [0.5, 0.9, 1.0].map(|share| percentile(&sizes, share));
    [sizes.iter().sum::<f64>() / sizes.len() as f64, median, p90, worst]
}

fn by_suite(cases: &[Case]) -> BTreeMap<&str, Vec<&Case>> {
    let mut suites: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    for case in cases {
        suites.entry(case.suite).or_default().push(case);
    }
    suites
}

/// The mean error of one constant MFU for each accelerator: the median of the rows that are not of
/// the case's own model, where there are such.
fn baseline(cases: &[&Case], leave_out: bool) -> f64 {
    let share = |case: &Case| {
        let peak = case.device.peak_flops;
        mfu(&case.shape, case.sequence, Convention::Palm, case.measured, peak)
    };
    let errors: Vec<f64> = cases
        .iter()
        .map(|case| {
            let like = cases.iter().filter(|other| {
                other.accelerator == case.accelerator && (!leave_out || other.group != case.group)
            });
            let shares = sorted(like.map(|other| share(other)));
            if shares.is_empty() {
                return 0.0;
            }
            let median = percentile(&shares, 0.5);
            median / share(case) - 1.0
        })
        .collect();
    spread(&errors)[0]
}

fn suite(name: &str) -> Option<&'static Suite> {
    SUITES.iter().find(|suite| suite.name == name)
}

/// Prints the table of errors from the shipped constants; what `evidence` says is what it has, and
/// the errors that this project set itself are kept.
#[test]
fn errors_of_published_runs() {
    let Some(cases) = all() else { return };
    println!("{:26} rows    mean median    p90  worst constant MFU, %", "suite");
    let line = |name: &str, rows: usize, [mean, median, p90, worst]: [f64; 4], bar: f64| {
        let percent = [mean, median, p90, worst, bar].map(|share| format!("{:7.2}", share * 100.0));
        println!("{name:26} {rows:4} {}", percent.join(""));
    };
    let mut of_suite = BTreeMap::new();
    let mut stale: Vec<String> = Vec::new();
    let suites = by_suite(&cases);
    for (name, cases) in &suites {
        let errors: Vec<f64> = cases.iter().map(|case| case.shipped()).collect();
        let (found, bar) = (spread(&errors), baseline(cases, false));
        line(name, cases.len(), found, bar);
        of_suite.insert(*name, found[0]);
        let Some(suite) = suite(name) else { continue };
        assert_eq!(suite.rows, cases.len(), "{name}");
        let numbers = suite.errors.iter().chain([&suite.baseline]).zip(found.iter().chain([&bar]));
        let range = ratios_80(&errors);
        let own = suite.left_out.is_none().then(|| suite.ratios_80.iter().zip(&range));
        let numbers = numbers.chain(own.into_iter().flatten());
        let four = |number: &f64| rounded(*number, 4);
        if numbers.into_iter().any(|(stated, found)| four(stated) != four(found)) {
            stale.push(format!("{name}: {found:.4?}, {range:.4?}, constant MFU {bar:.4}"));
        }
        for case in cases {
            covers(suite, case);
        }
    }
    let fp8: Vec<&Case> = cases.iter().filter(|case| case.precision.fp8()).collect();
    let errors: Vec<f64> = fp8.iter().map(|case| case.shipped()).collect();
    let (found, bar) = (spread(&errors), baseline(&fp8, false));
    line("all with FP8", fp8.len(), found, bar);
    let dense = fp8.iter().filter(|case| !case.shape.has_experts());
    let errors: Vec<f64> = dense.map(|case| case.shipped()).collect();
    line("FP8 without experts", errors.len(), spread(&errors), f64::NAN);
    for (name, most) in [
        ("llm-foundry", 0.06),
        ("narayanan-korthikanti", 0.06),
        ("torchtitan", 0.08),
        ("bigscience", 0.08),
        ("simumax", 0.08),
    ] {
        assert!(of_suite[name] <= most, "{name}: {}", of_suite[name]);
    }
    assert!(found[0] <= 0.12, "FP8: {}", found[0]);
    assert!(stale.is_empty(), "evidence.rs states other errors: {stale:#?}");
}

/// Measured over predicted, 10th and 90th percentile, from predicted over measured less one.
fn ratios_80(errors: &[f64]) -> [f64; 2] {
    let over = sorted(errors.iter().map(|error| 1.0 / (1.0 + error)));
    [0.1, 0.9].map(|share| percentile(&over, share))
}

/// A suite says no less than what its cases are.
fn covers(suite: &Suite, case: &Case) {
    let layout = &case.layout;
    let engine = engines().find(case.engine).unwrap();
    let family = case.device.family.expect("fitted on");
    assert!(suite.engines.contains(&engine.name.as_str()), "{}: {}", suite.name, engine.name);
    assert!(suite.families.contains(&family), "{}: {family}", suite.name);
    let within = |[least, most]: [u64; 2], value| (least..=most).contains(&value);
    assert!(within(suite.devices, layout.devices()), "{}: {layout:?}", suite.name);
    assert!(within(suite.sequence, case.sequence), "{}: {}", suite.name, case.sequence);
    let degrees = [layout.tp, layout.pp, layout.cp, layout.ep, layout.interleave];
    let fits = suite.degrees.iter().zip(degrees).all(|(most, degree)| degree <= *most);
    assert!(fits, "{}: {degrees:?}", suite.name);
    assert!(suite.recompute.contains(&layout.recompute), "{}: {layout:?}", suite.name);
    assert!(suite.fp8.contains(&case.precision.fp8()), "{}", suite.name);
    assert!(suite.experts.contains(&case.shape.has_experts()), "{}", suite.name);
}

/// The fit without a model predicts that model: every constant that a suite's engines share with
/// nothing but the suite is fitted again on the other models.
#[test]
fn models_left_out_of_the_fit() {
    let Some(cases) = all() else { return };
    let suites = by_suite(&cases);
    let of = |suite, names: &'static [&'static str], most| (suite, names, most);
    let mut stale: Vec<String> = Vec::new();
    let mut of_fp8 = Vec::new();
    for (name, names, most) in [
        of(
            "llm-foundry",
            &[
                "products-ampere-pytorch",
                "products-hopper-pytorch",
                "attention-ampere-triton",
                "attention-hopper-pytorch",
                "stream-llm-foundry",
                "doubling-llm-foundry",
            ],
            0.06,
        ),
        of("narayanan-korthikanti", &["products-ampere-megatron", "stream-megatron-unfused"], 0.06),
        of(
            "bigscience",
            &["products-ampere-deepspeed", "launch-deepspeed", "stream-megatron-unfused"],
            0.08,
        ),
        of(
            "simumax",
            &[
                "products-blackwell-megatron",
                "attention-blackwell-megatron",
                "launch-megatron",
                "dispatch-megatron",
            ],
            0.08,
        ),
        of(
            "torchtitan",
            &[
                "products-hopper-pytorch",
                "attention-hopper-pytorch",
                "stream-torchtitan",
                "stream-torchtitan-eager",
                "async-tp",
                "cast-rowwise",
            ],
            0.08,
        ),
        of("llm-foundry-fp8", &["products-fp8-hopper-llm-foundry"], 0.12),
        of(
            "nvidia-fp8",
            &["products-fp8-hopper-megatron", "products-fp8-blackwell-megatron"],
            0.12,
        ),
        of("nvidia-fp8-experts", &["experts-megatron-bridge"], 0.12),
        // three of its rows had half of the tokens/s that the releases before and after them had
        of("nvidia-fp8-experts-26.06", &["grouped-megatron-bridge-26-06"], 0.25),
    ] {
        let cases = &suites[name];
        let groups: BTreeSet<&str> = cases.iter().map(|case| case.group.as_str()).collect();
        let mut errors = Vec::new();
        for group in groups {
            let rest = |case: &&&Case| case.group != group;
            let others: Vec<&Case> = cases.iter().filter(rest).copied().collect();
            let fitted = refit(&others, names);
            let left = cases.iter().filter(|case| case.group == group);
            for case in left {
                let error = fitted.error(case);
                errors.push(error);
                of_fp8.extend(case.precision.fp8().then_some(error.abs()));
            }
        }
        let found = spread(&errors);
        let bar = baseline(cases, true);
        let percent = found.map(|share| share * 100.0);
        println!("{name:26} {percent:6.2?} constant MFU {:.1} %", bar * 100.0);
        assert!(found[0] <= most, "{name}: {}", found[0]);
        let suite = suite(name).expect("it is shipped");
        let range = ratios_80(&errors);
        let stated = suite.ratios_80.into_iter().chain([suite.left_out.expect("it was left out")]);
        let pairs = stated.zip(range.into_iter().chain([found[0]]));
        if pairs.into_iter().any(|(stated, found)| (stated - found).abs() > 2e-3) {
            stale.push(format!("{name}: {:.4}, {range:.4?}", found[0]));
        }
    }
    let mean = of_fp8.iter().sum::<f64>() / of_fp8.len() as f64;
    println!("all with FP8, models left out: {} rows, {:.2} %", of_fp8.len(), mean * 100.0);
    assert!(of_fp8.len() > 100 && mean <= 0.12, "{mean}");
    assert!(stale.is_empty(), "evidence.rs states other errors: {stale:#?}");
}

/// Fewer than a tenth of the distinct rows; each is used, and each name in an engine is one.
#[test]
fn fitted_constants_are_few_and_known() {
    let used: BTreeSet<&str> = engines().iter().flat_map(Engine::fitted).collect();
    let known: BTreeSet<&str> = constants().iter().map(|c| c.name.as_str()).collect();
    assert_eq!(used, known);
    assert!(constants().iter().all(|c| c.value.is_finite() && c.value > 0.0));
    let rows: usize = SUITES.iter().map(|suite| suite.rows).sum();
    assert!(known.len() * 10 < rows, "{} constants, {rows} rows", known.len());
    let Some(cases) = all() else { return };
    // rows of one configuration that differ in their figure alone count once
    let distinct: BTreeSet<String> = cases
        .iter()
        .filter(|case| suite(case.suite).is_some())
        .map(|case| {
            let (shape, layout) = (&case.shape, &case.layout);
            format!("{shape:?} {} {layout:?} {} {}", case.sequence, case.engine, case.accelerator)
        })
        .collect();
    println!("{} fitted constants, {} distinct rows", known.len(), distinct.len());
    assert!(known.len() * 10 < distinct.len(), "{} distinct", distinct.len());
}
