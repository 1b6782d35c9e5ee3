//! Fits that others published, or that a separate Python implementation computed of their data.

use super::chinchilla;
use approx::assert_relative_eq;
use plan::fit::{Fit, Objective, Run, Settings, fit};
use plan::law::Surface;
use plan::quantity::Flops;

fn fitted(runs: &[Run], objective: Objective) -> Fit {
    fit(runs, &Settings { objective, bootstrap: 0, ..Settings::default() }).unwrap()
}

fn is(fit: &Fit, [a, b, e, alpha, beta]: [f64; 5], digits: f64) {
    let Surface { e: e_, a: a_, b: b_, alpha: alpha_, beta: beta_ } = fit.surface;
    for (own, known) in [(a_, a), (b_, b), (e_, e), (alpha_, alpha), (beta_, beta)] {
        assert_relative_eq!(own, known, max_relative = digits);
    }
}

/// Computed with BFGS of `SciPy` from many starts: the Huber optimum of the 240 points.
#[test]
fn huber_fit_of_chinchilla() {
    let Some(runs) = chinchilla::runs() else { return };
    let fit = fitted(&runs, Objective::LogHuber { delta: 1e-3 });
    assert_relative_eq!(fit.value, 1.018_274_017_80e-3, max_relative = 1e-9);
    is(&fit, [477.825_858, 2_143.417_390, 1.817_218_1, 0.347_310_50, 0.367_172_43], 3e-8);
}

/// The constants of Besiroglu et al. 2024 to the digits of their notebook, whose fitted scale makes
/// a Huber loss the least absolute deviations.
#[test]
fn least_absolute_deviations_of_chinchilla() {
    let Some(runs) = chinchilla::runs() else { return };
    let fit = fitted(&runs, Objective::LogL1);
    assert_relative_eq!(fit.value, 1.129_494_653_622, max_relative = 1e-9);
    is(&fit, [482.006_055, 2_085.436_245, 1.816_864_1, 0.347_813_07, 0.365_854_16], 3e-8);
}

/// Apple's scalefit and Open Athena's VPNLS agree on these.
#[test]
fn least_squares_of_chinchilla_below_1e21() {
    let below = "flops<1e21".parse().unwrap();
    let Some(runs) = chinchilla::read_file(&[below], 5) else { return };
    assert_eq!(runs.runs.len(), 217);
    let fit = fitted(&runs.runs, Objective::Mse);
    assert_relative_eq!(fit.value, 0.062_414_3, max_relative = 1e-6);
    is(&fit, [511.053, 14_133.75, 1.905_092, 0.351_058, 0.458_742], 1e-6);
}

/// All 245 points: five outliers move beta from .367 to .453.
#[test]
fn huber_fit_of_all_points() {
    let Some(runs) = chinchilla::read_file(&[], 0) else { return };
    let fit = fitted(&runs.runs, Objective::LogHuber { delta: 1e-3 });
    is(&fit, [495.73, 12_845.6, 1.891_34, 0.349_31, 0.453_05], 1e-5);
}

/// Standard errors of 4000 bootstraps in the notebook of Besiroglu et al. 2024; that of B has heavy
/// tails. The sd of ln B and the interval at Gopher's budget are of a separate bootstrap.
#[test]
fn bootstrap_of_chinchilla() {
    let Some(runs) = chinchilla::runs() else { return };
    let settings = Settings { target: Some(Flops(5.76e23)), ..Settings::default() };
    let fit = fit(&runs, &settings).unwrap();
    let bootstrap = fit.bootstrap.as_ref().unwrap();
    let errors = bootstrap.standard_errors;
    for (own, published, within) in [
        (errors.a, 124.5, 0.05),
        (errors.e, 0.0257, 0.05),
        (errors.alpha, 0.0154, 0.05),
        (errors.beta, 0.0206, 0.05),
        (errors.b, 1293.0, 0.12),
    ] {
        assert!((own / published - 1.0).abs() <= within, "{own} for {published}: {errors:?}");
    }
    let logs: Vec<f64> = bootstrap.draws.iter().map(|draw| libm::log(draw.b)).collect();
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let count = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / count;
    let sd = (logs.iter().map(|log| (log - mean) * (log - mean)).sum::<f64>() / count).sqrt();
    assert!((sd - 0.41).abs() <= 0.03, "{sd}");
    let [low, high] = fit.target.params_80.unwrap();
    assert!(
        (low / 57.5e9 - 1.0).abs() < 0.05 && (high / 98.6e9 - 1.0).abs() < 0.05,
        "{low} {high}"
    );
    assert_relative_eq!(fit.target.optimum.params.unwrap().0, 7.31904e10, max_relative = 1e-5);
    // numpy.linalg.cond of the normal equations there
    assert_relative_eq!(fit.condition, 1.8082e13, max_relative = 1e-3);
}
