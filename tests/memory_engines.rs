//! What engines reserve on a device, against what their authors measured.

use plan::layout::{Layout, LayoutKeys, Recompute, Strategy};
use plan::memory::{
    AttentionKernel, BIGSCIENCE, Device, LossKernel, Profile, Ratios, Setting, Step, TORCHTITAN,
    fits, step,
};
use plan::model::{
    Attention, Block, FeedForward, Grouped, Mlp, Norm, Positions, QkNorm, Shape, Stack,
};
use std::collections::HashMap;

#[path = "support/data.rs"]
mod data;
#[path = "support/llama.rs"]
mod llama;
#[path = "support/network.rs"]
mod network;
#[path = "support/percentile.rs"]
mod percentile;
#[path = "support/setting.rs"]
mod setting;
#[path = "support/spread.rs"]
mod spread;
#[path = "support/suite.rs"]
mod suite;

use data::find;
use llama::llama;
use setting::plain;
use spread::spread;
use suite::{Case, bound};

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

type Row = HashMap<String, String>;

/// The rows of a file of measurements; none, with a word, where it is absent.
fn rows(name: &str, from: &str) -> Vec<Row> {
    let Some(path) = find(name, from) else { return Vec::new() };
    csv::Reader::from_path(path).unwrap().deserialize().map(Result::unwrap).collect()
}

#[derive(Clone, Copy)]
struct Titan {
    shape: [u64; 6],
    devices: u64,
    batch: u64,
    sequence: u64,
    degrees: [u64; 3],
    recompute: Recompute,
    compiled: bool,
    loss: LossKernel,
}

impl Titan {
    fn stated(&self) -> Setting {
        let [tp, cp, pp] = self.degrees;
        let keys = LayoutKeys {
            tp: Some(tp),
            cp: Some(cp),
            pp: Some(pp),
            micro_batch: Some(self.batch / pp),
            recompute: Some(self.recompute),
            reshard: Some(pp == 1),
            ..LayoutKeys::default()
        };
        let profile = if self.compiled { Profile::Torchtitan } else { Profile::TorchtitanEager };
        let layout = Layout::of(&keys, self.devices).unwrap();
        self.setting(layout, profile)
    }

    fn step(&self) -> Step {
        step(&self.llama(), &self.stated()).unwrap()
    }

    /// Against what the allocator reserved, GiB.
    fn case(&self, reserved: f64) -> Case {
        let ratio = self.step().reserved() / GIB / reserved;
        Case { shape: self.llama(), setting: self.stated(), ratio }
    }

    fn llama(&self) -> Shape {
        let [_, hidden, _, heads, ..] = self.shape;
        llama(self.shape, hidden / heads, false)
    }

    fn setting(&self, layout: Layout, profile: Profile) -> Setting {
        let plain = plain(&LayoutKeys::default(), self.devices);
        Setting { layout, sequence: self.sequence, loss: self.loss, profile, ..plain }
    }
}

fn titan(row: &Row) -> Titan {
    let number = |key: &str| row[key].parse::<u64>().unwrap();
    Titan {
        shape: ["layers", "hidden", "ffn", "heads", "kv_heads", "vocab"].map(number),
        devices: number("gpus"),
        batch: number("local_batch"),
        sequence: number("seq"),
        degrees: ["tp", "cp", "pp"].map(number),
        recompute: if row["ac"] == "full" { Recompute::Full } else { Recompute::Selective },
        compiled: row["compile"] == "1",
        loss: if row["source"].contains("202506") {
            LossKernel::Compiled
        } else {
            LossKernel::Released
        },
    }
}

/// Mean of some errors without their signs.
fn mean(errors: &[f64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "rows are few")]
    let count = errors.len() as f64;
    errors.iter().map(|error| error.abs()).sum::<f64>() / count
}

/// torchtitan prints `max_reserved_gib` (`metrics.py` at 9dec370).
#[test]
fn torchtitan_reserves_what_its_authors_saw() {
    let (mut full, mut selective, mut cases) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows("throughput_torchtitan_measured.csv", "github.com/pytorch/torchtitan") {
        let Ok(measured) = row["peak_mem_gib"].parse::<f64>() else { continue };
        if row["pp"] != "1" || row["ac"] == "selective-layer" {
            continue; // pipelines are not understood: tests/oracle/engine_memory_torch.md
        }
        let case = titan(&row).case(measured);
        if row["ac"] == "full" { &mut full } else { &mut selective }.push(case.ratio - 1.0);
        cases.push(case);
    }
    if full.is_empty() && selective.is_empty() {
        return; // `rows` has said why
    }
    assert_eq!((full.len(), selective.len()), (4, 5));
    bound(&TORCHTITAN, &cases);
    spread(Ratios::of(&cases[0].setting), cases.iter().map(|case| 1.0 / case.ratio));
    let (full, selective) = (mean(&full), mean(&selective));
    assert!(full <= 0.05 && selective <= 0.08, "{full}, {selective}");
}

const LLAMA_3_8B: [u64; 6] = [32, 4096, 14336, 32, 8, 128_256];
const LLAMA_3_70B: [u64; 6] = [80, 8192, 28672, 64, 8, 128_256];

/// Four figures of torchtitan's pages (b5bcd76, `benchmarks/llama3_h100_202412_torchtitan.md`; H100 of
/// 96 GB), GiB reserved.
#[test]
fn four_printed_figures_of_torchtitan() {
    let selective = |devices, compiled| Titan {
        shape: LLAMA_3_8B,
        devices,
        batch: 2,
        sequence: 8192,
        degrees: [1, 1, 1],
        recompute: Recompute::Selective,
        compiled,
        loss: LossKernel::Released,
    };
    let tensor_parallel = Titan {
        shape: LLAMA_3_70B,
        devices: 256,
        batch: 16,
        degrees: [8, 1, 1],
        recompute: Recompute::Full,
        ..selective(256, true)
    };
    for (titan, printed) in [
        (selective(8, false), 82.4),
        (selective(8, true), 77.0),
        (selective(128, true), 62.0),
        (tensor_parallel, 67.6), // with asynchronous tensor parallelism
    ] {
        let error = titan.step().reserved() / GIB / printed - 1.0;
        assert!(error.abs() < 0.05, "{printed} GiB: {error:+.3}");
    }
}

/// Llama 2 70B on 64 A100 of 80 GB, 2 sequences of 4,096, per-operator selective recomputation:
/// "OOM" (torchtitan 395a526, `docs/performance.md`).
#[test]
fn a_measured_out_of_memory_of_torchtitan() {
    let titan = Titan {
        shape: [80, 8192, 28672, 64, 8, 32_000],
        devices: 64,
        batch: 2,
        sequence: 4096,
        degrees: [1, 1, 1],
        recompute: Recompute::Selective,
        compiled: false,
        loss: LossKernel::Released,
    };
    let step = titan.step();
    assert!(step.peak().bytes > 80.0 * GIB);
    assert!(step.reserved() > step.peak().bytes);
}

/// A line of BigScience's chronicles-prequel.md (bigscience at 9e64ede).
#[derive(Clone, Copy)]
struct Chronicle {
    line: u64,
    /// Layers, hidden, heads.
    model: [u64; 3],
    /// Data, tensor and pipeline parallel.
    degrees: [u64; 3],
    micro_batch: u64,
    micro_batches: u64,
    zero: bool,
    /// The BF16 optimizer, from 28 February on.
    bf16: bool,
}

impl Chronicle {
    fn stated(&self) -> (Shape, Setting) {
        let [layers, hidden, heads] = self.model;
        let [dp, tp, pp] = self.degrees;
        let attention = Attention::Grouped(Grouped {
            heads,
            kv_heads: heads,
            head_dim: hidden / heads,
            qkv_bias: true,
            out_bias: true,
            qk_norm: QkNorm::None,
            sinks: false,
        });
        let mlp = Mlp { width: 4 * hidden, gated: false, bias: true };
        let block = Block { attention, feed_forward: FeedForward::Dense(mlp), norms: 2 };
        let shape = Shape {
            vocab: 250_880,
            hidden,
            embedding_width: hidden,
            // the last script has --embed-layernorm
            embedding_norm: self.bf16,
            positions: Positions::Learned(2048),
            norm: Norm::Layer,
            final_norm: true,
            tied: true,
            stacks: vec![Stack { layers, block }],
        };
        let keys = LayoutKeys {
            strategy: Some(if self.zero { Strategy::Zero1 } else { Strategy::Ddp }),
            tp: Some(tp),
            pp: Some(pp),
            micro_batch: Some(self.micro_batch),
            micro_batches: Some(self.micro_batches),
            recompute: Some(Recompute::Full),
            ..LayoutKeys::default()
        };
        let profile =
            if self.bf16 { Profile::MegatronDeepspeedBf16 } else { Profile::MegatronDeepspeed };
        let attention = AttentionKernel::Eager;
        let setting = Setting { attention, profile, ..plain(&keys, dp * tp * pp) };
        (shape, setting)
    }

    /// What nvidia-smi would show, GiB.
    fn shown(&self) -> f64 {
        let (shape, setting) = self.stated();
        step(&shape, &setting).unwrap().on_device().unwrap() / GIB
    }

    fn case(&self, measured: f64) -> Case {
        let (shape, setting) = self.stated();
        Case { shape, setting, ratio: self.shown() / measured }
    }
}

fn chronicle(row: &Row) -> Option<(Chronicle, f64)> {
    let number = |key: &str| row[key].parse::<u64>().ok();
    let measured = row["mem_gb_nvidia_smi"].parse::<f64>().ok()?;
    let (layers, hidden) = (number("layers")?, number("hidden")?);
    let (tp, pp) = (number("tp")?, number("pp")?);
    // "all NHEADS=64 (above too)"
    let heads = number("heads").unwrap_or(64);
    let dp = number("dp").or(Some(number("gpus")? / tp / pp))?;
    let micro_batch = number("mbs")?;
    let of = Chronicle {
        line: number("line")?,
        model: [layers, hidden, heads],
        degrees: [dp, tp, pp],
        micro_batch,
        micro_batches: number("gbs").unwrap_or(2048) / dp / micro_batch,
        zero: row["zero"] == "1",
        bf16: row["notes"].as_str() >= "02-28",
    };
    Some((of, measured))
}

#[test]
fn megatron_deepspeed_shows_what_bigscience_saw() {
    let rows =
        rows("throughput_bigscience_a100_3d.csv", "github.com/bigscience-workshop/bigscience");
    let cases = rows.iter().filter_map(chronicle);
    let cases: Vec<Case> = cases.map(|(of, measured)| of.case(measured)).collect();
    if cases.is_empty() {
        return; // `rows` has said why
    }
    bound(&BIGSCIENCE, &cases);
    spread(Ratios::of(&cases[0].setting), cases.iter().map(|case| 1.0 / case.ratio));
    let errors: Vec<f64> = cases.iter().map(|case| case.ratio - 1.0).collect();
    assert!(mean(&errors) <= 0.07, "{}", mean(&errors));
}

/// `ZeRO`-1 in batches of 2,048 sequences.
fn line(line: u64, model: [u64; 3], degrees: [u64; 3], micro_batch: u64, bf16: bool) -> Chronicle {
    let micro_batches = 2048 / degrees[0] / micro_batch;
    Chronicle { line, model, degrees, micro_batch, micro_batches, zero: true, bf16 }
}

/// Printed GB of `nvidia-smi`, taken as GiB.
#[test]
fn printed_figures_of_the_chronicles() {
    let (wide, wider, widest) = (12_288, 13_312, 14_336);
    let lines = [
        (line(389, [8, 14400, 32], [1, 8, 1], 1, false), 67.0),
        (line(428, [80, 14400, 96], [1, 8, 10], 1, false), 75.0),
        (line(608, [72, 14336, 64], [4, 8, 12], 2, false), 37.0),
        (line(610, [72, 14336, 64], [4, 8, 12], 8, false), 69.0),
        (line(727, [72, 14336, 112], [8, 8, 6], 4, false), 53.0),
        (line(884, [78, 13824, 96], [16, 4, 6], 4, false), 75.0),
        (line(906, [106, wide, 64], [8, 4, 12], 2, true), 67.0),
        (line(907, [106, wide, 96], [8, 4, 12], 2, true), 65.0),
        (line(908, [106, wide, 128], [8, 4, 12], 2, true), 67.0),
        (line(909, [106, wide, 96], [8, 4, 12], 4, true), 79.0),
        (line(919, [100, wide, 64], [8, 8, 6], 2, true), 61.0),
        (line(920, [100, wide, 64], [8, 8, 6], 4, true), 72.0),
        (line(928, [82, wider, 64], [4, 8, 12], 4, true), 52.0),
        (line(929, [82, wider, 64], [8, 4, 12], 2, true), 63.0),
        (line(930, [82, wider, 104], [8, 4, 12], 2, true), 62.0),
        (line(931, [82, wider, 128], [8, 4, 12], 2, true), 60.0),
        (line(932, [82, wider, 64], [8, 4, 12], 4, true), 74.0),
        (line(939, [94, wider, 128], [8, 4, 12], 2, true), 67.0),
        (line(946, [70, widest, 64], [4, 8, 12], 2, true), 40.0),
        (line(947, [70, widest, 64], [8, 4, 12], 2, true), 59.0),
        (line(950, [70, widest, 64], [8, 4, 12], 4, true), 73.0),
    ];
    let error = |(of, printed): &(Chronicle, f64)| of.shown() / printed - 1.0;
    for printed in &lines {
        let error = error(printed);
        assert!(error.abs() < 0.065, "line {}: {error:+.3}", printed.0.line);
    }
    let errors = lines.each_ref().map(error);
    assert!(mean(&errors) < 0.035, "{}", mean(&errors));
}

/// Lines that say OOM on A100 of 80 GB, 79.3 GiB. One more, 957, is predicted to fit; line 939, which
/// ran, has as much of everything (`tests/oracle/engine_memory_torch.md`).
#[test]
fn measured_out_of_memory_of_the_chronicles() {
    for of in [
        line(793, [72, 14336, 64], [48, 8, 1], 1, false),
        line(806, [72, 14336, 64], [32, 2, 6], 2, false),
        line(807, [72, 14336, 64], [32, 2, 6], 1, false),
        line(917, [100, 12288, 64], [16, 4, 6], 2, true),
        line(918, [100, 12288, 64], [16, 4, 6], 1, true),
    ] {
        assert!(of.shown() > 79.3, "line {}: {}", of.line, of.shown());
    }
}

/// torchtitan's number is what the allocator reserves, Megatron-DeepSpeed's what nvidia-smi shows; each
/// with the range of its own comparison.
#[test]
fn the_device_shows_what_the_suite_compares() {
    let titan = Titan {
        shape: LLAMA_3_8B,
        devices: 8,
        batch: 2,
        sequence: 8192,
        degrees: [1, 1, 1],
        recompute: Recompute::Selective,
        compiled: true,
        loss: LossKernel::Released,
    };
    let (setting, titan) = (titan.stated(), titan.step());
    let device = Device::of(&titan, &setting);
    let is = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-9, "{a} {b}");
    is(device.reserved.bytes, titan.reserved());
    is(device.allocated.unwrap(), titan.peak().bytes);
    is(device.shown.bytes - device.context.bytes, titan.reserved());
    // all that was measured lies above what is simulated, and the simulated number is in the range
    is(device.reserved.range[0], titan.reserved());
    is(device.reserved.range[1], device.ratios.of[5] * titan.reserved());

    for (devices, nccl) in [(8, 0.0), (80, 2.5)] {
        let of = line(428, [80, 14400, 96], [1, 8, devices / 8], 1, false);
        let (shape, setting) = of.stated();
        let step = step(&shape, &setting).unwrap();
        let device = Device::of(&step, &setting);
        assert_eq!(device.allocated, None);
        is(device.shown.bytes, step.on_device().unwrap());
        is(device.reserved.bytes, step.reserved());
        for (end, place) in [(0, 1), (1, 5)] {
            is(device.shown.range[end], device.ratios.of[place] * device.shown.bytes);
            is(device.shown.range[end] - device.reserved.range[end], device.context.bytes);
        }
        // 1573 MiB, and NCCL's buffers between nodes
        is(device.context.bytes / GIB, 1573.0 / 1024.0 + nccl);
        let all = device.shown.bytes;
        assert!(fits(&step, &setting, all + 1.0) && !fits(&step, &setting, all - 1.0));
    }
}

/// Where a mechanism is not known nothing is guessed, and the key at fault is named.
#[test]
fn what_an_engine_does_not_do_is_an_error() {
    let titan = Titan {
        shape: LLAMA_3_8B,
        devices: 8,
        batch: 1,
        sequence: 4096,
        degrees: [1, 1, 1],
        recompute: Recompute::Selective,
        compiled: true,
        loss: LossKernel::Released,
    };
    let fails = |strategy, recompute, profile| {
        let (reshard, strategy, recompute) = (None, Some(strategy), Some(recompute));
        let keys = LayoutKeys { strategy, recompute, reshard, ..LayoutKeys::default() };
        let layout = Layout::of(&keys, 8).unwrap();
        let error = step(&titan.llama(), &titan.setting(layout, profile)).unwrap_err();
        assert!(error.message.starts_with(&profile.to_string()), "{error}");
        assert!(!error.help.is_empty());
        error.key
    };
    let (none, some, full) = (Recompute::None, Recompute::Selective, Recompute::Full);
    for (key, strategy, recompute, profile) in [
        ("layout.recompute", Strategy::Fsdp2, none, Profile::Torchtitan),
        ("layout.strategy", Strategy::Ddp, full, Profile::TorchtitanEager),
        ("layout.recompute", Strategy::Zero1, some, Profile::Cuda),
        ("layout.recompute", Strategy::Fsdp2, some, Profile::HuggingFace),
        ("layout.strategy", Strategy::Fsdp2, full, Profile::MegatronDeepspeed),
        ("layout.recompute", Strategy::Zero1, none, Profile::MegatronDeepspeed),
        ("model", Strategy::Zero1, full, Profile::MegatronDeepspeedBf16),
    ] {
        assert_eq!(fails(strategy, recompute, profile), key, "{profile}");
    }
    // every layer's blocks are walked: no plan takes minutes
    let [_, sizes @ ..] = LLAMA_3_8B;
    let [hidden, ffn, heads, kv_heads, vocab] = sizes;
    let deep = |layers| [layers, hidden, ffn, heads, kv_heads, vocab];
    let layered = |layers| Titan { shape: deep(layers), ..titan };
    let (most, over) = (layered(1000), layered(1001));
    assert!(step(&most.llama(), &most.stated()).is_ok());
    let error = step(&over.llama(), &over.stated()).unwrap_err();
    assert_eq!((error.key, error.message.contains("1,000 layers")), ("model", true));
}
