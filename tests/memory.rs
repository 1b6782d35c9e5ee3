//! What a training step holds, against PyTorch's own tracker and against measurements.

use plan::layout::{Layout, LayoutKeys, Recompute, Strategy};
use plan::memory::{
    AttentionKernel, Label, LossKernel, Optimizer, Precision, Profile, Setting, step,
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
            let setting = Setting {
                layout: Layout::of(&keys, number("ranks")).unwrap(),
                sequence,
                precision: Precision::Bf16,
                optimizer: Optimizer::AdamW,
                attention: AttentionKernel::Sdpa,
                loss: if flag("logits_kept") { LossKernel::Eager } else { LossKernel::Released },
                profile: Profile::Eager,
            };
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

/// A row of our own measurements on an H100.
fn measured() -> HashMap<String, f64> {
    let mut reader = csv::Reader::from_path("tests/oracle/gpu_memory.csv").unwrap();
    let rows = reader.deserialize::<HashMap<String, String>>();
    rows.map(|row| {
        let row = row.unwrap();
        (row["case"].clone(), row["allocated_bytes"].parse().unwrap())
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
    let measured = measured();
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
    let measured = measured();
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
            layout: Layout::of(&keys, 1).unwrap(),
            sequence,
            precision: Precision::Bf16Pure,
            optimizer: Optimizer::AdamW,
            attention: AttentionKernel::Sdpa,
            loss: LossKernel::Released,
            profile: Profile::HuggingFace,
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
                let setting = Setting {
                    layout: Layout::of(&keys, 16).unwrap(),
                    sequence: 2048,
                    precision: Precision::Bf16,
                    optimizer: Optimizer::AdamW,
                    attention: AttentionKernel::Sdpa,
                    loss: LossKernel::Eager,
                    profile: Profile::Eager,
                };
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

#[test]
fn hugging_face_families_on_an_h100() {
    let mut reader = csv::Reader::from_path("tests/oracle/gpu_families.csv").unwrap();
    for row in reader.deserialize::<HashMap<String, String>>() {
        let row = row.unwrap();
        let name = ["family", "micro_batch", "sequence", "recompute", "attention", "precision"]
            .map(|key| row[key].as_str())
            .join(" ");
        let config = match plan::model::read_config(&row["config"]) {
            Ok(config) => config,
            Err(error) => {
                println!("{name}: {error}");
                continue;
            }
        };
        let keys = LayoutKeys {
            strategy: Some(Strategy::Ddp),
            micro_batch: Some(row["micro_batch"].parse().unwrap()),
            recompute: (row["recompute"] == "True").then_some(Recompute::Full),
            ..LayoutKeys::default()
        };
        let pure = row["precision"] == "bf16-pure";
        let eager = row["attention"] == "eager";
        let setting = Setting {
            layout: Layout::of(&keys, 1).unwrap(),
            sequence: row["sequence"].parse().unwrap(),
            precision: if pure { Precision::Bf16Pure } else { Precision::Bf16 },
            optimizer: Optimizer::AdamW,
            attention: if eager { AttentionKernel::Eager } else { AttentionKernel::Sdpa },
            loss: LossKernel::Released,
            profile: Profile::HuggingFace,
        };
        let measured: f64 = row["allocated_bytes"].parse().unwrap();
        let count = config.shape.count().total();
        if count.to_string() != row["parameters"] {
            println!("{name}: {count}");
            continue;
        }
        match step(&config.shape, &setting) {
            Ok(step) => {
                let peak = step.peak();
                println!(
                    "{:+.3}% {name} {:?} {:?} diff {:.1} MB",
                    100.0 * (peak.bytes / measured - 1.0),
                    peak.phase,
                    peak.last,
                    (peak.bytes - measured) / 1e6
                );
            }
            Err(error) => println!("{name}: {error}"),
        }
    }
}

#[test]
fn the_ways_of_training_a_model_side_by_side() {
    for name in ["llama-3-8b", "mixtral-8x7b"] {
        let shape = shapes().find(name).unwrap().shape().unwrap();
        let keys = LayoutKeys::default();
        let setting = Setting {
            layout: Layout::of(&keys, 64).unwrap(),
            sequence: 4096,
            precision: Precision::Bf16,
            optimizer: Optimizer::AdamW,
            attention: AttentionKernel::Sdpa,
            loss: LossKernel::Eager,
            profile: Profile::Eager,
        };
        for row in plan::memory::compare(&shape, &setting) {
            match row.outcome {
                Ok(o) => println!(
                    "{:24} {:8.2} GiB moved {:8.2} GB {:?}",
                    row.way.name,
                    o.step.peak().bytes / f64::from(1 << 30),
                    o.moved() / 1e9,
                    o.step.most_sequences(80e9)
                ),
                Err(e) => println!("{:24} {e}", row.way.name),
            }
        }
    }
}
