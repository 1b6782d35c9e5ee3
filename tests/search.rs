//! The search for a layout against trying every layout.

#![expect(clippy::cast_precision_loss, reason = "counts are small")]

use plan::hardware::{self, Device, UserDevice};
use plan::layout::{Layout, LayoutKeys, Strategy};
use plan::memory::{
    AttentionKernel, Context, Optimizer, Precision, Profile, Setting, envelopes, step,
};
use plan::model::{Shape, shapes};
use plan::search::{Breadth, Question, layouts, search, states_bytes};
use plan::throughput::{Clock, Work, engines};
use proptest::prelude::*;

#[path = "support/network.rs"]
mod network;

#[path = "search/calculon.rs"]
mod calculon;
#[path = "search/counts.rs"]
mod counts;

/// A small question.
#[derive(Debug, Clone)]
struct Asked {
    model: &'static str,
    engine: &'static str,
    devices: u64,
    sequences: u64,
    sequence: u64,
    room: f64,
    strategies: Vec<Strategy>,
    fixed: LayoutKeys,
}

fn shape(name: &str) -> Shape {
    shapes().find(name).expect("it is in the catalogue").shape().expect("it is a shape")
}

impl Asked {
    fn setting(&self, layout: Layout) -> Setting {
        let profile = engines().find(self.engine).expect("known").profile;
        Setting {
            layout,
            sequence: self.sequence,
            precision: Precision::Bf16,
            optimizer: Optimizer::AdamW,
            attention: AttentionKernel::Sdpa,
            loss: profile.loss(),
            profile: profile.on_gpu(),
            adapter: None,
            family: None,
        }
    }

    /// Asks, with the model, its work and the device at hand.
    fn with<T>(&self, answer: impl FnOnce(&Question) -> T) -> T {
        let shape = shape(self.model);
        let work = Work::of(&shape, self.sequence);
        let engine = engines().find(self.engine).expect("known");
        let h100 = hardware::catalogue().find("h100-sxm").expect("known");
        let device = Device::of(self.devices, Some(h100), None, &UserDevice::default());
        let device = device.expect("its node is known");
        let one = Layout::of(&LayoutKeys::default(), 1).expect("one device");
        let setting = self.setting(one);
        let clock = Clock::new(&work, engine, &device, setting.precision, setting.optimizer);
        answer(&Question {
            shape: &shape,
            setting,
            clock: clock.expect("BF16 is known"),
            devices: self.devices,
            node_devices: device.links.node_devices,
            sequences: self.sequences,
            room: self.room,
            strategies: self.strategies.clone(),
            fixed: self.fixed.clone(),
            breadth: Breadth::All,
        })
    }
}

fn bytes(question: &Question, layout: &Layout) -> f64 {
    let setting = Setting { layout: *layout, ..question.setting };
    let simulated = step(question.shape, &setting).expect("a legal layout is simulated");
    simulated.peak().bytes + Context::of(&setting).bytes
}

fn near(a: f64, b: f64) -> bool {
    (a / b - 1.0).abs() < 1e-9
}

fn asked() -> impl Strategy_<Value = Asked> {
    let models = prop::sample::select(vec![
        ("llama-3-8b", "megatron"),
        ("llama-3-8b", "torchtitan-eager"),
        ("llama-2-13b", "torchtitan"),
        ("mixtral-8x7b", "megatron"),
        ("llama-3.2-1b", "torchtitan-eager"),
    ]);
    let sizes = (0_u32..5, 0_u32..6, prop::sample::select(vec![512_u64, 2048, 8192]));
    (models, sizes, 1.0_f64..140.0).prop_map(|((model, engine), (devices, batch, sequence), gb)| {
        let strategies = if engine == "megatron" {
            vec![Strategy::Zero1, Strategy::Ddp]
        } else {
            vec![Strategy::Fsdp2, Strategy::Hsdp]
        };
        Asked {
            model,
            engine,
            devices: 1 << devices,
            sequences: 1 << batch,
            sequence,
            room: gb * 1e9,
            strategies,
            fixed: LayoutKeys::default(),
        }
    })
}

use proptest::strategy::Strategy as Strategy_;

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// The walk finds what trying every layout with the full simulation finds.
    #[test]
    fn the_walk_is_exact(asked in asked()) {
        asked.with(|question| {
            let (all, counts) = layouts(question);
            let found = search(question, &|_| ());
            assert_eq!(counts.legal, all.len() as u64);
            assert_eq!(found.counts.legal, counts.legal);
            assert_eq!(found.counts.refused, counts.refused);
            assert_eq!(found.counts.asked + found.counts.discarded, counts.legal);
            let every: Vec<(f64, f64)> = all
                .iter()
                .map(|l| (question.clock.step(l).seconds(), bytes(question, l)))
                .collect();
            // the fastest that fits, the first of equals
            let fits = every.iter().enumerate().filter(|(_, (_, held))| *held <= question.room);
            let best = fits.reduce(|a, b| if b.1.0 < a.1.0 { b } else { a });
            assert_eq!(found.best.map(|b| b.layout), best.map(|(place, _)| all[place]));
            // nothing beats what is on the front, and nothing else is unbeaten
            for other in &every {
                let beaten = found.front.iter().any(|front| {
                    let (seconds, held) = (front.time.seconds(), front.bytes);
                    seconds <= other.0 && (held <= other.1 || near(held, other.1))
                });
                assert!(beaten, "{other:?} lies before the front");
            }
            for pair in found.front.windows(2) {
                assert!(pair[0].time.seconds() <= pair[1].time.seconds());
                assert!(pair[0].bytes > pair[1].bytes);
            }
            for told in found.front.iter().chain(&found.runners_up).chain(&found.too_large) {
                assert!(near(told.bytes, bytes(question, &told.layout)), "{told:?}");
                assert_eq!(told.fits, told.bytes <= question.room);
            }
        });
    }

    /// The bound is one, and steps that differ in their micro-batch share their lines.
    #[test]
    fn states_are_a_bound(asked in asked(), pick in any::<prop::sample::Index>()) {
        asked.with(|question| {
            let (all, _) = layouts(question);
            if all.is_empty() {
                return;
            }
            let layout = all[pick.index(all.len())];
            let setting = Setting { layout, ..question.setting };
            let held = bytes(question, &layout);
            assert!(states_bytes(question.shape, &setting) <= held, "{layout:?}");
            let tokens = (layout.micro_batch * question.setting.sequence / layout.cp) as f64;
            let lines = envelopes(question.shape, &setting).expect("legal");
            let peak = lines.iter().map(|line| line.peak(tokens)).fold(0.0, f64::max);
            assert!(near(peak + Context::of(&setting).bytes, held), "{layout:?}");
        });
    }
}

fn llama(devices: u64, fixed: LayoutKeys) -> Asked {
    Asked {
        model: "llama-3-8b",
        engine: "megatron",
        devices,
        sequences: 64,
        sequence: 8192,
        room: 76e9,
        strategies: vec![Strategy::Zero1, Strategy::Ddp],
        fixed,
    }
}

/// What is fixed is kept, and what cannot be is counted by its reason.
#[test]
fn fixed_degrees_restrict() {
    let fixed = LayoutKeys { tp: Some(4), micro_batch: Some(2), ..LayoutKeys::default() };
    llama(16, fixed).with(|question| {
        let (all, _) = layouts(question);
        assert!(!all.is_empty());
        assert!(all.iter().all(|l| l.tp == 4 && l.micro_batch == 2 && l.devices() == 16));
        let sequences = |l: &Layout| l.data_parallel() * l.micro_batch * l.micro_batches;
        assert!(all.iter().all(|l| sequences(l) == 64));
    });
    let fixed = LayoutKeys { tp: Some(3), ..LayoutKeys::default() };
    llama(16, fixed).with(|question| {
        let (all, counts) = layouts(question);
        assert!(all.is_empty());
        assert_eq!(counts.refused.len(), 1);
        assert_eq!(counts.refused[&plan::search::Reason::Devices], 1);
    });
}

/// Tensor parallel stays in a node, unless it is fixed.
#[test]
fn tensor_parallel_stays_in_a_node() {
    llama(32, LayoutKeys::default()).with(|question| {
        let (all, counts) = layouts(question);
        assert_eq!(all.iter().map(|l| l.tp).max(), Some(8));
        // 16 and 32
        assert_eq!(counts.refused[&plan::search::Reason::AcrossNodes], 2);
    });
    llama(32, LayoutKeys { tp: Some(16), ..LayoutKeys::default() }).with(|question| {
        assert!(layouts(question).0.iter().all(|l| l.tp == 16));
        assert!(!layouts(question).0.is_empty());
    });
}

/// The parts by which a runner-up loses add up to what it loses, with those by which it gains.
#[test]
fn runners_up_lose_by_their_parts() {
    llama(64, LayoutKeys::default()).with(|question| {
        let found = search(question, &|_| ());
        let best = found.best.expect("8 B fit into 64 devices");
        assert!(!found.runners_up.is_empty());
        for other in &found.runners_up {
            let sum = |parts: Vec<(String, f64)>| parts.iter().map(|(_, s)| s).sum::<f64>();
            let net = sum(other.longer(&best)) - sum(best.longer(other));
            let slower = other.time.seconds() - best.time.seconds();
            assert!((net - slower).abs() < 1e-9, "{net} {slower}");
            assert!(slower >= 0.0 && other.fits);
        }
    });
}

/// A model far too large for its devices: nothing fits, the front still tells what there is.
#[test]
fn nothing_fits() {
    let asked = Asked { model: "llama-3.1-405b", room: 20e9, ..llama(8, LayoutKeys::default()) };
    asked.with(|question| {
        let found = search(question, &|_| ());
        assert_eq!(found.best, None);
        assert!(!found.front.is_empty() && found.front.iter().all(|c| !c.fits));
        assert!(!found.too_large.is_empty());
    });
    assert_eq!(Profile::Megatron.loss(), plan::memory::LossKernel::Fused);
}
