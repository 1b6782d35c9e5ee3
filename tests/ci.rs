//! `ci/check-changed`, which `action.yml` runs, in a git repository of its own.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const GOOD: &str = "format = 1\n[budget]\nflops = 1e21\n";
const BAD: &str =
    "format = 1\n[budget]\nflops = 1e21\n[model]\nparams = 13e9\n[run]\ntokens = 7.7e12\n";

fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]);
    let output = command.args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn commit(folder: &Path) -> String {
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--message", "plans"]);
    git(folder, &["rev-parse", "HEAD"])
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
    fs::write(folder.join(name), text).unwrap();
}

/// Runs the script; what it prints and the job's summary.
fn script(folder: &Path, settings: &[(&str, &str)]) -> (Output, String) {
    let summary = folder.with_extension("summary");
    let _ = fs::remove_file(&summary);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("ci/check-changed");
    let mut command = Command::new("bash");
    command.arg(script).current_dir(folder).env("LLMPLAN", env!("CARGO_BIN_EXE_llmplan"));
    command.env("GITHUB_STEP_SUMMARY", &summary).envs(settings.iter().copied());
    let output = command.output().unwrap();
    (output, fs::read_to_string(&summary).unwrap_or_default())
}

#[test]
fn what_a_change_touches_is_checked_and_compared() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = &temporary.path().join("repository");
    fs::create_dir(folder).unwrap();
    git(folder, &["init", "--quiet"]);
    write(folder, "plans/old and bad.toml", BAD);
    write(folder, "plans/good.toml", GOOD);
    let base = commit(folder);
    write(folder, "plans/good.toml", &GOOD.replace("1e21", "2e21"));
    write(folder, "plans/new, bad.toml", BAD);
    write(folder, "notes.md", "no plan\n");
    commit(folder);

    let (output, summary) = script(folder, &[("BASE", &base)]);
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{out}");
    assert!(out.contains("file=plans/new%2C bad.toml,") && !out.contains("old and bad"), "{out}");
    assert!(
        summary.contains("2 plans: ") && summary.contains("`plans/new, bad.toml:5`"),
        "{summary}"
    );
    assert!(summary.contains("## base/plans/good.toml to head/plans/good.toml"), "{summary}");
    assert!(summary.contains("| flops | 1e21 FLOP | 2e21 FLOP | x 2.00 |"), "{summary}");

    let (output, _) = script(folder, &[("BASE", &base), ("FAIL_ON", "never")]);
    assert_eq!(output.status.code(), Some(0));
    // without a commit to compare with, and on the first push of a branch, all plans are checked
    for base in ["", "0000000000000000000000000000000000000000"] {
        let (output, summary) = script(folder, &[("BASE", base)]);
        assert_eq!(output.status.code(), Some(1), "{base}");
        assert!(summary.contains("3 plans: "), "{base}: {summary}");
    }
    let head = git(folder, &["rev-parse", "HEAD"]);
    let (output, summary) = script(folder, &[("BASE", &head)]);
    assert_eq!((output.status.code(), summary.contains("No plan changed")), (Some(0), true));
}

#[test]
fn another_policy_has_all_plans_checked_and_old_faults_can_be_left() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = &temporary.path().join("repository");
    fs::create_dir(folder).unwrap();
    git(folder, &["init", "--quiet"]);
    write(folder, "plans/bad.toml", BAD);
    write(folder, "plans/good.toml", GOOD);
    let base = commit(folder);
    write(folder, "llmplan.toml", "limits.flops = 1e20\n");
    write(folder, "plans/bad.toml", &format!("# a word\n{BAD}"));
    commit(folder);
    let sarif = folder.with_extension("sarif");
    let path = sarif.display().to_string();
    let (output, summary) = script(folder, &[("BASE", &base), ("SARIF", &path)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(summary.contains("2 plans: ") && summary.contains("over-house-limit"), "{summary}");
    assert!(fs::read_to_string(sarif).unwrap().contains("\"2.1.0\""));
    git(folder, &["rm", "--quiet", "llmplan.toml"]);
    commit(folder);
    let (output, summary) = script(folder, &[("BASE", &base), ("ONLY_WORSE", "true")]);
    assert_eq!(output.status.code(), Some(0), "{summary}");
    assert!(summary.contains("as before"), "{summary}");
}
