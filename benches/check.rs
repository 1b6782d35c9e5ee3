//! Whole-process times of `llmplan check` over many plans: `cargo bench --bench check`.
//!
//! A full plan has 20 sources, 3 stages, a cluster, a layout and its `[derived]` table; a bare one is
//! a budget. Each line is the best of its runs, with the peak memory where GNU time is at hand. It
//! reports and does not judge: machines differ.

use plan::derive::derive;
use plan::file::{read, with_derived};
use rayon::prelude::*;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const BINARY: &str = env!("CARGO_BIN_EXE_llmplan");
const COUNTS: [u32; 3] = [1_000, 10_000, 100_000];
/// Plans that differ; larger sets hold each of them several times.
const DISTINCT: u32 = 1_000;

fn main() {
    println!("{:32} {:>10} {:>12} {:>10}", "", "time", "a plan", "peak");
    for (name, plan) in [("bare", bare as fn(u32) -> String), ("full", full)] {
        let plans: Vec<String> = (0..DISTINCT).into_par_iter().map(plan).collect();
        for count in COUNTS {
            let folder = tempfile::tempdir().expect("a temporary folder is made");
            write(folder.path(), count, &plans);
            let runs = if count > 10_000 { 2 } else { 5 };
            let best = (0..runs).map(|_| once(folder.path())).min().unwrap_or_default();
            let each = best.as_secs_f64() * 1e6 / f64::from(count);
            let memory =
                peak(folder.path()).map_or("?".to_owned(), |kib| format!("{:.0} MB", kib / 1024.0));
            println!(
                "{:32} {:>7.2} s {each:>9.1} us {memory:>10}",
                format!("{count} {name} plans"),
                best.as_secs_f64()
            );
        }
    }
}

fn write(folder: &Path, count: u32, plans: &[String]) {
    for part in 0..count.div_ceil(1000) {
        fs::create_dir(folder.join(part.to_string())).expect("a folder is made");
    }
    (0..count).into_par_iter().for_each(|index| {
        let path = folder.join((index / 1000).to_string()).join(format!("{index}.toml"));
        let plan = &plans[index as usize % plans.len()];
        fs::write(path, plan).expect("a plan is written");
    });
}

fn bare(index: u32) -> String {
    format!("format = 1\n\n[budget]\nflops = {}e19\n", 1 + index % 97)
}

fn full(index: u32) -> String {
    let vary = f64::from(index % 997) / 997.0;
    let mut text = format!(
        "format = 1\nname = \"plan-{index}\"\n\n[budget]\nflops = {:.6e}\n\n[run]\ntokens = {:.6e}\n\n\
         [model]\nname = \"llama-3-8b\"\n\n[sources]\n",
        1.4e22 * (1.0 + vary),
        250e9 * (1.0 + 0.5 * vary),
    );
    for source in 0..20 {
        let unique = 1e10 * f64::from(3 + (index + source * 13) % 5);
        let _ = writeln!(
            text,
            "source-{source} = {{ unique_tokens = {unique:e}, quality = \"good\", max_epochs = 4 }}"
        );
    }
    for (stage, length) in [("main", ""), ("middle", "share = 0.2\n"), ("anneal", "share = 0.1\n")]
    {
        let _ = write!(text, "\n[[stages]]\nname = \"{stage}\"\n{length}mixture = {{ ");
        let weights = (0..20).map(|source| format!("source-{source} = 0.05"));
        let _ = writeln!(text, "{} }}", weights.collect::<Vec<_>>().join(", "));
    }
    text.push_str(
        "\n[training]\nsequence = 4096\n\n[layout]\nstrategy = \"fsdp2\"\ndp_shard = 256\n\
         micro_batch = 1\nrecompute = \"full\"\n\n[operations]\nevaluate_every_steps = 1000\n\n\
         [cluster]\naccelerator = \"h100-sxm\"\ndevices = 256\nmfu = 0.4\n\n[cost]\n\
         usd_per_accelerator_hour = 2.5\n",
    );
    let chosen = read(text.as_bytes()).expect("the plan is one").chosen;
    let derived = derive(&chosen).expect("the plan can be derived").derived;
    with_derived(&text, &derived).expect("the table is appended")
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn once(folder: &Path) -> Duration {
    let start = Instant::now();
    let mut process = Command::new(BINARY);
    process.args(["check", "--isolated", "-q"]).arg(folder);
    let output = process.output().expect("the command runs");
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && shown.is_empty(), "the plans are clean: {shown:.2000}");
    start.elapsed()
}

/// Peak resident memory in KiB, by GNU time.
fn peak(folder: &Path) -> Option<f64> {
    let mut process = Command::new("/usr/bin/time");
    process.args(["-f%M", BINARY, "check", "--isolated", "-q"]).arg(folder);
    let output = process.stdout(Stdio::null()).output().ok()?;
    String::from_utf8(output.stderr).ok()?.lines().last()?.trim().parse().ok()
}
