//! Learning rate and batch as published laws print them, and beside a plan.

#[path = "support/folder.rs"]
mod folder;

use folder::Folder;
use plan::quantity::{Params, Tokens};
use plan::recipe::{
    Batches, Fall, LearningRates, RECIPE_LAWS, critical_batch, least_warmup_steps, weight_decay,
};
use serde_json::Value;

fn near(own: f64, printed: f64, within: f64) {
    assert!((own / printed - 1.0).abs() < within, "{own} where {printed} is printed");
}

/// 7 B parameters on 1.4 T tokens, as the laws' comparison prints it, to two or three digits.
#[test]
fn laws_give_what_is_printed() {
    let (params, tokens) = (Params(7e9), Tokens(1.4e12));
    for (name, rate, batch) in
        [("step-law", 9.17e-4, 5.0e6), ("porian", 1.17e-3, 5.3e6), ("deepseek", 4.4e-4, 8.2e6)]
    {
        let law = RECIPE_LAWS.iter().find(|law| law.name == name).unwrap();
        near((law.learning_rate)(params, tokens), rate, 0.012);
        near((law.batch)(params, tokens).0, batch, 0.01);
    }
}

/// A cosine from the end of a warm-up, to a tenth of its peak.
fn cosine(peak: f64, warmup: f64, length: f64) -> LearningRates {
    LearningRates { peak, warmup, fall: Fall::Cosine, from: warmup, to: length, floor: 0.1 }
}

/// The 7B of `OLMo` 2 (allenai/OLMo-core): 3e-4, 2,000 steps of warm-up, a cosine to a tenth over 5e12
/// tokens, left at step 928,646 of 4,194,304 tokens; the second stage begins at 6.1499e-5.
#[test]
fn olmo_2_hands_over_its_learning_rate() {
    let batch = 4_194_304.0;
    let left = cosine(3e-4, 2000.0 * batch, 5e12).at(928_646.0 * batch);
    near(left, 6.135e-5, 1e-3);
    near(left, 6.1499e-5, 5e-3);
    // the 13B's yaml says 3e-4 too, yet its second stage begins at 9e-5
    let end = cosine(3e-4, 0.0, 5e12).at(5e12);
    near(end, 3e-5, 1e-9);
    assert!(9e-5 / end > 2.9, "the released file contradicts the run");
}

#[test]
fn a_rate_warms_up_and_ends_at_its_floor() {
    let rates = cosine(1.0, 10.0, 100.0);
    assert_eq!(rates.at(5.0).to_bits(), 0.5_f64.to_bits());
    near(rates.at(10.0), 1.0, 1e-12);
    near(rates.at(55.0), 0.55, 1e-12);
    near(rates.at(200.0), 0.1, 1e-12);
    let decay = LearningRates { fall: Fall::Line, from: 80.0, floor: 0.0, ..rates };
    near(decay.at(79.0), 1.0, 1e-12);
    near(decay.at(95.0), 0.25, 1e-12);
    assert!(decay.at(100.0).abs() < 1e-12);
}

/// BLOOM (bigscience-workshop/bigscience, train/tr11-176B-ml): 192 to 2,048 sequences of 2,048 tokens
/// over 9,765,625 samples in steps of 16, and step 95,000 at 366 B tokens, as its paper prints.
#[test]
fn batches_that_grow_are_blooms() {
    let sequence = 2048.0;
    let batches =
        Batches { from: 192.0 * sequence, to: 2048.0 * sequence, over: 9_765_625.0 * sequence };
    near(batches.tokens(95_000.0), 366e9, 2e-3);
    near(batches.steps(batches.tokens(95_000.0)), 95_000.0, 1e-12);
    near(batches.steps(batches.tokens(3_000.0)), 3_000.0, 1e-12);
    // the ramp as it is trained: 116 increments, each for as many samples
    let own: f64 = (0..116).map(|at| 9_765_625.0 / 116.0 / (192.0 + 16.0 * f64::from(at))).sum();
    near(batches.steps(batches.over), own, 0.02);
}

/// Kaplan et al. 2020, arXiv:2001.08361: a loss of 3.0 nats has a critical batch of about 1.1 M tokens
/// (2.1e8 / 3.0^4.76), and figure 18 of its appendix trains near convergence with a few times that.
/// Their law gives GPT-3 (175 B, 300 B tokens) 1.7 nats, as its figure 3.1 measures 1.73.
#[test]
fn the_critical_batch_is_kaplans() {
    let at = |params, tokens| critical_batch(Params(params), Tokens(tokens)).0;
    let loss = |batch: f64| libm::pow(2.1e8 / batch, 0.21);
    near(loss(at(174.6e9, 300e9)), 1.73, 0.04);
    // the larger the run, the larger the batch
    assert!(at(7e9, 1.4e12) > at(1e9, 1.4e12) && at(7e9, 1.4e12) > at(7e9, 1e11));
}

/// At 20 tokens per parameter `AdamW` should forget over 1.084 x 20^-0.527 = 0.2236 of the run
/// (Bergsma et al. 2025, arXiv:2505.13738): with 3e-4 on 1e10 tokens of 5e5 in a batch a decay of 0.745.
#[test]
fn weight_decay_follows_the_timescale() {
    let own = weight_decay(Params(5e8), Tokens(1e10), Tokens(5e5), 3e-4);
    near(own, 0.745, 1e-3);
    // and linearly with the batch
    near(weight_decay(Params(5e8), Tokens(1e10), Tokens(1e6), 3e-4), 2.0 * own, 1e-12);
    near(least_warmup_steps(0.999), 2000.0, 1e-9);
}

const PLAN: &str = "format = 1\n[model]\nparams = 7e9\n[run]\ntokens = 1.4e12\n[training]\npeak_lr = 3e-4\nbatch_tokens = 4000000\n";

/// 1.4e12 tokens are 350,000 steps of 4,000,000; of steps of 3,000,001 the last is not full.
#[test]
fn a_plan_shows_every_law_and_whole_steps() {
    let folder = Folder::new().with("plan.toml", PLAN);
    let json = |folder: &Folder| -> Value {
        let run = folder.run(&["plan", "plan.toml", "--only", "recipe", "--format", "json"]);
        serde_json::from_str::<Value>(run.answers()).unwrap()["recipe"].clone()
    };
    let own = json(&folder);
    assert_eq!(own["steps"].as_f64(), Some(350_000.0));
    assert_eq!(own["stepped_tokens"].as_f64(), Some(1.4e12));
    assert_eq!(own["lr_by_law"].as_object().unwrap().len(), RECIPE_LAWS.len());
    near(own["laws_lr"][0].as_f64().unwrap(), 4.4e-4, 0.02);
    near(own["laws_lr"][1].as_f64().unwrap(), 1.17e-3, 0.01);
    let text = folder.run(&["plan", "plan.toml", "--only", "recipe"]).answers().to_owned();
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(joined.contains("350,000 steps x 4,000,000 tokens = 1,400,000,000,000"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(joined.contains("critical batch"), "{text}");
    let folder = Folder::new().with("plan.toml", PLAN.replace("4000000", "3000001"));
    assert_eq!(json(&folder)["steps"].as_f64(), Some(466_667.0));
    let folder = Folder::new().with("plan.toml", PLAN.replace("3e-4", "3e-2"));
    let found = folder.run(&["check", "plan.toml"]);
    assert!(found.out.contains("learning-rate-outside-laws"), "{found:?}");
    let folder = Folder::new().with("plan.toml", PLAN.replace("3e-4", "0"));
    folder.run(&["plan", "plan.toml"]).fails_with("plan.toml:7:");
}

fn recipe(text: &str) -> Value {
    let folder = Folder::new().with("plan.toml", text);
    let run = folder.run(&["plan", "plan.toml", "--only", "recipe", "--format", "json"]);
    serde_json::from_str::<Value>(run.answers()).unwrap()["recipe"].clone()
}

/// A plan that states nothing of its training gets all of it, each value with its source.
#[test]
fn a_bare_plan_gets_a_recipe() {
    let text = "format = 1\n[budget]\nflops = 5.88e22\n[model]\nparams = 7e9\n";
    let own = recipe(text);
    let number = |key: &str| own[key].as_f64().unwrap_or_else(|| panic!("{key} in {own}"));
    near(number("peak_lr"), 4.4e-4, 0.012);
    // 1,024 sequences of 4,096 tokens: the power of two next to Step Law's 5.0 M
    assert_eq!(own["batch_tokens"].as_f64(), Some(4_194_304.0));
    near(number("steps") * 4_194_304.0, number("stepped_tokens"), 1e-12);
    assert!((number("stepped_tokens") - 1.4e12).abs() < 4_194_304.0);
    near(number("warmup_tokens"), 2000.0 * 4_194_304.0, 1e-9);
    near(number("final_lr"), 0.1 * number("peak_lr"), 1e-9);
    assert_eq!((number("weight_decay"), number("clip_norm")), (0.1, 1.0));
    let folder = Folder::new().with("plan.toml", text);
    let run = folder.run(&["plan", "plan.toml", "--format", "json"]);
    let json: Value = serde_json::from_str(run.answers()).unwrap();
    for key in ["peak_lr", "batch_tokens", "warmup_steps", "schedule", "weight_decay", "beta2"] {
        let source = &json["assumed"][format!("training.{key}")]["source"];
        assert!(source.as_str().is_some_and(|source| source.contains("arXiv:")), "{key}: {source}");
    }
    // sizing alone does not show it
    let sized = folder.run(&["budget", "plan.toml"]).answers().to_owned();
    assert!(!sized.contains("Recipe"), "{sized}");
}

const OLMO: &str = include_str!("plans/pass/learning-rate-break/olmo2-7b.toml");

#[test]
fn learning_rates_are_told_at_hand_offs() {
    let hand_off = &recipe(OLMO)["hand_offs"][0];
    near(hand_off["ends_at"].as_f64().unwrap(), 6.135e-5, 1e-3);
    near(hand_off["begins_at"].as_f64().unwrap(), 6.1499e-5, 1e-9);
    near(hand_off["at_tokens"].as_f64().unwrap(), 3.895e12, 1e-4);
    let plan = include_str!("../plans/smollm3-3b.toml");
    let own = recipe(plan.split("\n[derived]").next().unwrap());
    // the decay begins with the third stage, at the peak, and ends at 0
    let decay = &own["hand_offs"][1];
    assert_eq!(decay["after"], "decay");
    assert_eq!(decay["ends_at"], own["peak_lr"]);
    assert_eq!(decay["begins_at"], decay["ends_at"]);
    assert_eq!(own["final_lr"].as_f64(), Some(0.0));
    assert_eq!(own["steps"].as_f64(), Some(4_720_000.0));
}

/// Settings that contradict each other, or no run, are errors under their caret.
#[test]
fn bad_recipes_are_refused() {
    for (setting, line, said) in [
        ("warmup_steps = 400000\n", 9, "leaves nothing of the run"),
        ("warmup_steps = 10\nwarmup_tokens = 1e9\n", 10, "say the same"),
        ("warmup_steps = 0\n", 9, "from 1 to"),
        ("beta2 = 1\n", 9, "below 1"),
        ("schedule = \"wsd\"\nschedule_tokens = 1e12\n", 10, "belongs to a cosine"),
        ("schedule = \"cosin\"\n", 9, "cosine"),
        ("batch_ramp_from = 1e6\n", 9, "batch_ramp_tokens"),
        ("batch_ramp_from = 5e6\nbatch_ramp_tokens = 1e9\n", 9, "begin below"),
        ("weight_decay = -0.1\n", 9, "from 0 to"),
        ("clip_norm = 0\n", 9, "from 1e-6"),
        ("final_lr_share = 2\n", 9, "from 0 to 1"),
    ] {
        let folder = Folder::new().with("plan.toml", format!("{PLAN}{setting}"));
        let run = folder.run(&["plan", "plan.toml"]);
        run.fails_with(&format!("plan.toml:{line}:"));
        assert!(run.err.contains(said) && run.err.contains('^'), "{setting}: {}", run.err);
    }
}
