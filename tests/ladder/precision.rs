//! The first-order spread of ln N* against a separate computation.

use super::simulate::TRUTH;
use plan::fit::{Objective, log_deviation};
use plan::quantity::{Flops, FlopsPerParamToken, Params, Tokens};

/// Four budgets from 1e18 to 1e21 with five sizes each.
const PLACES: [(f64, f64); 20] = [
    (2.013e7, 8.278e9),
    (4.027e7, 4.139e9),
    (8.053e7, 2.070e9),
    (1.611e8, 1.035e9),
    (3.221e8, 5.174e8),
    (6.554e7, 2.543e10),
    (1.311e8, 1.271e10),
    (2.622e8, 6.357e9),
    (5.243e8, 3.179e9),
    (1.049e9, 1.589e9),
    (2.134e8, 7.811e10),
    (4.267e8, 3.906e10),
    (8.535e8, 1.953e10),
    (1.707e9, 9.764e9),
    (3.414e9, 4.882e9),
    (6.946e8, 2.399e11),
    (1.389e9, 1.200e11),
    (2.778e9, 5.999e10),
    (5.557e9, 2.999e10),
    (1.111e10, 1.500e10),
];

/// numpy: J and g by central differences (h = 1e-6), sd = 0.005 |R⁻ᵀ g| with J = QR, which gives
/// 0.11233622585 at 1e23 FLOP.
#[test]
fn the_first_order_spread_is_that_of_numpy() {
    let places: Vec<_> = PLACES.iter().map(|&(n, d)| (Params(n), Tokens(d))).collect();
    let (target, k) = (Flops(1e23), FlopsPerParamToken::TRAINING);
    let of = |objective| log_deviation(&places, &TRUTH, objective, 0.005, target, k).unwrap();
    let own = of(Objective::Mse);
    assert!((own / 0.112_336_225_85 - 1.0).abs() < 1e-6, "{own}");
    // the variance of a median of normal deviates is pi/2 times that of their mean
    let median = of(Objective::LogL1);
    assert!((median / own - (std::f64::consts::FRAC_PI_2).sqrt()).abs() < 1e-12, "{median}");
    // one size tells nothing of A and alpha
    let alike: Vec<_> = places.iter().map(|&(_, d)| (Params(1e9), d)).collect();
    assert_eq!(log_deviation(&alike, &TRUTH, Objective::Mse, 0.005, target, k), None);
}
