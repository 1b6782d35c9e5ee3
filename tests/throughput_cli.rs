//! `llmplan throughput`, and plans with a layout and an accelerator, as a user meets them.

#![expect(clippy::float_cmp, reason = "numbers are printed exactly")]

use serde_json::Value;
use std::fs;

#[path = "support/folder.rs"]
mod folder;

use folder::Folder;

const PLAN: &str = r#"format = 1

[model]
name = "llama-3-8b"

[cluster]
peak_flops = "400 TFLOP/s"
memory_bandwidth = "2.5 TB/s"
memory_bytes = "96 GB"
node_devices = 8
link_bandwidth = "200 GB/s"
network_bandwidth = 25e9
devices = 16

[layout]
tp = 2

[training]
engine = "megatron"
"#;

fn json(folder: &Folder, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--format", "json"]).collect();
    serde_json::from_str(folder.run(&arguments).answers()).unwrap()
}

fn number(json: &Value, pointer: &str) -> f64 {
    json.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("{pointer} in {json}"))
}

const STEP: [&str; 15] = [
    "throughput",
    "--model",
    "llama-3-8b",
    "--accelerator",
    "h100-sxm-96gb",
    "--devices",
    "128",
    "--sequence",
    "8192",
    "--micro-batch",
    "2",
    "--recompute",
    "selective",
    "--engine",
    "torchtitan",
];

/// torchtitan's page of December 2024, table 3: 6,514 tokens/s and device.
#[test]
fn a_published_run_through_flags() {
    let folder = Folder::new();
    let found = json(&folder, &STEP);
    let rate = number(&found, "/tokens_per_second_per_device");
    assert!((rate / 6514.0 - 1.0).abs() < 0.05, "{rate}");
    assert_eq!(found["measured"], false);
    assert_eq!(found["evidence"]["inside"], true, "{found}");
    // 61.07 GFLOPs a token by PaLM's convention (the research behind `Convention`)
    let mfu = number(&found, "/mfu/palm");
    assert!((mfu - rate * 61.066_469_376e9 / 989e12).abs() < 1e-9, "{mfu}");
    let parts = found["seconds"].as_object().unwrap().values();
    let exposed = found["exposed_seconds"].as_object().unwrap().values();
    let sum: f64 = parts.chain(exposed).filter_map(Value::as_f64).sum();
    let step = number(&found, "/step_seconds");
    assert!((sum / step - 1.0).abs() < 1e-9, "{sum} {step}");
    assert!((step - 2.0 * 8192.0 / rate).abs() < 1e-9);
    let text = folder.run(&STEP);
    assert!(text.answers().contains("tokens/s per device, predicted (80 %: "), "{text:?}");
    let [low, high] = [0, 1].map(|end| {
        let ratio = number(&found, &format!("/evidence/measured_over_predicted_80/{end}"));
        let end = number(&found, &format!("/tokens_per_second_per_device_80/{end}"));
        assert!((end / rate / ratio - 1.0).abs() < 1e-9, "{end}");
        end
    });
    assert!(low < rate && rate < high, "{low} {high}");
    assert!((low..high).contains(&6514.0), "{low} {high}");
    assert!(text.out.lines().all(|line| line.chars().count() <= 80), "{}", text.out);
}

#[test]
fn a_batch_sets_the_micro_batches() {
    let folder = Folder::new();
    let batch = STEP.into_iter().chain(["--batch-tokens", "8M"]).collect::<Vec<_>>();
    folder.run(&batch).fails_with("--batch-tokens");
    let batch = STEP.into_iter().chain(["--batch-tokens", "8388608"]).collect::<Vec<_>>();
    let found = json(&folder, &batch);
    assert_eq!(found["layout"]["micro_batches"], 4);
    assert_eq!(number(&found, "/tokens_per_step"), 8_388_608.0);
}

#[test]
fn an_accelerator_of_ones_own() {
    let folder = Folder::new().with("own.toml", PLAN);
    let found = json(&folder, &["throughput", "own.toml"]);
    assert_eq!(number(&found, "/device/peak_flops"), 400e12);
    assert_eq!(found["evidence"]["inside"], false);
    // no run like it tested the engine
    assert!(found["tokens_per_second_per_device_80"].is_null());
    let slower = PLAN.replace("400 TFLOP/s", "200 TFLOP/s");
    let folder = folder.with("slower.toml", slower);
    let slower = json(&folder, &["throughput", "slower.toml"]);
    let [fast, slow] = [&found, &slower].map(|json| number(json, "/step_seconds"));
    assert!(slow > 1.5 * fast, "{slow} {fast}");
    // its memory is what `memory` compares with
    let memory = json(&folder, &["memory", "own.toml"]);
    assert_eq!(number(&memory, "/accelerator_bytes"), 96e9);
}

#[test]
fn what_was_measured_goes_first() {
    let measured = PLAN.replace("devices = 16", "devices = 16\ntokens_per_second_per_device = 3e3");
    let folder = Folder::new().with("own.toml", PLAN).with("measured.toml", measured);
    let predicted = json(&folder, &["throughput", "own.toml"]);
    let found = json(&folder, &["throughput", "measured.toml"]);
    assert_eq!(number(&found, "/tokens_per_second_per_device"), 3000.0);
    assert_eq!(found["measured"], true);
    assert!(found["tokens_per_second_per_device_80"].is_null());
    let rate = number(&predicted, "/tokens_per_second_per_device");
    assert_eq!(number(&found, "/predicted_tokens_per_second_per_device"), rate);
    let run = folder.run(&["throughput", "measured.toml"]);
    assert!(run.answers().contains("3,000 tokens/s per device, measured"), "{run:?}");
    folder.run(&["plan", "measured.toml", "--write"]).answers();
    let text = fs::read_to_string(folder.path("measured.toml")).unwrap();
    let plan: toml::Table = text.parse().unwrap();
    let derived = &plan["derived"]["throughput"];
    assert_eq!(derived["measured"].as_bool(), Some(true));
    assert_eq!(derived["tokens_per_second_per_device"].as_integer(), Some(3000));
    let checked = folder.run(&["check", "measured.toml"]);
    assert!(!checked.out.contains("derived-stale"), "{checked:?}");
}

#[test]
fn bad_input_says_what_would_be_right() {
    let folder = Folder::new().with("own.toml", PLAN);
    let says = |arguments: &[&str], text: &str| {
        let all: Vec<&str> = ["throughput"].into_iter().chain(arguments.iter().copied()).collect();
        folder.run(&all).fails_with(text);
    };
    let model = ["--model", "llama-3-8b"];
    let with = |more: &[&'static str]| -> Vec<&'static str> {
        model.into_iter().chain(more.iter().copied()).collect()
    };
    says(&[], "name a model with --model");
    says(&model, "name one with --accelerator");
    says(&with(&["--accelerator", "h1000"]), "the nearest are");
    says(&with(&["--accelerator", "h100-sxm", "--engine", "megtron"]), "`megatron`");
    says(&with(&["--accelerator", "h100-sxm", "--node", "dgx-h10"]), "`dgx-h100`");
    says(&with(&["--accelerator", "v100-sxm", "--devices", "8"]), "cluster.memory_bandwidth");
    says(&with(&["--accelerator", "mi300x", "--devices", "16"]), "cluster.network_bandwidth");
    says(&with(&["--accelerator", "h100-sxm", "--devices", "8", "--tp", "3"]), "does not divide");
    says(&with(&["--accelerator", "h100-sxm", "--devices", "0"]), "0 is out of range");
    let fp8 = ["--accelerator", "a100-sxm-80gb", "--precision", "fp8", "--engine", "torchtitan"];
    says(&with(&fp8), "has no FP8 peak");
    let deep = ["--accelerator", "h100-sxm", "--devices", "64", "--pp", "64", "--engine", "nemo"];
    says(&with(&deep), "more than the model's 32 layers");
    says(&with(&["--accelerator", "h100-sxm", "--adapter", "lora"]), "not timed");
    let odd = ["--accelerator", "h100-sxm", "--async-tp", "on"];
    says(&with(&odd), "belongs to tensor parallel");
    for (from, to, text) in [
        ("network_bandwidth = 25e9", "network_bandwidth = 0", "network_bandwidth"),
        ("network_bandwidth = 25e9\n", "", "cluster.network_bandwidth"),
        ("link_bandwidth = \"200 GB/s\"\n", "", "cluster.link_bandwidth"),
        ("node_devices = 8", "node_devices = 0", "node_devices"),
        ("tp = 2", "tp = 3", "does not divide 16 devices"),
        ("engine = \"megatron\"", "engine = \"megatro\"", "unknown engine"),
    ] {
        let broken = PLAN.replace(from, to);
        assert_ne!(broken, PLAN);
        fs::write(folder.path("broken.toml"), broken).unwrap();
        folder.run(&["throughput", "broken.toml"]).fails_with(text);
    }
}
