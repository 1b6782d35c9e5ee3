//! `llmplan model`, and plans with a model, as a user meets them.

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

#[path = "support/folder.rs"]
mod folder;

use folder::Folder;

fn answered(folder: &Folder, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--format", "json"]).collect();
    serde_json::from_str(folder.run(&arguments).answers()).unwrap()
}

/// Rows of transformers' own classes, counted on the meta device; the versions are in the file.
fn oracle() -> Vec<Value> {
    let text = include_str!("oracle/model_params.jsonl");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Llama 2 7B as its config.json has it, one key changed, added, or taken out (an empty value).
fn llama(key: &str, value: &str) -> String {
    let known = [
        ("model_type", "\"llama\""),
        ("vocab_size", "32000"),
        ("hidden_size", "4096"),
        ("intermediate_size", "11008"),
        ("num_hidden_layers", "32"),
        ("num_attention_heads", "32"),
        ("num_key_value_heads", "32"),
    ];
    let others = known.iter().copied().filter(|(name, _)| *name != key);
    let own = std::iter::once((key, value)).filter(|(_, value)| !value.is_empty());
    let lines: Vec<String> =
        others.chain(own).map(|(name, value)| format!("\"{name}\": {value}")).collect();
    format!("{{ {} }}", lines.join(", "))
}

/// Llama 2 7B: transformers 4.57.6 counts so many.
const LLAMA_2_7B: u64 = 6_738_415_616;

#[test]
fn files_of_every_family_are_counted_to_the_parameter() {
    let folder = Folder::new();
    let mut families = BTreeSet::new();
    for row in oracle() {
        fs::write(folder.path("config.json"), row["config"].to_string()).unwrap();
        let id = &row["id"];
        let run = folder.run(&["model", "config.json"]);
        let sizes_left_out =
            row["form"] == "invented" || id.as_str().unwrap().ends_with("-defaults");
        if run.code == Some(2) && sizes_left_out {
            assert!(run.err.contains("` is missing; write it"), "{id}: {run:?}");
            continue;
        }
        let json = answered(&folder, &["model", "config.json"]);
        for (own, theirs) in [
            ("params", "params"),
            ("active_params", "active_params"),
            ("embedding_params", "input_embedding"),
            ("position_params", "position_embedding"),
            ("head_params", "output_head"),
            ("kv_width", "kv_width"),
        ] {
            assert_eq!(json[own], row[theirs], "{own} of {id}");
        }
        families.insert(row["family"].as_str().unwrap().to_owned());
    }
    assert!(families.len() >= 27, "{families:?}");
}

#[test]
fn the_conventions_are_those_of_the_papers() {
    let folder = Folder::new();
    let json = answered(&folder, &["model", "llama-3-8b", "--sequence", "8192"]);
    assert_eq!(json["version"], 1);
    assert_eq!(json["sequence"], 8192);
    let (n, e, h, s, layers) = (8_030_261_248_u64, 128_256_u64 * 4096, 4096_u64, 8192_u64, 32_u64);
    let expected = [
        ("six-n", 6 * n),
        ("palm", 6 * n + 12 * layers * h * s),
        ("without-embedding", 6 * (n - e) + 12 * layers * h * s),
        ("causal", 6 * (n - e) + 6 * layers * h * s),
    ];
    for (convention, flops) in expected {
        assert_eq!(json["flops_per_token"][convention], flops, "{convention}");
    }
    let text = folder.run(&["model", "llama-3-8b", "--sequence", "8192"]);
    for printed in ["8,030,261,248", "61.07 G", "57.91 G", "51.47 G", "2,048 numbers"] {
        assert!(text.answers().contains(printed), "{printed}: {}", text.out);
    }
    let short = answered(&folder, &["model", "llama-3-8b"]);
    assert_eq!(short["sequence"], 4096);
    assert_eq!(short["flops_per_token"]["six-n"], 6 * n);
}

/// DeepSeek-AI 2024, arXiv:2412.19437: 671 B in all, 37 B on a token, 70 KB of cache a token.
#[test]
fn a_mixture_tells_what_works_on_a_token() {
    let folder = Folder::new();
    let json = answered(&folder, &["model", "deepseek-v3"]);
    assert_eq!(json["params"], 671_026_404_352_u64);
    assert_eq!(json["kv_width"], 512 + 64);
    let active = json["active_params"].as_u64().unwrap();
    assert_eq!(json["flops_per_token"]["six-n"], 6 * active);
    let text = folder.run(&["model", "deepseek-v3"]);
    assert!(text.answers().contains("active") && text.out.contains("70,272 bytes"), "{text:?}");
    let dense = folder.run(&["model", "llama-3-8b"]);
    assert!(!dense.answers().contains("active"), "{dense:?}");
}

#[test]
fn every_name_answers_in_eighty_columns() {
    let folder = Folder::new();
    let names = ["gpt2", "opt-350m", "bloom-176b", "falcon-180b", "mixtral-8x7b", "gpt-oss-120b"];
    let more = ["deepseek-v3", "llama-3.1-405b", "gemma-3-27b", "phi-3.5-mini", "GPT-2"];
    for name in names.into_iter().chain(more) {
        for tp in ["1", "8"] {
            let run = folder.run(&["model", name, "--tp", tp]);
            assert!(!run.answers().contains('\u{1b}') && run.err.is_empty(), "{run:?}");
            assert!(run.out.contains("Parameters") && run.out.contains("hape from"), "{run:?}");
            for line in run.out.lines() {
                assert!(line.chars().count() <= 80, "{name}: {line}");
            }
        }
    }
    let sizes = ["1.3e9", "7B", "13e9", "405e9"];
    for size in sizes {
        let run = folder.run(&["model", "--params", size]);
        assert!(run.answers().lines().all(|line| line.chars().count() <= 80), "{run:?}");
    }
}

#[test]
fn markdown_has_headings_and_tables() {
    let folder = Folder::new();
    let run = folder.run(&["model", "gpt2", "--format", "markdown"]);
    assert!(run.answers().starts_with("## GPT-2\n"), "{run:?}");
    assert!(run.out.contains("| all | 124,439,808 |"), "{run:?}");
    assert!(run.out.contains("| six-n | 6 N |"), "{run:?}");
    let proposed = folder.run(&["model", "--params", "7e9", "--format", "markdown"]);
    assert!(proposed.answers().contains("## Shapes for this size"), "{proposed:?}");
}

#[test]
fn shapes_that_hurt_are_told_with_their_remedy() {
    let folder = Folder::new();
    let messages = |arguments: &[&str]| -> Vec<String> {
        let json = answered(&folder, arguments);
        let warnings = json["warnings"].as_array().unwrap();
        assert!(warnings.iter().all(|w| w["help"].is_string() && w["evidence"].is_string()));
        warnings.iter().map(|w| w["message"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(messages(&["model", "llama-3-8b"]), [""; 0]);
    let vocabulary = messages(&["model", "gpt2"]);
    assert!(matches!(vocabulary.as_slice(), [one] if one.contains("50257")), "{vocabulary:?}");
    assert!(folder.run(&["model", "gpt2"]).answers().contains("50304"));
    // 14336 = 112 x 128 fills the tiles of 8 and 16 ranks, not of 32; 4096 those of all
    assert!(messages(&["model", "llama-3-8b", "--tp", "16"]).iter().all(|m| !m.contains("14336")));
    assert!(messages(&["model", "llama-3-8b", "--tp", "32"]).iter().any(|m| m.contains("14336")));
    assert!(messages(&["model", "llama-3-8b", "--tp", "32"]).iter().all(|m| !m.contains("4096 ")));
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn a_size_gets_aligned_shapes_within_two_percent() {
    let folder = Folder::new();
    for size in ["125e6", "350M", "1.3e9", "3B", "7e9", "13e9", "70e9", "405e9"] {
        let json = answered(&folder, &["model", "--params", size]);
        let target = match size {
            "350M" => 350e6,
            "3B" => 3e9,
            _ => size.parse().unwrap(),
        };
        let shapes = json["shapes"].as_array().unwrap();
        assert!(!shapes.is_empty(), "{size}");
        for shape in shapes {
            let params = number(&shape["params"]);
            assert!((params / target - 1.0).abs() <= 0.02, "{size}: {params}");
            assert!(["64", "128"].contains(&shape["keys"]["head_dim"].to_string().as_str()));
            for key in ["hidden", "ffn", "vocab"] {
                let width = shape["keys"][key].as_u64().unwrap();
                assert!(width.is_multiple_of(128), "{size}: {key} {width}");
            }
            assert!(shape["reasons"].as_array().unwrap().len() >= 3, "{shape}");
            assert!(!shape["nearest"].as_array().unwrap().is_empty(), "{shape}");
        }
    }
}

#[test]
fn a_mixture_keeps_both_of_its_sizes() {
    let folder = Folder::new();
    let wanted =
        ["model", "--params", "30e9", "--experts", "128", "--active-params", "3e9", "--sequence"];
    let json = answered(&folder, &[&wanted[..], &["8192"]].concat());
    for shape in json["shapes"].as_array().unwrap() {
        assert!((number(&shape["params"]) / 30e9 - 1.0).abs() <= 0.02, "{shape}");
        assert!((number(&shape["active_params"]) / 3e9 - 1.0).abs() <= 0.02, "{shape}");
        assert_eq!(shape["keys"]["experts"], 128);
        assert_eq!(shape["sequence"], 8192);
    }
    let tied =
        answered(&folder, &["model", "--params", "7e9", "--vocab", "50304", "--tied", "true"]);
    for shape in tied["shapes"].as_array().unwrap() {
        assert_eq!((&shape["vocab"], &shape["tied"]), (&50304.into(), &true.into()));
        assert_eq!(shape["head_params"], 0);
    }
}

/// What is proposed can be written into a plan, and has the size that was told.
#[test]
fn a_proposed_shape_is_a_plans_shape() {
    let folder = Folder::new();
    for wanted in [&["--params", "7e9"][..], &["--params", "30e9", "--experts", "64"]] {
        let json = answered(&folder, &[&["model"][..], wanted].concat());
        for shape in json["shapes"].as_array().unwrap() {
            let keys = shape["keys"].as_object().unwrap();
            let lines: Vec<String> =
                keys.iter().map(|(key, value)| format!("{key} = {value}")).collect();
            let lines = lines.join("\n");
            fs::write(folder.path("p.toml"), format!("format = 1\n[model.shape]\n{lines}"))
                .unwrap();
            let of_plan = answered(&folder, &["model", "p.toml"]);
            for key in ["params", "active_params", "flops_per_token"] {
                assert_eq!(of_plan[key], shape[key], "{lines}");
            }
            assert_eq!(folder.run(&["check", "p.toml"]).code, Some(0), "{lines}");
        }
    }
}

#[test]
fn bad_wishes_for_a_size_are_errors() {
    let folder = Folder::new();
    let cases: [(&[&str], &str); 18] = [
        (&[], "<MODEL>"),
        (&["llama-3-8b", "--params", "1e9"], "cannot be used with"),
        (&["--params", "0"], "out of range"),
        (&["--params", "5"], "out of range"),
        (&["--params=-7e9"], "out of range"),
        (&["--params", "nan"], "not finite"),
        (&["--params", "1e30"], "out of range"),
        (&["--params", "7GB"], "is bytes, but parameters are meant"),
        (&["--params", "1e4"], "no aligned shape"),
        (&["--params", "1e17"], "no aligned shape"),
        (&["--params", "1e9", "--experts", "0"], "experts"),
        (&["--params", "1e9", "--experts", "1"], "experts"),
        (&["--params", "1e9", "--experts", "8", "--active-params", "2e9"], "fewer than all"),
        (&["--params", "1e9", "--vocab", "0"], "vocab"),
        (&["--params", "1e9", "--tied", "1"], "--tied"),
        (&["llama-3-8b", "--sequence", "0"], "out of range"),
        (&["llama-3-8b", "--sequence", "1e30"], "out of range"),
        (&["llama-3-8b", "--tp", "0"], "out of range"),
    ];
    for (wish, message) in cases {
        let arguments: Vec<&str> = std::iter::once("model").chain(wish.iter().copied()).collect();
        folder.run(&arguments).fails_with(message);
    }
}

#[test]
fn unknown_names_bring_up_the_nearest() {
    let folder = Folder::new();
    folder.run(&["model", "lama-3-8b"]).fails_with("`llama-3-8b`");
    folder.run(&["model", "mixtral-8x7"]).fails_with("`mixtral-8x7b`");
    folder.run(&["model", "our-model"]).fails_with("llmplan explain --list models");
    folder.run(&["model", "none.json"]).fails_with("cannot read none.json");
    folder.run(&["model", "none.toml"]).fails_with("cannot read none.toml");
}

/// What is wrong, the value in its place, what the message has to name.
#[test]
fn bad_configurations_name_the_key() {
    let cases = [
        ("model_type", "", "`model_type` is missing"),
        ("model_type", "\"mamba\"", "`mamba`"),
        ("model_type", "\"llama4\"", "`llama4`"),
        ("model_type", "7", "`model_type`"),
        ("num_hidden_layers", "0", "`num_hidden_layers` is 0"),
        ("num_hidden_layers", "-1", "`num_hidden_layers` is -1"),
        ("num_hidden_layers", "1.5", "`num_hidden_layers` is 1.5"),
        ("num_hidden_layers", "null", "`num_hidden_layers` is null"),
        ("num_hidden_layers", "[32]", "`num_hidden_layers` is a list of 1"),
        ("num_hidden_layers", "1000000000", "layers"),
        ("hidden_size", "1e30", "`hidden_size` is 1e+30"),
        ("hidden_size", "1000000000000000000000000000000", "`hidden_size` is 1e+30"),
        ("hidden_size", "18446744073709551615", "`hidden_size`"),
        ("hidden_size", "18446744073709551616", "`hidden_size`"),
        ("hidden_size", "\"4096\"", "without quotes"),
        ("hidden_size", "4097", "`num_attention_heads`"),
        ("intermediate_size", "0", "`intermediate_size` is 0"),
        ("vocab_size", "1e400", "number out of range"),
        ("vocab_size", "true", "`vocab_size` is true"),
        ("vocab_size", "NaN", "`vocab_size` has a value that JSON does not know"),
        ("hidden_size", "Infinity", "`hidden_size` has a value that JSON does not know"),
        ("hidden_size", "4096.0", "write it without a point: 4096"),
        ("num_attention_heads", "0", "`num_attention_heads` is 0"),
        ("num_attention_heads", "33", "`num_attention_heads`"),
        ("num_key_value_heads", "7", "`num_key_value_heads`"),
        ("num_key_value_heads", "64", "`num_key_value_heads`"),
        ("head_dim", "0", "`head_dim` is 0"),
        ("tie_word_embeddings", "\"no\"", "`tie_word_embeddings`"),
        ("attention_bias", "2", "`attention_bias` is 2"),
        ("model_type", "\"\\u001b[31mred\"", "`\\u{1b}[31mred`"),
    ];
    for (key, value, message) in cases {
        let plan = "format = 1\n[model]\nconfig = \"config.json\"\n";
        let folder = Folder::new().with("config.json", llama(key, value)).with("plan.toml", plan);
        folder.run(&["model", "config.json"]).fails_with(message);
        folder.run(&["model", "plan.toml"]).fails_with("--> plan.toml:3:10");
        folder.run(&["plan", "plan.toml"]).fails_with(message);
        folder.run(&["budget", "plan.toml"]).fails_with("error: ");
        let checked = folder.run(&["check", "plan.toml"]);
        assert_eq!(checked.code, Some(2), "{checked:?}");
        assert!(checked.out.contains(message), "{checked:?}");
    }
    let whole = Folder::new().with("config.json", llama("head_dim", "128"));
    assert_eq!(answered(&whole, &["model", "config.json"])["params"], LLAMA_2_7B);
}

#[test]
fn two_names_of_one_size_must_agree() {
    let gpt2 = |more: &str| {
        let sizes = r#""vocab_size": 50257, "n_positions": 1024, "n_layer": 12, "n_head": 12"#;
        format!("{{\"model_type\": \"gpt2\", {sizes}, \"n_embd\": 768{more}}}")
    };
    let folder = Folder::new()
        .with("two.json", gpt2(", \"hidden_size\": 1024"))
        .with("same.json", gpt2(", \"hidden_size\": 768"))
        .with("twice.json", gpt2(", \"n_embd\": 1024"));
    folder.run(&["model", "two.json"]).fails_with("`hidden_size` is 1024");
    folder.run(&["model", "twice.json"]).fails_with("`n_embd` stands twice");
    assert_eq!(answered(&folder, &["model", "same.json"])["hidden"], 768);
}

#[test]
fn an_unknown_architecture_is_never_guessed() {
    let folder = Folder::new().with("config.json", llama("model_type", "\"llama-like\""));
    let run = folder.run(&["model", "config.json"]);
    run.fails_with("`llama-like`");
    for known in ["gpt_neox", "deepseek_v3", "gpt_oss", "kv_heads", "experts_per_token"] {
        assert!(run.err.contains(known), "{known}: {}", run.err);
    }
}

/// Nothing takes long, whatever the file is.
#[test]
#[expect(clippy::disallowed_methods, reason = "a delay is what is tested")]
fn hostile_files_are_refused_at_once() {
    let nested = |open: &str, close: &str| open.repeat(100_000) + &close.repeat(100_000);
    let text = format!("{{\"model_type\": \"llama\", \"x\": \"{}\"}}", "a".repeat(100 << 20));
    let cases: [(&str, Vec<u8>, &str); 9] = [
        ("lists", llama("x", &nested("[", "]")).into_bytes(), "nested"),
        ("objects", nested("{\"x\":", "}").into_bytes(), "nested"),
        ("open", "[".repeat(1 << 20).into_bytes(), "not an object"),
        ("long", text.into_bytes(), "MiB"),
        ("utf-8", b"{\"model_type\": \"\xff\"}".to_vec(), "not UTF-8"),
        ("empty", Vec::new(), "config.json"),
        ("text", b"layers = 32".to_vec(), "config.json"),
        ("list", b"[1, 2]".to_vec(), "not an object"),
        ("zeros", vec![0; 1 << 20], "config.json"),
    ];
    for (name, content, message) in cases {
        let plan = "format = 1\n[model]\nconfig = \"config.json\"\n";
        let folder = Folder::new().with("config.json", content).with("plan.toml", plan);
        let start = Instant::now();
        folder.run(&["model", "config.json"]).fails_with(message);
        folder.run(&["plan", "plan.toml"]).fails_with("--> plan.toml:3:10");
        let took = start.elapsed();
        assert!(took < Duration::from_secs(2), "{name}: {took:?}");
    }
    let sparse = Folder::new();
    fs::File::create(sparse.path("huge.json")).unwrap().set_len(100 << 20).unwrap();
    sparse.run(&["model", "huge.json"]).fails_with("100 MiB");
    #[cfg(unix)]
    sparse.run(&["model", "/dev/zero"]).fails_with("/dev/zero");
}

const SHAPE: &str =
    "shape = { layers = 32, hidden = 4096, heads = 32, ffn = 11008, vocab = 32000 }";

/// A plan for 1e22 FLOP, with a line for its model.
fn plan(model: &str) -> String {
    format!("format = 1\n[budget]\nflops = 1e22\n[model]\n{model}\n")
}

/// By its name, its file or its keys: one model, one plan.
#[test]
fn a_plan_takes_the_size_of_its_model() {
    let config = llama("x", "");
    let folder = Folder::new().with("plans/models/config.json", config);
    let lines = ["name = \"llama-2-7b\"", "config = \"models/config.json\"", SHAPE];
    for line in lines {
        fs::write(folder.path("plans/p.toml"), plan(line)).unwrap();
        for command in ["plan", "budget"] {
            let json = answered(&folder, &[command, "plans/p.toml"]);
            assert_eq!(json["model"]["params"], LLAMA_2_7B, "{command} {line}");
            // all parameters, as the default law counts them; tokens from 6 N D
            let [params, tokens] = ["params", "tokens"].map(|key| number(&json["allocation"][key]));
            assert!((params / 6_738_415_616.0 - 1.0).abs() < 1e-12, "{command} {line}");
            assert!((6.0 * params * tokens / 1e22 - 1.0).abs() < 1e-9, "{command} {line}");
            assert!(folder.run(&[command, "plans/p.toml"]).answers().contains("6.74 B"));
        }
        assert_eq!(folder.run(&["check", "plans/p.toml"]).code, Some(0), "{line}");
        let sheet = answered(&folder, &["model", "plans/p.toml"]);
        assert_eq!(sheet["params"], LLAMA_2_7B, "{line}");
        folder.run(&["plan", "plans/p.toml", "--write"]).answers();
        let written = fs::read_to_string(folder.path("plans/p.toml")).unwrap();
        assert!(written.contains("[derived.model]\nparams = 6738415616 "), "{written}");
        assert_eq!(folder.run(&["check", "plans/p.toml"]).code, Some(0), "{line}");
        let again = folder.run(&["plan", "plans/p.toml", "--write"]);
        assert_eq!(again.err, "plans/p.toml is up to date\n", "{line}");
    }
}

/// The file is the plan's, wherever the program is called from; a changed one is noticed.
#[test]
fn a_changed_configuration_makes_the_plan_stale() {
    let folder = Folder::new()
        .with("plans/config.json", llama("x", ""))
        .with("config.json", llama("num_hidden_layers", "2"))
        .with("plans/p.toml", plan("config = \"config.json\""));
    assert_eq!(answered(&folder, &["model", "plans/p.toml"])["params"], LLAMA_2_7B);
    folder.run(&["plan", "plans/p.toml", "--write"]).answers();
    fs::write(folder.path("plans/config.json"), llama("num_hidden_layers", "30")).unwrap();
    let checked = folder.run(&["check", "plans/p.toml"]);
    assert_eq!(checked.code, Some(1), "{checked:?}");
    assert!(checked.out.contains("derived-stale"), "{checked:?}");
}

#[test]
fn a_configuration_that_cannot_be_read_is_the_plans_fault() {
    let cases: [(Option<&[u8]>, &str); 5] = [
        (None, "cannot read `config.json`"),
        (Some(b"{\"model_type\": \"\xff\"}"), "UTF-8"),
        (Some(b"layers = 32"), "config.json"),
        (Some(b""), "config.json"),
        (Some(b"{}"), "`model_type` is missing"),
    ];
    for (content, message) in cases {
        let folder = Folder::new().with("p.toml", plan("config = \"config.json\""));
        if let Some(content) = content {
            fs::write(folder.path("config.json"), content).unwrap();
        }
        for command in ["plan", "model"] {
            let run = folder.run(&[command, "p.toml"]);
            run.fails_with(message);
            run.fails_with("--> p.toml:5:10");
        }
        folder.run(&["budget", "p.toml"]).fails_with("error: ");
        let checked = folder.run(&["check", "p.toml"]);
        assert_eq!(checked.code, Some(2), "{checked:?}");
        assert!(checked.out.contains(message), "{checked:?}");
    }
    let folder = Folder::new().with("p.toml", plan("config = \"models\""));
    fs::create_dir(folder.path("models")).unwrap();
    folder.run(&["plan", "p.toml"]).fails_with("`models`");
}

#[test]
fn a_plan_with_a_size_alone_gets_shapes_for_it() {
    let folder = Folder::new()
        .with("size.toml", plan("params = 7e9"))
        .with("budget.toml", "format = 1\n[budget]\nflops = 1e22\n")
        .with("nothing.toml", "format = 1\n[budget]\ndays = 10\n");
    let shapes =
        |name: &str| answered(&folder, &["model", name])["shapes"].as_array().unwrap().clone();
    for shape in shapes("size.toml") {
        assert!((number(&shape["params"]) / 7e9 - 1.0).abs() <= 0.02, "{shape}");
    }
    let optimum = number(&answered(&folder, &["plan", "budget.toml"])["allocation"]["params"]);
    for shape in shapes("budget.toml") {
        assert!((number(&shape["params"]) / optimum - 1.0).abs() <= 0.02, "{shape}");
    }
    folder.run(&["model", "nothing.toml"]).fails_with("[model]");
}

/// Kaplan et al. 2020 count without embeddings: 85,056,000 of GPT-2's 124,439,808 are left, its
/// 50,257 rows and 1,024 positions of 768 taken off.
#[test]
fn a_law_counts_in_its_own_way() {
    let line = "name = \"gpt2\"\n[law]\nname = \"kaplan-2020\"";
    let folder = Folder::new().with("p.toml", plan(line));
    let json = answered(&folder, &["plan", "p.toml"]);
    let expected = 124_439_808.0 - (50_257.0 + 1024.0) * 768.0;
    assert!((number(&json["allocation"]["params"]) / expected - 1.0).abs() < 1e-12, "{json}");
    assert_eq!(json["model"]["params"], 124_439_808);
}

#[test]
fn a_model_is_stated_once() {
    let both = format!("name = \"llama-2-7b\"\n{SHAPE}");
    let folder = Folder::new()
        .with("both.toml", plan(&both))
        .with("size.toml", plan(&format!("params = 7e9\n{SHAPE}")))
        .with("rounded.toml", plan(&format!("params = 6.7e9\n{SHAPE}")));
    for command in ["plan", "budget", "model"] {
        folder.run(&[command, "both.toml"]).fails_with("only one of them");
    }
    let checked = folder.run(&["check", "size.toml", "--format", "json"]);
    assert_eq!(checked.code, Some(1), "{checked:?}");
    assert!(checked.out.contains("params-contradict-shape"), "{checked:?}");
    assert_eq!(folder.run(&["check", "rounded.toml"]).code, Some(0));
}

#[test]
fn standard_input_is_a_plan() {
    let folder = Folder::new().with("config.json", llama("x", ""));
    for line in ["name = \"llama-2-7b\"", "config = \"config.json\"", SHAPE] {
        let run = folder.run_with(&["model", "-"], plan(line).as_bytes());
        assert!(run.answers().contains("6,738,415,616"), "{run:?}");
    }
    folder.run_with(&["model", "-"], b"format = 1\nx =").fails_with("<stdin>:2");
}

/// The class of a family fills in what its file leaves out, and that is told.
#[test]
fn what_the_class_fills_in_is_told() {
    let folder = Folder::new()
        .with("config.json", llama("num_key_value_heads", ""))
        .with("p.toml", plan("config = \"config.json\""));
    let run = folder.run(&["model", "config.json"]);
    assert!(run.answers().contains("num_key_value_heads = 32"), "{run:?}");
    assert!(run.out.contains("`tie_word_embeddings` is left out"), "{run:?}");
    let json = answered(&folder, &["model", "config.json"]);
    assert!(json["notes"].to_string().contains("num_key_value_heads"), "{json}");
    assert_eq!(json["params"], LLAMA_2_7B);
    let json = answered(&folder, &["plan", "p.toml"]);
    assert!(json["remarks"].to_string().contains("tie_word_embeddings"), "{json}");
}

/// A size is never guessed: the class's own is that of one model.
#[test]
fn a_missing_size_is_an_error() {
    let sizes = ["vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers"];
    for key in sizes.into_iter().chain(["num_attention_heads"]) {
        let folder = Folder::new()
            .with("config.json", llama(key, ""))
            .with("p.toml", plan("config = \"config.json\""));
        folder.run(&["model", "config.json"]).fails_with(&format!("`{key}` is missing"));
        folder.run(&["plan", "p.toml"]).fails_with(&format!("`{key}` is missing"));
    }
}

/// `llmplan model PLAN` takes the sequences of the stages and says whose they are.
#[test]
fn the_sequence_is_that_of_the_plans_stages() {
    let text = "format = 1\n[run]\ntokens = 1e9\n[model]\nname = \"gpt2\"\n[sources]\n\
        web = { unique_tokens = 1e12 }\n[[stages]]\nname = \"main\"\nsequence = 512\nshare = 0.8\n\
        mixture = { web = 1 }\n[[stages]]\nname = \"long\"\nsequence = 1024\nmixture = { web = 1 }\n";
    let folder = Folder::new().with("p.toml", text).with("size.toml", plan("params = 7e9"));
    let json = answered(&folder, &["model", "p.toml"]);
    assert_eq!((&json["sequence"], &json["sequence_of"]), (&512.into(), &"main".into()));
    let n = 124_439_808_u64;
    assert_eq!(json["flops_per_token"]["palm"], 6 * n + 12 * 12 * 768 * 512);
    let shown = folder.run(&["model", "p.toml"]);
    assert!(shown.answers().contains("of 512 tokens (stage main)"), "{shown:?}");
    assert!(shown.out.contains("In stage long, of 1,024 tokens: 0.8599 G by palm"), "{shown:?}");
    let plan = folder.run(&["plan", "p.toml"]);
    assert!(plan.answers().contains("(stage main)"), "{plan:?}");
    let json = answered(&folder, &["model", "p.toml", "--sequence", "2048"]);
    assert_eq!((&json["sequence"], &json["sequence_of"]), (&2048.into(), &Value::Null));
    let warnings = json["warnings"].to_string();
    assert!(warnings.contains("sequences of 2,048 tokens, but 1,024 learned positions"), "{json}");
    let json = answered(&folder, &["model", "size.toml", "--sequence", "100", "--vocab", "32000"]);
    for shape in json["shapes"].as_array().unwrap() {
        assert_eq!((&shape["sequence"], &shape["vocab"]), (&100.into(), &32000.into()));
    }
}

/// Flags that say something of proposed shapes are no answer about a known one.
#[test]
fn flags_that_would_do_nothing_are_refused() {
    let folder = Folder::new()
        .with("named.toml", plan("name = \"llama-2-7b\""))
        .with("size.toml", plan("params = 7e9"));
    for flags in [["--vocab", "32000"], ["--tied", "true"], ["--experts", "8"]] {
        for model in ["llama-2-7b", "named.toml"] {
            folder.run(&["model", model, flags[0], flags[1]]).fails_with(flags[0]);
        }
    }
    folder.run(&["model", "size.toml", "--experts", "8"]).fails_with("of a dense model");
    folder.run(&["model", "size.toml", "--params", "1e9"]).fails_with("cannot be used with");
    folder.run(&["budget", "named.toml", "--params", "1e9"]).fails_with("`model.name`");
    let tokens = folder.run(&["budget", "size.toml", "--params", "1e9"]);
    assert!(tokens.answers().contains("1.00 B"), "{tokens:?}");
}

/// A shape that is picked has the size that the plan's law means, and the total is told beside it.
#[test]
fn a_shape_is_picked_by_the_laws_own_count() {
    for law in ["kaplan-2020", "porian-2024-refinedweb", "gadre-2024-c4", "besiroglu-2024"] {
        for flops in ["1e19", "1e21", "1e23", "1e25"] {
            let text = format!("format = 1\n[budget]\nflops = {flops}\n[law]\nname = \"{law}\"\n");
            let folder = Folder::new().with("p.toml", text);
            let json = answered(&folder, &["plan", "p.toml"]);
            let n = number(&json["allocation"]["params"]);
            let keys = &json["model"]["shape"];
            let of = |key: &str| number(&keys[key]);
            let matrices = if keys["tied"] == true { 1.0 } else { 2.0 };
            let table = of("vocab") * of("hidden");
            let total = number(&json["model"]["params"]);
            let counted = match law {
                "kaplan-2020" => total - matrices * table,
                "besiroglu-2024" => total,
                _ => total - (matrices - 1.0) * table,
            };
            assert!((counted / n - 1.0).abs() <= 0.02, "{law} {flops}: {counted} for {n}");
            let told = &json["model"]["law_params"];
            let told = if told.is_null() { total } else { number(told) };
            assert!((told - counted).abs() < 0.5, "{law} {flops}: {told} is not {counted}");
            let shapes = answered(&folder, &["model", "p.toml"]);
            for shape in shapes["shapes"].as_array().unwrap() {
                assert!((number(&shape["counted_params"]) / n - 1.0).abs() <= 0.02, "{shape}");
            }
        }
    }
    let folder = Folder::new().with(
        "moe.toml",
        "format = 1\n[budget]\nflops = 1e21\n[law]\nname = \"ludziejewski-2025-e8\"\n",
    );
    let json = answered(&folder, &["plan", "moe.toml"]);
    assert!(json["model"].is_null() && json["missing"].to_string().contains("mixture"), "{json}");
    folder.run(&["model", "moe.toml"]).fails_with("active parameters");
}

/// Every law beside a model says what it counts of it.
#[test]
fn every_law_tells_its_own_n_of_the_model() {
    let text = "format = 1\n[budget]\nflops = 1e20\n[model]\nname = \"gpt2\"\n";
    let folder = Folder::new().with("p.toml", text);
    let json = answered(&folder, &["budget", "p.toml"]);
    let laws = json["laws"].as_array().unwrap();
    let of = |name: &str| &laws.iter().find(|law| law["name"] == name).unwrap()["model_params"];
    assert_eq!(number(of("hoffmann-2022-a3")).to_string(), "124439808");
    assert_eq!(number(of("kaplan-2020")).to_string(), "85056000");
    assert_eq!(number(of("gadre-2024-c4")).to_string(), "124439808");
    assert!(of("deepseek-2024").is_null(), "it counts FLOPs");
    let text = folder.run(&["budget", "p.toml", "--laws"]);
    assert!(text.answers().contains("without embeddings (of this model: 85.1 M)"), "{text:?}");
    let sheet = answered(&folder, &["model", "gpt2"]);
    assert_eq!(sheet["params_by_counting"]["without-embeddings"], 85_056_000);
    assert_eq!(sheet["params_by_counting"]["one-vocabulary"], 124_439_808);
    let text = folder.run(&["model", "gpt2"]);
    assert!(text.answers().contains("N as scaling laws count it"), "{text:?}");
}

/// What is wrong in `[model.shape]` is said with the key, the value and what to write.
#[test]
fn bad_shape_keys_name_the_key_and_what_to_write() {
    let cases = [
        ("layers = \"32\"", "`layers` is \"32\"", "write a whole number: layers = 32"),
        ("layers = 32.0", "`layers` is 32.0", "write a whole number: layers = 32"),
        ("layers = 32.5", "`layers` is 32.5", "write a whole number from 1 to 100000"),
        ("layers = -1", "`layers` is -1", "write a whole number from 1 to 100000"),
        ("layers = nan", "`layers` is nan", "write a whole number from 1"),
        ("layers = [1]", "`layers` is a list of 1", "write a whole number from 1"),
        ("hidden = 1e30", "`hidden` is 1e30", "write a whole number from 1 to 1000000000"),
        ("vocab = \"128K\"", "`vocab` is \"128K\"", "write a whole number: vocab = 128000"),
        ("heads = 0", "`heads` is 0", "write a whole number from 1"),
        ("kv_heads = 64", "`kv_heads` is 64, `heads` only 32", "must divide `heads`"),
        ("kv_heads = 5", "32 `heads` do not divide into 5 `kv_heads`", "must divide `heads`"),
        ("norms = 900", "`norms` is 900", "from 1 to 8"),
        ("tied = 1", "`tied` is 1", "tied = true"),
        ("norm = \"rmsnorm\"", "`norm` is \"rmsnorm\"", "\"rms\", \"layer\""),
        ("num_hidden_layers = 2", "unknown key `num_hidden_layers`", "did you mean `layers`?"),
        ("n_embd = 2", "unknown key `n_embd`", "did you mean `hidden`?"),
        ("num_key_value_heads = 2", "unknown key", "did you mean `kv_heads`?"),
        ("intermediate_size = 2", "unknown key", "did you mean `ffn`?"),
        ("max_position_embeddings = 2", "unknown key", "`positions` for a learned table"),
        ("hiden = 2", "unknown key `hiden`", "did you mean `hidden`?"),
        ("experts = 8\nexperts_per_token = 2\nshared_ffn = 0", "`shared_ffn` is 0", "from 1"),
        ("experts = 8\nexperts_per_token = 2\nexpert_ffn = 64", "no layer has the `ffn`", "leave"),
        (
            "experts = 8\nexperts_per_token = 2\nexpert_ffn = 64\ndense_layers = 32",
            "`dense_layers` is 32, `layers` 32",
            "no layer is left for the experts",
        ),
    ];
    for (line, message, help) in cases {
        let key = line.rsplit('\n').next().unwrap().split(' ').next().unwrap();
        let others = ["layers = 32", "hidden = 4096", "heads = 32", "ffn = 11008", "vocab = 32000"];
        let others = others.iter().filter(|other| !other.starts_with(&format!("{key} =")));
        let others: Vec<&str> = others.copied().collect();
        let text = format!("format = 1\n[model.shape]\n{}\n{line}\n", others.join("\n"));
        let folder = Folder::new().with("p.toml", text);
        for command in ["model", "plan", "check"] {
            let run = folder.run(&[command, "p.toml"]);
            let said = format!("{}{}", run.out, run.err);
            assert_eq!(run.code, Some(2), "{line}: {run:?}");
            for part in [message, help, "^"] {
                assert!(said.contains(part), "{line}: {part}: {said}");
            }
        }
    }
    let folder = Folder::new().with("p.toml", "format = 1\n[model]\nshape = 7\n");
    folder.run(&["plan", "p.toml"]).fails_with("`model.shape` must be a table");
}

/// A model whose size alone is known, a folder, a file that is not there.
#[test]
fn what_has_no_shape_is_told_apart() {
    let folder = Folder::new()
        .with("models/config.json", llama("x", ""))
        .with("empty/readme.txt", "")
        .with("p.toml", plan("name = \"gopher\""));
    let run = folder.run(&["model", "gopher-280b"]);
    run.fails_with("of `gopher-280b` the size is known (280 B), its shape is not");
    run.fails_with("llmplan model --params 2.8e11");
    folder.run(&["plan", "p.toml"]).fails_with("its shape is not");
    folder.run(&["plan", "p.toml"]).fails_with("--> p.toml:5:8");
    folder.run(&["model", "models"]).fails_with("did you mean `models/config.json`?");
    folder.run(&["model", "empty"]).fails_with("a folder without a config.json");
    folder.run(&["model", "none/config"]).fails_with("there is no file none/config");
    let files = [("empty.json", "", "is empty"), ("list.json", "[1]", "holds a list")];
    for (name, text, message) in files {
        fs::write(folder.path(name), text).unwrap();
        folder.run(&["model", name]).fails_with(message);
    }
    let list = folder.run(&["explain", "--list", "models"]);
    let row = |name: &str| {
        let found = list.answers().lines().find(|line| line.trim().starts_with(name));
        found.map_or_else(|| panic!("{name}"), str::to_owned)
    };
    assert!(row("gopher-280b").ends_with(" no") && row("gpt2 ").ends_with(" yes"), "{list:?}");
    let both = plan("name = \"gpt2\"\nconfig = \"c.json\"");
    let folder = Folder::new().with("p.toml", both);
    folder.run(&["plan", "p.toml"]).fails_with("`model.name` and `model.config` are both stated");
}

/// A block of keys that can be pasted, titles that say what differs, Markdown without stray code.
#[test]
fn proposals_can_be_pasted() {
    let folder = Folder::new();
    let run = folder.run(&["model", "--params", "7e9"]);
    let (_, rest) = run.answers().split_once("[model.shape]\n").unwrap();
    let keys: Vec<&str> = rest.lines().take_while(|line| line.contains(" = ")).collect();
    let text = format!("format = 1\n[model.shape]\n{}\n", keys.join("\n"));
    fs::write(folder.path("p.toml"), text).unwrap();
    let json = answered(&folder, &["model", "p.toml"]);
    assert!((number(&json["params"]) / 7e9 - 1.0).abs() <= 0.02, "{json}");
    for size in ["125e6", "1e9", "7e9", "13e9", "70e9", "405e9"] {
        let json = answered(&folder, &["model", "--params", size]);
        let shapes = json["shapes"].as_array().unwrap();
        for other in &shapes[1..] {
            let [own, usual] =
                [other, &shapes[0]].map(|s| (number(&s["layers"]), number(&s["hidden"])));
            let title = other["title"].as_str().unwrap();
            assert_eq!(title.contains("deeper"), own.0 > usual.0, "{size}: {title}");
            assert_eq!(title.contains("shallower"), own.0 < usual.0, "{size}: {title}");
            assert_eq!(title.contains("narrower"), own.1 < usual.1, "{size}: {title}");
            assert_eq!(title.contains("wider"), own.1 > usual.1, "{size}: {title}");
        }
    }
    for arguments in [&["model", "gpt2"][..], &["model", "--params", "7e9"]] {
        let arguments: Vec<&str> = [arguments, &["--format", "markdown"]].concat();
        let run = folder.run(&arguments);
        assert!(run.answers().lines().all(|line| !line.starts_with("    ")), "{run:?}");
    }
}
