//! The 256 bootstrap draws of the Chinchilla law in `src/law/draws.csv`: generator and test in one.
//!
//! # Data
//!
//! Besiroglu et al. 2024 (arXiv:2404.10102) read 245 training runs off Figure 4 of Hoffmann et al.
//! 2022 (arXiv:2203.15556). As they do, the 5 runs with the largest loss are left out, which keeps
//! 240, and the training tokens are D = FLOP / (6 N). The points carry no licence and are not part
//! of this repository: download `data/svg_extracted_data.csv` of Epoch AI's GitHub repository
//! epoch-research/analyzing-chinchilla and save it as `epoch_svg_extracted_data.csv` in the folder
//! `$LLMPLAN_DATA`, or else in `../shared/data`. Where it is absent, the tests that need it say
//! `skipped` and pass.
//!
//! # Method
//!
//! That of `llmplan fit`: Huber fits (delta 1e-3, log loss) to 4000 resamples, of which 256 are
//! kept, at evenly spaced, bias-corrected ranks of the exponent of N*.
//!
//! # How to repeat
//!
//! `cargo test --test draws` refits everything and compares;
//! `LLMPLAN_REGENERATE=1 cargo test --test draws` rewrites `src/law/draws.csv`.

#[path = "support/chinchilla.rs"]
mod chinchilla;
#[path = "support/data.rs"]
mod data;

use approx::assert_relative_eq;
use plan::fit::{Settings, fit};
use plan::law::{Surface, draws, interval_80};
use plan::quantity::{Flops, FlopsPerParamToken};
use std::{env, fs, path::Path};

/// Number of draws that are kept.
const DRAWS: usize = 256;
/// Seed of every replicate: arXiv:2404.10102. Replicate i uses stream i.
const SEED: u64 = 240_410_102;
/// Relative agreement asked of recomputed numbers.
const TOLERANCE: f64 = 1e-6;

fn array(law: &Surface) -> [f64; 5] {
    [law.e, law.a, law.b, law.alpha, law.beta]
}

/// Writes beside the file and renames, so that no reader sees half of it.
fn write_draws(laws: &[Surface]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/law/draws.csv");
    let unfinished = path.with_extension("csv.tmp");
    let mut writer = csv::Writer::from_path(&unfinished).expect("the folder of draws.csv exists");
    writer.write_record(["e", "a", "b", "alpha", "beta"]).expect("the header is written");
    for law in laws {
        writer.write_record(array(law).map(eight_digits)).expect("a row is written");
    }
    writer.flush().expect("the rows are written");
    drop(writer);
    fs::rename(&unfinished, path).expect("draws.csv is replaced");
}

/// `value` with 8 significant digits and no exponent: 477.82586, 0.34731050.
fn eight_digits(value: f64) -> String {
    let scientific = format!("{value:.7e}");
    let exponent: i32 = scientific
        .split_once('e')
        .and_then(|(_, exponent)| exponent.parse().ok())
        .expect("the value is finite");
    let decimals = usize::try_from(7 - exponent).unwrap_or(0);
    format!("{value:.decimals$}")
}

/// With `LLMPLAN_REGENERATE=1`, rewrites the file, which the next build embeds.
#[test]
fn draws_are_the_bootstrap() {
    let Some(runs) = chinchilla::runs() else { return };
    let fitted = fit(&runs, &Settings { seed: SEED, ..Settings::default() }).unwrap();
    let recomputed = fitted.bootstrap.unwrap().representatives(&fitted.surface);
    assert_eq!(recomputed.len(), DRAWS);
    if env::var_os("LLMPLAN_REGENERATE").is_some_and(|switch| switch == "1") {
        return write_draws(&recomputed);
    }
    for (committed, recomputed) in draws().iter().zip(&recomputed) {
        for (committed, recomputed) in array(committed).into_iter().zip(array(recomputed)) {
            assert_relative_eq!(committed, recomputed, max_relative = TOLERANCE);
        }
    }
}

#[test]
fn draws_are_256_finite_laws() {
    assert_eq!(draws().len(), DRAWS);
    for draw in draws() {
        let positive = array(draw).iter().all(|&value| value.is_finite() && value > 0.0);
        assert!(positive, "{draw:?}");
    }
}

fn assert_close(name: &str, value: f64, expected: f64, tolerance: f64) {
    let error = value / expected - 1.0;
    assert!(error.abs() <= tolerance, "{name} is {value}, not {expected} within {tolerance}");
}

#[expect(clippy::cast_precision_loss, reason = "a few hundred values")]
fn standard_deviation(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (squares / (count - 1.0)).sqrt()
}

/// Standard deviations of the 4000 bootstraps in the notebook of Besiroglu et al. 2024.
///
/// 256 draws give them to 4 to 5 % (standard error, measured over 64 blocks of 256 such draws), so
/// the 25 % allowed are five standard errors: an unlucky seed stays within them.
#[test]
fn draws_spread_as_published() {
    let check = |name, parameter: fn(&Surface) -> f64, published| {
        let values: Vec<f64> = draws().iter().map(parameter).collect();
        assert_close(name, standard_deviation(&values), published, 0.25);
    };
    check("sd of E", |law| law.e, 0.0257);
    check("sd of alpha", |law| law.alpha, 0.0154);
    check("sd of beta", |law| law.beta, 0.0206);
}

/// 80 % intervals of the optimal model, against a separate bootstrap of the same data.
///
/// Over 64 blocks of 256 such draws the percentiles scatter (one standard error) by up to 2.5 % for
/// N* at 5.76e23 FLOP, the budget of Gopher and Chinchilla, and by up to 1.7 % for D/N at 1e21.
/// Three standard errors are allowed. The separate bootstrap has plain percentiles; the correction
/// for bias moves the ends by less than that.
#[test]
fn draws_give_the_known_intervals_of_the_optimum() {
    let optimum = |law: &Surface, flops| law.optimum(Flops(flops), FlopsPerParamToken::TRAINING);
    let params = draws().iter().map(|law| optimum(law, 5.76e23).params.unwrap().0);
    let ratios = draws().iter().map(|law| optimum(law, 1e21).tokens_per_param().unwrap().0);
    let known = [
        ("N*", interval_80(params), [57.5e9, 98.6e9], 0.025),
        ("D/N", interval_80(ratios), [16.9, 26.3], 0.017),
    ];
    for (name, interval, known, error) in known {
        for (end, known) in interval.unwrap().into_iter().zip(known) {
            assert_close(name, end, known, 3.0 * error);
        }
    }
}
