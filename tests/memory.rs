//! What a training step holds, against PyTorch's own tracker and against measurements.

use plan::memory::{Label, Settings, fsdp_step};
use plan::model::{
    Attention, Block, FeedForward, Grouped, Mlp, Norm, Positions, QkNorm, Shape, Stack,
};
use std::collections::HashMap;

struct Case {
    name: String,
    shape: Shape,
    settings: Settings,
    tokens: f64,
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
            let settings = Settings {
                ranks: number("ranks"),
                sequence,
                recompute: flag("recompute"),
                reshard: flag("reshard"),
                logits_kept: flag("logits_kept"),
            };
            #[expect(clippy::cast_precision_loss, reason = "tokens are few")]
            let tokens = (number("micro_batch") * sequence) as f64;
            let peak = row["peak_bytes"].parse().unwrap();
            Case { name: row["case"].clone(), shape, settings, tokens, peak }
        })
        .collect()
}

#[test]
fn fsdp2_holds_what_the_tracker_of_pytorch_counts() {
    let cases = cases();
    assert!(cases.len() >= 80);
    for case in cases {
        let step = fsdp_step(&case.shape, &case.settings).unwrap();
        let peak = step.peak(case.tokens);
        let breakdown: f64 = Label::ALL.iter().map(|&label| peak.held(label)).sum();
        println!("{} {} {} {:?} {:?}", case.name, peak.bytes, case.peak, peak.phase, peak.last);
        assert_eq!(breakdown, peak.bytes, "{}", case.name);
        assert_eq!(peak.bytes, case.peak, "{}", case.name);
    }
}
