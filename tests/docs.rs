//! The console blocks of the README and the documentation are run, and the generated files are
//! current. `TRYCMD=overwrite` renews the blocks, `LLMPLAN_REGENERATE=1` the generated files.

use plan::check::{Family, Level, RULES};
use std::fmt::Write as _;
use std::path::Path;

#[path = "support/mixtures.rs"]
mod mixtures;
#[path = "support/simulate.rs"]
mod simulate;

#[test]
fn console_blocks_show_what_happens() {
    trycmd::TestCases::new().case("README.md").case("docs/*.md").run();
}

#[test]
fn the_schema_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("llmplan.schema.json");
    let schema = serde_json::to_string_pretty(&plan::file::schema()).unwrap() + "\n";
    if std::env::var_os("LLMPLAN_REGENERATE").is_some() {
        std::fs::write(&path, &schema).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == schema, "renew llmplan.schema.json with LLMPLAN_REGENERATE=1");
}

#[test]
fn the_index_of_rules_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules/README.md");
    let index = index_of_rules();
    if std::env::var_os("LLMPLAN_REGENERATE").is_some() {
        std::fs::write(&path, &index).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == index, "renew docs/rules/README.md with LLMPLAN_REGENERATE=1");
}

/// Every rule by its family, in the order of the table.
fn index_of_rules() -> String {
    let mut page = format!(
        "# Rules\n\nThe {} rules of `llmplan check`, by family. `llmplan explain ID` prints a page in \
         the terminal; [Plans in CI](../ci.md) says how levels are set.\n\
         A picky rule is in force with `--strict`, or where its own id is set.\n",
        RULES.len()
    );
    for (name, family) in Family::ALL {
        let _ = write!(page, "\n## {name}\n\n| rule | level | finds |\n|---|---|---|\n");
        for rule in RULES.iter().filter(|rule| rule.family == family) {
            let level = if rule.level == Level::Error { "error" } else { "warning" };
            let picky = if rule.strict { ", picky" } else { "" };
            let (id, summary) = (rule.id, rule.summary);
            let _ = writeln!(page, "| [{id}]({id}.md) | {level}{picky} | {summary} |");
        }
    }
    page
}

/// Compares a picture with the committed one, or renews that.
fn is_current(name: &str, svg: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/img");
    let path = folder.join(name).with_extension("svg");
    if std::env::var_os("LLMPLAN_REGENERATE").is_some() {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(&path, svg).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == svg, "renew {} with LLMPLAN_REGENERATE=1", path.display());
}

#[test]
fn pictures_of_mixtures_are_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, plan) in [
        ("the-article-curriculum", "examples/the-article-curriculum.toml"),
        ("smollm3-3b", "plans/smollm3-3b.toml"),
    ] {
        let document = plan::file::read(&std::fs::read(root.join(plan)).unwrap()).unwrap();
        let derivation = plan::derive::derive(&document.chosen).unwrap();
        let answer = plan::report::Answer { chosen: &document.chosen, derivation: &derivation };
        is_current(name, &plan::report::mix_svg(&answer).unwrap());
    }
}

/// Llama 3 8B with FSDP2 on 64 devices, one sequence of 8,192 tokens on each.
#[test]
fn pictures_of_memory_are_current() {
    use plan::layout::{Layout, LayoutKeys, Recompute};
    use plan::memory::{AttentionKernel, LossKernel, Optimizer, Precision, Profile, Setting, step};

    let shape = plan::model::shapes().find("llama-3-8b").unwrap().shape().unwrap();
    for (name, recompute) in [("memory", Recompute::None), ("memory-recompute", Recompute::Full)] {
        let keys = LayoutKeys { recompute: Some(recompute), ..LayoutKeys::default() };
        let setting = Setting {
            layout: Layout::of(&keys, 64).unwrap(),
            sequence: 8192,
            precision: Precision::Bf16,
            optimizer: Optimizer::AdamW,
            attention: AttentionKernel::Sdpa,
            loss: LossKernel::Eager,
            profile: Profile::Eager,
            adapter: None,
            family: None,
        };
        let step = step(&shape, &setting).unwrap();
        is_current(name, &plan::report::memory_picture::svg(&step, None));
    }
}

/// The pictures of the README's commands: a fit to the runs of the examples, and a ladder.
#[test]
fn pictures_of_fits_and_ladders_are_current() {
    use plan::fit::{Exponents, Objective, Settings, fit, read};
    use plan::ladder::{self, Noise, Sets, World, ladder, simulate};
    use plan::quantity::Flops;
    use plan::report::{FitView, LadderView};

    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = Flops(1e23);
    let settings = Settings { target: Some(target), ..Settings::default() };
    let file = std::fs::File::open(root.join("examples/simulated-runs.csv")).unwrap();
    let runs = read(file, &[], &[], 0, settings.k).unwrap();
    let fitted = fit(&runs.runs, &settings).unwrap();
    let view = FitView {
        name: "simulated-runs.csv",
        runs: &runs,
        settings: &settings,
        fit: &fitted,
        roll_out: None,
        coverage: None,
    };
    is_current("fit", &view.svg());

    let law = plan::law::catalogue().find(plan::law::DEFAULT).unwrap();
    let placed = ladder::Settings::new(target, Flops(1e21), law.surface().unwrap());
    let placed = ladder(placed).unwrap();
    let (count, bootstrap) = Sets::USUAL;
    let objective = Objective::LogHuber { delta: Objective::DELTA };
    let (exponents, k) = (Exponents::Two, settings.k);
    let sets = Sets { count, bootstrap, seed: 0, exponents, objective, target, k };
    let runs = ladder::runs(&placed);
    let noise = Noise::Normal(placed.settings.noise);
    let world = World { runs: &runs, law: placed.settings.law, noise };
    let simulation = simulate(&world, &sets, &|| ()).unwrap();
    let (ladder, simulation) = (&placed, Some(&simulation));
    let view = LadderView { ladder, law: &law.name, sets: &sets, simulation, cost: None };
    is_current("ladder", &view.svg());
}

/// The runs of the examples are simulated from the law of Besiroglu et al. 2024.
#[test]
fn the_runs_of_the_examples_are_current() {
    let flops = [1e18, 1e21];
    let grid = simulate::Grid { budgets: 7, sizes: 9, flops, noise: 0.003, wild: 0.0 };
    let text = grid.runs(2024).iter().fold("params,tokens,loss\n".to_owned(), |mut text, run| {
        let _ = writeln!(text, "{:.4e},{:.4e},{:.4}", run.params, run.tokens, run.loss);
        text
    });
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/simulated-runs.csv");
    if std::env::var_os("LLMPLAN_REGENERATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "renew {} with LLMPLAN_REGENERATE=1", path.display());
}

/// The runs over mixtures are simulated from a law that `tests/support/mixtures.rs` has.
#[test]
fn the_mixtures_of_the_examples_are_current() {
    let text = mixtures::table(&mixtures::runs(48, 0.003, 2024));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/simulated-mixtures.csv");
    if std::env::var_os("LLMPLAN_REGENERATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "renew {} with LLMPLAN_REGENERATE=1", path.display());
}

#[test]
fn the_plan_in_the_readme_is_clean() {
    let readme = include_str!("../README.md");
    let plan = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let checked = plan::check::check(plan.as_bytes());
    assert!(checked.readable, "{:?}", checked.findings);
    assert_eq!(checked.findings, []);
    assert_eq!(checked.allowed.len(), 1, "its allowance is used");
}
