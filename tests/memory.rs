//! What a training step holds, against PyTorch's own tracker and against measurements.

use plan::layout::{Layout, LayoutKeys, Recompute, Strategy};
use plan::memory::{
    Adapter, AttentionKernel, Base, Label, LossKernel, Optimizer, Precision, Profile, Setting,
    compare, step,
};
use plan::model::{
    Attention, Block, FeedForward, Grouped, Mlp, Norm, Positions, QkNorm, Shape, Stack, shapes,
};
use std::collections::HashMap;

struct Case {
    name: String,
    shape: Shape,
    setting: Setting,
    peak: f64,
}

fn cases() -> Vec<Case> {
    let mut reader = csv::Reader::from_path("tests/oracle/fsdp_memory.csv").unwrap();
    reader
        .deserialize::<HashMap<String, String>>()
        .map(|row| {
            let row = row.unwrap();
            let number = |key: &str| row[key].parse::<u64>().unwrap();
            let flag = |key: &str| row[key] == "true";
            let llama = row["block"] == "llama";
            let sequence = number("sequence");
            let attention = Attention::Grouped(Grouped {
                heads: number("heads"),
                kv_heads: number("kv_heads"),
                head_dim: number("head_dim"),
                qkv_bias: flag("qkv_bias"),
                out_bias: !llama,
                qk_norm: QkNorm::None,
                sinks: false,
            });
            let mlp = Mlp { width: number("ffn"), gated: llama, bias: !llama };
            let block = Block { attention, feed_forward: FeedForward::Dense(mlp), norms: 2 };
            let shape = Shape {
                vocab: number("vocab"),
                hidden: number("hidden"),
                embedding_width: number("hidden"),
                embedding_norm: false,
                positions: if llama { Positions::Free } else { Positions::Learned(sequence) },
                norm: if llama { Norm::Scale } else { Norm::Layer },
                final_norm: true,
                tied: flag("tied"),
                stacks: vec![Stack { layers: number("layers"), block }],
            };
            let keys = LayoutKeys {
                micro_batch: Some(number("micro_batch")),
                recompute: flag("recompute").then_some(Recompute::Full),
                reshard: Some(flag("reshard")),
                ..LayoutKeys::default()
            };
            let loss = if flag("logits_kept") { LossKernel::Eager } else { LossKernel::Released };
            let setting = Setting { sequence, loss, ..plain(&keys, number("ranks")) };
            let peak = row["peak_bytes"].parse().unwrap();
            Case { name: row["case"].clone(), shape, setting, peak }
        })
        .collect()
}

#[test]
fn fsdp2_holds_what_the_tracker_of_pytorch_counts() {
    let cases = cases();
    assert!(cases.len() >= 80);
    for case in cases {
        let step = step(&case.shape, &case.setting).unwrap();
        let peak = step.peak();
        let breakdown: f64 = Label::ALL.iter().map(|&label| peak.held(label)).sum();
        println!("{} {} {} {:?} {:?}", case.name, peak.bytes, case.peak, peak.phase, peak.last);
        assert!((breakdown - peak.bytes).abs() < 0.5, "{}", case.name);
        assert!((peak.bytes - case.peak).abs() < 0.5, "{}: {}", case.name, peak.bytes);
    }
}

/// A setting where nothing is stated but the layout.
fn plain(keys: &LayoutKeys, devices: u64) -> Setting {
    Setting {
        layout: Layout::of(keys, devices).unwrap(),
        sequence: 2048,
        precision: Precision::Bf16,
        optimizer: Optimizer::AdamW,
        attention: AttentionKernel::Sdpa,
        loss: LossKernel::Eager,
        profile: Profile::Eager,
        adapter: None,
    }
}

/// A column of our own measurements on an H100.
fn measured(column: &str) -> HashMap<String, f64> {
    let mut reader = csv::Reader::from_path("tests/oracle/gpu_memory.csv").unwrap();
    let rows = reader.deserialize::<HashMap<String, String>>();
    rows.map(|row| {
        let row = row.unwrap();
        (row["case"].clone(), row[column].parse().unwrap())
    })
    .collect()
}

/// Least, median and most of some errors.
fn spread(mut errors: Vec<f64>) -> (f64, f64, f64) {
    errors.sort_by(f64::total_cmp);
    (errors[0], errors[errors.len() / 2], errors[errors.len() - 1])
}

#[test]
fn fsdp2_holds_what_an_h100_holds() {
    let measured = measured("allocated_bytes");
    let mut errors = Vec::new();
    for case in cases() {
        let Some(measured) = measured.get(&case.name) else { continue };
        let setting = Setting { profile: Profile::Cuda, ..case.setting };
        let error = step(&case.shape, &setting).unwrap().peak().bytes / measured - 1.0;
        println!("{:+.3}% {}", 100.0 * error, case.name);
        errors.push(error);
    }
    assert_eq!(errors.len(), 94);
    let (_, median, most) = spread(errors.iter().map(|error| error.abs()).collect());
    println!("median {median} most {most}");
    assert!(median < 0.005, "{median}");
    assert!(most < 0.04, "{most}");
}

/// The default allocator's segments under FSDP2: half of the cases within 7 %, and one in ten off by
/// more than 16 %, blocks with biases and `LayerNorm` by up to two thirds
/// (`tests/oracle/engine_memory_torch.md`).
#[test]
fn fsdp2_reserves_what_an_h100_reserves() {
    let measured = measured("reserved_bytes");
    let mut errors = Vec::new();
    for case in cases() {
        let Some(measured) = measured.get(&case.name) else { continue };
        let setting = Setting { profile: Profile::Cuda, ..case.setting };
        let error = step(&case.shape, &setting).unwrap().reserved() / measured - 1.0;
        println!("{:+.1}% {}", 100.0 * error, case.name);
        errors.push(error.abs());
    }
    assert_eq!(errors.len(), 94);
    errors.sort_by(f64::total_cmp);
    assert!(errors[47] < 0.08, "median {}", errors[47]);
    assert!(errors[84] < 0.17, "one in ten is worse than {}", errors[84]);
}

#[test]
fn hugging_face_holds_what_an_h100_holds() {
    // hidden, layers, heads, key heads, ffn, vocabulary, tied; micro-batch, sequence, recomputed
    let cases = [
        ("hf smollm-135m 4x2048", [576, 30, 9, 3, 1536, 49152], true, 4, 2048, false),
        ("hf smollm-135m 8x2048 r", [576, 30, 9, 3, 1536, 49152], true, 8, 2048, true),
        ("hf smollm-360m 2x4096", [960, 32, 15, 5, 2560, 49152], true, 2, 4096, false),
        ("hf tinyllama-1.1b 2x2048", [2048, 22, 32, 4, 5632, 32000], false, 2, 2048, false),
        ("hf tinyllama-1.1b 4x2048 r", [2048, 22, 32, 4, 5632, 32000], false, 4, 2048, true),
        ("hf llama-3.2-1b 2x2048", [2048, 16, 32, 8, 8192, 128_256], true, 2, 2048, false),
        ("hf llama-3.2-1b 2x4096 r", [2048, 16, 32, 8, 8192, 128_256], true, 2, 4096, true),
        ("hf llama-3.2-3b 1x2048 r", [3072, 28, 24, 8, 8192, 128_256], true, 1, 2048, true),
    ];
    let measured = measured("allocated_bytes");
    for (name, [hidden, layers, heads, kv_heads, ffn, vocab], tied, batch, sequence, recompute) in
        cases
    {
        let head_dim = if name.contains("3b") { 128 } else { 64 };
        let attention = Attention::Grouped(Grouped {
            heads,
            kv_heads,
            head_dim,
            qkv_bias: false,
            out_bias: false,
            qk_norm: QkNorm::None,
            sinks: false,
        });
        let mlp = Mlp { width: ffn, gated: true, bias: false };
        let block = Block { attention, feed_forward: FeedForward::Dense(mlp), norms: 2 };
        let shape = Shape {
            vocab,
            hidden,
            embedding_width: hidden,
            embedding_norm: false,
            positions: Positions::Free,
            norm: Norm::Scale,
            final_norm: true,
            tied,
            stacks: vec![Stack { layers, block }],
        };
        let keys = LayoutKeys {
            strategy: Some(Strategy::Ddp),
            micro_batch: Some(batch),
            recompute: recompute.then_some(Recompute::Full),
            ..LayoutKeys::default()
        };
        let setting = Setting {
            sequence,
            precision: Precision::Bf16Pure,
            loss: LossKernel::Released,
            profile: Profile::HuggingFace,
            ..plain(&keys, 1)
        };
        let peak = step(&shape, &setting).unwrap().peak();
        let error = peak.bytes / measured[name] - 1.0;
        println!(
            "{:+.3}% {name} {:?} {:?} diff {} MB",
            100.0 * error,
            peak.phase,
            peak.last,
            (peak.bytes - measured[name]) / 1e6
        );
    }
}

/// Nothing that a step makes for itself outlives it, whatever the model and its split.
#[test]
fn every_published_shape_frees_what_it_makes() {
    let mut steps = 0;
    for published in shapes().iter() {
        let shape = published.shape().unwrap();
        for strategy in Strategy::ALL {
            for (recompute, micro_batches) in [(None, 1), (Some(Recompute::Full), 3)] {
                let keys = LayoutKeys {
                    strategy: Some(strategy),
                    recompute,
                    micro_batches: Some(micro_batches),
                    ..LayoutKeys::default()
                };
                let setting = plain(&keys, 16);
                let Ok(step) = step(&shape, &setting) else { continue };
                steps += 1;
                let begun = |label| step.timeline.left(label);
                for label in [
                    Label::Gathered,
                    Label::UnitGradients,
                    Label::Residual,
                    Label::Norms,
                    Label::Qkv,
                    Label::Attention,
                    Label::FeedForward,
                    Label::Router,
                    Label::Checkpoints,
                    Label::ActivationGradients,
                    Label::OptimizerWork,
                ] {
                    let left = begun(label);
                    assert!(
                        left.fixed.abs() < 1.0 && left.per_token.abs() < 1e-6,
                        "{} {strategy} {label:?} {left:?}",
                        published.name
                    );
                }
                let envelope = step.timeline.envelope().peak(step.tokens);
                let peak = step.peak().bytes;
                assert!((envelope / peak - 1.0).abs() < 1e-12, "{}", published.name);
            }
        }
    }
    println!("{steps}");
    assert!(steps > 500);
}

/// What was measured of a family beyond those whose operators are known here is far off without
/// recomputation: what their code keeps differs. With it, the loss decides, which is the same.
#[test]
fn hugging_face_families_hold_what_an_h100_holds() {
    let known = ["llama", "mistral", "qwen2", "qwen3", "granite", "smollm3", "starcoder2"];
    let experts = ["mixtral", "olmoe", "qwen3_moe", "deepseek_v3"];
    // logits are scaled or capped by operators of their own
    let own_logits = ["gemma2", "cohere"];
    let mut errors = HashMap::<&str, Vec<f64>>::new();
    let mut reader = csv::Reader::from_path("tests/oracle/gpu_families.csv").unwrap();
    let mut reserved = Vec::new();
    for row in reader.deserialize::<HashMap<String, String>>() {
        let row = row.unwrap();
        let family = row["family"].as_str();
        let name = ["family", "micro_batch", "sequence", "recompute", "attention", "precision"]
            .map(|key| row[key].as_str())
            .join(" ");
        // transformers 5 writes the number of experts of Qwen3-MoE under another key
        let config = match family {
            "qwen3_moe" => row["config"].replace("\"num_local_experts\"", "\"num_experts\""),
            _ => row["config"].clone(),
        };
        let shape = plan::model::read_config(&config).unwrap().shape;
        assert_eq!(shape.count().total().to_string(), row["parameters"], "{name}");
        let recomputed = row["recompute"] == "True";
        let eager = row["attention"] == "eager";
        let keys = LayoutKeys {
            strategy: Some(Strategy::Ddp),
            micro_batch: Some(row["micro_batch"].parse().unwrap()),
            recompute: recomputed.then_some(Recompute::Full),
            ..LayoutKeys::default()
        };
        let pure = row["precision"] == "bf16-pure";
        let setting = Setting {
            sequence: row["sequence"].parse().unwrap(),
            precision: if pure { Precision::Bf16Pure } else { Precision::Bf16 },
            attention: if eager { AttentionKernel::Eager } else { AttentionKernel::Sdpa },
            loss: LossKernel::Released,
            profile: Profile::HuggingFace,
            ..plain(&keys, 1)
        };
        let bytes = |column: &str| row[column].parse::<f64>().unwrap();
        let step = step(&shape, &setting).unwrap();
        reserved.push((step.reserved() / bytes("reserved_bytes") - 1.0).abs());
        let error = step.peak().bytes / bytes("allocated_bytes") - 1.0;
        println!("{:+.3} % {name}", 100.0 * error);
        let kind = match (recomputed, eager) {
            _ if own_logits.contains(&family) => "own logits",
            (true, _) => "recomputed",
            (_, true) => "scores",
            _ if known.contains(&family) => "known",
            _ if experts.contains(&family) => "experts",
            _ => "others",
        };
        errors.entry(kind).or_default().push(error.abs());
    }
    for (kind, number, most) in [
        ("known", 14, 0.01),
        ("recomputed", 21, 0.01),
        ("experts", 4, 0.08),
        ("scores", 4, 0.04),
        ("others", 11, 0.26),
    ] {
        let errors = &errors[kind];
        assert_eq!(errors.len(), number, "{kind}");
        let (_, median, worst) = spread(errors.clone());
        println!("{kind}: {number} steps, median {median:.5}, worst {worst:.5}");
        assert!(worst < most, "{kind} {worst}");
    }
    assert_eq!(reserved.len(), 59);
    let (_, median, most) = spread(reserved);
    println!("reserved: median {median} most {most}");
    assert!(median < 0.08, "{median}");
    assert!(most < 0.3, "{most}");
}

/// A Llama with a head of 128 numbers.
fn llama(sizes: [u64; 6]) -> Shape {
    let [hidden, layers, heads, kv_heads, ffn, vocab] = sizes;
    let mut shape = shapes().find("llama-3-8b").unwrap().shape().unwrap();
    let attention = Attention::Grouped(Grouped {
        heads,
        kv_heads,
        head_dim: 128,
        qkv_bias: false,
        out_bias: false,
        qk_norm: QkNorm::None,
        sinks: false,
    });
    let mlp = Mlp { width: ffn, gated: true, bias: false };
    let block = Block { attention, feed_forward: FeedForward::Dense(mlp), norms: 2 };
    (shape.vocab, shape.hidden, shape.embedding_width) = (vocab, hidden, hidden);
    shape.stacks = vec![Stack { layers, block }];
    shape
}

#[test]
fn adapters_hold_what_an_h100_holds() {
    let mut reader = csv::Reader::from_path("tests/oracle/gpu_lora.csv").unwrap();
    let mut errors = Vec::new();
    for row in reader.deserialize::<HashMap<String, String>>() {
        let row = row.unwrap();
        let number = |key: &str| row[key].parse::<u64>().unwrap();
        let sizes = ["hidden", "layers", "heads", "kv_heads", "ffn", "vocab"].map(number);
        let keys = LayoutKeys {
            strategy: Some(Strategy::Ddp),
            micro_batch: Some(number("micro_batch")),
            recompute: (row["recompute"] == "True").then_some(Recompute::Full),
            ..LayoutKeys::default()
        };
        let setting = Setting {
            sequence: number("sequence"),
            loss: LossKernel::Released,
            profile: Profile::HuggingFace,
            adapter: Some(Adapter { rank: number("rank"), base: Base::Bf16 }),
            ..plain(&keys, 1)
        };
        let measured: f64 = row["allocated_bytes"].parse().unwrap();
        let peak = step(&llama(sizes), &setting).unwrap().peak();
        let error = peak.bytes / measured - 1.0;
        println!(
            "{:+.3} % {:?} {:?} {}",
            100.0 * error,
            sizes,
            peak.phase,
            (peak.bytes - measured) / 1e6
        );
        errors.push(error.abs());
    }
    assert_eq!(errors.len(), 6);
    let (_, median, worst) = spread(errors);
    assert!(median < 0.01 && worst < 0.03, "{median} {worst}");
}

#[test]
fn the_ways_of_training_a_model_stand_side_by_side() {
    let shape = shapes().find("llama-3-8b").unwrap().shape().unwrap();
    let setting = plain(&LayoutKeys::default(), 64);
    let rows = compare(&shape, &setting);
    let of = |name: &str| {
        let row = rows.iter().find(|row| row.way.name == name).unwrap();
        row.outcome.as_ref().unwrap()
    };
    let states = |name: &str| {
        let step = &of(name).step;
        let kinds = [Label::Parameters, Label::Optimizer];
        kinds.iter().map(|&kind| step.peak().held(kind)).sum::<f64>()
    };
    // Rajbhandari et al. 2020, arXiv:1910.02054: 2 and 12 bytes for each parameter,
    // the 12 (and then the 2) over all devices; under DDP 4 and 8, all on each
    #[expect(clippy::cast_precision_loss, reason = "8e9 is exact")]
    let params = shape.count().total() as f64;
    for (name, bytes) in [
        ("DDP", 12.0),
        ("ZeRO-1", 2.0 + 12.0 / 64.0),
        ("ZeRO-2", 2.0 + 12.0 / 64.0),
        ("ZeRO-3", 14.0 / 64.0),
        ("FSDP2", 12.0 / 64.0),
        ("HSDP", 12.0 / 8.0),
    ] {
        let off = states(name) / (bytes * params) - 1.0;
        assert!(off.abs() < 1e-5, "{name} {off}");
    }
    // ZeRO-3 moves 1.5 times what data parallelism moves in the same format, ZeRO-1 as
    // much; DDP reduces FP32 gradients here
    let moved = |name: &str| of(name).moved();
    assert!((moved("ZeRO-3") / moved("ZeRO-1") - 1.5).abs() < 1e-9);
    assert!((moved("DDP") / moved("ZeRO-1") - 2.0).abs() < 1e-9);
    // the height falls from way to way
    let height = |name: &str| of(name).step.peak().bytes;
    for pair in ["DP", "DDP", "ZeRO-1", "FSDP2, reshard off", "FSDP2", "CP, FSDP2"].windows(2) {
        assert!(height(pair[0]) > height(pair[1]), "{pair:?}");
    }
}

/// Micro-batches in flight: as many as there
/// are stages behind, and 1 + (p - 1)/(p v) times the activations when interleaved.
#[test]
fn a_pipeline_keeps_what_is_in_flight() {
    let keys = |interleave| LayoutKeys {
        pp: Some(4),
        interleave: Some(interleave),
        micro_batches: Some(64),
        ..LayoutKeys::default()
    };
    let held = |interleave| Layout::of(&keys(interleave), 4).unwrap().in_flight(0);
    assert!((held(1) - 4.0).abs() < 1e-12);
    for chunks in 2..8u32 {
        let factor = 1.0 + 3.0 / (4.0 * f64::from(chunks));
        let got = held(chunks.into());
        assert!((got - 4.0 * factor).abs() < 1e-12, "{chunks}: {got} {factor}");
    }
}
