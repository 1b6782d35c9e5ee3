//! Times of searching a layout: `cargo bench --bench layout`.
//!
//! In Calculon's space of executions (github.com/calculon-ai/calculon, commit caa4b11): its
//! `llm-optimal-execution` makes 66 a second of them on one core. It reports and does not judge:
//! machines differ.

#[allow(dead_code, reason = "tests use the rest")]
#[path = "../tests/search/calculon.rs"]
mod calculon;
#[allow(dead_code, reason = "tests use the rest")]
#[path = "../tests/support/network.rs"]
mod network;

use calculon::{GPT3_175B, MEGATRON_22B, Space, layout};
use plan::memory::{Setting, step};
use plan::search::{layouts, search};
use std::hint::black_box;
use std::time::Instant;

#[expect(clippy::disallowed_methods, reason = "the time is what is measured")]
fn main() {
    for (name, space) in [("22 B, 8 devices", MEGATRON_22B), ("175 B, 1,024 devices", GPT3_175B)] {
        println!("{name}");
        space.ask(true, |question| {
            let (mut executions, mut cores) = (0_u64, 0_u64);
            let start = Instant::now();
            space.each(|core, ways| {
                let layout = layout(&core);
                // what tells these executions apart does not change our time: each is timed anew
                for _ in 0..ways {
                    black_box(question.clock.step(black_box(&layout)).seconds());
                }
                executions += ways;
                cores += 1;
            });
            let took = start.elapsed();
            let rate =
                f64::from(u32::try_from(executions).unwrap_or(u32::MAX)) / took.as_secs_f64();
            println!(
                "  {executions} executions of {cores} layouts, all timed: {took:.2?}, {rate:.0}/s"
            );
        });
        found(&space);
    }
    #[cfg(target_os = "linux")]
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        status.lines().filter(|line| line.starts_with("VmHWM")).for_each(|line| println!("{line}"));
    }
}

/// The search with the memory of every layout that matters, and with that of every one.
#[expect(clippy::disallowed_methods, reason = "the time is what is measured")]
fn found(space: &Space) {
    space.ask(true, |question| {
        let start = Instant::now();
        let found = search(question, &|_| ());
        let took = start.elapsed();
        println!("  search with memory: {took:.2?}, {:?}", found.counts);
        if let Some(best) = found.best {
            let (seconds, gib) = (best.time.seconds(), best.bytes / 1_073_741_824.0);
            println!("  best: {seconds:.4} s, {gib:.1} GiB, {:?}", calculon::core(&best.layout));
        }
        let start = Instant::now();
        let (all, _) = layouts(question);
        for layout in &all {
            black_box(question.clock.step(layout).seconds());
            let setting = Setting { layout: *layout, ..question.setting };
            black_box(step(question.shape, &setting).map(|step| step.peak().bytes).ok());
        }
        let each = all.len();
        println!(
            "  time and memory of each of {each} layouts, one by one: {:.2?}",
            start.elapsed()
        );
    });
}
