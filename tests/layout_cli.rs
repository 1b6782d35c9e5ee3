//! `llmplan layout`, as a user meets it.

use serde_json::Value;
use std::fs;

#[path = "support/folder.rs"]
mod folder;

use folder::Folder;

const ASKED: [&str; 13] = [
    "layout",
    "--model",
    "llama-3-8b",
    "--accelerator",
    "h100-sxm",
    "--devices",
    "16",
    "--sequence",
    "8192",
    "--batch-tokens",
    "524288",
    "--engine",
    "torchtitan",
];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    ASKED.into_iter().chain(more.iter().copied()).collect()
}

fn json(folder: &Folder, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--format", "json"]).collect();
    serde_json::from_str(folder.run(&arguments).answers()).unwrap()
}

fn number(json: &Value, pointer: &str) -> f64 {
    json.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("{pointer} in {json}"))
}

#[test]
fn the_best_is_what_throughput_and_memory_say_of_it() {
    let folder = Folder::new();
    let found = json(&folder, &ASKED);
    let rate = number(&found, "/best/tokens_per_second_per_device");
    assert_eq!(found["best"]["fits"], true);
    assert!(number(&found, "/best/bytes") <= number(&found, "/room_bytes"));
    let counts = |key: &str| number(&found, &format!("/counts/{key}"));
    let [legal, asked, dropped] = ["legal", "memory_asked", "memory_discarded"].map(counts);
    assert!((asked + dropped - legal).abs() < 0.5 && legal > 100.0);
    // the plan that it prints gives the same time and memory
    let plan = folder.run(&with(&["--format", "toml"]));
    let folder = Folder::new().with("plan.toml", plan.answers());
    let again = json(&folder, &["throughput", "plan.toml"]);
    let same = number(&again, "/tokens_per_second_per_device");
    assert!((same / rate - 1.0).abs() < 1e-9, "{same} {rate}");
    let memory = json(&folder, &["memory", "plan.toml"]);
    let needs = number(&memory, "/cuda_allocated_bytes") + number(&memory, "/context_bytes");
    assert!((needs / number(&found, "/best/bytes") - 1.0).abs() < 1e-6);
    let checked = folder.run(&["check", "plan.toml"]);
    assert!(!checked.out.contains("exceeds-device-memory"), "{checked:?}");
    assert!(!checked.out.contains("little-headroom"), "{checked:?}");
    // no layout of the front is beaten by the best's neighbours
    let front = found["front"].as_array().unwrap();
    let rates = front.iter().map(|c| number(c, "/tokens_per_second_per_device"));
    assert!(rates.clone().zip(rates.skip(1)).all(|(a, b)| a >= b));
    for other in found["runners_up"].as_array().unwrap() {
        assert!(number(other, "/tokens_per_second_per_device") <= rate);
        assert!(other["longer_than_best"].is_object());
    }
}

#[test]
fn text_csv_and_pictures() {
    let folder = Folder::new();
    let text = folder.run(&with(&["--plot", "front.svg"]));
    assert!(text.answers().starts_with("The best layout"));
    for part in ["  [layout]\n", "Runners-up", "legal layouts, all timed", "┊"] {
        assert!(text.out.contains(part), "{part} in {}", text.out);
    }
    assert!(text.out.lines().all(|line| line.chars().count() <= 80), "{}", text.out);
    let svg = fs::read_to_string(folder.path("front.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("tokens/s per device"));
    let ascii = folder.run(&with(&["--ascii"]));
    assert!(ascii.answers().is_ascii(), "{}", ascii.out);
    let csv = folder.run(&with(&["--format", "csv"]));
    let mut rows = csv::Reader::from_reader(csv.answers().as_bytes());
    let whats: Vec<String> = rows.records().map(|row| row.unwrap()[0].to_owned()).collect();
    assert_eq!(whats[0], "best");
    assert!(whats.iter().any(|what| what == "front"));
    // twice the same bytes
    assert_eq!(folder.run(&ASKED).answers(), folder.run(&ASKED).answers());
}

#[test]
fn what_is_fixed_stays() {
    let folder = Folder::new();
    let found = json(&folder, &with(&["--tp", "4", "--recompute", "full"]));
    assert_eq!(found["best"]["layout"]["tp"], 4);
    assert_eq!(found["best"]["layout"]["recompute"], "full");
    let all = json(&folder, &ASKED);
    let rate = |json: &Value| number(json, "/best/tokens_per_second_per_device");
    assert!(rate(&found) <= rate(&all));
}

#[test]
fn a_plan_gets_its_layout() {
    let plan = r#"format = 1 # mine

[model]
name = "llama-3-8b"

[cluster]
accelerator = "h100-sxm"
devices = 16

[layout]
tp = 8 # an old choice

[training]
sequence = 8192
batch_tokens = 524288
engine = "torchtitan"
"#;
    let folder = Folder::new().with("plan.toml", plan);
    let found = json(&folder, &["layout", "plan.toml"]);
    assert_eq!(fs::read_to_string(folder.path("plan.toml")).unwrap(), plan);
    folder.run(&["layout", "plan.toml", "--write"]).answers();
    let text = fs::read_to_string(folder.path("plan.toml")).unwrap();
    assert!(text.starts_with("format = 1 # mine\n"), "{text}");
    let written: toml::Table = text.parse().unwrap();
    let layout = written["layout"].as_table().unwrap();
    let micro_batch = layout["micro_batch"].as_integer().unwrap();
    assert_eq!(found["best"]["layout"]["micro_batch"], micro_batch);
    let tp = layout.get("tp").and_then(toml::Value::as_integer).unwrap_or(1);
    assert_eq!(found["best"]["layout"]["tp"], tp);
    assert!(written["derived"]["throughput"].is_table(), "{text}");
    let checked = folder.run(&["check", "plan.toml"]);
    assert!(!checked.out.contains("derived-stale"), "{checked:?}");
    let own = folder.run(&["throughput", "plan.toml"]);
    own.answers();
}

/// Operators that the engine's profile does not know: PyTorch's stand in, and that is said.
#[test]
fn pytorchs_operators_stand_in() {
    let folder = Folder::new();
    let found = json(
        &folder,
        &[
            "layout",
            "--model",
            "pythia-12b",
            "--accelerator",
            "a100-sxm-80gb",
            "--devices",
            "16",
            "--sequence",
            "2048",
            "--batch-tokens",
            "1048576",
            "--engine",
            "megatron-2022",
        ],
    );
    assert_eq!(found["memory_profile"], "cuda");
    assert!(found["remarks"][0].as_str().unwrap().contains("PyTorch's operators"), "{found}");
    assert_eq!(found["best"]["fits"], true);
}

#[test]
fn bad_input_says_what_would_be_right() {
    let folder = Folder::new();
    let says = |arguments: &[&str], text: &str| {
        let all: Vec<&str> = ["layout"].into_iter().chain(arguments.iter().copied()).collect();
        folder.run(&all).fails_with(text);
    };
    let model = ["--model", "llama-3-8b", "--accelerator", "h100-sxm"];
    let of = |more: &[&'static str]| -> Vec<&'static str> {
        model.into_iter().chain(more.iter().copied()).collect()
    };
    says(&[], "name a model with --model");
    says(&of(&[]), "--devices: how many devices there are is not known");
    says(&of(&["--devices", "8"]), "--batch-tokens: how many tokens");
    let batch = ["--devices", "8", "--batch-tokens", "65536"];
    let more = |extra: &[&'static str]| -> Vec<&'static str> {
        of(&batch).into_iter().chain(extra.iter().copied()).collect()
    };
    says(&of(&["--devices", "8", "--batch-tokens", "65535"]), "no whole number of sequences");
    let unknown = ["--model", "llama-3-8b", "--accelerator", "h1000"];
    says(&[&unknown[..], &batch].concat(), "the nearest are");
    says(&more(&["--engine", "megtron"]), "`megatron`");
    says(&more(&["--tp", "0"]), "--tp: a degree is a whole number");
    says(&more(&["--tp", "3"]), "a fixed degree does not divide the devices");
    says(&more(&["--cpu-offload", "on"]), "--cpu-offload");
    says(&more(&["--adapter", "lora"]), "--adapter");
    says(&more(&["--write"]), "--write needs a plan file");
    says(&more(&["--plot", "front.png"]), "let the file end in `.svg`");
    let large = ["--model", "llama-3.1-405b", "--accelerator", "h100-sxm"];
    let large: Vec<&str> = large.into_iter().chain(batch).collect();
    let run = folder.run(&[&["layout"], large.as_slice()].concat());
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.err.contains("no layout fits into a device"), "{run:?}");
    assert!(run.out.contains("No layout fits: the smallest holds"), "{run:?}");
}
