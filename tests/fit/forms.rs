//! The other forms against what others published of their own data, or a separate Python
//! implementation computed of them.

use super::data;
use approx::assert_relative_eq;
use plan::fit::{
    Exponents, Filter, Objective, Optima, Role, Runs, Settings, fit, fit_constrained, fit_power,
    read, read_optima,
};
use plan::law;
use plan::quantity::{FlopsPerParamToken, Params, Tokens};
use std::fs::File;

const K: FlopsPerParamToken = FlopsPerParamToken::TRAINING;

fn runs(file: &str, from: &str, columns: &[(Role, &str)], conditions: &[&str]) -> Option<Runs> {
    let path = data::find(file, from)?;
    let columns: Vec<(Role, String)> =
        columns.iter().map(|(role, name)| (*role, (*name).to_owned())).collect();
    let filters: Vec<Filter> = conditions.iter().map(|text| text.parse().unwrap()).collect();
    Some(read(File::open(path).unwrap(), &columns, &filters, 0, K).unwrap())
}

fn settings(objective: Objective) -> Settings {
    Settings { objective, bootstrap: 0, ..Settings::default() }
}

/// Muennighoff et al. 2023: on the authors' 182 runs and objective their published point is a
/// shallow minimum, and another is lower; objectives computed with `SciPy` from the authors' formula.
#[test]
fn repeats_of_datablations_are_not_identified() {
    let Some(runs) = runs(
        "datablations_182_runs.csv",
        "the runs of https://github.com/huggingface/datablations",
        &[],
        &[],
    ) else {
        return;
    };
    assert_eq!(runs.runs.len(), 182);
    let base = law::catalogue().find("muennighoff-2023").unwrap().surface().unwrap();
    let settings = settings(Objective::LogHuber { delta: 1e-3 });
    let fitted = fit_constrained(&runs.runs, &base, &settings, &|| ()).unwrap();
    assert_relative_eq!(fitted.value, 0.015_804_662_5, max_relative = 1e-8);
    assert_relative_eq!(fitted.repeats.tokens, 95.37, max_relative = 1e-3);
    assert_relative_eq!(fitted.repeats.params, 1.706, max_relative = 1e-3);
    let local = fitted.minima.iter().find(|(of, _)| (of.tokens / 15.37 - 1.0).abs() < 0.01);
    let (local, value) = local.expect("the published minimum is among the others");
    assert_relative_eq!(*value, 0.015_825_932_1, max_relative = 1e-8);
    assert_relative_eq!(local.tokens, 15.3718, max_relative = 1e-4);
    assert_relative_eq!(local.params, 5.3151, max_relative = 1e-4);
    assert!(!fitted.identified);
    // from 8 to 1000 costs under 1 %
    assert!(fitted.within[0] < 8.5 && fitted.within[1] > 900.0, "{:?}", fitted.within);
    assert!(fitted.remarks[0].contains("not identified"), "{:?}", fitted.remarks);
    // D_eff/D at four epochs: .931 at the published point, .988 at the lower one
    assert_relative_eq!(fitted.worth(4.0).0, 0.988, max_relative = 2e-3);
}

/// Allen AI's ladder of `OLMo`: 16 small runs fitted, the 13B model predicted.
#[test]
fn olmo_ladder_predicts_its_target() {
    let columns = [(Role::Params, "N_nonembed"), (Role::Tokens, "D"), (Role::Loss, "c4_ce")];
    let from = "https://github.com/allenai/OLMo-ladder";
    let ladder = |mode| runs("olmo_ladder_16_runs.csv", from, &columns, &[mode]);
    let (Some(small), Some(large)) = (ladder("mode=train"), ladder("mode!=train")) else { return };
    assert_eq!(small.runs.len(), 16);
    let fitted = fit(&small.runs, &settings(Objective::LogHuber { delta: 1e-3 })).unwrap();
    let s = fitted.surface;
    for (own, known) in [
        (s.a, 12.4828),
        (s.alpha, 0.103_603),
        (s.b, 33.4768),
        (s.beta, 0.161_969),
        (s.e, 0.934_375),
    ] {
        assert_relative_eq!(own, known, max_relative = 2e-5);
    }
    let target = large.runs.iter().max_by(|a, b| a.tokens.total_cmp(&b.tokens)).unwrap();
    let predicted = s.loss(Params(target.params), Tokens(target.tokens)).0;
    assert!((predicted - 2.3444).abs() < 5e-5, "{predicted}");
    assert!((target.loss - 2.4379).abs() < 5e-5, "{}", target.loss);
}

/// Gadre et al. 2024: five small runs on `RedPajama`, tied exponents, least squares; the law's
/// constants by its own form, L = alpha N^b + beta 6^(b/2) D^b + E, and the two predictions of the
/// paper's Table 3.
#[test]
fn five_runs_of_gadre_predict_the_large_ones() {
    let columns = [(Role::Params, "N"), (Role::Tokens, "D"), (Role::Loss, "loss_c4_val")];
    let from = "https://github.com/mlfoundations/scaling";
    let Some(all) = runs("gadre_104_runs.csv", from, &columns, &["dataset=rpj"]) else { return };
    // one each at D = 20 N, and the smallest at 320
    let near = |value: f64, known: f64| (value / known - 1.0).abs() < 0.01;
    let small = |run: &&plan::fit::Run| {
        let ratio = run.tokens / run.params;
        run.params < 1e9
            && run.params > 1e7
            && (near(ratio, 20.0) || near(ratio, 320.0) && run.params < 2e7)
    };
    let small: Vec<_> = all.runs.iter().filter(small).copied().collect();
    assert_eq!(small.len(), 5);
    let settings = Settings { exponents: Exponents::Tied, ..settings(Objective::Mse) };
    let fitted = fit(&small, &settings).unwrap();
    let s = fitted.surface;
    assert_relative_eq!(fitted.value, 4.2565e-4, max_relative = 2e-4);
    assert_relative_eq!(s.alpha, s.beta, max_relative = 1e-15);
    assert_relative_eq!(s.alpha, 0.272_850_70, max_relative = 1e-5);
    assert_relative_eq!(s.e, 1.836_648_37, max_relative = 1e-5);
    assert_relative_eq!(s.a, 166.210_98, max_relative = 1e-4);
    let six = libm::pow(6.0, -s.alpha / 2.0);
    assert_relative_eq!(s.b / six, 366.687_16, max_relative = 1e-4);
    for (params, ratio, predicted, percent) in
        [(1.4e9, 640.0, 2.519_83, 0.710), (6.9e9, 20.0, 2.442_75, 0.732)]
    {
        let run = all.runs.iter().find(|run| {
            near(run.tokens / run.params, ratio) && (run.params / params - 1.0).abs() < 0.05
        });
        let run = run.expect("the paper's target is among the runs");
        let own = s.loss(Params(run.params), Tokens(run.tokens)).0;
        assert!((own - predicted).abs() < 1e-4, "{own}");
        let off = 100.0 * (own / run.loss - 1.0).abs();
        assert!((off - percent).abs() < 0.005, "{off}");
    }
}

/// Porian et al. 2024: log-log fits weighted by 1/std² of ln N*.
#[test]
fn powers_through_porian_s_optima() {
    let optima = |config: &str| -> Option<Optima> {
        let path = data::find(
            "porian_optimal_pairs.csv",
            "the stored results of https://github.com/formll/resolving-scaling-law-discrepancies",
        )?;
        let columns = [(Role::Params, "n_opt"), (Role::LogStd, "n_star_log_std")]
            .map(|(role, name)| (role, name.to_owned()));
        let filter = format!("config={config}").parse().unwrap();
        Some(read_optima(File::open(path).unwrap(), &columns, &[filter], K).unwrap())
    };
    let settings = settings(Objective::LogHuber { delta: 1e-3 });
    let (Some(tuned), Some(base)) =
        (optima("rw/tuned/short/const/standard/val"), optima("rw/base/long/kaplan/kaplan/train"))
    else {
        return;
    };
    let fitted =
        |optima: &Optima| fit_power(&optima.optima, &settings).unwrap().law.params.unwrap();
    let tuned = fitted(&tuned);
    assert!((tuned.exponent - 0.49690).abs() < 5e-6, "{}", tuned.exponent);
    assert!((tuned.coefficient - 0.11893).abs() < 5e-6, "{}", tuned.coefficient);
    let base = fitted(&base);
    assert!((base.exponent - 0.8353).abs() < 5e-5, "{}", base.exponent);
}
