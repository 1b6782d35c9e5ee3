//! A rule of quadrature for sums that know no integral.

/// Points and weights of the five-point Gauss-Legendre rule on 0 to 1.
pub fn gauss() -> [(f64, f64); 5] {
    let root = 2.0 * (10.0_f64 / 7.0).sqrt();
    let (inner, outer) = ((5.0 - root).sqrt() / 3.0, (5.0 + root).sqrt() / 3.0);
    let (middle, spread) = (322.0 / 1800.0, 13.0 * 70.0_f64.sqrt() / 1800.0);
    let points = [
        (-outer, middle - spread),
        (-inner, middle + spread),
        (0.0, 64.0 / 225.0),
        (inner, middle + spread),
        (outer, middle - spread),
    ];
    points.map(|(x, weight)| (f64::midpoint(1.0, x), weight))
}
