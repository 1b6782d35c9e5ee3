//! The plans and the manifest of a ladder.

use super::simulate::TRUTH;
use plan::check::{Level, check_with};
use plan::fit::read;
use plan::ladder::{Settings, ladder, ladder_over, manifest, outcome, rung_text};
use plan::plan::{Chosen, Inputs};
use plan::quantity::{Flops, FlopsPerParamToken};

fn settings() -> Settings {
    Settings::new(Flops(1e23), Flops(1e21), TRUTH)
}

/// `check` finds nothing in any plan; each is the run of its row.
#[test]
fn check_accepts_every_plan() {
    for spend in [2e20, 1e21, 2e22] {
        let ladder = ladder(Settings { spend: Flops(spend), ..settings() }).unwrap();
        assert_eq!(ladder.rungs.len(), 35);
        assert!((ladder.flops().0 / spend - 1.0).abs() < 1e-3);
        for rung in &ladder.rungs {
            let text = rung_text(&ladder, rung, &Chosen::default(), &Inputs::new()).unwrap();
            let checked = check_with(text.as_bytes(), |_| Inputs::new());
            assert!(checked.readable, "{text}");
            let worst = checked.findings.iter().map(|found| found.level).max();
            assert_eq!(checked.findings, [], "{worst:?} {text}");
            assert!(worst < Some(Level::Error));
            let derivation =
                plan::derive::derive(&plan::file::read(text.as_bytes()).unwrap().chosen).unwrap();
            let point = derivation.point.unwrap();
            assert!((point.params.unwrap().0 / rung.params.0 - 1.0).abs() < 1e-12, "{text}");
            assert!((point.flops.0 / rung.flops.0 - 1.0).abs() < 1e-9);
        }
    }
}

/// A manifest is read as the runs it lists, and names the row whose loss is missing.
#[test]
fn fit_reads_the_manifest() {
    let ladder = ladder(settings()).unwrap();
    let runs = outcome(&ladder, 3);
    let k = FlopsPerParamToken::TRAINING;
    let filled = manifest(&ladder, Some(&runs));
    let back = read(filled.as_bytes(), &[], &[], 0, k).unwrap();
    assert_eq!(back.runs.len(), 35);
    for (own, there) in back.runs.iter().zip(&runs) {
        assert_eq!((own.params, own.tokens, own.line), (there.params, there.tokens, there.line));
        assert!((own.loss - there.loss).abs() < 1e-5);
    }
    let half: Vec<_> = runs[..20].to_vec();
    let partly = manifest(&ladder, Some(&half));
    let error = read(partly.as_bytes(), &[], &[], 0, k).unwrap_err().to_string();
    assert!(error.contains("line 22, column 5 (`loss`)"), "{error}");
    assert!(error.contains("--where \"loss>0\""), "{error}");
    let filter = "loss>0".parse().unwrap();
    assert_eq!(read(partly.as_bytes(), &[], &[filter], 0, k).unwrap().runs.len(), 20);
    let none = manifest(&ladder, None);
    let error = read(none.as_bytes(), &[], &["loss>0".parse().unwrap()], 0, k).unwrap_err();
    assert!(error.to_string().contains("none meets"), "{error}");
}

/// Every setting that makes no ladder is named with what would be right.
#[test]
fn settings_that_make_no_ladder_are_named() {
    let cases: [(Settings, &str); 10] = [
        (Settings { budgets: 1, ..settings() }, "budgets is 1"),
        (Settings { budgets: 101, ..settings() }, "budgets is 101"),
        (Settings { budgets: 100, sizes: 100, ..settings() }, "10000 runs"),
        (Settings { sizes: 2, ..settings() }, "sizes is 2"),
        (Settings { span: 1.0, ..settings() }, "span is 1"),
        (Settings { span: f64::NAN, ..settings() }, "span is"),
        (Settings { reach: 0.5, ..settings() }, "reach is 0.5"),
        (Settings { noise: 0.0, ..settings() }, "noise is 0"),
        (Settings { spend: Flops(1e23), ..settings() }, "train the target itself"),
        (Settings { spend: Flops(1e13), ..settings() }, "would train"),
    ];
    for (settings, part) in cases {
        let error = ladder(settings).unwrap_err().to_string();
        assert!(error.contains(part), "{part:?} is not in {error:?}");
    }
}

/// A small ladder spans as much as shapes allow.
#[test]
fn a_small_ladder_spans_what_it_can() {
    let small = Settings { spend: Flops(1e19), ..settings() };
    assert!(ladder(small).is_err());
    let placed = ladder_over(small, &Settings::SPANS).unwrap();
    assert!(placed.settings.span < 100.0, "{}", placed.settings.span);
    let wide = ladder_over(settings(), &Settings::SPANS).unwrap();
    assert_eq!(wide, ladder(settings()).unwrap());
}
