//! No bytes make a reader panic, hang, or take memory without end: mutated real files, and noise.
//!
//! Each reader gets a small number of inputs here. A long run takes a count and a seed, one reader
//! at a time so that the peak of memory is its own:
//!
//! ```text
//! LLMPLAN_FUZZ=1000000 LLMPLAN_FUZZ_SEED=7 cargo test --release --test fuzz plans -- --nocapture
//! ```
//!
//! Input `i` depends on the seed and `i` alone. A failing one is kept in the target's `tmp` folder;
//! `LLMPLAN_FUZZ_FIRST=i` starts there.

#[path = "support/mutate.rs"]
mod mutate;
#[path = "support/readers.rs"]
mod readers;

use mutate::Mutator;
use readers::Reader;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

/// Inputs of each reader in an ordinary run.
const FEW: u64 = 600;
/// Seconds that one input may take, on a busy machine and without optimisation.
const LONGEST: u64 = 20;
/// KiB that the process may hold at its peak.
const MOST_MEMORY: u64 = 1 << 20;
/// Failures after which a run ends.
const ENOUGH: usize = 20;

#[test]
fn plans() {
    run(Reader::Plan);
}

#[test]
fn policies() {
    run(Reader::Policy);
}

#[test]
fn configurations() {
    run(Reader::Config);
}

#[test]
fn tables_of_runs() {
    run(Reader::Csv);
}

#[test]
fn laws() {
    run(Reader::Law);
}

#[test]
fn series_of_grids() {
    run(Reader::Series);
}

fn setting(name: &str, otherwise: u64) -> u64 {
    let value = env::var_os(name).map(|value| value.into_string().unwrap());
    value.map_or(otherwise, |value| value.parse().unwrap_or_else(|e| panic!("{name}: {e}")))
}

#[expect(clippy::disallowed_methods, reason = "what is bounded is time")]
fn run(reader: Reader) {
    let count = setting("LLMPLAN_FUZZ", FEW);
    let seed = setting("LLMPLAN_FUZZ_SEED", 20_220_329);
    let first = setting("LLMPLAN_FUZZ_FIRST", 0);
    let mutator = Mutator::new(reader.seeds());
    let watch = Watch::start(reader);
    let (mut accepted, mut failed, mut lengths) = (0_u64, Vec::new(), 0);
    let mut slowest = (Duration::ZERO, 0);
    let begin = Instant::now();
    for index in first..first + count {
        let bytes = mutator.input(seed, index);
        lengths += bytes.len() as u64;
        watch.at(index);
        let start = Instant::now();
        match catch_unwind(AssertUnwindSafe(|| reader.read(&bytes, index))) {
            Ok(read) => accepted += u64::from(read),
            Err(_) => failed.push((index, keep(reader, index, &bytes))),
        }
        slowest = slowest.max((start.elapsed(), index));
        if failed.len() == ENOUGH {
            break;
        }
    }
    watch.end();
    let memory = peak();
    println!(
        "{reader:?}: {count} inputs of seed {seed}, {} bytes in the mean, {accepted} accepted, {} \
         failed; {:.0} s; the slowest took {:.1} ms, number {}; peak memory of the process {}",
        lengths / count.max(1),
        failed.len(),
        begin.elapsed().as_secs_f64(),
        slowest.0.as_secs_f64() * 1e3,
        slowest.1,
        memory.map_or("unknown".to_owned(), |kib| format!("{} MiB", kib >> 10)),
    );
    assert!(failed.is_empty(), "these inputs panic: {failed:?}");
    assert!(slowest.0.as_secs() < LONGEST, "input {} takes {:?}", slowest.1, slowest.0);
    assert!(memory.is_none_or(|kib| kib < MOST_MEMORY), "the peak is {memory:?} KiB");
    assert!(accepted > 0, "no input passes: nothing behind the reader is reached");
}

/// Writes an input down and says where.
fn keep(reader: Reader, index: u64, bytes: &[u8]) -> String {
    let path = format!("{}/fuzz-{reader:?}-{index}", env!("CARGO_TARGET_TMPDIR"));
    fs::write(&path, bytes).map_or_else(|error| error.to_string(), |()| path)
}

/// Peak resident memory of this process in KiB, where the system tells.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Ends the process where one input takes far too long, and names it.
struct Watch(Arc<AtomicU64>);

impl Watch {
    const DONE: u64 = u64::MAX;

    fn start(reader: Reader) -> Self {
        let at = Arc::new(AtomicU64::new(Self::DONE - 1));
        let seen = Arc::clone(&at);
        thread::spawn(move || {
            let (mut before, mut seconds) = (Self::DONE, 0);
            loop {
                thread::sleep(Duration::from_secs(1));
                let now = seen.load(Ordering::Relaxed);
                if now == Self::DONE {
                    return;
                }
                seconds = if now == before { seconds + 1 } else { 0 };
                before = now;
                if seconds > 2 * LONGEST {
                    eprintln!("{reader:?}: input {now} does not end");
                    process::abort();
                }
            }
        });
        Self(at)
    }

    fn at(&self, index: u64) {
        self.0.store(index, Ordering::Relaxed);
    }

    fn end(&self) {
        self.0.store(Self::DONE, Ordering::Relaxed);
    }
}
