//! Every rule has a page, plans that break it and plans that do not, and says what it says.
//!
//! Fixtures lie in `tests/plans/fail/RULE/*.toml` and `tests/plans/pass/RULE/*.toml`.
//! Those of the rules about a house's policy have its `llmplan.toml` beside them.
//! What is printed for a failing one is a snapshot; `INSTA_UPDATE=always` writes them anew.

use plan::check::{
    Checked, Family, Level, Levels, Policy, RULES, Rule, Setting, Settings, check, check_under,
    find,
};
use plan::derive::{CATALOGUE, derive};
use plan::file::{read, with_derived};
use plan::plan::Inputs;
use plan::report::{
    CheckReport, Diagnosed, check_json, check_markdown, diagnostics, github, sarif,
};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Headings of a rule's page, in this order.
const HEADINGS: [&str; 5] =
    ["What it checks", "Why it matters", "Example", "How to fix", "Sources"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The files or folders in a folder, sorted; none where there is no such folder.
fn listing(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_str().unwrap().to_owned()
}

/// A plan that breaks a rule, or nearly does.
#[derive(Debug, Clone)]
struct Fixture {
    /// Path from the root of the repository.
    name: String,
    bytes: Vec<u8>,
    policy: Policy,
}

/// Picky rules are in force in every test of a rule.
fn strictly(policy: Policy) -> Settings {
    Settings { policy, strict: true, ..Settings::default() }
}

fn check_strictly(bytes: &[u8]) -> Checked {
    check_under(&strictly(Policy::default()), bytes, |_| Inputs::new())
}

impl Fixture {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    fn check(&self) -> Checked {
        check_under(&strictly(self.policy.clone()), &self.bytes, |_| Inputs::new())
    }

    /// Everything that is printed for it, without colours.
    fn rendered(&self, checked: &Checked) -> String {
        let styled = diagnostics(&self.name, &self.text(), &checked.findings, 100);
        anstream::adapter::strip_str(&styled).to_string()
    }
}

/// The fixtures of a rule; `side` is `pass` or `fail`.
fn fixtures(side: &str, rule: &Rule) -> Vec<Fixture> {
    let folder = root().join("tests/plans").join(side).join(rule.id);
    let files = listing(&folder).into_iter();
    let plans = files.filter(|path| path.extension().is_some_and(|end| end == "toml"));
    let plans = plans.filter(|path| !path.ends_with("llmplan.toml"));
    plans.map(|path| fixture(&path, rule)).collect()
}

fn fixture(path: &Path, rule: &Rule) -> Fixture {
    let relative = path.strip_prefix(root()).unwrap();
    let name = relative.to_str().unwrap().replace('\\', "/");
    let bytes = fs::read(path).unwrap();
    let bytes = match rule.id {
        "too-many-sources" => counted_on(&String::from_utf8(bytes).unwrap()).into_bytes(),
        id if id.starts_with("derived-") => written(&name, &bytes),
        _ => bytes,
    };
    let house = fs::read(path.with_file_name("llmplan.toml")).unwrap_or_default();
    Fixture { name, bytes, policy: Policy::read(&house).unwrap() }
}

/// A plan with its line `s1 = VALUE # and so on, to sN` counted on: tens of thousands of lines would
/// be too many for a page or a file.
fn counted_on(text: &str) -> String {
    let counted = |line: &str| {
        let (first, last) = line.split_once(" # and so on, to s")?;
        let (value, last) = (first.strip_prefix("s1 = ")?, last.parse::<u32>().ok()?);
        Some((1..=last).map(|number| format!("s{number} = {value}")).collect())
    };
    let lines =
        text.lines().flat_map(|line| counted(line).unwrap_or_else(|| vec![line.to_owned()]));
    lines.collect::<Vec<String>>().join("\n") + "\n"
}

/// A plan as `llmplan plan --write` leaves it, then changed by its lines `# edit: START => NEW`:
/// the first derived line with that start becomes the new one. As it is written it could not be
/// committed: every new catalogue would make it stale.
fn written(name: &str, bytes: &[u8]) -> Vec<u8> {
    let document = read(bytes).unwrap();
    let derived = derive(&document.chosen).unwrap().derived;
    let text = with_derived(&document.text, &derived).unwrap();
    let edits = document.text.lines().filter_map(|line| line.strip_prefix("# edit: "));
    edits.fold(text, |text, edit| edited(name, &text, edit)).into_bytes()
}

fn edited(name: &str, text: &str, edit: &str) -> String {
    let (old, new) = edit.split_once("=>").unwrap_or_else(|| panic!("{name}: {edit}"));
    let table = text.find("\n[derived]").unwrap();
    let line = text[table..].find(&format!("\n{old}"));
    let start = table + line.unwrap_or_else(|| panic!("{name}: no derived line {old}")) + 1;
    let end = start + text[start..].find('\n').unwrap();
    format!("{}{}{}", &text[..start], new.trim(), &text[end..])
}

fn every(side: &'static str) -> impl Iterator<Item = (&'static Rule, Fixture)> {
    let of = move |rule: &'static Rule| fixtures(side, rule).into_iter().map(move |f| (rule, f));
    RULES.iter().copied().flat_map(of)
}

fn ids() -> BTreeSet<String> {
    RULES.iter().map(|rule| rule.id.to_owned()).collect()
}

#[test]
fn ids_are_unique_and_in_kebab_case() {
    assert_eq!(ids().len(), RULES.len(), "two rules have one id");
    for rule in RULES {
        let words: Vec<&str> = rule.id.split('-').collect();
        let plain = |word: &&str| {
            !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        assert!(words.len() > 1 && words.iter().all(plain), "{}", rule.id);
        assert_eq!(find(rule.id).map(|found| found.id), Some(rule.id));
    }
}

#[test]
fn summaries_are_one_plain_line() {
    for rule in RULES {
        let first = rule.summary.chars().next();
        assert!(first.is_some_and(char::is_lowercase), "{}: {}", rule.id, rule.summary);
        assert!(!rule.summary.contains('\n') && !rule.summary.ends_with('.'), "{}", rule.id);
        assert_eq!(rule.since.split('.').count(), 3, "{}: {}", rule.id, rule.since);
    }
}

#[test]
fn every_page_has_its_sections_in_order() {
    for rule in RULES {
        let mut lines = rule.page.lines();
        assert_eq!(lines.next(), Some(format!("# {}", rule.id).as_str()));
        let headings: Vec<&str> = lines.filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(headings, HEADINGS, "{}", rule.id);
        for section in rule.page.split("\n## ").skip(1) {
            let body = section.split_once('\n').map_or("", |(_, body)| body);
            assert!(body.trim().len() > 20, "{}: {section}", rule.id);
        }
    }
}

#[test]
fn every_page_is_plain_in_a_terminal() {
    for rule in RULES {
        for line in rule.page.lines() {
            assert!(line.chars().count() <= 200, "{}: {line}", rule.id);
            assert!(!line.contains('\t') && line == line.trim_end(), "{}: {line}", rule.id);
        }
        assert!(rule.page.ends_with('\n') && !rule.page.contains("\n\n\n"), "{}", rule.id);
    }
}

/// The TOML snippet of a page.
fn example(rule: &Rule) -> &'static str {
    let (_, rest) = rule.page.split_once("```toml\n").unwrap_or_else(|| panic!("{}", rule.id));
    rest.split_once("```").unwrap().0
}

/// A `[derived]` table would change with every version: those two pages show a part of one.
#[test]
fn every_example_breaks_its_rule() {
    for rule in RULES.iter().filter(|rule| !rule.id.starts_with("derived-")) {
        let text = example(rule);
        let checked = match rule.id {
            "too-many-sources" => check_strictly(counted_on(text).as_bytes()),
            _ if rule.family == Family::Policy => {
                let house =
                    rule.page.split("```toml\n").nth(2).unwrap().split("```").next().unwrap();
                let policy = Policy::read(house.as_bytes()).unwrap();
                check_under(&strictly(policy), text.as_bytes(), |_| Inputs::new())
            }
            _ => check_strictly(text.as_bytes()),
        };
        let broken = checked.findings.iter().any(|finding| finding.rule == rule.id);
        assert!(broken, "{}: {checked:#?}", rule.id);
    }
}

/// A page that shows a message shows the one that its example has.
#[test]
fn a_message_on_a_page_is_what_is_said() {
    let mut shown = BTreeSet::new();
    for rule in RULES {
        let Some((_, rest)) = rule.page.split_once("```text\n") else { continue };
        let message = rest.split_once("\n```").unwrap().0;
        let text = counted_on(example(rule));
        let said = diagnostics("plan.toml", &text, &check(text.as_bytes()).findings, 100);
        let said = anstream::adapter::strip_str(&said).to_string();
        assert!(said.contains(message), "{}: {said}", rule.id);
        shown.insert(rule.id);
    }
    assert_eq!(shown, BTreeSet::from(["hand-off-not-evaluated", "too-many-sources"]));
}

#[test]
fn every_rule_has_fixtures_of_both_kinds() {
    for rule in RULES {
        assert!(!fixtures("fail", rule).is_empty(), "{} lacks a plan that breaks it", rule.id);
        assert!(!fixtures("pass", rule).is_empty(), "{} lacks a plan that keeps it", rule.id);
    }
}

#[test]
fn no_page_or_fixture_lacks_its_rule() {
    let pages = listing(&root().join("docs/rules")).into_iter();
    let pages: BTreeSet<String> =
        pages.map(|path| stem(&path)).filter(|page| page != "README").collect();
    assert_eq!(pages, ids());
    for side in ["pass", "fail"] {
        let folders = listing(&root().join("tests/plans").join(side));
        assert_eq!(folders.iter().map(|path| stem(path)).collect::<BTreeSet<_>>(), ids());
        assert!(folders.iter().all(|path| path.is_dir()), "{side}: a file beside the folders");
    }
}

#[test]
fn failing_plans_break_their_rule() {
    for (rule, fixture) in every("fail") {
        let checked = fixture.check();
        let own: Vec<_> = checked.findings.iter().filter(|f| f.rule == rule.id).collect();
        assert!(!own.is_empty(), "{}: {:#?}", fixture.name, checked.findings);
        assert!(own.iter().all(|finding| finding.level == rule.level), "{}", fixture.name);
    }
}

#[test]
fn passing_plans_keep_their_rule_and_have_no_error() {
    for (rule, fixture) in every("pass") {
        let checked = fixture.check();
        let shown = fixture.rendered(&checked);
        assert!(checked.readable && !checked.has(Level::Error), "{shown}");
        assert!(checked.findings.iter().all(|finding| finding.rule != rule.id), "{shown}");
    }
}

#[test]
fn findings_point_into_the_file() {
    let unplaced = ["empty", "blank", "latin-1", "binary"];
    for (_, fixture) in every("fail") {
        if unplaced.iter().any(|name| fixture.name.ends_with(&format!("/{name}.toml"))) {
            continue;
        }
        for finding in fixture.check().findings {
            let span = finding.labels.first().and_then(|label| label.span.clone());
            let span = span.unwrap_or_else(|| panic!("{}: {finding:?}", fixture.name));
            assert!(fixture.text().get(span).is_some(), "{}: {finding:?}", fixture.name);
        }
    }
}

#[test]
fn what_is_printed_stands_in_the_snapshots() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for rule in RULES {
            let all = fixtures("fail", rule);
            let shown = all.iter().map(|fixture| fixture.rendered(&fixture.check()));
            insta::assert_snapshot!(rule.id, without_versions(&shown.collect::<String>()));
        }
    });
}

/// A new version or catalogue is no new message.
fn without_versions(text: &str) -> String {
    text.replace(&format!("{CATALOGUE:016x}"), "CATALOGUE")
        .replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

/// A plan whose `[derived]` stands as it was written is judged without reading that table; a comment
/// behind it has it read, and nothing else may change.
#[test]
fn a_derived_table_is_judged_the_same_whether_read_or_compared() {
    let house = Policy::read(b"limits = { flops = 1e15, days = 1e-3, usd = 1 }").unwrap();
    let settings = strictly(house);
    let mut compared = 0;
    for (_, fixture) in every("pass").chain(every("fail")) {
        let Ok(document) = read(&fixture.bytes) else { continue };
        let Ok(derivation) = derive(&document.chosen) else { continue };
        let Ok(text) = with_derived(&document.text, &derivation.derived) else { continue };
        let judged = |text: &str| check_under(&settings, text.as_bytes(), |_| Inputs::new());
        let with_comment = judged(&format!("{text}# read\n"));
        assert_eq!(judged(&text), with_comment, "{}", fixture.name);
        if !text.contains('\r') {
            let found = judged(&text.replace('\n', "\r\n")).findings.len();
            assert_eq!(found, with_comment.findings.len(), "{}", fixture.name);
        }
        let spoilt = text.replacen("\nflops = ", "\nflops = 1", 2);
        let stale = judged(&spoilt).findings.iter().any(|finding| finding.rule == "derived-stale");
        compared += usize::from(stale);
    }
    assert!(compared > 100, "a changed number is seen: {compared}");
}

/// The text that the first label of a rule's finding points to.
fn pointed_at(text: &str, rule: &str) -> String {
    let checked = check(text.as_bytes());
    let finding = checked.findings.iter().find(|finding| finding.rule == rule).unwrap();
    text[finding.labels[0].span.clone().unwrap()].to_owned()
}

#[test]
fn carets_stand_under_the_value() {
    let at = |text: &str| pointed_at(text, "invalid-plan");
    assert_eq!(at("format = 1\nbudget.flops = nan\n"), "nan");
    assert_eq!(at("format = 1\n[run]\ntokens = \"10d\"\n"), "\"10d\"");
    assert_eq!(at("format = 1\n[budget]\nflop = 1e21\n"), "flop");
    assert_eq!(
        at("\u{feff}format = 1\r\nname = \"日本 🦙\"\r\nlaw.name =\t\"nil\"\r\n"),
        "\"nil\""
    );
    assert_eq!(pointed_at("\u{feff}format = 2\r\n", "unknown-format"), "2");
}

#[test]
fn an_allowed_finding_is_set_aside_with_its_reason() {
    let broken = "format = 1\nbudget.flops = 1e21\nlaw.name = \"hoffmann-2022-a3-rounded\"\n";
    let allowance = "[[allow]]\nrule = \"law-not-current\"\nreason = \"as printed\"\n";
    let bare = check(broken.as_bytes());
    assert_eq!(bare.findings.len(), 1);
    assert!(bare.allowed.is_empty());

    let allowed = check(format!("{broken}{allowance}").as_bytes());
    assert_eq!(allowed.findings, []);
    let [(finding, reason)] = allowed.allowed.as_slice() else { panic!("{allowed:?}") };
    assert_eq!((finding.rule, reason.as_str()), ("law-not-current", "as printed"));
    assert_eq!(finding.message, bare.findings[0].message);
}

#[test]
fn an_error_can_be_allowed_too() {
    let text = "format = 1\nbudget.flops = 1e21\nrun.tokens = 60e9\nmodel.params = 4e9\n";
    let allowance = "[[allow]]\nrule = \"run-exceeds-budget\"\nreason = \"a grant is coming\"\n";
    assert!(check(text.as_bytes()).has(Level::Error));
    assert!(!check(format!("{text}{allowance}").as_bytes()).has(Level::Error));
}

/// Two of the fixtures' plans are published and sound: these rules are picky.
#[test]
fn picky_rules_are_in_force_when_asked() {
    let picky: Vec<&str> = RULES.iter().filter(|rule| rule.strict).map(|rule| rule.id).collect();
    assert_eq!(picky, ["vocabulary-not-padded", "weights-normalised"]);
    let text = b"format = 1\nmodel.name = \"gpt2\"\n";
    let found = |settings: &Settings| {
        let checked = check_under(settings, text, |_| Inputs::new());
        checked.findings.iter().map(|finding| (finding.rule, finding.level)).collect::<Vec<_>>()
    };
    assert_eq!(found(&Settings::default()), []);
    assert_eq!(found(&strictly(Policy::default())), [("vocabulary-not-padded", Level::Warning)]);
    let set = |name: &str, setting| {
        let mut levels = Levels::default();
        levels.set(name, setting).unwrap();
        Settings { levels, ..Settings::default() }
    };
    let own = set("vocabulary-not-padded", Setting::Deny);
    assert_eq!(found(&own), [("vocabulary-not-padded", Level::Error)], "its own id calls it");
    assert_eq!(found(&set("model", Setting::Deny)), [], "its family does not");
}

#[test]
fn levels_go_by_rule_then_family_and_by_layer() {
    let text = b"format = 1\nbudget.flops = 1e21\nlaw.name = \"hoffmann-2022-a3-rounded\"\n";
    let level = |house: &str, asked: &[(&str, Setting)]| {
        let mut settings =
            Settings { policy: Policy::read(house.as_bytes()).unwrap(), ..Settings::default() };
        for (name, setting) in asked {
            settings.levels.set(name, *setting).unwrap();
        }
        let checked = check_under(&settings, text, |_| Inputs::new());
        checked.findings.iter().find(|f| f.rule == "law-not-current").map(|f| f.level)
    };
    let (allow, deny) = (Setting::Allow, Setting::Deny);
    assert_eq!(level("", &[]), Some(Level::Warning));
    assert_eq!(level("levels.law = \"deny\"", &[]), Some(Level::Error));
    assert_eq!(level("levels = { law = \"deny\", law-not-current = \"allow\" }", &[]), None);
    assert_eq!(level("levels.law-not-current = \"allow\"", &[("law", deny)]), Some(Level::Error));
    assert_eq!(level("", &[("law", deny), ("law-not-current", allow)]), None);
    let mut levels = Levels::default();
    levels.set("law", deny).unwrap();
    assert!(levels.set("law", deny).is_ok(), "the same twice is no contradiction");
    assert!(levels.set("law", allow).unwrap_err().to_string().contains("twice"));
    assert!(levels.set("law-not-curent", allow).unwrap_err().advice().contains("law-not-current"));
    assert!(levels.set("invalid-plan", allow).is_err());
}

/// What is turned off leaves its allowances alone: another check may need them.
#[test]
fn an_allowance_of_a_rule_that_is_off_is_not_unused() {
    let text = "format = 1\nbudget.flops = 1e21\n[[allow]]\nrule = \"suspect-source\"\n\
                reason = \"left over\"\n";
    let mut settings = Settings::default();
    settings.levels.set("data", Setting::Allow).unwrap();
    assert_eq!(check_under(&settings, text.as_bytes(), |_| Inputs::new()).findings, []);
}

#[test]
fn an_allowance_without_a_finding_is_one() {
    let text = "format = 1\nbudget.flops = 1e21\n[[allow]]\nrule = \"suspect-source\"\n\
                reason = \"left over\"\n";
    let checked = check(text.as_bytes());
    assert!(checked.allowed.is_empty());
    assert_eq!(checked.findings.iter().map(|f| f.rule).collect::<Vec<_>>(), ["unused-allow"]);
    assert_eq!(pointed_at(text, "unused-allow"), "\"suspect-source\"");
}

#[test]
fn findings_come_worst_first() {
    for (_, fixture) in every("fail") {
        let levels: Vec<Level> = fixture.check().findings.iter().map(|f| f.level).collect();
        assert!(levels.is_sorted_by(|a, b| a >= b), "{}: {levels:?}", fixture.name);
    }
}

/// Checks bytes and prints what is found, as `llmplan check` does; nothing may panic.
fn survives(bytes: &[u8]) -> Checked {
    let checked = check(bytes);
    let text = String::from_utf8_lossy(bytes).into_owned();
    let spans = checked.findings.iter().flat_map(|finding| &finding.labels);
    for span in spans.filter_map(|label| label.span.clone()) {
        assert!(span.start <= span.end && span.end <= bytes.len(), "{span:?} of {bytes:?}");
    }
    let _ = diagnostics("plan.toml", &text, &checked.findings, 80);
    let file = Diagnosed::new("plan.toml", &text, checked.clone());
    let report = CheckReport { files: vec![file], failures: Vec::new() };
    assert!(check_json(&report).ends_with("}\n") && sarif(&report).ends_with("}\n"));
    assert!(check_markdown(&report).starts_with("### "));
    let lines = github(&report).lines().count();
    assert_eq!(lines, checked.findings.len(), "one line each");
    checked
}

/// A change of a file, its place and extent as shares of the file.
fn mutated(bytes: &[u8], kind: u8, place: f64, extent: f64, byte: u8) -> Vec<u8> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
    #[expect(clippy::cast_precision_loss, reason = "small")]
    let at = |share: f64, length: usize| (share * length as f64) as usize;
    let mut new = bytes.to_vec();
    let mut lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
    match kind {
        _ if bytes.is_empty() => new.push(byte),
        0 => new[at(place, bytes.len())] = byte,
        1 => new.truncate(at(place, bytes.len())),
        2 => new.insert(at(place, bytes.len()), byte),
        3 => drop(new.remove(at(place, bytes.len()))),
        4 => {
            let count = lines.len();
            lines.swap(at(place, count), at(extent, count));
            new = lines.concat();
        }
        _ => {
            let count = lines.len();
            lines.insert(at(place, count), lines[at(extent, count)]);
            new = lines.concat();
        }
    }
    new
}

fn any_fixture() -> impl Strategy<Value = Vec<u8>> {
    let all: Vec<Vec<u8>> = every("pass").chain(every("fail")).map(|(_, f)| f.bytes).collect();
    prop::sample::select(all)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let checked = survives(&bytes);
        prop_assert!(checked.readable || checked.has(Level::Error));
    }

    #[test]
    fn any_policy_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Err(fault) = Policy::read(&bytes) {
            prop_assert!(fault.span.is_none_or(|span| span.end <= bytes.len()));
        }
    }

    #[test]
    fn any_policy_of_known_words_is_read_or_refused(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "[levels]", "[limits]", "[allowed]", "[required]", "loader", "usd", "flops", "=",
                "\"deny\"", "1e21", "nan", "\n", "{", "}", "[", "]", "accelerators", ",", "\"h100-sxm\"",
                "mfu_evidence", "\u{feff}", "tonnes_co2e", "budget", ".", "regions",
            ]),
            0..12,
        ),
    ) {
        let text = words.join(" ");
        if let Err(fault) = Policy::read(text.as_bytes()) {
            prop_assert!(fault.span.is_none_or(|span| text.get(span).is_some()), "{}", text);
        }
    }

    #[test]
    fn any_text_after_a_header_is_judged(text in "\\PC{0,80}") {
        let checked = survives(format!("format = 1\n{text}\n").as_bytes());
        prop_assert!(checked.readable || checked.has(Level::Error));
    }

    #[test]
    fn damaged_plans_are_judged(
        plan in any_fixture(),
        changes in prop::collection::vec((0..6_u8, 0.0..1.0, 0.0..1.0, any::<u8>()), 1..4),
    ) {
        let damaged = changes.into_iter().fold(plan, |plan, (kind, place, extent, byte)| {
            mutated(&plan, kind, place, extent, byte)
        });
        let checked = survives(&damaged);
        prop_assert!(checked.readable || checked.has(Level::Error));
    }

    #[test]
    fn any_numbers_are_judged(
        flops in 1e12..1e32_f64,
        numbers in prop::array::uniform5((1.0..10.0_f64, -4..20_i32, any::<bool>())),
    ) {
        let keys = ["run.tokens", "model.params", "run.loss", "run.epochs", "run.inference_tokens"];
        let stated = keys.iter().zip(numbers).filter(|(_, (_, _, stated))| *stated);
        let lines = stated.map(|(key, (digits, power, _))| format!("{key} = {digits}e{power}\n"));
        let start = format!("format = 1\nbudget.flops = {flops:e}\n");
        let text = [start, "sources.web.unique_tokens = 1e10\n".to_owned()];
        let text: String = text.into_iter().chain(lines).collect();
        let checked = survives(text.as_bytes());
        prop_assert!(checked.readable || checked.has(Level::Error), "{}", text);
    }
}
