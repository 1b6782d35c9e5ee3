//! Courses that no caps allow: the stages and sources that are named are the fewest that prove it.

use crate::course::weights;
use plan::data::{CapsError, Curriculum, MixtureChoice, Ramp, Source, Sources, Stage};
use plan::quantity::{Tokens, Weight};
use proptest::prelude::*;

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// Sources that a stage reads, as bits.
type Bits = usize;

/// A stage of so many tokens that goes over from some sources to others in the middle.
#[derive(Debug, Clone, Copy)]
struct Gate {
    tokens: f64,
    from: Bits,
    to: Bits,
}

/// What is read from the sources at its start, and from those at its end.
fn halves(gate: &Gate) -> [(Bits, f64); 2] {
    [(gate.from, gate.tokens / 2.0), (gate.to, gate.tokens / 2.0)]
}

/// Equal weights on some sources.
fn even(sources: Bits) -> MixtureChoice {
    let own: Vec<&str> =
        (0..NAMES.len()).filter(|at| sources >> at & 1 == 1).map(|at| NAMES[at]).collect();
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let part = Weight(1.0 / own.len() as f64);
    MixtureChoice::Given(own.into_iter().map(|name| (name.to_owned(), part)).collect())
}

fn curriculum(gates: &[Gate]) -> Curriculum {
    let source = |name: &&str| {
        ((*name).to_owned(), Source { unique_tokens: Some(Tokens(1e9)), ..Source::default() })
    };
    let sources: Sources = NAMES.iter().map(source).collect();
    let stage = |(at, gate): (usize, &Gate)| Stage {
        name: format!("{at}"),
        tokens: Some(Tokens(gate.tokens)),
        from: (gate.from != gate.to).then(|| even(gate.from)),
        mixture: even(gate.to),
        ramp: (gate.from != gate.to).then_some(Ramp::Step),
        ..Stage::default()
    };
    let stages: Vec<Stage> = gates.iter().enumerate().map(stage).collect();
    Curriculum::new(&sources, &stages, None).expect("the stages make a run")
}

/// The fewest stages, and the fewest sources of as many, that prove that nothing keeps to the caps:
/// all sets of stages against all sets of sources.
fn fewest(gates: &[Gate], caps: &[f64]) -> Option<(usize, usize)> {
    let held = |sources: Bits| -> f64 {
        caps.iter().enumerate().filter(|(at, _)| sources >> at & 1 == 1).map(|(_, cap)| cap).sum()
    };
    let mut fewest = None;
    for stages in 1..1_usize << gates.len() {
        let own = gates.iter().enumerate().filter(|(at, _)| stages >> at & 1 == 1);
        let read: Vec<(Bits, f64)> = own.flat_map(|(_, gate)| halves(gate)).collect();
        for sources in 1..1_usize << caps.len() {
            let within = read.iter().filter(|(own, _)| own & !sources == 0);
            let needed: f64 = within.map(|(_, tokens)| tokens).sum();
            if needed > held(sources) * (1.0 + 1e-9) {
                let size = (stages.count_ones() as usize, sources.count_ones() as usize);
                fewest = Some(fewest.map_or(size, |known: (usize, usize)| known.min(size)));
            }
        }
    }
    fewest
}

fn refused(gates: &[Gate], caps: &[f64]) -> Result<(), CapsError> {
    let curriculum = curriculum(gates);
    let own: Vec<f64> = curriculum
        .names
        .iter()
        .map(|name| caps[NAMES.iter().position(|known| known == name).expect("a name")])
        .collect();
    let run = Tokens(gates.iter().map(|gate| gate.tokens).sum());
    curriculum.keeping(run, &own, false).map(|_| ())
}

fn any_gates() -> impl Strategy<Value = Vec<Gate>> {
    let bits = 1..1_usize << NAMES.len();
    let moves = (6..12_u32, bits.clone(), bits.clone(), any::<bool>());
    let gate = moves.prop_map(|(tokens, from, to, moves)| {
        let from = if moves { from } else { to };
        Gate { tokens: f64::from(tokens) * 1e9, from, to }
    });
    prop::collection::vec(gate, 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 600,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_fewest_stages_and_sources_are_named(
        gates in any_gates(),
        caps in prop::collection::vec(4..24_u32, NAMES.len()),
    ) {
        // in odd parts, so that no sum is met exactly
        let caps: Vec<f64> = caps.iter().map(|cap| f64::from(*cap) * 1e9 + 0.37e9).collect();
        let found = refused(&gates, &caps);
        let expected = fewest(&gates, &caps);
        let size = found.as_ref().err().map(|error| (error.stages.len(), error.sources.len()));
        prop_assert_eq!(size, expected);
        if let Err(error) = found {
            prop_assert!(error.smallest && error.needed.0 > error.available.0, "{error:?}");
        }
    }
}

/// Three stages of 7 B read two of three sources of 5 B each: any two have 15 B for 14 B. A long
/// stage elsewhere has no part in it.
#[test]
fn three_stages_prove_what_two_do_not() {
    let gate = |tokens: f64, own: Bits| Gate { tokens: tokens * 1e9, from: own, to: own };
    let gates = [gate(7.0, 0b011), gate(7.0, 0b110), gate(50.0, 0b01000), gate(7.0, 0b101)];
    let error = refused(&gates, &[5e9, 5e9, 5e9, 60e9, 0.0]).unwrap_err();
    assert_eq!(error.stages, ["0", "1", "3"]);
    assert_eq!(error.sources, ["a", "b", "c"]);
    assert_eq!(
        error.to_string(),
        "no mixture keeps to the caps: `0`, `1` and `3` read 21.0 B tokens, but `a`, `b` and `c` \
         allow 15.0 B; nothing smaller proves it"
    );
}

/// The greedy way leaves out the shortest stages first and ends with the two longest, by two
/// sources; one short stage proves it alone.
#[test]
fn a_short_stage_that_proves_it_alone_is_named() {
    let gate = |tokens: f64, own: Bits| Gate { tokens: tokens * 1e9, from: own, to: own };
    let gates = [gate(2.0, 0b100), gate(30.0, 0b001), gate(30.0, 0b011)];
    let error = refused(&gates, &[40e9, 10e9, 1e9, 0.0, 0.0]).unwrap_err();
    assert_eq!((error.stages, error.sources), (vec!["0".to_owned()], vec!["c".to_owned()]));
}

/// Forty stages, each with two sources of its own choice among sixty: more sets than can be walked.
/// The proof is then one of whose stages none can be spared, and the text does not say more.
#[test]
fn where_the_smallest_is_out_of_reach_none_can_be_spared() {
    let names: Vec<String> = (0..60).map(|at| format!("s{at:02}")).collect();
    let source = Source { unique_tokens: Some(Tokens(1e9)), ..Source::default() };
    let sources: Sources = names.iter().map(|name| (name.clone(), source.clone())).collect();
    // three that differ: 0 to 19, 20 to 39, 40 to 59
    let reads = |at: usize| [at * 7 % 20, 20 + (at * 11 + 3) % 20, 40 + (at * 13 + 9) % 20];
    let stage = |at: usize| {
        let third = 1.0 / 3.0;
        let own: Vec<(&str, f64)> =
            reads(at).iter().map(|own| (names[*own].as_str(), third)).collect();
        Stage {
            name: format!("{at}"),
            tokens: Some(Tokens(1.6e9)),
            ..Stage { mixture: weights(&own).into(), ..Stage::default() }
        }
    };
    let stages: Vec<Stage> = (0..40).map(stage).collect();
    let kept = |stages: &[Stage]| {
        let curriculum = Curriculum::new(&sources, stages, None).expect("the stages make a run");
        let run = curriculum.stated_tokens().expect("every stage states its own");
        curriculum.keeping(run, &vec![1e9; curriculum.names.len()], false)
    };
    let error = kept(&stages).unwrap_err();
    let told: Vec<Stage> =
        stages.iter().filter(|stage| error.stages.contains(&stage.name)).cloned().collect();
    assert!(told.len() > 1 && kept(&told).is_err(), "{error:?}");
    for left_out in 0..told.len() {
        let mut fewer = told.clone();
        fewer.remove(left_out);
        assert!(kept(&fewer).is_ok(), "{} can be spared of {error:?}", told[left_out].name);
    }
    let says = error.to_string();
    assert_eq!(says.ends_with("nothing smaller proves it"), error.smallest, "{says}");
}
