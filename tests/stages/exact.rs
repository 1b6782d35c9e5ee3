//! Tokens per source against the sum over the run.

use crate::course::{
    Course, Length, Mix, PACINGS, RAMPS, RUN, Sketch, Way, any_course, assert_close, by_means,
    compared, course, drawn, sound, sources,
};
use crate::summation::{summed, summed_by_stage};
use plan::data::{Kind, Order, Ramp, Sources};
use plan::quantity::Tokens;
use proptest::prelude::*;

/// Five sources of unlike sizes.
pub fn shelf() -> Sources {
    sources(&[
        ("books", 100e9, 0.3),
        ("code", 400e9, 0.7),
        ("math", 5e9, 0.9),
        ("papers", 60e9, 0.7),
        ("web", 2e12, 0.1),
    ])
}

/// Every way that a stage can read.
fn ways() -> Vec<Way> {
    let (from, to) = (Mix::Parts([6, 0, 1, 0, 3]), Mix::Parts([1, 4, 0, 1, 4]));
    let mut ways =
        vec![Way::Still(to), Way::Still(Mix::Proportional), Way::Still(Mix::Temperature)];
    ways.push(Way::Still(Mix::Unimax));
    ways.push(Way::Ramped(Mix::Proportional, Mix::Unimax, None, None));
    ways.extend(
        RAMPS.map(|ramp| Way::Ramped(from, to, Some(ramp), Some(5).filter(|_| ramp == Ramp::Step))),
    );
    for pacing in PACINGS {
        for (order, start, full_at) in
            [(None, None, None), (Some(Order::AntiCurriculum), Some(0.3), Some(0.8))]
        {
            ways.push(Way::Paced(Some(pacing), order, start, full_at));
        }
    }
    ways
}

/// A stage of every way, kind, length, blend and replay between two plain ones.
fn every_course() -> impl Iterator<Item = Course> {
    let kinds = [
        (Kind::Pretrain, vec![Length::Tokens, Length::Steps, Length::Share, Length::Rest]),
        (Kind::Anneal, vec![Length::Tokens, Length::Steps, Length::Share, Length::Rest]),
        (Kind::LongContext, vec![Length::Tokens, Length::Steps]),
        (Kind::Instruct, vec![Length::Tokens, Length::Steps]),
    ];
    let sketches = ways().into_iter().flat_map(move |way| {
        kinds.clone().into_iter().flat_map(move |(kind, lengths)| {
            lengths.into_iter().flat_map(move |length| {
                [None, Some(0.3), Some(1.0)].into_iter().flat_map(move |blend| {
                    [None, Some(0.25)].into_iter().map(move |replay| Sketch {
                        way,
                        kind: Some(kind),
                        length,
                        blend,
                        replay,
                        ..Sketch::still(20, [0; 5])
                    })
                })
            })
        })
    });
    sketches.map(|middle| {
        // with a share in the middle the first is the rest; with the rest there, it is tokens
        let first = Sketch::still(50, [2, 3, 0, 0, 5]);
        let last = Sketch::still(30, [0, 2, 5, 3, 0]);
        course(&[first, middle, last], &shelf(), 1.0)
    })
}

fn agrees(course: &Course) -> Result<(), String> {
    let curriculum = course.curriculum();
    let exact = summed(course, &curriculum, course.run);
    compared(&by_means(&curriculum.placed(course.run)), &exact, 1e-9)?;
    compared(&drawn(&curriculum, &course.sources, course.run), &exact, 1e-9)
}

#[test]
fn every_combination_gives_the_sum_over_the_run() {
    let mut count = 0;
    for course in every_course() {
        agrees(&course).unwrap_or_else(|error| panic!("{error} in {:#?}", course.stages[1]));
        count += 1;
    }
    assert_eq!(count, 24 * 12 * 6);
}

/// The sum itself: a blend over a whole stage between two mixtures is a cosine, half of each.
#[test]
fn a_blend_over_a_whole_stage_is_half_of_both() {
    let first = Sketch { blend: Some(1.0), ..Sketch::still(1, [1, 0, 0, 0, 0]) };
    let course = course(&[first, Sketch::still(1, [0, 0, 0, 0, 1])], &shelf(), 1.0);
    let curriculum = course.curriculum();
    assert_eq!(curriculum.names, ["books", "web"]);
    let stages = summed_by_stage(&course, &curriculum, course.run);
    assert_close(&stages[0], &[RUN / 4.0, RUN / 4.0], 1e-13);
    assert_close(&stages[1], &[0.0, RUN / 2.0], 1e-13);
}

/// The sum itself: linear pacing without a start, sources of equal size. The first is alone while
/// t < 1/2, and has 1/(2t) after that: 1/2 + ln(2)/2 of the stage.
#[test]
fn a_source_alone_and_then_shared_is_a_logarithm() {
    let sources = sources(&[("code", 1e12, 0.9), ("web", 1e12, 0.1)]);
    let paced = Sketch { way: Way::Paced(None, None, None, None), ..Sketch::still(1, [0; 5]) };
    let course = course(&[paced], &sources, 1.0);
    let curriculum = course.curriculum();
    let web = f64::midpoint(1.0, std::f64::consts::LN_2);
    let sums = summed(&course, &curriculum, course.run);
    assert_close(&sums, &[(1.0 - web) * RUN, web * RUN], 1e-13);
    assert_close(&drawn(&curriculum, &sources, course.run), &sums, 1e-12);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 150,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_course_gives_the_sum_over_the_run(course in any_course()) {
        sound(agrees(&course))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_mixture_is_whole_at_every_moment(
        course in any_course(),
        moments in prop::collection::vec(0.0..1.0_f64, 20),
    ) {
        let curriculum = course.curriculum();
        let placed = curriculum.placed(course.run);
        let edges = placed.iter().flat_map(|stage| [stage.start, stage.end]);
        for progress in moments.into_iter().chain(edges) {
            let mixture = curriculum.weights(&placed, progress);
            prop_assert!(mixture.iter().all(|weight| (-1e-15..=1.0 + 1e-15).contains(weight)));
            let sum: f64 = mixture.iter().sum();
            prop_assert!((sum - 1.0).abs() < 1e-12, "{sum} at {progress}");
        }
        let all = course.run.0 + curriculum.tokens_after().0;
        let taken: f64 = drawn(&curriculum, &course.sources, course.run).iter().sum();
        sound(compared(&[taken], &[all], 1e-12))?;
    }

    /// A longer run lengthens its own stages and leaves those on top of it alone.
    #[test]
    fn stages_on_top_keep_their_length(course in any_course(), longer in 1.0..4.0_f64) {
        let curriculum = course.curriculum();
        let run = Tokens(course.run.0 * longer);
        let placed = curriculum.placed(run);
        let own: f64 = placed.iter().filter(|s| s.kind.in_run()).map(|s| s.tokens.0).sum();
        sound(compared(&[own], &[run.0], 1e-12))?;
        for (place, stage) in placed.iter().zip(&course.stages).filter(|(p, _)| !p.kind.in_run()) {
            let stated = stage.tokens.or_else(|| Some(stage.steps? * stage.batch_tokens?));
            prop_assert_eq!(Some(place.tokens), stated);
        }
    }
}
