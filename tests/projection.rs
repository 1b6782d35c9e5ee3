//! The nearest mixtures within caps, against searches that know nothing of multipliers.
//!
//! Tokens and caps are whole numbers where a verdict is compared, so that every sum here is exact.

use plan::data::{Infeasible, Part, Projected, longest, project};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

const NONE: f64 = f64::INFINITY;

/// Parts and caps of a run.
#[derive(Debug, Clone)]
struct Run {
    parts: Vec<Part>,
    caps: Vec<f64>,
}

impl Run {
    fn new(parts: &[(f64, &[f64])], caps: &[f64]) -> Self {
        let part = |(tokens, weights): &(f64, &[f64])| part(*tokens, weights);
        Self { parts: parts.iter().map(part).collect(), caps: caps.to_vec() }
    }

    fn project(&self) -> Result<Projected, Infeasible> {
        project(&self.parts, &self.caps)
    }

    fn total(&self) -> f64 {
        self.parts.iter().map(|part| part.tokens).sum()
    }

    /// Tokens from each source.
    fn drawn(&self, rows: &[Vec<f64>]) -> Vec<f64> {
        let from = |source: usize| {
            self.parts.iter().zip(rows).map(|(part, row)| part.tokens * row[source]).sum()
        };
        (0..self.caps.len()).map(from).collect()
    }

    fn stated(&self) -> Vec<Vec<f64>> {
        self.parts.iter().map(|part| part.weights.clone()).collect()
    }

    fn keeps(&self, rows: &[Vec<f64>], room: f64) -> bool {
        self.drawn(rows).iter().zip(&self.caps).all(|(drawn, cap)| *drawn <= cap * (1.0 + room))
    }

    /// Sum of m KL(q || w) over the total.
    fn distance(&self, rows: &[Vec<f64>]) -> f64 {
        let each = self.parts.iter().zip(rows).map(|(part, row)| {
            let terms = row.iter().zip(&part.weights).filter(|(to, _)| **to > 0.0);
            part.tokens * terms.map(|(to, from)| to * libm::log(to / from)).sum::<f64>()
        });
        each.sum::<f64>() / self.total().max(f64::MIN_POSITIVE)
    }

    /// The parts with tokens, those that read the same sources together.
    fn kinds(&self) -> Vec<Vec<usize>> {
        let reads = |part: usize| -> Vec<bool> {
            self.parts[part].weights.iter().map(|weight| *weight > 0.0).collect()
        };
        let mut kinds: Vec<Vec<usize>> = Vec::new();
        for part in (0..self.parts.len()).filter(|&part| self.parts[part].tokens > 0.0) {
            match kinds.iter_mut().find(|kind| reads(kind[0]) == reads(part)) {
                Some(kind) => kind.push(part),
                None => kinds.push(vec![part]),
            }
        }
        kinds
    }

    /// The sources that some of the parts read, and the tokens on both sides.
    fn balance(&self, parts: &[usize]) -> (Vec<usize>, f64, f64) {
        let reads = |&source: &usize| parts.iter().any(|&s| self.parts[s].weights[source] > 0.0);
        let sources: Vec<usize> = (0..self.caps.len()).filter(reads).collect();
        let needed = parts.iter().map(|&part| self.parts[part].tokens).sum();
        let available = sources.iter().map(|&source| self.caps[source]).sum();
        (sources, needed, available)
    }

    /// Every set of kinds that needs more than its sources hold.
    fn violated(&self) -> Vec<BTreeSet<usize>> {
        let kinds = self.kinds();
        let chosen = |mask: usize| (0..kinds.len()).filter(move |kind| mask >> kind & 1 == 1);
        (1..1_usize << kinds.len())
            .map(|mask| chosen(mask).flat_map(|kind| kinds[kind].clone()).collect::<Vec<_>>())
            .filter(|parts| {
                let (_, needed, available) = self.balance(parts);
                needed > available
            })
            .map(|parts| parts.into_iter().collect())
            .collect()
    }
}

fn part(tokens: f64, weights: &[f64]) -> Part {
    let sum: f64 = weights.iter().sum();
    Part { tokens, weights: weights.iter().map(|weight| weight / sum).collect() }
}

fn scaled(run: &Run, scale: f64) -> Run {
    let longer = |p: &Part| Part { tokens: p.tokens * scale, weights: p.weights.clone() };
    Run {
        parts: run.parts.iter().map(longer).collect(),
        caps: run.caps.iter().map(|cap| cap * scale).collect(),
    }
}

#[track_caller]
fn assert_close(actual: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(actual.len(), expected.len());
    let near = |(a, e): (&f64, &f64)| (a - e).abs() <= tolerance;
    assert!(actual.iter().zip(expected).all(near), "{actual:?} is not {expected:?}");
}

/// What holds of every projection.
#[track_caller]
fn assert_sound(run: &Run, found: &Projected) {
    assert_eq!(found.weights.len(), run.parts.len());
    assert_eq!(found.multipliers.len(), run.caps.len());
    for (row, part) in found.weights.iter().zip(&run.parts) {
        assert_eq!(row.len(), run.caps.len());
        let sum: f64 = row.iter().sum();
        assert!((sum - 1.0).abs() < 1e-12, "{row:?} sums to {sum}");
        assert!(
            row.iter()
                .zip(&part.weights)
                .all(|(to, from)| *to >= 0.0 && (*from > 0.0 || to.to_bits() == 0))
        );
    }
    let drawn = run.drawn(&found.weights);
    assert!(run.keeps(&found.weights, 1e-9), "{drawn:?} passes {:?}", run.caps);
    assert!(found.moved >= 0.0);
    assert!((found.moved - run.distance(&found.weights)).abs() < 1e-9, "{}", found.moved);
}

/// The conditions of the optimum: one multiplier per source, at least 0, above 0 only at the cap.
#[track_caller]
fn assert_optimal(run: &Run, found: &Projected, tolerance: f64) {
    let drawn = run.drawn(&found.weights);
    for (i, mu) in found.multipliers.iter().enumerate() {
        assert!(*mu >= 0.0, "{mu}");
        let at_cap = drawn[i] >= run.caps[i] * (1.0 - tolerance);
        assert!(*mu <= 0.0 || at_cap, "{mu} for {} of {}", drawn[i], run.caps[i]);
    }
    for (row, part) in found.weights.iter().zip(&run.parts).filter(|(_, part)| part.tokens > 0.0) {
        let read = (0..row.len()).filter(|&i| part.weights[i] > 0.0 && run.caps[i] > 0.0);
        // ln(q/w) + mu, the same for all sources of the part
        let level = |i: usize| libm::log(row[i] / part.weights[i]) + found.multipliers[i];
        let levels: Vec<f64> = read.map(level).collect();
        let spread = levels.iter().fold(f64::MIN, |a, b| a.max(*b))
            - levels.iter().fold(f64::MAX, |a, b| a.min(*b));
        assert!(spread <= tolerance, "{levels:?} for {row:?} of {part:?}");
    }
}

/// That no way to shift tokens around within the caps comes closer: between two sources of a part
/// where there is room, and around every ring of two or three parts and as many sources, which
/// leaves what is drawn as it is.
fn assert_no_neighbour_is_closer(run: &Run, found: &Projected) {
    let here = run.distance(&found.weights);
    // what is drawn already may be drawn, so that rounding at a cap rules nothing out
    let most: Vec<f64> = run
        .drawn(&found.weights)
        .iter()
        .zip(&run.caps)
        .map(|(drawn, cap)| drawn.max(*cap))
        .collect();
    let within = Run { parts: run.parts.clone(), caps: most };
    let (count, width) = (run.parts.len(), run.caps.len());
    let mut shifts: Vec<Vec<(usize, usize, usize)>> = Vec::new();
    let pairs = || (0..width).flat_map(|i| (0..width).map(move |j| (i, j))).filter(|(i, j)| i != j);
    for s in 0..count {
        for (i, j) in pairs() {
            shifts.push(vec![(s, i, j)]);
            for t in 0..count {
                shifts.push(vec![(s, i, j), (t, j, i)]);
                for k in (0..width).filter(|&k| k != i && k != j) {
                    shifts.extend((0..count).map(|u| vec![(s, i, j), (t, j, k), (u, k, i)]));
                }
            }
        }
    }
    for shift in shifts {
        for size in [0.5, 0.1, 1e-2, 1e-3, 1e-4] {
            let held = |&(s, i, j): &(usize, usize, usize)| {
                let part = &run.parts[s];
                if part.weights[j] > 0.0 { part.tokens * found.weights[s][i] } else { 0.0 }
            };
            let amount = size * shift.iter().map(held).fold(f64::INFINITY, f64::min);
            if amount <= 1e-9 * run.total() {
                continue;
            }
            let mut rows = found.weights.clone();
            for &(s, i, j) in &shift {
                rows[s][i] -= amount / run.parts[s].tokens;
                rows[s][j] += amount / run.parts[s].tokens;
            }
            let whole = rows.iter().flatten().all(|weight| *weight >= 0.0);
            if whole && within.keeps(&rows, 1e-14) {
                let there = run.distance(&rows);
                assert!(there >= here - 1e-10, "{there} < {here} by {amount} along {shift:?}");
            }
        }
    }
}

// ---------------------------------------------------------------------------------------------
// Any run

fn weights(sources: usize) -> impl Strategy<Value = Vec<f64>> {
    let weight = prop_oneof![2 => Just(0), 3 => 1..10_u32];
    (prop::collection::vec(weight, sources), 0..sources).prop_map(|(mut weights, own)| {
        weights[own] = weights[own].max(1);
        weights.into_iter().map(f64::from).collect()
    })
}

/// A run of at most so many parts and sources; some parts are empty, some sources have no cap, some
/// hold nothing, and now and then a set of them holds exactly what is needed.
fn any_run(parts: usize, sources: usize) -> impl Strategy<Value = Run> {
    (1..=parts, 1..=sources, 2..40_u32).prop_flat_map(|(parts, sources, most)| {
        let tokens = prop_oneof![1 => Just(0), 6 => 1..20_u32];
        let part = (tokens, weights(sources));
        let cap = prop_oneof![
            2 => Just(NONE),
            1 => Just(0.0),
            8 => (1..=most).prop_map(f64::from),
        ];
        (prop::collection::vec(part, parts), prop::collection::vec(cap, sources)).prop_map(
            |(parts, caps)| Run {
                parts: parts.iter().map(|(tokens, w)| part_of(*tokens, w)).collect(),
                caps,
            },
        )
    })
}

fn part_of(tokens: u32, weights: &[f64]) -> Part {
    part(f64::from(tokens), weights)
}

/// A run whose caps another mixture meets, with some of a thousandth to spare or exactly.
fn any_close_run() -> impl Strategy<Value = Run> {
    let room = prop_oneof![Just(0.0), Just(1e-12), Just(1e-9), Just(1e-6), Just(1e-3), Just(0.3)];
    (1..=6_usize, 1..=6_usize, room).prop_flat_map(|(parts, sources, room)| {
        let drawn = (1..20_u32, weights(sources), prop::collection::vec(1..100_u32, sources));
        prop::collection::vec(drawn, parts).prop_map(move |parts| {
            let own = |(_, weights, other): &(u32, Vec<f64>, Vec<u32>)| -> Vec<f64> {
                let both = weights.iter().zip(other);
                both.map(|(weight, other)| weight * f64::from(*other * *other)).collect()
            };
            let rows: Vec<Vec<f64>> = parts.iter().map(|p| part(1.0, &own(p)).weights).collect();
            let parts = parts.iter().map(|(tokens, w, _)| part_of(*tokens, w)).collect();
            let run = Run { parts, caps: vec![NONE; sources] };
            let caps = run.drawn(&rows).iter().map(|drawn| drawn * (1.0 + room)).collect();
            Run { caps, ..run }
        })
    })
}

/// Tokens, weights and what is read of them all over twelve powers of ten.
fn any_wide_run() -> impl Strategy<Value = Run> {
    let room = prop_oneof![Just(0.0), Just(1e-9), Just(1e-3), Just(1.0)];
    (1..=8_usize, 1..=8_usize, room).prop_flat_map(|(parts, sources, room)| {
        let read = prop::option::weighted(0.6, (-12.0..0.0_f64, -6.0..6.0_f64));
        let row = (0.0..12.0_f64, prop::collection::vec(read, sources), 0..sources);
        prop::collection::vec(row, parts).prop_map(move |rows| {
            let mut run = Run { parts: Vec::new(), caps: vec![NONE; sources] };
            let mut other = Vec::new();
            for (tokens, read, own) in rows {
                let power = |power: f64| libm::pow(10.0, power);
                let weight = |(i, read): (usize, &Option<(f64, f64)>)| match read {
                    Some((weight, tilt)) => (power(*weight), power(*tilt)),
                    None if i == own => (1.0, 1.0),
                    None => (0.0, 1.0),
                };
                let pairs: Vec<(f64, f64)> = read.iter().enumerate().map(weight).collect();
                let weights: Vec<f64> = pairs.iter().map(|pair| pair.0).collect();
                let tilted: Vec<f64> = pairs.iter().map(|pair| pair.0 * pair.1).collect();
                run.parts.push(part(power(tokens), &weights));
                other.push(part(1.0, &tilted).weights);
            }
            run.caps = run.drawn(&other).iter().map(|drawn| drawn * (1.0 + room)).collect();
            run
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_run_is_feasible_where_no_set_of_parts_needs_too_much(run in any_run(6, 6)) {
        let violated = run.violated();
        let Err(proof) = run.project() else {
            prop_assert!(violated.is_empty(), "{violated:?}");
            return Ok(());
        };
        let (sources, needed, available) = run.balance(&proof.parts);
        prop_assert!(needed > available);
        prop_assert_eq!(&proof.sources, &sources);
        assert_close(&[proof.needed, proof.available], &[needed, available], 0.0);
        let own: BTreeSet<usize> = proof.parts.iter().copied().collect();
        prop_assert!(violated.contains(&own), "{own:?} is none of {violated:?}");
        let within = violated.iter().find(|set| set.is_subset(&own) && **set != own);
        prop_assert!(within.is_none(), "{within:?} within {own:?}");
        // the fewest kinds, and then the fewest sources
        let kinds = run.kinds();
        let size = |set: &BTreeSet<usize>| {
            let parts: Vec<usize> = set.iter().copied().collect();
            let count = kinds.iter().filter(|kind| set.contains(&kind[0])).count();
            (count, run.balance(&parts).0.len())
        };
        prop_assert!(proof.smallest);
        prop_assert_eq!(Some(size(&own)), violated.iter().map(size).min());
    }

    #[test]
    fn the_nearest_mixtures_keep_to_the_caps(run in any_run(6, 6)) {
        if let Ok(found) = run.project() {
            assert_sound(&run, &found);
            assert_optimal(&run, &found, 1e-9);
            if run.keeps(&run.stated(), 0.0) {
                for (row, stated) in found.weights.iter().zip(run.stated()) {
                    assert_close(row, &stated, 1e-12);
                }
            }
        }
    }

    #[test]
    fn close_caps_are_met(run in any_close_run()) {
        let found = run.project();
        prop_assert!(found.is_ok(), "{found:?}");
        let found = found.unwrap();
        assert_sound(&run, &found);
        assert_optimal(&run, &found, 1e-9);
    }

    #[test]
    fn unlike_sizes_are_met(run in any_wide_run()) {
        let found = run.project();
        prop_assert!(found.is_ok(), "{found:?}");
        let found = found.unwrap();
        assert_sound(&run, &found);
        assert_optimal(&run, &found, 1e-9);
    }

    #[test]
    fn the_nearest_mixtures_are_their_own_nearest(run in prop_oneof![any_run(6, 6).boxed(), any_close_run().boxed()]) {
        if let Ok(found) = run.project() {
            let parts = run.parts.iter().zip(&found.weights);
            let parts = parts.map(|(part, row)| Part { tokens: part.tokens, weights: row.clone() });
            let again = project(&parts.collect::<Vec<_>>(), &run.caps);
            prop_assert!(again.is_ok(), "{again:?}");
            for (row, first) in again.unwrap().weights.iter().zip(&found.weights) {
                assert_close(row, first, 1e-11);
            }
        }
    }

    #[test]
    fn only_proportions_count(run in any_run(5, 5), power in -3..30_i32) {
        let scale = libm::pow(10.0, f64::from(power));
        let scaled = scaled(&run, scale);
        match (run.project(), scaled.project()) {
            (Ok(found), Ok(scaled)) => {
                for (row, other) in found.weights.iter().zip(&scaled.weights) {
                    assert_close(row, other, 1e-9);
                }
            }
            // which of two parts that need the same is named is up to the last bit
            (Err(proof), Err(scaled)) => {
                prop_assert_eq!(&proof.sources, &scaled.sources);
                let kinds = |parts: &[usize]| run.kinds().iter().filter(|kind| parts.contains(&kind[0])).count();
                prop_assert_eq!(kinds(&proof.parts), kinds(&scaled.parts));
                let held = [scaled.needed / scale, scaled.available / scale];
                assert_close(&[proof.needed, proof.available], &held, 1e-9);
            }
            (found, scaled) => prop_assert!(false, "{found:?} {scaled:?}"),
        }
    }

    #[test]
    fn nothing_is_made_of_nonsense(
        parts in prop::collection::vec((prop::num::f64::ANY, prop::collection::vec(prop::num::f64::ANY, 0..5)), 0..5),
        caps in prop::collection::vec(prop::num::f64::ANY, 0..5),
    ) {
        let parts: Vec<Part> = parts.into_iter().map(|(tokens, weights)| Part { tokens, weights }).collect();
        match project(&parts, &caps) {
            Ok(found) => {
                prop_assert!(!found.moved.is_nan());
                prop_assert!(found.multipliers.iter().all(|mu| *mu >= 0.0), "{found:?}");
                prop_assert!(found.weights.iter().flatten().all(|w| *w >= 0.0), "{found:?}");
            }
            Err(proof) => prop_assert!(proof.needed > proof.available, "{proof:?}"),
        }
        let grows: Vec<(f64, f64, Vec<bool>)> = parts
            .iter()
            .map(|part| (part.tokens, -part.tokens, part.weights.iter().map(|w| *w > 0.0).collect()))
            .collect();
        prop_assert!(longest(&grows, &caps).is_none_or(|run| run >= 0.0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_neighbour_is_closer(run in prop_oneof![any_run(4, 4).boxed(), any_close_run().boxed()]) {
        if let Ok(found) = run.project() && run.total() > 0.0 {
            assert_no_neighbour_is_closer(&run, &found);
        }
    }

    /// Every other feasible run is one of mixtures with the same sources, here found as the nearest
    /// to others; what they are nearest to does not matter.
    #[test]
    fn no_other_run_within_the_caps_is_closer(
        run in any_run(6, 6),
        others in prop::collection::vec(prop::collection::vec(1..1000_u32, 36), 10),
    ) {
        let Ok(found) = run.project() else { return Ok(()) };
        prop_assume!(run.total() > 0.0);
        let here = run.distance(&found.weights);
        for other in others {
            let parts = run.parts.iter().enumerate().map(|(s, own)| {
                let tilt = |(i, weight): (usize, &f64)| weight * f64::from(other[6 * s + i]);
                part(own.tokens, &own.weights.iter().enumerate().map(tilt).collect::<Vec<_>>())
            });
            let other = project(&parts.collect::<Vec<_>>(), &run.caps).unwrap().weights;
            prop_assert!(run.keeps(&other, 1e-9));
            for way in [1e-3, 1e-2, 0.1, 0.5, 1.0] {
                let between = found.weights.iter().zip(&other).map(|(a, b)| {
                    a.iter().zip(b).map(|(a, b)| a + way * (b - a)).collect::<Vec<_>>()
                });
                let there = run.distance(&between.collect::<Vec<_>>());
                prop_assert!(there >= here - 1e-10, "{there} < {here} at {way} to {other:?}");
            }
        }
    }
}

// ---------------------------------------------------------------------------------------------
// A grid over all mixtures

/// The least of a function on ever finer grids between two ends.
fn least_between(low: f64, high: f64, function: impl Fn(f64) -> f64) -> f64 {
    const STEPS: i32 = 20;
    let (mut from, mut to) = (low, high);
    let mut least = (f64::INFINITY, low);
    for _ in 0..18 {
        let width = (to - from) / f64::from(STEPS);
        for step in 0..=STEPS {
            let at = (from + width * f64::from(step)).clamp(low, high);
            let value = function(at);
            if value < least.0 {
                least = (value, at);
            }
        }
        (from, to) = ((least.1 - 2.0 * width).max(low), (least.1 + 2.0 * width).min(high));
    }
    least.0
}

/// Two parts of two sources: the least distance over the first weight of one part, and over that of
/// the other between the ends that the caps leave it.
fn least_of_two(run: &Run) -> f64 {
    let [one, two] = [run.parts[0].tokens, run.parts[1].tokens];
    let ends = |first: f64| {
        let most = ((run.caps[0] - one * first) / two).min(1.0);
        let low = (1.0 - (run.caps[1] - one * (1.0 - first)) / two).max(0.0);
        (low, most)
    };
    let rows = |first: f64, second: f64| [vec![first, 1.0 - first], vec![second, 1.0 - second]];
    // where the caps leave the first part itself something, and the second what it needs
    if one + two > run.caps[0] + run.caps[1] {
        return f64::INFINITY;
    }
    let most = (run.caps[0] / one).min(1.0);
    let low = (1.0 - run.caps[1] / one).max(0.0);
    least_between(low, most, |first| {
        let (low, most) = ends(first);
        least_between(low, most.max(low), |second| run.distance(&rows(first, second)))
    })
}

/// Two parts of three sources: the least distance on a grid of all four free weights, and from there
/// by ever smaller shifts of tokens. With steps that the tokens divide, the corners of what the caps
/// allow are on the grid: they are whole numbers of tokens.
fn least_of_three(run: &Run, steps: u32) -> f64 {
    let share = |step: u32| f64::from(step) / f64::from(steps);
    let rows: Vec<Vec<f64>> = (0..=steps)
        .flat_map(|a| (0..=steps - a).map(move |b| vec![share(a), share(b), share(steps - a - b)]))
        .collect();
    let mut least = (f64::INFINITY, Vec::new());
    for first in &rows {
        for second in &rows {
            let both = [first.clone(), second.clone()];
            let distance = run.distance(&both);
            if distance < least.0 && run.keeps(&both, 1e-12) {
                least = (distance, both.to_vec());
            }
        }
    }
    if least.0.is_finite() { least_near(run, least.1) } else { least.0 }
}

/// Shifts tokens between two sources of a part, or of a part and on to a third in the other, as long
/// as that comes closer; then less of them. These are the ways along every edge of the caps.
fn least_near(run: &Run, mut rows: Vec<Vec<f64>>) -> f64 {
    let mut shifts = Vec::new();
    for (s, i, j) in (0..18).map(|n| (n % 2, n / 2 % 3, n / 6)).filter(|(_, i, j)| i != j) {
        shifts.push(vec![(s, i, j)]);
        shifts.extend((0..3).filter(|&k| k != j).map(|k| vec![(s, i, j), (1 - s, j, k)]));
    }
    let mut amount = 0.1;
    while amount > 1e-9 {
        let here = run.distance(&rows);
        let closer = shifts.iter().find_map(|shift| {
            let mut next = rows.clone();
            for &(s, i, j) in shift {
                next[s][i] -= amount / run.parts[s].tokens;
                next[s][j] += amount / run.parts[s].tokens;
            }
            let whole = next.iter().flatten().all(|weight| *weight >= 0.0);
            (whole && run.keeps(&next, 1e-12) && run.distance(&next) < here).then_some(next)
        });
        match closer {
            Some(next) => rows = next,
            None => amount *= 0.5,
        }
    }
    run.distance(&rows)
}

fn small_run(sources: usize) -> impl Strategy<Value = Run> {
    let part =
        (prop::sample::select(vec![1_u32, 2, 4, 5, 8]), prop::collection::vec(1..10_u32, sources));
    let cap = prop_oneof![1 => Just(NONE), 4 => (1..15_u32).prop_map(f64::from)];
    (prop::collection::vec(part, 2), prop::collection::vec(cap, sources)).prop_map(
        |(parts, caps)| {
            let row = |weights: &[u32]| weights.iter().map(|w| f64::from(*w)).collect::<Vec<_>>();
            let parts = parts.iter().map(|(tokens, w)| part_of(*tokens, &row(w))).collect();
            Run { parts, caps }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_grid_of_two_sources_finds_the_same(run in small_run(2)) {
        let least = least_of_two(&run);
        let Ok(found) = run.project() else {
            prop_assert!(least.is_infinite());
            return Ok(());
        };
        prop_assert!((found.moved - least).abs() < 1e-7, "{} for {least}", found.moved);
    }

    #[test]
    fn a_grid_of_three_sources_finds_the_same(run in small_run(3)) {
        let least = least_of_three(&run, 40);
        let Ok(found) = run.project() else {
            prop_assert!(least.is_infinite());
            return Ok(());
        };
        prop_assert!((found.moved - least).abs() < 1e-7, "{} for {least}", found.moved);
    }
}

// ---------------------------------------------------------------------------------------------
// The longest run

type Grows = (f64, f64, Vec<bool>);

/// The longest run by bisection: that its parts have room, and that some mixtures keep to the caps.
fn bisected(parts: &[Grows], caps: &[f64]) -> Option<f64> {
    let keeps = |run: f64| {
        let tokens: Vec<f64> = parts.iter().map(|(a, b, _)| a + b * run).collect();
        let row = |reads: &[bool]| -> Vec<f64> {
            reads.iter().map(|r| f64::from(u8::from(*r))).collect()
        };
        let own = parts
            .iter()
            .zip(&tokens)
            .map(|((.., reads), tokens)| part(tokens.max(0.0), &row(reads)));
        project(&own.collect::<Vec<_>>(), caps).is_ok()
    };
    let shortest =
        parts.iter().map(|(a, b, _)| if *a < 0.0 { -a / b } else { 0.0 }).fold(0.0, f64::max);
    let (mut low, mut high) = (shortest, 1e9);
    if shortest.is_infinite() || !keeps(low) {
        return Some(0.0);
    }
    if keeps(high) {
        return None;
    }
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        *(if keeps(middle) { &mut low } else { &mut high }) = middle;
    }
    Some(low)
}

/// Stages of stated tokens, of shares, and a rest.
fn any_growing() -> impl Strategy<Value = (Vec<Grows>, Vec<f64>)> {
    (1..=6_usize, 1..=6_usize).prop_flat_map(|(parts, sources)| {
        let part = (
            prop_oneof![Just((1, 0)), Just((0, 1)), Just((-1, 1)), Just((1, 1))],
            1..20_u32,
            1..10_u32,
            weights(sources),
        );
        let cap =
            prop_oneof![2 => Just(NONE), 1 => Just(0.0), 8 => (1..80_u32).prop_map(f64::from)];
        (prop::collection::vec(part, parts), prop::collection::vec(cap, sources)).prop_map(
            |(parts, caps)| {
                let parts = parts.into_iter().map(|((a, b), offset, slope, weights)| {
                    let (offset, slope) =
                        (f64::from(a) * f64::from(offset), f64::from(b) * f64::from(slope));
                    (offset, slope, weights.iter().map(|weight| *weight > 0.0).collect())
                });
                (parts.collect(), caps)
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_longest_run_is_the_last_that_is_feasible((parts, caps) in any_growing()) {
        let (found, searched) = (longest(&parts, &caps), bisected(&parts, &caps));
        prop_assert_eq!(found.is_some(), searched.is_some(), "{:?} for {:?}", found, searched);
        if let (Some(found), Some(searched)) = (found, searched) {
            prop_assert!((found - searched).abs() <= 1e-9 * (1.0 + searched), "{found} for {searched}");
        }
    }
}

// ---------------------------------------------------------------------------------------------
// Plain cases

/// Of 100 tokens, 20 may come from the first source: the others keep their proportion.
#[test]
fn one_part_gives_up_what_is_scarce() {
    let run = Run::new(&[(100.0, &[5.0, 3.0, 2.0])], &[20.0, NONE, NONE]);
    let found = run.project().unwrap();
    assert_close(&found.weights[0], &[0.2, 0.48, 0.32], 1e-10);
    // e^-mu is 0.2/0.8 over 0.5/0.5
    assert_close(&found.multipliers, &[libm::log(4.0), 0.0, 0.0], 1e-9);
    let moved = 0.2 * libm::log(0.2 / 0.5) + 0.8 * libm::log(0.8 / 0.5);
    assert_close(&[found.moved], &[moved], 1e-10);
}

/// With x = e^-mu of the first source, 0.5x/(0.5x + 0.5) + 0.2x/(0.2x + 0.8) = 0.4 is the quadratic
/// 1.6 x^2 + 3 x - 1.6 = 0.
#[test]
fn two_parts_give_up_the_same_share() {
    let run = Run::new(&[(10.0, &[0.5, 0.5]), (10.0, &[0.2, 0.8])], &[4.0, NONE]);
    let x = ((9.0_f64 + 4.0 * 1.6 * 1.6).sqrt() - 3.0) / 3.2;
    let first = [x / (x + 1.0), x / (x + 4.0)];
    let found = run.project().unwrap();
    for (row, first) in found.weights.iter().zip(first) {
        assert_close(row, &[first, 1.0 - first], 1e-10);
    }
}

/// What the third source holds is a part of the run too small to see beside the others.
#[test]
fn a_speck_leaves_the_others_as_near() {
    let own: &[f64] = &[1.0, 0.0, 0.0];
    let specks: &[f64] = &[1.0, 0.0, 6.153_535_525_093_545e-12];
    let most: &[f64] = &[1.0, 3.477_157_023_634e-7, 0.0];
    let parts = [(3.0, own), (1.0, specks), (40_665_252_107.562_88, most)];
    let caps = [38_254_296_145.199_46, 2_410_956_007.028_682_7, 1.218_796_848_868_235_4e-14];
    let run = Run::new(&parts, &caps);
    let found = run.project().unwrap();
    assert_optimal(&run, &found, 1e-9);
    assert_close(&found.multipliers[1..2], &[0.0], 0.0);
}

#[test]
fn parts_that_are_alike_stay_alike() {
    let weights: &[f64] = &[4.0, 3.0, 2.0, 1.0];
    let run = Run::new(&[(5.0, weights), (3.0, weights), (2.0, weights)], &[2.0, NONE, 1.0, NONE]);
    for row in run.project().unwrap().weights {
        assert_close(&row, &[0.2, 0.525, 0.1, 0.175], 1e-10);
    }
}

#[test]
fn sources_that_hold_nothing_are_not_read() {
    let run = Run::new(&[(10.0, &[6.0, 3.0, 1.0]), (0.0, &[1.0, 1.0, 2.0])], &[0.0, NONE, NONE]);
    let found = run.project().unwrap();
    assert_close(&found.weights[0], &[0.0, 0.75, 0.25], 1e-15);
    assert_close(&found.weights[1], &[0.0, 1.0 / 3.0, 2.0 / 3.0], 1e-15);
    assert!(found.multipliers[0].is_infinite());
    assert_close(&found.multipliers[1..], &[0.0, 0.0], 0.0);
}

/// A part without tokens is tilted like the others, and needs nothing.
#[test]
fn empty_parts_follow() {
    let run =
        Run::new(&[(10.0, &[1.0, 1.0]), (0.0, &[1.0, 3.0]), (0.0, &[1.0, 0.0])], &[2.0, NONE]);
    let found = run.project().unwrap();
    // e^-mu is 1/4
    assert_close(&found.weights[1], &[1.0 / 13.0, 12.0 / 13.0], 1e-10);
    assert_close(&found.weights[2], &[1.0, 0.0], 0.0);
    let nothing = Run::new(&[(0.0, &[1.0, 1.0])], &[0.0, 0.0]).project().unwrap();
    assert_close(&nothing.weights[0], &[0.5, 0.5], 0.0);
    assert_close(&nothing.multipliers, &[0.0, 0.0], 0.0);
    assert_eq!(project(&[], &[]).unwrap().weights, Vec::<Vec<f64>>::new());
    assert_eq!(project(&[], &[1.0]).unwrap().multipliers.len(), 1);
}

#[test]
fn one_source_is_read_or_not() {
    let run = |cap: f64| Run::new(&[(7.0, &[1.0]), (3.0, &[1.0])], &[cap]);
    for cap in [10.0, 11.0, NONE] {
        assert_eq!(run(cap).project().unwrap().weights, [[1.0], [1.0]]);
    }
    let proof = run(9.0).project().unwrap_err();
    assert_eq!((proof.parts, proof.sources), (vec![0, 1], vec![0]));
    assert_close(&[proof.needed, proof.available], &[10.0, 9.0], 0.0);
}

/// The first part needs all of the first source, though the second part would have half of it.
#[test]
fn what_one_part_must_have_another_gives_up() {
    let run = Run::new(&[(10.0, &[1.0, 0.0]), (10.0, &[1.0, 1.0])], &[10.0, NONE]);
    let found = run.project().unwrap();
    assert_close(&found.weights[0], &[1.0, 0.0], 0.0);
    assert_close(&found.weights[1], &[0.0, 1.0], 1e-10);
}

/// Every part can read its own source and those of the parts before it, and every source holds what
/// its own part needs: one mixture is left.
#[test]
fn a_chain_that_holds_exactly_what_is_needed_has_one_way() {
    for length in [2, 5, 20, 60, 120] {
        let row = |part: usize| -> Vec<f64> {
            (0..length).map(|source| f64::from(u8::from(source <= part))).collect()
        };
        let run = Run {
            parts: (0..length).map(|index| part(10.0, &row(index))).collect(),
            caps: vec![10.0; length],
        };
        let found = run.project().unwrap();
        assert_sound(&run, &found);
        for (index, row) in found.weights.iter().enumerate() {
            assert!((row[index] - 1.0).abs() < 1e-7, "{index} of {length}: {}", row[index]);
        }
    }
}

#[test]
fn runs_of_any_size_are_met() {
    let run = Run::new(&[(1.0, &[1.0, 2.0, 3.0]), (2.0, &[3.0, 0.0, 1.0])], &[0.5, NONE, 1.75]);
    let first = run.project().unwrap();
    assert_sound(&run, &first);
    for scale in [1e-30, 1e12, 1e30, 1e100] {
        let scaled = scaled(&run, scale);
        let found = scaled.project().unwrap();
        for (row, first) in found.weights.iter().zip(&first.weights) {
            assert_close(row, first, 1e-12);
        }
    }
}

/// 300 sources that hold exactly what another mixture of 40 parts reads of them.
#[test]
fn a_large_run_without_room_is_met() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut unlike = || libm::exp(6.0 * rng.random::<f64>());
    let mut row = || -> Vec<f64> {
        (0..300).map(|_| unlike()).map(|weight| if weight > 10.0 { weight } else { 0.0 }).collect()
    };
    let parts: Vec<Part> = (0..40).map(|index| part(1e9 * f64::from(index + 1), &row())).collect();
    let mut other = |part: &Part| -> Vec<f64> {
        part.weights.iter().zip(row()).map(|(weight, tilt)| weight * (1.0 + tilt)).collect()
    };
    let rows: Vec<Vec<f64>> = parts.iter().map(|own| part(1.0, &other(own)).weights).collect();
    let mut run = Run { parts, caps: vec![NONE; 300] };
    run.caps = run.drawn(&rows);
    let found = run.project().unwrap();
    assert_sound(&run, &found);
    assert_optimal(&run, &found, 1e-9);
    assert!(found.moved < run.distance(&rows));
}

/// The sources hold 1,000 tokens and the run needs 30, but the second part reads one of 5.
#[test]
fn plenty_elsewhere_does_not_help() {
    let parts: [(f64, &[f64]); 3] =
        [(10.0, &[1.0, 1.0, 1.0]), (10.0, &[0.0, 0.0, 1.0]), (10.0, &[1.0, 0.0, 0.0])];
    let proof = Run::new(&parts, &[500.0, 495.0, 5.0]).project().unwrap_err();
    assert_eq!(
        (proof.parts.as_slice(), proof.sources.as_slice()),
        ([1].as_slice(), [2].as_slice())
    );
    assert_eq!(
        proof.to_string(),
        "parts that need 10.0000 tokens read only sources that together give 5.00000"
    );
}

/// Any two of three parts have 15 tokens for 14, all three 15 for 21.
#[test]
fn three_parts_may_be_too_many_where_two_are_not() {
    let parts: [(f64, &[f64]); 4] = [
        (7.0, &[1.0, 1.0, 0.0, 0.0]),
        (7.0, &[0.0, 1.0, 1.0, 0.0]),
        (1.0, &[0.0, 0.0, 0.0, 1.0]),
        (7.0, &[1.0, 0.0, 1.0, 0.0]),
    ];
    let proof = Run::new(&parts, &[5.0, 5.0, 5.0, 90.0]).project().unwrap_err();
    assert_eq!((proof.parts, proof.sources), (vec![0, 1, 3], vec![0, 1, 2]));
}

#[test]
fn the_longest_run_ends_where_its_sources_do() {
    let own = |offset: f64, slope: f64, reads: &[u8]| -> Grows {
        (offset, slope, reads.iter().map(|read| *read == 1).collect())
    };
    // half of the run from the first source alone
    let halves = [own(0.0, 0.5, &[1, 0]), own(0.0, 0.5, &[1, 1])];
    assert_eq!(longest(&halves, &[30.0, 50.0]), Some(60.0));
    assert_eq!(longest(&halves, &[50.0, 30.0]), Some(80.0));
    assert_eq!(longest(&halves, &[50.0, NONE]), Some(100.0));
    assert_eq!(longest(&halves, &[NONE, 0.0]), None);
    assert_eq!(longest(&halves, &[0.0, NONE]), Some(0.0));
    // 40 tokens of the second source, then the rest
    let rest = [own(40.0, 0.0, &[0, 1]), own(-40.0, 1.0, &[1, 1])];
    assert_eq!(longest(&rest, &[30.0, 50.0]), Some(80.0));
    assert_eq!(longest(&rest, &[30.0, 39.0]), Some(0.0));
    assert_eq!(longest(&rest, &[0.0, 40.0]), Some(40.0));
    // a stage that the caps allow, in a run that has no room for another
    let crowded = [own(40.0, 0.0, &[0, 1]), own(-60.0, 0.5, &[1, 0]), own(0.0, 0.5, &[0, 1])];
    assert_eq!(longest(&crowded, &[NONE, 90.0]), Some(0.0));
    assert_eq!(longest(&[], &[]), None);
    assert_eq!(longest(&[own(1.0, 0.0, &[0])], &[9.0]), Some(0.0));
}
