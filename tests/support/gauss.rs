//! A rule of quadrature for sums that know no integral.

use std::f64::consts::PI;

/// Points of the rule.
const POINTS: u32 = 8;

/// Points and weights of the Gauss-Legendre rule on 0 to 1: zeros of the Legendre polynomial by
/// Newton's method.
pub fn gauss() -> Vec<(f64, f64)> {
    let n = f64::from(POINTS);
    let legendre = |x: f64| {
        let (mut before, mut own) = (1.0, x);
        for k in 2..=POINTS {
            let k = f64::from(k);
            (before, own) = (own, ((2.0 * k - 1.0) * x * own - (k - 1.0) * before) / k);
        }
        (own, n * (x * own - before) / (x * x - 1.0))
    };
    let point = |index: u32| {
        let mut x = libm::cos(PI * (f64::from(index) + 0.75) / (n + 0.5));
        for _ in 0..20 {
            let (value, slope) = legendre(x);
            x -= value / slope;
        }
        let slope = legendre(x).1;
        (f64::midpoint(1.0, x), 1.0 / ((1.0 - x * x) * slope * slope))
    };
    (0..POINTS).map(point).collect()
}

#[test]
fn the_rule_takes_polynomials_of_degree_fifteen() {
    for degree in 0..=15 {
        let sum: f64 = gauss().iter().map(|(x, weight)| weight * x.powi(degree)).sum();
        assert!((sum * f64::from(degree + 1) - 1.0).abs() < 1e-14, "{degree}: {sum}");
    }
    let sixteenth: f64 = gauss().iter().map(|(x, weight)| weight * x.powi(16)).sum();
    assert!((sixteenth * 17.0 - 1.0).abs() > 1e-9, "{sixteenth}");
}
