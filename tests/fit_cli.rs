//! `llmplan fit`, and law files in plans, as a user meets them.

use serde_json::Value;
use std::fmt::Write as _;
use std::fs;

#[path = "support/folder.rs"]
mod folder;
#[path = "support/mixtures.rs"]
mod mixtures;
#[path = "support/simulate.rs"]
mod simulate;

use folder::Folder;
use simulate::{Grid, TRUTH};

const GRID: Grid = Grid { budgets: 6, sizes: 8, flops: [1e18, 1e21], noise: 0.004, wild: 0.0 };

fn table(seed: u64) -> String {
    GRID.runs(seed).iter().fold("params,tokens,loss\n".to_owned(), |mut text, run| {
        let _ = writeln!(text, "{:e},{:e},{}", run.params, run.tokens, run.loss);
        text
    })
}

fn folder() -> Folder {
    Folder::new().with("runs.csv", table(1))
}

fn json(folder: &Folder, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--format", "json"]).collect();
    serde_json::from_str(folder.run(&arguments).answers()).unwrap()
}

#[test]
fn the_json_has_the_law_its_errors_and_the_optimum() {
    let json = json(&folder(), &["fit", "runs.csv", "--flops", "1e23", "--bootstrap", "200"]);
    for (key, truth) in [("e", TRUTH.e), ("alpha", TRUTH.alpha), ("beta", TRUTH.beta)] {
        let own = json["constants"][key].as_f64().unwrap();
        let error = json["standard_errors"][key].as_f64().unwrap();
        assert!((own - truth).abs() < 4.0 * error, "{key}: {own} for {truth}, error {error}");
    }
    assert!(json["constants"]["a"].as_f64().unwrap() > 50.0, "A itself, not its logarithm");
    assert_eq!(json["objective"]["name"], "log-huber");
    assert!(json["objective"]["value"].as_f64().unwrap() > 0.0);
    let sum = json["params_exponent"].as_f64().unwrap() + json["tokens_exponent"].as_f64().unwrap();
    assert!((sum - 1.0).abs() < 1e-12);
    let optimum = &json["optimum"];
    let [low, high] = [0, 1].map(|end| optimum["params_80"][end].as_f64().unwrap());
    let params = optimum["params"].as_f64().unwrap();
    assert!(low < params && params < high, "{optimum}");
    let flops = 6.0 * params * optimum["tokens"].as_f64().unwrap();
    assert!((flops / 1e23 - 1.0).abs() < 1e-9);
    assert!((optimum["extrapolation"].as_f64().unwrap() / 100.0 - 1.0).abs() < 1e-6);
    assert_eq!(json["isoflop"]["parabolas"].as_array().unwrap().len(), 6);
    assert_eq!(json["residuals"]["worst"].as_array().unwrap().len(), 5);
    assert_eq!((json["data"]["rows"].as_u64(), json["version"].as_u64()), (Some(48), Some(1)));
    assert!(json["condition_number"].as_f64().unwrap() > 1e6);
}

#[test]
fn the_text_shows_both_methods_and_fits_the_terminal() {
    let run = folder().run(&["fit", "runs.csv", "--bootstrap", "100", "--objective", "mse"]);
    let text = run.answers();
    for part in ["L(N, D) =", "IsoFLOP parabolas", "standard error", "Runs furthest from the law"] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

/// The same bytes on 1, 2 and 7 threads, and with the same seed; others with another.
#[test]
fn a_seed_gives_the_same_bytes_on_any_threads() {
    let folder = folder();
    let on = |threads: &str, seed: &str| {
        let arguments = ["fit", "runs.csv", "--bootstrap", "64", "--seed", seed, "-o", "-"];
        let output = folder.command(&arguments).env("RAYON_NUM_THREADS", threads).output().unwrap();
        assert!(output.status.success());
        output.stdout
    };
    let one = on("1", "7");
    assert!(one.starts_with(b"kind = \"law\"\n"));
    assert_eq!(one, on("2", "7"));
    assert_eq!(one, on("7", "7"));
    assert_ne!(one, on("2", "8"));
}

#[test]
fn a_law_file_works_as_a_flag_and_in_a_plan() {
    let folder = folder();
    let fitted = json(&folder, &["fit", "runs.csv", "--flops", "1e22", "-o", "law.toml"]);
    let budget = json(&folder, &["budget", "--flops", "1e22", "--law", "law.toml"]);
    let run = &budget["allocation"];
    for key in ["params", "tokens", "loss"] {
        let [own, fit] = [&run[key], &fitted["optimum"][key]].map(|value| value.as_f64().unwrap());
        assert!((own / fit - 1.0).abs() < 1e-9, "{key}: {own} for {fit}");
        // 256 draws stand for 4000
        for end in 0..2 {
            let key = format!("{key}_80");
            let [own, fit] =
                [&run[&key], &fitted["optimum"][&key]].map(|value| value[end].as_f64().unwrap());
            assert!((own / fit - 1.0).abs() < 0.03, "{key}: {own} for {fit}");
        }
    }
    assert_eq!(budget["provenance"]["law"], "law");
    let source = budget["provenance"]["law_source"].as_str().unwrap();
    assert!(source.contains(fitted["data"]["hash"].as_str().unwrap()), "{source}");
    assert_eq!(budget["laws"][0]["name"], "law");
    // beside the plan, wherever that is
    fs::create_dir(folder.path("plans")).unwrap();
    folder.run(&["budget", "--flops", "1e22", "--law", "law.toml", "-o", "plans/a.toml"]).answers();
    let plan = fs::read_to_string(folder.path("plans/a.toml")).unwrap();
    assert!(plan.contains("file = \"../law.toml\""), "{plan}");
    folder.run(&["check", "plans"]).answers();
    let planned = json(&folder, &["plan", "plans/a.toml"]);
    assert_eq!(planned["allocation"], budget["allocation"]);
    let other = json(&folder, &["budget", "plans/a.toml", "--law", "chinchilla"]);
    assert_eq!(other["provenance"]["law"], "besiroglu-2024");
    // another law in the same file makes the plan stale
    folder.run(&["fit", "runs.csv", "--objective", "mse", "-o", "law.toml", "--force"]).answers();
    assert_eq!(folder.run(&["check", "plans"]).code, Some(1));
}

#[test]
fn law_files_that_are_none_are_told() {
    let plan = "format = 1\n[budget]\nflops = 1e21\n[law]\nfile = \"law.toml\"\n";
    let with = |law: &str| Folder::new().with("plan.toml", plan).with("law.toml", law);
    let told = |law: &str, text: &str| {
        let run = with(law).run(&["check", "plan.toml"]);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.out.contains(text), "{text:?} is not in {}", run.out);
        with(law).run(&["budget", "--flops", "1e21", "--law", "law.toml"]).fails_with(text);
    };
    told("name = \"x\"\n", "kind = \"law\"");
    told("kind = \"law\"\nformat = 1\nname = \"x\"\n[constant]\n", "line 4");
    Folder::new().with("plan.toml", plan).run(&["plan", "plan.toml"]).fails_with("cannot read");
    let both = plan.replace("[law]\n", "[law]\nname = \"chinchilla\"\n");
    let folder = Folder::new().with("plan.toml", both);
    folder.run(&["plan", "plan.toml"]).fails_with("leave one out");
    // constants alone are a law, without intervals
    let law = "kind = \"law\"\nformat = 1\nname = \"x\"\n[constants]\ne = 1.8172\na = 482.01\n\
               b = 2085.43\nalpha = 0.3478\nbeta = 0.3658\n";
    let json = json(&with(law), &["plan", "plan.toml"]);
    // at 1e21 the law of Besiroglu et al. 2024 has 2.77846e9, by a separate Python implementation
    let params = json["allocation"]["params"].as_f64().unwrap();
    assert!((params / 2.778_46e9 - 1.0).abs() < 1e-5, "{params}");
    assert!(json["allocation"].get("params_80").is_none());
}

#[test]
fn bad_input_is_told_with_its_place() {
    let fails = |csv: &str, text: &str| {
        let run = Folder::new().with("runs.csv", csv).run(&["fit", "runs.csv"]);
        run.fails_with(text);
        assert!(run.err.contains("runs.csv"), "{}", run.err);
    };
    let bad = |from: &str, to: &str| table(1).replacen(from, to, 1);
    fails(&bad("loss", "lost"), "no column is the loss");
    fails(&(table(1) + "1e9,x,2\n"), "line 50, column 2 (`tokens`): `x` is not a number");
    fails(&(table(1) + "1e9,1e10,-1\n"), "line 50, column 3 (`loss`): `-1` cannot be");
    fails(&(table(1) + "1e9,1e10,NaN\n"), "--where \"loss>0\"");
    fails("params,tokens,loss\n1e9,1e10,2.5\n2e9,1e10,2.4\n", "2 distinct runs of 2");
    let one_budget: String = table(1).lines().take(9).fold(String::new(), |t, l| t + l + "\n");
    fails(&one_budget, "all runs have one budget");
    fails("", "the file is empty");
    let twice = table(1) + &table(1).replace("params,tokens,loss\n", "");
    let folder = Folder::new().with("runs.csv", twice);
    let run = folder.run(&["fit", "runs.csv", "--bootstrap", "20"]);
    assert!(run.answers().contains("48 of 96 rows repeat another"), "{}", run.out);
}

#[test]
fn flags_that_cannot_be_are_refused() {
    let folder = folder();
    let fails = |flags: &[&str], text: &str| {
        let run = folder.run(&[&["fit", "runs.csv"], flags].concat());
        assert!(run.code == Some(2) && run.err.contains(text), "{text:?} is not in {}", run.err);
    };
    fails(&["--column", "size=params"], "known are params, tokens, flops, loss, weight");
    fails(&["--column", "loss=los"], "did you mean `loss`?");
    fails(&["--where", "flops"], "is no condition");
    fails(&["--where", "flops<1"], "of 48 rows none meets");
    fails(&["--delta", "0.1", "--objective", "mse"], "--delta belongs to --objective log-huber");
    fails(&["--delta", "-1"], "a number above 0");
    fails(&["--drop-largest-loss", "48"], "leaves nothing");
    fails(&["--force"], "--output");
    fs::write(folder.path("law.toml"), "mine").unwrap();
    let run = folder.run(&["fit", "runs.csv", "--bootstrap", "0", "-o", "law.toml"]);
    run.fails_with("law.toml exists; --force replaces it");
    assert_eq!(fs::read_to_string(folder.path("law.toml")).unwrap(), "mine");
    folder.run(&["fit", "none.csv"]).fails_with("cannot read none.csv");
    folder.run(&["fit", "."]).fails_with("is a folder");
}

#[test]
fn runs_come_from_standard_input_too() {
    let folder = Folder::new();
    let arguments = ["fit", "-", "--bootstrap", "0", "--format", "json"];
    let run = folder.run_with(&arguments, table(1).as_bytes());
    let json: Value = serde_json::from_str(run.answers()).unwrap();
    assert_eq!(json["data"]["file"], "<stdin>");
    assert!(json.get("standard_errors").is_none());
    let endless = vec![b'1'; 3 << 20];
    folder.run_with(&arguments, &endless).fails_with("line 1 is longer than 1 MiB");
}

#[cfg(unix)]
#[test]
fn a_device_is_no_table_of_runs() {
    folder().run(&["fit", "/dev/zero"]).fails_with("/dev/zero is a device");
}

/// What does not belong to a form is refused, with the forms that it belongs to.
#[test]
fn settings_of_other_forms_are_refused() {
    let folder = folder();
    for (flags, text) in [
        (
            &["--form", "isoflop", "--objective", "mse"][..],
            "--objective does not belong to --form isoflop",
        ),
        (&["--form", "power-law", "--delta", "0.1"], "--delta does not belong to --form power-law"),
        (
            &["--law", "chinchilla"],
            "--law does not belong to --form parametric, but to data-constrained",
        ),
        (&["--form", "mixing", "--flops", "1e22"], "--flops does not belong to --form mixing"),
        (&["--form", "mixing", "-o", "x.toml"], "--output does not belong to --form mixing"),
        (&["--plan", "x.toml"], "--plan does not belong to --form parametric, but to mixing"),
        (&["--column", "mixture=params"], "this form reads no column that is a source's share"),
        (&["--form", "data-constrained"], "no run says how many of its tokens are distinct"),
        (&["--form", "mixing"], "--column mixture=\"PREFIX*\""),
        (&["--form", "square"], "isoflop"),
    ] {
        let run = folder.run(&[&["fit", "runs.csv"], flags].concat());
        assert!(run.code == Some(2) && run.err.contains(text), "{text:?} is not in {}", run.err);
    }
}

/// Tied exponents and both laws of optima work as law files, with their intervals.
#[test]
fn other_forms_work_as_law_files() {
    let folder = folder();
    for form in ["tied", "isoflop"] {
        let out = format!("{form}.toml");
        let fitted = json(
            &folder,
            &[
                "fit",
                "runs.csv",
                "--form",
                form,
                "--flops",
                "1e22",
                "--bootstrap",
                "300",
                "-o",
                &out,
            ],
        );
        assert_eq!(fitted["form"], form);
        let budget = json(&folder, &["budget", "--flops", "1e22", "--law", &out]);
        for key in ["params", "tokens"] {
            let [own, fit] =
                [&budget["allocation"][key], &fitted["optimum"][key]].map(|v| v.as_f64().unwrap());
            assert!((own / fit - 1.0).abs() < 1e-9, "{form} {key}: {own} for {fit}");
            let key = format!("{key}_80");
            for end in 0..2 {
                let [own, fit] = [&budget["allocation"][&key], &fitted["optimum"][&key]]
                    .map(|value| value[end].as_f64().unwrap());
                assert!((own / fit - 1.0).abs() < 0.05, "{form} {key}: {own} for {fit}");
            }
        }
        if form == "tied" {
            assert_eq!(fitted["constants"]["alpha"], fitted["constants"]["beta"]);
        } else {
            let truth = TRUTH.beta / (TRUTH.alpha + TRUTH.beta);
            let own = fitted["params_exponent"].as_f64().unwrap();
            assert!((own - truth).abs() < 0.03, "{own} for {truth}");
            assert!(budget["allocation"].get("loss").is_none());
        }
    }
}

#[test]
fn optima_give_a_power_of_the_budget() {
    let mut text = "flops,n_opt,log_std\n".to_owned();
    for step in 0..8 {
        let flops = 1e18 * 4.0_f64.powi(step);
        let off = [1.02, 0.99, 1.0, 1.01, 0.98, 1.0, 1.03, 0.97][usize::try_from(step).unwrap()];
        let _ = writeln!(text, "{flops:e},{},0.{}", 0.1 * flops.sqrt() * off, step + 1);
    }
    let folder = Folder::new().with("optima.csv", text);
    let arguments =
        ["fit", "optima.csv", "--form", "power-law", "--column", "params=n_opt", "--flops", "1e24"];
    let own = json(&folder, &[&arguments[..], &["-o", "law.toml"]].concat());
    let exponent = own["params_exponent"].as_f64().unwrap();
    let [low, high] = [0, 1].map(|end| own["params_exponent_80"][end].as_f64().unwrap());
    assert!((exponent - 0.5).abs() < 0.01 && low < exponent && exponent < high, "{own}");
    let sum = exponent + own["tokens_exponent"].as_f64().unwrap();
    assert!((sum - 1.0).abs() < 1e-9, "D* = C/(6N*)");
    let text = folder.run(&arguments).answers().to_owned();
    assert!(
        text.contains("N* = ") && text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    folder.run(&["budget", "--flops", "1e24", "--law", "law.toml"]).answers();
}

/// Runs that repeat their data, simulated with the constants of Muennighoff et al. 2023.
#[test]
fn the_worth_of_repeats_comes_back() {
    let decay = plan::law::repeats();
    let base = TRUTH;
    let mut text = "params,tokens,unique_tokens,loss\n".to_owned();
    for params in [1e8, 3e8, 1e9] {
        for unique in [1e9, 4e9, 2e10] {
            for epochs in [1.0, 2.0, 5.0, 12.0, 40.0] {
                use plan::quantity::{Params, Tokens};
                let tokens = Tokens(unique * epochs);
                let worth = plan::data::effective_tokens(tokens, Tokens(unique), decay);
                let fed = base.params_for(Tokens(unique)).0.min(params);
                let excess = params / fed - 1.0;
                let grown = 1.0 + decay.params * (1.0 - libm::exp(-excess / decay.params));
                let loss = base.loss(Params(fed * grown), worth).0;
                let _ = writeln!(text, "{params},{},{unique},{loss}", tokens.0);
            }
        }
    }
    let folder = Folder::new().with("repeats.csv", text);
    let law = "kind = \"law\"\nformat = 1\nname = \"x\"\n[constants]\ne = 1.8172\na = 482.01\n\
               b = 2085.43\nalpha = 0.3478\nbeta = 0.3658\n";
    fs::write(folder.path("base.toml"), law).unwrap();
    let flags = ["fit", "repeats.csv", "--form", "data-constrained", "--bootstrap", "100"];
    let own = json(&folder, &[&flags[..], &["--law", "base.toml", "-o", "law.toml"]].concat());
    for (key, known) in [("tokens", decay.tokens), ("params", decay.params)] {
        let own = own["repeats"][key].as_f64().unwrap();
        assert!((own / known - 1.0).abs() < 1e-4, "{key}: {own} for {known}");
    }
    assert_eq!(own["repeats"]["identified"], true);
    assert!((own["worth"][1]["worth"].as_f64().unwrap() - 0.931).abs() < 1e-3, "four epochs");
    // the law of the runs without repeats is held where none is named: nine runs of one pass
    let fresh = json(&folder, &flags);
    assert_eq!(fresh["law"], "of the 9 runs that read their data once");
    let written = fs::read_to_string(folder.path("law.toml")).unwrap();
    assert!(written.contains("[repeats]"), "{written}");
    let budget = json(
        &folder,
        &["budget", "--flops", "1e22", "--unique-tokens", "2e10", "--law", "law.toml"],
    );
    assert!(budget["allocation"]["params"].as_f64().unwrap() > 1e9);
    let text = folder.run(&flags).answers().to_owned();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    // a mixture of --where and a column that follows
    let one = json(&folder, &["fit", "repeats.csv", "--where", "epochs<=1", "--bootstrap", "0"]);
    assert_eq!(one["data"]["filtered"], 36);
}

#[test]
fn a_mixture_is_proposed_within_a_plan_s_caps() {
    let plan = "format = 1\n[run]\ntokens = 1e12\n[model]\nparams = 7e9\n[sources]\nweb = { unique_tokens = 3e12 }\n\
                code = { unique_tokens = 40e9, max_epochs = 4 }\nmath = { unique_tokens = 15e9, max_epochs = 4 }\n";
    let folder = Folder::new()
        .with("mixtures.csv", mixtures::table(&mixtures::runs(48, 0.003, 7)))
        .with("plan.toml", plan)
        .with("other.toml", plan.replace("math =", "maths ="));
    let flags = ["fit", "mixtures.csv", "--form", "mixing", "--bootstrap", "50"];
    let free = json(&folder, &flags);
    let capped = json(&folder, &[&flags[..], &["--plan", "plan.toml"]].concat());
    let loss = |own: &Value| own["proposal"]["loss"].as_f64().unwrap();
    assert!(loss(&free) < loss(&capped), "{free} {capped}");
    let share = |name: &str| capped["proposal"]["mixture"][name].as_f64().unwrap();
    assert!(share("code") <= 0.16 + 1e-9 && share("math") <= 0.06 + 1e-9, "{capped}");
    assert!((share("web") + share("code") + share("math") - 1.0).abs() < 1e-9);
    assert_eq!(capped["data"]["columns"]["mixture"], serde_json::json!(["web", "code", "math"]));
    assert!(capped["held_out"]["spearman"].as_f64().unwrap() > 0.9);
    let text = folder.run(&[&flags[..], &["--plan", "plan.toml"]].concat()).answers().to_owned();
    assert!(text.contains("max_epochs") && text.contains("  mixture = { web ="), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    folder
        .run(&[&flags[..], &["--plan", "other.toml"]].concat())
        .fails_with("no source `math`, which the runs mix; did you mean `maths`?");
    folder.run(&[&flags[..], &["--plan", "none.toml"]].concat()).fails_with("none.toml");
}
