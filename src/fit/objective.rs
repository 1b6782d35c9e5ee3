//! What a fit minimises, with its first and second derivatives.

use super::sample::Point;
use libm::{exp, log};

/// A point of the search: `[ln E, ln A', ln B', alpha, beta]`, where A' and B' are the terms'
/// values at the centre of the runs.
pub(super) type Coordinates = [f64; 5];

/// What is summed over the runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Loss {
    /// Huber loss of ln L(N, D) - ln loss, divided by delta so that its slope ends at one.
    LogHuber {
        /// Where it turns from quadratic to linear.
        delta: f64,
    },
    /// Square of L(N, D) - loss.
    Square,
}

/// The objective at a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Evaluation {
    pub(super) value: f64,
    pub(super) gradient: [f64; 5],
    /// Lower triangle and diagonal are filled, and the rest mirrors them.
    pub(super) hessian: [[f64; 5]; 5],
    /// Diagonal of the Hessian of the squares that touch the loss from above at every run; it is
    /// positive, and sets the scale of the damping.
    pub(super) scale: [f64; 5],
}

/// The three terms of L(N, D) at a run: E, A/N^alpha, B/D^beta.
#[inline]
pub(super) fn terms(point: &Point, floor: f64, at: &Coordinates) -> [f64; 3] {
    [floor, exp(at[1] - at[3] * point.x), exp(at[2] - at[4] * point.y)]
}

/// Predicted less observed loss.
pub(super) fn residual(point: &Point, at: &Coordinates) -> f64 {
    let [e, a, b] = terms(point, exp(at[0]), at);
    e + a + b - point.loss
}

/// Predicted less observed log loss.
pub(super) fn log_residual(point: &Point, at: &Coordinates) -> f64 {
    let [e, a, b] = terms(point, exp(at[0]), at);
    log(e + a + b) - point.ln_loss
}

/// Huber loss of a residual over delta: value, slope, curvature, and the curvature of the parabola
/// that touches it here.
#[inline]
fn huber(residual: f64, delta: f64) -> [f64; 4] {
    let size = residual.abs();
    if size <= delta {
        let curvature = 1.0 / delta;
        [size * size * curvature / 2.0, residual * curvature, curvature, curvature]
    } else {
        [size - delta / 2.0, residual.signum(), 0.0, 1.0 / size]
    }
}

impl Loss {
    /// Value, gradient and exact Hessian, summed in the order of the points.
    pub(super) fn at(self, points: &[Point], at: &Coordinates) -> Evaluation {
        match self {
            Self::LogHuber { delta } => sum(points, at, |point, terms| {
                let total = terms[0] + terms[1] + terms[2];
                let [value, slope, curvature, above] = huber(log(total) - point.ln_loss, delta);
                // d ln S = sum of the shares, and its second derivative is their covariance
                let shares = terms.map(|term| term / total);
                (value, slope, curvature - slope, above, shares)
            }),
            Self::Square => sum(points, at, |point, terms| {
                let residual = terms[0] + terms[1] + terms[2] - point.loss;
                (residual * residual, 2.0 * residual, 2.0, 2.0, terms)
            }),
        }
    }
}

/// Sums a loss over the points. Of each the closure tells its value, its slope s, the factor f of
/// its outer product, the curvature of the parabola above it, and the parts `p_k` = dS / d(ln term k):
/// the gradient in the three terms is s p, the Hessian f p p' + s diag(p), and both chain into
/// `[e, a, b, alpha, beta]` with the factors 1, 1, 1, -x and -y.
#[inline]
#[expect(clippy::many_single_char_names, reason = "the letters of the law and of calculus")]
#[expect(clippy::needless_range_loop, reason = "two entries of a symmetric matrix at once")]
fn sum(
    points: &[Point],
    at: &Coordinates,
    loss: impl Fn(&Point, [f64; 3]) -> (f64, f64, f64, f64, [f64; 3]),
) -> Evaluation {
    let floor = exp(at[0]);
    let mut value = 0.0;
    let mut g = [0.0; 5];
    let mut h = [0.0; 15];
    let mut scale = [0.0; 5];
    for point in points {
        let (own, slope, factor, above, [e, a, b]) = loss(point, terms(point, floor, at));
        let w = point.weight;
        let (x, y) = (point.x, point.y);
        value += w * own;
        let (slope, factor) = (w * slope, w * factor);
        let (ge, ga, gb) = (slope * e, slope * a, slope * b);
        g[0] += ge;
        g[1] += ga;
        g[2] += gb;
        g[3] -= ga * x;
        g[4] -= gb * y;
        let (ee, ea, eb) = (factor * e * e + ge, factor * e * a, factor * e * b);
        let (aa, ab, bb) = (factor * a * a + ga, factor * a * b, factor * b * b + gb);
        let (aax, aby, bby) = (aa * x, ab * y, bb * y);
        h[0] += ee;
        h[1] += ea;
        h[2] += aa;
        h[3] += eb;
        h[4] += ab;
        h[5] += bb;
        h[6] -= ea * x;
        h[7] -= aax;
        h[8] -= ab * x;
        h[9] += aax * x;
        h[10] -= eb * y;
        h[11] -= aby;
        h[12] -= bby;
        h[13] += aby * x;
        h[14] += bby * y;
        let above = w * above;
        let (aa, bb) = (above * a * a, above * b * b);
        scale[0] += above * e * e;
        scale[1] += aa;
        scale[2] += bb;
        scale[3] += aa * x * x;
        scale[4] += bb * y * y;
    }
    let mut hessian = [[0.0; 5]; 5];
    let mut next = h.into_iter();
    for row in 0..5 {
        for column in 0..=row {
            let entry = next.next().unwrap_or_default();
            hessian[row][column] = entry;
            hessian[column][row] = entry;
        }
    }
    Evaluation { value, gradient: g, hessian, scale }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points() -> Vec<Point> {
        let point = |(x, y, loss): (f64, f64, f64)| Point {
            x,
            y,
            loss,
            ln_loss: log(loss),
            weight: 1.0 + x * x,
        };
        [(-1.2, 0.4, 2.9), (0.3, -0.9, 2.4), (1.1, 1.3, 2.0), (0.2, 0.1, 3.3)].map(point).to_vec()
    }

    /// Gradient and Hessian against differences of values and gradients.
    #[test]
    fn derivatives_are_those_of_the_value() {
        let at = [0.5, -0.4, -0.2, 0.35, 0.28];
        let points = points();
        for loss in [Loss::LogHuber { delta: 0.03 }, Loss::LogHuber { delta: 10.0 }, Loss::Square] {
            let here = loss.at(&points, &at);
            for i in 0..5 {
                let step = 1e-5;
                let moved = |by: f64| {
                    let mut to = at;
                    to[i] += by;
                    loss.at(&points, &to)
                };
                let (up, down) = (moved(step), moved(-step));
                let slope = (up.value - down.value) / (2.0 * step);
                let near = |a: f64, b: f64| (a - b).abs() <= 1e-6 * (1.0 + b.abs());
                assert!(near(slope, here.gradient[i]), "{loss:?} {i}: {slope} {here:?}");
                for j in 0..5 {
                    let bend = (up.gradient[j] - down.gradient[j]) / (2.0 * step);
                    assert!(near(bend, here.hessian[i][j]), "{loss:?} {i} {j}: {bend} {here:?}");
                }
            }
        }
    }
}
