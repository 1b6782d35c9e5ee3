//! The published runs of `plans/published`: each says where its facts are from, and `check` finds
//! nothing in it but what the plan allows with a verdict. docs/published-runs.md lists all of it,
//! and the mistakes of published figures; `LLMPLAN_REGENERATE=1` writes it anew.

#[path = "published/hours.rs"]
mod hours;

use plan::check::{Checked, Finding, Level, Settings, check_under, find};
use plan::file::{Document, read};
use plan::plan::Inputs;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// How the reason of an allowance starts where the finding is wrong of the run.
const FALSE: &str = "false: ";

/// Mistakes of published figures that one plan can state: what, the rule that finds it, the plan.
const MISTAKES: &[(&str, &str, &str)] = &[
    (
        "DeepSeek-V2: 172,800 hours, which are those of one of 8.1 T tokens",
        "reported-compute-impossible",
        "deepseek-v2",
    ),
    (
        "FLAN 137B: the FLOPs of the base model, the hours of the tuning",
        "reported-compute-impossible",
        "flan-137b",
    ),
    ("LLaVA: the same", "reported-compute-impossible", "llava-13b"),
    (
        "Flan-PaLM, OPT-IML, U-PaLM, Minerva: the same, by 133, 42, 42 and 3.9 times the peak",
        "reported-compute-impossible",
        "minerva-540b",
    ),
    (
        "LaMDA: the tokens of its corpus for those it was trained on",
        "reported-compute-impossible",
        "lamda-corpus",
    ),
    (
        "Llama 3.3 70B: 12.9 t for 7.0 M hours, 2.6 g/kWh",
        "reported-figures-disagree",
        "llama-3.3-70b",
    ),
    (
        "GPT-NeoX-20B: the emissions of all tests over the energy of the run, 722 g/kWh",
        "reported-figures-disagree",
        "gpt-neox-20b",
    ),
    (
        "Nemotron-4 15B: an MFU of 30.5 %, 21 % by the devices that are named",
        "reported-figures-disagree",
        "nemotron-4-15b",
    ),
    ("Phi-1.5: 1,500 hours, or 8 days on 32 devices", "reported-figures-disagree", "phi-1.5"),
    ("OPT-175B: an HFU printed as utilisation", "reported-figures-disagree", "opt-175b"),
    ("Phi-1.5: a whole run at 69 %", "whole-run-above-published", "phi-1.5"),
    ("Phi-2: a whole run at 62.6 %", "whole-run-above-published", "phi-2"),
    ("MPT-30B: 11.6 days on 512 H100, an estimate", "whole-run-above-published", "mpt-30b"),
    ("PaLM: 585 B words for 780 B tokens", "stages-contradict-tokens", "palm-words"),
    ("Amber: rows of data that do not sum to the printed total", "weights-normalised", "amber"),
];

/// Mistakes that no single plan can state, and why.
const NOT_EXPRESSED: &[(&str, &str)] = &[
    (
        "Falcon-180B: 17.7 M hours in a table, which are 6 months times 4,096 devices",
        "they come to a possible 19 %; that they are a guess stands in no figure, and Falcon's own hours are not published",
    ),
    (
        "GPT-3 2.7B and 13B: batches of 2 M and 1 M tokens, swapped",
        "each batch is possible; the mistake is in the order of two plans",
    ),
    (
        "Llama 2's tokens as 1.5 T words, without steps or batches",
        "beside 8.1e23 FLOP they come to 1.3 times 6ND, as much as recomputation; with steps the words are found, as PaLM's are",
    ),
    (
        "Llama 2's card: a total of 3,311,616 hours over rows that sum to 2,273,280",
        "the difference is a model that was not released: rows of several runs, not one plan",
    ),
    (
        "Llama 3.2's card: 916 thousand hours in the text, 833 and 86 thousand in the table",
        "a sum over several runs",
    ),
    (
        "Pythia 1B: a learning rate of 3.0e-4 in the README, 2.5e-4 in the configuration",
        "two documents on one value; a plan states one of them",
    ),
    (
        "gpt-oss-120b: 2.1 M hours for 5.1 B parameters at work",
        "its tokens are not published, so nothing follows from its hours",
    ),
    (
        "Llama 3.2 1B and 3B, Llama 3 8B: 5 to 16 % of the peak",
        "low, not wrong: the hours are of distillation and of a model's whole life, and there is no least utilisation",
    ),
    (
        "Default configurations of a library that are not those of the checkpoint they name",
        "a shape is compared with the stated parameters (`params-contradict-shape`), not with a checkpoint",
    ),
];

/// What a plan must verify, with a real plan that breaks it.
const CHECKS: &[(&str, &str, &str)] = &[
    ("Weights are shares that sum to 1", "weights-normalised", "smollm3"),
    ("Stages follow each other and fit into the run", "stages-exceed-run", "apertus-70b-comments"),
    (
        "Tokens of a stage are its steps times its batches",
        "stages-contradict-tokens",
        "apertus-70b-last-iteration",
    ),
    ("Passes over a source, over all stages", "repeats-past-four-epochs", "phi-4"),
    ("The longest run where a source is short", "source-exhausted", "phi-4-once"),
    ("Passes that are printed are those of the weights", "source-exhausted", "gpt3-printed-epochs"),
    ("The learning rate goes on at a hand-off", "learning-rate-break", "olmo2-13b-learning-rate"),
    ("The decay is the last stage", "anneal-outside-decay", "apertus-70b-comments"),
    ("The mix is as long as the run", "tokens-contradict-epochs", "dolmino100"),
    ("A stage has one duration", "invalid-plan", "olmo3-two-durations"),
    ("Longer sequences: the batch stays", "batch-tokens-change", "olmo3-7b"),
    ("Longer sequences: the base of the positions grows", "rope-base-falls", "extensions-swapped"),
    ("A source's share makes a sample of a block", "below-granularity", "smollm3-decay"),
    ("Units: epochs are no tokens", "invalid-plan", "olmo-max-duration"),
    ("Units: words are no tokens", "stages-contradict-tokens", "palm-words"),
    ("The layout has as many devices as the cluster", "invalid-plan", "layout-nemotron-4-15b"),
    ("Far from the optimum is a warning", "far-from-optimal", "gpt-3"),
    ("and an error where the plan claims to be at it", "not-compute-optimal", "gpt-3"),
];

/// A published run with what is found in it.
struct Published {
    path: PathBuf,
    document: Document,
    checked: Checked,
}

impl Published {
    fn name(&self) -> &str {
        self.document.chosen.name.as_deref().unwrap_or_default()
    }

    /// The lines of its first comment, as one text.
    fn comment(&self) -> String {
        let lines = self.document.text.lines().map_while(|line| line.strip_prefix("# "));
        lines.collect::<Vec<_>>().join(" ")
    }

    fn source(&self) -> Option<String> {
        let comment = self.comment();
        let (_, source) = comment.split_once("Source: ")?;
        Some(source.trim_end_matches('.').to_owned())
    }

    /// Its findings with the verdict on each, in the order of the rules' names.
    fn findings(&self) -> Vec<(&Finding, &str)> {
        let allowed = self.checked.allowed.iter().map(|(finding, why)| (finding, why.as_str()));
        let mut findings: Vec<_> = allowed.collect();
        findings.sort_by_key(|(finding, _)| finding.rule);
        findings
    }
}

static RUNS: LazyLock<Vec<Published>> = LazyLock::new(|| {
    let entries = fs::read_dir(root().join("plans/published")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let runs = paths.into_iter().map(|path| {
        let bytes = fs::read(&path).unwrap();
        let document = read(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Published { checked: strictly(&bytes), path, document }
    });
    runs.collect()
});

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn published_runs_are_many_and_named_like_their_files() {
    assert!(RUNS.len() >= 60, "{} runs", RUNS.len());
    let names: BTreeSet<&str> = RUNS.iter().map(Published::name).collect();
    assert_eq!(names.len(), RUNS.len());
    for run in RUNS.iter() {
        let stem = run.path.file_stem().and_then(|stem| stem.to_str());
        assert_eq!(Some(run.name()), stem);
    }
}

#[test]
fn published_runs_say_where_their_facts_are_from() {
    let place = ["arXiv:", "https://", "/", "report"];
    for run in RUNS.iter() {
        let source = run.source().unwrap_or_else(|| panic!("{}: no source", run.name()));
        assert!(place.iter().any(|word| source.contains(word)), "{}: {source}", run.name());
        for table in run.document.text.split("\n\n").skip(1) {
            let commented = table.starts_with("[[allow]]") || table.contains('#');
            assert!(commented, "{}: no source in\n{table}", run.name());
        }
    }
}

/// A run that is judged by nothing would prove nothing.
#[test]
fn published_runs_state_size_and_tokens_and_many_their_hours() {
    for run in RUNS.iter() {
        let chosen = &run.document.chosen;
        assert!(chosen.model.params.is_some() && chosen.run.tokens.is_some(), "{}", run.name());
    }
    let count = |stated: fn(&Published) -> bool| RUNS.iter().filter(|run| stated(run)).count();
    let hours = count(|run| {
        let reported = &run.document.chosen.reported;
        reported.accelerator_hours.is_some() || reported.days.is_some()
    });
    let flops = count(|run| run.document.chosen.reported.flops.is_some());
    let shapes = count(|run| run.document.chosen.model.name.is_some());
    assert!(hours >= 30 && flops >= 15 && shapes >= 30, "{hours} {flops} {shapes}");
}

#[test]
fn check_finds_nothing_but_what_has_a_verdict() {
    for run in RUNS.iter() {
        let left: Vec<_> = run.checked.findings.iter().map(|f| (f.rule, &f.message)).collect();
        assert!(run.checked.readable && left.is_empty(), "{}: {left:?}", run.path.display());
    }
}

/// Every finding in the published runs with its level: an error that is false of a sound run, or
/// more than one false warning in ten runs, is a fault of the rule.
#[test]
fn few_findings_are_false() {
    let all = RUNS.iter().flat_map(Published::findings);
    let wrong: Vec<_> = all.filter(|(_, why)| why.starts_with(FALSE)).collect();
    assert!(wrong.iter().all(|(finding, _)| finding.level < Level::Error), "{wrong:?}");
    assert!(wrong.len() * 10 <= RUNS.len(), "{} false warnings: {wrong:?}", wrong.len());
}

/// Picky rules are looked at too.
fn strictly(bytes: &[u8]) -> Checked {
    let settings = Settings { strict: true, ..Settings::default() };
    check_under(&settings, bytes, |_| Inputs::new())
}

#[test]
fn mistakes_and_checks_have_failing_plans() {
    for (what, rule, plan) in MISTAKES.iter().chain(CHECKS) {
        let path = root().join(format!("tests/plans/fail/{rule}/{plan}.toml"));
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let found = strictly(&bytes).findings.iter().any(|finding| finding.rule == *rule);
        assert!(found, "{what}: {}", path.display());
    }
}

#[test]
fn the_page_of_published_runs_is_current() {
    let (path, page) = (root().join("docs/published-runs.md"), page());
    if std::env::var_os("LLMPLAN_REGENERATE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == page, "renew docs/published-runs.md with LLMPLAN_REGENERATE=1");
}

/// The page: every finding with its verdict, the mistakes, the checks, and the sources.
fn page() -> String {
    let findings = RUNS.iter().map(|run| run.findings());
    let (mut rows, mut errors, mut wrong, mut total) = (String::new(), 0, 0, 0);
    for (run, findings) in RUNS.iter().zip(findings) {
        for (finding, why) in findings {
            total += 1;
            errors += usize::from(finding.level == Level::Error);
            let (verdict, why) = match why.strip_prefix(FALSE) {
                Some(why) => ("false", why),
                None => ("true", why),
            };
            wrong += usize::from(verdict == "false");
            let (name, level, rule) = (run.name(), finding.level, finding.rule);
            let _ = writeln!(
                rows,
                "| [{name}](../plans/published/{name}.toml) | {level} | [{rule}](rules/{rule}.md) | \
                 {} | {verdict}: {why} |",
                cell(&finding.message)
            );
        }
    }
    let runs = RUNS.len();
    let clean = RUNS.iter().filter(|run| run.checked.allowed.is_empty()).count();
    let mut page = format!(
        "# What check finds in published runs\n\n\
         [plans/published](../plans/published) holds {runs} published training runs as plans: what their papers, cards and\n\
         configurations say, and nothing that was only remembered. `llmplan check --strict` runs over all of them in CI, and this page is\n\
         written by the same test (tests/published.rs).\n\n\
         It finds nothing in {clean} of them, and {total} things in the others. {} of these are warnings.\n\
         Errors: {errors}. False of the run: {wrong}.\n\
         Each plan allows its findings with the verdict that stands here.\n\n\
         ## Findings\n\n\
         | run | level | rule | what is found | verdict |\n|---|---|---|---|---|\n{rows}",
        total - errors
    );
    page += "\n## Mistakes of published figures\n\nEach is a plan that `check` refuses or warns of, and must.\n\n\
             | mistake | rule | plan |\n|---|---|---|\n";
    page += &fixtures(MISTAKES);
    page += "\nThese cannot be stated in one plan:\n\n| mistake | why |\n|---|---|\n";
    for (what, why) in NOT_EXPRESSED {
        let _ = writeln!(page, "| {what} | {why} |");
    }
    page += "\n## What a plan must keep, and a real one that does not\n\n| what | rule | plan |\n|---|---|---|\n";
    page += &fixtures(CHECKS);
    page += "\n## Sources\n\nValues that a second source quotes are named with both.\n\n| run | source |\n|---|---|\n";
    for run in RUNS.iter() {
        let source = run.source().unwrap_or_default();
        let _ = writeln!(page, "| {} | {} |", run.name(), cell(&source));
    }
    page
}

fn fixtures(rows: &[(&str, &str, &str)]) -> String {
    rows.iter().fold(String::new(), |mut text, (what, rule, plan)| {
        assert!(find(rule).is_some(), "{rule}");
        let path = format!("tests/plans/fail/{rule}/{plan}.toml");
        let _ = writeln!(text, "| {what} | [{rule}](rules/{rule}.md) | [{plan}](../{path}) |");
        text
    })
}

/// Text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// FLOPs, devices times hours, and peak of the runs that the catalogue takes as the best: the
/// facts are those of its sources.
#[test]
fn the_best_whole_runs_are_what_their_facts_give() {
    let six_n_d = |params: f64, tokens: f64| 6.0 * params * tokens;
    for (name, flops, hours) in [
        ("a100-sxm-40gb", six_n_d(1.1e9, 3e12), 16.0 * 90.0 * 24.0),
        ("a100-sxm-80gb", six_n_d(1.1e9, 3e12), 16.0 * 90.0 * 24.0),
        ("a800", six_n_d(13e9, 3.18e12), 512.0 * 39.0 * 24.0),
        ("h100-sxm", six_n_d(405e9, 15.6e12), 30.84e6),
        ("tpu-v3", 3.55e23, 1024.0 * 57.7 * 24.0),
        ("tpu-v4", six_n_d(540.35e9, 780e9), 6144.0 * 1200.0 + 3072.0 * 336.0),
    ] {
        let accelerator = plan::hardware::catalogue().find(name).unwrap();
        let used = flops / (hours * 3600.0 * accelerator.peak_flops.0);
        let best = accelerator.best_run.unwrap();
        assert!((used / best - 1.0).abs() < 5e-3, "{name}: {used} is not {best}");
        assert!(accelerator.best_mfu.is_none_or(|benchmark| best < benchmark), "{name}");
    }
    for accelerator in plan::hardware::catalogue().iter() {
        let (best, source) = (accelerator.best_run, &accelerator.best_run_source);
        assert_eq!(best.is_some(), source.is_some(), "{}", accelerator.name);
    }
}
