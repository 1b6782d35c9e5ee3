//! The binary as a user meets it: bad input, files, streams, exit codes.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

#[path = "support/folder.rs"]
mod folder;

use folder::{Folder, Run};

/// Names of what lies in a folder.
fn names(folder: &Folder) -> Vec<String> {
    let entries = fs::read_dir(folder.path(".")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

const PLAN: &str = "format = 1\n\n[budget]\nflops = 1e21 # ours\n";

#[test]
fn bad_numbers_are_errors_and_nothing_is_written() {
    let cases = [
        ("--flops", "0", "out of range"),
        ("--flops", "-1e21", "out of range"),
        ("--flops", "nan", "not finite"),
        ("--flops", "inf", "not finite"),
        ("--flops", "1e400", "not finite"),
        ("--flops", "1e40", "out of range"),
        ("--flops", "1", "out of range"),
        ("--flops", "", "not a number"),
        ("--flops", "lots", "not a number"),
        ("--tokens", "13GB", "is bytes, but tokens are meant"),
        ("--tokens", "10d", "is a time, but tokens are meant"),
        ("--params", "$13", "is money, but parameters are meant"),
        ("--days", "5 tokens", "is tokens, but days are meant"),
        ("--devices", "2.5", "not whole"),
        ("--mfu", "40", "shares from 0 to 1"),
        ("--loss", "0", "out of range"),
        ("--accelerator", "a1000", "unknown accelerator"),
        ("--law", "chinchila", "`chinchilla`"),
        ("--match", "lama-2-7b", "llama-2-7b"),
        ("--goal", "cheap", "compute-optimal"),
        ("--quality", "bad", "suspect"),
        ("--flops", "1e31", "out of range"),
    ];
    for (flag, value, message) in cases {
        let folder = Folder::new();
        let mut arguments = vec!["budget", "-o", "plan.toml", flag, value];
        if flag != "--flops" {
            arguments.extend(["--flops", "1e21"]);
        }
        folder.run(&arguments).fails_with(message);
        assert_eq!(names(&folder), [""; 0], "{flag} {value}");
    }
}

#[test]
fn impossible_wishes_are_errors() {
    let folder = Folder::new();
    let cases: [(&[&str], &str); 13] = [
        (&["--loss", "1.8"], "it stays above 1.8172"),
        (&["--loss", "1.81720001"], "no run can mean"),
        (&["--loss", "2", "--match", "llama-2-7b"], "state one"),
        (&["--loss", "2", "--law", "rule-20"], "has no loss"),
        (&["--loss", "2.2", "--params", "1e8"], "with this size"),
        (&["--loss", "2.3", "--unique-tokens", "1B"], "with these data"),
        (&["--params", "1e9", "--law", "deepseek-2024"], "FLOPs per token"),
        (&["--flops", "1e21", "--reserve", "1"], "leaves nothing"),
        (&["--match", "deepseek-v3"], "mixture of experts"),
        (&[], "nothing to plan with"),
        (&["--accelerator", "a100", "--days", "10"], "--devices is missing"),
        (&["--accelerator", "a100", "--accelerator-hours", "10"], "--mfu is missing, or --devices"),
        (
            &["--accelerator", "tpu-v5p", "--devices", "64", "--days", "10"],
            "--mfu is missing. The utilisation is not predicted: `cluster.",
        ),
    ];
    for (wish, message) in cases {
        let arguments: Vec<&str> = std::iter::once("budget").chain(wish.iter().copied()).collect();
        folder.run(&arguments).fails_with(message);
    }
}

#[test]
fn bad_files_are_errors() {
    let huge = Folder::new();
    fs::File::create(huge.path("huge.toml")).unwrap().set_len(100 << 20).unwrap();
    huge.run(&["plan", "huge.toml"]).fails_with("100 MiB");

    let cases: [(&[u8], &str); 8] = [
        (b"", "the file is empty"),
        (b"\x7fELF\x00\x01", "a binary file"),
        (b"format = 1\nname = \"\xff\"\n", "not UTF-8"),
        (b"flops = 1e21\n", "does not say its format"),
        (b"format = 7\n", "needs a newer llmplan"),
        (b"format = 1\n[budget\nflops = 1e21\n", "--> plan.toml:2"),
        (b"format = 1\n[run]\ntokens = \"13GB\"\n", "is bytes, but tokens are meant"),
        (b"format = 1\n[run]\ntokens = \"10d\"\n", "is a time, but tokens are meant"),
    ];
    for (content, message) in cases {
        let folder = Folder::new().with("plan.toml", content);
        for command in ["plan", "budget"] {
            folder.run(&[command, "plan.toml"]).fails_with(message);
        }
        folder.run(&["plan", "plan.toml", "--write"]).fails_with(message);
        assert_eq!(fs::read(folder.path("plan.toml")).unwrap(), content);
        assert_eq!(names(&folder), ["plan.toml"]);
        let checked = folder.run(&["check", "plan.toml"]);
        assert_eq!(checked.code, Some(2), "{checked:?}");
        assert!(checked.out.contains(message), "{checked:?}");
    }
}

#[test]
fn what_is_no_file_is_an_error() {
    let folder = Folder::new();
    fs::create_dir(folder.path("empty")).unwrap();
    folder.run(&["plan", "none.toml"]).fails_with("cannot read none.toml");
    folder.run(&["plan", "empty"]).fails_with("is a folder");
    folder.run(&["check", "empty"]).fails_with("no *.toml file");
    folder.run(&["budget", "--flops", "1e21", "-o", "empty"]).fails_with("is a folder");
    folder.run(&["budget", "--flops", "1e21", "-o", "none/x.toml"]).fails_with("cannot write");
    #[cfg(unix)]
    folder.run(&["plan", "/dev/zero"]).fails_with("is a device");
    assert_eq!(names(&folder), ["empty"]);
}

#[test]
fn an_unreadable_plan_does_not_hide_the_others() {
    let folder = Folder::new().with("good.toml", PLAN).with("bad.toml", "format = 1\nx = \n");
    let run = folder.run(&["check", "none.toml", "."]);
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("none.toml"), "{run:?}");
    assert!(run.out.contains("bad.toml:2"), "{run:?}");
    assert!(run.out.contains("2 plans: 1 error"), "{run:?}");
}

#[test]
fn an_existing_file_is_kept_without_force() {
    let folder = Folder::new().with("plan.toml", PLAN);
    let write = ["budget", "--flops", "1e22", "-o", "plan.toml"];
    folder.run(&write).fails_with("--force replaces it");
    assert_eq!(fs::read_to_string(folder.path("plan.toml")).unwrap(), PLAN);
    let forced: Vec<&str> = write.iter().copied().chain(["--force"]).collect();
    folder.run(&forced).answers();
    assert!(fs::read_to_string(folder.path("plan.toml")).unwrap().contains("1e22"));
    folder.run(&["budget", "--flops", "1e22", "--force"]).fails_with("--output <FILE>");
}

#[test]
fn a_read_only_file_is_kept() {
    let folder = Folder::new().with("plan.toml", PLAN);
    let mut permissions = fs::metadata(folder.path("plan.toml")).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(folder.path("plan.toml"), permissions).unwrap();
    folder.run(&["plan", "plan.toml", "--write"]).fails_with("is read-only");
    folder
        .run(&["budget", "--flops", "1e21", "-o", "plan.toml", "--force"])
        .fails_with("is read-only");
    assert_eq!(fs::read_to_string(folder.path("plan.toml")).unwrap(), PLAN);
}

#[test]
fn a_killed_write_leaves_the_old_file_whole() {
    let mut text = String::from("format = 1\n[budget]\nflops = 1e21\n[sources]\n");
    for index in 0..400 {
        let _ = writeln!(text, "source-{index} = {{ unique_tokens = {}e6 }}", index + 10);
    }
    let folder = Folder::new().with("plan.toml", &text);
    for delay in (0..24).map(|step| std::time::Duration::from_micros(step * 500)) {
        fs::write(folder.path("plan.toml"), &text).unwrap();
        let mut child = folder.command(&["plan", "plan.toml", "--write"]).spawn().unwrap();
        std::thread::sleep(delay);
        let _ = child.kill();
        child.wait().unwrap();
        let left = fs::read_to_string(folder.path("plan.toml")).unwrap();
        let whole = left == text || left.ends_with("}\n") && left.contains("[derived.provenance]");
        assert!(left.starts_with(&text) && whole, "after {delay:?}: {} bytes", left.len());
    }
}

#[test]
fn a_plan_can_be_kept_checked_and_written_again() {
    let folder = Folder::new();
    let kept = folder.run(&["budget", "--flops", "1e21", "--unique-tokens", "1T", "-o", "p.toml"]);
    assert!(kept.answers().contains("2.78 B"), "the answer is shown as well");
    assert_eq!(kept.err, "wrote p.toml\n");
    assert_eq!(
        folder.run(&["check", "p.toml"]).answers(),
        "1 plan: 0 errors, 0 warnings, 0 allowed\n"
    );
    let text = fs::read_to_string(folder.path("p.toml")).unwrap();
    assert!(!text.contains("#:schema"), "no schema file lies there");
    let again = folder.run(&["plan", "p.toml", "--write"]);
    assert_eq!(again.err, "p.toml is up to date\n");
    assert_eq!(fs::read_to_string(folder.path("p.toml")).unwrap(), text);
}

#[test]
fn the_schema_is_named_where_it_lies() {
    let folder = Folder::new().with("llmplan.schema.json", "{}");
    fs::create_dir(folder.path("plans")).unwrap();
    folder.run(&["budget", "--flops", "1e21", "-o", "plans/p.toml"]).answers();
    let text = fs::read_to_string(folder.path("plans/p.toml")).unwrap();
    assert!(text.starts_with("#:schema ../llmplan.schema.json\nformat = 1\n"), "{text}");
    assert_eq!(folder.run(&["check", "plans"]).code, Some(0));
}

#[test]
fn writing_keeps_what_people_wrote() {
    let crlf = "\u{feff}format = 1\r\n# ours\r\n[budget]\r\nflops = 1e21\t# kept";
    let folder = Folder::new().with("plan.toml", crlf);
    folder.run(&["plan", "plan.toml", "--write"]).answers();
    let written = fs::read_to_string(folder.path("plan.toml")).unwrap();
    assert!(written.starts_with(crlf));
    assert!(!written.replace("\r\n", "").contains('\n'), "every new line ends as the old ones");
    folder.run(&["plan", "plan.toml", "--write"]).answers();
    assert_eq!(fs::read_to_string(folder.path("plan.toml")).unwrap(), written);
}

#[test]
fn flags_over_a_plan_keep_its_comments() {
    let plan =
        "# why\nformat = 1\n\n[budget]\nflops = 1e21 # source\n\n[model]\nparams = 1e9 # small\n";
    let folder = Folder::new().with("plan.toml", plan);
    folder.run(&["plan", "plan.toml", "--write"]).answers();
    let flags = ["budget", "plan.toml", "--params", "3B", "--devices", "8", "-o", "new.toml"];
    folder.run(&flags).answers();
    let written = fs::read_to_string(folder.path("new.toml")).unwrap();
    let chosen = written.split("[derived]").next().unwrap();
    let expected = plan.replace("1e9", "3e9")
        + "\n[cluster]\ndevices = 8 # Accelerators that work on the run\n\n";
    assert_eq!(chosen, expected);
    assert_eq!(folder.run(&["check", "new.toml"]).code, Some(0));
}

#[test]
fn flags_over_a_plan_keep_its_line_ends() {
    let plan = "\u{feff}format = 1\r\n[budget]\r\nflops = 1e21 # source\r\n";
    let folder = Folder::new().with("plan.toml", plan);
    folder.run(&["budget", "plan.toml", "--flops", "2e21", "-o", "new.toml"]).answers();
    let written = fs::read_to_string(folder.path("new.toml")).unwrap();
    assert!(written.starts_with(&plan.replace("1e21", "2e21")), "{written}");
    assert!(!written.replace("\r\n", "").contains('\n'));
}

/// The tokens of a stage are read once, whatever length the optimum looks at.
#[test]
fn stages_of_stated_length_bound_the_run_from_below() {
    let stages = "[sources]\nbooks = { unique_tokens = 20e9 }\nweb = { unique_tokens = 1e12 }\n\
        [[stages]]\nname = \"main\"\nmixture = { web = 1 }\n\
        [[stages]]\nname = \"anneal\"\ntokens = 30e9\nmixture = { books = 1 }\n";
    let folder = Folder::new()
        .with("loss.toml", format!("format = 1\n[run]\nloss = 2.2\n{stages}"))
        .with("small.toml", format!("format = 1\n[budget]\nflops = 1e19\n{stages}"));
    let run = |name: &str, key: &str| {
        let run = folder.run(&["plan", name, "--format", "json"]);
        let json: serde_json::Value = serde_json::from_str(run.answers()).unwrap();
        json["allocation"][key].as_f64().unwrap()
    };
    assert!((run("loss.toml", "loss") - 2.2).abs() < 1e-6);
    assert!((run("loss.toml", "tokens") / 117e9 - 1.0).abs() < 0.01);
    assert!((run("small.toml", "tokens") / 30e9 - 1.0).abs() < 1e-9, "no shorter than its stage");
}

#[test]
fn a_target_loss_is_held_against_every_cap() {
    let folder = Folder::new();
    let run = folder.run(&["budget", "--flops", "1e21", "--loss", "2.2"]);
    assert!(run.answers().contains("run needs") && run.out.contains("392 %"), "{run:?}");
    assert!(!run.out.contains("in its own way"), "{run:?}");
    assert!(run.err.contains("run-exceeds-budget"), "{run:?}");
    let served = folder.run(&["budget", "--loss", "2.2", "--inference-tokens", "1e12"]);
    assert!(served.answers().contains("the loss that was asked for"), "{served:?}");
}

#[test]
fn a_law_of_flops_per_token_names_no_size() {
    let folder = Folder::new();
    let run =
        folder.run(&["budget", "--law", "deepseek-2024", "--flops", "1e24", "--tokens", "1e12"]);
    assert!(run.answers().contains("FLOPs per token M"), "{run:?}");
    assert!(run.out.contains("extrapolated") && !run.out.contains("parameters N "), "{run:?}");
}

#[test]
fn standard_input_is_a_plan_too() {
    let folder = Folder::new();
    for command in ["plan", "budget"] {
        assert!(folder.run_with(&[command, "-"], PLAN.as_bytes()).answers().contains("2.78 B"));
    }
    assert_eq!(folder.run_with(&["check", "-"], PLAN.as_bytes()).code, Some(0));
    let written = folder.run_with(&["plan", "-", "--write"], PLAN.as_bytes());
    written.fails_with("--write needs a file");
    let bad = folder.run_with(&["plan", "-"], b"format = 1\nx =");
    bad.fails_with("<stdin>:2");
}

#[test]
fn the_json_of_an_answer_is_a_contract() {
    let folder = Folder::new();
    let answer = folder.run(&["budget", "--flops", "1e21", "--k", "1", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(answer.answers()).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["budget"]["flops"], 1e21);
    let params = json["allocation"]["params"].as_f64().unwrap();
    assert!((params / 6.96136e9 - 1.0).abs() < 1e-6, "unrounded: {params}");
    let [low, high] = ["0", "1"]
        .map(|i| json.pointer(&format!("/allocation/params_80/{i}")).unwrap().as_f64().unwrap());
    assert!(low < params && params < high);
    for key in ["tokens", "tokens_per_param", "loss"] {
        assert!(json["allocation"][key].is_f64(), "{key}");
        assert!(json["allocation"][format!("{key}_80")].is_array(), "{key}_80");
    }
    let laws = json["laws"].as_array().unwrap();
    assert!(laws.iter().all(|law| law["name"].is_string() && law["tokens"].is_f64()));
    assert!(laws.iter().all(|law| law.get("loss").is_none()), "losses do not compare");
    assert!(laws.iter().any(|law| law["name"] == "kaplan-2020" && law["params"].is_f64()));
}

#[test]
fn the_json_of_a_check_is_a_contract() {
    let plan =
        "format = 1\n[budget]\nflops = 1e21\n[model]\nparams = 13e9\n[run]\ntokens = 7.7e12\n";
    let folder = Folder::new().with("plan.toml", plan);
    let run = folder.run(&["check", "plan.toml", "--format", "json"]);
    assert_eq!(run.code, Some(1));
    let json: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["errors"], 1);
    let finding = &json["files"][0]["findings"][0];
    assert_eq!(finding["rule"], "run-exceeds-budget");
    assert_eq!(finding["level"], "error");
    let place = &finding["places"][0];
    assert_eq!(place["key"], "model.params");
    assert_eq!(place["at"]["line"], 5);
    let span =
        ["start", "end"].map(|end| usize::try_from(place["at"][end].as_u64().unwrap()).unwrap());
    assert_eq!(&plan[span[0]..span[1]], "13e9");
}

#[test]
fn every_format_answers() {
    let folder = Folder::new();
    for format in ["text", "toml", "json", "csv", "markdown"] {
        let run = folder.run(&["budget", "--flops", "1e21", "--format", format]);
        assert!(run.answers().ends_with('\n'), "{format}");
        assert_eq!(run.err, "", "{format}");
    }
    for (flag, column) in [("--laws", "compute_ratio"), ("--regret", "truth")] {
        let run = folder.run(&["budget", "--flops", "1e21", flag, "--format", "csv"]);
        assert!(run.answers().lines().next().unwrap().contains(column));
        assert!(run.answers().lines().count() > 15);
    }
    folder.run(&["budget", "--flops", "1e21", "--format", "json", "-o", "a.json"]).answers();
    let json = fs::read_to_string(folder.path("a.json")).unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
}

#[test]
fn pipes_get_plain_text_of_eighty_columns() {
    let folder = Folder::new();
    let commands: [&[&str]; 6] = [
        &["budget", "--flops", "1e21", "--laws", "--regret"],
        &["budget", "--flops", "1e22", "--unique-tokens", "25e9", "--quality", "good"],
        &["budget", "--flops", "1e21", "--inference-tokens", "1e13"],
        &["explain", "--list", "laws"],
        &["explain", "--list", "rules"],
        &["explain", "besiroglu-2024"],
    ];
    for command in commands {
        let run = folder.run(command);
        assert!(!run.answers().contains('\u{1b}'), "{command:?}");
        for line in run.out.lines() {
            assert!(line.chars().count() <= 80, "{command:?}: {line}");
        }
    }
    let forced = folder.run(&["--color", "always", "budget", "--flops", "1e21"]);
    assert!(forced.answers().contains('\u{1b}'));
}

#[test]
fn a_closed_pipe_is_silent() {
    let folder = Folder::new();
    let mut child = folder.command(&["explain", "--list", "models"]).spawn().unwrap();
    drop(child.stdout.take());
    let run = Run::from(child.wait_with_output().unwrap());
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
}

#[test]
fn every_entry_can_be_explained() {
    let folder = Folder::new();
    let kinds = [
        ("laws", 15),
        ("rules", 15),
        ("accelerators", 15),
        ("models", 15),
        ("loaders", 9),
        ("nodes", 9),
        ("engines", 8),
    ];
    for (kind, more) in kinds {
        let listed = folder.run(&["explain", "--list", kind]);
        let listed = listed.answers();
        let names: Vec<&str> = listed
            .lines()
            .skip(1)
            .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        assert!(names.len() > more, "{kind}");
        for name in names {
            assert!(folder.run(&["explain", name]).answers().contains("ource"), "{name}");
        }
    }
    folder.run(&["explain", "chinchila"]).fails_with("`chinchilla`");
    folder.run(&["explain", "--list", "poems"]).fails_with("laws, rules, accelerators, models");
}

#[test]
fn a_plan_says_what_would_complete_it() {
    let plan = "format = 1\n[budget]\ndays = 10\n[sources]\nweb = { quality = \"good\" }\n";
    let folder = Folder::new().with("plan.toml", plan);
    let run = folder.run(&["plan", "plan.toml", "--write"]);
    for key in
        ["cluster.accelerator", "cluster.devices", "cluster.mfu", "sources.web.unique_tokens"]
    {
        assert!(run.answers().contains(&format!("Add `{key}`")), "{key}: {}", run.out);
    }
    let written = fs::read_to_string(folder.path("plan.toml")).unwrap();
    assert!(written.contains("[derived]") && !written.contains("[derived.allocation]"));
}

#[test]
fn symbolic_links_are_written_through() {
    #[cfg(unix)]
    {
        let folder = Folder::new().with("real.toml", PLAN);
        std::os::unix::fs::symlink("real.toml", folder.path("link.toml")).unwrap();
        folder.run(&["plan", "link.toml", "--write"]).answers();
        assert!(fs::symlink_metadata(folder.path("link.toml")).unwrap().is_symlink());
        assert!(fs::read_to_string(folder.path("real.toml")).unwrap().contains("[derived]"));
        std::os::unix::fs::symlink(".", folder.path("loop")).unwrap();
        assert_eq!(folder.run(&["check", "."]).code, Some(0), "loops are not entered");
    }
}

#[test]
fn a_curriculum_is_shown_drawn_and_counted() {
    let plan = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/the-article-curriculum.toml");
    let plan = plan.display().to_string();
    let folder = Folder::new();
    let ascii = folder.run(&["mix", &plan, "--ascii", "--plot", "mix.svg"]);
    assert!(ascii.answers().is_ascii());
    assert!(ascii.out.lines().all(|line| line.len() <= 80));
    assert!(fs::read_to_string(folder.path("mix.svg")).unwrap().starts_with("<svg"));
    folder.run(&["mix", &plan, "--plot", "mix.svg"]).fails_with("--force replaces it");
    let text = folder.run(&["mix", &plan]);
    assert!(text.answers().lines().all(|line| line.chars().count() <= 80));
    let json = folder.run(&["mix", &plan, "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(json.answers()).unwrap();
    assert_eq!(json["version"], 1);
    let none = Vec::new();
    assert_eq!(json["hand_offs"].as_array().unwrap_or(&none).len(), 0, "one stage");
    assert_eq!(json["data"]["sources"]["books"]["distinct_tokens"], 750e9);
    assert_eq!(json["data"]["sources"]["books"]["most_repeats"], 5.0);
    for odd in ["mix.png", "mix", "mix.svg.gz"] {
        let refused = folder.run(&["mix", &plan, "--plot", odd]);
        refused.fails_with("let the file end in `.svg`, such as mix.svg");
        assert!(!folder.path(odd).exists());
    }
    let drawn = &json["stages"][0]["drawn"];
    for (source, tokens) in [("books", 3.75e12), ("web", 2.625e12), ("code", 1.125e12)] {
        let own = drawn[source].as_f64().unwrap();
        assert!((own / tokens - 1.0).abs() < 1e-12, "{source}: {own}");
    }
    let flat = Folder::new().with("plan.toml", PLAN);
    flat.run(&["mix", "plan.toml"]).fails_with("nothing is mixed");
}

/// The folder is the repository's own: its plans are read from there.
#[test]
fn sections_can_be_shown_alone() {
    let plan = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/the-article.toml");
    let plan = plan.display().to_string();
    let folder = Folder::new();
    let data = folder.run(&["plan", &plan, "--only", "data"]);
    assert!(data.answers().contains("5.13 epochs"));
    assert!(!data.out.contains("Budget"));
    let json = folder.run(&["plan", &plan, "--only", "budget", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(json.answers()).unwrap();
    assert_eq!(json["budget"]["binding"], "flops");
    assert!(json.get("allocation").is_none());
    folder.run(&["plan", &plan, "--only", "poems"]).fails_with("budget, fleet, utilisation");
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = Folder::new();
    let all = folder.run(&["man"]);
    assert!(all.answers().contains(".TH llmplan 1"), "{all:?}");
    for command in ["budget", "check", "diff", "fit", "man"] {
        let page = folder.run(&["man", command]);
        let text = page.answers().replace('\\', "");
        assert!(text.contains(&format!("llmplan-{command} -")), "{text}");
    }
    let check = folder.run(&["man", "check"]).answers().replace('\\', "");
    assert!(check.contains("--fail-on") && check.contains("--against"), "{check}");
    folder.run(&["man", "chek"]).fails_with("there is no command `chek`; there are budget, plan");
}
