//! What a training step holds, against PyTorch's own tracker and against measurements.

use plan::layout::{Layout, LayoutKeys, Recompute};
use plan::memory::{Label, LossKernel, Optimizer, AttentionKernel, Precision, Profile, Setting, step};
use plan::model::{
    Attention, Block, FeedForward, Grouped, Mlp, Norm, Positions, QkNorm, Shape, Stack,
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
        assert_eq!(breakdown, peak.bytes, "{}", case.name);
        assert_eq!(peak.bytes, case.peak, "{}", case.name);
    }
}

#[test]
fn cuda() {
    let cases = cases();
    let mut reader = csv::Reader::from_path("tests/oracle/gpu_memory.csv").unwrap();
    for row in reader.deserialize::<HashMap<String, String>>() {
        let row = row.unwrap();
        let Some(case) = cases.iter().find(|c| c.name == row["case"]) else { continue };
        let measured: f64 = row["allocated_bytes"].parse().unwrap();
        let peak = step(&case.shape, &Setting { profile: Profile::Cuda, ..case.setting }).unwrap().peak();
        println!("{:+.3}% {} {:?} {:?} diff {} MB", 100.0*(peak.bytes/measured-1.0), case.name, peak.phase, peak.last, (peak.bytes-measured)/1e6);
    }
}
