//! NVIDIA's tables of FP8 pre-training.

use super::cases::{Case, device, llama, split};
use super::rows::{Row, Sizes, deepseek, experts, table};
use crate::network::{grouped, network};
use plan::layout::{LayoutKeys, Strategy};
use plan::memory::Precision;
use plan::model::{Block, FeedForward, Shape, Stack};

/// Models of NVIDIA's tables whose shape is published; hybrids with state-space layers are not
/// modelled.
fn nvidia_shape(name: &str) -> Option<Shape> {
    let gpt = |layers, hidden, heads, ffn| {
        let sizes = Sizes::gpt(layers, hidden, heads, ffn, 51_200);
        Some(Sizes { tied: false, ..sizes }.shape())
    };
    let mixture = |layers, hidden, attention, count, per_token, width, vocab| {
        let feed_forward = FeedForward::Experts(experts(count, per_token, width, None));
        let block = Block { attention, feed_forward, norms: 2 };
        Some(network(hidden, vocab, false, vec![Stack { layers, block }]))
    };
    match name.split(" (").next()?.trim() {
        "LLAMA3_8B" | "LLAMA3-8B" => Some(llama(32, 4096, 32, 8, 14_336, 128_256)),
        "LLAMA3_70B" | "LLAMA3-70B" => Some(llama(80, 8192, 64, 8, 28_672, 128_256)),
        "LLAMA3.1_405B" | "LLAMA3-405B" => Some(llama(126, 16_384, 128, 8, 53_248, 128_256)),
        "LLAMA2-7B" => Some(llama(32, 4096, 32, 32, 11_008, 32_000)),
        "LLAMA2-13B" => Some(llama(40, 5120, 40, 40, 13_824, 32_000)),
        "GPT3-5B" => gpt(24, 4096, 32, 16_384),
        "GPT3-20B" => gpt(44, 6144, 48, 24_576),
        "GPT3-175B" => gpt(96, 12_288, 96, 49_152),
        "DeepSeekV3" => Some(deepseek(true, 61, 3)),
        "Qwen3_30B_a3B" => mixture(48, 2048, grouped(32, 4, 128), 128, 8, 768, 151_936),
        "Qwen3_235B_a22B" => mixture(94, 4096, grouped(64, 4, 128), 128, 8, 1536, 151_936),
        "GPT OSS 120B" => mixture(36, 2880, grouped(64, 8, 64), 128, 4, 2880, 201_088),
        _ => None,
    }
}

/// FP8 rows of `NeMo` 24.12, Megatron-LM's examples and Megatron-Bridge's pre-training tables, and
/// the BF16 rows of these with experts, on which nothing was fitted.
pub fn nvidia() -> Option<Vec<Case>> {
    let other = table("throughput_other_measured.csv")?;
    let bridge = table("throughput_megatron_bridge_perf.csv")?;
    let other = other.iter().filter(|row| row.text("precision") == "fp8");
    let other = other.filter_map(|row| nvidia_case(row, "h100-sxm", 1, "24.12", false));
    let bridge = bridge.iter().filter_map(|row| {
        let precision = row.text("precision");
        let training = row.text("kind").starts_with("Pre-");
        let fp8 = precision.contains("FP8");
        if !training || !(fp8 || precision == "BF16") {
            return None;
        }
        let accelerator = match row.text("system") {
            "DGX-H100" => "h100-sxm",
            "DGX-B200" => "b200",
            "DGX-B300" => "b300",
            "DGX-GB200" => "gb200",
            _ => "gb300",
        };
        let sharded = !matches!(row.text("fsdp"), "" | "0" | "n/a");
        let case = nvidia_case(row, accelerator, row.degree("ep"), row.text("release"), sharded)?;
        if fp8 {
            return Some(case);
        }
        let bf16 = Case { suite: "nvidia-bf16-experts", precision: Precision::Bf16, ..case };
        Some(bf16).filter(|case| case.shape.has_experts())
    });
    Some(other.chain(bridge).collect())
}

fn nvidia_case(
    row: &Row,
    accelerator: &'static str,
    ep: u64,
    release: &str,
    sharded: bool,
) -> Option<Case> {
    let shape = nvidia_shape(row.text("model"))?;
    let mixture = shape.has_experts();
    let late = release >= "26.06";
    let devices = row.count("gpus");
    let [tp, pp, cp, chunks] = ["tp", "pp", "cp", "vp"].map(|column| row.degree(column));
    let data = devices / (tp * pp * cp);
    let micro_batch = row.count("mbs");
    Some(Case {
        suite: match (mixture, release) {
            (false, _) => "nvidia-fp8",
            (_, release) if release < "26.02" => "nvidia-fp8-experts-25.11",
            _ if late => "nvidia-fp8-experts-26.06",
            _ => "nvidia-fp8-experts",
        },
        group: row.text("model").to_owned(),
        sequence: row.count("seq"),
        layout: split(
            devices,
            &LayoutKeys {
                strategy: Some(if sharded { Strategy::Fsdp2 } else { Strategy::Zero1 }),
                tp: Some(tp),
                pp: Some(pp),
                cp: Some(cp),
                ep: Some(ep),
                interleave: Some(if pp > 1 { chunks } else { 1 }),
                micro_batch: Some(micro_batch),
                micro_batches: Some((row.count("gbs") / (micro_batch * data)).max(1)),
                ..LayoutKeys::default()
            },
        ),
        shape,
        engine: if mixture && late { "megatron-bridge-26.06" } else { "megatron-bridge" },
        device: device(accelerator, devices, None),
        accelerator,
        precision: Precision::Fp8,
        every_second: false,
        measured: row.number("tokens_per_s_per_gpu"),
    })
}
