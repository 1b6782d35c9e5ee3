//! Published runs as cases: a model, a layout, an engine, a device, and the tokens/s that it had.

use super::rows::{Row, Sizes, deepseek, table};
use plan::hardware::{self, Device, UserDevice};
use plan::layout::{Layout, LayoutKeys, Recompute, Strategy};
use plan::memory::{Optimizer, Precision};
use plan::model::Shape;
use plan::quantity::Bandwidth;
use plan::throughput::{Clock, Engine, Work, engines};

pub struct Case {
    pub suite: &'static str,
    /// What stays together when a part is left out.
    pub group: String,
    pub shape: Shape,
    pub sequence: u64,
    pub layout: Layout,
    pub engine: &'static str,
    pub device: Device,
    pub accelerator: &'static str,
    pub precision: Precision,
    /// Half of the blocks are recomputed, as torchtitan's `selective` with an option of 2.
    pub every_second: bool,
    /// Tokens/s of one device.
    pub measured: f64,
}

impl Case {
    /// Predicted over measured, less one.
    pub fn error(&self, engine: &Engine) -> f64 {
        let work = Work::of(&self.shape, self.sequence);
        let clock = Clock::new(&work, engine, &self.device, self.precision, Optimizer::AdamW);
        let clock = clock.expect("the engine and the device know the precision");
        let seconds = |recompute| clock.step(&Layout { recompute, ..self.layout }).seconds();
        let seconds = if self.every_second {
            f64::midpoint(seconds(Recompute::None), seconds(Recompute::Full))
        } else {
            seconds(self.layout.recompute)
        };
        let tokens = clock.tokens(&self.layout) / self.layout.devices() as f64;
        tokens / seconds / self.measured - 1.0
    }

    pub fn shipped(&self) -> f64 {
        self.error(engines().find(self.engine).expect("engines are in the catalogue"))
    }
}

pub fn device(accelerator: &str, devices: u64, network: Option<f64>) -> Device {
    let own = UserDevice { network_bandwidth: network.map(Bandwidth), ..UserDevice::default() };
    let accelerator = hardware::catalogue().find(accelerator).expect("it is in the catalogue");
    Device::of(devices, Some(accelerator), None, &own).expect("its node is known")
}

pub fn split(devices: u64, keys: &LayoutKeys) -> Layout {
    Layout::of(keys, devices).unwrap_or_else(|e| panic!("{e}"))
}

pub fn llm_foundry() -> Option<Vec<Case>> {
    let rows = table("throughput_llm_foundry_throughput.csv")?;
    let mut seen: Vec<(String, String, String, u64)> = Vec::new();
    let cases = rows.iter().filter_map(|row| {
        // one of the rows stands twice
        let key = |column| row.text(column).to_owned();
        let id = (key("tokens_per_s"), key("section"), key("model"), row.count("seq"));
        if seen.contains(&id) {
            return None;
        }
        seen.push(id);
        let devices = row.count("gpus");
        let accelerator = match row.text("gpu") {
            "a100_40gb" => "a100-sxm-40gb",
            "a100_80gb" => "a100-sxm-80gb",
            _ => "h100-sxm",
        };
        let full = row.text("act_ckpt") == "True";
        let sharded = row.text("sharding") == "FULL_SHARD";
        let fp8 = row.text("precision").contains("fp8");
        let sizes = ["layers", "hidden", "heads", "ffn", "vocab"].map(|column| row.count(column));
        let [layers, hidden, heads, ffn, vocab] = sizes;
        Some(Case {
            suite: if fp8 { "llm-foundry-fp8" } else { "llm-foundry" },
            group: row.text("model").to_owned(),
            shape: Sizes::gpt(layers, hidden, heads, ffn, vocab).shape(),
            sequence: row.count("seq"),
            layout: split(
                devices,
                &LayoutKeys {
                    strategy: Some(if sharded { Strategy::Fsdp2 } else { Strategy::Zero2 }),
                    micro_batch: Some(row.count("micro_batch")),
                    micro_batches: Some(row.count("grad_accum")),
                    recompute: Some(if full { Recompute::Full } else { Recompute::None }),
                    ..LayoutKeys::default()
                },
            ),
            engine: "llm-foundry",
            device: device(accelerator, devices, None),
            accelerator,
            precision: match (fp8, row.text("mp_mode")) {
                (true, _) => Precision::Fp8,
                (_, "PURE") => Precision::Bf16Pure,
                _ => Precision::Bf16,
            },
            every_second: false,
            measured: row.number("tokens_per_s_per_gpu"),
        })
    });
    Some(cases.collect())
}

/// FLOPs of a sequence by the papers' formulae, for tables that state TFLOP/s alone.
fn flops(sizes: &Sizes, sequence: f64, factor: f64, head: f64) -> f64 {
    let [l, h, v] = [sizes.layers, sizes.hidden, sizes.vocab].map(|n| n as f64);
    factor * sequence * l * h * h * (1.0 + sequence / (6.0 * h) + v / (head * l * h))
}

pub fn megatron() -> Option<Vec<Case>> {
    let rows = table("throughput_megatron_measured.csv")?;
    Some(rows.iter().map(megatron_case).collect())
}

fn megatron_case(row: &Row) -> Case {
    let sizes = ["layers", "hidden", "heads", "ffn", "vocab"].map(|column| row.count(column));
    let [layers, hidden, heads, ffn, vocab] = sizes;
    let sizes = Sizes::gpt(layers, hidden, heads, ffn, vocab);
    let (devices, sequence, batch) = (row.count("gpus"), row.number("seq"), row.number("gbs"));
    let suite = row.text("suite");
    let core = suite.starts_with("megatron_core");
    let selective = row.text("recompute").starts_with("selective");
    let tflops = || row.number("tflops_per_gpu") * 1e12;
    let measured = if let Some(step) = row.maybe("step_s") {
        batch * sequence / step / devices as f64
    } else if core {
        tflops() * sequence / flops(&sizes, sequence, 72.0, 12.0)
    } else {
        // 8 N: what is recomputed is counted
        tflops() * sequence / flops(&sizes, sequence, 96.0, 16.0)
    };
    let micro_batch = if core { 1 } else { row.count("mbs") };
    let recompute = match row.text("recompute") {
        "full" => Recompute::Full,
        _ if selective => Recompute::Selective,
        _ => Recompute::None,
    };
    let interleave = row.maybe("vp").map(|chunks| chunks as u64).filter(|chunks| *chunks > 1);
    let accelerator = if core { "h100-sxm" } else { "a100-sxm-80gb" };
    Case {
        suite: if core { "megatron-core" } else { "narayanan-korthikanti" },
        group: format!("{} {suite}", row.text("model")),
        shape: sizes.shape(),
        sequence: row.count("seq"),
        layout: split(
            devices,
            &LayoutKeys {
                strategy: Some(if core { Strategy::Zero1 } else { Strategy::Ddp }),
                tp: Some(row.count("tp")),
                pp: Some(row.count("pp")),
                interleave,
                micro_batch: Some(micro_batch),
                micro_batches: Some(batch as u64 / micro_batch / row.count("dp")),
                recompute: Some(recompute),
                ..LayoutKeys::default()
            },
        ),
        engine: match (core, selective) {
            (true, _) => "megatron-bridge",
            (_, true) => "megatron-2022",
            _ => "megatron-2021",
        },
        device: device(accelerator, devices, None),
        accelerator,
        precision: Precision::Bf16,
        every_second: false,
        measured,
    }
}

pub fn torchtitan() -> Option<Vec<Case>> {
    let rows = table("throughput_torchtitan_measured.csv")?;
    let known = rows.iter().filter(|row| row.maybe("tokens_per_s_per_gpu").is_some());
    Some(known.map(torchtitan_case).collect())
}

fn torchtitan_case(row: &Row) -> Case {
    let accelerator = match row.text("gpu") {
        gpu if gpu.contains("H200") => "h200-sxm",
        gpu if gpu.contains("A100") => "a100-sxm-80gb",
        _ => "h100-sxm-96gb",
    };
    let names = ["layers", "hidden", "heads", "kv_heads", "ffn", "vocab"];
    let [layers, hidden, heads, kv_heads, ffn, vocab] = names.map(|column| row.count(column));
    let gated = true;
    let sizes = Sizes { layers, hidden, heads, kv_heads, ffn, vocab, gated, tied: false };
    let [devices, tp, pp, cp] = ["gpus", "tp", "pp", "cp"].map(|column| row.count(column));
    let ac = row.text("ac");
    Case {
        suite: "torchtitan",
        group: format!("{} {accelerator}", row.text("model")),
        shape: sizes.shape(),
        sequence: row.count("seq"),
        layout: split(
            devices,
            &LayoutKeys {
                tp: Some(tp),
                pp: Some(pp),
                cp: Some(cp),
                // as many micro-batches as stages, torchtitan's default
                micro_batch: Some(row.count("local_batch") / pp),
                micro_batches: Some(pp),
                recompute: Some(match ac {
                    "full" => Recompute::Full,
                    "selective-op" => Recompute::Selective,
                    _ => Recompute::None,
                }),
                async_tp: Some(row.text("note").contains("AsyncTP")),
                ..LayoutKeys::default()
            },
        ),
        engine: if row.text("compile") == "1" { "torchtitan" } else { "torchtitan-eager" },
        device: device(accelerator, devices, None),
        accelerator,
        precision: match row.text("precision") {
            "float8-rowwise" => Precision::Fp8Rowwise,
            "bf16" => Precision::Bf16,
            _ => Precision::Fp8,
        },
        every_second: ac == "selective-layer",
        measured: row.number("tokens_per_s_per_gpu"),
    }
}

/// The rows that state layers, width, batch and time, each once.
pub fn bigscience() -> Option<Vec<Case>> {
    let rows = table("throughput_bigscience_a100_3d.csv")?;
    let mut seen: Vec<Vec<String>> = Vec::new();
    let cases = rows.iter().filter_map(|row| {
        let stated = ["layers", "hidden", "tp", "pp", "mbs", "gbs", "sec_per_it"];
        if stated.iter().any(|column| row.maybe(column).is_none()) {
            return None;
        }
        let columns = stated.iter().chain(&["heads", "gpus"]);
        let id: Vec<String> = columns.map(|column| row.text(column).to_owned()).collect();
        if seen.contains(&id) {
            return None;
        }
        seen.push(id);
        let [devices, tp, pp, micro_batch] = ["gpus", "tp", "pp", "mbs"].map(|c| row.count(c));
        let data = devices / (tp * pp);
        if row.maybe("dp").is_some_and(|stated| stated as u64 != data) {
            return None;
        }
        // the heading of the rows on one node says 512 sequences, and their TFLOP/s agree
        let batch = if devices == 8 { 512 } else { row.count("gbs") };
        // where no heads are stated the chapter has 64
        let heads = row.maybe("heads").map_or(64, |heads| heads as u64);
        let (layers, hidden) = (row.count("layers"), row.count("hidden"));
        let sizes = Sizes::gpt(layers, hidden, heads, 4 * hidden, 250_880);
        Some(Case {
            suite: "bigscience",
            group: format!("{layers} x {hidden}"),
            shape: sizes.shape(),
            sequence: 2048,
            layout: split(
                devices,
                &LayoutKeys {
                    strategy: Some(Strategy::Zero1),
                    tp: Some(tp),
                    pp: Some(pp),
                    micro_batch: Some(micro_batch),
                    micro_batches: Some(batch / (micro_batch * data)),
                    recompute: Some(Recompute::Full),
                    ..LayoutKeys::default()
                },
            ),
            engine: "megatron-deepspeed",
            device: device("a100-sxm-80gb", devices, Some(6.25e9)),
            accelerator: "a100-sxm-80gb",
            precision: Precision::Bf16,
            every_second: false,
            measured: batch as f64 * 2048.0 / row.number("sec_per_it") / devices as f64,
        })
    });
    Some(cases.collect())
}

pub fn llama(layers: u64, hidden: u64, heads: u64, kv_heads: u64, ffn: u64, vocab: u64) -> Shape {
    Sizes { layers, hidden, heads, kv_heads, ffn, vocab, gated: true, tied: false }.shape()
}

pub fn simumax() -> Option<Vec<Case>> {
    let rows = table("throughput_simumax_b200_measured.csv")?;
    let cases = rows.iter().map(|row| {
        let layers = row.count("layers_run");
        let shape = match row.text("model") {
            "llama3-70b" => llama(layers, 8192, 64, 8, 28_672, 128_256),
            "llama3-405b" => llama(layers, 16_384, 128, 8, 53_248, 128_256),
            "deepseekv2" => deepseek(false, layers, 1),
            _ => deepseek(true, layers, 1),
        };
        let [devices, sequence] = ["gpus", "seq"].map(|column| row.count(column));
        let batches = row.count("microbatches");
        let tokens = row.number("mbs") * row.number("microbatches") * row.number("dp");
        let step = row.number("measured_step_ms") / 1e3;
        Case {
            suite: "simumax",
            group: row.text("model").to_owned(),
            shape,
            sequence,
            layout: split(
                devices,
                &LayoutKeys {
                    strategy: Some(Strategy::Zero1),
                    tp: Some(row.count("tp")),
                    pp: Some(row.count("pp")),
                    cp: Some(row.count("cp")),
                    ep: Some(row.count("ep")),
                    micro_batch: Some(row.count("mbs")),
                    micro_batches: Some(batches),
                    ..LayoutKeys::default()
                },
            ),
            engine: "megatron",
            device: device("b200", devices, None),
            accelerator: "b200",
            precision: Precision::Bf16,
            every_second: false,
            measured: tokens * sequence as f64 / step / devices as f64,
        }
    });
    Some(cases.collect())
}

/// Every case; none where a table is absent.
pub fn all() -> Option<Vec<Case>> {
    let mut cases = llm_foundry()?;
    cases.extend(megatron()?);
    cases.extend(torchtitan()?);
    cases.extend(bigscience()?);
    cases.extend(simumax()?);
    cases.extend(super::nvidia::nvidia()?);
    Some(cases)
}
