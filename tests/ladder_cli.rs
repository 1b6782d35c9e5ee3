//! `llmplan ladder`, and what `fit`, `explain` and `budget` make of what it leaves, as a user meets
//! them.

use serde_json::Value;
use std::fs;

#[path = "support/folder.rs"]
mod folder;

use folder::Folder;

/// A ladder for 1e23 FLOP with 60 simulated outcomes, or with what is said instead.
fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let quick = ["ladder", "--flops", "1e23", "--share", "0.01"];
    let sets = Some("--sets=60").filter(|_| !more.iter().any(|flag| flag.starts_with("--sets")));
    quick.into_iter().chain(sets).chain(more.iter().copied()).collect()
}

fn json(folder: &Folder, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--format", "json"]).collect();
    serde_json::from_str(folder.run(&arguments).answers()).unwrap()
}

/// From the grid to the law: plans that `check` accepts, a manifest, simulated losses in it, the fit,
/// its law file, and a budget under it.
#[test]
fn a_ladder_leads_to_a_law() {
    let folder = Folder::new();
    let run = folder.run(&with(&["-o", "ladder", "--simulate", "--seed", "4"]));
    assert!(run.answers().contains("Law of simulated outcome 4: 35 runs"), "{}", run.out);
    assert!(run.err.contains("wrote 35 plans and manifest.csv into ladder"), "{}", run.err);
    let checked = folder.run(&["check", "ladder", "--fail-on", "warning"]);
    assert_eq!(checked.code, Some(0), "{}", checked.out);
    let arguments =
        ["fit", "ladder/manifest.csv", "--flops", "1e23", "--bootstrap", "100", "-o", "law.toml"];
    let fitted = json(&folder, &arguments);
    assert_eq!(fitted["data"]["fitted"], 35);
    let budget = json(&folder, &["budget", "--flops", "1e23", "--law", "law.toml"]);
    let allocation = &budget["allocation"];
    let [own, there] = [&allocation["params"], &fitted["optimum"]["params"]];
    assert!((own.as_f64().unwrap() / there.as_f64().unwrap() - 1.0).abs() < 1e-9);
    assert!(allocation["params_80"][0].as_f64() < own.as_f64());
    let explained = folder.run(&["explain", "law.toml"]);
    let text = explained.answers();
    for part in
        ["law, from a law file", "from the 100 draws of the file", "35 runs", "manifest.csv"]
    {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(!text.contains("1970"), "{text}");
    let regret = json(&folder, &["budget", "--flops", "1e23", "--law", "law.toml", "--regret"]);
    let choices = regret["regret"].as_array().unwrap();
    assert!(choices.iter().any(|one| one["choice"] == "law"), "{regret}");
    let judged = choices[0]["under"].as_array().unwrap();
    assert!(judged.iter().any(|one| one["truth"] == "law"), "{judged:?}");
}

/// The manifest that waits for losses is told row by row.
#[test]
fn an_unfilled_manifest_says_what_to_fill_in() {
    let folder = Folder::new();
    folder.run(&with(&["-o", "ladder"])).answers();
    let run = folder.run(&["fit", "ladder/manifest.csv"]);
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("line 2, column 5 (`loss`) is empty"), "{}", run.err);
}

#[test]
fn the_json_has_runs_cost_and_what_is_predicted() {
    let cluster = ["--accelerator", "h100-sxm", "--mfu", "0.4", "--usd-per-accelerator-hour", "2"];
    let json = json(&Folder::new(), &with(&cluster));
    assert_eq!(json["runs"].as_array().unwrap().len(), 35);
    let run = &json["runs"][0];
    let flops = 6.0 * run["params"].as_f64().unwrap() * run["tokens"].as_f64().unwrap();
    assert!((flops / run["flops"].as_f64().unwrap() - 1.0).abs() < 1e-12);
    assert!((json["share"].as_f64().unwrap() / 0.01 - 1.0).abs() < 1e-3);
    let hours = json["accelerator_hours"].as_f64().unwrap();
    assert!((json["usd"].as_f64().unwrap() / hours - 2.0).abs() < 1e-9);
    let predicted = &json["predicted"];
    let best = json["target"]["params"].as_f64().unwrap();
    assert!(predicted["params_80"][0].as_f64().unwrap() < best);
    assert!(predicted["params_80"][1].as_f64().unwrap() > best);
    assert!(predicted["coverage"]["params"]["held"].as_f64().unwrap() > 0.5);
    assert!(json["others"].as_array().unwrap().len() > 4);
}

#[test]
fn the_text_fits_the_terminal() {
    let folder = Folder::new();
    for more in [&[][..], &["--sets=0"], &["--accelerator", "h100-sxm", "--mfu", "0.4"]] {
        let run = folder.run(&with(more));
        let text = run.answers();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}

/// Target and share come from a plan; the share is its reserve.
#[test]
fn a_plan_brings_target_and_share() {
    let plan = "format = 1\n[budget]\nflops = 1e23\nreserve = 0.05\n[law]\nname = \"chinchilla\"\n";
    let folder = Folder::new().with("plan.toml", plan);
    let own = json(&folder, &["ladder", "plan.toml", "--sets=0"]);
    assert!((own["target"]["flops"].as_f64().unwrap() / 0.95e23 - 1.0).abs() < 1e-9, "{own}");
    assert!((own["flops"].as_f64().unwrap() / 5e21 - 1.0).abs() < 1e-3);
    let less = json(&folder, &["ladder", "plan.toml", "--sets=0", "--share", "0.01"]);
    assert!((less["flops"].as_f64().unwrap() / 1e21 - 1.0).abs() < 1e-3);
    let piped = folder.run_with(&["ladder", "-", "--sets=0"], plan.as_bytes());
    assert!(piped.answers().contains("35 runs"));
}

/// Nothing is replaced without --force, and nothing is written where something would be.
#[test]
fn existing_files_need_force() {
    let folder = Folder::new().with("ladder/b03-s02.toml", "mine");
    let run = folder.run(&with(&["-o", "ladder", "--sets=0"]));
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("b03-s02.toml exists; --force replaces it"), "{}", run.err);
    assert_eq!(fs::read_dir(folder.path("ladder")).unwrap().count(), 1);
    folder.run(&with(&["-o", "ladder", "--sets=0", "--force"])).answers();
    assert_eq!(fs::read_dir(folder.path("ladder")).unwrap().count(), 36);
    let file = Folder::new().with("ladder", "a file");
    let run = file.run(&with(&["-o", "ladder", "--sets=0"]));
    assert!(run.err.contains("needs a folder"), "{}", run.err);
}

#[test]
fn bad_input_is_told() {
    let folder = Folder::new()
        .with("broken.toml", "format = 1\n[budget]\nflop = 1e23\n")
        .with("no-law.toml", "kind = \"law\"\nformat = 1\nname = \"x\"\n")
        .with("empty.toml", "format = 1\n");
    let cases: [(&[&str], &str); 14] = [
        (&["ladder"], "give the target as `--flops 1e23`"),
        (&["ladder", "empty.toml"], "give the target as `--flops 1e23`"),
        (&["ladder", "broken.toml"], "did you mean `flops`?"),
        (&["ladder", "missing.toml"], "cannot read missing.toml"),
        (&["ladder", "--days", "10"], "is missing"),
        (&["ladder", "--flops", "1e23", "--share", "0"], "--share is 0"),
        (&["ladder", "--flops", "1e23", "--share", "1.5"], "share"),
        (&["ladder", "--flops", "1e23", "--budgets", "1"], "--budgets is 1; write 2 to 100"),
        (&["ladder", "--flops", "1e23", "--span", "nan"], "--span is NaN"),
        (&["ladder", "--flops", "1e23", "--reach", "1"], "--reach is 1"),
        (&["ladder", "--flops", "1e23", "--law", "rule-20"], "`rule-20` has no loss"),
        (&["ladder", "--flops", "1e23", "--law", "no-law.toml"], "--law"),
        (&["ladder", "--flops", "1e16", "--share", "0.001"], "--span and --reach move the sizes"),
        (&["ladder", "--flops", "1e23", "--plot", "x.png"], "x.svg"),
    ];
    for (arguments, part) in cases {
        folder.run(arguments).fails_with(part);
    }
    folder
        .run(&["explain", "empty.toml"])
        .fails_with("empty.toml is no law file; a law file begins with");
}

/// Pictures are SVG, and the same twice; a fit has its three panels.
#[test]
fn pictures_are_svg() {
    let folder = Folder::new();
    let draw = || folder.run(&with(&["--plot", "-"])).answers().to_owned();
    let picture = draw();
    assert!(picture.starts_with("<svg width=\"900\" height=\"460\""), "{}", &picture[..80]);
    assert_eq!(picture, draw());
    folder.run(&with(&["-o", "ladder", "--simulate", "--sets=0"])).answers();
    let run = folder.run(&["fit", "ladder/manifest.csv", "--bootstrap", "60", "--plot", "fit.svg"]);
    assert!(run.err.contains("wrote fit.svg"), "{}", run.err);
    let picture = fs::read_to_string(folder.path("fit.svg")).unwrap();
    for part in ["IsoFLOP", "80 % interval", "Residuals of 35 runs", "<polygon", "<circle"] {
        assert!(picture.contains(part), "{part}");
    }
    let run = folder.run(&["fit", "ladder/manifest.csv", "--plot", "fit.svg"]);
    assert!(run.err.contains("fit.svg exists"), "{}", run.err);
}

/// `fit --roll-out` and `--coverage` tell what they are asked.
#[test]
fn a_fit_tells_of_its_roll_out_and_its_coverage() {
    let folder = Folder::new();
    folder.run(&with(&["-o", "ladder", "--simulate", "--sets=0"])).answers();
    let fit = ["fit", "ladder/manifest.csv", "--bootstrap", "100", "--flops", "1e22"];
    let plain = json(&folder, &fit);
    let asked = json(&folder, &[&fit[..], &["--roll-out", "--coverage=60"]].concat());
    let steps = asked["roll_out"]["steps"].as_array().unwrap();
    assert!(steps.len() >= 2 && steps[0]["rows"] == 28, "{steps:?}");
    assert!(steps[0]["log_rms"].as_f64().unwrap() < 0.02);
    let coverage = &asked["coverage"];
    assert_eq!(coverage["sets"], 60);
    let times = coverage["params"]["widened"].as_f64().unwrap();
    let width = |json: &Value| {
        let [low, high] = [0, 1].map(|end| json["optimum"]["params_80"][end].as_f64().unwrap());
        libm::log(high / low)
    };
    assert!((width(&asked) / width(&plain) - times).abs() < 1e-9);
    let run = folder.run(&[&fit[..], &["--coverage", "--bootstrap", "0"]].concat());
    assert_eq!(run.code, Some(2));
}
