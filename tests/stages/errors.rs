//! Stages that make no run: each reason is given, and points to the key that is at fault.

use plan::check::check;

/// Sources to choose from.
const HEAD: &str = r"
format = 1

[run]
tokens = 100e9

[model]
params = 1e9

[sources]
books = { unique_tokens = 10e9, difficulty = 0.2 }
web = { unique_tokens = 100e9, difficulty = 0.1 }
blog = {}
";

/// A reason: the stages, words of the message, and the text that the caret stands under: a value, or
/// the key of a table.
type Case = (&'static str, &'static str, &'static str, &'static str);

/// One row for every variant of `StageError`, and more where it has several causes.
const CASES: &[Case] = &[
    // Mixture
    (
        "Mixture",
        r#"[[stages]]
name = "main"
mixture = { webb = 1 }"#,
        "no source is called `webb`; did you mean `web`?",
        "webb",
    ),
    (
        "Mixture",
        r#"[[stages]]
name = "main"
from = { books = 0.5 }
mixture = { web = 1 }"#,
        "the weights sum to 0.5; they must sum to 1",
        "from",
    ),
    (
        "Mixture",
        r#"[[stages]]
name = "main"
mixture = { web = 0.5, books = 0.6 }"#,
        "the weights sum to 1.1;",
        "mixture",
    ),
    (
        "TwoLengths",
        r#"[[stages]]
name = "main"
tokens = 100e9
share = 0.5
mixture = { web = 1 }"#,
        "and only one of them",
        "0.5",
    ),
    (
        "TwoLengths",
        r#"[[stages]]
name = "main"
tokens = 100e9
steps = 1000
batch_tokens = 1e6
mixture = { web = 1 }"#,
        "`tokens`, `steps` or a `share`",
        "1000",
    ),
    (
        "TwoRests",
        r#"[[stages]]
name = "main"
mixture = { web = 1 }

[[stages]]
name = "end"
mixture = { books = 1 }"#,
        "two stages have no length",
        r#""end""#,
    ),
    (
        "PastTheEnd",
        r#"[[stages]]
name = "main"
share = 0.7
mixture = { web = 1 }

[[stages]]
name = "end"
share = 0.4
mixture = { books = 1 }"#,
        "the stages take 1.1 of the run",
        "0.4",
    ),
    (
        "Gap",
        r#"[[stages]]
name = "main"
share = 0.5
mixture = { web = 1 }

[[stages]]
name = "end"
share = 0.4
mixture = { books = 1 }"#,
        "the stages take 0.9 of the run",
        "0.4",
    ),
    (
        "NoRest",
        r#"[[stages]]
name = "main"
tokens = 50e9
mixture = { web = 1 }

[[stages]]
name = "end"
share = 0.5
mixture = { books = 1 }"#,
        "one stage must be the rest",
        r#""end""#,
    ),
    (
        "OwnLength",
        r#"[[stages]]
name = "main"
mixture = { web = 1 }

[[stages]]
name = "long"
kind = "long-context"
mixture = { books = 1 }"#,
        "`long-context` comes on top of the run: give it `tokens`",
        r#""long-context""#,
    ),
    (
        "OwnLength",
        r#"[[stages]]
name = "main"
mixture = { web = 1 }

[[stages]]
name = "chat"
kind = "instruct"
share = 0.25
mixture = { books = 1 }"#,
        "`instruct` comes on top of the run",
        "0.25",
    ),
    (
        "NoRun",
        r#"[[stages]]
name = "long"
kind = "long-context"
tokens = 1e9
mixture = { books = 1 }"#,
        "no stage is of kind `pretrain` or `anneal`",
        r#""long-context""#,
    ),
    (
        "StepsOfWhat",
        r#"[[stages]]
name = "main"
steps = 1000
mixture = { web = 1 }"#,
        "`steps` need `batch_tokens`",
        "1000",
    ),
    (
        "Setting",
        r#"[[stages]]
name = "main"
mixture = { web = 1 }
ramp = "cosine""#,
        "`ramp` belongs to a stage with `from`",
        r#""cosine""#,
    ),
    (
        "Setting",
        r#"[[stages]]
name = "main"
from = { books = 1 }
mixture = { web = 1 }
ramp = "linear"
plateaus = 7"#,
        "`plateaus` belongs to `ramp = \"step\"`",
        "7",
    ),
    (
        "Setting",
        r#"[[stages]]
name = "main"
mixture = "proportional"
temperature = 3.5"#,
        "`temperature` belongs to `mixture = \"temperature\"`",
        "3.5",
    ),
    (
        "Setting",
        r#"[[stages]]
name = "main"
mixture = { web = 1 }
max_epochs = 3"#,
        "`max_epochs` belongs to `mixture = \"unimax\"`",
        "3",
    ),
    (
        "Setting",
        r#"[[stages]]
name = "main"
mixture = { web = 1 }
over = ["web"]"#,
        "`over` belongs to a mixture by a method",
        r#"["web"]"#,
    ),
    (
        "Setting",
        r#"[[stages]]
name = "main"
mixture = "proportional"
over = ["web", "books"]
pacing = "root""#,
        "`pacing` belongs to `mixture = \"by-difficulty\"`",
        r#""root""#,
    ),
    (
        "Setting",
        r#"[[stages]]
name = "main"
mixture = { web = 1 }
order = "anti-curriculum""#,
        "`order` belongs to",
        r#""anti-curriculum""#,
    ),
    (
        "Setting",
        r#"[[stages]]
name = "main"
mixture = { web = 1 }
start = 0.3"#,
        "`start` belongs to",
        "0.3",
    ),
    (
        "Setting",
        r#"[[stages]]
name = "main"
mixture = { web = 1 }
full_at = 0.7"#,
        "`full_at` belongs to",
        "0.7",
    ),
    (
        "Setting",
        r#"[[stages]]
name = "main"
from = { web = 1 }
mixture = "by-difficulty"
over = ["web", "books"]"#,
        "`from` belongs to weights that ramp; `by-difficulty` moves by itself",
        "from",
    ),
    (
        "Setting",
        r#"[[stages]]
name = "main"
from = "by-difficulty"
mixture = { web = 1 }"#,
        "`from` belongs to weights that ramp; `by-difficulty` moves by itself",
        r#""by-difficulty""#,
    ),
    (
        "Needs",
        r#"[[stages]]
name = "main"
mixture = "temperature"
over = ["web", "books"]"#,
        "needs `temperature`",
        r#""temperature""#,
    ),
    (
        "Needs",
        r#"[[stages]]
name = "main"
mixture = "unimax"
over = ["web", "books"]"#,
        "needs `max_epochs`",
        r#""unimax""#,
    ),
    (
        "Range",
        r#"[[stages]]
name = "main"
share = 0.5
mixture = { web = 1 }
blend = 0

[[stages]]
name = "end"
share = 0.5
mixture = { books = 1 }"#,
        "`blend` must be above 0 and at most 1",
        "0",
    ),
    (
        "Range",
        r#"[[stages]]
name = "main"
share = 0.6
mixture = { web = 1 }

[[stages]]
name = "end"
share = 0.4
mixture = { books = 1 }
replay = 1"#,
        "`replay` must be at least 0 and below 1",
        "1",
    ),
    (
        "Range",
        r#"[[stages]]
name = "main"
mixture = "by-difficulty"
over = ["web", "books"]
start = 1"#,
        "`start` must be at least 0 and below 1",
        "1",
    ),
    (
        "Range",
        r#"[[stages]]
name = "main"
mixture = "by-difficulty"
over = ["web", "books"]
full_at = 0"#,
        "`full_at` must be above 0 and at most 1",
        "0",
    ),
    (
        "Plateaus",
        r#"[[stages]]
name = "main"
from = { books = 1 }
mixture = { web = 1 }
ramp = "step"
plateaus = 10001"#,
        "a step ramp has 2 to 10000 plateaus, not 10001",
        "10001",
    ),
    (
        "NameTwice",
        r#"[[stages]]
name = "main"
share = 0.5
mixture = { web = 1 }

[[stages]]
name = 'main'
share = 0.5
mixture = { books = 1 }"#,
        "two stages are called `main`; a stage needs a name of its own",
        "'main'",
    ),
    (
        "Name",
        r#"[[stages]]
name = " "
mixture = { web = 1 }"#,
        "a stage needs a name",
        r#"" ""#,
    ),
    (
        "BlendIntoNothing",
        r#"[[stages]]
name = "main"
mixture = { web = 1 }
blend = 0.25"#,
        "`blend` leads into the next stage, and this is the last",
        "0.25",
    ),
    (
        "ReplayOfNothing",
        r#"[[stages]]
name = "main"
mixture = { web = 1 }
replay = 0.25"#,
        "`replay` draws on the stage before, and this is the first",
        "0.25",
    ),
    (
        "Fact",
        r#"[[stages]]
name = "main"
mixture = "proportional""#,
        "stage `main` is mixed in proportion and needs the `unique_tokens` of `blog`",
        "blog",
    ),
    (
        "Fact",
        r#"[[stages]]
name = "main"
mixture = "by-difficulty""#,
        "stage `main` is mixed by difficulty and needs the `difficulty` of `blog`",
        "blog",
    ),
    (
        "NotASource",
        r#"[[stages]]
name = "main"
mixture = "proportional"
over = ["web", "bloog"]"#,
        "no source is called `bloog`; did you mean `blog`?",
        r#""bloog""#,
    ),
    (
        "Twice",
        r#"[[stages]]
name = "main"
mixture = "proportional"
over = ["web", "books", "web"]"#,
        "`web` stands twice in `over`",
        r#""web""#,
    ),
    (
        "Over",
        r#"[[stages]]
name = "main"
mixture = "proportional"
over = []"#,
        "`over` is empty",
        "[]",
    ),
    (
        "OpenLength",
        r#"[[stages]]
name = "main"
mixture = "unimax"
max_epochs = 4
over = ["web", "books"]

[[stages]]
name = "end"
tokens = 100e9
mixture = { books = 1 }"#,
        "unimax gives weights for a length that is known",
        r#""unimax""#,
    ),
    (
        "TooLong",
        r#"[[stages]]
name = "main"
mixture = "unimax"
max_epochs = 0.5
over = ["web", "books"]"#,
        "`main` reads 100 B tokens, but 0.500 passes over its sources give 55.0 B",
        "0.5",
    ),
];

/// Every variant, so that none is left out above.
const VARIANTS: [&str; 24] = [
    "Mixture",
    "TwoLengths",
    "TwoRests",
    "PastTheEnd",
    "Gap",
    "NoRest",
    "OwnLength",
    "NoRun",
    "StepsOfWhat",
    "Setting",
    "Needs",
    "Range",
    "Plateaus",
    "Name",
    "NameTwice",
    "BlendIntoNothing",
    "ReplayOfNothing",
    "Fact",
    "NotASource",
    "Twice",
    "NoSources",
    "Over",
    "OpenLength",
    "TooLong",
];

#[test]
fn every_reason_points_to_its_key() {
    let mut wrong = Vec::new();
    for (variant, stages, message, caret) in CASES {
        let text = format!("{HEAD}\n{stages}\n");
        let checked = check(text.as_bytes());
        let [finding] = checked.findings.as_slice() else {
            wrong.push(format!("{variant}: {:?} for\n{stages}\n", checked.findings));
            continue;
        };
        let span = finding.labels.first().and_then(|label| label.span.clone());
        let under = span.clone().map(|span| &text[span]);
        // a text that stands twice has to be met in the stage that is at fault, the last of it
        let place = span.map(|span| span.start);
        let expected = text.rfind(caret);
        let ok = !checked.readable
            && finding.rule == "invalid-plan"
            && finding.message.contains(message)
            && under == Some(*caret)
            && (place == expected || *variant == "Fact" || *variant == "Range");
        if !ok {
            wrong.push(format!(
                "{variant}: {}\n  at {under:?}, not {caret:?}, for\n{stages}\n",
                finding.message
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_variant_has_a_case() {
    // without a source the head of these plans does not hold; see the next test
    for variant in VARIANTS.into_iter().filter(|variant| *variant != "NoSources") {
        assert!(CASES.iter().any(|case| case.0 == variant), "{variant}");
    }
    let file = include_str!("../../src/data/stage/error.rs");
    let body = file.split("pub enum StageError {").nth(1).unwrap();
    let is_variant = |line: &&str| {
        line.starts_with("    ") && line.chars().nth(4).is_some_and(char::is_uppercase)
    };
    let names = body
        .lines()
        .filter(is_variant)
        .map(|line| line.trim().split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default());
    let names: Vec<&str> = names.collect();
    assert_eq!(names, VARIANTS);
}

/// Of two stages of one name both are shown.
#[test]
fn a_name_that_stands_twice_is_shown_twice() {
    let stage = "[[stages]]\nname = \"main\"\nshare = 0.5\nmixture = { web = 1 }\n";
    let text = format!("{HEAD}\n{stage}\n{stage}");
    let checked = check(text.as_bytes());
    let [finding] = checked.findings.as_slice() else { panic!("{:?}", checked.findings) };
    let places: Vec<_> = finding.labels.iter().map(|label| label.span.clone().unwrap()).collect();
    assert!(places.iter().all(|place| &text[place.clone()] == "\"main\""), "{places:?}");
    assert_eq!(places.len(), 2);
    assert!(places[0].start > places[1].start, "the second is the one at fault");
}

/// Without any source there is nothing for a method to mix; the stage itself is shown.
#[test]
fn a_method_without_sources_is_told() {
    let text = "format = 1\n\n[[stages]]\nname = \"main\"\nmixture = \"proportional\"\n";
    let checked = check(text.as_bytes());
    let [finding] = checked.findings.as_slice() else { panic!("{:?}", checked.findings) };
    assert!(finding.message.contains("there is no source to mix"), "{}", finding.message);
    assert!(finding.labels[0].span.is_some(), "{finding:?}");
}

/// Where only `from` is by a method, that is what lacks its setting.
#[test]
fn a_setting_that_from_needs_is_missed_there() {
    for (method, setting) in [("temperature", "temperature"), ("unimax", "max_epochs")] {
        let text = format!(
            "{HEAD}\n[[stages]]\nname = \"main\"\nfrom = \"{method}\"\nmixture = {{ web = 1 }}\n\
             over = [\"web\", \"books\"]\n"
        );
        let checked = check(text.as_bytes());
        let [finding] = checked.findings.as_slice() else { panic!("{:?}", checked.findings) };
        assert!(finding.message.contains(setting), "{}", finding.message);
        let span = finding.labels[0].span.clone().unwrap();
        assert_eq!(&text[span], format!("\"{method}\""), "{}", finding.message);
    }
}
