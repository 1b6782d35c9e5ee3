//! Times of simulating a training step: `cargo bench --bench memory`.
//!
//! Each line is the median over batches, of Llama 3.1 405B unless it says otherwise. The slope is
//! what a layer more costs, over the same model cut and stretched. It reports and does not judge:
//! machines differ.

use plan::layout::{LayoutKeys, Strategy};
use plan::memory::{
    AttentionKernel, Optimizer, Precision, Profile, Setting, compare, remedies, step,
};
use plan::model::{Shape, shapes};
use std::hint::black_box;
use std::time::{Duration, Instant};

const BATCHES: usize = 101;
const SHORTEST: Duration = Duration::from_millis(2);
const LAYERS: [u64; 4] = [32, 64, 126, 252];

fn main() {
    let llama = published("llama-3.1-405b");
    let fsdp2 = setting(Profile::Eager, &LayoutKeys::default(), 1024);
    for (kind, of_layers) in [("like", like as fn(&Shape, u64) -> Shape), ("unlike", unlike)] {
        let times = LAYERS.map(|layers| {
            let shape = of_layers(&llama, layers);
            let name = format!("fsdp2, {layers} {kind} layers: step and peak");
            (layers, report(&name, || step(&shape, &fsdp2).map(|step| step.peak())))
        });
        let name = format!("fsdp2, {kind} layers: slope");
        println!("{name:44} {:>10.4} µs a layer", slope(&times));
    }

    let simulated = step(&llama, &fsdp2).expect("the step is simulated");
    report("fsdp2: peak of a timeline", || simulated.peak());
    report("fsdp2: closed form, made", || simulated.timeline.envelope());
    let envelope = simulated.timeline.envelope();
    report("fsdp2: closed form, one peak", || envelope.peak(black_box(simulated.tokens)));
    report("fsdp2: closed form, largest micro-batch", || envelope.most_tokens(black_box(80e9)));

    report("fsdp2: reserved, block by block", || simulated.reserved());
    let eight = published("llama-3-8b");
    let smaller = step(&eight, &fsdp2).expect("the step is simulated");
    report("fsdp2: reserved, Llama 3 8B", || smaller.reserved());

    let split = LayoutKeys { tp: Some(8), pp: Some(9), ..LayoutKeys::default() };
    let split = LayoutKeys { strategy: Some(Strategy::Zero1), ..split };
    let megatron = setting(Profile::Megatron, &split, 8 * 9 * 8);
    report("megatron, tp 8, pp 9: step and peak", || step(&llama, &megatron).map(|s| s.peak()));
    report("fsdp2: remedies", || remedies(&llama, &fsdp2).len());
    report("fsdp2: the ways side by side", || compare(&llama, &fsdp2).len());
}

fn published(name: &str) -> Shape {
    let model = shapes().find(name).expect("the catalogue has it");
    model.shape().expect("its configuration reads")
}

/// One sequence of 8,192 tokens on each data-parallel device.
fn setting(profile: Profile, keys: &LayoutKeys, devices: u64) -> Setting {
    Setting {
        layout: profile.layout(keys, devices).expect("the devices add up"),
        sequence: 8192,
        precision: Precision::Bf16,
        optimizer: Optimizer::AdamW,
        attention: AttentionKernel::Sdpa,
        loss: profile.loss(),
        profile,
        adapter: None,
        family: None,
    }
}

/// The same model with so many like layers.
fn like(shape: &Shape, layers: u64) -> Shape {
    let mut cut = shape.clone();
    let [stack] = cut.stacks.as_mut_slice() else { panic!("its layers are alike") };
    stack.layers = layers;
    cut
}

/// The same model with so many layers, of which no two neighbours are told to be alike.
fn unlike(shape: &Shape, layers: u64) -> Shape {
    let mut striped = like(shape, 1);
    striped.stacks = (0..layers).flat_map(|_| striped.stacks.clone()).collect();
    striped
}

/// Least squares through times over layers.
#[expect(clippy::cast_precision_loss, reason = "layers are few")]
fn slope(times: &[(u64, f64)]) -> f64 {
    let count = times.len() as f64;
    let layers = times.iter().map(|(layers, _)| *layers as f64).sum::<f64>() / count;
    let mean = times.iter().map(|(_, time)| time).sum::<f64>() / count;
    let off = |at: &u64| *at as f64 - layers;
    let rises = times.iter().map(|(at, time)| off(at) * (time - mean)).sum::<f64>();
    rises / times.iter().map(|(at, _)| off(at) * off(at)).sum::<f64>()
}

/// Prints the median of a piece of work, and says it in µs.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn report<T>(name: &str, work: impl Fn() -> T) -> f64 {
    let once = |count: u32| {
        let start = Instant::now();
        for _ in 0..count {
            black_box(work());
        }
        start.elapsed()
    };
    // as many in a batch as the clock can tell apart
    let doubled = (0..30).map(|power| 1 << power);
    let count = doubled.into_iter().find(|count| once(*count) >= SHORTEST).unwrap_or(1 << 30);
    let mut times: Vec<_> = (0..BATCHES).map(|_| once(count).as_secs_f64()).collect();
    times.sort_unstable_by(f64::total_cmp);
    let median = times[BATCHES / 2] / f64::from(count) * 1e6;
    println!("{name:44} {median:>10.4} µs");
    median
}
