//! Checkpoints, failures, evaluations and goodput, and what a house holds a run to.

#[path = "support/folder.rs"]
mod folder;

use folder::Folder;
use plan::file::read;
use plan::operations::PUBLISHED_GOODPUT;
use serde_json::Value;

fn near(own: f64, printed: f64, within: f64) {
    assert!((own / printed - 1.0).abs() < within, "{own} where {printed} is printed");
}

/// BLOOM as it was planned: 384 A100s, 366 B tokens, a save of 40 s every 250 steps.
const BLOOM: &str = include_str!("plans/fail/checkpoints-ignore-failures/bloom-at-first.toml");

fn operations(text: &str) -> Value {
    let folder = Folder::new().with("plan.toml", text);
    let run = folder.run(&["plan", "plan.toml", "--only", "operations", "--format", "json"]);
    serde_json::from_str::<Value>(run.answers()).unwrap()["operations"].clone()
}

/// Its log: 100 steps are 3 h, a checkpoint has 2.3 TB, in units of 1024, and saving takes 40 s
/// (bigscience-workshop/bigscience, train/tr11-176B-ml/chronicles.md).
#[test]
fn blooms_checkpoints_are_its_logs() {
    let own = operations(BLOOM);
    let number = |key: &str| own[key].as_f64().unwrap_or_else(|| panic!("{key} in {own}"));
    near(number("checkpoint_every_seconds") / 2.5, 3.0 * 3600.0, 0.02);
    near(number("checkpoint_bytes") / 1_099_511_627_776.0, 2.3, 0.03);
    // without the key, its time follows from the bytes and the devices
    let free = operations(&BLOOM.replace("checkpoint_seconds = 40\n", ""));
    near(
        free["best_checkpoint_seconds"].as_f64().unwrap(),
        number("best_checkpoint_seconds"),
        0.02,
    );
    // more and fewer: both cost more than the best, and the best is best
    let best = operations(&BLOOM.replace("checkpoint_every_steps = 250\n", ""));
    let share = |key: &str| best[key].as_f64().unwrap();
    let most = share("effective_time");
    assert!(share("effective_time_twice_as_often") < most);
    assert!(share("effective_time_half_as_often") < most);
    near(share("best_effective_time"), most, 1e-9);
}

/// A run of 87,262 steps is evaluated every 1,000, at a third of the cost of training on 10 M tokens.
#[test]
fn evaluations_cost_what_they_read() {
    let own = operations(BLOOM);
    assert_eq!(own["evaluate_every_steps"].as_f64(), Some(1000.0));
    assert_eq!(own["evaluations"].as_f64(), Some(87.0));
    near(own["evaluation_time"].as_f64().unwrap(), 87.0 * 10e6 / 3.0 / 366e9, 1e-3);
    let timed = BLOOM.to_owned() + "evaluation_seconds = 600\nevaluate_every_steps = 500\n";
    let own = operations(&timed);
    let seconds = own["checkpoint_every_seconds"].as_f64().unwrap() / 250.0;
    let whole = 174.0 * 600.0 / (174.0 * 600.0 + 87_262.0 * seconds);
    near(own["evaluation_time"].as_f64().unwrap(), whole, 1e-3);
}

/// The law's own losses: stopping a tenth early costs more than a tenth more brings.
#[test]
fn the_gain_of_further_tokens_falls() {
    let own = operations(BLOOM);
    let number = |key: &str| own[key].as_f64().unwrap();
    // Besiroglu et al. 2024: B/D^beta alone depends on D
    let term = |share: f64| 2085.43 / libm::pow(share * 366e9_f64, 0.3658);
    near(number("last_tenth_nats"), term(0.9) - term(1.0), 2e-3);
    near(number("next_tenth_nats"), term(1.0) - term(1.1), 2e-3);
    near(number("last_percent_nats"), term(0.99) - term(1.0), 2e-3);
    assert!(number("last_tenth_nats") > number("next_tenth_nats"));
}

/// 6ND over all hours beside the MFU that is printed, where `plans/published` has both.
#[test]
fn published_goodput_is_that_of_the_published_plans() {
    let plans = [
        ("PaLM 540B", include_str!("../plans/published/palm-540b.toml")),
        ("GLM-130B", include_str!("../plans/published/glm-130b.toml")),
        ("Granite 13B", include_str!("../plans/published/granite-13b.toml")),
        ("Skywork 13B", include_str!("../plans/published/skywork-13b.toml")),
        ("Llama 3.1 405B", include_str!("../plans/published/llama-3.1-405b.toml")),
        ("TinyLlama", include_str!("../plans/published/tinyllama-1.1b.toml")),
    ];
    for ((name, share, _), (of, text)) in PUBLISHED_GOODPUT.iter().zip(plans) {
        assert_eq!(*name, of);
        let chosen = read(text.as_bytes()).unwrap().chosen;
        let accelerator = chosen.cluster.accelerator.unwrap();
        let peak = plan::hardware::catalogue().find(&accelerator).unwrap().peak_flops.0;
        let by_days = || chosen.reported.days.unwrap().0 * 24.0 * chosen.cluster.devices.unwrap().0;
        let hours = chosen.reported.accelerator_hours.map_or_else(by_days, |hours| hours.0);
        let six = 6.0 * chosen.model.params.unwrap().0 * chosen.run.tokens.unwrap().0;
        // Llama 3's paper prints 38 to 43 %, 41 % for most of its run
        let mfu = chosen.reported.mfu.map_or(0.41, |mfu| mfu.0);
        let own = six / (hours * 3600.0 * peak) / mfu;
        assert!((own - share).abs() < 0.015, "{name}: {own}, not {share}");
    }
}

/// Carbon over a cap, and a cap that cannot be held against a plan without a grid.
#[test]
fn carbon_is_held_to_the_house() {
    let plan = BLOOM.replace("[operations]", "[site]\ngrid = \"pl\"\n[operations]");
    let house = "[limits]\ntonnes_co2e = 100\n";
    let check = |plan: &str| {
        let folder = Folder::new().with("plan.toml", plan).with("llmplan.toml", house);
        folder.run(&["check", "plan.toml"])
    };
    let over = check(&plan);
    assert!(over.out.contains("over-house-limit"), "{over:?}");
    assert!(over.out.contains("times `limits.tonnes_co2e`"), "{over:?}");
    let clean = check(&plan.replace("\"pl\"", "\"se\""));
    assert!(!clean.out.contains("house-limit"), "{clean:?}");
    let unknown = check(BLOOM);
    assert!(unknown.out.contains("house-limit-not-checked"), "{unknown:?}");
    assert!(unknown.out.contains("site.grid"), "{unknown:?}");
}

/// Failure rates that cannot be are refused under their caret.
#[test]
fn bad_failure_rates_are_refused() {
    for (setting, said) in [
        ("accelerator_hours_between_failures = 0\n", "from 1e-6"),
        ("accelerator_hours_between_failures = -5\n", "from 1e-6"),
        ("accelerator_hours_between_failures = nan\n", "nan"),
        ("restart_seconds = 0\n", "from 1e-9"),
        ("keep_checkpoints = -1\n", "-1"),
        ("evaluation_tokens = 0\n", "from 1000"),
    ] {
        let folder = Folder::new().with("plan.toml", format!("{BLOOM}{setting}"));
        let run = folder.run(&["plan", "plan.toml"]);
        let line = BLOOM.lines().count() + 1;
        run.fails_with(&format!("plan.toml:{line}:"));
        assert!(run.err.contains(said) && run.err.contains('^'), "{setting}: {}", run.err);
    }
}
