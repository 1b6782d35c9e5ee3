//! How the shares of the sources change over a run.

use super::{BESIDE, Stacked, Words, middle, real, round_step, whole};
use crate::quantity::round_significant;

/// Shares of sources over a run, as a picture.
#[derive(Clone, Copy)]
pub struct Areas<'a> {
    /// Names of the sources.
    pub names: &'a [String],
    /// Name, start and end of every stage in order; the ends are shares of the run's tokens, 0
    /// to 1. A stage without tokens is not shown.
    pub stages: &'a [(String, f64, f64)],
    /// Tokens of the whole run, for the axis.
    pub tokens: f64,
    /// Shares of all sources, in the order of `names`, at a progress of 0 to 1. At a boundary of
    /// two stages the value is the later stage's. Shares are normalised to a sum of 1; what is
    /// missing, negative or no number counts as 0.
    pub weights: &'a dyn Fn(f64) -> Vec<f64>,
}

/// Samples of the whole run where shares change smoothly.
const SAMPLES: f64 = 300.0;

impl Areas<'_> {
    /// The share of every source at a progress, non-negative, with a sum of 1 (or 0 if no source
    /// has any).
    pub(super) fn shares(&self, progress: f64) -> Vec<f64> {
        let mut shares = (self.weights)(progress);
        shares.resize(self.names.len(), 0.0);
        for share in &mut shares {
            if !(share.is_finite() && *share > 0.0) {
                *share = 0.0;
            }
        }
        let sum: f64 = shares.iter().sum();
        if sum > 0.0 {
            for share in &mut shares {
                *share /= sum;
            }
        }
        shares
    }

    /// Shares on the inner sides of the ends of an interval of progress.
    pub(super) fn ends(&self, from: f64, to: f64) -> [Vec<f64>; 2] {
        let beside = BESIDE.min((to - from) / 2.0);
        [self.shares(from + beside), self.shares(to - beside)]
    }
}

impl Stacked for Areas<'_> {
    fn names(&self) -> &[String] {
        self.names
    }

    fn parts(&self) -> Vec<(&str, f64, f64)> {
        let stages = self.stages.iter();
        let inside = stages
            .map(|(name, from, to)| (name.as_str(), from.clamp(0.0, 1.0), to.clamp(0.0, 1.0)));
        inside.filter(|&(_, from, to)| from < to).collect()
    }

    fn column(&self, column: usize, of: usize) -> Vec<f64> {
        self.shares(middle(column, of))
    }

    /// Both sides of every boundary of stages, and many samples between, but one run of equal
    /// samples is its two ends.
    fn outline(&self) -> Vec<(f64, Vec<f64>)> {
        let mut edges = vec![0.0];
        edges.extend(self.boundaries());
        edges.push(1.0);
        let mut out: Vec<(f64, Vec<f64>)> = Vec::new();
        for edge in edges.windows(2) {
            let (from, to) = (edge[0], edge[1]);
            let [first, last] = self.ends(from, to);
            let mut part = vec![(from, first)];
            let steps = whole((SAMPLES * (to - from)).ceil()).max(8);
            part.extend((1..steps).map(|step| {
                let x = from + (to - from) * real(step) / real(steps);
                (x, self.shares(x))
            }));
            part.push((to, last));
            let inner = |i: usize| i > 0 && i + 1 < part.len();
            let needed = |i: usize| part[i].1 != part[i - 1].1 || part[i].1 != part[i + 1].1;
            let kept: Vec<usize> = (0..part.len()).filter(|&i| !inner(i) || needed(i)).collect();
            out.extend(kept.into_iter().map(|i| part[i].clone()));
        }
        out
    }

    fn words(&self) -> Words {
        Words {
            across: "tokens",
            across_title: "tokens",
            up: "share of tokens".to_owned(),
            part: "stage",
            legend: "Share of tokens, start of the run → end".to_owned(),
            legend_short: "start → end",
            between: " → ".to_owned(),
            unit: " %",
        }
    }

    /// Round numbers of tokens, and the end.
    fn ticks(&self, about: usize, gap: f64) -> Vec<(f64, String)> {
        let total = self.tokens;
        if !(total.is_finite() && total > 0.0) {
            return Vec::new();
        }
        let step = round_step(total / real(about.max(1)), true);
        let mut ticks: Vec<_> = (0..=about)
            .map(|i| real(i) * step)
            .take_while(|at| *at <= total * (1.0 - gap))
            .map(|at| (at / total, tokens(at)))
            .collect();
        ticks.push((1.0, tokens(total)));
        ticks
    }

    fn levels(&self, least: usize) -> Vec<(f64, String)> {
        let least = least.max(1);
        (0..=least).map(|i| (real(i) / real(least), format!("{} %", 100 * i / least))).collect()
    }

    /// Shares at the start and at the end.
    fn figures(&self, sets: &[&[usize]]) -> Vec<Vec<String>> {
        let ends = self.ends(0.0, 1.0);
        let share = |set: &[usize]| ends.each_ref().map(|end| set.iter().map(|&i| end[i]).sum());
        let shares: Vec<[f64; 2]> = sets.iter().map(|set| share(set)).collect();
        percents(&shares).into_iter().map(|ends| ends.to_vec()).collect()
    }

    fn span(&self, from: f64, to: f64) -> Option<String> {
        Some([from, to].map(|x| tokens(x * self.tokens)).join(" to "))
    }
}

/// Tokens on an axis, short: `0`, `2.5 T`, `750 B`.
pub(super) fn tokens(value: f64) -> String {
    let value = round_significant(value, 3);
    let units = [("T", 1e12), ("B", 1e9), ("M", 1e6), ("K", 1e3)];
    match units.iter().find(|&&(_, factor)| value >= factor) {
        Some((unit, factor)) => format!("{} {unit}", round_significant(value / factor, 3)),
        None => format!("{value}"),
    }
}

/// Shares in percent without the sign, all with one decimal if any needs it: `60`, `12.5`, `<0.1`.
pub(super) fn percents<const N: usize>(shares: &[[f64; N]]) -> Vec<[String; N]> {
    let tenths = |share: f64| (share * 1000.0).round();
    let precise = shares.iter().flatten().any(|&share| tenths(share) % 10.0 != 0.0);
    let percent = |share: f64| match (precise, share > 0.0 && tenths(share) == 0.0) {
        (_, true) => "<0.1".to_owned(),
        (true, false) => format!("{:.1}", share * 100.0),
        (false, false) => format!("{:.0}", share * 100.0),
    };
    shares.iter().map(|ends| ends.map(percent)).collect()
}

#[cfg(test)]
mod tests;
