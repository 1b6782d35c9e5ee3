//! Runs that tell little or nothing.

use super::simulate::{Grid, TRUTH};
use plan::fit::{FitError, Objective, Run, Settings, fit, parabolas};
use plan::law::Surface;
use plan::quantity::{Flops, FlopsPerParamToken, Params};

const GRID: Grid = Grid { budgets: 5, sizes: 7, flops: [1e18, 1e21], noise: 0.0, wild: 0.0 };

fn exact() -> Vec<Run> {
    GRID.runs(0)
}

fn quick(objective: Objective) -> Settings {
    Settings { objective, bootstrap: 50, ..Settings::default() }
}

/// Without noise every objective gives the law back.
#[test]
fn exact_runs_give_the_law_back() {
    for objective in [Objective::LogHuber { delta: 1e-3 }, Objective::LogL1, Objective::Mse] {
        let fitted = fit(&exact(), &quick(objective)).unwrap();
        let Surface { e, a, b, alpha, beta } = fitted.surface;
        for (own, true_) in
            [(e, TRUTH.e), (a, TRUTH.a), (b, TRUTH.b), (alpha, TRUTH.alpha), (beta, TRUTH.beta)]
        {
            assert!((own / true_ - 1.0).abs() < 1e-5, "{objective:?}: {own} for {true_}");
        }
        assert!(fitted.rms < 1e-7, "{}", fitted.rms);
    }
}

/// The parabola of runs whose loss is a parabola in ln N has its minimum and bend.
#[test]
fn parabolas_go_through_their_runs() {
    let run = |u: f64| {
        let params = 1e9 * libm::exp(u);
        let loss = 2.5 + 0.07 * (u - 0.3) * (u - 0.3);
        Run { params, tokens: 1e21 / 6.0 / params, loss, weight: 1.0, unique_tokens: None, line: 0 }
    };
    let runs: Vec<Run> = [-1.0, -0.5, 0.0, 0.6, 1.1, 1.4].map(run).to_vec();
    let found = parabolas(&runs, FlopsPerParamToken::TRAINING);
    assert_eq!(found.len(), 1);
    assert!((found[0].params.0 / (1e9 * libm::exp(0.3)) - 1.0).abs() < 1e-9);
    assert!((found[0].least - 2.5).abs() < 1e-12 && (found[0].bend - 0.07).abs() < 1e-12);
    // a minimum beyond the runs is none
    assert_eq!(parabolas(&runs[3..], FlopsPerParamToken::TRAINING), []);
    assert_eq!(
        parabolas(
            &[run(0.4), run(0.6), run(0.8), run(1.0), run(1.2)],
            FlopsPerParamToken::TRAINING
        ),
        []
    );
}

/// Both methods answer, and on exact runs their exponents are near.
#[test]
fn two_methods_answer_the_same_question() {
    let settings = Settings { target: Some(Flops(1e22)), ..quick(Objective::Mse) };
    let fitted = fit(&exact(), &settings).unwrap();
    let isoflop = fitted.isoflop.unwrap();
    assert_eq!(isoflop.parabolas.len(), 5);
    let own = fitted.surface.beta / (fitted.surface.alpha + fitted.surface.beta);
    assert!((isoflop.params_exponent - own).abs() < 0.01, "{}", isoflop.params_exponent);
    assert!((fitted.target.extrapolation - 10.0).abs() < 1e-6);
}

#[test]
fn runs_that_tell_no_law_are_refused() {
    let runs = exact();
    let fails = |runs: &[Run]| fit(runs, &quick(Objective::Mse)).unwrap_err();
    assert!(matches!(fails(&runs[..2]), FitError::TooFew { rows: 2, .. }));
    assert_eq!(fails(&runs[..7]), FitError::OneBudget);
    let repeated: Vec<Run> = std::iter::repeat_n(runs[0], 40).collect();
    assert!(matches!(fails(&repeated), FitError::TooFew { rows: 40, distinct: 1, .. }));
    let one = |set: fn(&mut Run)| {
        let mut runs = runs.clone();
        runs.iter_mut().for_each(set);
        fails(&runs)
    };
    assert_eq!(one(|run| run.params = 1e9), FitError::OneSize);
    assert_eq!(one(|run| run.tokens = 1e10), FitError::OneLength);
    assert_eq!(one(|run| run.loss = 2.0), FitError::OneLoss);
    assert!(matches!(one(|run| run.loss = f64::NAN), FitError::Value { row: 1, what: "loss", .. }));
    assert!(matches!(one(|run| run.weight = -1.0), FitError::Value { what: "weight", .. }));
}

/// Copies of rows count, and a reader is told.
#[test]
fn repeated_rows_are_remarked() {
    let mut runs = exact();
    runs.extend_from_within(..3);
    let fitted = fit(&runs, &quick(Objective::Mse)).unwrap();
    assert!(fitted.remarks.iter().any(|remark| remark.contains("3 of 38 rows")), "{fitted:?}");
}

/// Losses that do not depend on D: B is told to be none, and nothing panics.
#[test]
fn a_term_that_is_not_there_is_told() {
    let mut runs = exact();
    for run in &mut runs {
        let of_size = TRUTH.e + TRUTH.params_term(Params(run.params));
        run.loss = of_size;
    }
    let fitted = fit(&runs, &quick(Objective::LogHuber { delta: 1e-3 })).unwrap();
    assert!(!fitted.remarks.is_empty(), "{fitted:?}");
}

/// A weight of two is the row twice.
#[test]
fn weights_count_rows() {
    let grid = Grid { noise: 0.01, ..GRID };
    let runs = grid.runs(4);
    let mut twice = runs.clone();
    twice.extend_from_within(..10);
    let mut weighted = runs;
    weighted[..10].iter_mut().for_each(|run| run.weight = 2.0);
    let value = |runs: &[Run]| fit(runs, &quick(Objective::Mse)).unwrap().value;
    assert!((value(&twice) / value(&weighted) - 1.0).abs() < 1e-9);
}
