//! Learning rate and batch as published laws print them, and beside a plan.

#[path = "support/folder.rs"]
mod folder;

use folder::Folder;
use plan::quantity::{Params, Tokens};
use plan::recipe::{RECIPE_LAWS, cosine};
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

/// The 7B of `OLMo` 2 (allenai/OLMo-core): 3e-4, 2,000 steps of warm-up, a cosine to a tenth over 5e12
/// tokens, left at step 928,646 of 4,194,304 tokens; the second stage begins at 6.1499e-5.
#[test]
fn olmo_2_hands_over_its_learning_rate() {
    let batch = 4_194_304.0;
    let left = cosine(3e-4, 0.1, 2000.0 * batch, 5e12, 928_646.0 * batch);
    near(left, 6.135e-5, 1e-3);
    near(left, 6.1499e-5, 5e-3);
    // the 13B's yaml says 3e-4 too, yet its second stage begins at 9e-5
    let end = cosine(3e-4, 0.1, 0.0, 5e12, 5e12);
    near(end, 3e-5, 1e-9);
    assert!(9e-5 / end > 2.9, "the released file contradicts the run");
}

#[test]
fn a_cosine_warms_up_and_ends_at_its_floor() {
    assert_eq!(cosine(1.0, 0.1, 10.0, 100.0, 5.0).to_bits(), 0.5_f64.to_bits());
    near(cosine(1.0, 0.1, 10.0, 100.0, 10.0), 1.0, 1e-12);
    near(cosine(1.0, 0.1, 10.0, 100.0, 55.0), 0.55, 1e-12);
    near(cosine(1.0, 0.1, 10.0, 100.0, 200.0), 0.1, 1e-12);
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
    let folder = Folder::new().with("plan.toml", PLAN.replace("4000000", "3000001"));
    assert_eq!(json(&folder)["steps"].as_f64(), Some(466_667.0));
    let folder = Folder::new().with("plan.toml", PLAN.replace("3e-4", "3e-2"));
    let found = folder.run(&["check", "plan.toml"]);
    assert!(found.out.contains("learning-rate-outside-laws"), "{found:?}");
    let folder = Folder::new().with("plan.toml", PLAN.replace("3e-4", "0"));
    folder.run(&["plan", "plan.toml"]).fails_with("plan.toml:7:");
}
