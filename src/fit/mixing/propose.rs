//! The best mixture that is allowed.

use super::{MixingError, MixingFit};
use crate::plan::Interval;
use crate::quantity::{Quantity as _, Tokens};

/// Steps of the search at most.
const STEPS: usize = 20_000;
/// The most, in loss, that the proposal may lie above the best.
const GAP: f64 = 1e-9;

/// What limits a mixture.
#[derive(Debug, Clone, PartialEq)]
pub struct Caps {
    /// Tokens of the run.
    pub tokens: Tokens,
    /// Of every source its distinct tokens, where they are stated, and how often they may be read,
    /// where that is.
    pub sources: Vec<Option<(Tokens, Option<f64>)>>,
}

/// A mixture, and what is expected of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Share of each source.
    pub shares: Vec<f64>,
    /// Least and largest share that was allowed.
    pub allowed: Vec<Interval>,
    /// Whether a source's largest share comes from its `max_epochs`.
    pub capped: Vec<bool>,
    /// How often each source is read, where its size is stated.
    pub epochs: Option<Vec<Option<f64>>>,
    /// The mean of the losses.
    pub loss: f64,
    /// Its 80 % interval.
    pub loss_80: Option<Interval>,
    /// The most that it can lie above the best mixture by the law: Frank and Wolfe's gap.
    pub gap: f64,
}

/// The mixture with the least mean loss, with every share between the least and the largest of the
/// runs, and no source read more often than it may be. A sum of exponentials is convex, so that the
/// minimum is the only one.
///
/// # Errors
/// Caps that leave no room for the run's tokens.
pub fn propose(fit: &MixingFit, caps: Option<&Caps>) -> Result<Proposal, MixingError> {
    let of_epochs = |source: usize| {
        let caps = caps?;
        let (unique, most) = caps.sources[source]?;
        Some(unique.0 * most? / caps.tokens.0)
    };
    let count = fit.mean.len();
    let mut allowed = fit.range.clone();
    let mut capped = vec![false; count];
    for source in 0..count {
        if let Some(most) = of_epochs(source)
            && most < allowed[source][1]
        {
            allowed[source][1] = most;
            allowed[source][0] = allowed[source][0].min(most);
            capped[source] = true;
        }
    }
    let sum = |end: usize| allowed.iter().map(|ends| ends[end]).sum::<f64>();
    if sum(1) < 1.0 {
        // the runs' own shares give way to what the caps leave
        let mut widened = 0.0;
        for (source, ends) in allowed.iter_mut().enumerate() {
            if !capped[source] {
                ends[1] = of_epochs(source).unwrap_or(1.0).min(1.0);
            }
            widened += ends[1];
        }
        if widened < 1.0 {
            let tokens = caps.map_or(Tokens::default(), |caps| caps.tokens);
            return Err(MixingError::NoRoom {
                allowed: Tokens(tokens.0 * widened).human(),
                wanted: tokens.human(),
            });
        }
    }
    let (shares, gap) = descend(fit, &allowed);
    let epochs = caps.map(|caps| {
        let of = |(source, share): (usize, &f64)| {
            Some(share * caps.tokens.0 / caps.sources[source]?.0.0)
        };
        shares.iter().enumerate().map(of).collect()
    });
    let (loss, loss_80) = (fit.loss(&shares), fit.loss_80(&shares));
    Ok(Proposal { shares, allowed, capped, epochs, loss, loss_80, gap })
}

/// Projected gradient steps from the mean mixture, each as long as it goes down, until no mixture
/// can be much better.
fn descend(fit: &MixingFit, allowed: &[Interval]) -> (Vec<f64>, f64) {
    let mut at = project(&fit.mean, allowed);
    let mut value = fit.loss(&at);
    let mut length = 1.0;
    let mut gap = f64::INFINITY;
    for _ in 0..STEPS {
        let gradient = gradient(fit, &at);
        gap = dot(&gradient, &at) - dot(&gradient, &best_vertex(&gradient, allowed));
        if gap <= GAP {
            break;
        }
        let moved = loop {
            let to: Vec<f64> = at.iter().zip(&gradient).map(|(x, g)| x - length * g).collect();
            let to = project(&to, allowed);
            let there = fit.loss(&to);
            let promised: f64 =
                at.iter().zip(&to).zip(&gradient).map(|((a, b), g)| (a - b) * g).sum();
            if there <= value - 1e-4 * promised && there < value {
                (at, value) = (to, there);
                length *= 2.0;
                break true;
            }
            length /= 4.0;
            if length < 1e-12 {
                break false;
            }
        };
        if !moved {
            break;
        }
    }
    (at, gap.max(0.0))
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Slope of the mean loss in every share.
#[expect(clippy::cast_precision_loss, reason = "a few losses")]
fn gradient(fit: &MixingFit, shares: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; shares.len()];
    for law in &fit.laws {
        let part = law.part(shares) / fit.laws.len() as f64;
        for (sum, t) in sums.iter_mut().zip(&law.t) {
            *sum += part * t;
        }
    }
    sums
}

/// The mixture that a linear loss is least at: the least shares, and the rest to the best sources.
fn best_vertex(gradient: &[f64], allowed: &[Interval]) -> Vec<f64> {
    let mut shares: Vec<f64> = allowed.iter().map(|ends| ends[0]).collect();
    let mut left = 1.0 - shares.iter().sum::<f64>();
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by(|&a, &b| gradient[a].total_cmp(&gradient[b]));
    for source in order {
        let more = (allowed[source][1] - allowed[source][0]).min(left).max(0.0);
        shares[source] += more;
        left -= more;
    }
    shares
}

/// The nearest mixture within the ends: x - s between them, for the s at which the sum is one.
fn project(shares: &[f64], allowed: &[Interval]) -> Vec<f64> {
    let shifted = |by: f64| -> Vec<f64> {
        shares.iter().zip(allowed).map(|(x, [low, high])| (x - by).clamp(*low, *high)).collect()
    };
    let far = 2.0 + shares.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    let (mut low, mut high) = (-far, far);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if shifted(middle).iter().sum::<f64>() > 1.0 { low = middle } else { high = middle }
    }
    shifted(f64::midpoint(low, high))
}
