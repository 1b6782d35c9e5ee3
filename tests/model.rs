//! Shapes against transformers' own classes, published FLOPs, and each other.

#[path = "support/data.rs"]
mod data;

mod oracle {
    use plan::model::{BlockCount, Config, Weights, read_config};
    use serde::Deserialize;
    use serde_json::Value;

    #[derive(Deserialize)]
    struct Row {
        id: String,
        form: String,
        family: String,
        params: u64,
        active_params: u64,
        input_embedding: u64,
        position_embedding: u64,
        embedding_extra: u64,
        output_head: u64,
        final_norm: u64,
        kv_width: u64,
        layer_runs: Vec<Run>,
        published_params: Option<u64>,
        config: Value,
        #[serde(flatten)]
        parts: Parts,
    }

    #[derive(Deserialize)]
    struct Run {
        layers: u64,
        each: Parts,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Parts {
        attention: u64,
        mlp: u64,
        routed_experts: u64,
        router: u64,
        norms: u64,
    }

    impl Parts {
        fn by(sum: impl Fn(fn(&BlockCount) -> Weights) -> Weights) -> Self {
            Self {
                attention: small(sum(|block| block.attention)),
                mlp: small(sum(|block| block.mlp)),
                routed_experts: small(sum(|block| block.routed_experts)),
                router: small(sum(|block| block.router)),
                norms: small(sum(|block| block.norms)),
            }
        }
    }

    fn small(weights: Weights) -> u64 {
        u64::try_from(weights.total()).expect("a model's part fits")
    }

    fn rows() -> Vec<Row> {
        let text = include_str!("oracle/model_params.jsonl");
        text.lines().map(|line| serde_json::from_str(line).expect("a row reads")).collect()
    }

    /// A configuration whose missing sizes are filled in with what the errors say that its class
    /// takes, and how many those are.
    fn filled(id: &str, mut config: Value) -> (Config, usize) {
        for missing in 0..20 {
            let error = match read_config(&config.to_string()) {
                Ok(config) => return (config, missing),
                Err(error) => error,
            };
            let key = error.key.unwrap_or_else(|| panic!("{id}: {}", error.message));
            assert_eq!(error.message, format!("`{key}` is missing"), "{id}");
            let (_, rest) = error.help.split_once("class takes ").expect("the class's own value");
            let value: u64 = rest.split(' ').next().and_then(|n| n.parse().ok()).expect("a size");
            config[key] = value.into();
        }
        panic!("{id}: no end of missing keys")
    }

    /// transformers 4.57.6's classes, made on the meta device: `oracle/model_params.py`. Those made
    /// without sizes say what the class takes, which the errors have to know.
    #[test]
    fn every_part_is_that_of_the_class() {
        let rows = rows();
        assert_eq!(rows.len(), 198);
        for row in rows {
            let (config, missing) = filled(&row.id, row.config);
            let incomplete = row.form == "invented" || row.id.ends_with("-defaults");
            assert!(missing == 0 || incomplete, "{}: a published file is refused", row.id);
            let guessed = missing == 0 && row.id.ends_with("-defaults");
            assert!(!guessed, "{}: sizes are guessed", row.id);
            let (id, count) = (&row.id, config.shape.count());
            assert_eq!(config.family, row.family, "{id}");
            assert_eq!(count.total(), u128::from(row.params), "{id}: params");
            assert_eq!(count.active(), u128::from(row.active_params), "{id}: active");
            assert_eq!(small(count.input_embedding), row.input_embedding, "{id}: embedding");
            assert_eq!(small(count.position_embedding), row.position_embedding, "{id}: positions");
            assert_eq!(small(count.embedding_extra), row.embedding_extra, "{id}: extra");
            assert_eq!(small(count.output_head), row.output_head, "{id}: head");
            assert_eq!(small(count.final_norm), row.final_norm, "{id}: final norm");
            assert_eq!(config.shape.kv_width(), row.kv_width, "{id}: kv width");
            assert_eq!(Parts::by(|part| count.sum(part)), row.parts, "{id}: parts");
            assert_eq!(count.stacks.len(), row.layer_runs.len(), "{id}: runs");
            for ((layers, block), run) in count.stacks.iter().zip(&row.layer_runs) {
                assert_eq!(*layers, run.layers, "{id}: layers of a run");
                assert_eq!(Parts::by(|part| part(block)), run.each, "{id}: a layer");
            }
        }
    }

    /// Totals that others published, beside those of files that store or count something else.
    #[test]
    fn published_totals_are_met() {
        let others = [
            "gpt2",           // the file holds twelve causal masks besides
            "falcon-7b",      // the tied head stands in the file twice
            "falcon-40b",     // so too
            "stablelm-2-12b", // its card counts 41 norms once more
            "deepseek-v3",    // the file holds the router's balancing biases, which are buffers
        ];
        let mut met = 0;
        for row in rows() {
            let Some(published) = row.published_params else { continue };
            let counted = read_config(&row.config.to_string()).unwrap().shape.count().total();
            let equal = counted == u128::from(published);
            assert_eq!(equal, !others.contains(&row.id.as_str()), "{}: {counted}", row.id);
            met += usize::from(equal);
        }
        assert!(met >= 45, "{met} published totals");
    }
}

mod flops {
    use crate::data::find;
    use plan::model::{Attention, Convention, NormKey, Positions, Shape, ShapeKeys, shapes};

    /// 61.07, 57.91 and 51.47 G are what torchtitan in 2024, `NeMo` 24.12 and Megatron-Bridge 25.11 count
    /// for a token of Llama 3 8B; `printed_tflops_use_the_convention_named` has their own figures.
    #[test]
    fn llama_3_8b_costs_what_is_published() {
        let llama = shapes().find("llama-3-8b").unwrap().shape().unwrap();
        let per_token = |convention| llama.flops_per_token(convention, 8192);
        assert_eq!((per_token(Convention::Palm) + 5_000_000) / 10_000_000, 6107);
        assert_eq!((per_token(Convention::WithoutEmbedding) + 5_000_000) / 10_000_000, 5791);
        assert_eq!((per_token(Convention::Causal) + 5_000_000) / 10_000_000, 5147);
        assert_eq!(per_token(Convention::SixN), 6 * 8_030_261_248);
    }

    /// The tied matrix works as the head: pytorch/torchtitan (commit b5bcd76),
    /// torchtitan/models/utils.py leaves it in N.
    #[test]
    fn a_tied_embedding_works() {
        let tied = shapes().find("llama-3.2-1b").unwrap().shape().unwrap();
        let untied = Shape { tied: false, ..tied.clone() };
        for convention in [Convention::WithoutEmbedding, Convention::Causal, Convention::Hoffmann] {
            let [tied, untied] = [&tied, &untied].map(|s| s.flops_per_token(convention, 4096));
            assert_eq!(tied, untied, "{convention:?}");
        }
    }

    /// Attention is counted by its own widths: Gemma 2B has 8 heads of 256 in a width of 2048, Qwen3
    /// 30B-A3B 32 of 128 in 2048, DeepSeek-V3 128 heads of 192 and 128.
    #[test]
    fn attention_is_as_wide_as_its_heads() {
        for (name, layers, width) in [
            ("gemma-2b", 18, 8 * (256 + 256)),
            ("qwen3-30b-a3b", 48, 32 * (128 + 128)),
            ("deepseek-v3", 61, 128 * (192 + 128)),
        ] {
            let shape = shapes().find(name).unwrap().shape().unwrap();
            let attention = shape.flops_per_token(Convention::Palm, 1000)
                - shape.flops_per_token(Convention::SixN, 1000);
            assert_eq!(attention, 6 * layers * width * 1000, "{name}");
        }
    }

    /// Hoffmann et al. 2022, arXiv:2203.15556, Table A4: exact FLOPs over 6ND. Sequences of 2,048 and
    /// a vocabulary of 32,000 as in karpathy/nanoGPT (commit 0082c48), `scaling_laws.ipynb`; N with
    /// biases and relative positions, as the printed sizes say.
    #[test]
    fn ratios_to_6nd_are_those_of_hoffmann() {
        let table = [
            (73e6, 10, 640, 2560, 10, 64, "1.03"),
            (305e6, 20, 1024, 4096, 16, 64, "1.10"),
            (552e6, 24, 1280, 5120, 10, 128, "1.08"),
            (1.1e9, 26, 1792, 7168, 14, 128, "1.04"),
            (1.6e9, 28, 2048, 8192, 16, 128, "1.03"),
            (6.8e9, 40, 3584, 14_336, 28, 128, "0.99"),
        ];
        for (params, layers, hidden, ffn, heads, head_dim, ratio) in table {
            let shape =
                Shape { positions: Positions::Relative, ..mpt(layers, hidden, heads, ffn, 32_000) };
            assert!(shape.blocks().all(|(_, block)| {
                matches!(block.attention, Attention::Grouped(grouped) if grouped.head_dim == head_dim)
            }));
            let counted = shape.params().0;
            assert!((counted / params - 1.0).abs() < 0.04, "{counted} for {params}");
            let exact = shape.flops_per_token(Convention::Hoffmann, 2048);
            let six = shape.flops_per_token(Convention::SixN, 2048);
            let hundredths = (exact * 1000 / six + 5) / 10; // half up, as printed
            let printed = format!("{}.{:02}", hundredths / 100, hundredths % 100);
            assert_eq!(printed, ratio, "{params}: {exact} / {six}");
        }
    }

    /// `MosaicML`'s MPT as its benchmarks train it: two matrices, biases, `LayerNorm`, a tied head.
    fn mpt(layers: u64, hidden: u64, heads: u64, ffn: u64, vocab: u64) -> Shape {
        let keys = ShapeKeys {
            layers: Some(layers),
            hidden: Some(hidden),
            heads: Some(heads),
            ffn: Some(ffn),
            vocab: Some(vocab),
            tied: Some(true),
            gated: Some(false),
            bias: Some(true),
            norm: Some(NormKey::Layer),
            ..ShapeKeys::default()
        };
        keys.shape().expect("a shape")
    }

    /// Every printed MFU of llm-foundry's benchmarks (mosaicml/llm-foundry, commit 8c8dd48), and N to
    /// the single parameter: all parameters, the learned positions of the sequence among them.
    #[test]
    fn printed_mfu_of_llm_foundry() {
        let name = "throughput_llm_foundry_throughput.csv";
        let Some(path) = find(name, "github.com/mosaicml/llm-foundry") else { return };
        let mut rows = csv::Reader::from_path(&path).expect("the file opens");
        let headers = rows.headers().expect("it has a header").clone();
        let mut worst = 0.0_f64;
        let mut count = 0;
        for row in rows.records() {
            let row = row.expect("a row reads");
            let text = |name: &str| {
                let column = headers.iter().position(|header| header == name);
                &row[column.unwrap_or_else(|| panic!("no column {name}"))]
            };
            let whole = |name: &str| text(name).parse::<u64>().expect("a whole number");
            let number = |name: &str| text(name).parse::<f64>().expect("a number");
            let sequence = whole("seq");
            let shape = Shape {
                positions: Positions::Learned(sequence),
                ..mpt(
                    whole("layers"),
                    whole("hidden"),
                    whole("heads"),
                    whole("ffn"),
                    whole("vocab"),
                )
            };
            assert_eq!(shape.count().total(), u128::from(whole("params")), "{row:?}");
            let peak = match (text("gpu"), text("precision")) {
                ("h100_80gb", "amp_fp8") => 1979e12,
                ("h100_80gb", _) => 989.5e12,
                ("a100_40gb" | "a100_80gb", _) => 312e12,
                other => panic!("{other:?}"),
            };
            let per_token =
                plan::quantity::Flops(f64_of(shape.flops_per_token(Convention::Palm, sequence)));
            let mfu = per_token.0 * number("tokens_per_s") / (number("gpus") * peak) * 100.0;
            worst = worst.max((mfu / number("mfu_pct") - 1.0).abs());
            count += 1;
        }
        assert!(count >= 140, "{count} rows");
        assert!(worst < 0.0025, "worst {worst}");
        println!("{count} rows, worst {:.3} %", worst * 100.0);
    }

    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    fn f64_of(number: u128) -> f64 {
        number as f64
    }

    #[test]
    fn conventions_have_names_and_sources() {
        let mut names: Vec<_> = Convention::ALL.iter().map(|c| c.name()).collect();
        for convention in Convention::ALL {
            let id = serde_json::to_string(&convention).unwrap();
            assert_eq!(id, format!("\"{}\"", convention.name()));
            assert!(!convention.source().is_empty() && !convention.used_by().is_empty());
        }
        names.dedup();
        assert_eq!(names.len(), Convention::ALL.len());
    }
}

mod published {
    use plan::model::{Convention, catalogue, read_config, shapes};
    use serde_json::Value;
    use std::collections::BTreeMap;

    /// Printed TFLOP/s over printed tokens/s say what was counted: no other convention is as near.
    #[test]
    fn printed_tflops_use_the_convention_named() {
        let nemo = "NVIDIA NeMo 24.12, performance summary, FP8, DGX H100";
        let megatron = "NVIDIA/Megatron-LM (commit d98e8a64), examples/llama/README.md";
        let bridge = "NVIDIA-NeMo/Megatron-Bridge (commit 067f987), performance-summary-archive.md";
        let titan = "pytorch/torchtitan (commit 3faaa1a), docs/performance.md, MFU of 312 TFLOP/s";
        let rows = [
            ("llama-3-8b", 8192, 2904.0, 0.568 * 312.0, Convention::Palm, titan),
            ("llama-3-70b", 8192, 331.0, 0.517 * 312.0, Convention::Palm, titan),
            ("llama-2-13b", 4096, 2162.0, 0.611 * 312.0, Convention::Palm, titan),
            ("llama-2-7b", 4096, 16_934.0, 780.0, Convention::WithoutEmbedding, nemo),
            ("llama-2-13b", 4096, 8715.0, 760.0, Convention::WithoutEmbedding, nemo),
            ("llama-3-8b", 8192, 12_273.0, 711.0, Convention::WithoutEmbedding, nemo),
            ("llama-3-70b", 8192, 1524.0, 734.0, Convention::WithoutEmbedding, nemo),
            ("llama-3-8b", 8192, 13_812.0, 800.0, Convention::WithoutEmbedding, megatron),
            ("llama-3-8b", 8192, 14_451.0, 744.0, Convention::Causal, bridge),
            ("llama-3-70b", 8192, 1619.0, 727.0, Convention::Causal, bridge),
            ("llama-3.1-405b", 8192, 302.0, 763.0, Convention::Causal, bridge),
        ];
        for (name, sequence, tokens_per_s, tflops, convention, source) in rows {
            let shape = shapes().find(name).unwrap().shape().unwrap();
            let printed: f64 = tflops * 1e12 / tokens_per_s;
            let off = |convention| {
                let counted: f64 =
                    shape.flops_per_token(convention, sequence).to_string().parse().unwrap();
                (counted / printed - 1.0).abs()
            };
            // half a unit of either number: 0.5/302 at the most
            assert!(off(convention) < 0.002, "{name}, {source}: {}", off(convention));
            for other in [
                Convention::SixN,
                Convention::Palm,
                Convention::WithoutEmbedding,
                Convention::Causal,
            ] {
                assert!(
                    other == convention || off(other) > 2.0 * off(convention),
                    "{name}: {other:?}"
                );
            }
        }
    }

    #[test]
    fn every_shape_reads_and_says_where_it_is_from() {
        let mut names = BTreeMap::new();
        for published in shapes().iter() {
            let config = read_config(&published.config)
                .unwrap_or_else(|error| panic!("{}: {error}", published.name));
            assert!(!published.source.is_empty(), "{}", published.name);
            assert!(!published.source.contains("recalled"), "{}", published.name);
            assert!(config.shape.count().total() > 0);
            for name in std::iter::once(&published.name).chain(&published.aliases) {
                assert!(
                    names.insert(name.clone(), &published.name).is_none(),
                    "{name} stands twice"
                );
            }
        }
        assert!(shapes().iter().count() >= 40);
    }

    /// The committed counts of the same configurations.
    #[test]
    fn every_shape_is_one_that_transformers_counted() {
        let rows: Vec<Value> = include_str!("oracle/model_params.jsonl")
            .lines()
            .map(|line| serde_json::from_str(line).expect("a row reads"))
            .collect();
        for published in shapes().iter() {
            let config: Value = serde_json::from_str(&published.config).expect("JSON");
            let row = rows.iter().find(|row| row["config"] == config);
            let row = row.unwrap_or_else(|| panic!("{} was not counted", published.name));
            let counted = published.shape().unwrap().count().total();
            assert_eq!(row["params"].as_u64().map(u128::from), Some(counted), "{}", published.name);
            assert_ne!(row["form"], "recalled");
            assert_ne!(row["form"], "invented");
        }
    }

    /// The published sizes of `models.toml` round what is counted.
    #[test]
    fn sizes_agree_with_the_catalogue_of_models() {
        // sources that print the size in the model's name, and Gemma 3's Table 1: 25,600 M, rounded to
        // 100 M, and 1,416 M
        let coarse = [
            ("falcon-40b", 1.4e9),
            ("falcon-180b", 1.5e9),
            ("llama-3.1-405b", 0.9e9),
            ("gemma-3-27b", 0.05e9),
        ];
        let mut both = 0;
        for model in catalogue().iter() {
            let Ok(published) = shapes().find(&model.name) else { continue };
            let counted = published.shape().unwrap().params().0;
            let digits = format!("{:e}", model.params.0);
            let (mantissa, exponent) = digits.split_once('e').unwrap();
            let decimals = mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len());
            let exponent: i32 = exponent.parse().unwrap();
            let half = 0.5 * 10_f64.powi(exponent - i32::try_from(decimals).unwrap());
            let half = coarse.iter().find(|(name, _)| *name == model.name).map_or(half, |c| c.1);
            let off = (counted - model.params.0).abs();
            assert!(off <= half * 1.000_001, "{}: {counted} for {}", model.name, model.params.0);
            both += 1;
        }
        assert!(both >= 35, "{both} models are in both catalogues");
    }

    #[test]
    fn a_misspelt_name_is_told_its_neighbours() {
        let error = shapes().find("lama-3-8b").unwrap_err();
        assert!(error.nearest.contains(&"llama-3-8b".to_owned()), "{error}");
    }
}
