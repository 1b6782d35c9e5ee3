//! Times of timing a step: `cargo bench --bench throughput`.
//!
//! What a search does for every layout. It reports and does not judge: machines differ.

use plan::hardware::{self, Device, UserDevice};
use plan::layout::{Layout, LayoutKeys};
use plan::memory::{Optimizer, Precision};
use plan::model::shapes;
use plan::throughput::{Clock, Work, engines};
use std::hint::black_box;
use std::time::Instant;

/// Steps of one measurement.
const STEPS: u32 = 1_000_000;

#[expect(clippy::disallowed_methods, reason = "the time is what is measured")]
fn main() {
    for name in ["gpt-3-175b", "llama-3.1-405b", "deepseek-v3"] {
        let Ok(published) = shapes().find(name) else { continue };
        let shape = published.shape().expect("published shapes are shapes");
        let start = Instant::now();
        let work = Work::of(&shape, 4096);
        let once = start.elapsed();
        let engine = engines().find("megatron").expect("it is in the catalogue");
        let h100 = hardware::catalogue().find("h100-sxm").expect("it is in the catalogue");
        let own = UserDevice::default();
        let device = Device::of(1024, Some(h100), None, &own).expect("its node is known");
        let clock = Clock::new(&work, engine, &device, Precision::Bf16, Optimizer::AdamW);
        let clock = clock.expect("BF16 is known");
        let keys = LayoutKeys { tp: Some(8), pp: Some(8), ..LayoutKeys::default() };
        let layout = Layout::of(&keys, 1024).expect("it adds up");
        let start = Instant::now();
        for n in 0..STEPS {
            let layout = Layout { micro_batches: u64::from(n % 64) + 1, ..layout };
            black_box(clock.step(black_box(&layout)).seconds());
        }
        let each = start.elapsed() / STEPS;
        println!("{name:20} the work of a model {once:>10.2?}, a step {each:>10.2?}");
    }
}
