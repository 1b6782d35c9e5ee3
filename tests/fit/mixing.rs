//! Mixing laws: a known law comes back, and the proposal is the best that is allowed.

use super::mixtures::{LOSSES, SOURCES, runs, table, truth};
use plan::fit::{
    Caps, MixingError, MixingFit, MixtureRun, Objective, ReadRunsError, Role, Settings, fit_mixing,
    propose, read_mixtures,
};
use plan::quantity::Tokens;

fn names() -> Vec<String> {
    SOURCES.map(str::to_owned).to_vec()
}

fn fitted(runs: &[MixtureRun], objective: Objective, bootstrap: u32) -> MixingFit {
    let settings = Settings { objective, bootstrap, ..Settings::default() };
    fit_mixing(&names(), runs, &settings, &|| ()).unwrap()
}

/// Without noise every objective gives the losses back, everywhere.
#[test]
fn exact_runs_give_the_law_back() {
    let runs = runs(60, 0.0, 1);
    for objective in [Objective::LogHuber { delta: 1e-3 }, Objective::LogL1, Objective::Mse] {
        let fit = fitted(&runs, objective, 0);
        for (own, known) in fit.laws.iter().zip(truth()) {
            assert!((own.c / known.c - 1.0).abs() < 1e-3, "{objective:?}: {own:?} for {known:?}");
            // the shares sum to one, so that only differences of t are told
            let steps = |t: &[f64]| [t[0] - t[1], t[1] - t[2]];
            for (own, known) in steps(&own.t).into_iter().zip(steps(&known.t)) {
                assert!((own - known).abs() < 5e-3, "{objective:?}: {own} for {known}");
            }
            let pull: f64 = own.t.iter().zip(&fit.mean).map(|(t, share)| t * share).sum();
            assert!(pull.abs() < 1e-9, "t of the mean mixture sum to zero: {pull}");
        }
        assert!(fit.rms < 1e-5, "{objective:?}: {}", fit.rms);
    }
}

#[test]
fn runs_that_were_left_out_are_ranked() {
    let fit = fitted(&runs(80, 0.004, 2), Objective::LogHuber { delta: 1e-3 }, 100);
    let held = fit.held_out.unwrap();
    assert!(held.spearman > 0.9 && held.mean_error < 0.02, "{held:?}");
    let [low, high] = fit.loss_80(&fit.mean).unwrap();
    let true_: f64 = truth().iter().map(|law| law.loss(&fit.mean)).sum::<f64>() / 3.0;
    assert!(low < high && (low - 0.01..high + 0.01).contains(&true_), "{low} {high} {true_}");
}

/// No mixture on a fine grid of those that are allowed is better.
#[test]
fn the_proposal_is_the_best_that_is_allowed() {
    let fit = fitted(&runs(80, 0.0, 3), Objective::Mse, 0);
    let open = Caps { tokens: Tokens(1e12), sources: vec![None; 3] };
    let capped = Caps {
        tokens: Tokens(1e12),
        sources: vec![
            Some((Tokens(3e12), None)),
            Some((Tokens(40e9), Some(4.0))),
            Some((Tokens(15e9), Some(4.0))),
        ],
    };
    for caps in [None, Some(&open), Some(&capped)] {
        let proposal = propose(&fit, caps).unwrap();
        let sum: f64 = proposal.shares.iter().sum();
        assert!((sum - 1.0).abs() < 1e-9, "{proposal:?}");
        let inside = |shares: &[f64]| {
            let ends = shares.iter().zip(&proposal.allowed);
            ends.clone().all(|(share, [low, high])| (low - 1e-9..=high + 1e-9).contains(share))
        };
        assert!(inside(&proposal.shares), "{proposal:?}");
        assert!(proposal.gap < 1e-6, "{proposal:?}");
        let mut tried = 0;
        for a in 0..=400 {
            for b in 0..=400 - a {
                let (a, b) = (f64::from(a) / 400.0, f64::from(b) / 400.0);
                let shares = [a, b, 1.0 - a - b];
                if inside(&shares) {
                    tried += 1;
                    let other = fit.loss(&shares);
                    assert!(other > proposal.loss - 1e-6, "{shares:?}: {other} {proposal:?}");
                }
            }
        }
        assert!(tried > 100, "{tried}");
        if caps == Some(&capped) {
            assert!(proposal.shares[1] <= 0.16 + 1e-9 && proposal.shares[2] <= 0.06 + 1e-9);
            let epochs = proposal.epochs.as_ref().unwrap();
            assert!((epochs[2].unwrap() - 4.0).abs() < 1e-6, "{epochs:?}");
            assert_eq!(proposal.capped, [false, true, true]);
        }
    }
    let tight = Caps { tokens: Tokens(1e12), sources: vec![Some((Tokens(1e11), Some(2.0))); 3] };
    assert!(matches!(propose(&fit, Some(&tight)), Err(MixingError::NoRoom { .. })));
}

#[test]
fn mixtures_that_tell_nothing_are_refused() {
    let fails = |sources: &[&str], runs: &[MixtureRun]| {
        let sources: Vec<String> = sources.iter().map(|name| (*name).to_owned()).collect();
        fit_mixing(&sources, runs, &Settings::default(), &|| ()).unwrap_err()
    };
    let good = runs(40, 0.01, 4);
    assert!(matches!(fails(&SOURCES, &good[..4]), MixingError::TooFew { constants: 4, .. }));
    let twice: Vec<MixtureRun> = std::iter::repeat_n(good[0].clone(), 30).collect();
    assert!(matches!(fails(&SOURCES, &twice), MixingError::TooFew { distinct: 1, .. }));
    // math always comes with half as much code
    let mut tied = good.clone();
    for run in &mut tied {
        let rest = 1.0 - run.shares[0];
        run.shares[1] = rest * 2.0 / 3.0;
        run.shares[2] = rest / 3.0;
    }
    assert_eq!(fails(&SOURCES, &tied), MixingError::Collinear { name: "math".to_owned() });
    let mut same = good.clone();
    for run in &mut same {
        run.losses[1] = 2.0;
    }
    assert_eq!(fails(&SOURCES, &same), MixingError::OneLoss);
    let mut one = good;
    for run in &mut one {
        run.shares = vec![1.0];
    }
    assert_eq!(fails(&["web"], &one), MixingError::OneSource);
}

#[test]
fn columns_of_mixtures_are_recognised_or_named_by_a_pattern() {
    let read = |text: &str, columns: &[(Role, &str)]| {
        let columns: Vec<(Role, String)> =
            columns.iter().map(|(role, name)| (*role, (*name).to_owned())).collect();
        read_mixtures(text.as_bytes(), &columns, &[])
    };
    let own = read(&table(&runs(5, 0.0, 1)), &[]).unwrap();
    assert_eq!((own.sources, own.losses), (names(), LOSSES.map(str::to_owned).to_vec()));
    assert_eq!((own.runs.len(), own.runs[4].line), (5, 6));
    let own = read("mixture.web,mixture.code,loss.a,loss.b\n0.4,0.6,2.5,3\n", &[]).unwrap();
    assert_eq!(
        (own.sources, own.losses),
        (vec!["web".into(), "code".into()], vec!["a".into(), "b".into()])
    );
    let named = [(Role::Mixture, "train_*"), (Role::Loss, "valid_pile_cc")];
    let text = "train_web,train_code,valid_pile_cc,valid_x\n0.399,0.6,2.5,3\n";
    let own = read(text, &named).unwrap();
    assert_eq!(
        (own.sources, own.losses),
        (vec!["web".into(), "code".into()], vec!["valid_pile_cc".into()])
    );
    // rounded shares are divided by their sum
    assert!((own.runs[0].shares[0] - 0.399 / 0.999).abs() < 1e-12);
    assert!(matches!(
        read(text, &[(Role::Loss, "valid_x")]),
        Err(ReadRunsError::Missing { role: Role::Mixture, .. })
    ));
    let off = read("mixture.a,mixture.b,loss\n0.4,0.4,2\n", &[]);
    assert!(matches!(off, Err(ReadRunsError::NoMixture { line: 2, .. })), "{off:?}");
    let negative = read("mixture.a,mixture.b,loss\n1.4,-0.4,2\n", &[]).unwrap_err().to_string();
    assert!(negative.contains("line 2, column 2 (`mixture.b`)"), "{negative}");
    let foreign = read(text, &[(Role::Params, "train_web")]).unwrap_err().to_string();
    assert!(foreign.contains("mixture, loss, weight"), "{foreign}");
}
