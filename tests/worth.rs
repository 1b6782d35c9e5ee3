//! What tokens are worth as a loader reads them: the sequences are counted one by one, and their
//! worth follows by the published formula.

use plan::derive::{Derivation, derive};
use plan::law::repeats;
use plan::quantity::Tokens;
use std::collections::BTreeMap;

/// Muennighoff et al. 2023 (arXiv:2305.16264), eq. 5, with D/U - 1 repeats.
fn worth(drawn: f64, distinct: f64) -> f64 {
    let times = repeats().tokens;
    let repeated = drawn / distinct - 1.0;
    if repeated > 0.0 {
        distinct * (1.0 + times * (1.0 - libm::exp(-repeated / times)))
    } else {
        drawn
    }
}

/// Sequences drawn from each source of a Nanoset, and the different ones among them: the index of an
/// epoch takes as many sequences as all sources have, each source by its weight and from its first,
/// and is read again and again.
fn nanoset(sizes: [usize; 2], weights: [f64; 2], run: usize) -> [(f64, f64); 2] {
    let pool: usize = sizes.iter().sum();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a few thousand sequences"
    )]
    let epoch: Vec<(usize, usize)> = (0..2)
        .flat_map(|source| {
            let own = (weights[source] * pool as f64).round() as usize;
            (0..own).map(move |at| (source, at % sizes[source]))
        })
        .collect();
    assert_eq!((epoch.len(), run % pool), (pool, 0), "whole epochs");
    let mut times: BTreeMap<(usize, usize), u32> = BTreeMap::new();
    for _ in 0..run / pool {
        for sequence in &epoch {
            *times.entry(*sequence).or_default() += 1;
        }
    }
    [0, 1].map(|source| {
        let own = times.iter().filter(|((of, _), _)| *of == source);
        own.fold((0.0, 0.0), |(drawn, distinct), (_, times)| {
            (drawn + f64::from(*times), distinct + 1.0)
        })
    })
}

fn plan(run: &str, loader: &str) -> Derivation {
    let text = format!(
        "format = 1\n{run}\n[law]\nname = \"besiroglu-2024\"\n{loader}\n[sources]\n\
         code = {{ unique_tokens = 100e9 }}\nweb = {{ unique_tokens = 800e9 }}\n\
         [[stages]]\nname = \"main\"\nmixture = {{ code = 0.5, web = 0.5 }}\n"
    );
    let document = plan::file::read(text.as_bytes()).expect("a plan");
    derive(&document.chosen).expect("a run")
}

const NANOSET: &str = "[data]\nloader = \"nanoset\"";

#[track_caller]
fn assert_close(found: f64, expected: f64) {
    assert!((found / expected - 1.0).abs() < 1e-9, "{found} for {expected}");
}

/// 1.8 T tokens, half from the 800 B of the web: an epoch of all 900 B takes 450 B of them, twice.
#[test]
fn what_is_read_twice_while_the_rest_is_not_read_is_worth_less() {
    let run = "[run]\ntokens = 1.8e12\n[model]\nparams = 7e9";
    let (with, without) = (plan(run, NANOSET), plan(run, ""));
    let [code, web] = nanoset([100, 800], [0.5, 0.5], 1800);
    assert_eq!((code, web), ((900.0, 100.0), (900.0, 450.0)));
    let data = with.derived.data.as_ref().expect("sources");
    let [code, web] = [code, web].map(|(drawn, distinct)| worth(drawn, distinct) * 1e9);
    for (name, expected, distinct) in [("code", code, 100e9), ("web", web, 450e9)] {
        assert_close(data.sources[name].effective_tokens.expect("a size").0, expected);
        assert_close(data.sources[name].distinct_tokens.expect("a size").0, distinct);
    }
    assert_close(data.effective_tokens.expect("sizes").0, code + web);

    // the loss and what repeats take of it are of the same tokens
    let point = with.point.expect("a run");
    let surface = with.law.surface().expect("a loss");
    let loss = |tokens: f64| surface.loss(point.params.expect("a size"), Tokens(tokens)).0;
    assert_close(point.loss.expect("a loss").0, loss(code + web));
    assert_close(data.loss_from_repeats.expect("sizes"), loss(code + web) - loss(1.8e12));

    // one pass after the other reads all 800 B of the web
    let plain = without.derived.data.as_ref().expect("sources");
    assert_close(
        plain.sources["web"].effective_tokens.expect("a size").0,
        worth(900.0, 800.0) * 1e9,
    );
    assert_close(plain.sources["code"].effective_tokens.expect("a size").0, code);
    let taken = |data: &plan::plan::DerivedData| data.loss_from_repeats.expect("sizes");
    assert!(taken(data) > 1.05 * taken(plain), "{} and {}", taken(data), taken(plain));
}

/// Megatron reads the same first tokens in every phase: 300 B and 150 B of the web are 300 B, half
/// of them twice.
#[test]
fn what_a_later_stage_reads_again_is_worth_less() {
    let text = "format = 1\n[run]\ntokens = 450e9\n[model]\nparams = 7e9\n[sources]\n\
                web = { unique_tokens = 1e12 }\n[data]\nloader = \"megatron\"\n\
                [[stages]]\nname = \"one\"\ntokens = 300e9\nmixture = { web = 1 }\n\
                [[stages]]\nname = \"two\"\ntokens = 150e9\nmixture = { web = 1 }\n";
    let document = plan::file::read(text.as_bytes()).expect("a plan");
    let data = derive(&document.chosen).expect("a run").derived.data.expect("sources");
    assert_close(data.effective_tokens.expect("a size").0, worth(450.0, 300.0) * 1e9);
}

/// The size of a run is the best of what its loader reads: no other on a fine grid has less loss.
#[test]
fn a_budget_is_spent_on_what_the_loader_reads() {
    let run = "[budget]\nflops = 3e23";
    let (with, without) = (plan(run, NANOSET), plan(run, ""));
    let (surface, objective) =
        (with.law.surface().expect("a loss"), with.objective().expect("one"));
    let tokens = |of: &Derivation| of.point.expect("a run").tokens.0;
    // beyond an epoch of 900 B, of which half is web, all code and 450 B of the web are read
    assert!(tokens(&with) > 900e9, "{}", tokens(&with));
    let loss = |tokens: f64| {
        let half = tokens / 2.0;
        let fresh = worth(half, 100e9) + worth(half, 450e9);
        let params = plan::quantity::Params(3e23 / (6.0 * tokens));
        surface.loss(objective.effective_params(params), Tokens(fresh)).0
    };
    let grid = (0..=4000).map(|step| 900e9 * libm::exp(f64::from(step) * 5e-4));
    let best = grid.min_by(|a, b| loss(*a).total_cmp(&loss(*b))).expect("a grid");
    assert!((tokens(&with) / best - 1.0).abs() < 1e-3, "{} for {best}", tokens(&with));
    assert_close(with.point.expect("a run").loss.expect("a loss").0, loss(tokens(&with)));
    assert!(tokens(&with) < tokens(&without), "{} of {}", tokens(&with), tokens(&without));
}
