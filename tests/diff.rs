//! `llmplan diff`: what two plans choose differently, and what follows.

use plan::derive::derive;
use plan::file::{Difference, difference, read};
use serde_json::Value;

#[path = "support/folder.rs"]
mod folder;

use folder::Folder;

const OLD: &str = "format = 1\nname = \"p\"\n[budget]\nflops = 1e21\n[cluster]\n\
                   accelerator = \"a100-sxm-80gb\"\ndevices = 256\nmfu = 0.4\n[sources]\n\
                   web = { unique_tokens = 1e12 }\ncode = { unique_tokens = 1e11 }\n[[stages]]\n\
                   name = \"main\"\nmixture = { web = 0.9, code = 0.1 }\n[[stages]]\n\
                   name = \"anneal\"\nshare = 0.1\nmixture = { web = 0.5, code = 0.5 }\n";

fn between(old: &str, new: &str) -> Difference {
    let [old, new] = [old, new].map(|text| read(text.as_bytes()).unwrap().chosen);
    let [before, after] = [&old, &new].map(|chosen| derive(chosen).unwrap().derived);
    difference((&old, &before), (&new, &after))
}

fn keys(changes: &[plan::file::Change]) -> Vec<String> {
    changes.iter().map(|change| change.key.to_string()).collect()
}

#[test]
fn a_plan_does_not_differ_from_itself_however_it_is_spelt() {
    assert!(between(OLD, OLD).is_empty());
    let spelt = OLD.replace("1e21", "\"1e21\"").replace("1e12", "\"1T\"").replace('\n', "\r\n");
    assert!(between(OLD, &format!("# note\r\n{spelt}")).is_empty());
}

/// Twice the compute of a law with a = beta / (alpha + beta) takes N by 2^a: at a given k both N and
/// D multiply to 2 C / k, so their ratios multiply to 2.
#[test]
fn what_follows_is_told_with_its_ratio() {
    let found = between(OLD, &OLD.replace("1e21", "2e21"));
    assert_eq!(keys(&found.chosen), ["budget.flops"]);
    assert_eq!(found.chosen[0].ratio(), Some(2.0));
    assert_eq!(found.chosen[0].difference(), Some(1e21));
    let ratio = |key: &str| {
        let change = found.derived.iter().find(|change| change.key.to_string() == key);
        change.unwrap_or_else(|| panic!("{key}: {:?}", keys(&found.derived))).ratio().unwrap()
    };
    assert!((ratio("allocation.params") * ratio("allocation.tokens") - 2.0).abs() < 1e-6);
    assert!((ratio("allocation.days") - 2.0).abs() < 1e-9, "the same cluster needs twice the days");
    assert!(ratio("allocation.loss") < 1.0);
}

#[test]
fn stages_go_by_their_names() {
    let inserted = OLD.replace(
        "[[stages]]\nname = \"anneal\"",
        "[[stages]]\nname = \"middle\"\nshare = 0.2\nmixture = { web = 1 }\n[[stages]]\nname = \"anneal\"",
    );
    let found = between(OLD, &inserted);
    assert_eq!(keys(&found.chosen), ["stages.middle"]);
    assert!(found.chosen[0].old.is_none() && found.chosen[0].new.is_some());
    let weight = between(OLD, &OLD.replace("web = 0.5, code = 0.5", "web = 0.6, code = 0.4"));
    assert_eq!(keys(&weight.chosen), ["stages.anneal.mixture.code", "stages.anneal.mixture.web"]);
    let (head, stages) = OLD.split_once("[[stages]]").unwrap();
    let (main, anneal) = stages.split_once("[[stages]]").unwrap();
    let swapped = format!("{head}[[stages]]{anneal}[[stages]]{main}");
    assert_eq!(keys(&between(OLD, &swapped).chosen), ["stages.order"]);
}

#[test]
fn added_and_removed_are_told_from_changed() {
    let without = OLD.replace("mfu = 0.4\n", "");
    let found = between(OLD, &without);
    assert_eq!(keys(&found.chosen), ["cluster.mfu"]);
    assert!(found.chosen[0].new.is_none() && found.chosen[0].ratio().is_none());
    let days = found.derived.iter().find(|change| change.key.to_string() == "allocation.days");
    assert!(days.unwrap().new.is_none(), "without it no days follow");
    let back = between(&without, OLD);
    assert!(back.chosen[0].old.is_none());
}

/// A table that only one plan has is told by its values, an entry of a map as one.
#[test]
fn what_one_plan_lacks_is_told_by_its_values() {
    let short = OLD.replace("1e12", "1e9").replace("1e11", "1e9");
    let found = between(OLD, &short);
    let keys = keys(&found.derived);
    assert!(keys.contains(&"data.gap.missing_tokens".to_owned()), "{keys:?}");
    assert!(!keys.contains(&"data.gap".to_owned()), "{keys:?}");
    let added =
        between(OLD, &OLD.replacen("[[stages]]", "math = { unique_tokens = 1e9 }\n[[stages]]", 1));
    assert!(self::keys(&added.chosen).contains(&"sources.math".to_owned()), "{:?}", added.chosen);
}

#[test]
fn the_json_is_a_contract() {
    let folder = Folder::new().with("a.toml", OLD).with("b.toml", OLD.replace("1e21", "2e21"));
    let run = folder.run(&["diff", "a.toml", "b.toml", "--format", "json"]);
    let json: Value = serde_json::from_str(run.answers()).unwrap();
    let members: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(members, ["chosen", "derived", "differs", "new", "old", "version"]);
    assert_eq!((&json["version"], &json["differs"]), (&1.into(), &true.into()));
    assert_eq!((&json["old"], &json["new"]), (&"a.toml".into(), &"b.toml".into()));
    let change = &json["chosen"][0];
    let members: Vec<&String> = change.as_object().unwrap().keys().collect();
    assert_eq!(members, ["difference", "key", "new", "old", "path", "ratio"]);
    assert_eq!(change["path"], serde_json::json!(["budget", "flops"]));
    assert_eq!((&change["old"], &change["ratio"]), (&1e21.into(), &2.0.into()));
}

#[test]
fn text_fits_eighty_columns_and_the_exit_code_is_asked_for() {
    let new = OLD.replace("1e21", "2e21").replace("devices = 256", "devices = 512");
    let folder = Folder::new().with("a.toml", OLD).with("b.toml", new).with("bad.toml", "x = \n");
    let run = folder.run(&["diff", "a.toml", "b.toml"]);
    assert!(run.answers().lines().all(|line| line.chars().count() <= 80), "{}", run.out);
    let [chosen, follows] = ["Chosen", "What follows"].map(|title| run.out.find(title).unwrap());
    assert!(chosen < follows);
    let row =
        |name: &str| run.out.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
    assert!(row("devices").ends_with("x 2.00") && row("loss").contains('-'), "{}", run.out);
    assert_eq!(folder.run(&["diff", "a.toml", "b.toml", "--exit-code"]).code, Some(1));
    let same = folder.run(&["diff", "a.toml", "a.toml", "--exit-code"]);
    assert!(same.answers().contains("say the same"), "{same:?}");
    let markdown = folder.run(&["diff", "a.toml", "b.toml", "--format", "markdown"]);
    assert!(
        markdown.answers().contains("| flops | 1e21 FLOP | 2e21 FLOP | x 2.00 |"),
        "{markdown:?}"
    );
    let from = folder.run_with(&["diff", "-", "b.toml"], OLD.as_bytes());
    assert_eq!(from.code, Some(0));
    folder.run(&["diff", "-", "-"]).fails_with("holds one plan");
    folder.run(&["diff", "a.toml", "none.toml"]).fails_with("cannot read none.toml");
    folder.run(&["diff", "a.toml", "bad.toml"]).fails_with("bad.toml");
}
