//! The multipliers of the caps: the dual problem of the nearest mixtures.
//!
//! Over mu >= 0 it maximises the concave g(mu) = -`sum_s` `m_s` ln(`sum_i` `w_si` e^-`mu_i`) -
//! `sum_i` `C_i` `mu_i`, whose gradient is what each source gives beyond its cap. A sweep sets every
//! multiplier to the best one with the parts' sums held, and the sums to the multipliers: it always
//! climbs, from 0 without passing the optimum, and it finds the sources that bind. Where caps are
//! close it is slow, and Newton's method on the sources that bind takes over.

use super::currents::{add, currents, dot};
use libm::{exp, expm1, log, log1p};

/// How near to its cap a source that binds must be, relative.
const DONE: f64 = 1e-12;

/// Multipliers end here: e^-600 and what follows from it are far from the smallest number.
const MOST: f64 = 600.0;

/// Rounds of ascent and Newton steps before it is left as it is.
const ROUNDS: usize = 200;

/// The longest first step in a multiplier.
const STRIDE: f64 = 4.0;

/// How often a Newton step may release a source and start anew.
const RELEASES: usize = 20;

/// A fall of the dual below this, relative to what changes, is rounding.
const NOISE: f64 = 1e-15;

/// Tokens and weights of the parts, caps of the sources. All masses and caps are finite and above
/// 0; every part has a weight or a base above 0.
#[derive(Debug, Clone)]
pub(super) struct Dual {
    /// m, tokens of each part.
    pub(super) masses: Vec<f64>,
    /// w, part by part, on the sources that have a cap.
    pub(super) weights: Vec<f64>,
    /// Sum of the weights on sources without one.
    pub(super) base: Vec<f64>,
    /// C.
    pub(super) caps: Vec<f64>,
}

/// The parts' sums and the sources' gifts at some multipliers.
#[derive(Debug, Clone)]
struct Point {
    mu: Vec<f64>,
    /// e^-mu.
    kept: Vec<f64>,
    /// `m_s` / `sum_i` `w_si` e^-`mu_i`.
    rows: Vec<f64>,
    /// Tokens from each source.
    drawn: Vec<f64>,
}

impl Dual {
    /// The multipliers, as near as they come in a bounded number of rounds.
    pub(super) fn multipliers(&self) -> Vec<f64> {
        let mut at = self.point(vec![0.0; self.caps.len()]);
        for _ in 0..ROUNDS {
            if self.off(&at) <= DONE {
                break;
            }
            let first = self.swept(&at);
            at = self.swept(&first);
            if self.is_slow(self.off(&first), &at) {
                at = self.newton(&at).unwrap_or(at);
            }
        }
        at.mu
    }

    /// Whether sweeps would take longer to the end than a Newton step does, which costs as much as
    /// a quarter as many of them as its system has unknowns.
    fn is_slow(&self, before: f64, at: &Point) -> bool {
        let off = self.off(at);
        let unknowns = self.masses.len().min(at.mu.iter().filter(|mu| **mu > 0.0).count());
        #[expect(clippy::cast_precision_loss, reason = "a count")]
        let worth = unknowns as f64 / 4.0;
        off > DONE && (off >= before || log(DONE / off) / log(off / before) > worth)
    }

    fn row(&self, part: usize) -> &[f64] {
        let width = self.caps.len();
        &self.weights[part * width..(part + 1) * width]
    }

    fn point(&self, mu: Vec<f64>) -> Point {
        let kept: Vec<f64> = mu.iter().map(|mu| exp(-mu)).collect();
        let mut rows = Vec::with_capacity(self.masses.len());
        let mut drawn = vec![0.0; self.caps.len()];
        for (part, mass) in self.masses.iter().enumerate() {
            let sum = self.base[part] + dot(self.row(part), &kept);
            add(&mut drawn, mass / sum, self.row(part));
            rows.push(mass / sum);
        }
        drawn.iter_mut().zip(&kept).for_each(|(drawn, kept)| *drawn *= kept);
        Point { mu, kept, rows, drawn }
    }

    /// Whether the dual is higher at another point, or the same but for rounding. It sums what
    /// changes, so that a small part is seen beside large ones.
    fn rises(&self, from: &Point, to: &Point) -> bool {
        let steps: Vec<f64> = to.mu.iter().zip(&from.mu).map(|(to, from)| to - from).collect();
        let change: Vec<f64> =
            from.kept.iter().zip(&steps).map(|(kept, step)| kept * expm1(-step)).collect();
        let mut gain = -dot(&self.caps, &steps);
        for (part, mass) in self.masses.iter().enumerate() {
            let ratio = from.rows[part] / to.rows[part];
            gain -= mass
                * if (0.5..2.0).contains(&ratio) {
                    log1p(dot(self.row(part), &change) * from.rows[part] / mass)
                } else {
                    log(ratio)
                };
        }
        let sizes = self.caps.iter().zip(&from.drawn).zip(&steps);
        gain >= -NOISE * sizes.map(|((cap, drawn), step)| (cap + drawn) * step.abs()).sum::<f64>()
    }

    /// The largest breach of the conditions of the optimum, relative to the caps.
    fn off(&self, at: &Point) -> f64 {
        let off = self.caps.iter().zip(&at.drawn).zip(&at.mu).map(|((cap, drawn), mu)| {
            let beyond = drawn / cap - 1.0;
            if *mu > 0.0 { beyond.abs() } else { beyond.max(0.0) }
        });
        off.fold(0.0, f64::max)
    }

    /// Every source at the best multiplier with the parts' sums held.
    fn swept(&self, at: &Point) -> Point {
        let gifts = self.caps.iter().zip(&at.drawn).zip(&at.mu);
        let best =
            |((cap, drawn), mu): ((&f64, &f64), &f64)| (mu + log(drawn / cap)).clamp(0.0, MOST);
        self.point(gifts.map(best).collect())
    }

    /// A Newton step on the sources that bind, as long as it raises the dual.
    ///
    /// Where sources that all bind hold more than is read of them, nothing but their own ends at 0
    /// stops the step. Then it goes as far as the first of these ends, and the others step anew.
    fn newton(&self, at: &Point) -> Option<Point> {
        let mut from = at.clone();
        let mut binding: Vec<usize> = (0..self.caps.len())
            .filter(|&i| at.drawn[i] > 0.0 && (at.mu[i] > 0.0 || at.drawn[i] > self.caps[i]))
            .collect();
        for _ in 0..RELEASES {
            let step = self.direction(&from, &binding);
            if step.iter().any(|step| !step.is_finite()) {
                return None;
            }
            let longest = step.iter().fold(0.0, |most: f64, step| most.max(step.abs()));
            let whole = (STRIDE / longest).min(1.0);
            let ends = (0..binding.len()).filter(|&k| step[k] < 0.0 && from.mu[binding[k]] > 0.0);
            let ends = ends.map(|k| (k, -from.mu[binding[k]] / step[k]));
            let first = ends.filter(|end| end.1 < 0.1 * whole).min_by(|a, b| a.1.total_cmp(&b.1));
            let least = if first.is_some() { whole } else { 1e-3 * whole };
            let found = self.line(&from, &binding, &step, [whole, least], at);
            let Some((first, t)) = first.filter(|_| found.is_none()) else { return found };
            for (&i, step) in binding.iter().zip(&step) {
                from.mu[i] = (from.mu[i] + t * step).clamp(0.0, MOST);
            }
            from.mu[binding.remove(first)] = 0.0;
            from = self.point(from.mu);
        }
        None
    }

    /// The point that a search along a step finds, where it lies above `floor`: further on while it
    /// still climbs, less far while it has gone too far.
    fn line(
        &self,
        from: &Point,
        binding: &[usize],
        step: &[f64],
        [whole, least]: [f64; 2],
        floor: &Point,
    ) -> Option<Point> {
        let moved = |t: f64| {
            let mut mu = from.mu.clone();
            for (&i, step) in binding.iter().zip(step) {
                mu[i] = (mu[i] + t * step).clamp(0.0, MOST);
            }
            self.point(mu)
        };
        // what has reached its end moves no further
        let slope = |point: &Point| -> f64 {
            let free =
                binding.iter().zip(step).filter(|(i, step)| point.mu[**i] > 0.0 || **step > 0.0);
            free.map(|(&i, step)| (point.drawn[i] - self.caps[i]) * step).sum()
        };
        let start = slope(from);
        let climbs = |point: &Point| self.rises(floor, point) && slope(point) >= -0.5 * start;
        let mut t = whole;
        let mut best = moved(t);
        while slope(&best) > 0.5 * start && t < 1e3 * whole {
            let further = moved(2.0 * t);
            if slope(&further) < 0.0 {
                break;
            }
            (t, best) = (2.0 * t, further);
        }
        while !climbs(&best) && t > least {
            t *= 0.5;
            best = moved(t);
        }
        climbs(&best).then_some(best)
    }

    /// Newton's direction on the sources that bind.
    ///
    /// With P what each part reads from each source, it solves d mu - P'v = d - C and
    /// m v - P mu = 0, where d and m are the sums of P: the currents of a network whose links are P,
    /// grounded by what the parts read elsewhere. The larger side is taken out first.
    fn direction(&self, at: &Point, binding: &[usize]) -> Vec<f64> {
        let mut kept = at.kept.clone();
        for &i in binding {
            kept[i] = 0.0;
        }
        let elsewhere = |s: usize| at.rows[s] * (self.base[s] + dot(self.row(s), &kept));
        let ground: Vec<f64> = (0..self.masses.len()).map(elsewhere).collect();
        let beyond: Vec<f64> = binding.iter().map(|&i| at.drawn[i] - self.caps[i]).collect();
        if binding.len() <= self.masses.len() {
            self.without_parts(at, binding, &ground, &beyond)
        } else {
            self.without_sources(at, binding, &ground, &beyond)
        }
    }

    fn without_parts(
        &self,
        at: &Point,
        binding: &[usize],
        ground: &[f64],
        beyond: &[f64],
    ) -> Vec<f64> {
        let count = self.masses.len();
        let roots: Vec<f64> = self.masses.iter().map(|mass| mass.sqrt()).collect();
        let mut links = vec![0.0; binding.len() * count];
        for (s, root) in roots.iter().enumerate() {
            for (k, &i) in binding.iter().enumerate() {
                links[k * count + s] = self.row(s)[i] * at.kept[i] * at.rows[s] / root;
            }
        }
        let ground: Vec<f64> = ground.iter().zip(&roots).map(|(own, root)| own / root).collect();
        let ground: Vec<f64> = links.chunks(count).map(|row| dot(row, &ground)).collect();
        currents(&links, count, &ground, beyond)
    }

    fn without_sources(
        &self,
        at: &Point,
        binding: &[usize],
        ground: &[f64],
        beyond: &[f64],
    ) -> Vec<f64> {
        let roots: Vec<f64> = binding.iter().map(|&i| at.drawn[i].sqrt()).collect();
        let mut links = Vec::with_capacity(self.masses.len() * binding.len());
        for (s, own) in at.rows.iter().enumerate() {
            let row = self.row(s);
            links.extend(
                binding.iter().zip(&roots).map(|(&i, root)| row[i] * at.kept[i] * own / root),
            );
        }
        let mut mu: Vec<f64> = beyond.iter().zip(&roots).map(|(own, root)| own / root).collect();
        let given: Vec<f64> = links.chunks(binding.len()).map(|row| dot(row, &mu)).collect();
        let v = currents(&links, binding.len(), ground, &given);
        links.chunks(binding.len()).zip(v).for_each(|(row, v)| add(&mut mu, v, row));
        mu.iter().zip(roots).map(|(mu, root)| mu / root).collect()
    }
}
