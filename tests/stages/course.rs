//! Courses: sources, stages of every kind over them, and a run that they fit.

use plan::data::{
    Curriculum, Kind, Method, Mixture, MixtureChoice, Order, Pacing, Placed, Ramp, Source, Sources,
    Stage, Weights,
};
use plan::law::repeats;
use plan::quantity::{Epochs, Fraction, Steps, Temperature, Tokens, Weight};
use proptest::prelude::*;
use std::collections::BTreeMap;

pub const NAMES: [&str; 5] = ["books", "code", "math", "papers", "web"];

pub const RAMPS: [Ramp; 7] = [
    Ramp::Cosine,
    Ramp::Linear,
    Ramp::Root,
    Ramp::Quadratic,
    Ramp::Exponential,
    Ramp::Logarithmic,
    Ramp::Step,
];

pub const PACINGS: [Pacing; 6] = [
    Pacing::Linear,
    Pacing::Quadratic,
    Pacing::Root,
    Pacing::Step,
    Pacing::Exponential,
    Pacing::Logarithmic,
];

/// Tokens that the parts of a course are parts of.
pub const RUN: f64 = 1e12;

/// Stages over sources, and a run that they fit.
#[derive(Debug, Clone)]
pub struct Course {
    pub sources: Sources,
    pub stages: Vec<Stage>,
    pub run: Tokens,
}

impl Course {
    pub fn curriculum(&self) -> Curriculum {
        let stages = Curriculum::new(&self.sources, &self.stages, Some(self.run));
        stages.unwrap_or_else(|error| panic!("{error:?} in {self:#?}"))
    }
}

// ---------------------------------------------------------------------------------------------
// Words for plain cases

pub fn weights(parts: &[(&str, f64)]) -> Weights {
    parts.iter().map(|(name, part)| ((*name).to_owned(), Weight(*part))).collect()
}

pub fn stage(name: &str, mixture: &[(&str, f64)]) -> Stage {
    Stage { name: name.to_owned(), mixture: weights(mixture).into(), ..Stage::default() }
}

/// Sources of these names, sizes and difficulties.
pub fn sources(facts: &[(&str, f64, f64)]) -> Sources {
    let source = |unique: f64, difficulty: f64| Source {
        unique_tokens: Some(Tokens(unique)),
        difficulty: Some(Fraction(difficulty)),
        ..Source::default()
    };
    facts.iter().map(|(name, size, hard)| ((*name).to_owned(), source(*size, *hard))).collect()
}

/// The value of a source by its name.
pub fn of(curriculum: &Curriculum, values: &[f64], name: &str) -> f64 {
    let index = curriculum.names.iter().position(|known| known == name);
    values[index.unwrap_or_else(|| panic!("no {name} in {:?}", curriculum.names))]
}

/// What each source gives, in the order of the curriculum's names.
pub fn drawn(curriculum: &Curriculum, sources: &Sources, run: Tokens) -> Vec<f64> {
    let mixture = Mixture::over(curriculum, sources);
    mixture.draws(run, repeats()).map(|draw| draw.tokens.0).collect()
}

/// What each source gives by the means of the placed stages.
pub fn by_means(placed: &[Placed]) -> Vec<f64> {
    let mut sums = vec![0.0; placed[0].mean.len()];
    for stage in placed {
        let own = stage.mean.iter().map(|weight| weight * stage.tokens.0);
        sums.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
    }
    sums
}

/// The first place where two rows differ by more than a relative tolerance.
pub fn compared(actual: &[f64], expected: &[f64], tolerance: f64) -> Result<(), String> {
    if actual.len() != expected.len() {
        return Err(format!("{actual:?} and {expected:?} differ in length"));
    }
    let agrees = |(a, e): (&f64, &f64)| (a - e).abs() <= tolerance * e.abs();
    match actual.iter().zip(expected).position(|pair| !agrees(pair)) {
        Some(at) => Err(format!("{actual:?} and {expected:?} differ at {at}")),
        None => Ok(()),
    }
}

#[track_caller]
pub fn assert_close(actual: &[f64], expected: &[f64], tolerance: f64) {
    compared(actual, expected, tolerance).unwrap();
}

pub fn sound(check: Result<(), String>) -> Result<(), TestCaseError> {
    check.map_err(TestCaseError::fail)
}

// ---------------------------------------------------------------------------------------------
// Any course

/// How a stage says its length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Length {
    Tokens,
    Steps,
    Share,
    Rest,
}

/// A mixture as drawn: parts of the sources, or a method.
#[derive(Debug, Clone, Copy)]
pub enum Mix {
    Parts([u32; 5]),
    Proportional,
    Temperature,
    Unimax,
}

/// What a stage reads, as drawn.
#[derive(Debug, Clone, Copy)]
pub enum Way {
    Still(Mix),
    Ramped(Mix, Mix, Option<Ramp>, Option<u32>),
    Paced(Option<Pacing>, Option<Order>, Option<f64>, Option<f64>),
}

/// A stage as drawn.
#[derive(Debug, Clone, Copy)]
pub struct Sketch {
    /// Its part of the run, against those of the others.
    pub part: u32,
    pub kind: Option<Kind>,
    pub length: Length,
    pub way: Way,
    pub blend: Option<f64>,
    pub replay: Option<f64>,
    pub batch: Option<f64>,
    /// Sources that a method mixes.
    pub over: Option<[bool; 5]>,
    pub temperature: f64,
    /// Passes that `UniMax` may make, over those that the stage needs.
    pub passes: f64,
}

impl Sketch {
    /// A stage of constant weights and nothing besides.
    pub fn still(part: u32, mix: [u32; 5]) -> Self {
        Self {
            part,
            kind: None,
            length: Length::Tokens,
            way: Way::Still(Mix::Parts(mix)),
            blend: None,
            replay: None,
            batch: None,
            over: None,
            temperature: 2.0,
            passes: 1.5,
        }
    }

    fn on_top(&self) -> bool {
        self.kind.is_some_and(|kind| !kind.in_run())
    }
}

fn any_mix() -> impl Strategy<Value = Mix> {
    prop_oneof![
        4 => prop::array::uniform5(0..10_u32).prop_map(Mix::Parts),
        1 => Just(Mix::Proportional),
        1 => Just(Mix::Temperature),
        1 => Just(Mix::Unimax),
    ]
}

fn any_way() -> impl Strategy<Value = Way> {
    let ramp = prop::option::weighted(0.9, prop::sample::select(RAMPS.to_vec()));
    let plateaus = prop::option::weighted(0.8, 2..60_u32);
    let pacing = prop::option::weighted(0.9, prop::sample::select(PACINGS.to_vec()));
    let order = prop::sample::select(vec![Order::Curriculum, Order::AntiCurriculum]);
    // a start so near to 0 that the first source is all but closed is not resolved by the panels
    let start = prop::option::of(0.02..0.9_f64);
    let full_at = prop::option::of(0.1..=1.0_f64);
    prop_oneof![
        1 => any_mix().prop_map(Way::Still),
        3 => (any_mix(), any_mix(), ramp, plateaus)
            .prop_map(|(from, to, ramp, plateaus)| Way::Ramped(from, to, ramp, plateaus)),
        3 => (pacing, prop::option::of(order), start, full_at)
            .prop_map(|(pacing, order, start, full_at)| Way::Paced(pacing, order, start, full_at)),
    ]
}

/// Batches in use, and some that fit nothing.
pub const BATCHES: [f64; 5] = [1_048_576.0, 2_359_296.0, 4_194_304.0, 8_388_608.0, 3_000_001.0];

fn any_sketch() -> impl Strategy<Value = Sketch> {
    let kinds = vec![Kind::Pretrain, Kind::Anneal, Kind::LongContext, Kind::Instruct];
    let lengths = vec![Length::Tokens, Length::Steps, Length::Share, Length::Rest];
    let blend = prop_oneof![0.01..1.0_f64, Just(1.0)];
    let settings = (
        prop::option::weighted(0.4, blend),
        prop::option::weighted(0.4, 0.01..0.99_f64),
        prop::option::weighted(0.6, prop::sample::select(BATCHES.to_vec())),
        prop::option::weighted(0.5, prop::array::uniform5(any::<bool>())),
        0.2..8.0_f64,
        1.0..4.0_f64,
    );
    let kind = prop::option::weighted(0.8, prop::sample::select(kinds));
    (2..100_u32, kind, prop::sample::select(lengths), any_way(), settings).prop_map(
        |(part, kind, length, way, (blend, replay, batch, over, temperature, passes))| Sketch {
            part,
            kind,
            length,
            way,
            blend,
            replay,
            batch,
            over,
            temperature,
            passes,
        },
    )
}

/// Every legal way to give lengths. Within the run: all in tokens or steps, all in shares, or any
/// of both and one rest; on top of it: tokens or steps.
fn legal(sketches: &[Sketch]) -> Vec<Length> {
    let mut lengths: Vec<Length> = sketches.iter().map(|sketch| sketch.length).collect();
    let own: Vec<usize> = (0..sketches.len()).filter(|at| !sketches[*at].on_top()).collect();
    let first = own.iter().copied().find(|at| lengths[*at] == Length::Rest);
    for (at, length) in lengths.iter_mut().enumerate() {
        match length {
            Length::Rest | Length::Share if sketches[at].on_top() => *length = Length::Tokens,
            Length::Rest if Some(at) != first => *length = Length::Share,
            _ => {}
        }
    }
    let any = |kinds: &[Length]| own.iter().any(|at| kinds.contains(&lengths[*at]));
    if first.is_none() && any(&[Length::Tokens, Length::Steps]) && any(&[Length::Share]) {
        lengths[own[0]] = Length::Rest;
    }
    lengths
}

fn parts(names: &[&str], parts: [u32; 5]) -> Weights {
    let parts = &parts[..names.len()];
    let sum: u32 = parts.iter().sum();
    let part = |part: u32| if sum == 0 { 1.0 } else { f64::from(part) / f64::from(sum) };
    let pairs: Vec<(&str, f64)> = names.iter().zip(parts).map(|(n, p)| (*n, part(*p))).collect();
    weights(if sum == 0 { &pairs[..1] } else { &pairs })
}

/// A course of sketches over sources of known sizes. The run is `stretch` times as long as one in
/// which every stage has its part.
pub fn course(sketches: &[Sketch], sources: &Sources, stretch: f64) -> Course {
    let mut sketches = sketches.to_vec();
    if sketches.iter().all(Sketch::on_top) {
        sketches[0].kind = Some(Kind::Pretrain);
    }
    let lengths = legal(&sketches);
    let all: u32 = sketches.iter().filter(|sketch| !sketch.on_top()).map(|s| s.part).sum();
    let names: Vec<&str> = sources.keys().map(String::as_str).collect();
    let last = sketches.len() - 1;
    let stages: Vec<Stage> = sketches
        .iter()
        .zip(&lengths)
        .enumerate()
        .map(|(at, (sketch, length))| {
            let part = f64::from(sketch.part) / f64::from(all);
            let mut stage = Stage {
                name: format!("stage {at}"),
                kind: sketch.kind,
                blend: sketch.blend.filter(|_| at < last).map(Fraction),
                replay: sketch.replay.filter(|_| at > 0).map(Fraction),
                batch_tokens: sketch.batch.map(Tokens),
                ..Stage::default()
            };
            match length {
                Length::Tokens => stage.tokens = Some(Tokens(part * RUN)),
                Length::Share => stage.share = Some(Fraction(part)),
                Length::Rest => {}
                Length::Steps => {
                    let batch = sketch.batch.unwrap_or(BATCHES[2]);
                    stage.batch_tokens = Some(Tokens(batch));
                    stage.steps = Some(Steps((part * RUN / batch).ceil()));
                }
            }
            // UniMax weighs for a length that is known
            let known = match length {
                Length::Tokens | Length::Share => Some(part * RUN * stretch),
                Length::Steps => stage.steps.zip(stage.batch_tokens).map(|(s, b)| s.0 * b.0),
                Length::Rest => None,
            };
            read(&mut stage, sketch, sources, &names, known);
            stage
        })
        .collect();
    let run = Tokens(RUN * stretch);
    Course { sources: sources.clone(), stages, run }
}

/// Sets what a stage reads.
fn read(stage: &mut Stage, sketch: &Sketch, sources: &Sources, names: &[&str], known: Option<f64>) {
    let over = sketch.over.map(|over| -> Vec<String> {
        let chosen = names.iter().zip(over).filter(|(_, chosen)| *chosen);
        chosen.map(|(name, _)| (*name).to_owned()).collect()
    });
    let over = over.filter(|over| !over.is_empty());
    let members: Vec<&String> =
        over.as_ref().map_or(sources.keys().collect(), |o| o.iter().collect());
    let size = |name: &&String| sources[*name].unique_tokens.unwrap_or_default().0;
    let held: f64 = members.iter().map(size).sum();
    let mut method = |mix: Mix| match (mix, known) {
        (Mix::Parts(own), _) => MixtureChoice::Given(parts(names, own)),
        (Mix::Temperature, _) => {
            stage.temperature = Some(Temperature(sketch.temperature));
            MixtureChoice::By(Method::Temperature)
        }
        (Mix::Unimax, Some(tokens)) => {
            stage.max_epochs = Some(Epochs(sketch.passes * tokens / held));
            MixtureChoice::By(Method::Unimax)
        }
        (Mix::Proportional | Mix::Unimax, _) => MixtureChoice::By(Method::Proportional),
    };
    match sketch.way {
        Way::Still(mix) => stage.mixture = method(mix),
        Way::Ramped(from, to, ramp, plateaus) => {
            (stage.from, stage.mixture) = (Some(method(from)), method(to));
            stage.ramp = ramp;
            stage.plateaus = plateaus.filter(|_| ramp == Some(Ramp::Step));
        }
        Way::Paced(pacing, order, start, full_at) => {
            stage.mixture = MixtureChoice::By(Method::ByDifficulty);
            (stage.pacing, stage.order) = (pacing, order);
            (stage.start, stage.full_at) = (start.map(Fraction), full_at.map(Fraction));
        }
    }
    let by = |choice: &MixtureChoice| matches!(choice, MixtureChoice::By(_));
    stage.over = over.filter(|_| by(&stage.mixture) || stage.from.as_ref().is_some_and(by));
}

/// Sources of sizes from 1e9 to 1e12.5, each with a difficulty.
pub fn any_sources() -> impl Strategy<Value = Sources> {
    let fact = (9.0..12.5_f64, prop::sample::select(vec![0.1, 0.2, 0.4, 0.4, 0.8]));
    (prop::array::uniform5(fact), 1..=5_usize).prop_map(|(facts, count)| {
        let facts: Vec<(&str, f64, f64)> = NAMES[..count]
            .iter()
            .zip(facts)
            .map(|(name, (size, hard))| (*name, libm::pow(10.0, size), hard))
            .collect();
        sources(&facts)
    })
}

/// Any course of one to five stages.
pub fn any_course() -> impl Strategy<Value = Course> {
    (prop::collection::vec(any_sketch(), 1..=5), any_sources(), 1.01..3.0).prop_map(
        |(sketches, sources, stretch)| {
            // only where all stages of the run state their tokens does a stretch change them all
            let lengths = legal(&sketches);
            let shares = lengths.contains(&Length::Share) && !lengths.contains(&Length::Rest);
            course(&sketches, &sources, if shares { 1.0 } else { stretch })
        },
    )
}

/// A course whose steps are all known.
pub fn any_stepped_course() -> impl Strategy<Value = Course> {
    any_course().prop_map(|mut course| {
        course.stages[0].batch_tokens.get_or_insert(Tokens(BATCHES[0]));
        course
    })
}

/// Caps between a part and a multiple of what a course draws from each source; some without.
pub fn any_caps(count: usize) -> impl Strategy<Value = Vec<f64>> {
    let cap = prop_oneof![3 => 0.3..1.0_f64, 2 => 1.0..3.0_f64, 2 => Just(f64::INFINITY)];
    prop::collection::vec(cap, count)
}

/// Weights by name.
pub fn named(curriculum: &Curriculum, row: &[f64]) -> BTreeMap<String, f64> {
    curriculum.names.iter().cloned().zip(row.iter().copied()).collect()
}
