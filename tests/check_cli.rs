//! `llmplan check` as CI meets it: formats, levels, policy, older plans, odd files.

use serde_json::Value;
use std::fs;

#[path = "support/folder.rs"]
mod folder;

use folder::{Folder, Run};

const CLEAN: &str = "format = 1\n\n[budget]\nflops = 1e21\n";
/// An error and a warning, each with a place.
const FAULTY: &str = "format = 1\nname = \"a|b\"\n[budget]\nflops = 1e21\n[law]\n\
                      name = \"hoffmann-2022-a3-rounded\"\n[model]\nparams = 13e9\n[run]\ntokens = 7.7e12\n";

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"))
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Ids of what was found, in its order.
fn rules(run: &Run) -> Vec<String> {
    let json = json(run);
    let files = json["files"].as_array().unwrap().iter();
    let findings = files.flat_map(|file| file["findings"].as_array().unwrap());
    findings.map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_json_is_a_contract() {
    let allowance = "[[allow]]\nrule = \"law-not-current\"\nreason = \"as printed\"\n";
    let folder = Folder::new().with("plan.toml", format!("{FAULTY}{allowance}"));
    let run = folder.run(&["check", "plan.toml", "none.toml", "--format", "json"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    let json = json(&run);
    assert_eq!(
        keys(&json),
        ["allowed", "errors", "failures", "files", "known", "plans", "version", "warnings"]
    );
    assert_eq!((&json["version"], &json["plans"]), (&1.into(), &1.into()));
    assert_eq!(json["failures"][0]["path"], "none.toml");
    assert!(json["failures"][0]["message"].as_str().unwrap().contains("cannot read none.toml"));
    let file = &json["files"][0];
    assert_eq!(keys(file), ["allowed", "findings", "known", "path", "readable"]);
    assert_eq!((&file["path"], &file["readable"]), (&"plan.toml".into(), &true.into()));
    let finding = &file["findings"][0];
    let members = ["about", "count", "help", "level", "measure", "message", "places", "rule"];
    assert_eq!(keys(finding), members);
    assert_eq!(finding["rule"], "run-exceeds-budget");
    assert_eq!(finding["about"], "model.params");
    assert_eq!(finding["count"], 1);
    assert!(
        (finding["measure"].as_f64().unwrap() - 600.6).abs() < 1e-6,
        "6 x 13e9 x 7.7e12 / 1e21"
    );
    let place = &finding["places"][0];
    assert_eq!(keys(place), ["at", "key", "text"]);
    assert_eq!(keys(&place["at"]), ["column", "end", "end_column", "end_line", "line", "start"]);
    assert_eq!((&place["at"]["line"], &place["at"]["column"]), (&8.into(), &10.into()));
    let allowed = &file["allowed"][0];
    assert_eq!(allowed["reason"], "as printed");
    assert_eq!(allowed["rule"], "law-not-current");
    assert_eq!(
        json["errors"],
        file["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|finding| finding["level"] == "error")
            .count()
    );
}

/// The schema of OASIS is no part of this repository; what code scanning needs is named here.
#[test]
fn the_sarif_has_what_code_scanning_reads() {
    let folder = Folder::new()
        .with("a b/ü%.toml", format!("\u{feff}{FAULTY}").replace('\n', "\r\n"))
        .with("none-such/x.txt", "");
    let run = folder.run(&["check", "./a b/ü%.toml", "none.toml", "--format", "sarif"]);
    assert_eq!(run.code, Some(2));
    let log = json(&run);
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().unwrap().ends_with("sarif-schema-2.1.0.json"));
    let run = &log["runs"][0];
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    let notified = &run["invocations"][0]["toolExecutionNotifications"][0];
    assert_eq!(
        notified["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
        "none.toml"
    );
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), plan::check::RULES.len());
    for rule in rules {
        assert!(rule["help"]["markdown"].as_str().unwrap().starts_with("# "), "{rule}");
        assert!(rule["shortDescription"]["text"].is_string(), "{rule}");
        assert!(
            ["error", "warning"].contains(&rule["defaultConfiguration"]["level"].as_str().unwrap())
        );
    }
    let results = run["results"].as_array().unwrap();
    assert!(results.len() >= 3, "{results:?}");
    let mut prints = Vec::new();
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20b/%C3%BC%25.toml");
        assert!(place["region"]["startLine"].as_u64().unwrap() > 1);
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        prints.push(result["partialFingerprints"]["ruleAndKey/v1"].as_str().unwrap());
    }
    let first = &results[0];
    assert_eq!(
        (&first["ruleId"], &first["level"]),
        (&"run-exceeds-budget".into(), &"error".into())
    );
    let region = &first["locations"][0]["physicalLocation"]["region"];
    let numbers =
        ["startLine", "startColumn", "endLine", "endColumn"].map(|key| region[key].as_u64());
    assert_eq!(numbers, [8, 10, 8, 14].map(Some));
    assert_eq!(first["locations"][0]["logicalLocations"][0]["fullyQualifiedName"], "model.params");
    assert!(first["relatedLocations"].as_array().unwrap().len() == 2);
    prints.sort_unstable();
    prints.dedup();
    assert_eq!(prints.len(), results.len(), "fingerprints are distinct");
}

#[test]
fn fingerprints_outlive_lines_and_numbers() {
    let moved = format!("# one\n# more\n{}", FAULTY.replace("7.7e12", "7.8e12"));
    let folder = Folder::new().with("old.toml", FAULTY).with("new.toml", moved);
    let prints = |name: &str| {
        let log = json(&folder.run(&["check", name, "--format", "sarif"]));
        let results = log["runs"][0]["results"].as_array().unwrap().clone();
        results.iter().map(|one| one["partialFingerprints"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(prints("old.toml"), prints("new.toml"));
}

#[test]
fn allowed_findings_are_suppressed_in_sarif() {
    let allowance = "[[allow]]\nrule = \"law-not-current\"\nreason = \"as printed\"\n";
    let folder = Folder::new().with("plan.toml", format!("{FAULTY}{allowance}"));
    let log = json(&folder.run(&["check", "plan.toml", "--format", "sarif"]));
    let results = log["runs"][0]["results"].as_array().unwrap();
    let suppressed: Vec<_> = results.iter().filter(|one| one["suppressions"].is_array()).collect();
    let [one] = suppressed.as_slice() else { panic!("{suppressed:?}") };
    assert_eq!(one["ruleId"], "law-not-current");
    assert_eq!(one["suppressions"][0]["kind"], "inSource");
    assert_eq!(one["suppressions"][0]["justification"], "as printed");
}

#[test]
fn github_lines_are_escaped_and_the_worst_come_first() {
    let warned = CLEAN.replace("[budget]", "[law]\nname = \"hoffmann-2022-a3-rounded\"\n[budget]");
    let folder = Folder::new().with("a,b:c%.toml", &warned).with("b.toml", FAULTY);
    let run = folder.run(&["check", ".", "--format", "github"]);
    assert_eq!(run.code, Some(1));
    let lines: Vec<&str> = run.out.lines().collect();
    assert!(
        lines.iter().all(|line| line.starts_with("::error ") || line.starts_with("::warning "))
    );
    assert!(lines.is_sorted_by_key(|line| line.starts_with("::warning ")), "{lines:#?}");
    assert!(
        lines[0].starts_with("::error file=./b.toml,line=8,endLine=8,col=10,endColumn=14,title=")
    );
    let odd = lines.iter().find(|line| line.contains("%2Cb")).unwrap();
    assert!(odd.starts_with("::warning file=./a%2Cb%3Ac%25.toml,line="), "{odd}");
    assert!(lines[0].contains("%0Aline 4, budget.flops: "), "{}", lines[0]);
    // a name in the plan can start no command of its own
    let forged = "format = 1\nlaw.name = \"\"\"x\n::error file=y::z %0A\"\"\"\n";
    let run = Folder::new().with("p.toml", forged).run(&["check", "p.toml", "--format", "github"]);
    assert_eq!(run.out.lines().count(), 1, "{}", run.out);
    assert!(run.out.contains("%0A::error file=y::z %250A"), "{}", run.out);
}

#[test]
fn markdown_is_a_table() {
    let forged = "format = 1\nlaw.name = \"a|b <img>\"\n";
    let folder = Folder::new().with("plan.toml", FAULTY).with("x.toml", forged);
    let run = folder.run(&["check", ".", "none.toml", "--format", "markdown"]);
    assert!(run.out.starts_with("### llmplan check\n\n2 plans: "), "{}", run.out);
    assert!(run.out.contains("\n**not read**: `none.toml`: "), "{}", run.out);
    assert!(run.out.contains("a\\|b &lt;img>"), "{}", run.out);
    let rows: Vec<&str> = run.out.lines().filter(|line| line.starts_with('|')).collect();
    for row in &rows {
        assert_eq!(row.replace("\\|", "").matches('|').count(), 5, "{row}");
    }
    assert!(rows[2].starts_with("| error | "), "{rows:#?}");
}

#[test]
fn the_exit_code_follows_fail_on() {
    let warned = CLEAN.replace("[budget]", "[law]\nname = \"hoffmann-2022-a3-rounded\"\n[budget]");
    let folder = Folder::new().with("w.toml", &warned).with("e.toml", FAULTY).with("c.toml", CLEAN);
    let code = |plan: &str, flags: &[&str]| {
        let arguments: Vec<&str> = ["check", plan].iter().chain(flags).copied().collect();
        folder.run(&arguments).code
    };
    let expected = [("c.toml", [0, 0, 0]), ("w.toml", [0, 1, 0]), ("e.toml", [1, 1, 0])];
    for (plan, codes) in expected {
        for (level, wanted) in ["error", "warning", "never"].iter().zip(codes) {
            assert_eq!(code(plan, &["--fail-on", level]), Some(wanted), "{plan} {level}");
        }
    }
    assert_eq!(code("none.toml", &["--fail-on", "never"]), Some(2), "never hides no failure");
    assert_eq!(code("w.toml", &["-D", "law"]), Some(1));
    assert_eq!(code("w.toml", &["-D", "law-not-current"]), Some(1));
    assert_eq!(code("w.toml", &["-A", "law", "--fail-on", "warning"]), Some(0));
    assert_eq!(code("e.toml", &["-W", "budget"]), Some(0));
}

#[test]
fn unknown_rules_are_named_with_the_nearest() {
    let folder = Folder::new().with("plan.toml", CLEAN);
    folder.run(&["check", "plan.toml", "-A", "loder"]).fails_with("the nearest are `loader`");
    folder.run(&["check", "plan.toml", "-D", "hardgate"]).fails_with("did you mean `hard-gate`?");
    folder.run(&["check", "plan.toml", "-D", "zzz"]).fails_with("explain --list rules");
    folder.run(&["check", "plan.toml", "-A", "law", "-D", "law"]).fails_with("set twice");
    folder.run(&["check", "plan.toml", "-A", "invalid-plan"]).fails_with("cannot be set");
}

#[test]
fn quiet_and_verbose_change_the_text_alone() {
    let allowed = "[[allow]]\nrule = \"law-not-current\"\nreason = \"as printed\"\n";
    let text = CLEAN.replace("[budget]", "[law]\nname = \"hoffmann-2022-a3-rounded\"\n[budget]");
    let folder = Folder::new().with("plan.toml", format!("{text}{allowed}")).with("b.toml", FAULTY);
    assert_eq!(folder.run(&["check", "plan.toml", "-q"]).answers(), "");
    let verbose = folder.run(&["check", "plan.toml", "-v"]);
    assert!(verbose.answers().contains("plan.toml: clean, under no policy\n"), "{verbose:?}");
    assert!(verbose.out.contains("allowed law-not-current: as printed"), "{verbose:?}");
    let quiet = folder.run(&["check", "b.toml", "-q"]).out;
    let plain = folder.run(&["check", "b.toml"]).out;
    assert!(plain.starts_with(&quiet) && quiet.contains("run-exceeds-budget"));
    assert!(!quiet.contains("1 plan:") && plain.contains("1 plan:"));
}

#[test]
fn only_what_got_worse_is_reported() {
    let worse = FAULTY.replace("7.7e12", "9e12");
    let better = FAULTY.replace("7.7e12", "5e12");
    let folder = Folder::new()
        .with("old/plans/p.toml", FAULTY)
        .with("plans/p.toml", FAULTY)
        .with("worse.toml", &worse)
        .with("better.toml", &better);
    let same = folder.run(&["check", "plans", "--against", "old/plans", "--format", "json"]);
    assert_eq!((same.code, rules(&same).len()), (Some(0), 0), "{same:?}");
    assert!(json(&same)["known"].as_u64().unwrap() >= 2);
    let by_path = folder.run(&["check", "plans/p.toml", "--against", "old"]);
    assert!(by_path.answers().contains("as before"), "{by_path:?}");
    let old = ["--against", "old/plans/p.toml", "--format", "json"];
    let run = |plan| folder.run(&[&["check", plan], &old[..]].concat());
    assert_eq!(run("better.toml").code, Some(0));
    let worse = run("worse.toml");
    assert_eq!(worse.code, Some(1));
    assert!(rules(&worse).contains(&"run-exceeds-budget".to_owned()), "{worse:?}");
    assert!(!rules(&worse).contains(&"law-not-current".to_owned()), "{worse:?}");
    // a new plan is reported whole
    let new = folder.run(&["check", "better.toml", "--against", "old/plans"]);
    assert_eq!(new.code, Some(1));
    folder.run(&["check", ".", "--against", "worse.toml"]).fails_with("is one file");
    folder.run(&["check", "plans", "--against", "none"]).fails_with("does not exist");
}

/// Rules of throughput have levels, measures and tags as all have.
#[test]
fn a_pipeline_that_waits_longer_is_worse() {
    let plan = |micro_batches: u32| {
        format!(
            "format = 1\n[model]\nname = \"llama-3-8b\"\n[cluster]\naccelerator = \"h100-sxm\"\n\
             devices = 64\n[layout]\ntp = 4\npp = 8\nmicro_batches = {micro_batches}\n\
             [training]\nengine = \"megatron-bridge\"\n"
        )
    };
    let folder = Folder::new()
        .with("eight.toml", plan(8))
        .with("nine.toml", plan(9))
        .with("denied/llmplan.toml", "[levels]\nthroughput = \"deny\"\n")
        .with("denied/p.toml", plan(8));
    let pipeline = "pipeline-bubble".to_owned();
    let found = |arguments: &[&str]| {
        let run = folder.run(&[&["check", "--format", "json"], arguments].concat());
        (run.code, rules(&run).contains(&pipeline))
    };
    assert_eq!(found(&["eight.toml"]), (Some(0), true));
    assert_eq!(found(&["eight.toml", "-A", "throughput"]), (Some(0), false));
    assert_eq!(found(&["eight.toml", "-D", "throughput"]), (Some(1), true));
    assert_eq!(found(&["denied/p.toml"]), (Some(1), true));
    assert_eq!(found(&["eight.toml", "--against", "eight.toml"]), (Some(0), false));
    assert_eq!(found(&["nine.toml", "--against", "eight.toml"]), (Some(0), false), "it got better");
    assert_eq!(found(&["eight.toml", "--against", "nine.toml"]), (Some(0), true), "it got worse");
    let sarif = json(&folder.run(&["check", "eight.toml", "--format", "sarif"]));
    let run = &sarif["runs"][0];
    let results = run["results"].as_array().unwrap().iter();
    let result = results.clone().find(|result| result["ruleId"] == pipeline.as_str()).unwrap();
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    let rule = &run["tool"]["driver"]["rules"][index];
    assert_eq!(rule["id"], pipeline.as_str());
    assert_eq!(rule["properties"]["tags"][0], "throughput");
}

/// Findings of stages go by the stage's name: one put before them makes nothing new.
#[test]
fn a_stage_that_moves_is_known() {
    let stage = |name: &str, mixture: &str| {
        format!(
            "[[stages]]\nname = \"{name}\"\nsteps = 1000\nbatch_tokens = 1e6\nmixture = {{ {mixture} }}\n"
        )
    };
    let head =
        "format = 1\n[sources]\na = { unique_tokens = 1e12 }\nb = { unique_tokens = 1e12 }\n";
    let (one, two) = (stage("one", "a = 1"), stage("two", "b = 1"));
    let zero = stage("zero", "a = 1");
    let folder = Folder::new()
        .with("old.toml", format!("{head}{one}{two}"))
        .with("new.toml", format!("{head}{zero}{one}{two}"));
    let alone = folder.run(&["check", "new.toml", "--format", "json"]);
    assert!(rules(&alone).contains(&"hard-gate".to_owned()), "{alone:?}");
    let since = folder.run(&["check", "new.toml", "--against", "old.toml", "--format", "json"]);
    assert!(!rules(&since).contains(&"hard-gate".to_owned()), "{since:?}");
}

#[test]
fn the_policy_is_found_upwards() {
    let plan = "format = 1\n[budget]\nflops = 1e22\n";
    let folder = Folder::new()
        .with(".git/HEAD", "")
        .with("llmplan.toml", "limits.flops = 1e21\n")
        .with("plans/team/p.toml", plan)
        .with("plans/own/llmplan.toml", "")
        .with("plans/own/p.toml", plan)
        .with("lax.toml", "limits.flops = 1e23\n");
    let found = |arguments: &[&str]| {
        rules(&folder.run(&[&["check", "--format", "json"], arguments].concat()))
    };
    assert_eq!(found(&["plans/team/p.toml"]), ["over-house-limit"]);
    assert_eq!(
        found(&["plans"]),
        ["over-house-limit"],
        "the nearest policy alone, and it is no plan"
    );
    assert_eq!(found(&["plans/team", "--isolated"]), [""; 0]);
    assert_eq!(found(&["plans/team", "--config", "lax.toml"]), [""; 0]);
    let input = folder.run_with(&["check", "-", "--format", "json"], plan.as_bytes());
    assert_eq!(rules(&input), ["over-house-limit"], "standard input is under the folder's");
    let told = folder.run(&["check", "plans/own/p.toml", "-v"]);
    assert!(told.out.contains("under plans/own/llmplan.toml"), "{told:?}");
    // no path of this machine is spoken of
    let above = folder.run(&["check", "plans/team", "-v"]);
    assert!(above.out.contains("p.toml: 1 finding, under llmplan.toml"), "{above:?}");
    let mut inside = folder.command(&["check", "team", "-v"]);
    let inside = Run::from(inside.current_dir(folder.path("plans")).output().unwrap());
    assert!(inside.out.contains("p.toml: 1 finding, under ../llmplan.toml"), "{inside:?}");
}

#[test]
fn no_policy_is_looked_for_above_the_repository() {
    let folder = Folder::new()
        .with("llmplan.toml", "limits.flops = 1e20\n")
        .with("repository/.git/HEAD", "")
        .with("repository/plans/p.toml", CLEAN);
    let run = folder.run(&["check", "repository/plans/p.toml", "--format", "json"]);
    assert_eq!(rules(&run), [""; 0]);
}

#[test]
fn a_faulty_policy_is_shown_once_and_others_are_checked() {
    let folder = Folder::new()
        .with("a/llmplan.toml", "[limits]\nflop = 1e21\n")
        .with("a/1.toml", CLEAN)
        .with("a/2.toml", CLEAN)
        .with("b/3.toml", FAULTY);
    let run = folder.run(&["check", "a", "b"]);
    assert_eq!(run.code, Some(2));
    assert_eq!(run.err.matches("unknown key `flop`").count(), 1, "{}", run.err);
    assert!(
        run.err.contains(" --> a/llmplan.toml:2:1") && run.err.contains("did you mean `flops`?")
    );
    for plan in ["a/1.toml", "a/2.toml"] {
        assert!(run.err.contains(&format!("{plan}: not checked")), "{}", run.err);
    }
    assert!(run.out.contains("b/3.toml") && run.out.contains("1 plan: "), "{}", run.out);
}

#[test]
fn picky_rules_need_strict() {
    let folder = Folder::new().with("p.toml", "format = 1\nmodel.name = \"gpt2\"\n");
    assert!(folder.run(&["check", "p.toml"]).answers().contains("0 warnings"));
    let strict = folder.run(&["check", "p.toml", "--strict", "--fail-on", "warning"]);
    assert_eq!(strict.code, Some(1));
    assert!(strict.out.contains("warning[vocabulary-not-padded]"), "{strict:?}");
}

/// Enough plans for several rounds of threads, in folders, some faulty.
fn many(folder: Folder) -> Folder {
    (0..700).fold(folder, |folder, index| {
        let text = if index % 7 == 0 { FAULTY } else { CLEAN };
        folder.with(&format!("plans/{}/{index}.toml", index % 5), text)
    })
}

#[test]
fn output_does_not_depend_on_threads() {
    let folder = many(Folder::new());
    for format in ["text", "json", "sarif", "github", "markdown"] {
        let outputs = ["1", "2", "7"].map(|threads| {
            let mut command = folder.command(&["check", "plans", "--format", format]);
            let run = Run::from(command.env("RAYON_NUM_THREADS", threads).output().unwrap());
            assert_eq!(run.code, Some(1));
            run.out
        });
        assert!(outputs.iter().all(|out| *out == outputs[0]), "{format}");
    }
}

/// The same files, made in the other order, so that a folder lists them differently.
#[test]
fn output_does_not_depend_on_the_order_of_a_folder() {
    let names: Vec<String> = (0..40).map(|index| format!("plans/{index}.toml")).collect();
    let made = |names: Vec<&String>| {
        names.into_iter().fold(Folder::new(), |folder, name| folder.with(name, FAULTY))
    };
    let (there, back) = (made(names.iter().collect()), made(names.iter().rev().collect()));
    let run = |folder: &Folder| folder.run(&["check", "plans", "--format", "json"]).out;
    assert_eq!(run(&there), run(&back));
}

#[cfg(unix)]
#[test]
fn odd_files_are_told_in_a_line_and_the_rest_is_checked() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = Folder::new().with("plans/good.toml", CLEAN).with("plans/locked.toml", CLEAN);
    let path = |name: &str| folder.path(name);
    symlink("loop.toml", path("plans/loop.toml")).unwrap();
    symlink("nowhere", path("plans/dangling.toml")).unwrap();
    symlink("..", path("plans/up")).unwrap();
    symlink("/dev/zero", path("plans/device.toml")).unwrap();
    fs::create_dir(path("plans/folder.toml")).unwrap();
    fs::create_dir(path("plans/shut")).unwrap();
    fs::File::create(path("plans/huge.toml")).unwrap().set_len(1 << 40).unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(path("plans/pipe.toml")).status();
    assert!(pipe.unwrap().success(), "nobody ever writes to it");
    fs::set_permissions(path("plans/locked.toml"), fs::Permissions::from_mode(0o0)).unwrap();
    fs::set_permissions(path("plans/shut"), fs::Permissions::from_mode(0o0)).unwrap();
    let run = folder.run(&["check", "plans"]);
    fs::set_permissions(path("plans/shut"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(run.code, Some(2), "{run:?}");
    let told = |name: &str| run.err.lines().filter(|line| line.contains(name)).count();
    for name in ["loop.toml", "dangling.toml", "device.toml", "huge.toml", "pipe.toml"] {
        assert_eq!(told(name), 1, "{name}: {}", run.err);
    }
    // whoever may read everything is not stopped by permissions
    let stopped = told("locked.toml");
    assert!(stopped <= 1 && told("shut") <= 1, "{}", run.err);
    assert_eq!(run.err.lines().count(), 5 + stopped + told("shut"), "{}", run.err);
    assert!(run.out.contains(&format!("{} plan", 2 - stopped)), "{}", run.out);
}
