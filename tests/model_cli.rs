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
        let json = answered(&folder, &["model", "config.json"]);
        let id = &row["id"];
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
        ("num_attention_heads", "0", "`num_attention_heads` is 0"),
        ("num_attention_heads", "33", "`num_attention_heads`"),
        ("num_key_value_heads", "7", "`num_key_value_heads`"),
        ("num_key_value_heads", "64", "`num_key_value_heads`"),
        ("head_dim", "0", "`head_dim` is 0"),
        ("tie_word_embeddings", "\"no\"", "`tie_word_embeddings`"),
        ("attention_bias", "2", "`attention_bias` is 2"),
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
    let gpt2 = |more: &str| format!("{{\"model_type\": \"gpt2\", \"n_embd\": 768{more}}}");
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
        ("open", "[".repeat(1 << 20).into_bytes(), "expected an object"),
        ("long", text.into_bytes(), "MiB"),
        ("utf-8", b"{\"model_type\": \"\xff\"}".to_vec(), "not UTF-8"),
        ("empty", Vec::new(), "config.json"),
        ("text", b"layers = 32".to_vec(), "config.json"),
        ("list", b"[1, 2]".to_vec(), "expected an object"),
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
    let folder = Folder::new().with("config.json", llama("vocab_size", ""));
    let run = folder.run(&["model", "config.json"]);
    assert!(run.answers().contains("vocab_size = 32000"), "{run:?}");
    let json = answered(&folder, &["model", "config.json"]);
    assert!(json["notes"].to_string().contains("vocab_size"), "{json}");
    assert_eq!(json["params"], LLAMA_2_7B);
}
