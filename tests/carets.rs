//! Carets stand exactly under what is meant, however the plan is written: a snapshot each.
//! `INSTA_UPDATE=always` writes them anew.

use plan::check::check;
use plan::report::{Diagnosed, diagnostics};

/// A way of writing a plan: its name, its text, the rule that it breaks, what the caret is to stand
/// under, and the line and column of that in characters, from 1.
type Case = (&'static str, &'static str, &'static str, &'static str, (usize, usize));

const CASES: &[Case] = &[
    (
        "nested-key",
        "format = 1\n[budget]\nflops = 1e21\n[model.shape]\nlayers = 8\nhidden = 4096\nheads = 32\n\
         ffn = 14336\nvocab = 128256\n",
        "unusual-depth",
        "8",
        (5, 10),
    ),
    (
        "array-of-tables",
        "format = 1\nrun.tokens = 1e10\n[sources]\nweb = { unique_tokens = 1e12 }\n[[stages]]\n\
         name = \"a\"\nmixture = { web = 1 }\n[[stages]]\nname = \"b\"\ntokens = 2e10\n\
         mixture = { web = 1 }\n",
        "stages-exceed-run",
        "2e10",
        (10, 10),
    ),
    (
        "nested-array-table",
        "format = 1\n[sources]\nweb = { unique_tokens = 1e12 }\n[[stages]]\nname = \"a\"\n\
         [stages.mixture]\nweb = \"1.5T\"\n",
        "invalid-plan",
        "\"1.5T\"",
        (7, 7),
    ),
    (
        "inline-table",
        "format = 1\nrun.tokens = 1e12\nsources = { web = { unique_tokens = 1e10, max_epochs = 4 } }\n",
        "source-exhausted",
        "4",
        (3, 56),
    ),
    (
        "inline-tables-in-an-array",
        "format = 1\nbudget.flops = 1e21\nallow = [ { rule = \"hard-gate\", reason = \"x\" } ]\n",
        "unused-allow",
        "\"hard-gate\"",
        (3, 20),
    ),
    ("dotted-key", "format = 1\nbudget . \"flops\" = nan\n", "invalid-plan", "nan", (2, 20)),
    (
        "dotted-key-in-an-inline-table",
        "format = 1\nsources = { web.unique_tokens = \"10d\" }\n",
        "invalid-plan",
        "\"10d\"",
        (2, 33),
    ),
    (
        "quoted-key",
        "format = 1\nrun.tokens = 1e12\n[sources.\"the web\"]\nunique_tokens = 1e10\nmax_epochs = 4\n",
        "source-exhausted",
        "4",
        (5, 14),
    ),
    ("crlf", "format = 1\r\n[law]\r\nname = \"nil\"\r\n", "invalid-plan", "\"nil\"", (3, 8)),
    ("tabs", "format = 1\n[law]\n\tname\t=\t\"nil\"\n", "invalid-plan", "\"nil\"", (3, 9)),
    ("bom", "\u{feff}format = 2\n", "unknown-format", "2", (1, 10)),
    (
        "wide-characters",
        "format = 1\nlaw = { name = \"日本 🦙 e\u{301}\" } # 日本\n",
        "invalid-plan",
        "\"日本 🦙 e\u{301}\"",
        (2, 16),
    ),
    (
        "behind-wide-characters",
        "format = 1\nsources = { \"日本\" = { quality = \"suspect\", unique_tokens = 1e12 } }\n",
        "suspect-source",
        "\"suspect\"",
        (2, 32),
    ),
    (
        "many-lines",
        "format = 1\nrun.matches = \"\"\"\nllama\n\"\"\"\n",
        "invalid-plan",
        "matches",
        (2, 5),
    ),
    (
        "all-at-once",
        "\u{feff}format = 1\r\n\"sources\" = { \"日 本\".quality\t=\t'suspect' }\t# 🦙\r\n",
        "suspect-source",
        "'suspect'",
        (2, 31),
    ),
];

#[test]
fn carets_are_exact() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path("snapshots/carets");
    settings.bind(|| {
        for (name, text, rule, under, at) in CASES {
            let checked = check(text.as_bytes());
            let shown = diagnostics("plan.toml", text, &checked.findings, 80);
            let file = Diagnosed::new("plan.toml", text, checked);
            let one = file.findings.iter().find(|one| one.finding.rule == *rule);
            let region = one.unwrap_or_else(|| panic!("{name}: {file:#?}")).main().unwrap();
            assert_eq!(&text[region.start..region.end], *under, "{name}");
            assert_eq!((region.line, region.column), *at, "{name}");
            let width = under.chars().count();
            assert_eq!((region.end_line, region.end_column), (at.0, at.1 + width), "{name}");
            insta::assert_snapshot!(*name, anstream::adapter::strip_str(&shown).to_string());
        }
    });
}
