//! Pacing against the released code, and its means against sums over the stage.
//!
//! The formulas of the released code are written out again here, in its own terms of steps and
//! examples. The numbers marked as run are what that code itself gave.

#[path = "support/gauss.rs"]
mod gauss;

use gauss::gauss;
use plan::data::{Deepspeed, Discrete, Order, Paced, Pacing, Trap};
use proptest::prelude::*;

const ALL: [Pacing; 6] = [
    Pacing::Linear,
    Pacing::Quadratic,
    Pacing::Root,
    Pacing::Step,
    Pacing::Exponential,
    Pacing::Logarithmic,
];

fn paced(pacing: Pacing, full_at: f64, start: f64) -> Paced {
    Paced { pacing, full_at, start }
}

/// The first place where two rows differ by more than a tolerance, relative and absolute.
fn compared(actual: &[f64], expected: &[f64], relative: f64, least: f64) -> Result<(), String> {
    if actual.len() != expected.len() {
        return Err(format!("{actual:?} and {expected:?} differ in length"));
    }
    let agrees = |(a, e): (&f64, &f64)| (a - e).abs() <= relative * e.abs() + least;
    match actual.iter().zip(expected).position(|pair| !agrees(pair)) {
        Some(at) => Err(format!("{actual:?} and {expected:?} differ at {at}")),
        None => Ok(()),
    }
}

#[track_caller]
fn assert_close(actual: &[f64], expected: &[f64], tolerance: f64) {
    compared(actual, expected, tolerance, 0.0).unwrap();
}

fn sound(check: Result<(), String>) -> Result<(), TestCaseError> {
    check.map_err(TestCaseError::fail)
}

fn settings(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

// ---------------------------------------------------------------------------------------------
// The six functions of Wu et al. 2021: google-research/understanding-curricula, commit 9e6774b,
// utils/utils.py, get_pacing_function

/// Examples at a step of `steps`, of `all`, before they are cut to a whole number.
fn examples(pacing: Pacing, step: f64, steps: f64, all: f64, a: f64, b: f64) -> f64 {
    let (index_start, end) = (b * all, a * steps);
    let rest = all - index_start;
    match pacing {
        Pacing::Linear => rest / end * step + index_start,
        Pacing::Quadratic => rest / (end * end) * step * step + index_start,
        Pacing::Root => rest / end.sqrt() * step.sqrt() + index_start,
        Pacing::Step => all * (step / end).floor() + index_start,
        Pacing::Exponential => {
            let grown = libm::exp(step * (10.0 / end));
            let rate = rest / (libm::exp(10.0) - 1.0);
            if grown.is_infinite() { all } else { rate * (grown - 1.0) + index_start }
        }
        Pacing::Logarithmic => {
            rest * (1.0 + 0.1 * libm::log(step / end + libm::exp(-10.0))) + index_start
        }
    }
}

#[test]
fn the_released_formulas_at_a_thousand_steps() {
    let all = 1e6;
    for pacing in ALL {
        // ends of the ramp that are whole steps, so that no quotient in `step` is a rounded one
        for (a, b) in [(1.0, 0.0), (0.8, 0.1), (0.25, 0.5), (0.125, 0.99), (0.01, 0.4)] {
            for step in 0..=1000 {
                let step = f64::from(step);
                let theirs = examples(pacing, step, 1000.0, all, a, b);
                if theirs.is_infinite() {
                    continue; // no whole number: their code ends with an error
                }
                let ours = paced(pacing, a, b).released(step / 1000.0) * all;
                let close = (ours - theirs).abs() <= 1e-9 + 1e-12 * theirs;
                assert!(close, "{pacing:?} {a} {b} at {step}: {ours} for {theirs}");
                let (lost, slack) = (ours - theirs.trunc(), 1e-9 + 1e-12 * theirs);
                let cut = (-slack..1.0 + slack).contains(&lost);
                assert!(cut, "{pacing:?} {a} {b} at {step}: cutting loses {lost}");
            }
        }
    }
}

/// Examples that `get_pacing_function` gave, run with numpy: steps of the run, examples, a, b; and
/// pairs of a step and its examples. It cuts to whole ones, at the end of the root and of the
/// exponential ramp to one fewer than all.
#[test]
fn the_released_code_as_run() {
    type Run = (Pacing, f64, f64, f64, f64, [(f64, f64); 5]);
    let short = [0.0, 3910.0, 9775.0, 7820.0, 39100.0];
    let long = [0.0, 100.0, 250.0, 500.0, 1000.0];
    let zip =
        |steps: [f64; 5], examples: [f64; 5]| [0, 1, 2, 3, 4].map(|at| (steps[at], examples[at]));
    let cifar = |pacing, examples| (pacing, 39100.0, 5e4, 0.2, 0.8, zip(short, examples));
    let million = |pacing, examples| (pacing, 1000.0, 1e6, 0.5, 0.0, zip(long, examples));
    let runs: [Run; 12] = [
        cifar(Pacing::Linear, [40000.0, 45000.0, 52500.0, 50000.0, 90000.0]),
        cifar(Pacing::Quadratic, [40000.0, 42500.0, 55625.0, 50000.0, 290_000.0]),
        cifar(Pacing::Root, [40000.0, 47071.0, 51180.0, 50000.0, 62360.0]),
        cifar(Pacing::Step, [40000.0, 40000.0, 90000.0, 90000.0, 290_000.0]),
        cifar(
            Pacing::Exponential,
            [40000.0, 40066.0, 161_830.0, 50000.0, 2.353_959_537_967_904e21],
        ),
        cifar(Pacing::Logarithmic, [40000.0, 49306.0, 50223.0, 50000.0, 51609.0]),
        million(Pacing::Linear, [0.0, 2e5, 5e5, 1e6, 2e6]),
        million(Pacing::Quadratic, [0.0, 4e4, 2.5e5, 1e6, 4e6]),
        million(Pacing::Root, [0.0, 447_213.0, 707_106.0, 999_999.0, 1_414_213.0]),
        million(Pacing::Step, [0.0, 0.0, 0.0, 1e6, 2e6]),
        million(Pacing::Exponential, [0.0, 290.0, 6692.0, 999_999.0, 22_027_465_794.0]),
        million(Pacing::Logarithmic, [0.0, 839_078.0, 930_694.0, 1_000_004.0, 1_069_316.0]),
    ];
    for (pacing, steps, all, a, b, pairs) in runs {
        for (step, examples) in pairs {
            let ours = paced(pacing, a, b).released(step / steps) * all;
            let lost = ours - examples;
            let cut = (-1e-5..1.0 + 1e-5).contains(&lost) || lost.abs() <= 1e-12 * examples;
            assert!(cut, "{pacing:?} at {step}: {ours} for {examples}");
            let open = paced(pacing, a, b).open(step / steps) * all;
            assert!((open - ours.min(all)).abs() < 1e-6, "{pacing:?} at {step}: {open}");
        }
    }
    // of 1000 examples with a = 1 and b = 0.4 at the last step, and at a hundred times the ramp
    assert!((paced(Pacing::Step, 1.0, 0.4).released(1.0) - 1.4).abs() < 1e-15);
    assert!((paced(Pacing::Exponential, 0.01, 0.4).released(1.0) - 1.0).abs() < 1e-15);
}

#[test]
fn names_in_a_plan() {
    let name = |value: serde_json::Value| value.as_str().map(str::to_owned).unwrap();
    let names = ALL.map(|pacing| name(serde_json::to_value(pacing).unwrap()));
    assert_eq!(names, ["linear", "quadratic", "root", "step", "exponential", "logarithmic"]);
    assert_eq!(name(serde_json::to_value(Order::AntiCurriculum).unwrap()), "anti-curriculum");
    assert_eq!(Order::default(), Order::Curriculum);
}

fn any_pacing() -> impl Strategy<Value = Pacing> {
    prop::sample::select(ALL.to_vec())
}

/// Any pacing: ramps of all lengths, some longer than the stage; starts from nothing to all.
fn any_paced() -> impl Strategy<Value = Paced> {
    let full_at = prop_oneof![4 => 0.01..=1.0_f64, 1 => Just(1.0), 1 => 1.0..2.0_f64];
    let start = prop_oneof![2 => Just(0.0), 4 => 0.0..1.0_f64, 1 => 0.0..1e-4_f64, 1 => Just(1.0)];
    (any_pacing(), full_at, start).prop_map(|(pacing, a, b)| paced(pacing, a, b))
}

/// Sizes of one to seven sources, some empty, over so many orders of magnitude.
fn any_sizes(magnitudes: f64) -> impl Strategy<Value = Vec<f64>> {
    let size = (0..8_u8, 0.0..magnitudes)
        .prop_map(|(kind, power)| if kind == 0 { 0.0 } else { libm::pow(10.0, power) });
    let some = |sizes: &Vec<f64>| sizes.iter().any(|size| *size > 0.0);
    prop::collection::vec(size, 1..=7).prop_filter("no data", some)
}

proptest! {
    #![proptest_config(settings(500))]

    #[test]
    fn what_is_open_grows_from_the_start_to_all(paced in any_paced(), times in prop::collection::vec(0.0..1.0_f64, 30)) {
        let mut times = times;
        times.sort_by(f64::total_cmp);
        let open: Vec<f64> = times.iter().map(|t| paced.open(*t)).collect();
        prop_assert!(open.is_sorted(), "{open:?}");
        prop_assert!(open.iter().all(|share| (0.0..=1.0).contains(share)), "{open:?}");
        prop_assert!((paced.open(0.0) - paced.start).abs() < 1e-15);
        prop_assert!((paced.open(paced.full_at) - 1.0).abs() < 1e-15);
        prop_assert!(paced.open(-1.0) >= paced.start && paced.open(1e300) <= 1.0);
        for t in times.iter().filter(|t| **t < paced.full_at) {
            prop_assert!((paced.open(*t) - paced.released(*t).min(1.0)).abs() < 1e-15);
        }
    }
}

// ---------------------------------------------------------------------------------------------
// Weights

/// Every token that is open is as likely as any other: counted one by one.
#[test]
fn weights_are_counts_of_open_tokens() {
    let sizes = [3_u32, 0, 5, 2];
    for open in 1..=10 {
        let mut counts = [0.0; 4];
        let owners = (0..4).flat_map(|source| (0..sizes[source]).map(move |_| source));
        owners.take(open).for_each(|source| counts[source] += 1.0);
        let expected = counts.map(|count| count / f64::from(u32::try_from(open).unwrap()));
        let share = f64::from(u32::try_from(open).unwrap()) / 10.0;
        let weights = paced(Pacing::Linear, 1.0, share).weights(&sizes.map(f64::from), 0.0);
        compared(&weights, &expected, 1e-14, 1e-15).unwrap();
    }
}

#[test]
fn with_nothing_open_the_first_source_has_all() {
    for pacing in ALL {
        let nothing = paced(pacing, 0.5, 0.0);
        assert_eq!(nothing.weights(&[0.0, 3.0, 1.0], 0.0), [0.0, 1.0, 0.0], "{pacing:?}");
        assert_close(&nothing.weights(&[3.0, 1.0], 1.0), &[0.75, 0.25], 1e-15);
    }
}

#[test]
fn nothing_stops_at_numbers_that_are_none() {
    for pacing in ALL {
        for (a, b) in [(0.0, 0.3), (-1.0, 0.3), (f64::NAN, 0.3), (0.5, f64::NAN), (0.5, 7.0)] {
            let (paced, sizes) = (paced(pacing, a, b), [1.0, f64::NAN, -3.0, f64::INFINITY, 3.0]);
            assert_eq!((paced.weights(&sizes, 0.5).len(), paced.mean(&sizes).len()), (5, 5));
            assert!(paced.mean(&[]).is_empty());
            assert_eq!(paced.weights(&[0.0, f64::NAN], 0.5).len(), 2);
        }
        let without_ramp = paced(pacing, 0.0, 0.3);
        assert_close(&without_ramp.mean(&[1.0, 3.0]), &[0.25, 0.75], 1e-15);
        let endless = paced(pacing, f64::INFINITY, 0.5);
        assert_close(&endless.mean(&[1.0, 3.0]), &[0.5, 0.5], 1e-15);
    }
}

// ---------------------------------------------------------------------------------------------
// The mean over the stage

/// The time at which a share is open, by bisection; the end of the stage where it never is.
fn opens(paced: &Paced, share: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..1100 {
        let middle = f64::midpoint(low, high);
        *(if paced.open(middle) < share { &mut low } else { &mut high }) = middle;
    }
    high
}

/// The mean weights as a sum over the stage of the weights of the moment, which knows neither the
/// inverse of a pacing nor an integral.
///
/// Between two times at which a source opens, panels halve towards the earlier one, near which the
/// root, the logarithm and 1/open may be steep; each is cut in eight, which the five-point rule sums
/// to about 34^-10 of itself: what is steep lies 17 half widths off.
fn summed(paced: &Paced, sizes: &[f64]) -> Vec<f64> {
    let all: f64 = sizes.iter().sum();
    let ends = sizes.iter().scan(0.0, |before, size| {
        *before += size;
        Some(opens(paced, *before / all))
    });
    let mut times: Vec<f64> = ends.chain([0.0, opens(paced, 1.0), 1.0]).collect();
    times.sort_by(f64::total_cmp);
    let mut sums = vec![0.0; sizes.len()];
    let mut add = |from: f64, to: f64| {
        for part in 0..8 {
            let width = (to - from) / 8.0;
            let from = from + f64::from(part) * width;
            for (x, weight) in gauss() {
                let weights = paced.weights(sizes, from + width * x);
                sums.iter_mut().zip(weights).for_each(|(sum, w)| *sum += w * width * weight);
            }
        }
    };
    for pair in times.windows(2).filter(|pair| pair[1] > pair[0]) {
        let mut length = pair[1] - pair[0];
        for _ in 0..60 {
            length /= 2.0;
            add(pair[0] + length, pair[0] + 2.0 * length);
        }
        add(pair[0], pair[0] + length);
    }
    sums
}

/// Sizes, a and b of the cases below.
const UNLIKE: [([f64; 5], f64, f64); 3] = [
    ([1e9, 3e12, 2e4, 5e11, 1.0], 1.0, 0.0),
    ([1e-6, 2.0, 3e5, 1.0, 4e9], 0.37, 0.0),
    ([5e11, 2e4, 3e12, 1e9, 7e10], 0.6, 0.25),
];

/// Means with forty digits: the integrals done with mpmath, panel by panel between the times at
/// which sources open.
#[rustfmt::skip]
const MEANS: [(Pacing, [[f64; 5]; 3]); 6] = [
    (Pacing::Linear, [
        [2.616_624_928_401_168e-3, 0.986_661_674_693_531_2, 8.803_374_865_160_447e-10, 0.010_721_699_497_730_185, 4.079_301_244_138_827e-26],
        [3.572_808_018_961_025e-15, 4.461_714_216_393_749e-9, 3.385_444_230_360_327e-4, 1.035_995_542_145_768_3e-9, 0.999_661_450_079_250_6],
        [0.211_290_322_100_854_05, 8.451_612_884_034_162e-9, 0.780_597_532_929_159_9, 1.164_805_048_564_043_8e-4, 7.995_656_013_516_806e-3],
    ]),
    (Pacing::Quadratic, [
        [0.033_515_708_999_594_04, 0.960_984_901_896_650_8, 4.575_706_461_088_292e-10, 5.499_388_646_184_563e-3, 2.039_650_622_069_51e-26],
        [1.169_998_866_188_465_8e-8, 1.653_471_669_155_56e-5, 6.411_321_289_108_772e-3, 1.074_553_008_494_916_9e-8, 0.993_572_121_548_680_9],
        [0.259_176_628_538_267_9, 1.036_706_514_153_071_5e-8, 0.732_790_459_284_219, 1.142_619_181_153_943_8e-4, 7.918_639_892_332_606e-3],
    ]),
    (Pacing::Root, [
        [5.711_837_634_678_684e-4, 0.979_032_308_384_037_8, 1.631_720_530_293_049e-9, 0.020_396_506_220_773_78, 8.158_602_488_276_878e-26],
        [3.424_743_141_695_814_2e-16, 6.849_486_282_466_767e-10, 1.027_402_132_852_841e-4, 3.424_604_411_350_104_5e-10, 0.999_897_258_759_305_3],
        [0.176_511_201_392_085_82, 7.060_448_055_683_433e-9, 0.815_220_295_494_702_9, 1.208_295_887_088_929e-4, 8.147_666_464_054_323e-3],
    ]),
    (Pacing::Step, [
        [1.0, 0.0, 0.0, 0.0, 0.0],
        [0.370_000_000_000_000_15, 3.149_763_765_355_275e-10, 4.724_645_648_032_912e-5, 1.574_881_882_677_637_4e-10, 0.629_952_753_071_055],
        [0.392_047_043_449_750_5, 1.568_188_173_799_002e-8, 0.599_999_986_558_387_1, 1.120_134_409_856_430_1e-4, 7.840_940_868_995_01e-3],
    ]),
    (Pacing::Exponential, [
        [0.291_443_604_902_624_55, 0.707_427_775_297_225_2, 9.517_448_569_704_216e-11, 1.128_619_704_975_778_5e-3, 4.079_116_044_149_252e-27],
        [5.485_355_704_832_632e-12, 5.059_294_876_337_814e-6, 0.065_054_142_965_729_27, 9.658_393_821_751_826e-8, 0.934_940_701_149_970_8],
        [0.345_501_393_871_015, 1.382_005_575_484_06e-8, 0.646_529_577_475_304, 1.124_661_313_324_421_7e-4, 7.856_548_702_292_841e-3],
    ]),
    (Pacing::Logarithmic, [
        [3.240_121_452_488_783_4e-4, 0.930_211_218_731_722_7, 4.604_010_599_758_203e-9, 0.069_464_764_519_017_84, 1.296_770_377_928_625_6e-17],
        [2.635_751_571_481_346e-16, 5.259_318_247_541_914e-10, 7.873_962_565_099_145e-5, 2.624_234_145_678_095e-10, 0.999_921_259_585_993_5],
        [0.147_570_792_107_901, 5.902_831_684_316_04e-9, 0.843_016_121_720_659_4, 1.512_787_537_382_226_4e-4, 9.261_801_514_869_696e-3],
    ]),
];

#[test]
fn means_of_very_unlike_sources() {
    for (pacing, means) in MEANS {
        for ((sizes, a, b), expected) in UNLIKE.iter().zip(means) {
            let mean = paced(pacing, *a, *b).mean(sizes);
            compared(&mean, &expected, 1e-13, 0.0).unwrap_or_else(|e| panic!("{pacing:?}: {e}"));
        }
    }
}

/// Half of a linear ramp by hand: the second of two equal sources opens from t = 1/2 on, where its
/// weight is 1 - 1/(2t); the integral is 1/2 - ln(2)/2.
#[test]
fn a_linear_ramp_over_two_equal_sources() {
    let second = 0.5 - 0.5 * std::f64::consts::LN_2;
    assert_close(
        &paced(Pacing::Linear, 1.0, 0.0).mean(&[7.0, 7.0]),
        &[1.0 - second, second],
        1e-15,
    );
}

proptest! {
    #![proptest_config(settings(150))]

    /// The time of a gate is found to the last digits only: some 1e-16 of the stage.
    #[test]
    fn the_mean_is_the_sum_over_the_stage(paced in any_paced(), sizes in any_sizes(4.0)) {
        sound(compared(&paced.mean(&sizes), &summed(&paced, &sizes), 1e-9, 1e-15))?;
    }

    /// Of a source of less than 1e-7 of the data, the weights of the moment are differences that
    /// have not nine digits left.
    #[test]
    fn the_mean_is_the_sum_for_unlike_sources(paced in any_paced(), sizes in any_sizes(20.0)) {
        sound(compared(&paced.mean(&sizes), &summed(&paced, &sizes), 1e-9, 1e-14))?;
    }
}

proptest! {
    #![proptest_config(settings(1000))]

    #[test]
    fn weights_and_means_sum_to_one(paced in any_paced(), sizes in any_sizes(20.0), t in 0.0..1.0_f64) {
        let sum = |weights: Vec<f64>| weights.iter().sum::<f64>();
        prop_assert!((sum(paced.weights(&sizes, t)) - 1.0).abs() < 1e-14);
        prop_assert!((sum(paced.mean(&sizes)) - 1.0).abs() < 1e-13);
    }

    #[test]
    fn means_know_no_unit(paced in any_paced(), sizes in any_sizes(6.0), unit in -30.0..30.0_f64) {
        let scaled: Vec<f64> = sizes.iter().map(|size| size * libm::pow(10.0, unit)).collect();
        sound(compared(&paced.mean(&scaled), &paced.mean(&sizes), 1e-6, 1e-13))?;
    }

    /// What comes first is open for longer: the first k sources have at least their share.
    #[test]
    fn early_sources_have_at_least_their_share(paced in any_paced(), sizes in any_sizes(6.0)) {
        let all: f64 = sizes.iter().sum();
        let (mut mean, mut share) = (0.0, 0.0);
        for (own, size) in paced.mean(&sizes).iter().zip(&sizes) {
            mean += own;
            share += size / all;
            prop_assert!(mean >= share - 1e-13, "{mean} for {share}");
        }
    }

    #[test]
    fn a_source_in_two_halves_has_the_same_mean(paced in any_paced(), sizes in any_sizes(6.0), at in 0..7_usize, part in 0.01..0.99_f64) {
        let at = at % sizes.len();
        let mut halves = sizes.clone();
        halves[at] *= part;
        halves.insert(at + 1, sizes[at] * (1.0 - part));
        let mut mean = paced.mean(&halves);
        let second = mean.remove(at + 1);
        mean[at] += second;
        sound(compared(&mean, &paced.mean(&sizes), 1e-7, 1e-13))?;
    }

    #[test]
    fn one_source_has_all(paced in any_paced(), size in 1e-3..1e20_f64) {
        sound(compared(&paced.mean(&[size]), &[1.0], 1e-14, 0.0))?;
    }

    #[test]
    fn with_all_open_the_mean_is_proportional(pacing in any_pacing(), a in 0.01..2.0_f64, sizes in any_sizes(6.0)) {
        let all: f64 = sizes.iter().sum();
        let shares: Vec<f64> = sizes.iter().map(|size| size / all).collect();
        sound(compared(&paced(pacing, a, 1.0).mean(&sizes), &shares, 1e-14, 0.0))?;
    }

    #[test]
    fn hard_first_is_easy_first_from_the_end(difficulties in prop::collection::vec(0..5_u8, 0..9)) {
        let difficulties: Vec<f64> = difficulties.into_iter().map(f64::from).collect();
        let easy = Order::Curriculum.reading(&difficulties);
        let in_order = |pair: &[usize]| {
            let (a, b) = (difficulties[pair[0]], difficulties[pair[1]]);
            a < b || a <= b && pair[0] < pair[1]
        };
        prop_assert!(easy.windows(2).all(in_order), "{easy:?}");
        prop_assert_eq!(easy.len(), difficulties.len());
        let mut hard = Order::AntiCurriculum.reading(&difficulties);
        hard.reverse();
        prop_assert_eq!(hard, easy);
    }
}

// ---------------------------------------------------------------------------------------------
// DeepSpeed: deepspeedai/DeepSpeed, commit edaa722, curriculum_scheduler.py

/// The difficulty at a step, in whole numbers but for the root.
fn difficulty(min: i64, max: i64, step: i64, degree: f64, at: u32, total: u32) -> i64 {
    let way = libm::pow(f64::from(at) / f64::from(total), 1.0 / degree);
    let (low, high) = (i32::try_from(min).unwrap(), i32::try_from(max).unwrap());
    #[expect(clippy::cast_possible_truncation, reason = "as their math.floor")]
    let value = (way * f64::from(high - low) + f64::from(low)).floor() as i64;
    (value - value % step).min(max)
}

const SCHEDULES: [(i32, i32, i32, f64); 6] = [
    (10, 100, 8, 1.0),
    (1, 100, 8, 1.0),
    (64, 2048, 8, 1.0),
    (64, 2048, 8, 2.0),
    (10, 100, 8, 2.0),
    (80, 1024, 16, 3.0),
];

fn schedule((min, max, step, degree): (i32, i32, i32, f64)) -> Deepspeed {
    Deepspeed { min: f64::from(min), max: f64::from(max), step: f64::from(step), degree }
}

#[test]
fn the_scheduler_at_a_thousand_steps_and_beyond() {
    for case in SCHEDULES {
        let (min, max, step, degree) = case;
        for at in 0..=1200 {
            let theirs = difficulty(min.into(), max.into(), step.into(), degree, at, 1000);
            let t = f64::from(at) / 1000.0;
            let ours = schedule(case).rounded(t);
            #[expect(clippy::cast_precision_loss, reason = "below 2048")]
            let close = (ours - theirs as f64).abs() < 1e-9;
            assert!(close, "{case:?} at {at}: {ours} for {theirs}");
            let lost = schedule(case).exact(t) - ours;
            assert!((0.0..f64::from(step)).contains(&lost), "{case:?} at {at}: {lost}");
        }
    }
}

/// Difficulties that their `CurriculumScheduler.get_difficulty` gave, run with
/// `total_curriculum_step` 1000; then the first step with the maximum.
#[test]
fn the_scheduler_as_run() {
    let steps = [0.0, 1.0, 100.0, 333.0, 500.0, 999.0, 1000.0, 1100.0];
    let runs = [
        ([8.0, 8.0, 16.0, 32.0, 48.0, 96.0, 96.0, 100.0], 1045.0),
        ([0.0, 0.0, 8.0, 32.0, 48.0, 96.0, 96.0, 100.0], 1041.0),
        ([64.0, 64.0, 256.0, 720.0, 1056.0, 2040.0, 2048.0, 2048.0], 1000.0),
        ([64.0, 120.0, 688.0, 1208.0, 1464.0, 2040.0, 2048.0, 2048.0], 1000.0),
        ([8.0, 8.0, 32.0, 56.0, 72.0, 96.0, 96.0, 100.0], 1091.0),
        ([80.0, 160.0, 512.0, 720.0, 816.0, 1008.0, 1024.0, 1024.0], 1000.0),
    ];
    for (case, (difficulties, first)) in SCHEDULES.into_iter().zip(runs) {
        let ours = schedule(case);
        let values = steps.map(|step| ours.rounded(step / 1000.0));
        compared(&values, &difficulties, 0.0, 1e-12).unwrap_or_else(|e| panic!("{case:?}: {e}"));
        assert!(ours.rounded((first - 1.0) / 1000.0) < ours.max, "{case:?}");
        assert!(ours.rounded(first / 1000.0) >= ours.max, "{case:?}");
    }
}

#[test]
fn the_traps_of_the_rounding_are_told() {
    let words = |case| schedule(case).traps().iter().map(Trap::to_string).collect::<Vec<_>>();
    assert_eq!(
        words(SCHEDULES[0]),
        [
            "starts at 8, below its minimum 10",
            "is 96 at the end of the ramp, and 100 only after 1.044 of its length"
        ]
    );
    // their first step above 0 is the 71st of 1000
    assert_eq!(
        words(SCHEDULES[1]),
        [
            "starts at 0, for 0.07071 of the ramp",
            "is 96 at the end of the ramp, and 100 only after 1.040 of its length"
        ]
    );
    for case in [SCHEDULES[2], SCHEDULES[3], SCHEDULES[5]] {
        assert_eq!(words(case), [""; 0]);
    }
}

proptest! {
    #![proptest_config(settings(2000))]

    /// Against the schedule itself, a little before and after the time that a trap tells.
    #[test]
    fn traps_are_where_the_schedule_has_them(min in 0..300_i32, more in 1..3000_i32, step in 1..65_i32, degree in 1..4_i32) {
        let ours = schedule((min, min + more, step, f64::from(degree)));
        let (mut low, mut late) = (false, false);
        for trap in ours.traps() {
            let (time, value) = match trap {
                Trap::BelowMin { value, min } => {
                    low = true;
                    prop_assert!(value > 0.0 && value < min && (value - ours.rounded(0.0)).abs() < 1e-12);
                    continue;
                }
                Trap::AtZero { until } => {
                    low = true;
                    prop_assert!(ours.rounded(0.0) <= 0.0);
                    (until, ours.step.min(ours.max))
                }
                Trap::MissesMax { value, reached, .. } => {
                    late = true;
                    prop_assert!(value < ours.max && (value - ours.rounded(1.0)).abs() < 1e-12);
                    (reached, ours.max)
                }
            };
            prop_assert!(ours.rounded(time * (1.0 - 1e-9)) < value, "{:?}", trap);
            prop_assert!(ours.rounded(time * (1.0 + 1e-9)) >= value, "{:?}", trap);
        }
        prop_assert_eq!(low, min % step != 0);
        prop_assert_eq!(late, (min + more) % step != 0);
    }
}

/// As their scheduler gave with difficulties 1, 2, 3 and last steps 5 and 10, run from step 0 to 12.
#[test]
fn the_discrete_schedule_as_run() {
    let ours = Discrete::new(vec![1.0, 2.0, 3.0], vec![5, 10]).unwrap();
    let values: Vec<f64> = (0..13).map(|step| ours.at(step)).collect();
    assert_eq!(values, [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 3.0, 3.0]);
    assert_eq!(Discrete::new(vec![1.0, 2.0], vec![5, 10]), None);
    assert_eq!(Discrete::new(vec![1.0], vec![]), None);
    // theirs takes falling steps, and never has the difficulty between
    assert_eq!(Discrete::new(vec![1.0, 2.0, 3.0], vec![10, 5]), None);
}
