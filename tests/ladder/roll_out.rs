//! Fits to the small runs, held against the largest.

use super::simulate::{Grid, TRUTH};
use plan::fit::{Objective, Settings, fit, roll_out};
use plan::quantity::Flops;

const GRID: Grid = Grid { budgets: 6, sizes: 8, flops: [1e18, 1e21], noise: 0.0, wild: 0.0 };

fn settings() -> Settings {
    Settings { objective: Objective::Mse, bootstrap: 40, ..Settings::default() }
}

/// Exact runs are predicted exactly, however few are fitted; each fit leaves out half as much again.
#[test]
fn exact_runs_are_predicted_exactly() {
    let runs = GRID.runs(0);
    let rolled = roll_out(&runs, &TRUTH, &settings()).unwrap();
    assert_eq!(rolled.held_out, 8);
    let rows: Vec<usize> = rolled.steps.iter().map(|step| step.rows).collect();
    assert_eq!(rows, [40, 32, 24, 16]);
    let best = TRUTH.optimum(Flops(1e21), settings().k).params.unwrap().0;
    for step in &rolled.steps {
        assert!(step.rms < 1e-6 && step.mean.abs() < 1e-6, "{step:?}");
        assert!((step.params.0 / best - 1.0).abs() < 1e-4, "{step:?}");
    }
    assert!((rolled.steps[3].extrapolation / libm::pow(1e3, 0.8) - 1.0).abs() < 1e-9);
}

/// Losses of the largest runs that lie 1 % above what the others promise are found to the digit.
#[test]
fn an_error_of_one_percent_is_told() {
    let mut runs = GRID.runs(0);
    for run in &mut runs[40..] {
        run.loss *= 1.01;
    }
    let rolled = roll_out(&runs, &TRUTH, &settings()).unwrap();
    for step in &rolled.steps {
        assert!((step.mean - libm::log(1.01)).abs() < 1e-6, "{step:?}");
        assert!((step.rms - libm::log(1.01)).abs() < 1e-6, "{step:?}");
    }
}

#[test]
fn where_nothing_smaller_can_be_fitted_it_says_why() {
    let runs = GRID.runs(0);
    let why = roll_out(&runs[32..], &TRUTH, &settings()).unwrap_err();
    assert!(why.contains("one budget"), "{why}");
    let why = roll_out(&runs[40..], &TRUTH, &settings()).unwrap_err();
    assert!(why.contains("half of the largest"), "{why}");
    assert!(fit(&runs[32..], &settings()).is_ok());
}
