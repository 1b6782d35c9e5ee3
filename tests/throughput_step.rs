//! The time of a step: published figures, and what must hold for every layout.

use approx::assert_relative_eq;
use plan::hardware::{self, Device, UserDevice};
use plan::layout::{Layout, LayoutKeys, PipelineSchedule, Recompute, Strategy as Sharding};
use plan::memory::{Optimizer, Precision};
use plan::model::{Shape, shapes};
use plan::quantity::Bandwidth;
use plan::throughput::{Clock, StepTime, Work, engines};
use proptest::prelude::*;

fn device(name: &str, devices: u64, own: UserDevice) -> Device {
    let accelerator = hardware::catalogue().find(name).unwrap();
    Device::of(devices, Some(accelerator), None, &own).unwrap()
}

fn layout(devices: u64, keys: &LayoutKeys) -> Layout {
    Layout::of(keys, devices).unwrap_or_else(|e| panic!("{e}"))
}

struct Run<'a> {
    shape: &'a Shape,
    sequence: u64,
    engine: &'a str,
    device: Device,
    precision: Precision,
    layout: Layout,
}

impl Run<'_> {
    fn step(&self) -> StepTime {
        self.clocked(|clock| clock.step(&self.layout))
    }

    fn tokens_per_second(&self) -> f64 {
        self.clocked(|clock| clock.tokens_per_second_per_device(&self.layout))
    }

    fn clocked<T>(&self, of: impl Fn(&Clock) -> T) -> T {
        let work = Work::of(self.shape, self.sequence);
        let engine = engines().find(self.engine).unwrap();
        let clock = Clock::new(&work, engine, &self.device, self.precision, Optimizer::AdamW);
        of(&clock.unwrap())
    }
}

/// Single figures of published tables; `tests/throughput.rs` has all of them.
#[test]
fn published_figures() {
    let llama = shapes().find("llama-3-8b").unwrap().shape().unwrap();
    let close = |run: &Run, published: f64, within: f64| {
        let found = run.tokens_per_second();
        assert!((found / published - 1.0).abs() < within, "{found} for {published}");
    };
    // torchtitan, benchmarks/llama3_h100_202412_torchtitan.md, table 3: 128 devices, compiled
    let keys = LayoutKeys {
        micro_batch: Some(2),
        recompute: Some(Recompute::Selective),
        ..LayoutKeys::default()
    };
    let run = Run {
        shape: &llama,
        sequence: 8192,
        engine: "torchtitan",
        device: device("h100-sxm-96gb", 128, UserDevice::default()),
        precision: Precision::Bf16,
        layout: layout(128, &keys),
    };
    close(&run, 6514.0, 0.05);
    // the same page, table 2: eight devices share a sequence of 262,144 tokens, FP8
    let keys = LayoutKeys { cp: Some(8), recompute: Some(Recompute::Full), ..keys };
    let run = Run {
        sequence: 262_144,
        precision: Precision::Fp8,
        layout: layout(8, &LayoutKeys { micro_batch: Some(1), ..keys }),
        device: device("h100-sxm-96gb", 8, UserDevice::default()),
        ..run
    };
    close(&run, 548.0, 0.05);
    // NVIDIA/Megatron-LM (d98e8a6), examples/llama/README.md: Llama 3 8B in FP8 on 8 H100
    let keys = LayoutKeys {
        strategy: Some(Sharding::Zero1),
        cp: Some(2),
        micro_batches: Some(32),
        ..LayoutKeys::default()
    };
    let run = Run {
        sequence: 8192,
        engine: "megatron-bridge",
        device: device("h100-sxm", 8, UserDevice::default()),
        layout: layout(8, &keys),
        ..run
    };
    close(&run, 13_812.0, 0.1);
}

/// Qi et al. 2023, section 2.1: the bubble of ZB-H1 is a third of that of 1F1B; Narayanan et al.
/// 2021, section 2.2: v chunks make it v times smaller, and it is (p - 1) / m of the ideal time.
#[test]
fn bubbles() {
    let shape = shapes().find("llama-3-70b").unwrap().shape().unwrap();
    let keys = LayoutKeys {
        strategy: Some(Sharding::Zero1),
        tp: Some(8),
        pp: Some(4),
        micro_batches: Some(16),
        ..LayoutKeys::default()
    };
    let device = device("h100-sxm", 64, UserDevice::default());
    let of = |keys: &LayoutKeys| Run {
        shape: &shape,
        sequence: 4096,
        engine: "megatron-bridge",
        device,
        precision: Precision::Bf16,
        layout: layout(64, keys),
    };
    let plain = of(&keys).step();
    let zero = LayoutKeys { schedule: Some(PipelineSchedule::ZbH1), ..keys.clone() };
    assert_relative_eq!(of(&zero).step().bubble, plain.bubble / 3.0, max_relative = 1e-12);
    let chunks = LayoutKeys { interleave: Some(5), ..keys.clone() };
    let ratio = plain.bubble / of(&chunks).step().bubble;
    // the stream crosses between stages five times as often
    assert!((4.5..=5.0).contains(&ratio), "{ratio}");
    let more = of(&LayoutKeys { micro_batches: Some(64), ..keys }).step();
    assert_relative_eq!(more.bubble, plain.bubble, max_relative = 1e-12);
    let once = |step: &StepTime| step.exposed.dp_shard + step.optimizer;
    let ideal = plain.seconds() - plain.bubble - once(&plain);
    // the head is on the last stage alone, so that the others wait a little less
    assert!((0.9..=1.0).contains(&(plain.bubble / (ideal * 3.0 / 16.0))), "{plain:?}");
}

/// Devices that no link is needed for need none; others are told the key that is missing.
#[test]
fn links_are_needed_where_they_are_crossed() {
    let a100 = hardware::catalogue().find("a100-pcie-80gb").unwrap();
    let of = |devices, own| Device::of(devices, Some(a100), None, &own);
    assert!(of(1, UserDevice::default()).is_ok());
    assert!(of(8, UserDevice::default()).is_ok());
    assert_eq!(of(16, UserDevice::default()), Err("network_bandwidth"));
    let own = UserDevice { network_bandwidth: Some(Bandwidth(25e9)), ..UserDevice::default() };
    assert!(of(16, own).is_ok());
    let v100 = hardware::catalogue().find("v100-sxm").unwrap();
    let missing = Device::of(8, Some(v100), None, &UserDevice::default());
    assert_eq!(missing, Err("memory_bandwidth"));
    assert_eq!(Device::of(8, None, None, &UserDevice::default()), Err("accelerator"));
}

fn power(most: u32) -> impl Strategy<Value = u64> {
    (0..=most).prop_map(|exponent| 1 << exponent)
}

prop_compose! {
    fn layouts()(
        tp in power(3), pp in power(3), cp in power(2), data in power(4), micro_batch in power(2),
        batches in 1_u64..40, full in any::<bool>(), which in 0_usize..4,
    ) -> Layout {
        let strategies = [Sharding::Fsdp2, Sharding::Zero1, Sharding::Zero2, Sharding::Ddp];
        layout(tp * pp * cp * data, &LayoutKeys {
            strategy: Some(strategies[which]),
            tp: Some(tp),
            pp: Some(pp),
            cp: Some(cp),
            micro_batch: Some(micro_batch),
            micro_batches: Some(batches),
            recompute: Some(if full { Recompute::Full } else { Recompute::None }),
            ..LayoutKeys::default()
        })
    }
}

fn any_run<'a>(shape: &'a Shape, engine: &'a str, layout: Layout, own: UserDevice) -> Run<'a> {
    Run {
        shape,
        sequence: 8192,
        engine,
        device: device("h100-sxm", layout.devices(), own),
        precision: Precision::Bf16,
        layout,
    }
}

proptest! {
    /// Parts are seconds, none negative; the same layout has the same time.
    #[test]
    fn parts_add_up(layout in layouts(), engine in 0_usize..9) {
        let shape = shapes().find("llama-3-8b").unwrap().shape().unwrap();
        let engine = &engines().iter().nth(engine).unwrap().name;
        let run = any_run(&shape, engine, layout, UserDevice::default());
        let step = run.step();
        let axes = step.exposed.by_axis();
        let all = step.parts().into_iter().chain(axes);
        prop_assert!(all.clone().all(|(_, s)| s >= 0.0 && s.is_finite()), "{step:?}");
        let sum: f64 = all.map(|(_, s)| s).sum();
        prop_assert!((sum / step.seconds() - 1.0).abs() < 1e-12);
        prop_assert_eq!(step, run.step());
    }

    /// A faster part makes no step slower.
    #[test]
    fn faster_hardware_is_no_slower(layout in layouts(), which in 0_usize..3, times in 1.0..4.0) {
        let shape = shapes().find("llama-3-8b").unwrap().shape().unwrap();
        let faster = |rate: f64| Some(Bandwidth(rate * times));
        let own = match which {
            0 => UserDevice { memory_bandwidth: faster(3.35e12), ..UserDevice::default() },
            1 => UserDevice { link_bandwidth: faster(450e9), ..UserDevice::default() },
            _ => UserDevice { network_bandwidth: faster(50e9), ..UserDevice::default() },
        };
        let base = any_run(&shape, "megatron", layout, UserDevice::default()).step().seconds();
        let found = any_run(&shape, "megatron", layout, own).step().seconds();
        prop_assert!(found <= base * (1.0 + 1e-12), "{found} > {base}");
    }

    /// More micro-batches take longer, and never longer for each; recomputing takes no less.
    #[test]
    fn more_work_takes_longer(layout in layouts()) {
        let shape = shapes().find("llama-3-8b").unwrap().shape().unwrap();
        let seconds = |layout| {
            any_run(&shape, "megatron", layout, UserDevice::default()).step().seconds()
        };
        let more = Layout { micro_batches: layout.micro_batches + 1, ..layout };
        prop_assert!(seconds(more) > seconds(layout));
        let each = |layout: Layout| seconds(layout) / f64::from(u32::try_from(layout.micro_batches).unwrap());
        prop_assert!(each(more) <= each(layout) * (1.0 + 1e-12));
        let full = Layout { recompute: Recompute::Full, ..layout };
        let none = Layout { recompute: Recompute::None, ..layout };
        // what is computed anew may hide in what is sent meanwhile
        prop_assert!(seconds(full) >= seconds(none));
    }
}
