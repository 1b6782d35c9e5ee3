//! Budget, size, shape, layout and utilisation, solved together.

use plan::check::check;
use plan::derive::{Derivation, derive, derive_pinned};
use plan::file::{read, with_derived};
use plan::footprint::GOODPUT;
use plan::layout::{LayoutKeys, Recompute, Strategy};
use plan::plan::{Chosen, Inputs};
use proptest::prelude::*;

fn chosen(text: &str) -> Chosen {
    read(format!("format = 1\n{text}").as_bytes()).expect("it is a plan").chosen
}

fn cluster(accelerator: &str, devices: u64, days: f64) -> Chosen {
    chosen(&format!(
        "[budget]\ndays = {days}\n[cluster]\naccelerator = \"{accelerator}\"\ndevices = {devices}\n"
    ))
}

fn near(a: f64, b: f64, within: f64) -> bool {
    (a / b - 1.0).abs() < within
}

/// The utilisation that the run really has: its FLOP over what the devices could have done in the
/// time that its tokens take.
fn reached(derivation: &Derivation) -> f64 {
    let step = derivation.throughput.as_ref().expect("it is timed");
    let point = derivation.point.expect("it is sized");
    let seconds = point.tokens.0 / step.tokens_per_second_per_device();
    point.flops.0 / seconds / step.device.peak_flops
}

/// What is settled is a fixed point, by the numbers that the plan shows; what is not is surpassed,
/// and assuming a little more is not.
fn holds(chosen: &Chosen) -> bool {
    let derivation = derive(chosen).expect("it is derived");
    let derived = &derivation.derived;
    let found = derived.utilisation.as_ref().expect("it is predicted");
    assert!((2..=120).contains(&derivation.rounds.len()), "{} rounds", derivation.rounds.len());
    let over = reached(&derivation) / found.mfu.0;
    if found.settled {
        assert!(near(over, 1.0, 1e-8), "{over}");
    } else {
        assert!(over > 1.0, "{over}");
        // by a stated utilisation: the plan that assumes the reached one does not reach it
        let mut more = chosen.clone();
        more.cluster.mfu = Some(plan::quantity::Fraction(found.mfu.0 * 1.0001));
        more.layout.clone_from(&derived.layout);
        more.training.batch_tokens =
            derivation.throughput.as_ref().map(|step| plan::quantity::Tokens(step.tokens));
        assert!(derive(&more).expect("it is derived").throughput.is_some());
    }
    // the cap is spent to the day, and the hours are those of the tokens
    let run = derived.allocation.as_ref().expect("it is sized");
    let days = chosen.budget.days.expect("stated").0;
    assert!(near(run.days.expect("known"), days, 1e-9), "{:?}", run.days);
    assert!(derived.layout.is_some() && derived.memory.is_some());
    found.settled
}

#[test]
fn clusters_are_worth_what_their_runs_reach() {
    let settled = [
        cluster("a100-sxm-80gb", 256, 10.0),
        cluster("h100-sxm", 64, 10.0),
        cluster("b200", 1024, 30.0),
        cluster("h100-sxm", 96, 3.0),
        cluster("h100-sxm", 7, 20.0),
        cluster("a100-sxm-80gb", 1, 1.0),
    ]
    .iter()
    .filter(|chosen| holds(chosen))
    .count();
    assert!(settled >= 3, "{settled} settled");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]
    #[test]
    fn any_cluster(devices in 0_u32..11, days in 0.5_f64..60.0) {
        holds(&cluster("h100-sxm", 1 << devices, days));
    }
}

/// A layout, a batch and a size that the plan states are kept; a measured rate is what is reached.
#[test]
fn what_is_stated_is_kept() {
    let mut plan = cluster("h100-sxm", 64, 10.0);
    plan.layout = Some(LayoutKeys {
        strategy: Some(Strategy::Fsdp2),
        micro_batch: Some(4),
        recompute: Some(Recompute::Full),
        ..LayoutKeys::default()
    });
    plan.training.batch_tokens = Some(plan::quantity::Tokens(4_194_304.0));
    let stated = derive(&plan).unwrap();
    assert_eq!(stated.derived.layout, None);
    let step = stated.throughput.as_ref().unwrap();
    assert_eq!((step.layout.micro_batch, step.layout.recompute), (4, Recompute::Full));
    assert!(!stated.derived.assumed.contains_key("training.batch_tokens"));
    let mfu = stated.derived.utilisation.as_ref().unwrap().mfu.0;
    // it reaches what it assumes, or a little more
    let over = reached(&stated) / mfu;
    assert!((1.0 - 1e-8..1.05).contains(&over), "{over}");

    plan.cluster.tokens_per_second_per_device = Some(plan::quantity::TokensPerSecond(2000.0));
    let measured = derive(&plan).unwrap();
    let run = measured.derived.allocation.unwrap();
    // 64 devices, 10 days, 2,000 tokens a second in steps
    let stepping = 64.0 * 10.0 * 86_400.0 * GOODPUT;
    assert!(near(run.tokens.0, stepping * 2000.0, 1e-7), "{}", run.tokens.0);

    plan.model.name = Some("llama-3-8b".to_owned());
    plan.cluster.tokens_per_second_per_device = None;
    let sized = derive(&plan).unwrap();
    let rate = sized.throughput.as_ref().unwrap().tokens_per_second_per_device();
    let tokens = sized.point.unwrap().tokens.0;
    assert!(near(tokens, stepping * rate, 1e-7), "{tokens}");
    assert!(sized.rounds.len() <= 3, "a shape that does not change settles at once");
}

/// A stated utilisation is taken as it is, and nothing is picked.
#[test]
fn a_stated_utilisation_goes_before() {
    let mut plan = cluster("h100-sxm", 64, 10.0);
    plan.cluster.mfu = Some(plan::quantity::Fraction(0.4));
    let derived = derive(&plan).unwrap().derived;
    assert!(derived.utilisation.is_none() && derived.layout.is_none());
    // a cap in FLOP needs none
    let flops =
        chosen("[budget]\nflops = 1e22\n[cluster]\naccelerator = \"h100-sxm\"\ndevices = 64\n");
    assert!(derive(&flops).unwrap().derived.utilisation.is_none());
}

/// What cannot be predicted is left out, and the plan says why.
#[test]
fn what_cannot_be_predicted_is_told() {
    let text = "[budget]\ndays = 10\n[cluster]\ndevices = 64\npeak_flops = 1e15\n";
    let derivation = derive(&chosen(text)).unwrap();
    assert!(derivation.derived.utilisation.is_none());
    let remarks = derivation.remarks.join(" ");
    assert!(remarks.contains("is not predicted: `cluster.memory_bandwidth`"), "{remarks}");
    assert!(derivation.missing.iter().any(|m| m.key.to_string() == "cluster.mfu"));

    let mut large = cluster("h100-sxm", 8, 1000.0);
    large.model.params = Some(plan::quantity::Params(4e11));
    let remarks = derive(&large).unwrap().remarks.join(" ");
    assert!(remarks.contains("no layout of 399 B parameters fits into 8 devices"), "{remarks}");
}

/// `--write` pins the layout: `check` scores it, even where another one would be picked now, and
/// picks anew only where it is no layout of the plan any more.
#[test]
fn check_scores_the_pinned_layout() {
    let text = "format = 1\n\n[budget]\ndays = 10\n\n[cluster]\naccelerator = \"h100-sxm\"\ndevices = \
                64\n\n[training]\nbatch_tokens = 4194304\n";
    let document = read(text.as_bytes()).unwrap();
    let fresh = derive(&document.chosen).unwrap();
    let written = with_derived(text, &fresh.derived).unwrap();
    let stale = |text: &str| {
        let found = check(text.as_bytes()).findings;
        found.into_iter().find(|finding| finding.rule == "derived-stale")
    };
    assert_eq!(stale(&written), None);
    let picked = fresh.derived.layout.clone().unwrap();
    assert_eq!(read(written.as_bytes()).unwrap().pinned(), Some(picked.clone()));

    let other = LayoutKeys { tp: Some(4), recompute: Some(Recompute::Full), ..picked.clone() };
    let kept = derive_pinned(&document.chosen, &Inputs::new(), Some(&other)).unwrap();
    assert_eq!(kept.derived.layout, Some(other));
    let [slower, faster] = [&kept, &fresh].map(|d| d.derived.utilisation.as_ref().unwrap().mfu.0);
    assert!(slower < faster, "{slower} {faster}");
    let pinned = with_derived(text, &kept.derived).unwrap();
    assert_eq!(stale(&pinned), None);

    let edited = written.replace("[derived.layout]\n", "[derived.layout]\ntp = 4\n");
    let found = stale(&edited).expect("another layout takes another time");
    let keys: Vec<String> = found.labels.iter().map(|label| label.key.to_string()).collect();
    assert!(keys.iter().all(|key| !key.starts_with("derived.layout")), "{keys:?}");

    let illegal = LayoutKeys { tp: Some(3), ..picked.clone() };
    let anew = derive_pinned(&document.chosen, &Inputs::new(), Some(&illegal)).unwrap();
    assert_eq!(anew.derived.layout, Some(picked));
}
