//! `llmplan memory`, and plans with a layout, as a user meets them.

use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, Instant};

#[path = "support/folder.rs"]
mod folder;
#[path = "support/rows.rs"]
mod rows;

use folder::{Folder, Run};
use rows::{Row, number, rows};

fn answered(folder: &Folder, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--format", "json"]).collect();
    serde_json::from_str(folder.run(&arguments).answers()).unwrap()
}

/// A row's model as a config.json: Llama, or Qwen2 with its biases.
fn config(row: &Row) -> String {
    let biased = row["qkv_bias"] == "true";
    let config = json!({
        "model_type": if biased { "qwen2" } else { "llama" },
        "num_hidden_layers": number(row, "layers"),
        "hidden_size": number(row, "hidden"),
        "intermediate_size": number(row, "ffn"),
        "num_attention_heads": number(row, "heads"),
        "num_key_value_heads": number(row, "kv_heads"),
        "head_dim": number(row, "head_dim"),
        "vocab_size": number(row, "vocab"),
        "tie_word_embeddings": row["tied"] == "true",
    });
    config.to_string()
}

/// PyTorch's own tracker, to the byte, through flags and a config.json.
#[test]
fn flags_and_a_config_hold_what_the_tracker_counts() {
    let folder = Folder::new();
    let mut told = 0;
    for row in rows("fsdp_memory.csv").iter().filter(|row| row["block"] == "llama") {
        fs::write(folder.path("config.json"), config(row)).unwrap();
        let on = |key: &str| row[key] == "true";
        let json = answered(
            &folder,
            &[
                "memory",
                "--model",
                "config.json",
                "--devices",
                &row["ranks"],
                "--strategy",
                "fsdp2",
                "--micro-batch",
                &row["micro_batch"],
                "--sequence",
                &row["sequence"],
                "--recompute",
                if on("recompute") { "full" } else { "none" },
                "--reshard",
                if on("reshard") { "on" } else { "off" },
                "--loss",
                if on("logits_kept") { "eager" } else { "released" },
            ],
        );
        assert_eq!(json["peak_allocated_bytes"], number(row, "peak_bytes"), "{}", row["case"]);
        let parts = json["breakdown"].as_object().unwrap().values();
        let sum: u64 = parts.map(|bytes| bytes.as_u64().unwrap()).sum();
        assert_eq!(sum, number(row, "peak_bytes"), "{}", row["case"]);
        assert_eq!(json["evidence"]["inside"], true, "{}: {}", row["case"], json["evidence"]);
        told += 1;
    }
    assert!(told >= 80, "{told}");
}

/// The same through a plan with a shape, LayerNorm and GELU among them.
#[test]
fn a_plan_holds_what_the_tracker_counts() {
    let folder = Folder::new();
    for row in rows("fsdp_memory.csv").iter().step_by(4) {
        let recompute = if row["recompute"] == "true" { "full" } else { "none" };
        let loss = if row["logits_kept"] == "true" { "eager" } else { "released" };
        let plan = format!(
            "format = 1\n[model.shape]\n{}\n[training]\nsequence = {}\nloss = \"{loss}\"\n[layout]\n\
             micro_batch = {}\nrecompute = \"{recompute}\"\nreshard = {}\n[cluster]\ndevices = {}\n",
            rows::shape(row),
            row["sequence"],
            row["micro_batch"],
            row["reshard"],
            row["ranks"]
        );
        fs::write(folder.path("p.toml"), plan).unwrap();
        let json = answered(&folder, &["plan", "p.toml"]);
        let peak = &json["memory"]["peak_allocated_bytes"];
        assert_eq!(*peak, number(row, "peak_bytes"), "{}", row["case"]);
        assert_eq!(answered(&folder, &["memory", "p.toml"])["peak_allocated_bytes"], *peak);
    }
}

const LLAMA: [&str; 7] =
    ["memory", "--model", "llama-3-8b", "--devices", "64", "--micro-batch", "3"];

#[test]
fn what_is_left_out_is_assumed_and_told() {
    let folder = Folder::new();
    let json = answered(&folder, &["memory", "--model", "llama-3-8b"]);
    for (key, value) in [
        ("cluster.devices", "1"),
        ("layout.micro_batch", "1"),
        ("layout.recompute", "none"),
        ("layout.reshard", "true"),
        ("layout.strategy", "fsdp2"),
        ("stages.sequence", "4096"),
        ("training.attention", "sdpa"),
        ("training.loss", "eager"),
        ("training.optimizer", "adamw"),
        ("training.precision", "bf16"),
        ("training.profile", "eager"),
    ] {
        assert_eq!(json["assumed"][key]["value"], value, "{key}");
        assert!(json["assumed"][key]["source"].as_str().unwrap().len() > 10, "{key}");
    }
    assert_eq!(json["assumed"].as_object().unwrap().len(), 11, "{}", json["assumed"]);
    let run = folder.run(&["memory", "--model", "llama-3-8b"]);
    assert!(run.answers().contains("cluster.devices = 1"), "{run:?}");
    let degrees = answered(&folder, &["memory", "--model", "llama-3-8b", "--dp-shard", "8"]);
    assert_eq!(degrees["assumed"]["cluster.devices"]["value"], "8");
    assert_eq!(degrees["layout"]["devices"], 8);
}

/// Without an accelerator nothing is claimed to fit.
#[test]
fn fit_needs_an_accelerator() {
    let folder = Folder::new();
    let json = answered(&folder, &LLAMA);
    for key in ["fits", "largest_micro_batch", "accelerator", "accelerator_bytes"] {
        assert!(json[key].is_null(), "{key}: {}", json[key]);
    }
    let text = folder.run(&LLAMA);
    assert!(text.answers().contains("No accelerator is stated"), "{text:?}");
    let unknown = folder.run(&[&LLAMA[..], &["--accelerator", "h20"]].concat());
    assert!(unknown.answers().contains("is not known here"), "{unknown:?}");

    let with = |micro_batch: &str, recompute: &str| {
        let more = ["--micro-batch", micro_batch, "--accelerator", "h100-sxm"];
        let more = [&more[..], &["--recompute", recompute]].concat();
        answered(&folder, &[&LLAMA[..5], &more].concat())
    };
    let json = with("3", "none");
    assert_eq!((&json["fits"], &json["largest_micro_batch"]), (&false.into(), &2.into()));
    assert_eq!(with("2", "none")["fits"], true);
    let remedies = json["remedies"].as_array().unwrap();
    assert!(remedies.iter().any(|remedy| remedy["fits"] == true), "{remedies:?}");
    let saved = |remedy: &Value| remedy["saved_bytes"].as_u64().unwrap();
    assert!(remedies.is_sorted_by(|a, b| saved(a) >= saved(b)) && remedies.len() >= 3);
    let full = &remedies[0];
    assert_eq!(full["key"], "layout.recompute");
    let again = with("3", "full");
    assert_eq!(again["peak_allocated_bytes"], full["peak_allocated_bytes"]);
}

/// Allocated, reserved and shown: three numbers, the last two with ranges.
#[test]
fn allocated_reserved_and_shown_are_told_apart() {
    let folder = Folder::new();
    let json = answered(&folder, &LLAMA);
    let bytes = |key: &str| json[key].as_f64().unwrap();
    assert!(bytes("reserved_bytes") > bytes("cuda_allocated_bytes"));
    assert!(bytes("device_bytes") > bytes("reserved_bytes") + 0.8e9);
    for key in ["reserved_bytes", "device_bytes"] {
        let range = json[format!("{key}_80")].as_array().unwrap().clone();
        let [low, high] = [&range[0], &range[1]].map(|end| end.as_f64().unwrap());
        assert!(low < bytes(key) && bytes(key) < high, "{key}");
    }
    let cuda = answered(&folder, &[&LLAMA[..], &["--profile", "cuda"]].concat());
    assert_eq!(cuda["peak_allocated_bytes"], json["cuda_allocated_bytes"]);
    assert_eq!(cuda["evidence"]["cases"], 169);
}

/// torchtitan's number is what its log prints, Megatron-DeepSpeed's what nvidia-smi shows.
#[test]
fn every_profile_quotes_the_measurements_of_its_own() {
    let folder = Folder::new();
    let of = |model: &str, profile: &str, more: &[&str]| {
        let arguments = ["memory", "--model", model, "--profile", profile, "--recompute", "full"];
        let arguments = [&arguments[..], &["--accelerator", "a100-sxm-80gb"], more].concat();
        let text = folder.run(&arguments).answers().to_owned();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        (answered(&folder, &arguments), text.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let bloom = &["--devices", "384", "--tp", "4", "--pp", "12", "--attention", "eager"][..];
    let eight = &["--devices", "8"][..];
    let quoted: [(&str, &str, &[&str], u64, &str); 6] = [
        (
            "llama-3-8b",
            "eager",
            eight,
            169,
            "steps of FSDP2 on NVIDIA H100 and H200 (torch 2.11) reserved 0.982 times what is simulated",
        ),
        ("llama-3-8b", "hugging-face", eight, 126, "reserved 1.08 times what they allocated"),
        ("llama-3-8b", "megatron", eight, 27, "reserved 1.04 times what they allocated"),
        ("llama-3-8b", "torchtitan", eight, 9, "reserved 1.03 times what is simulated"),
        ("bloom-176b", "megatron-deepspeed", bloom, 33, "took 1.02 times what is simulated"),
        ("bloom-176b", "megatron-deepspeed-bf16", bloom, 33, "2.50 of them assumed"),
    ];
    for (model, profile, more, cases, words) in quoted {
        let (json, text) = of(model, profile, more);
        let bytes = |key: &str| json[key].as_f64().unwrap();
        assert_eq!(json["reserved_evidence"]["cases"], cases, "{profile}");
        assert!(text.contains(words), "{profile}: {text}");
        let beside = bytes("device_bytes") - bytes("reserved_bytes");
        assert!((beside - bytes("context_bytes")).abs() <= 1.0, "{profile}");
        for key in ["reserved_bytes", "device_bytes"] {
            let end = |place: usize| json[format!("{key}_80")][place].as_f64().unwrap();
            assert!(end(0) <= bytes(key) && bytes(key) < end(1), "{profile} {key}");
        }
        let counted = profile.starts_with("megatron-deepspeed");
        assert_eq!(text.contains("allocated on an NVIDIA GPU"), !counted, "{profile}");
        assert_eq!(text.contains("What the allocator reserves is counted."), counted, "{profile}");
        assert_eq!(text.contains("GB) reserved, in the"), counted, "{profile}");
        let holds = bytes("cuda_allocated_bytes") + bytes("context_bytes");
        assert_eq!(json["fits"], holds <= bytes("accelerator_bytes"), "{profile}");
    }
}

/// What `check` says would be enough was simulated under the plan's own profile.
#[test]
fn remedies_are_those_of_the_plans_own_profile() {
    let plan = "format = 1\nmodel.name = \"llama-3-8b\"\n[training]\nsequence = 8192\n\
                profile = \"hugging-face\"\nprecision = \"bf16-pure\"\n[layout]\nstrategy = \"ddp\"\n\
                micro_batch = 1\n[cluster]\naccelerator = \"a100-sxm-80gb\"\ndevices = 8\n";
    let folder = Folder::new().with("p.toml", plan);
    let json = answered(&folder, &["memory", "p.toml"]);
    let checked = folder.run(&["check", "p.toml"]);
    let remedies = json["remedies"].as_array().unwrap();
    let fitting: Vec<&Value> = remedies.iter().filter(|one| one["fits"] == true).collect();
    assert!(!fitting.is_empty(), "{remedies:?}");
    for remedy in fitting.iter().take(3) {
        let gib = remedy["peak_allocated_bytes"].as_f64().unwrap() / 1_073_741_824.0;
        let named = format!("= \"{}\"` ({gib:.1} GiB)", remedy["value"].as_str().unwrap());
        assert!(checked.out.contains(&named), "{named}: {}", checked.out);
    }
}

#[test]
fn every_format_tells_the_same_peak() {
    let folder = Folder::new();
    let peak = answered(&folder, &LLAMA)["peak_allocated_bytes"].to_string();
    let of = |format: &str| {
        let run = folder.run(&[&LLAMA[..], &["--format", format]].concat());
        run.answers().to_owned()
    };
    assert!(of("csv").starts_with(&format!("held,bytes\npeak_allocated,{peak}\n")));
    assert!(of("toml").contains(&format!("peak_allocated_bytes = {peak} #")));
    assert!(of("markdown").contains("## What is held at the peak"));
    for line in of("text").lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let one = folder.run(&["memory", "--params", "7e9", "--accelerator", "h100-sxm"]);
    assert!(one.answers().lines().all(|line| line.chars().count() <= 80), "{one:?}");
}

/// `-o` keeps a plan, which says the same again, is current and is checked.
#[test]
fn a_kept_plan_says_the_same() {
    let folder = Folder::new();
    let peak = answered(&folder, &LLAMA)["peak_allocated_bytes"].clone();
    folder.run(&[&LLAMA[..], &["-o", "kept.toml"]].concat()).answers();
    let text = fs::read_to_string(folder.path("kept.toml")).unwrap();
    assert!(text.contains("[layout]\nmicro_batch = 3") && text.contains("[derived.memory]"));
    assert_eq!(answered(&folder, &["memory", "kept.toml"])["peak_allocated_bytes"], peak);
    assert_eq!(folder.run(&["check", "kept.toml"]).code, Some(0));
    let up_to_date = folder.run(&["plan", "kept.toml", "--write"]);
    assert_eq!(up_to_date.err, "kept.toml is up to date\n");
    let only = folder.run(&["plan", "kept.toml", "--only", "memory"]);
    assert!(only.answers().contains("Peak: "), "{only:?}");
    let stale = text.replace("micro_batch = 3", "micro_batch = 2");
    fs::write(folder.path("kept.toml"), stale).unwrap();
    let checked = folder.run(&["check", "kept.toml"]);
    assert!(checked.code == Some(1) && checked.out.contains("derived-stale"), "{checked:?}");
    folder.run(&[&LLAMA[..], &["-o", "kept.toml"]].concat()).fails_with("--force");
}

/// Flags over a plan change it and nothing else; a plan without a layout says nothing of memory.
#[test]
fn flags_go_over_a_plan() {
    let plan = "format = 1\n# ours\n[model]\nname = \"llama-3-8b\"\n[cluster]\ndevices = 64\n";
    let folder = Folder::new().with("p.toml", plan);
    assert!(answered(&folder, &["plan", "p.toml"]).get("memory").is_none());
    let by_plan = answered(&folder, &["memory", "p.toml", "--micro-batch", "3"]);
    assert_eq!(by_plan["peak_allocated_bytes"], answered(&folder, &LLAMA)["peak_allocated_bytes"]);
    let run = folder.run(&["memory", "p.toml", "--micro-batch", "3", "--format", "toml"]);
    assert!(run.answers().starts_with("format = 1\n# ours\n[model]"), "{run:?}");
    let fewer = answered(&folder, &["memory", "p.toml", "--devices", "8"]);
    assert_eq!(fewer["layout"]["devices"], 8);
    let input = folder.run_with(&["memory", "-", "--format", "json"], plan.as_bytes());
    assert!(input.answers().contains("peak_allocated_bytes"), "{input:?}");
}

/// Tokens of a step give the micro-batches; the longest stage gives the sequence.
#[test]
fn the_batch_and_the_stages_fill_in() {
    let plan = |training: &str, stages: &str| {
        format!(
            "format = 1\n[model]\nname = \"llama-3-8b\"\n[run]\ntokens = 1e11\n\
             [sources.web]\nunique_tokens = 1e12\n[training]\n{training}\n[layout]\nmicro_batch = 2\n\
             [cluster]\ndevices = 64\n{stages}"
        )
    };
    let stage = |name: &str, sequence: u64, share: &str| {
        format!(
            "[[stages]]\nname = \"{name}\"\nsequence = {sequence}\n{share}\nmixture = {{ web = 1 }}\n"
        )
    };
    let stages = stage("short", 4096, "") + &stage("long", 16_384, "share = 0.1");
    let folder = Folder::new()
        .with("batch.toml", plan("sequence = 8192\nbatch_tokens = 4194304", ""))
        .with("stages.toml", plan("", &stages))
        .with("both.toml", plan("sequence = 8192", &stages));
    let batch = answered(&folder, &["memory", "batch.toml"]);
    assert_eq!(batch["layout"]["micro_batches"], 4); // 4,194,304 / (8,192 x 2 x 64)
    assert_eq!(answered(&folder, &["memory", "stages.toml"])["training"]["sequence"], 16_384);
    assert_eq!(answered(&folder, &["memory", "both.toml"])["training"]["sequence"], 8192);
    let stated = ["memory", "batch.toml", "--batch-tokens", "100000", "--micro-batches", "7"];
    assert_eq!(answered(&folder, &stated)["layout"]["micro_batches"], 7);
}

/// FP32 parameters, gradients and two moments are 16 bytes for each parameter (`ZeRO`, 3.1, counts
/// as many); rows are padded to whole ones.
#[test]
fn shards_may_be_on_the_host() {
    let folder = Folder::new();
    let ask = ["memory", "--model", "llama-3-8b", "--devices", "8", "--accelerator", "h100-sxm"];
    let on_device = answered(&folder, &ask);
    let remedies = on_device["remedies"].as_array().unwrap();
    let remedy = remedies.iter().find(|remedy| remedy["key"] == "layout.cpu_offload").unwrap();
    let on_host = answered(&folder, &[&ask[..], &["--cpu-offload", "on"]].concat());
    assert_eq!(remedy["value"], "true");
    assert_eq!(remedy["peak_allocated_bytes"], on_host["peak_allocated_bytes"]);
    assert!(on_device["host_bytes"].is_null());
    let bytes = on_host["host_bytes"].as_f64().unwrap();
    assert!((bytes / (16.0 * 8_030_261_248.0 / 8.0) - 1.0).abs() < 1e-5, "{bytes}");
    for held in ["parameters", "optimizer"] {
        assert!(on_device["breakdown"][held].as_u64().unwrap() > 1 << 30, "{held}");
        assert_eq!(on_host["breakdown"][held], 0, "{held}");
    }
}

#[test]
fn bad_wishes_are_errors_that_name_the_flag() {
    let folder = Folder::new();
    let cases: [(&[&str], &str); 34] = [
        (&[], "--model"),
        (&["--model", "lama-3-8b"], "`llama-3-8b`"),
        (&["--model", "none.json"], "cannot read `none.json`"),
        (&["--model", "llama-3-8b", "--params", "7e9"], "cannot be used with"),
        (&["--model", "llama-3-8b", "--strategy", "fsdp3"], "'fsdp2'"),
        (&["--model", "llama-3-8b", "--recompute", "ful"], "'full'"),
        (&["--model", "llama-3-8b", "--micro-batch", "0"], "--micro-batch"),
        (&["--model", "llama-3-8b", "--micro-batch", "1e30"], "--micro-batch"),
        (&["--model", "llama-3-8b", "--micro-batch", "1000000001"], "--micro-batch"),
        (&["--model", "llama-3-8b", "--micro-batch=-1"], "--micro-batch"),
        (&["--model", "llama-3-8b", "--sequence", "1e30"], "--sequence"),
        (&["--model", "llama-3-8b", "--sequence", "0"], "--sequence"),
        (&["--model", "llama-3-8b", "--devices", "0"], "--devices"),
        (&["--model", "llama-3-8b", "--devices", "10", "--tp", "4"], "--tp: "),
        (&["--model", "llama-3-8b", "--devices", "64", "--dp-shard", "48"], "--dp-shard: "),
        (&["--model", "llama-3-8b", "--strategy", "ddp", "--reshard", "on"], "--reshard: "),
        (
            &["--model", "llama-3-8b", "--strategy", "zero3", "--cpu-offload", "on"],
            "--cpu-offload: ",
        ),
        (&["--model", "llama-3-8b", "--cpu-offload", "on", "--adapter", "lora"], "--cpu-offload: "),
        (&["--model", "llama-3-8b", "--cpu-offload", "1"], "neither on nor off"),
        (&["--model", "llama-3-8b", "--interleave", "2"], "--interleave: "),
        (&["--model", "llama-3-8b", "--reshard", "maybe"], "neither on nor off"),
        (&["--model", "llama-3-8b", "--batch-tokens", "1e30"], "--batch-tokens"),
        (&["--model", "llama-3-8b", "--batch-tokens", "5000"], "--batch-tokens: "),
        (&["--model", "llama-3-8b", "--accelerator", "h1000"], "unknown accelerator"),
        (
            &["--model", "llama-3-8b", "--micro-batch", "1000000000", "--sequence", "1e9"],
            "--micro-batch: 1000000000 sequences",
        ),
        (&["--model", "llama-3-8b", "--adapter-rank", "8"], "--adapter-rank: "),
        (&["--model", "llama-3-8b", "--adapter", "lora", "--adapter-rank", "0"], "--adapter-rank"),
        (&["--model", "llama-3-8b", "--adapter", "loar"], "'lora'"),
        (&["--model", "llama-3-8b", "--profile", "megatrn"], "'megatron'"),
        (&["--model", "llama-3-8b", "--force"], "--plot <FILE>"),
        (&["--model", "llama-3-8b", "--plot", "-", "-o", "x.toml"], "--plot -"),
        (&["--model", "llama-3-8b", "--compare", "--format", "csv"], "--compare"),
        (&["--model", "llama-3-8b", "--compare", "--format", "toml"], "--compare"),
        (
            &["--model", "llama-3-8b", "--plot", "x.svg", "--force", "--micro-batch", "0"],
            "--micro-batch",
        ),
    ];
    for (wish, message) in cases {
        let arguments: Vec<&str> = std::iter::once("memory").chain(wish.iter().copied()).collect();
        folder.run(&arguments).fails_with(message);
    }
}

/// The same in a plan: a caret under the value, and what would be right.
#[test]
fn bad_plans_get_a_caret() {
    let cases = [
        ("[layout]\nmicro_batch = 0", "--> p.toml:5:15", "is 0"),
        ("[layout]\nmicro_batch = -1", "--> p.toml:5:15", "`micro_batch` is -1"),
        ("[layout]\nmicro_batch = 1e30", "--> p.toml:5:15", "a whole number from 1 to 1000000000"),
        (
            "[layout]\nmicro_batch = 1000000000000000000000000000000",
            "--> p.toml:5:15",
            "is 1000000",
        ),
        ("[layout]\nmicro_batch = 1000000001", "--> p.toml:5:15", "is above 1000000000"),
        ("[layout]\ntp = 1.5", "--> p.toml:5:6", "`tp` is 1.5"),
        ("[layout]\ntp = 2.0", "--> p.toml:5:6", "write a whole number: tp = 2"),
        ("[layout]\npp = \"x\"", "--> p.toml:5:6", "`pp` is \"x\""),
        ("[layout]\ncp = [1]", "--> p.toml:5:6", "`cp` is a list of 1"),
        ("[training]\nadapter_rank = \"8\"", "--> p.toml:5:16", "adapter_rank = 8"),
        ("[training]\nadapter_rank = -1", "--> p.toml:5:16", "a whole number from 1 to 1000000\n"),
        ("[layout]\nmicrobatch = 2", "--> p.toml:5:1", "`micro_batch`"),
        ("[layout]\nstrategy = \"fsdp\"", "--> p.toml:5:12", "`fsdp2`"),
        ("[layout]\nstrategy = \"ddp\"\ndp_shard = 64", "--> p.toml:6:12", "fsdp2"),
        ("[layout]\ntp = 6", "--> p.toml:5:6", "multiple of 6"),
        ("[layout]\ninterleave = 2", "--> p.toml:5:14", "pp"),
        ("[layout]\nreshard = true\nstrategy = \"zero1\"", "--> p.toml:5:11", "fsdp2"),
        ("layout = [1]", "--> p.toml:4:10", "[layout]"),
        ("[training]\nsequence = 1e30\n[layout]", "--> p.toml:5:12", "out of range"),
        ("[training]\nbatch_tokens = 5000\n[layout]", "--> p.toml:5:16", "no whole number"),
        ("[training]\nprecision = \"fp8x\"", "--> p.toml:5:13", "`fp8`"),
        ("[training]\nloss = 2.0", "--> p.toml:5:8", "loss"),
    ];
    for (lines, place, message) in cases {
        let cluster = "\n[cluster]\ndevices = 64\n";
        let plan = format!("format = 1\nmodel.name = \"llama-3-8b\"\n\n{lines}{cluster}");
        let folder = Folder::new().with("p.toml", plan);
        for command in ["plan", "memory"] {
            let run = folder.run(&[command, "p.toml"]);
            run.fails_with(place);
        }
        let checked = folder.run(&["check", "p.toml"]);
        assert_eq!(checked.code, Some(2), "{lines}: {checked:?}");
        assert!(checked.out.contains(message), "{lines}: {message}: {}", checked.out);
        assert!(!checked.out.contains("u64"), "{lines}: {}", checked.out);
    }
}

/// No whole number of `[layout]` is left to serde's words.
#[test]
fn every_degree_is_asked_for_in_the_words_of_the_project() {
    let schema = plan::file::schema();
    let keys = schema["definitions"]["LayoutKeys"]["properties"].as_object().unwrap();
    let whole = keys.iter().filter(|(_, key)| key["type"][0] == "integer");
    let whole: Vec<&String> = whole.map(|(key, _)| key).collect();
    assert_eq!(whole.len(), 9, "{whole:?}");
    for key in whole {
        let plan = format!("format = 1\nmodel.name = \"llama-3-8b\"\n\n[layout]\n{key} = 1.5\n");
        let run = Folder::new().with("p.toml", plan).run(&["plan", "p.toml"]);
        run.fails_with(&format!("`{key}` is 1.5"));
        assert!(run.err.contains("write a whole number from 1 to 1000000000"), "{run:?}");
    }
}

/// Table 5.4 of the article in numbers: every way, in the text and in the JSON.
#[test]
fn the_ways_stand_side_by_side() {
    let folder = Folder::new();
    let eight = ["memory", "--model", "llama-3-8b", "--devices", "64"];
    let compared = [&eight[..], &["--compare", "--accelerator", "h100-sxm"]].concat();
    let json = answered(&folder, &compared);
    let rows = json["compare"].as_array().unwrap();
    let text = folder.run(&compared);
    let named: Vec<&str> = rows.iter().map(|row| row["way"].as_str().unwrap()).collect();
    for way in [
        "DP",
        "DDP",
        "ZeRO-1",
        "ZeRO-2",
        "ZeRO-3",
        "FSDP2",
        "FSDP2, reshard off",
        "HSDP",
        "TP + SP, FSDP2",
        "PP 1F1B, FSDP2",
        "PP interleaved, FSDP2",
        "CP, FSDP2",
        "TP + PP, ZeRO-1",
    ] {
        assert!(named.contains(&way), "{way}: {named:?}");
    }
    let [_, ways, words] = ["Memory", "The ways side by side", "What they move"]
        .map(|heading| text.answers().find(heading).unwrap());
    for row in rows {
        let way = row["way"].as_str().unwrap();
        let begins = |part: &str| part.lines().any(|line| line.starts_with(&format!("  {way} ")));
        assert!(begins(&text.out[ways..words]) && begins(&text.out[words..]), "{way}");
        assert!(row["peak_allocated_bytes"].as_u64().unwrap() > 1 << 30, "{row}");
        assert!(row["fits"].is_boolean() && row["largest_micro_batch"].is_u64(), "{row}");
        let moved = row["moved"].as_array().unwrap();
        let sum: f64 = moved.iter().map(|moved| moved["bytes"].as_f64().unwrap()).sum();
        let all = row["moved_bytes"].as_f64().unwrap();
        assert!(all > 0.0 && (sum - all).abs() <= 4.0, "{row}");
        assert_eq!(row["layout"]["devices"], 64, "{row}");
    }
    let of = |way: &str| rows.iter().find(|row| row["way"] == way).unwrap();
    assert_eq!(of("FSDP2")["peak_allocated_bytes"], json["peak_allocated_bytes"]);
    assert_eq!(of("FSDP2")["largest_micro_batch"], json["largest_micro_batch"]);
    // 16 bytes a parameter on every device, as Rajbhandari et al. 2020 count Adam in FP32 and BF16
    assert!(of("DDP")["peak_allocated_bytes"].as_f64().unwrap() > 16.0 * 8.03e9);
    assert_eq!((&of("DDP")["fits"], &of("FSDP2")["fits"]), (&false.into(), &true.into()));
    // a ring's all-reduce of FP32 gradients: 2 x 4 x 8,030,261,248 x 63 / 64 bytes
    assert_eq!(of("DDP")["moved_bytes"], 63_238_307_328_u64);

    assert!(answered(&folder, &eight).get("compare").is_none());
    let unknown = answered(&folder, &[&eight[..], &["--compare"]].concat());
    assert!(unknown["compare"][0]["fits"].is_null(), "{}", unknown["compare"][0]);
    let experts = ["memory", "--model", "mixtral-8x7b", "--devices", "64", "--compare"];
    let experts = answered(&folder, &experts);
    let mut experts = experts["compare"].as_array().unwrap().iter();
    assert!(experts.any(|row| row["way"] == "EP, FSDP2"), "{experts:?}");
}

/// Ways that a profile does not have are named with the reason, and nothing else is said of them.
#[test]
fn ways_that_are_not_simulated_are_named() {
    let folder = Folder::new();
    let compared = ["memory", "--model", "llama-3-70b", "--devices", "64", "--compare"];
    let compared = [&compared[..], &["--profile", "megatron"]].concat();
    let json = answered(&folder, &compared);
    let mut rows = json["compare"].as_array().unwrap().iter();
    let fsdp2 = rows.find(|row| row["way"] == "FSDP2").unwrap();
    assert_eq!(fsdp2["key"], "layout.strategy");
    assert!(fsdp2["error"].as_str().unwrap().contains("megatron"), "{fsdp2}");
    assert!(fsdp2.get("peak_allocated_bytes").is_none(), "{fsdp2}");
    let text = folder.run(&compared);
    assert!(text.answers().contains("Not simulated: DP: "), "{text:?}");
}

#[test]
fn a_step_is_drawn() {
    let folder = Folder::new();
    let drawn = [&LLAMA[..], &["--plot", "x.svg"]].concat();
    let run = folder.run(&drawn);
    assert!(run.answers().contains("peak 102.0 GiB"), "{run:?}");
    assert_eq!(run.err, "wrote x.svg\n");
    let svg = fs::read_to_string(folder.path("x.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("102.0 GiB"), "{svg}");
    folder.run(&drawn).fails_with("--force replaces it");
    fs::write(folder.path("x.svg"), "old").unwrap();
    folder.run(&[&drawn[..], &["--force"]].concat()).answers();
    assert_eq!(fs::read_to_string(folder.path("x.svg")).unwrap(), svg);
    assert_eq!(folder.run(&[&LLAMA[..], &["--plot", "-"]].concat()).answers(), svg);
    for odd in ["x.png", "x", "x.svg.gz"] {
        let refused = folder.run(&[&LLAMA[..], &["--plot", odd]].concat());
        refused.fails_with("let the file end in `.svg`, such as x.svg");
        assert!(!folder.path(odd).exists());
    }
}

/// Text keeps to 80 columns in a pipe, whatever is shown, without a byte of colour.
#[test]
fn every_text_keeps_to_eighty_columns() {
    let folder = Folder::new();
    let rank: &[&str] = &["--adapter", "qlora", "--adapter-rank", "64"];
    let views: [&[&str]; 7] = [
        &[],
        &["--compare"],
        &["--compare", "--accelerator", "h100-sxm"],
        &["--accelerator", "h100-sxm", "--recompute", "full"],
        &["--profile", "hugging-face", "--strategy", "ddp"],
        &["--profile", "megatron", "--tp", "8"],
        rank,
    ];
    for view in views {
        let view = [&LLAMA[..], view].concat();
        let plain = folder.run(&view);
        for line in plain.answers().lines() {
            assert!(line.chars().count() <= 80, "{view:?}: {line}");
        }
        assert!(!plain.out.contains('\u{1b}'), "{view:?}");
        let bare = folder.command(&view).env("NO_COLOR", "1").output().unwrap();
        assert_eq!(Run::from(bare).answers(), plain.out, "{view:?}");
        let ascii = folder.run(&[&view[..], &["--ascii"]].concat());
        assert!(ascii.answers().is_ascii(), "{view:?}: {}", ascii.out);
        assert!(ascii.out.lines().all(|line| line.len() <= 80), "{view:?}: {}", ascii.out);
    }
}

/// A frozen model has no gradients and no moments; 4 bits hold less than 16.
#[test]
fn adapters_hold_less_than_the_model() {
    let folder = Folder::new();
    let one = ["memory", "--model", "llama-3-8b", "--profile", "hugging-face"];
    let of = |more: &[&str]| answered(&folder, &[&one[..], more].concat());
    let (full, lora, qlora) = (of(&[]), of(&["--adapter", "lora"]), of(&["--adapter", "qlora"]));
    let held = |json: &Value, key: &str| json["breakdown"][key].as_u64().unwrap();
    let peak = |json: &Value| json["peak_allocated_bytes"].as_u64().unwrap();
    assert!(peak(&lora) < peak(&full) && peak(&qlora) < peak(&lora));
    // two FP32 moments for each of rank x (in + out) numbers of seven matrices a block, and a
    // counter for each of their two factors
    let sums = 2 * (4096 + 4096) + 2 * (4096 + 1024) + 3 * (4096 + 14_336);
    let moments = |rank: u64| 8 * rank * sums * 32;
    let beside = |json: &Value, rank: u64| held(json, "optimizer") - moments(rank);
    let counters = 4 * 2 * 7 * 32;
    assert_eq!([beside(&lora, 8), beside(&qlora, 8)], [counters; 2]);
    assert_eq!(lora["assumed"]["training.adapter_rank"]["value"], "8");
    assert_eq!(lora["training"]["adapter_base"], "bf16");
    assert_eq!(qlora["training"]["adapter_base"], "nf4");
    let wider = of(&["--adapter", "lora", "--adapter-rank", "64"]);
    assert_eq!(beside(&wider, 64), counters);

    let plan = "format = 1\nmodel.name = \"llama-3-8b\"\n[training]\nadapter_rank = 8\n[layout]\n";
    let folder = Folder::new().with("p.toml", plan);
    folder.run(&["memory", "p.toml"]).fails_with("--> p.toml:4:16");
}

#[test]
fn megatron_answers_for_its_own_strategies() {
    let folder = Folder::new();
    let of = ["memory", "--model", "llama-3-70b", "--devices", "8", "--profile", "megatron"];
    let of = [&of[..], &["--tp", "8", "--pp", "1"]].concat();
    let json = answered(&folder, &of);
    assert_eq!(json["training"]["loss"], "fused");
    assert_eq!(json["assumed"]["layout.strategy"]["value"], "zero1");
    assert_eq!(json["evidence"]["cases"], 27);
    // 2 + 4 + 12 bytes for each of 70,553,706,496 / 8 parameters, no state shared out: norms whole
    let states = ["parameters", "gradients", "optimizer"];
    let states: f64 = states.iter().map(|key| json["breakdown"][key].as_f64().unwrap()).sum();
    let least = 18.0 * 70_553_706_496.0 / 8.0;
    assert!((least..1.001 * least).contains(&states), "{states} {least}");
    let refused = folder.run(&[&of[..], &["--strategy", "fsdp2"]].concat());
    refused.fails_with("--strategy: the profile megatron does not have fsdp2");
    assert!(refused.err.contains("`zero1` is its distributed optimizer"), "{refused:?}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a delay is what is tested")]
fn it_answers_at_once() {
    let folder = Folder::new();
    let start = Instant::now();
    folder
        .run(&[
            "memory",
            "--model",
            "llama-3.1-405b",
            "--devices",
            "16384",
            "--accelerator",
            "h100-sxm",
        ])
        .answers();
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}
