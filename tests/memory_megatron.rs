//! What a step of Megatron-LM holds, against measurements and against formulas.

use approx::assert_abs_diff_eq;
use plan::layout::{Layout, LayoutKeys, Recompute, Strategy};
use plan::memory::{
    AttentionKernel, Label, LossKernel, MEGATRON, Optimizer, Precision, Profile, Ratios, Setting,
    Step, step,
};
use plan::model::{Attention, Shape, shapes};
use proptest::prelude::*;
use std::collections::HashMap;

#[path = "support/data.rs"]
mod data;
#[path = "support/percentile.rs"]
mod percentile;
#[path = "support/spread.rs"]
mod spread;
#[path = "support/suite.rs"]
mod suite;

use data::find;
use spread::spread;
use suite::{Case, bound};

const MIB: f64 = 1024.0 * 1024.0;

fn setting(layout: Layout, sequence: u64) -> Setting {
    Setting {
        layout,
        sequence,
        precision: Precision::Bf16,
        optimizer: Optimizer::AdamW,
        attention: AttentionKernel::Sdpa,
        loss: LossKernel::Fused,
        profile: Profile::Megatron,
        adapter: None,
        family: None,
    }
}

/// A published shape with so many layers, of which one is dense where others have experts.
fn cut(name: &str, layers: u64) -> Shape {
    let mut shape = shapes().find(name).unwrap().shape().unwrap();
    match &mut shape.stacks[..] {
        [all] => all.layers = layers,
        [dense, experts] => (dense.layers, experts.layers) = (1, layers - 1),
        _ => panic!("{name}"),
    }
    shape
}

/// A model as the benchmark runs it: its tokenizer has one token more than the model
/// (`NullTokenizer`), and its Llama 405B has 16 key heads (`run_pretrain_llama3.sh`).
fn benchmarked(model: &str, layers: u64) -> Shape {
    let mut shape = match model {
        "llama3-70b" => cut("llama-3-70b", layers),
        "llama3-405b" => cut("llama-3.1-405b", layers),
        "deepseekv2" => cut("deepseek-v2", layers),
        "deepseekv3" => cut("deepseek-v3", layers),
        other => panic!("{other}"),
    };
    shape.vocab += 1;
    if model == "llama3-405b"
        && let Attention::Grouped(attention) = &mut shape.stacks[0].block.attention
    {
        attention.kv_heads = 16;
    }
    shape
}

/// A run on one node of eight B200: tp, pp, cp, ep; tokens of a sequence; micro-batches; MiB.
struct Run<'a> {
    model: &'a str,
    layers: u64,
    degrees: [u64; 4],
    sequence: u64,
    micro_batches: u64,
    measured: f64,
}

impl Run<'_> {
    /// The relative error; everything that is held is named.
    fn error(&self) -> f64 {
        self.case().ratio - 1.0
    }

    fn case(&self) -> Case {
        let [tp, pp, cp, ep] = self.degrees.map(Some);
        let keys = LayoutKeys {
            tp,
            pp,
            cp,
            ep,
            micro_batches: Some(self.micro_batches),
            ..LayoutKeys::default()
        };
        let setting = setting(Profile::Megatron.layout(&keys, 8).unwrap(), self.sequence);
        let shape = benchmarked(self.model, self.layers);
        let peak = step(&shape, &setting).unwrap().peak();
        let named: f64 = Label::ALL.iter().map(|&label| peak.held(label)).sum();
        assert!((named / peak.bytes - 1.0).abs() < 1e-12);
        Case { shape, setting, ratio: peak.bytes / MIB / self.measured }
    }
}

fn mean(errors: &[f64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a few rows")]
    let count = errors.len() as f64;
    errors.iter().map(|error| error.abs()).sum::<f64>() / count
}

/// `torch.cuda.max_memory_allocated` of the rank that holds most, MiB: every distinct case of
/// `docs/b200/b200_release_v1.2_summary.json` at MooreThreads/SimuMax 4dcaae5 (Megatron-LM 23e00ed0,
/// Transformer Engine 2.11, BF16, distributed optimizer, no recomputation, micro-batches of one
/// sequence).
#[test]
fn measured_on_b200() {
    let runs = [
        ("llama3-70b", 12, [2, 1, 1, 1], 4096, 62_136.401_855_468_75),
        ("llama3-70b", 12, [4, 1, 1, 1], 4096, 40_009.772_949_218_75),
        ("llama3-70b", 12, [8, 1, 1, 1], 4096, 28_965.364_746_093_75),
        ("deepseekv2", 4, [1, 1, 1, 8], 4096, 46_730.001_464_843_75),
        ("deepseekv2", 4, [1, 2, 1, 4], 4096, 45_775.801_269_531_25),
        ("deepseekv3", 4, [1, 2, 1, 4], 4096, 116_737.922_851_562_5),
        ("llama3-405b", 4, [8, 1, 1, 1], 4096, 39_499.845_214_843_75),
        ("llama3-70b", 12, [2, 1, 4, 1], 32768, 70_070.562_988_281_25),
        ("llama3-70b", 12, [1, 1, 8, 1], 32768, 107_017.113_769_531_25),
        ("llama3-405b", 4, [1, 1, 8, 1], 32768, 142_557.520_019_531_25),
        ("llama3-70b", 12, [2, 1, 4, 1], 131_072, 115_371.976_074_218_75),
        ("llama3-70b", 12, [1, 1, 8, 1], 131_072, 151_539.398_925_781_25),
        ("llama3-405b", 4, [2, 1, 4, 1], 131_072, 120_962.511_230_468_75),
    ];
    let errors: Vec<f64> = runs
        .iter()
        .map(|&(model, layers, degrees, sequence, measured)| {
            Run { model, layers, degrees, sequence, micro_batches: 4, measured }.error()
        })
        .collect();
    assert!(errors.iter().all(|error| error.abs() < 0.001), "{errors:?}");
    assert!(mean(&errors) < 0.0002, "{}", mean(&errors));
}

/// Every row of the same file as the data folder has it, those with more micro-batches too.
#[test]
fn measured_on_b200_every_row() {
    let name = "throughput_simumax_b200_measured.csv";
    let Some(path) = find(name, "github.com/MooreThreads/SimuMax") else { return };
    let mut reader = csv::Reader::from_path(path).unwrap();
    let rows: Vec<HashMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    let cases: Vec<Case> = rows
        .iter()
        .map(|row| {
            let number = |key: &str| row[key].parse::<u64>().unwrap();
            assert_eq!((row["mbs"].as_str(), row["gpus"].as_str()), ("1", "8"));
            Run {
                model: &row["model"],
                layers: number("layers_run"),
                degrees: ["tp", "pp", "cp", "ep"].map(number),
                sequence: number("seq"),
                micro_batches: number("microbatches"),
                measured: row["max_rank_alloc_mb"].parse().unwrap(),
            }
            .case()
        })
        .collect();
    bound(&MEGATRON, &cases);
    // the most that a rank has reserved, printed in hundredths of a GiB
    let reserved = rows.iter().map(|row| {
        let number = |key: &str| row[key].parse::<f64>().unwrap();
        number("measured_peak_reserved_gib") * 1024.0 / number("max_rank_alloc_mb")
    });
    spread(Ratios::of(&cases[0].setting), reserved);
}

/// Llama 3 8B in a pipeline of four.
fn pipelined(interleave: u64, micro_batches: u64) -> Step {
    let keys = LayoutKeys {
        pp: Some(4),
        interleave: Some(interleave),
        micro_batches: Some(micro_batches),
        ..LayoutKeys::default()
    };
    let layout = Profile::Megatron.layout(&keys, 4).unwrap();
    step(&cut("llama-3-8b", 32), &setting(layout, 4096)).unwrap()
}

/// Bytes that a dense layer keeps of a token: 8 h + 4 q + 4 k + 6 f + 4 a + 8.
const LLAMA_3_8B_LAYER: f64 =
    8.0 * 4096.0 + 4.0 * 4096.0 + 4.0 * 1024.0 + 6.0 * 14336.0 + 4.0 * 32.0 + 8.0;

/// 1F1B: the first device keeps as many micro-batches as the pipeline is deep, and no more.
#[test]
fn the_first_device_of_a_pipeline_holds_as_many_micro_batches_as_it_is_deep() {
    let peaks = [2, 3, 4, 5, 6, 1000].map(|micro_batches| {
        let step = pipelined(1, micro_batches);
        assert_eq!(step.stage, 0);
        step.peak().bytes
    });
    // eight layers, and what the micro-batch brought
    let kept = 4096.0 * (8.0 * LLAMA_3_8B_LAYER + 28.0);
    assert_abs_diff_eq!(peaks[1] - peaks[0], kept, epsilon = 0.0);
    assert_abs_diff_eq!(peaks[2] - peaks[1], kept, epsilon = 0.0);
    assert!(peaks[3..].iter().all(|peak| (peak - peaks[2]).abs() < 0.5), "{peaks:?}");
}

/// Interleaved: 1 + (p - 1)/(p v) times the layers (Korthikanti et al. 2022, arXiv:2205.05198).
#[test]
fn interleaving_holds_more_layers() {
    let more = pipelined(2, 16).peak().bytes - pipelined(1, 16).peak().bytes;
    let layers = more / (4096.0 * LLAMA_3_8B_LAYER);
    assert!((layers / (32.0 * 3.0 / 8.0) - 1.0).abs() < 0.02, "{layers}");
}

/// More micro-batches than it takes to run steadily change nothing.
#[test]
fn a_schedule_comes_to_repeat_itself() {
    for (pp, interleave) in [(2, 1), (4, 1), (2, 2), (4, 2), (4, 4), (8, 2)] {
        for name in ["llama-3-8b", "deepseek-v3"] {
            let shape = cut(name, 64);
            let peak = |groups: u64| {
                let keys = LayoutKeys {
                    pp: Some(pp),
                    interleave: Some(interleave),
                    micro_batches: Some(groups * pp),
                    ..LayoutKeys::default()
                };
                let layout = Profile::Megatron.layout(&keys, 8).unwrap();
                step(&shape, &setting(layout, 4096)).unwrap().peak().bytes
            };
            assert_abs_diff_eq!(peak(3), peak(4), epsilon = 0.0);
            assert_abs_diff_eq!(peak(3), peak(1000), epsilon = 0.0);
        }
    }
}

#[test]
fn what_megatron_does_not_have_is_named() {
    let shape = cut("llama-3-8b", 32);
    let layout = |keys: LayoutKeys| Profile::Megatron.layout(&keys, 16).unwrap();
    let plain = LayoutKeys::default();
    assert_eq!(layout(plain.clone()).strategy, Strategy::Zero1);
    assert_eq!(Profile::Eager.layout(&plain, 16).unwrap().strategy, Strategy::Fsdp2);
    let of = |strategy| LayoutKeys { strategy: Some(strategy), ..LayoutKeys::default() };
    let fault = |setting: Setting| step(&shape, &setting).unwrap_err();
    let base = setting(layout(plain.clone()), 4096);

    let fsdp = fault(setting(layout(of(Strategy::Fsdp2)), 4096));
    assert_eq!(fsdp.key, "layout.strategy");
    assert!(fsdp.help.contains("`zero1`") && fsdp.message.contains("fsdp2"));
    let loss = fault(Setting { loss: LossKernel::Eager, ..base });
    assert_eq!(loss.key, "training.loss");
    let other = fault(Setting { profile: Profile::Eager, ..base });
    assert_eq!(other.key, "training.loss");
    let pure = fault(Setting { precision: Precision::Bf16Pure, ..base });
    assert_eq!(pure.key, "training.precision");
    let small = fault(Setting { optimizer: Optimizer::AdamW8bit, ..base });
    assert_eq!(small.key, "training.optimizer");
    let cp = LayoutKeys { cp: Some(16), ..plain.clone() };
    assert_eq!(fault(setting(layout(cp), 4096)).key, "layout.cp");
    let uneven = LayoutKeys { pp: Some(4), interleave: Some(3), ..plain.clone() };
    assert_eq!(fault(setting(layout(uneven), 4096)).key, "layout.pp");
    let interleaved =
        LayoutKeys { pp: Some(4), interleave: Some(2), micro_batches: Some(6), ..plain };
    assert_eq!(fault(setting(layout(interleaved), 4096)).key, "layout.micro_batches");
    let gemma = shapes().find("gemma-2-9b").unwrap().shape().unwrap();
    assert_eq!(step(&gemma, &base).unwrap_err().key, "model");
}

/// Recomputing core attention keeps the values as a part of the undivided product of queries, keys
/// and values: 2 (q + 2 k) for 2 k and the statistics, 4 a.
#[test]
fn recomputing_core_attention_frees_nothing_with_a_fused_kernel() {
    let shape = cut("llama-3-8b", 32);
    let peak = |recompute, cp| {
        let keys = LayoutKeys { recompute: Some(recompute), cp: Some(cp), ..LayoutKeys::default() };
        let layout = Profile::Megatron.layout(&keys, 8).unwrap();
        step(&shape, &setting(layout, 4096)).unwrap().peak().bytes
    };
    let more = peak(Recompute::Selective, 1) - peak(Recompute::None, 1);
    assert_abs_diff_eq!(
        more,
        4096.0 * 32.0 * (2.0 * 4096.0 + 2.0 * 1024.0 - 4.0 * 32.0),
        epsilon = 0.0
    );
    assert!(peak(Recompute::Full, 1) < 0.8 * peak(Recompute::None, 1));
}

prop_compose! {
    fn layouts()(
        tp in 0..4_u32,
        pp in 0..4_u32,
        cp in 0..3_u32,
        ep in 0..5_u32,
        interleave in 1..4_u64,
        micro_batch in 1..4_u64,
        micro_batches in 1..40_u64,
        recompute in prop::sample::select(vec![
            Recompute::None, Recompute::Selective, Recompute::Full,
        ]),
        distributed in any::<bool>(),
    ) -> LayoutKeys {
        let degree = |power: u32| Some(1 << power);
        let pp: u64 = 1 << pp;
        LayoutKeys {
            strategy: Some(if distributed { Strategy::Zero1 } else { Strategy::Ddp }),
            tp: degree(tp),
            pp: Some(pp),
            cp: degree(cp),
            ep: degree(ep),
            interleave: (pp > 1).then_some(interleave),
            micro_batch: Some(micro_batch),
            micro_batches: Some(if pp > 1 && interleave > 1 { micro_batches * pp } else { micro_batches }),
            recompute: Some(recompute),
            ..LayoutKeys::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512,
        failure_persistence: None,
        max_global_rejects: 20_000,
        ..ProptestConfig::default()
    })]

    /// Nothing that a step makes for itself outlives it, the closed form is the simulation, and
    /// one chunk on each device is the plain schedule.
    #[test]
    fn a_step_frees_what_it_makes(
        keys in layouts(),
        name in prop::sample::select(vec!["llama-3-8b", "llama-3-70b", "deepseek-v3"]),
        layers in prop::sample::select(vec![24_u64, 48]),
    ) {
        let shape = cut(name, layers);
        let keys = if shape.has_experts() { keys } else { LayoutKeys { ep: None, ..keys } };
        let Ok(layout) = Profile::Megatron.layout(&keys, 128) else {
            return Err(TestCaseError::reject("no layout"));
        };
        let setting = setting(layout, 4096);
        let Ok(one) = step(&shape, &setting) else {
            return Err(TestCaseError::reject("no step"));
        };
        for label in [
            Label::Inputs, Label::Residual, Label::Norms, Label::Qkv, Label::Attention,
            Label::FeedForward, Label::Router, Label::Checkpoints, Label::Logits, Label::Loss,
            Label::ActivationGradients,
        ] {
            let left = one.timeline.left(label);
            let bytes = left.at(one.tokens);
            prop_assert!(left.fixed.abs() < 1.0 && bytes.abs() < 1.0, "{label:?} {left:?}");
        }
        for label in [Label::Workspace, Label::UnitGradients, Label::Embedding] {
            prop_assert!(one.timeline.left(label).per_token.abs() < 1e-6, "{label:?}");
        }
        let peak = one.peak();
        let closed = one.timeline.envelope().peak(one.tokens);
        prop_assert!((closed / peak.bytes - 1.0).abs() < 1e-12);
        let named: f64 = Label::ALL.iter().map(|&label| peak.held(label)).sum();
        prop_assert!((named / peak.bytes - 1.0).abs() < 1e-12);
        if layout.interleave == 1 {
            let plain = LayoutKeys { interleave: None, ..keys };
            let layout = Profile::Megatron.layout(&plain, 128).unwrap();
            prop_assert_eq!(step(&shape, &Setting { layout, ..setting }).unwrap(), one);
        }
    }
}
