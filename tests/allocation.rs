//! Properties of the allocation: optima over finite data, serving, regret, and every way to leave
//! a side of the run open. Each property is shown to fail on a planted mistake.

use libm::{exp, log, sqrt};
use plan::allocation::{
    AllocationError, Objective, Point, Regret, Wanted, lifetime_flops, lifetime_optimum, regrets,
    solve,
};
use plan::data::{Curriculum, Mixture, MixtureChoice, Source, Sources, Stage, effective_tokens};
use plan::law::{DEFAULT, Law, Surface, catalogue, repeats};
use plan::quantity::{
    Epochs, Flops, FlopsPerParamToken, Loss, Params, Tokens, TokensPerParam, Weight,
};
use proptest::prelude::*;

const SIX: FlopsPerParamToken = FlopsPerParamToken::TRAINING;

/// Failures print their case; they leave no file behind.
fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

/// What a property says of one case: nothing, or what is wrong.
type Verdict = Result<(), String>;

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(otherwise()) }
}

fn close(left: f64, right: f64, tolerance: f64, what: &str) -> Verdict {
    let near = approx::relative_eq!(left, right, max_relative = tolerance);
    ensure(near, || format!("{what}: {left:e} is not {right:e}"))
}

fn known(verdict: Verdict) -> Result<(), TestCaseError> {
    verdict.map_err(TestCaseError::fail)
}

fn law(name: &str) -> &'static Law {
    catalogue().find(name).expect("the law is in the catalogue")
}

fn objective(surface: Surface, mixture: Option<&Mixture>) -> Objective<'_> {
    Objective { surface, k: SIX, mixture, repeats: repeats() }
}

fn chinchilla() -> Surface {
    law(DEFAULT).surface().expect("a loss")
}

fn source(unique: f64, max_epochs: Option<f64>) -> Source {
    Source {
        unique_tokens: Some(Tokens(unique)),
        max_epochs: max_epochs.map(Epochs),
        ..Source::default()
    }
}

fn one_source(unique: f64, max_epochs: Option<f64>) -> Mixture {
    let sources = Sources::from([("web".to_owned(), source(unique, max_epochs))]);
    Mixture::proportional(&sources).expect("the size is known")
}

/// A number between two others, every order of magnitude as likely.
fn between(low: f64, high: f64) -> impl Strategy<Value = f64> {
    (log(low)..log(high)).prop_map(exp)
}

fn surfaces() -> impl Strategy<Value = Surface> {
    let all: Vec<Surface> = catalogue().iter().filter_map(Law::surface).collect();
    prop::sample::select(all)
}

/// One to four sources with weights of their own.
fn mixtures(capped: bool) -> impl Strategy<Value = Mixture> {
    let cap = if capped { prop::option::of(1.0..20.0).boxed() } else { Just(None).boxed() };
    let part = (between(1e8, 1e13), 0.05..1.0, cap);
    prop::collection::vec(part, 1..5).prop_map(|parts| {
        let total: f64 = parts.iter().map(|(_, weight, _)| weight).sum();
        let name = |index: usize| format!("source-{index}");
        let sources: Sources = parts
            .iter()
            .enumerate()
            .map(|(index, (unique, _, cap))| (name(index), source(*unique, *cap)))
            .collect();
        let weights =
            parts.iter().enumerate().map(|(index, part)| (name(index), Weight(part.1 / total)));
        let stage = Stage {
            name: "main".to_owned(),
            mixture: MixtureChoice::Given(weights.collect()),
            ..Stage::default()
        };
        let curriculum = Curriculum::new(&sources, &[stage], None).expect("the weights sum to 1");
        Mixture::over(&curriculum, &sources)
    })
}

fn longest(mixture: &Mixture) -> f64 {
    mixture.binding().map_or(f64::INFINITY, |(tokens, _)| tokens.0)
}

/// The run spends the budget, stays within what is allowed, and no allowed neighbour is better.
fn is_the_optimum(
    objective: &Objective,
    flops: f64,
    most: f64,
    (params, tokens): (Params, Tokens),
) -> Verdict {
    close(objective.k.cost(params, tokens).0, flops, 1e-12, "kND")?;
    ensure(tokens.0 <= most * (1.0 + 1e-8), || format!("{tokens} tokens of {most:e} allowed"))?;
    let best = objective.loss(params, tokens).0;
    for step in [1.001, 1.01, 1.1, 1.5, 3.0, 10.0, 100.0] {
        for beside in [tokens.0 * step, tokens.0 / step] {
            let beside = Tokens(beside.min(most));
            let loss = objective.loss(objective.k.params(Flops(flops), beside), beside).0;
            // the search ends within 1e-8 of where a cap binds
            ensure(loss >= best - 1e-9, || {
                format!("{beside} tokens have {loss}, {tokens} have {best}")
            })?;
        }
    }
    Ok(())
}

/// Worth at most what is drawn, more for more, and less and less so.
fn is_worth_of_tokens(worth: impl Fn(f64) -> f64, tokens: f64) -> Verdict {
    let here = worth(tokens);
    ensure(here <= tokens * (1.0 + 1e-12), || format!("{tokens:e} tokens are worth {here:e}"))?;
    let step = 0.01 * tokens;
    let (less, more) = (worth(tokens - step), worth(tokens + step));
    let slack = 1e-12 * here; // equality once nothing is gained any more
    ensure(less <= here + slack && here <= more + slack, || {
        format!("worth falls at {tokens:e}: {less:e}, {here:e}, {more:e}")
    })?;
    ensure(more - here <= here - less + slack, || {
        format!("worth bends upwards at {tokens:e}: {less:e}, {here:e}, {more:e}")
    })
}

/// No jump where repeating starts.
fn is_continuous(loss: impl Fn(f64) -> f64, tokens: f64) -> Verdict {
    let (before, after) = (loss(tokens * (1.0 - 1e-9)), loss(tokens * (1.0 + 1e-9)));
    ensure((before - after).abs() < 1e-8, || format!("{before} jumps to {after} at {tokens:e}"))
}

/// Every share lies in 0 to 1, and a law does not regret its own choice.
fn regrets_are_shares(regrets: &[Regret]) -> Verdict {
    for regret in regrets {
        for under in &regret.under {
            let (wasted, difference) = (under.wasted.0, under.loss_difference);
            ensure((0.0..=1.0).contains(&wasted) && difference >= 0.0, || {
                format!("{} under {}: {wasted}", regret.choice, under.truth)
            })?;
            let own = under.truth == regret.choice;
            ensure(!own || (wasted < 1e-9 && difference < 1e-9), || {
                format!("{} regrets its own choice: {wasted}, {difference}", regret.choice)
            })?;
        }
    }
    Ok(())
}

/// Serving as well never costs more than the compute-optimal run of the same loss, and is that
/// run where next to nothing is served.
fn lifetime_is_cheapest(
    objective: &Objective,
    loss: Loss,
    start: (Params, Tokens),
    inference: f64,
    found: Params,
) -> Verdict {
    let reached = objective.tokens_for_loss(found, loss).ok_or("the loss is not reached")?;
    let cost = |params, tokens| lifetime_flops(objective.k, params, tokens, Tokens(inference)).0;
    let (own, optimal) = (cost(found, reached), cost(start.0, start.1));
    ensure(own <= optimal * (1.0 + 1e-9), || format!("{own:e} is dearer than {optimal:e}"))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_optimum_over_a_mixture_is_one(
        surface in surfaces(), mixture in mixtures(false), flops in between(1e18, 1e26),
    ) {
        let objective = objective(surface, Some(&mixture));
        let found = objective.optimum(Flops(flops));
        known(is_the_optimum(&objective, flops, f64::INFINITY, found))?;
    }

    #[test]
    fn the_optimum_respects_max_epochs(
        surface in surfaces(), mixture in mixtures(true), flops in between(1e18, 1e26),
    ) {
        let objective = objective(surface, Some(&mixture));
        let found = objective.optimum(Flops(flops));
        known(is_the_optimum(&objective, flops, longest(&mixture), found))?;
    }

    #[test]
    fn plenty_of_data_gives_the_closed_form(
        surface in surfaces(), flops in between(1e18, 1e26), spare in between(1.0, 1e6),
    ) {
        let free = surface.optimum(Flops(flops), SIX);
        let mixture = one_source(free.tokens.0 * spare, Some(1.0));
        let (params, tokens) = objective(surface, Some(&mixture)).optimum(Flops(flops));
        known(close(tokens.0, free.tokens.0, 1e-12, "D"))?;
        known(close(params.0, free.params.expect("a surface has it").0, 1e-12, "N"))?;
        // at the optimum or below it no parameter is in excess
        let loss = objective(surface, Some(&mixture)).loss(params, tokens).0;
        known(close(loss, free.loss.expect("a surface has it").0, 1e-12, "L"))?;
    }

    #[test]
    fn tokens_lose_worth(mixture in mixtures(false), tokens in between(1e7, 1e15)) {
        known(is_worth_of_tokens(|d| mixture.effective(Tokens(d), repeats()).0, tokens))?;
        // grouped sources are worth what each is worth
        let apart: f64 = mixture.draws(Tokens(tokens), repeats()).map(|d| d.effective.0).sum();
        known(close(mixture.effective(Tokens(tokens), repeats()).0, apart, 1e-9, "sum of draws"))?;
    }

    #[test]
    fn the_loss_does_not_jump(
        surface in surfaces(), unique in between(1e8, 1e13), n in between(1e7, 1e12),
    ) {
        let mixture = one_source(unique, None);
        let objective = objective(surface, Some(&mixture));
        known(is_continuous(|d| objective.loss(Params(n), Tokens(d)).0, unique))?;
        // nor where parameters begin to be in excess
        let fed = surface.params_for(Tokens(unique)).0;
        known(is_continuous(|n| objective.loss(Params(n), Tokens(unique)).0, fed))?;
        // and below one epoch and that size it is the law's own
        let own = surface.loss(Params(fed * 0.5), Tokens(unique * 0.5)).0;
        let loss = objective.loss(Params(fed * 0.5), Tokens(unique * 0.5)).0;
        known(close(loss, own, 1e-14, "L"))?;
    }

    #[test]
    fn sides_for_a_loss_go_through_the_mixture(
        surface in surfaces(), unique in between(1e9, 1e13), ratio in 0.1..10.0, epochs in 0.1..8.0,
    ) {
        let mixture = one_source(unique, None);
        let objective = objective(surface, Some(&mixture));
        let (n, d) = (Params(surface.params_for(Tokens(unique)).0 * ratio), Tokens(unique * epochs));
        let loss = objective.loss(n, d);
        let tokens = objective.tokens_for_loss(n, loss).expect("reached by this very run");
        known(close(tokens.0, d.0, 1e-6, "D"))?;
        let params = objective.params_for_loss(d, loss).expect("reached by this very run");
        known(close(params.0, n.0, 1e-6, "N"))?;
    }

    #[test]
    fn flops_for_loss_inverts_the_optimum_over_data(
        surface in surfaces(), flops in between(1e19, 1e24), share in between(0.1, 10.0),
    ) {
        let unique = surface.optimum(Flops(flops), SIX).tokens.0 * share;
        let mixture = one_source(unique, None);
        let objective = objective(surface, Some(&mixture));
        let (params, tokens) = objective.optimum(Flops(flops));
        let again = objective.flops_for_loss(objective.loss(params, tokens)).expect("reached");
        known(close(again.0, flops, 1e-6, "C"))?;
    }

    #[test]
    fn serving_never_costs_more_than_the_compute_optimum(
        surface in surfaces(), flops in between(1e18, 1e25), served in between(1e6, 1e15),
    ) {
        let objective = objective(surface, None);
        let start = objective.optimum(Flops(flops));
        let loss = objective.loss(start.0, start.1);
        let life = lifetime_optimum(&objective, loss, start.0, Tokens(served)).expect("reached");
        known(lifetime_is_cheapest(&objective, loss, start, served, life.params))?;
        prop_assert!(life.params.0 <= start.0.0 * (1.0 + 1e-5), "served models are smaller");
        let tiny = lifetime_optimum(&objective, loss, start.0, Tokens(1.0)).expect("reached");
        known(close(tiny.params.0, start.0.0, 1e-5, "N where nothing is served"))?;
        known(close(tiny.flops.0, flops, 1e-9, "FLOPs where nothing is served"))?;
    }

    #[test]
    fn regrets_are_shares_of_the_compute(flops in between(1e17, 1e27), k in between(1.0, 12.0)) {
        let regrets = regrets(None, Flops(flops), FlopsPerParamToken(k));
        prop_assert!(regrets.iter().any(|regret| regret.choice == DEFAULT));
        known(regrets_are_shares(&regrets))?;
        let worst: Vec<f64> =
            regrets.iter().map(|r| r.worst().map_or(0.0, |under| under.wasted.0)).collect();
        prop_assert!(worst.is_sorted(), "the smallest worst regret comes first");
    }
}

/// Each way to leave a side open, over the laws that can answer.
mod degrees_of_freedom {
    use super::*;

    fn ask(name: &str, wanted: &Wanted) -> Result<Option<Point>, AllocationError> {
        let law = law(name);
        let objective = law.surface().map(|surface| objective(surface, None));
        solve(law, objective.as_ref(), SIX, wanted)
    }

    fn answer(wanted: &Wanted) -> Point {
        ask(DEFAULT, wanted).expect("it can be reached").expect("enough is said")
    }

    fn params(point: &Point) -> f64 {
        point.params.expect("the law knows parameters").0
    }

    #[track_caller]
    fn assert_run(point: &Point, n: f64, d: f64) {
        approx::assert_relative_eq!(params(point), n, max_relative = 1e-8);
        approx::assert_relative_eq!(point.tokens.0, d, max_relative = 1e-8);
        approx::assert_relative_eq!(point.flops.0, 6.0 * n * d, max_relative = 1e-8);
        let loss = chinchilla().loss(Params(n), Tokens(d)).0;
        approx::assert_relative_eq!(point.loss.expect("a loss").0, loss, max_relative = 1e-8);
    }

    const NOTHING: Wanted = Wanted {
        flops: None,
        params: None,
        tokens: None,
        tokens_per_param: None,
        loss: None,
        inference_tokens: None,
    };

    #[test]
    fn too_little_is_no_run() {
        assert_eq!(ask(DEFAULT, &NOTHING), Ok(None));
        let ratio = Wanted { tokens_per_param: Some(TokensPerParam(20.0)), ..NOTHING };
        assert_eq!(ask(DEFAULT, &ratio), Ok(None));
        let served = Wanted { inference_tokens: Some(Tokens(1e12)), ..NOTHING };
        assert_eq!(ask(DEFAULT, &served), Ok(None));
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn a_cap_alone_gives_the_optimum(flops in between(1e17, 1e27)) {
            let best = chinchilla().optimum(Flops(flops), SIX);
            let point = answer(&Wanted { flops: Some(Flops(flops)), ..NOTHING });
            assert_run(&point, best.params.expect("known").0, best.tokens.0);
            prop_assert!(point.free);
        }

        #[test]
        fn a_cap_and_a_side_give_the_other(flops in between(1e17, 1e27), n in between(1e7, 1e12)) {
            let d = flops / (6.0 * n);
            let cap = Wanted { flops: Some(Flops(flops)), ..NOTHING };
            let by_size = answer(&Wanted { params: Some(Params(n)), ..cap });
            let by_tokens = answer(&Wanted { tokens: Some(Tokens(d)), ..cap });
            for point in [by_size, by_tokens] {
                assert_run(&point, n, d);
                prop_assert!(!point.free);
            }
            prop_assert_eq!(by_size.params, Some(Params(n)));
            prop_assert_eq!(by_tokens.tokens, Tokens(d));
        }

        #[test]
        fn both_sides_stand_whatever_else_is_said(
            n in between(1e7, 1e12), d in between(1e9, 1e14), flops in between(1e17, 1e27),
        ) {
            let both = Wanted { params: Some(Params(n)), tokens: Some(Tokens(d)), ..NOTHING };
            let more = Wanted {
                flops: Some(Flops(flops)),
                tokens_per_param: Some(TokensPerParam(20.0)),
                loss: Some(Loss(2.0)),
                inference_tokens: Some(Tokens(1e12)),
                ..both
            };
            for point in [answer(&both), answer(&more)] {
                prop_assert_eq!((point.params, point.tokens), (Some(Params(n)), Tokens(d)));
                assert_run(&point, n, d);
            }
        }

        #[test]
        fn a_side_alone_is_optimal(n in between(1e7, 1e12)) {
            let d = chinchilla().tokens_for(Params(n)).0;
            assert_run(&answer(&Wanted { params: Some(Params(n)), ..NOTHING }), n, d);
            assert_run(&answer(&Wanted { tokens: Some(Tokens(d)), ..NOTHING }), n, d);
        }

        #[test]
        fn a_ratio_gives_the_other_side(n in between(1e7, 1e12), ratio in between(0.1, 1e4)) {
            let said = Wanted { tokens_per_param: Some(TokensPerParam(ratio)), ..NOTHING };
            let d = n * ratio;
            assert_run(&answer(&Wanted { params: Some(Params(n)), ..said }), n, d);
            assert_run(&answer(&Wanted { tokens: Some(Tokens(d)), ..said }), n, d);
            let cap = Some(Flops(6.0 * n * d));
            assert_run(&answer(&Wanted { flops: cap, ..said }), n, d);
            let loss = Some(chinchilla().loss(Params(n), Tokens(d)));
            let point = answer(&Wanted { loss, ..said });
            known(close(params(&point), n, 1e-6, "N"))?;
            known(close(point.tokens.0, d, 1e-6, "D"))?;
        }

        #[test]
        fn a_loss_gives_the_cheapest_run(flops in between(1e18, 1e25)) {
            let best = chinchilla().optimum(Flops(flops), SIX);
            let point = answer(&Wanted { loss: best.loss, ..NOTHING });
            assert_run(&point, best.params.expect("known").0, best.tokens.0);
        }

        #[test]
        fn a_loss_and_a_side_give_the_other(n in between(1e8, 1e12), ratio in between(1.0, 500.0)) {
            let d = n * ratio;
            let loss = Some(chinchilla().loss(Params(n), Tokens(d)));
            assert_run(&answer(&Wanted { params: Some(Params(n)), loss, ..NOTHING }), n, d);
            assert_run(&answer(&Wanted { tokens: Some(Tokens(d)), loss, ..NOTHING }), n, d);
        }

        #[test]
        fn tokens_to_serve_keep_the_loss(flops in between(1e19, 1e25), served in between(1e9, 1e15)) {
            let best = chinchilla().optimum(Flops(flops), SIX);
            let inference_tokens = Some(Tokens(served));
            let cap = Wanted { flops: Some(Flops(flops)), inference_tokens, ..NOTHING };
            let loss = Wanted { loss: best.loss, inference_tokens, ..NOTHING };
            for point in [answer(&cap), answer(&loss)] {
                let best = best.loss.expect("a loss").0;
                known(close(point.loss.expect("a loss").0, best, 1e-9, "L"))?;
                prop_assert!(point.flops.0 >= flops * (1.0 - 1e-9));
                prop_assert!(!point.free);
            }
        }

        #[test]
        fn a_side_alone_is_kept_over_finite_data(
            unique in between(1e9, 1e12), epochs in between(0.01, 10.0),
        ) {
            let mixture = one_source(unique, None);
            let objective = objective(chinchilla(), Some(&mixture));
            let tokens = Tokens(unique * epochs);
            let wanted = Wanted { tokens: Some(tokens), ..NOTHING };
            let point = solve(law(DEFAULT), Some(&objective), SIX, &wanted);
            let point = point.expect("it can be reached").expect("enough is said");
            known(close(point.tokens.0, tokens.0, 1e-12, "D as chosen"))?;
            let best = objective.optimum(point.flops);
            known(close(best.1.0, tokens.0, 1e-4, "D is optimal for its compute"))?;
        }
    }

    /// What is chosen is never altered, even where it breaks what a source allows.
    #[test]
    fn chosen_tokens_stand_beyond_max_epochs() {
        let mixture = one_source(1e9, Some(2.0));
        let objective = objective(chinchilla(), Some(&mixture));
        let wanted = Wanted { tokens: Some(Tokens(5e9)), ..NOTHING };
        let point = solve(law(DEFAULT), Some(&objective), SIX, &wanted);
        if let Ok(point) = point {
            let tokens = point.expect("enough is said").tokens.0;
            approx::assert_relative_eq!(tokens, 5e9, max_relative = 1e-12);
        }
    }

    #[test]
    fn what_cannot_be_answered_says_why() {
        use AllocationError as E;
        let floor = Wanted { loss: Some(Loss(1.8)), ..NOTHING };
        assert!(matches!(ask(DEFAULT, &floor), Err(E::Unreachable { .. })));
        let small = Wanted { params: Some(Params(1e7)), loss: Some(Loss(2.0)), ..NOTHING };
        assert!(matches!(ask(DEFAULT, &small), Err(E::Unreachable { .. })));
        let short = Wanted { tokens: Some(Tokens(1e8)), loss: Some(Loss(2.0)), ..NOTHING };
        assert!(matches!(ask(DEFAULT, &short), Err(E::Unreachable { .. })));
        let few = TokensPerParam(1e-3);
        let ratio = Wanted { tokens_per_param: Some(few), loss: Some(Loss(1.83)), ..NOTHING };
        if let Ok(Some(point)) = ask(DEFAULT, &ratio) {
            let loss = point.loss.expect("a loss").0;
            approx::assert_relative_eq!(loss, 1.83, max_relative = 1e-6);
        }
        let loss = Wanted { loss: Some(Loss(2.0)), ..NOTHING };
        assert!(matches!(ask("kaplan-2020", &loss), Err(E::NoLoss { .. })));
        let cap = Wanted { flops: Some(Flops(1e21)), ..NOTHING };
        let served = Wanted { inference_tokens: Some(Tokens(1e12)), ..cap };
        assert!(matches!(ask("llama3-2024", &served), Err(E::NoLoss { .. })));
        let size = Wanted { params: Some(Params(7e9)), ..NOTHING };
        assert!(matches!(ask("deepseek-2024", &size), Err(E::NoParams { .. })));
    }

    #[test]
    fn laws_without_a_loss_answer_for_caps_and_sides() {
        let cap = Wanted { flops: Some(Flops(1e22)), ..NOTHING };
        for law in catalogue().iter() {
            let point = ask(&law.name, &cap).expect("a cap is enough").expect("a cap is enough");
            let size = Wanted { params: point.params, ..NOTHING };
            let tokens = Wanted { tokens: Some(point.tokens), ..NOTHING };
            let cases = if point.params.is_some() { vec![size, tokens] } else { vec![tokens] };
            for side in cases {
                let again = ask(&law.name, &side).expect("reached").expect("enough is said");
                approx::assert_relative_eq!(again.tokens.0, point.tokens.0, max_relative = 1e-8);
                approx::assert_relative_eq!(again.flops.0, point.flops.0, max_relative = 1e-8);
            }
        }
        let twenty = ask("rule-20", &cap).expect("reached").expect("enough is said");
        approx::assert_relative_eq!(params(&twenty), sqrt(1e22 / 120.0), max_relative = 1e-12);
    }
}

mod planted {
    use super::*;

    #[test]
    fn an_optimum_off_by_a_tenth_is_noticed() {
        let mixture = one_source(25e9, None);
        let objective = objective(chinchilla(), Some(&mixture));
        let (params, tokens) = objective.optimum(Flops(1e22));
        let judged = |run| is_the_optimum(&objective, 1e22, f64::INFINITY, run);
        assert!(judged((params, tokens)).is_ok());
        assert!(judged((Params(params.0 * 1.1), Tokens(tokens.0 / 1.1))).is_err());
        assert!(judged((Params(params.0 * 1.1), tokens)).is_err());
    }

    #[test]
    fn an_optimum_past_max_epochs_is_noticed() {
        let (free, capped) = (one_source(25e9, None), one_source(25e9, Some(4.0)));
        let found = objective(chinchilla(), Some(&free)).optimum(Flops(1e22));
        let capped_objective = objective(chinchilla(), Some(&capped));
        assert!(is_the_optimum(&capped_objective, 1e22, longest(&capped), found).is_err());
    }

    #[test]
    fn tokens_without_decay_past_a_jump_are_noticed() {
        let (unique, decay) = (Tokens(1e9), repeats());
        let right = |d: f64| effective_tokens(Tokens(d), unique, decay).0;
        assert!(is_worth_of_tokens(right, 3e9).is_ok());
        assert!(is_worth_of_tokens(|d| right(d) * 1.5, 3e9).is_err(), "worth more than drawn");
        assert!(is_worth_of_tokens(|d| 1e18 / d, 3e9).is_err(), "worth falls");
        assert!(is_worth_of_tokens(|d| d * d / 1e10, 3e9).is_err(), "worth bends upwards");
        let jump = |d: f64| if d > 1e9 { right(d) * 0.999 } else { d };
        let loss = |d: f64| chinchilla().loss(Params(1e9), Tokens(jump(d))).0;
        assert!(is_continuous(loss, 1e9).is_err());
    }

    #[test]
    fn a_regret_that_is_no_share_is_noticed() {
        let right = regrets(None, Flops(1e22), SIX);
        assert!(regrets_are_shares(&right).is_ok());
        let mut wrong = right.clone();
        wrong[0].under[0].wasted.0 = -0.1;
        assert!(regrets_are_shares(&wrong).is_err());
        let mut wrong = right;
        let choice = wrong[0].choice;
        for under in &mut wrong[0].under {
            under.wasted.0 = 0.3;
            under.truth = choice;
        }
        assert!(regrets_are_shares(&wrong).is_err());
    }

    #[test]
    fn a_dear_life_is_noticed() {
        let objective = objective(chinchilla(), None);
        let start = objective.optimum(Flops(1e22));
        let loss = objective.loss(start.0, start.1);
        let judged = |n| lifetime_is_cheapest(&objective, loss, start, 1e10, n);
        assert!(judged(start.0).is_ok());
        assert!(judged(Params(start.0.0 * 1.5)).is_err());
    }
}
