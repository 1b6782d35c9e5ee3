//! Stages against a sum over the run, and against published mixtures.
//!
//! The library takes what a stage draws from closed integrals of its ramp. Here the mixture of the
//! moment, `Curriculum::weights`, is summed over the whole run instead, which knows no integral.

#[path = "support/gauss.rs"]
mod gauss;

use gauss::gauss;
use plan::data::{
    Curriculum, Mixture, MixtureChoice, Placed, Ramp, Share, Source, Sources, Stage,
    effective_tokens,
};
use plan::derive::derive;
use plan::file::read;
use plan::law::repeats;
use plan::quantity::{Epochs, Fraction, Tokens, Weight};
use proptest::prelude::*;
use std::collections::BTreeMap;

const NAMES: [&str; 5] = ["books", "code", "math", "papers", "web"];
const RAMPS: [Ramp; 7] = [
    Ramp::Cosine,
    Ramp::Linear,
    Ramp::Root,
    Ramp::Quadratic,
    Ramp::Exponential,
    Ramp::Logarithmic,
    Ramp::Step,
];

/// Tokens of a run that no stretch lengthens.
const RUN: f64 = 1e12;

/// Stages over sources, and a run that they fit.
#[derive(Debug, Clone)]
struct Course {
    sources: Sources,
    stages: Vec<Stage>,
    tokens: f64,
    /// What every stage ought to read.
    lengths: Vec<f64>,
}

impl Course {
    fn curriculum(&self) -> Curriculum {
        Curriculum::new(&self.sources, &self.stages, None).expect("the stages make a run")
    }

    fn run(&self) -> Tokens {
        Tokens(self.tokens)
    }
}

fn weights(parts: &[(&str, f64)]) -> BTreeMap<String, Weight> {
    parts.iter().map(|(name, part)| ((*name).to_owned(), Weight(*part))).collect()
}

fn sources(sizes: &[(&str, Option<f64>)]) -> Sources {
    let source =
        |size: Option<f64>| Source { unique_tokens: size.map(Tokens), ..Source::default() };
    sizes.iter().map(|(name, size)| ((*name).to_owned(), source(*size))).collect()
}

fn unsized_sources(names: &[&str]) -> Sources {
    sources(&names.iter().map(|name| (*name, None)).collect::<Vec<_>>())
}

fn stage(name: &str, mixture: &[(&str, f64)]) -> Stage {
    Stage { name: name.to_owned(), mixture: weights(mixture).into(), ..Stage::default() }
}

/// What each source gives, in the order of the curriculum's names.
fn drawn(curriculum: &Curriculum, sources: &Sources, tokens: Tokens) -> Vec<f64> {
    let mixture = Mixture::over(curriculum, sources);
    let names = mixture.shares.iter().map(|share| share.name.as_str());
    assert!(names.eq(curriculum.names.iter().map(String::as_str)));
    mixture.draws(tokens, repeats()).map(|draw| draw.tokens.0).collect()
}

/// What each source gives by the means of the placed stages.
fn by_means(placed: &[Placed]) -> Vec<f64> {
    by(placed, |stage| stage.mean.clone())
}

fn by(placed: &[Placed], mixture: impl Fn(&Placed) -> Vec<f64>) -> Vec<f64> {
    let mut sums = vec![0.0; placed[0].mean.len()];
    for stage in placed {
        for (sum, weight) in sums.iter_mut().zip(mixture(stage)) {
            *sum += weight * stage.tokens.0;
        }
    }
    sums
}

/// The value of a source by its name.
fn of(curriculum: &Curriculum, values: &[f64], name: &str) -> f64 {
    let index = curriculum.names.iter().position(|known| known == name);
    values[index.unwrap_or_else(|| panic!("no {name} in {:?}", curriculum.names))]
}

/// The first place where two rows differ by more than a relative tolerance.
fn compared(actual: &[f64], expected: &[f64], tolerance: f64) -> Result<(), String> {
    if actual.len() != expected.len() {
        return Err(format!("{actual:?} and {expected:?} differ in length"));
    }
    let differs = |(a, e): (&f64, &f64)| (a - e).abs().partial_cmp(&(tolerance * e.abs()));
    let agrees = |pair| differs(pair).is_some_and(std::cmp::Ordering::is_le);
    match actual.iter().zip(expected).position(|pair| !agrees(pair)) {
        Some(at) => Err(format!("{actual:?} and {expected:?} differ at {at}")),
        None => Ok(()),
    }
}

#[track_caller]
fn assert_close(actual: &[f64], expected: &[f64], tolerance: f64) {
    compared(actual, expected, tolerance).unwrap();
}

// ---------------------------------------------------------------------------------------------
// The sum over the run

/// Panels per stage, of five points each.
const PANELS: u32 = 1000;

/// What each source gives: the mixture of the moment, summed over every stage of the run.
///
/// A stage is summed over u with t = u², so that the panels are dense where the root and the
/// logarithm are steep: √t becomes u, and both it and t² are polynomials that the rule takes
/// exactly. Plateaus are summed one by one. Of a panel, the rule misses at most 4.3 M ρ^-10 of its
/// half width, M the largest value on the ellipse with the sum of semi-axes ρ in which the integrand
/// is smooth (Trefethen 2013, theorem 19.3). The worst is ln(1 + 22025 u²), with branch points at
/// u = ±0.0067i, 13 half widths off, where ρ = 20 leaves M < 2: less than 1e-12 of a stage. The
/// smallest source of a stage here has 1e-3 of it, so 1e-9 of a source is far above that error.
fn summed(curriculum: &Curriculum, stages: &[Stage], tokens: Tokens) -> Vec<f64> {
    let placed = curriculum.placed(tokens);
    let mut sums = vec![0.0; curriculum.names.len()];
    for (stage, place) in stages.iter().zip(&placed) {
        let stepped = stage.ramp == Some(Ramp::Step);
        let plateaus = if stepped { stage.plateaus.unwrap_or(2) } else { 1 };
        let edge = |plateau: u32| (f64::from(plateau) / f64::from(plateaus)).sqrt();
        let panels = PANELS.div_ceil(plateaus);
        for plateau in 0..plateaus {
            let start = edge(plateau);
            let width = (edge(plateau + 1) - start) / f64::from(panels);
            for panel in 0..panels {
                for (x, weight) in gauss() {
                    let u = start + width * (f64::from(panel) + x);
                    let progress = place.start + u * u * (place.end - place.start);
                    let part = weight * width * 2.0 * u * (place.end - place.start) * tokens.0;
                    let mixture = curriculum.weights(&placed, progress);
                    sums.iter_mut().zip(mixture).for_each(|(sum, share)| *sum += share * part);
                }
            }
        }
    }
    sums
}

/// A run of one stage between two mixtures.
fn ramped(ramp: Ramp, plateaus: Option<u32>) -> (Sources, Vec<Stage>) {
    let from = Some(weights(&[("books", 0.6), ("code", 0.1), ("web", 0.3)]).into());
    let to = [("books", 0.4), ("code", 0.2), ("web", 0.4)];
    let stage = Stage { from, ramp: Some(ramp), plateaus, ..stage("main", &to) };
    (unsized_sources(&["books", "code", "web"]), vec![stage])
}

#[test]
fn the_sum_finds_a_mean_that_is_that_of_the_ends() {
    let run = Tokens(RUN);
    for ramp in RAMPS {
        let (sources, stages) = ramped(ramp, None);
        let curriculum = Curriculum::new(&sources, &stages, None).unwrap();
        let placed = curriculum.placed(run);
        let exact = summed(&curriculum, &stages, run);
        let planted = by(&placed, |stage| {
            stage.first.iter().zip(&stage.last).map(|(a, b)| f64::midpoint(*a, *b)).collect()
        });
        let symmetric = matches!(ramp, Ramp::Linear | Ramp::Cosine | Ramp::Step);
        assert_eq!(compared(&planted, &exact, 1e-9).is_ok(), symmetric, "{ramp:?}");
        assert_close(&by_means(&placed), &exact, 1e-9);
        assert_close(&drawn(&curriculum, &sources, run), &exact, 1e-9);
    }
}

#[test]
fn the_sum_tells_ramps_apart() {
    let run = Tokens(RUN);
    let symmetric = |ramp| matches!(ramp, Ramp::Linear | Ramp::Cosine | Ramp::Step);
    for own in RAMPS {
        let (sources, stages) = ramped(own, None);
        let exact = summed(&Curriculum::new(&sources, &stages, None).unwrap(), &stages, run);
        for other in RAMPS {
            let (sources, stages) = ramped(other, None);
            let taken = drawn(&Curriculum::new(&sources, &stages, None).unwrap(), &sources, run);
            let same = own == other || symmetric(own) && symmetric(other);
            assert_eq!(compared(&taken, &exact, 1e-9).is_ok(), same, "{own:?} for {other:?}");
        }
    }
}

// ---------------------------------------------------------------------------------------------
// Any course

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Tokens,
    Share,
    Rest,
}

/// A stage as drawn: its part of the run, its length's kind, both mixtures, ramp and plateaus.
type Sketch = (u32, Kind, Option<[u32; 5]>, [u32; 5], Option<Ramp>, Option<u32>);

fn sketch() -> impl Strategy<Value = Sketch> {
    let kind = prop::sample::select(vec![Kind::Tokens, Kind::Share, Kind::Rest]);
    let parts = || prop::array::uniform5(0..10_u32);
    let ramp = prop::option::weighted(0.9, prop::sample::select(RAMPS.to_vec()));
    let plateaus = prop::option::weighted(0.8, 2..10_u32);
    (1..100_u32, kind, prop::option::weighted(0.7, parts()), parts(), ramp, plateaus)
}

/// Every legal way to give lengths: all in tokens, all in shares, or any of both and one rest.
fn legal(kinds: impl Iterator<Item = Kind>) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = kinds.collect();
    let first = kinds.iter().position(|kind| *kind == Kind::Rest);
    for (index, kind) in kinds.iter_mut().enumerate() {
        if *kind == Kind::Rest && Some(index) != first {
            *kind = Kind::Share;
        }
    }
    let mixed = kinds.contains(&Kind::Tokens) && kinds.contains(&Kind::Share);
    if mixed && first.is_none() {
        kinds[0] = Kind::Rest;
    }
    kinds
}

fn parts(names: &[&str], parts: [u32; 5]) -> BTreeMap<String, Weight> {
    let parts = &parts[..names.len()];
    let sum: u32 = parts.iter().sum();
    let part = |part: u32| if sum == 0 { 1.0 } else { f64::from(part) / f64::from(sum) };
    let pairs: Vec<(&str, f64)> = names.iter().zip(parts).map(|(n, p)| (*n, part(*p))).collect();
    weights(if sum == 0 { &pairs[..1] } else { &pairs })
}

/// A course of the sketches. The run is `stretch` times as long as one in which every stage has its
/// part, so that stages stated in tokens and the rest do not keep their proportions.
fn course(sketches: &[Sketch], names: &[&str], stretch: f64) -> Course {
    let kinds = legal(sketches.iter().map(|sketch| sketch.1));
    let all: f64 = sketches.iter().map(|sketch| f64::from(sketch.0)).sum();
    let tokens = RUN * stretch;
    let stages = sketches.iter().zip(&kinds).enumerate().map(|(index, (sketch, kind))| {
        let (part, _, from, to, ramp, plateaus) = *sketch;
        let part = f64::from(part) / all;
        let ramp = from.and(ramp);
        Stage {
            name: format!("stage {index}"),
            tokens: (*kind == Kind::Tokens).then_some(Tokens(part * RUN)),
            share: (*kind == Kind::Share).then_some(Fraction(part)),
            from: from.map(|from| parts(names, from).into()),
            mixture: parts(names, to).into(),
            ramp,
            plateaus: plateaus.filter(|_| ramp == Some(Ramp::Step)),
            ..Stage::default()
        }
    });
    let stages: Vec<Stage> = stages.collect();
    let stated = |stage: &Stage| match (stage.tokens, stage.share) {
        (Some(own), _) if kinds.contains(&Kind::Rest) => own.0,
        (Some(own), _) => own.0 * stretch,
        (None, share) => share.map_or(0.0, |share| share.0 * tokens),
    };
    let others: f64 = stages.iter().map(stated).sum();
    let rest = |stage: &Stage| stage.tokens.is_none() && stage.share.is_none();
    let lengths =
        stages.iter().map(|s| if rest(s) { tokens - others } else { stated(s) }).collect();
    Course { sources: unsized_sources(names), stages, tokens, lengths }
}

fn any_course() -> impl Strategy<Value = Course> {
    (prop::collection::vec(sketch(), 1..=6), 1..=5_usize, 1.0..3.0).prop_map(
        |(sketches, sources, stretch): (Vec<Sketch>, _, f64)| {
            course(&sketches, &NAMES[..sources], stretch)
        },
    )
}

/// A course over sources of known and unknown sizes, some with a cap on the passes; with `even`,
/// every source that is known has the same passes over the whole run.
fn any_sized_course() -> impl Strategy<Value = Course> {
    let size = prop::option::weighted(0.8, 8.0..13.0_f64);
    let cap = prop::option::weighted(0.8, 0.2..20.0_f64);
    let even = prop::option::weighted(0.3, 0.5..30.0_f64);
    (any_course(), prop::array::uniform5((size, cap)), even).prop_map(
        |(mut course, facts, even)| {
            let curriculum = course.curriculum();
            let taken = drawn(&curriculum, &course.sources, course.run());
            for ((name, source), (size, cap)) in course.sources.iter_mut().zip(facts) {
                let read = curriculum.names.contains(name);
                let power = |size| libm::pow(10.0, size);
                let size = match even {
                    Some(passes) if read => size.map(|_| of(&curriculum, &taken, name) / passes),
                    _ => size.map(power),
                };
                source.unique_tokens = size.map(Tokens);
                source.max_epochs = cap.map(Epochs);
            }
            course
        },
    )
}

/// The shortest run that has room for the stages that state their tokens.
fn shortest(course: &Course) -> f64 {
    if course.stages.iter().all(|stage| stage.tokens.is_some()) {
        return 0.0;
    }
    let fixed: f64 = course.stages.iter().filter_map(|stage| stage.tokens).map(|own| own.0).sum();
    let shares: f64 = course.stages.iter().filter_map(|stage| stage.share).map(|own| own.0).sum();
    if fixed > 0.0 { fixed / (1.0 - shares) } else { 0.0 }
}

/// The longest run in which a source keeps within a limit, by bisection; `None` where it always
/// does.
fn bisected(share: &Share, limit: Option<Epochs>) -> Option<f64> {
    let most = share.unique?.0 * limit?.0;
    let keeps = |tokens: f64| share.drawn(Tokens(tokens)).0 <= most;
    let (mut low, mut high) = (0.0, 1e30);
    if !keeps(low) || keeps(high) {
        return (!keeps(low)).then_some(0.0);
    }
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        *(if keeps(middle) { &mut low } else { &mut high }) = middle;
    }
    Some(low)
}

/// That the run that ends a source first is the one that bisection finds.
fn ends_first(
    found: Option<(Tokens, &Share)>,
    mixture: &Mixture,
    limit: impl Fn(&Share) -> Option<Epochs>,
    shortest: f64,
) -> Result<(), TestCaseError> {
    // a run with no room for its stages is no run
    let ends = |share: &Share| {
        let end = bisected(share, limit(share))?;
        Some(if end < shortest { 0.0 } else { end })
    };
    let all = mixture.shares.iter().filter_map(ends);
    let first = all.fold(f64::INFINITY, f64::min);
    let Some((tokens, share)) = found else {
        prop_assert!(first.is_infinite(), "nothing found, but {first}");
        return Ok(());
    };
    prop_assert!((tokens.0 - first).abs() <= 1e-9 * first, "{tokens} for {first}");
    // another source may end at the same length
    let own = ends(share).unwrap_or(f64::INFINITY);
    prop_assert!((own - first).abs() <= 1e-9 * first, "`{}` ends at {own}", share.name);
    Ok(())
}

fn sound(check: Result<(), String>) -> Result<(), TestCaseError> {
    check.map_err(TestCaseError::fail)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_source_gives_the_sum_over_the_run(course in any_course()) {
        let curriculum = course.curriculum();
        let exact = summed(&curriculum, &course.stages, course.run());
        sound(compared(&by_means(&curriculum.placed(course.run())), &exact, 1e-9))?;
        sound(compared(&drawn(&curriculum, &course.sources, course.run()), &exact, 1e-9))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_sources_give_the_run(course in any_course()) {
        let curriculum = course.curriculum();
        let taken: f64 = drawn(&curriculum, &course.sources, course.run()).iter().sum();
        let means: f64 = by_means(&curriculum.placed(course.run())).iter().sum();
        sound(compared(&[taken, means], &[course.tokens, course.tokens], 1e-12))?;
    }

    #[test]
    fn the_mixture_is_whole_at_every_moment(
        course in any_course(),
        moments in prop::collection::vec(0.0..1.0_f64, 20),
    ) {
        let curriculum = course.curriculum();
        let placed = curriculum.placed(course.run());
        let edges = placed.iter().flat_map(|stage| [stage.start, stage.end]);
        for progress in moments.into_iter().chain(edges) {
            let mixture = curriculum.weights(&placed, progress);
            prop_assert!(mixture.iter().all(|weight| (-1e-15..=1.0 + 1e-15).contains(weight)));
            let sum: f64 = mixture.iter().sum();
            prop_assert!((sum - 1.0).abs() < 1e-12, "{sum} at {progress}");
        }
    }

    #[test]
    fn stages_follow_each_other_from_end_to_end(course in any_course()) {
        let placed = course.curriculum().placed(course.run());
        let tokens: Vec<f64> = placed.iter().map(|stage| stage.tokens.0).collect();
        sound(compared(&tokens, &course.lengths, 1e-9))?;
        prop_assert_eq!(placed[0].start.to_bits(), 0.0_f64.to_bits());
        prop_assert!((placed[placed.len() - 1].end - 1.0).abs() < 1e-12);
        for pair in placed.windows(2) {
            prop_assert_eq!(pair[0].end.to_bits(), pair[1].start.to_bits());
        }
        for (stage, stated) in placed.iter().zip(&course.stages) {
            prop_assert_eq!(&stage.name, &stated.name);
            let own = (stage.end - stage.start) * course.tokens;
            prop_assert!((own - stage.tokens.0).abs() < 1e-12 * course.tokens, "{stage:?}");
        }
    }

    #[test]
    fn a_stage_starts_and_ends_as_stated(course in any_course()) {
        let curriculum = course.curriculum();
        let placed = curriculum.placed(course.run());
        let row = |choice: &MixtureChoice| -> Vec<f64> {
            let MixtureChoice::Given(weights) = choice else { panic!("{choice:?} is no weights") };
            let weight = |name| weights.get(name).map_or(0.0, |weight| weight.0);
            curriculum.names.iter().map(weight).collect()
        };
        let near = |a: &[f64], b: &[f64], far: f64| a.iter().zip(b).all(|(a, b)| (a - b).abs() < far);
        for (index, (stage, stated)) in placed.iter().zip(&course.stages).enumerate() {
            let first = row(stated.from.as_ref().unwrap_or(&stated.mixture));
            let last = row(&stated.mixture);
            prop_assert!(near(&stage.first, &first, 1e-14), "{stage:?}");
            prop_assert!(near(&stage.last, &last, 1e-14), "{stage:?}");
            // at the boundary the later stage, a hair before it the earlier one
            prop_assert_eq!(&curriculum.weights(&placed, stage.start), &stage.first);
            if index > 0 {
                let before = curriculum.weights(&placed, stage.start * (1.0 - 1e-9));
                prop_assert!(near(&before, &placed[index - 1].last, 1e-4), "{stage:?}");
            }
        }
        prop_assert!(near(&curriculum.weights(&placed, 1.0), &placed[placed.len() - 1].last, 1e-9));
    }

    #[test]
    fn repeats_are_worth_what_each_source_is_worth(course in any_sized_course(), longer in 1.0..4.0) {
        let curriculum = course.curriculum();
        let mixture = Mixture::over(&curriculum, &course.sources);
        for tokens in [course.tokens, course.tokens * longer].map(Tokens) {
            let taken = by_means(&curriculum.placed(tokens));
            let worth: f64 = curriculum
                .names
                .iter()
                .zip(&taken)
                .map(|(name, taken)| match course.sources[name].unique_tokens {
                    Some(unique) => effective_tokens(Tokens(*taken), unique, repeats()).0,
                    None => *taken,
                })
                .sum();
            sound(compared(&[mixture.effective(tokens, repeats()).0], &[worth], 1e-11))?;
        }
    }

    #[test]
    fn the_source_that_ends_first_is_found(course in any_sized_course(), passes in 0.2..20.0_f64) {
        let mixture = Mixture::over(&course.curriculum(), &course.sources);
        let passes = Epochs(passes);
        let shortest = shortest(&course);
        let limit = |share: &Share| share.max_epochs.or(Some(passes));
        ends_first(mixture.exhausted_first(passes), &mixture, limit, shortest)?;
        ends_first(mixture.binding(), &mixture, |share| share.max_epochs, shortest)?;
    }
}

// ---------------------------------------------------------------------------------------------
// Plain cases

/// A stage of stated tokens leaves its sources alone when the run grows; the rest grows.
#[test]
fn a_longer_run_lengthens_the_rest_and_the_shares() {
    let sources = sources(&[("books", Some(4e9)), ("code", Some(10e9)), ("web", Some(1e12))]);
    let stages = [
        Stage { tokens: Some(Tokens(10e9)), ..stage("books", &[("books", 1.0)]) },
        stage("web", &[("web", 1.0)]),
        Stage { share: Some(Fraction(0.2)), ..stage("code", &[("code", 1.0)]) },
    ];
    let curriculum = Curriculum::new(&sources, &stages, None).unwrap();
    assert_close(&drawn(&curriculum, &sources, Tokens(50e9)), &[10e9, 10e9, 30e9], 1e-15);
    assert_close(&drawn(&curriculum, &sources, Tokens(100e9)), &[10e9, 20e9, 70e9], 1e-15);

    let mixture = Mixture::over(&curriculum, &sources);
    let (longest, share) = mixture.exhausted_first(Epochs(4.0)).unwrap();
    assert_eq!(share.name, "code");
    assert_close(&[longest.0], &[200e9], 1e-15); // a fifth of it is four passes over 10 B
    let (longest, share) = mixture.exhausted_first(Epochs(2.0)).unwrap();
    assert_eq!((longest, share.name.as_str()), (Tokens(0.0), "books")); // 2.5 passes in every run
}

/// Four passes over 1 B tokens are worth 3.725673 B (Muennighoff et al. 2023, eq. 5).
#[test]
fn passes_in_two_stages_are_added_before_they_decay() {
    let sources = sources(&[("code", Some(1e9)), ("web", Some(1e12))]);
    let stages = [
        Stage { tokens: Some(Tokens(20e9)), ..stage("main", &[("code", 0.05), ("web", 0.95)]) },
        Stage { tokens: Some(Tokens(10e9)), ..stage("decay", &[("code", 0.3), ("web", 0.7)]) },
    ];
    let curriculum = Curriculum::new(&sources, &stages, None).unwrap();
    let mixture = Mixture::over(&curriculum, &sources);
    let draws: Vec<_> = mixture.draws(Tokens(30e9), repeats()).collect();
    assert!((draws[0].epochs.unwrap().0 - 4.0).abs() < 1e-12, "{draws:?}");
    assert!((draws[0].effective.0 - 3.725_673e9).abs() < 1e3, "{draws:?}");
    let worth = mixture.effective(Tokens(30e9), repeats());
    assert!((worth.0 - (26e9 + 3.725_673e9)).abs() < 1e3, "{worth}");
    assert_eq!(curriculum.stated_tokens(), Some(Tokens(30e9)));
    assert_eq!(curriculum.fixed_tokens(), Tokens(30e9));
}

/// Sources that are read almost equally often are not taken for one.
#[test]
fn passes_that_differ_a_little_decay_apart() {
    let sources = sources(&[("code", Some(10e9)), ("web", Some(10.05e9))]);
    let stages = [stage("main", &[("code", 0.5), ("web", 0.5)])];
    let curriculum = Curriculum::new(&sources, &stages, None).unwrap();
    let worth = Mixture::over(&curriculum, &sources).effective(Tokens(80e9), repeats());
    let apart =
        [10e9, 10.05e9].map(|unique| effective_tokens(Tokens(40e9), Tokens(unique), repeats()).0);
    let together = effective_tokens(Tokens(80e9), Tokens(20.05e9), repeats()).0;
    assert_close(&[worth.0], &[apart.iter().sum()], 1e-13);
    compared(&[worth.0], &[together], 1e-9).unwrap_err();
}

/// Stages that all state their tokens keep their proportions in a run of another length.
#[test]
fn stages_in_tokens_stretch_together() {
    let sources = unsized_sources(&["code", "web"]);
    let stages = [
        Stage { tokens: Some(Tokens(30e9)), ..stage("main", &[("web", 1.0)]) },
        Stage { tokens: Some(Tokens(10e9)), ..stage("decay", &[("code", 1.0)]) },
    ];
    let curriculum = Curriculum::new(&sources, &stages, None).unwrap();
    assert_close(&drawn(&curriculum, &sources, Tokens(80e9)), &[20e9, 60e9], 1e-15);
    let placed = curriculum.placed(Tokens(80e9));
    assert_close(&[placed[0].tokens.0, placed[1].tokens.0], &[60e9, 20e9], 1e-15);
}

#[test]
fn at_a_gate_the_later_stage_is_read() {
    let sources = unsized_sources(&["code", "web"]);
    let stages = [
        Stage { share: Some(Fraction(0.75)), ..stage("main", &[("web", 1.0)]) },
        Stage { share: Some(Fraction(0.25)), ..stage("decay", &[("code", 1.0)]) },
    ];
    let curriculum = Curriculum::new(&sources, &stages, None).unwrap();
    let placed = curriculum.placed(Tokens(RUN));
    assert_eq!(curriculum.weights(&placed, 0.75), [1.0, 0.0]);
    assert_eq!(curriculum.weights(&placed, 0.75 - 1e-12), [0.0, 1.0]);
    assert_eq!(curriculum.weights(&placed, 0.0), [0.0, 1.0]);
    assert_eq!(curriculum.weights(&placed, 1.0), [1.0, 0.0]);
}

// ---------------------------------------------------------------------------------------------
// A worked example: five epochs that move from 60/30/10 to 40/40/20

const EPOCH: f64 = 1.5e12;

#[test]
fn five_plateaus_are_the_five_mixtures() {
    let (sources, stages) = ramped(Ramp::Step, Some(5));
    let curriculum = Curriculum::new(&sources, &stages, None).unwrap();
    let placed = curriculum.placed(Tokens(5.0 * EPOCH));
    let plateaus = [
        (0.0, [0.60, 0.30, 0.10]),
        (1.0, [0.55, 0.325, 0.125]),
        (2.0, [0.50, 0.35, 0.15]),
        (3.0, [0.45, 0.375, 0.175]),
        (4.0, [0.40, 0.40, 0.20]),
    ];
    for (epoch, expected) in plateaus {
        for within in [0.0, 0.01, 0.5, 0.99] {
            let mixture = curriculum.weights(&placed, (epoch + within) / 5.0);
            let mixture = ["books", "web", "code"].map(|name| of(&curriculum, &mixture, name));
            assert_close(&mixture, &expected, 1e-14);
        }
    }
}

#[test]
fn five_plateaus_draw_half_from_books() {
    let (mut sources, stages) = ramped(Ramp::Step, Some(5));
    let curriculum = Curriculum::new(&sources, &stages, None).unwrap();
    let run = Tokens(5.0 * EPOCH);
    let taken = drawn(&curriculum, &sources, run);
    let expected = [("books", 3.75e12, 750e9), ("web", 2.625e12, 525e9), ("code", 1.125e12, 225e9)];
    for (name, tokens, size) in expected {
        assert_close(&[of(&curriculum, &taken, name)], &[tokens], 1e-14);
        sources.get_mut(name).unwrap().unique_tokens = Some(Tokens(size));
    }
    let mixture = Mixture::over(&curriculum, &sources);
    for draw in mixture.draws(run, repeats()) {
        assert_close(&[draw.epochs.unwrap().0], &[5.0], 1e-14);
    }
    assert_close(&[mixture.unique().unwrap().0], &[EPOCH], 1e-15);
    let (longest, _) = mixture.exhausted_first(Epochs(5.0)).unwrap();
    assert_close(&[longest.0], &[run.0], 1e-14);
}

#[test]
fn symmetric_ramps_draw_as_the_plateaus_do_and_a_quadratic_one_less() {
    let totals = |ramp, steps| {
        let (sources, stages) = ramped(ramp, steps);
        let curriculum = Curriculum::new(&sources, &stages, None).unwrap();
        let taken = drawn(&curriculum, &sources, Tokens(5.0 * EPOCH));
        ["books", "web", "code"].map(|name| of(&curriculum, &taken, name))
    };
    let even = [3.75e12, 2.625e12, 1.125e12];
    assert_close(&totals(Ramp::Cosine, None), &even, 1e-14);
    assert_close(&totals(Ramp::Linear, None), &even, 1e-14);
    assert_close(&totals(Ramp::Step, None), &even, 1e-14);
    // a third of the way on average: 53 1/3 %, 33 1/3 %, 13 1/3 %
    assert_close(&totals(Ramp::Quadratic, None), &[4e12, 2.5e12, 1e12], 1e-14);
    // two thirds
    assert_close(&totals(Ramp::Root, None), &[3.5e12, 2.75e12, 1.25e12], 1e-14);
}

// ---------------------------------------------------------------------------------------------
// Published mixtures

/// The three stages of `SmolLM3`, huggingface/smollm (commit a041759), text/pretraining/smollm3:
/// stages begin at the steps 1, 3,450,001 and 4,198,001 of 2,359,296 tokens. The weights of its 41,
/// 46 and 56 sources are added up by kind of text here.
#[test]
fn smollm3_reads_nine_trillion_tokens_of_web() {
    const STEP: f64 = 2_359_296.0;
    let kinds = ["code", "math", "reasoning", "web"];
    let sources = unsized_sources(&kinds);
    let first = [("web", 0.848), ("code", 0.125), ("math", 0.027)];
    let second = [("web", 0.766), ("code", 0.1632), ("math", 0.0708)];
    let third = [("web", 0.6357), ("code", 0.2822), ("math", 0.0811), ("reasoning", 0.001)];
    let stages = [
        Stage { tokens: Some(Tokens(3_450_000.0 * STEP)), ..stage("stable", &first) },
        Stage { tokens: Some(Tokens(748_000.0 * STEP)), ..stage("stable 2", &second) },
        stage("decay", &third),
    ];
    let curriculum = Curriculum::new(&sources, &stages, None).unwrap();
    assert_eq!(curriculum.normalised, []);
    let placed = curriculum.placed(Tokens(11.14e12));
    let trillions = |tokens: f64| format!("{:.2}", tokens / 1e12);
    let lengths: Vec<String> = placed.iter().map(|stage| trillions(stage.tokens.0)).collect();
    assert_eq!(lengths, ["8.14", "1.76", "1.24"]);
    assert_eq!(trillions(placed[1].start * 11.14e12), "8.14");
    assert_eq!(trillions(placed[2].start * 11.14e12), "9.90");

    let taken = drawn(&curriculum, &sources, Tokens(11.14e12));
    assert_eq!(curriculum.names, kinds);
    // sums of the products of those numbers, done in fractions
    let by_hand = [1_654_161_751_808.0, 444_926_237_977.6, 1_235_675_392.0, 9_039_676_334_822.4];
    assert_close(&taken, &by_hand, 1e-12);

    let moved = |a: &Placed, b: &Placed| {
        a.last.iter().zip(&b.first).map(|(a, b)| (a - b).abs()).sum::<f64>() / 2.0
    };
    assert_close(&[moved(&placed[0], &placed[1])], &[0.082], 1e-9);
    assert_close(&[moved(&placed[1], &placed[2])], &[0.1303], 1e-9);
}

/// Phi-4 technical report (arXiv:2412.08905), Table 5: shares of 10 T tokens, unique tokens, and
/// epochs as printed.
#[test]
fn phi_4_reads_its_sources_as_often_as_printed() {
    let rows = [
        ("web", 0.15, 1.3e12, "1.2"),
        ("web rewrites", 0.15, 290e9, "5.2"),
        ("synthetic", 0.40, 290e9, "13.8"),
        ("code", 0.20, 820e9, "2.4"),
        ("acquired", 0.10, 580e9, "1.7"),
    ];
    let sources = sources(&rows.map(|(name, _, unique, _)| (name, Some(unique))));
    let stages = [Stage {
        tokens: Some(Tokens(10e12)),
        ..stage("main", &rows.map(|(name, weight, ..)| (name, weight)))
    }];
    let curriculum = Curriculum::new(&sources, &stages, None).unwrap();
    let tokens = curriculum.stated_tokens().unwrap();
    let mixture = Mixture::over(&curriculum, &sources);
    let epochs: Vec<f64> =
        mixture.draws(tokens, repeats()).map(|draw| draw.epochs.unwrap().0).collect();
    for (name, _, _, printed) in rows {
        assert_eq!(format!("{:.1}", of(&curriculum, &epochs, name)), printed, "{name}");
    }
}

/// GPT-3 (arXiv:2005.14165), Table 2.2: 22 % of 300 B tokens from the 19 B of `WebText2` are 3.47
/// epochs by themselves. The table's weights sum to 101 %: normalised, as a plan of the whole table
/// has them, they are 3.44. It prints 2.9, as recalled.
#[test]
fn gpt_3_reads_webtext2_more_often_than_printed() {
    let epochs = |rows: &[(&str, f64, f64)]| {
        let sizes: Vec<_> = rows.iter().map(|(name, _, size)| (*name, Some(*size))).collect();
        let parts: Vec<_> = rows.iter().map(|(name, weight, _)| (*name, *weight)).collect();
        let sources = sources(&sizes);
        let curriculum = Curriculum::new(&sources, &[stage("main", &parts)], None).unwrap();
        let taken = drawn(&curriculum, &sources, Tokens(300e9));
        (of(&curriculum, &taken, "webtext2") / 19e9, curriculum.normalised)
    };
    let (alone, normalised) = epochs(&[("webtext2", 0.22, 19e9), ("others", 0.78, 480e9)]);
    assert_eq!((format!("{alone:.2}").as_str(), normalised.len()), ("3.47", 0));

    let (table, normalised) = epochs(&[
        ("common crawl", 0.60, 410e9),
        ("webtext2", 0.22, 19e9),
        ("books1", 0.08, 12e9),
        ("books2", 0.08, 55e9),
        ("wikipedia", 0.03, 3e9),
    ]);
    assert_eq!(format!("{table:.2}"), "3.44");
    let [normalised] = normalised.as_slice() else { panic!("{normalised:?}") };
    assert_eq!((normalised.stage, normalised.key), (0, "mixture"));
    assert_close(&[normalised.sum], &[1.01], 1e-14);
}

/// A component of the Pile: raw size in GiB, weight in percent, epochs, as printed.
type Component = (&'static str, f64, f64, f64);

/// EleutherAI/the-pile (commit df97f86), README.md.
const PILE: [Component; 22] = [
    ("Pile-CC", 227.12, 18.11, 1.0),
    ("PubMed Central", 90.27, 14.40, 2.0),
    ("Books3", 100.96, 12.07, 1.5),
    ("OpenWebText2", 62.77, 10.01, 2.0),
    ("ArXiv", 56.21, 8.96, 2.0),
    ("Github", 95.16, 7.59, 1.0),
    ("FreeLaw", 51.15, 6.12, 1.5),
    ("StackExchange", 32.20, 5.13, 2.0),
    ("USPTO Backgrounds", 22.90, 3.65, 2.0),
    ("PubMed Abstracts", 19.26, 3.07, 2.0),
    ("Gutenberg (PG-19)", 10.88, 2.17, 2.5),
    ("OpenSubtitles", 12.98, 1.55, 1.5),
    ("Wikipedia (en)", 6.38, 1.53, 3.0),
    ("DM Mathematics", 7.75, 1.24, 2.0),
    ("Ubuntu IRC", 5.52, 0.88, 2.0),
    ("BookCorpus2", 6.30, 0.75, 1.5),
    ("EuroParl", 4.59, 0.73, 2.0),
    ("HackerNews", 3.90, 0.62, 2.0),
    ("YoutubeSubtitles", 3.73, 0.60, 2.0),
    ("PhilPapers", 2.38, 0.38, 2.0),
    ("NIH ExPorter", 1.89, 0.30, 2.0),
    ("Enron Emails", 0.88, 0.14, 2.0),
];

/// The Pile reads each component as often as its table says, which gives the printed weights. Sizes
/// are bytes there; proportions do not ask of what.
#[test]
fn the_pile_weighs_its_components_as_printed() {
    let sources = sources(&PILE.map(|(name, size, ..)| (name, Some(size * 1e9))));
    let stages = PILE.map(|(name, size, _, epochs)| Stage {
        tokens: Some(Tokens(size * epochs * 1e9)),
        ..stage(name, &[(name, 1.0)])
    });
    let curriculum = Curriculum::new(&sources, &stages, None).unwrap();
    let run = curriculum.stated_tokens().unwrap();
    assert_eq!(format!("{:.1}", run.0 / 1e9), "1254.2"); // the table's total: 1254.20 GiB
    let mixture = Mixture::over(&curriculum, &sources);
    for (share, draw) in mixture.shares.iter().zip(mixture.draws(run, repeats())) {
        let (_, _, weight, epochs) = PILE.iter().find(|row| row.0 == share.name).unwrap();
        let percent = draw.tokens.0 / run.0 * 100.0;
        assert!((percent - weight).abs() < 0.01, "{}: {percent} is not {weight}", share.name);
        assert_close(&[draw.epochs.unwrap().0], &[*epochs], 1e-12);
    }
    // the printed weights are a mixture as they stand
    let printed = PILE.map(|(name, _, weight, _)| (name, weight / 100.0));
    let curriculum = Curriculum::new(&sources, &[stage("main", &printed)], None).unwrap();
    assert_eq!(curriculum.normalised, []);
}

/// Dolma 3: tokens in the pool and in the mix in billions, and the printed percent. Olmo 3 report,
/// table of the mix, as copied at <https://books-1k9.pages.dev/en/olmo-3/01-dolma3-dataset.html>.
const DOLMA_3: [(&str, f64, f64, f64); 6] = [
    ("Common Crawl", 8140.0, 4510.0, 76.1),
    ("olmOCR science PDFs", 972.0, 805.0, 13.6),
    ("Stack-Edu", 137.0, 409.0, 6.89),
    ("arXiv", 21.4, 50.8, 0.86),
    ("FineMath 3+", 34.1, 152.0, 2.56),
    ("Wikipedia & Wikibooks", 3.69, 2.51, 0.04),
];

#[test]
fn dolma_3_weighs_its_sources_as_printed() {
    let sources = sources(&DOLMA_3.map(|(name, pool, ..)| (name, Some(pool * 1e9))));
    let stages = DOLMA_3.map(|(name, _, mix, _)| Stage {
        tokens: Some(Tokens(mix * 1e9)),
        ..stage(name, &[(name, 1.0)])
    });
    let curriculum = Curriculum::new(&sources, &stages, None).unwrap();
    let run = curriculum.stated_tokens().unwrap();
    assert_eq!(format!("{:.2}", run.0 / 1e12), "5.93"); // printed in the same table
    let mixture = Mixture::over(&curriculum, &sources);
    for (share, draw) in mixture.shares.iter().zip(mixture.draws(run, repeats())) {
        let (.., weight) = DOLMA_3.iter().find(|row| row.0 == share.name).unwrap();
        let percent = draw.tokens.0 / run.0 * 100.0;
        assert!((percent - weight).abs() < 0.06, "{}: {percent} is not {weight}", share.name);
    }
    // of all, only FineMath is read more than four times
    let (longest, share) = mixture.exhausted_first(Epochs(4.0)).unwrap();
    assert_eq!(share.name, "FineMath 3+");
    assert!(longest.0 < run.0);
    let (longest, _) = mixture.exhausted_first(Epochs(4.5)).unwrap();
    assert!(longest.0 > run.0);
}

/// The stages of a plan text, placed in its run.
fn placed_of(stages: &str) -> (Vec<Placed>, Tokens) {
    let text = format!("format = 1\n\n[model]\nparams = 8e9\n\n[sources]\ncorpus = {{}}\n{stages}");
    let document = read(text.as_bytes()).unwrap();
    let derivation = derive(&document.chosen).unwrap();
    let run = derivation.point.unwrap().tokens;
    (derivation.curriculum.unwrap().placed(run), run)
}

fn steps(placed: &[Placed]) -> Vec<f64> {
    placed.iter().map(|stage| stage.steps.unwrap().0).collect()
}

/// allenai/OLMo-core (commit fa6c501), src/scripts/official/OLMo3: batches of 512 sequences of 8,192
/// tokens to step 1,413,814, where `README.md` says 5.93 trillion; then 100 B tokens in batches of
/// 2^21, and 50 B in batches of 64 sequences of 65,536, which `OLMo-3-1025-7B.csv` ends at the steps
/// 47,684 and 11,921.
#[test]
fn olmo_3_7b_takes_the_published_steps() {
    let (placed, run) = placed_of(
        r#"
[[stages]]
name = "pretraining"
steps = 1413814
batch_tokens = 4194304
sequence = 8192
mixture = { corpus = 1 }

[[stages]]
name = "midtraining"
kind = "anneal"
tokens = 100e9
batch_tokens = 2097152
mixture = { corpus = 1 }

[[stages]]
name = "long context"
kind = "long-context"
tokens = 50e9
batch_tokens = 4194304
sequence = 65536
mixture = { corpus = 1 }
"#,
    );
    assert_eq!(steps(&placed), [1_413_814.0, 47_684.0, 11_921.0]);
    assert_eq!(placed[0].tokens, Tokens(5_929_965_715_456.0)); // "Tokens Seen" of the same file
    assert_eq!(placed[0].stepped(), Some(placed[0].tokens));
    assert_eq!(format!("{:.3}", placed[0].tokens.0 / 1e12), "5.930");
    assert_eq!(run, Tokens(5_929_965_715_456.0 + 100e9));
    let sequences: Vec<f64> = placed
        .iter()
        .map(|stage| stage.training.batch_tokens.unwrap().0 / stage.training.sequence.unwrap().0)
        .collect();
    assert_eq!(sequences, [512.0, 256.0, 64.0]);
}

/// The same folder: 32B in batches of 2^23 to step 656,000, which `OLMo-3-1025-32B-midtrain-*.py` go
/// on from and where `README.md` says 5.50 trillion.
#[test]
fn olmo_3_32b_takes_the_published_steps() {
    let (placed, run) = placed_of(
        r#"
[[stages]]
name = "pretraining"
steps = "656K"
batch_tokens = 8388608
mixture = { corpus = 1 }
"#,
    );
    assert_eq!(steps(&placed), [656_000.0]);
    assert_eq!(format!("{:.3}", run.0 / 1e12), "5.503");
    assert_eq!(format!("{:.2}", run.0 / 1e12), "5.50");
}

/// swiss-ai/pretrain-code (commit 531cc8b), `pretraining/submit_apertus_8b.sh`: 1,718,272,000
/// samples of 4,096 tokens in batches of 1,024, and the rest of 3,662,109,375 in batches of 2,048: 15 T
/// tokens to iteration 2,627,139. The cooldown has 403,905,806 samples, printed as 197,219
/// iterations and 1654 B tokens.
#[test]
fn apertus_8b_takes_the_published_steps() {
    const SAMPLES: f64 = 3_662_109_375.0;
    let (placed, run) = placed_of(
        r#"
[[stages]]
name = "batch of 4 M"
steps = 1678000
batch_tokens = 4194304
sequence = 4096
mixture = { corpus = 1 }

[[stages]]
name = "batch of 8 M"
steps = 949139
batch_tokens = 8388608
mixture = { corpus = 1 }
"#,
    );
    assert_eq!(steps(&placed).iter().sum::<f64>().to_bits(), 2_627_139.0_f64.to_bits());
    assert_eq!(placed[0].tokens, Tokens(1_718_272_000.0 * 4096.0));
    assert_eq!(format!("{:.1}", run.0 / 1e12), "15.0");
    // what is left of the samples does not fill a batch
    let left = SAMPLES * 4096.0 - run.0;
    assert!((0.0..8_388_608.0).contains(&left), "{left}");

    // and from the samples alone
    let (placed, run) = placed_of(&format!(
        r#"
[run]
tokens = {}

[[stages]]
name = "batch of 4 M"
tokens = {}
batch_tokens = 4194304
mixture = {{ corpus = 1 }}

[[stages]]
name = "batch of 8 M"
batch_tokens = 8388608
mixture = {{ corpus = 1 }}

[[stages]]
name = "cooldown"
kind = "anneal"
tokens = {}
mixture = {{ corpus = 1 }}
"#,
        SAMPLES * 4096.0,
        1_718_272_000.0 * 4096.0,
        403_905_806.0 * 4096.0,
    ));
    assert_eq!(run, Tokens(15e12));
    assert_eq!(steps(&placed).iter().sum::<f64>().to_bits(), 2_627_139.0_f64.to_bits());
    assert_eq!(format!("{:.0}", placed[2].tokens.0 / 1e9), "1654");
    // the printed iterations are cut, not rounded
    assert!(((placed[2].tokens.0 / 8_388_608.0).floor() - 197_219.0).abs() < 0.5);
}
