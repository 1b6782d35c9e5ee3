//! The nearest mixtures that keep to the sources' caps.
//!
//! A run is a list of parts, each with tokens m and a mixture w. Where w would read a source beyond
//! its cap C, the nearest mixtures q are those that minimise the sum over the parts of
//! m KL(q || w) within the caps: the I-projection of the stated run (Csiszár 1975, "I-divergence
//! geometry of probability distributions and minimization problems", Annals of Probability 3(1)).
//! It is unique, and of the form `q_si` = `w_si` e^-`mu_i` / `sum_j` `w_sj` e^-`mu_j` with one
//! multiplier `mu_i` >= 0 per source, above 0 only where the cap binds. Every part gives up the
//! same share of a scarce source against the others that it reads.
//!
//! Some q keeps to the caps just when no set of parts needs more tokens than all sources that it
//! can read hold: a flow is as large as the least cut (Ford and Fulkerson).

mod currents;
mod dual;
mod flow;
mod kinds;
mod proof;

use crate::quantity::significant;
use dual::Dual;
use flow::Network;
use kinds::{Kinds, union};
use libm::{exp, log};

/// The caps are widened by this, relative, so that some mixtures keep to them with room to spare
/// even where they hold exactly what is needed, or [`flow::HELD`] less: every multiplier is then
/// finite, of about ln 1e11 where a part must give up a source to another.
const ROOM: f64 = 1e-11;

/// Parts of the whole below which tokens and caps are nothing.
const NOTHING: f64 = 1e-100;

/// A part of the run that reads with one mixture.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its tokens; a part of 0 is carried along.
    pub tokens: f64,
    /// Weight of each source, with sum 1.
    pub weights: Vec<f64>,
}

/// The nearest mixtures that keep to the caps.
#[derive(Debug, Clone, PartialEq)]
pub struct Projected {
    /// The mixtures, in the order of the parts.
    pub weights: Vec<Vec<f64>>,
    /// The multiplier of each cap, in nats: 0 where it does not bind, infinite where it is 0 and a
    /// part would read the source.
    pub multipliers: Vec<f64>,
    /// The distance from the stated mixtures: the mean of KL(q || w) over the tokens, in nats.
    pub moved: f64,
}

/// Parts whose sources together hold too little: the proof that no mixtures keep to the caps.
///
/// The fewest parts that prove it, where parts that read the same sources count as one, and of as
/// many those with the fewest sources; or, where `smallest` is not set, parts of which none can be
/// spared.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "parts that need {} tokens read only sources that together give {}",
    significant(*.needed, 6), significant(*.available, 6)
)]
pub struct Infeasible {
    /// The parts.
    pub parts: Vec<usize>,
    /// All sources that some of them can read.
    pub sources: Vec<usize>,
    /// Tokens of the parts.
    pub needed: f64,
    /// Sum of the caps of the sources.
    pub available: f64,
    /// Whether it is known that nothing smaller proves it: the search for it is bounded, and always
    /// ends where some 20 kinds of parts read from some 60 sources.
    pub smallest: bool,
}

/// The nearest mixtures that keep to the caps: tokens per source, kept to 1e-9 of each; an infinite
/// cap is none. A weight of 0 stays 0. There are as many weights in a part as caps.
///
/// ```
/// use plan::data::{Part, project};
///
/// let run = [Part { tokens: 100.0, weights: vec![0.5, 0.3, 0.2] }];
/// let nearest = project(&run, &[20.0, f64::INFINITY, f64::INFINITY])?;
/// let row = &nearest.weights[0];
/// assert!((row[0] - 0.2).abs() < 1e-9); // as much as there is
/// assert!((row[1] / row[2] - 1.5).abs() < 1e-9); // the others in their proportion
/// # Ok::<(), plan::data::Infeasible>(())
/// ```
///
/// # Errors
/// The fewest parts that need more than their sources hold, or some with none to spare.
pub fn project(parts: &[Part], caps: &[f64]) -> Result<Projected, Infeasible> {
    project_by(parts, None, caps)
}

/// The same with a proof by the fewest owners of parts, where each part has one.
pub(super) fn project_by(
    parts: &[Part],
    owners: Option<&[usize]>,
    caps: &[f64],
) -> Result<Projected, Infeasible> {
    let caps: Vec<f64> = caps.iter().map(|cap| cap.max(0.0)).collect();
    let stated: Vec<Vec<f64>> = parts.iter().map(|part| stated(part, caps.len())).collect();
    let tokens: Vec<f64> = parts.iter().map(|part| amount(part.tokens)).collect();
    let total: f64 = tokens.iter().sum();
    let reads: Vec<Vec<bool>> =
        stated.iter().map(|row| row.iter().map(|weight| *weight > 0.0).collect()).collect();
    let live: Vec<usize> =
        (0..parts.len()).filter(|&part| tokens[part] > NOTHING * total).collect();
    let kinds = Kinds::of(live.iter().map(|&part| (part, reads[part].as_slice())));
    if let Some(proof) = kinds.proof(&tokens, &caps, owners) {
        return Err(proof);
    }
    let multipliers = multipliers(&live, &tokens, &stated, &caps);
    let mut weights: Vec<Vec<f64>> = stated.iter().map(|row| tilted(row, &multipliers)).collect();
    settle(&tokens, &reads, &mut weights, &caps);
    let mut moved = 0.0;
    for ((row, from), tokens) in weights.iter().zip(&stated).zip(&tokens) {
        if *tokens > 0.0 {
            moved += tokens / total * divergence(row, from);
        }
    }
    Ok(Projected { weights, multipliers, moved })
}

/// The longest run that some mixtures of every part's own sources allow, where part s has
/// `a_s` + `b_s` D tokens in a run of D (a stage of stated tokens has b = 0; the rest of the run has
/// a < 0) and reads the sources marked. `None` where no length is too long; 0 where no length
/// helps, which includes that the longest one has no room for its parts.
///
/// D is the least over all sets of parts of (what their sources hold - a) / b. It is found from
/// above, by Newton's method on what the worst set is short of, as Dinkelbach minimises ratios.
///
/// ```
/// use plan::data::longest;
///
/// // 20 tokens from the second source, and the rest of the run from either
/// let parts = [(20.0, 0.0, vec![false, true]), (-20.0, 1.0, vec![true, true])];
/// assert_eq!(longest(&parts, &[70.0, 30.0]), Some(100.0));
/// ```
#[must_use]
pub fn longest(parts: &[(f64, f64, Vec<bool>)], caps: &[f64]) -> Option<f64> {
    let caps: Vec<f64> = caps.iter().map(|cap| cap.max(0.0)).collect();
    let finite = |value: f64| if value.is_finite() { value } else { 0.0 };
    let offsets: Vec<f64> = parts.iter().map(|part| finite(part.0)).collect();
    let slopes: Vec<f64> = parts.iter().map(|part| amount(part.1)).collect();
    let reads = parts.iter().map(|part| &part.2[..caps.len().min(part.2.len())]);
    let kinds = Kinds::of(reads.enumerate());
    let (offset, slope) = (kinds.sums(&offsets), kinds.sums(&slopes));
    let needs = |run: f64| -> Vec<f64> {
        let tokens = offsets.iter().zip(&slopes).map(|(a, b)| (a + b * run).max(0.0));
        kinds.sums(&tokens.collect::<Vec<f64>>())
    };
    let starts = offsets.iter().zip(&slopes).filter(|(a, _)| **a < 0.0).map(|(a, b)| -a / b);
    let shortest = starts.fold(0.0, f64::max);
    if !shortest.is_finite() || !kinds.network(&needs(shortest), &caps).short().is_empty() {
        return Some(0.0);
    }
    let end = |set: &[usize]| {
        let (given, available) = kinds.balance(set, &offset, &caps);
        let (growth, _) = kinds.balance(set, &slope, &caps);
        if growth > 0.0 { (available - given) / growth } else { f64::INFINITY }
    };
    let single = (0..offset.len()).map(|kind| end(&[kind])).fold(f64::INFINITY, f64::min);
    let mut longest = single.max(shortest);
    while longest.is_finite() {
        let short = kinds.network(&needs(longest), &caps).short();
        let shorter = short.iter().map(|set| end(set)).fold(end(&union(&short)), f64::min);
        if shorter >= longest {
            break;
        }
        longest = shorter.max(shortest);
    }
    longest.is_finite().then_some(longest)
}

/// The multiplier of every cap, from the parts that are live.
fn multipliers(live: &[usize], tokens: &[f64], stated: &[Vec<f64>], caps: &[f64]) -> Vec<f64> {
    let total: f64 = tokens.iter().sum();
    // what a source would give if all that can read it read nothing else
    let mut asked = vec![0.0; caps.len()];
    for &part in live {
        for (asked, weight) in asked.iter_mut().zip(&stated[part]) {
            *asked += if *weight > 0.0 { tokens[part] } else { 0.0 };
        }
    }
    let empty = |i: usize| caps[i] <= NOTHING * total && asked[i] > 0.0;
    let mut multipliers: Vec<f64> =
        (0..caps.len()).map(|i| if empty(i) { f64::INFINITY } else { 0.0 }).collect();
    let capped: Vec<usize> = (0..caps.len()).filter(|&i| caps[i] < asked[i] && !empty(i)).collect();
    let free: Vec<usize> = (0..caps.len()).filter(|&i| caps[i] >= asked[i]).collect();
    let mut dual = Dual {
        masses: Vec::new(),
        weights: Vec::new(),
        base: Vec::new(),
        caps: capped.iter().map(|&i| caps[i] / total * (1.0 + ROOM)).collect(),
    };
    for &part in live {
        let row = &stated[part];
        let base: f64 = free.iter().map(|&i| row[i]).sum();
        let sum = base + capped.iter().map(|&i| row[i]).sum::<f64>();
        if sum > 0.0 {
            dual.masses.push(tokens[part] / total);
            dual.base.push(base / sum);
            dual.weights.extend(capped.iter().map(|&i| row[i] / sum));
        }
    }
    for (i, multiplier) in capped.iter().zip(dual.multipliers()) {
        multipliers[*i] = multiplier;
    }
    multipliers
}

/// A mixture in proportion to w e^-mu; as it is where it reads nothing else.
fn tilted(row: &[f64], multipliers: &[f64]) -> Vec<f64> {
    let read = row.iter().zip(multipliers).filter(|(weight, _)| **weight > 0.0);
    let least = read.map(|(_, mu)| *mu).fold(f64::INFINITY, f64::min);
    if !least.is_finite() {
        return row.to_vec();
    }
    let tilted = row.iter().zip(multipliers).map(|(weight, mu)| weight * exp(least - mu));
    normalised(tilted.collect())
}

/// Where the multipliers are not exact enough for the caps, takes what is beyond them and routes it
/// to where there is room.
fn settle(tokens: &[f64], reads: &[Vec<bool>], weights: &mut [Vec<f64>], caps: &[f64]) {
    let mut drawn = vec![0.0; caps.len()];
    for (row, tokens) in weights.iter().zip(tokens) {
        drawn.iter_mut().zip(row).for_each(|(drawn, weight)| *drawn += tokens * weight);
    }
    if drawn.iter().zip(caps).all(|(drawn, cap)| *drawn <= cap * (1.0 + 10.0 * ROOM)) {
        return;
    }
    let caps: Vec<f64> = caps.iter().map(|cap| cap * (1.0 + ROOM)).collect();
    let share = |i: usize| if drawn[i] > caps[i] { caps[i] / drawn[i] } else { 1.0 };
    let links: Vec<Vec<usize>> =
        reads.iter().map(|reads| (0..caps.len()).filter(|&i| reads[i]).collect()).collect();
    let flow = weights.iter().zip(tokens).flat_map(|(row, tokens)| {
        row.iter().enumerate().map(move |(i, weight)| tokens * weight * share(i))
    });
    let flow = Network::new(tokens, &caps, &links, flow.collect()).into_flow();
    for ((row, tokens), flow) in weights.iter_mut().zip(tokens).zip(flow.chunks(caps.len())) {
        if *tokens > 0.0 {
            *row = normalised(flow.iter().map(|flow| flow / tokens).collect());
        }
    }
}

/// KL(q || w) in nats, by terms none of which is below 0.
fn divergence(row: &[f64], from: &[f64]) -> f64 {
    let terms = row.iter().zip(from).map(|(to, from)| {
        let surprise = if *to > 0.0 { to * log(to / from) } else { 0.0 };
        (surprise - to + from).max(0.0)
    });
    terms.sum()
}

/// A part's weights, one for each cap, without what is no weight, and with sum 1.
fn stated(part: &Part, sources: usize) -> Vec<f64> {
    let weight = |i| part.weights.get(i).copied().map_or(0.0, amount);
    normalised((0..sources).map(weight).collect())
}

fn normalised(mut row: Vec<f64>) -> Vec<f64> {
    let sum: f64 = row.iter().sum();
    if sum > 0.0 {
        for weight in &mut row {
            *weight /= sum;
        }
    }
    row
}

/// A number above 0, or 0 for what is none.
fn amount(value: f64) -> f64 {
    if value.is_finite() { value.max(0.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows far from the caps, whose tokens have one way to go: over the second source to the third.
    #[test]
    fn what_is_beyond_the_caps_goes_where_there_is_room() {
        let reads = [vec![true, true, false], vec![false, true, true], vec![true, false, false]];
        let mut rows = vec![vec![0.5, 0.5, 0.0], vec![0.0, 1.0, 0.0], vec![1.0, 0.0, 0.0]];
        settle(&[10.0, 10.0, 0.0], &reads, &mut rows, &[2.0, 8.0, 10.0]);
        let expected = [[0.2, 0.8, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]];
        for (row, expected) in rows.iter().zip(expected) {
            for (found, expected) in row.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-9, "{rows:?}");
            }
        }
    }

    #[test]
    fn what_keeps_to_the_caps_stays() {
        let mut rows = vec![vec![0.25, 0.75]];
        settle(&[4.0], &[vec![true, true]], &mut rows, &[1.0, 3.0]);
        assert_eq!(rows, [[0.25, 0.75]]);
    }
}
