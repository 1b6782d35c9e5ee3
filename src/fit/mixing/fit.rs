//! The constants of mixing laws.
//!
//! At a given c the logarithm of L - c is linear in the shares, so a grid over c gives the starts;
//! reweighted Gauss-Newton steps polish the best.

use super::{HeldOut, MixingError, MixingFit, MixingLaw, MixtureRun};
use crate::fit::linear::Symmetric;
use crate::fit::{Objective, Settings};
use libm::{exp, log, sqrt};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::collections::BTreeSet;

/// Shares of the least loss that c is tried at.
const FLOORS: [f64; 8] = [0.02, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99];
/// Starts that are polished.
const STARTS: usize = 3;
/// How long a search may take: steps at most, and the share of the value below which gains end it.
type Patience = (usize, f64);
/// For the laws themselves.
const EXACT: Patience = (400, 1e-12);
/// For a resample, which starts from them.
const ROUGH: Patience = (40, 1e-6);
/// Sums over rows of products of slopes that all resamples may take: some ten seconds of work.
const WORK: u64 = 20_000_000_000;
/// Parts of the runs that are left out one after the other.
const FOLDS: usize = 5;
/// The delta that stands for absolute deviations.
const SHARP: f64 = 1e-7;

/// Fits a law to every loss.
///
/// # Errors
/// Too few mixtures, sources whose shares follow from others'.
pub fn fit_mixing(
    sources: &[String],
    runs: &[MixtureRun],
    settings: &Settings,
    refitted: &(dyn Fn() + Sync),
) -> Result<MixingFit, MixingError> {
    let count = sources.len();
    check(sources, runs)?;
    let losses = runs[0].losses.len();
    let rows: Vec<Row> = runs.iter().map(|run| Row { run, weight: run.weight }).collect();
    let mut whole = Vec::new();
    for loss in 0..losses {
        let problem = Problem { rows: &rows, loss, objective: settings.objective };
        whole.push(problem.global().ok_or(MixingError::NoMinimum)?);
    }
    let mean = mean(runs, count);
    let work = (runs.len() * (count + 1) * (count + 1) * losses * ROUGH.0 / 2) as u64;
    let affordable = u32::try_from(WORK / work.max(1)).unwrap_or(u32::MAX);
    let resamples = settings.bootstrap.min(affordable);
    let draws: Vec<Vec<MixingLaw>> = (0..u64::from(resamples))
        .into_par_iter()
        .map(|stream| {
            let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
            rng.set_stream(stream);
            let drawn = resample(&rows, &mut rng);
            let refits = whole.iter().enumerate().map(|(loss, (at, _))| {
                let problem = Problem { rows: &drawn, loss, objective: settings.objective };
                law(&problem.search(at.clone(), ROUGH).0, &mean)
            });
            let laws = refits.collect();
            refitted();
            laws
        })
        .collect();
    let laws: Vec<MixingLaw> = whole.iter().map(|(at, _)| law(at, &mean)).collect();
    let off = |run: &MixtureRun| -> f64 {
        let residuals = laws.iter().zip(&run.losses);
        residuals.map(|(law, loss)| log(law.loss(&run.shares) / loss)).map(|r| r * r).sum()
    };
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53")]
    let rms = sqrt(runs.iter().map(off).sum::<f64>() / (runs.len() * losses) as f64);
    let range = (0..count).map(|source| {
        let shares = runs.iter().map(|run| run.shares[source]);
        let ends = shares.fold((1.0_f64, 0.0_f64), |e, s| (e.0.min(s), e.1.max(s)));
        [ends.0, ends.1]
    });
    let best = (0..runs.len()).min_by(|&a, &b| total(&runs[a]).total_cmp(&total(&runs[b])));
    let mut remarks = Vec::new();
    if resamples < settings.bootstrap {
        remarks.push(format!(
            "{resamples} of {} resamples were refitted: more would take minutes",
            settings.bootstrap
        ));
    }
    if runs.len() < 3 * (count + 1) {
        remarks.push(format!(
            "{} runs are few for {} constants of a loss: what is told of single sources is rough",
            runs.len(),
            count + 1
        ));
    }
    if losses == 1 {
        remarks.push(
            "one loss falls the faster the more is taken of its best source, so that the proposal goes \
             to the ends of what is allowed; losses of several domains balance it"
                .to_owned(),
        );
    }
    Ok(MixingFit {
        objective: settings.objective,
        values: whole.iter().map(|(_, value)| *value).collect(),
        draws,
        held_out: held_out(&rows, &whole, settings.objective, &mean),
        rms,
        range: range.collect(),
        mean,
        laws,
        best: best.unwrap_or_default(),
        rows: runs.len(),
        remarks,
    })
}

fn check(sources: &[String], runs: &[MixtureRun]) -> Result<(), MixingError> {
    if sources.len() < 2 {
        return Err(MixingError::OneSource);
    }
    let bits = |run: &MixtureRun| -> Vec<u64> { run.shares.iter().map(|s| s.to_bits()).collect() };
    let distinct = runs.iter().map(bits).collect::<BTreeSet<_>>().len();
    let constants = sources.len() + 1;
    if distinct <= constants {
        return Err(MixingError::TooFew { rows: runs.len(), distinct, constants });
    }
    let mut gram = Symmetric::new(sources.len());
    for run in runs {
        gram.add(run.weight, &run.shares);
    }
    if let Err(source) = gram.factor(1e-9) {
        return Err(MixingError::Collinear { name: sources[source].clone() });
    }
    let same = |loss: usize| {
        runs.iter().all(|run| run.losses[loss].total_cmp(&runs[0].losses[loss]).is_eq())
    };
    if (0..runs[0].losses.len()).any(same) {
        return Err(MixingError::OneLoss);
    }
    Ok(())
}

fn total(run: &MixtureRun) -> f64 {
    run.losses.iter().sum()
}

fn mean(runs: &[MixtureRun], count: usize) -> Vec<f64> {
    let weight: f64 = runs.iter().map(|run| run.weight).sum();
    let of = |source: usize| runs.iter().map(|run| run.weight * run.shares[source]).sum::<f64>();
    (0..count).map(|source| of(source) / weight).collect()
}

/// A run with the weight that it has in a sample.
#[derive(Clone, Copy)]
struct Row<'a> {
    run: &'a MixtureRun,
    weight: f64,
}

fn resample<'a>(rows: &[Row<'a>], rng: &mut ChaCha8Rng) -> Vec<Row<'a>> {
    let mut counts = vec![0_u32; rows.len()];
    for _ in rows {
        counts[rng.random_range(0..rows.len())] += 1;
    }
    let drawn = rows.iter().zip(counts).filter(|(_, count)| *count > 0);
    drawn.map(|(row, count)| Row { weight: row.weight * f64::from(count), ..*row }).collect()
}

/// ln c, then t of every source with ln k in each.
type Place = Vec<f64>;

/// The law of a place: ln k is what the mean mixture makes of its t.
fn law(at: &Place, mean: &[f64]) -> MixingLaw {
    let ln_k: f64 = at[1..].iter().zip(mean).map(|(t, share)| t * share).sum();
    MixingLaw { c: exp(at[0]), k: exp(ln_k), t: at[1..].iter().map(|t| t - ln_k).collect() }
}

/// One loss of the runs, and what is minimised over them.
#[derive(Clone, Copy)]
struct Problem<'a> {
    rows: &'a [Row<'a>],
    loss: usize,
    objective: Objective,
}

impl Problem<'_> {
    /// The lowest minimum over the starts.
    fn global(&self) -> Option<(Place, f64)> {
        let least = self.rows.iter().map(|row| self.observed(row)).fold(f64::INFINITY, f64::min);
        let mut starts: Vec<(Place, f64)> = FLOORS
            .into_iter()
            .filter_map(|share| self.linear(share * least))
            .map(|at| {
                let value = self.value(&at);
                (at, value)
            })
            .filter(|(_, value)| value.is_finite())
            .collect();
        starts.sort_by(|a, b| a.1.total_cmp(&b.1));
        let ends = starts.into_iter().take(STARTS).map(|(at, _)| self.search(at, EXACT));
        ends.filter(|(_, value)| value.is_finite())
            .reduce(|best, next| if next.1 < best.1 { next } else { best })
    }

    fn observed(&self, row: &Row) -> f64 {
        row.run.losses[self.loss]
    }

    /// Least squares of ln(L - c) on the shares, weighted as the errors of ln L are.
    fn linear(&self, c: f64) -> Option<Place> {
        let count = self.rows[0].run.shares.len();
        let mut gram = Symmetric::new(count);
        let mut target = vec![0.0; count];
        for row in self.rows {
            let above = self.observed(row) - c;
            let weight = row.weight * (above / self.observed(row)) * (above / self.observed(row));
            gram.add(weight, &row.run.shares);
            for (sum, share) in target.iter_mut().zip(&row.run.shares) {
                *sum += weight * share * log(above);
            }
        }
        for source in 0..count {
            gram.grow_diagonal(source, 1e-10 * gram.diagonal(source));
        }
        gram.factor(1e-14).ok()?.solve(&mut target);
        Some(std::iter::once(log(c)).chain(target).collect())
    }

    /// The two terms of the loss at a run.
    fn terms(at: &Place, row: &Row) -> [f64; 2] {
        let dot: f64 = at[1..].iter().zip(&row.run.shares).map(|(t, share)| t * share).sum();
        [exp(at[0]), exp(dot)]
    }

    /// Residual, and what turns slopes of the terms into its own.
    fn residual(&self, row: &Row, total: f64) -> (f64, f64) {
        match self.objective {
            Objective::Mse => (total - self.observed(row), 1.0),
            _ => (log(total / self.observed(row)), 1.0 / total),
        }
    }

    /// Value of a residual, and the curvature of the parabola that touches it from above.
    fn bend(&self, residual: f64) -> (f64, f64) {
        let delta = match self.objective {
            Objective::Mse => return (residual * residual, 2.0),
            Objective::LogHuber { delta } => delta,
            Objective::LogL1 => SHARP,
        };
        let size = residual.abs();
        if size <= delta {
            (size * size / 2.0, 1.0)
        } else {
            (delta * (size - delta / 2.0), delta / size)
        }
    }

    fn value(&self, at: &Place) -> f64 {
        let of = |row: &Row| {
            let [c, part] = Self::terms(at, row);
            let (residual, _) = self.residual(row, c + part);
            row.weight
                * match self.objective {
                    Objective::LogL1 => residual.abs(),
                    _ => self.bend(residual).0,
                }
        };
        self.rows.iter().map(of).sum()
    }

    /// The minimum near a start: Gauss-Newton steps on the parabolas above, damped where a step does
    /// not go down.
    fn search(&self, mut at: Place, (most, precision): Patience) -> (Place, f64) {
        let size = at.len();
        let mut value = self.value(&at);
        let mut gram = Symmetric::new(size);
        let mut damping = 1e-6;
        let mut slopes = vec![0.0; size];
        let mut still = 0;
        for _ in 0..most {
            gram.clear();
            let mut gradient = vec![0.0; size];
            for row in self.rows {
                let [c, part] = Self::terms(&at, row);
                let (residual, chain) = self.residual(row, c + part);
                let (_, above) = self.bend(residual);
                slopes[0] = c * chain;
                for (slope, share) in slopes[1..].iter_mut().zip(&row.run.shares) {
                    *slope = part * chain * share;
                }
                let weight = row.weight * above;
                gram.add(weight, &slopes);
                for (sum, slope) in gradient.iter_mut().zip(&slopes) {
                    *sum -= weight * residual * slope;
                }
            }
            let gained = loop {
                let mut damped = gram.clone();
                for i in 0..size {
                    damped.grow_diagonal(i, damping * gram.diagonal(i) + f64::MIN_POSITIVE);
                }
                let mut step = gradient.clone();
                if let Ok(lower) = damped.factor(1e-15) {
                    lower.solve(&mut step);
                    let to: Place =
                        at.iter().zip(&step).map(|(a, s)| a + s.clamp(-3.0, 3.0)).collect();
                    let there = self.value(&to);
                    if there < value {
                        let gained = value - there;
                        (at, value) = (to, there);
                        damping = f64::max(damping / 8.0, 1e-12);
                        break gained;
                    }
                }
                damping *= 8.0;
                if damping > 1e8 {
                    return (at, value);
                }
            };
            still = if gained <= precision * value { still + 1 } else { 0 };
            if still > 2 {
                break;
            }
        }
        (at, value)
    }
}

/// Runs are left out by their place, every fifth at a time, and predicted from the rest.
fn held_out(
    rows: &[Row],
    whole: &[(Place, f64)],
    objective: Objective,
    mean: &[f64],
) -> Option<HeldOut> {
    if rows.len() < FOLDS * 2 || rows.len() * (FOLDS - 1) / FOLDS <= mean.len() + 1 {
        return None;
    }
    let mut pairs: Vec<(f64, f64)> = Vec::new();
    for fold in 0..FOLDS {
        let part = |out: bool| {
            let own = rows.iter().enumerate().filter(move |(i, _)| (i % FOLDS == fold) == out);
            own.map(|(_, row)| *row).collect::<Vec<_>>()
        };
        let (kept, left) = (part(false), part(true));
        let laws: Vec<MixingLaw> = whole
            .iter()
            .enumerate()
            .map(|(loss, (at, _))| {
                law(&Problem { rows: &kept, loss, objective }.search(at.clone(), EXACT).0, mean)
            })
            .collect();
        pairs.extend(left.iter().map(|row| {
            #[expect(clippy::cast_precision_loss, reason = "a few losses")]
            let observed = total(row.run) / laws.len() as f64;
            (super::mean_loss(&laws, &row.run.shares), observed)
        }));
    }
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53")]
    let count = pairs.len() as f64;
    let mean_error = pairs.iter().map(|(a, b)| (a - b).abs()).sum::<f64>() / count;
    Some(HeldOut { spearman: spearman(&pairs), mean_error })
}

/// Spearman's rank correlation: Pearson's of the ranks, of which equal values share the mean.
pub(super) fn spearman(pairs: &[(f64, f64)]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53")]
    let ranks = |of: fn(&(f64, f64)) -> f64| -> Vec<f64> {
        let mut order: Vec<usize> = (0..pairs.len()).collect();
        order.sort_by(|&a, &b| of(&pairs[a]).total_cmp(&of(&pairs[b])));
        let mut ranks = vec![0.0; pairs.len()];
        let mut from = 0;
        for upto in 1..=order.len() {
            let value = of(&pairs[order[from]]);
            if upto == order.len() || of(&pairs[order[upto]]) > value {
                for &place in &order[from..upto] {
                    ranks[place] = (from + upto - 1) as f64 / 2.0;
                }
                from = upto;
            }
        }
        ranks
    };
    let (a, b) = (ranks(|pair| pair.0), ranks(|pair| pair.1));
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53")]
    let middle = (pairs.len() as f64 - 1.0) / 2.0;
    let sum = |x: &[f64], y: &[f64]| -> f64 {
        x.iter().zip(y).map(|(x, y)| (x - middle) * (y - middle)).sum()
    };
    sum(&a, &b) / sqrt(sum(&a, &a) * sum(&b, &b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_with_ties_correlate_as_by_hand() {
        // by hand: the mean ranks 1, 2, 3, 4.5, 4.5, 6 and 2, 1, 4, 3, 5.5, 5.5 have the covariance
        // 13.75 and the variances 17
        let pairs = [(1.0, 2.0), (2.0, 1.0), (3.0, 5.0), (4.0, 4.0), (4.0, 8.0), (7.0, 8.0)];
        assert!((spearman(&pairs) - 13.75 / 17.0).abs() < 1e-12, "{}", spearman(&pairs));
    }
}
