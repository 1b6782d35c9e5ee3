//! The minimum is the lowest there is.

use super::{chinchilla, reference, simulate};
use plan::fit::{Objective, Run, Settings, fit};
use plan::law::Surface;
use plan::quantity::{Params, Tokens};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

const HUBER: Objective = Objective::LogHuber { delta: 1e-3 };

/// The 240 points where they are at hand, else as many simulated ones.
fn runs() -> Vec<Run> {
    chinchilla::runs().unwrap_or_else(|| {
        let flops = [6e18, 3e21];
        let grid = simulate::Grid { budgets: 12, sizes: 20, flops, noise: 0.005, wild: 0.1 };
        grid.runs(3)
    })
}

fn without_bootstrap() -> Settings {
    Settings { objective: HUBER, bootstrap: 0, ..Settings::default() }
}

/// Shuffled rows, and sizes, tokens and losses in other units: the same minimum every time.
#[test]
fn of_200_shuffled_and_scaled_200_come_to_the_minimum() {
    let runs = runs();
    let known = fit(&runs, &without_bootstrap()).unwrap().value;
    let mut rng = ChaCha8Rng::seed_from_u64(17);
    for _ in 0..200 {
        let mut other = runs.clone();
        for index in (1..other.len()).rev() {
            other.swap(index, rng.random_range(0..=index));
        }
        let mut unit = |most: f64| libm::pow(10.0, most * (2.0 * rng.random::<f64>() - 1.0));
        let (params, tokens, loss) = (unit(9.0), unit(9.0), unit(2.0));
        for run in &mut other {
            run.params *= params;
            run.tokens *= tokens;
            run.loss *= loss;
        }
        let value = fit(&other, &without_bootstrap()).unwrap().value;
        assert!((value / known - 1.0).abs() < 1e-9, "{value} for {known}");
    }
}

/// Every resample's refit against BFGS from the refit itself, the whole fit, and starts around.
#[test]
fn of_1000_resamples_980_cannot_be_bettered() {
    let runs = runs();
    let settings = Settings { bootstrap: 1000, seed: 5, ..without_bootstrap() };
    let fitted = fit(&runs, &settings).unwrap();
    let draws = fitted.bootstrap.unwrap().draws;
    let missed = (0..1000_usize).into_par_iter().filter(|&index| {
        let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
        rng.set_stream(index as u64);
        let mut sample = runs.clone();
        for run in &mut sample {
            run.weight = 0.0;
        }
        for _ in 0..sample.len() {
            let row = rng.random_range(0..sample.len());
            sample[row].weight += 1.0;
        }
        let mut around = |law: &Surface, far: f64| {
            let mut factor = || libm::exp(far * (rng.random::<f64>() - 0.5));
            let (alpha, beta) = (law.alpha * factor(), law.beta * factor());
            // the terms keep their sizes in the middle of the runs
            let (a, b) = (
                law.a * libm::exp(20.0 * (alpha - law.alpha)) * factor(),
                law.b * libm::exp(23.0 * (beta - law.beta)) * factor(),
            );
            Surface { e: law.e * factor(), a, b, alpha, beta }
        };
        let mut starts = vec![draws[index], fitted.surface];
        starts.extend((0..4).map(|_| around(&fitted.surface, 0.3)));
        starts.extend((0..6).map(|_| around(&fitted.surface, 1.5)));
        let own = reference::objective(&sample, &draws[index]);
        own > reference::least(&sample, &starts) * (1.0 + 1e-7)
    });
    let missed = missed.count();
    assert!(missed <= 20, "{missed} of 1000 refits are not the minimum");
}

/// The same bytes on 1, 2 and 7 threads.
#[test]
fn threads_do_not_matter() {
    let runs = runs();
    let settings = Settings { bootstrap: 200, seed: 11, ..Settings::default() };
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| fit(&runs, &settings).unwrap())
    };
    let one = on(1);
    assert_eq!(one, on(2));
    assert_eq!(one, on(7));
}

/// Refits of absolute deviations to resamples against the whole search of each resample, and against
/// ever sharper Huber losses, whose limit they are.
#[test]
fn least_absolute_deviations_of_resamples_cannot_be_bettered() {
    const COUNT: usize = 200;
    let runs = runs();
    let settings =
        Settings { objective: Objective::LogL1, bootstrap: 200, seed: 5, ..without_bootstrap() };
    let fitted = fit(&runs, &settings).unwrap();
    let draws = fitted.bootstrap.unwrap().draws;
    let missed = (0..COUNT).into_par_iter().filter(|&index| {
        let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
        rng.set_stream(index as u64);
        let mut counts = vec![0.0; runs.len()];
        for _ in 0..runs.len() {
            counts[rng.random_range(0..runs.len())] += 1.0;
        }
        let kept = runs.iter().zip(counts).filter(|(_, count)| *count > 0.0);
        let sample: Vec<Run> = kept.map(|(run, weight)| Run { weight, ..*run }).collect();
        let of = |law: &Surface| -> f64 {
            let off = |run: &Run| {
                let predicted = law.loss(Params(run.params), Tokens(run.tokens)).0;
                run.weight * libm::log(predicted / run.loss).abs()
            };
            sample.iter().map(off).sum()
        };
        let own = of(&draws[index]);
        let whole = Settings { bootstrap: 0, ..settings };
        let sharp = Settings { objective: Objective::LogHuber { delta: 1e-9 }, ..whole };
        [whole, sharp].iter().any(|settings| {
            let other = fit(&sample, settings).unwrap();
            own > of(&other.surface) * (1.0 + 1e-7)
        })
    });
    let missed = missed.count();
    println!("{missed} of {COUNT} refits are not the minimum");
    assert!(missed * 50 <= COUNT, "{missed} of {COUNT} refits are not the minimum");
}
