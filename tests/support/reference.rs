//! A fit of its own, to hold the library's against: BFGS of `argmin` with a line search, on the sum
//! of Huber losses (delta = 1e-3) of the log losses, from many starts.

use argmin::{
    core::{CostFunction, Error, Executor, Gradient},
    solver::{linesearch::MoreThuenteLineSearch, quasinewton::BFGS},
};
use plan::fit::Run;
use plan::law::Surface;
use std::cell::RefCell;

/// Where the Huber loss turns from quadratic to linear.
const DELTA: f64 = 1e-3;

/// `[e, a, b, alpha, beta]` of the centred log-sum-exp form.
type Coordinates = Vec<f64>;

/// Means of ln N and ln D, which the search subtracts.
#[derive(Clone, Copy)]
struct Centre {
    ln_params: f64,
    ln_tokens: f64,
}

impl Centre {
    #[expect(clippy::cast_precision_loss, reason = "a few hundred runs")]
    fn of(runs: &[Run]) -> Self {
        let mean = |of: fn(&Run) -> f64| {
            runs.iter().map(|run| libm::log(of(run))).sum::<f64>() / runs.len() as f64
        };
        Self { ln_params: mean(|run| run.params), ln_tokens: mean(|run| run.tokens) }
    }

    fn coordinates(self, law: &Surface) -> Coordinates {
        let a = libm::log(law.a) - law.alpha * self.ln_params;
        let b = libm::log(law.b) - law.beta * self.ln_tokens;
        vec![libm::log(law.e), a, b, law.alpha, law.beta]
    }
}

/// The objective of a law, and the least that searches from the starts come to; rows count by their
/// weight.
pub fn least(runs: &[Run], starts: &[Surface]) -> f64 {
    let centre = Centre::of(runs);
    let points: Vec<Point> = runs.iter().map(|run| Point::new(run, centre)).collect();
    let ends = starts.iter().filter_map(|start| search(&points, centre.coordinates(start)));
    ends.fold(f64::INFINITY, f64::min) * DELTA
}

/// Sum of the Huber losses of a law.
pub fn objective(runs: &[Run], law: &Surface) -> f64 {
    let centre = Centre::of(runs);
    let points: Vec<Point> = runs.iter().map(|run| Point::new(run, centre)).collect();
    Objective::new(&points).evaluate(&centre.coordinates(law)).value * DELTA
}

/// A run in centred coordinates, with its weight.
#[derive(Clone, Copy)]
struct Point {
    x: f64,
    y: f64,
    ln_loss: f64,
    count: f64,
}

impl Point {
    fn new(run: &Run, centre: Centre) -> Self {
        Self {
            x: libm::log(run.params) - centre.ln_params,
            y: libm::log(run.tokens) - centre.ln_tokens,
            ln_loss: libm::log(run.loss),
            count: run.weight,
        }
    }

    /// Predicted less observed log loss, and the shares of the three terms in the prediction.
    fn residual(&self, coordinates: &Coordinates) -> (f64, [f64; 3]) {
        let &[e, a, b, alpha, beta] = coordinates.as_slice() else { unreachable!() };
        let terms = [e, a - alpha * self.x, b - beta * self.y];
        let largest = terms[0].max(terms[1]).max(terms[2]);
        let powers = terms.map(|term| libm::exp(term - largest));
        let sum = powers[0] + powers[1] + powers[2];
        (largest + libm::log(sum) - self.ln_loss, powers.map(|power| power / sum))
    }
}

/// Sum of Huber losses over a sample, divided by delta: so scaled, objective and gradient are
/// neither tiny nor huge.
struct Objective<'a> {
    points: &'a [Point],
    /// The line search asks for the value and the gradient of the same point, one after the other.
    latest: RefCell<Option<Evaluation>>,
}

#[derive(Clone)]
struct Evaluation {
    coordinates: Coordinates,
    value: f64,
    gradient: Vec<f64>,
}

impl<'a> Objective<'a> {
    fn new(points: &'a [Point]) -> Self {
        Self { points, latest: RefCell::new(None) }
    }

    /// Fails where the value is not finite: a line search that met NaN would not end.
    fn at(&self, coordinates: &Coordinates) -> Result<Evaluation, Error> {
        let mut latest = self.latest.borrow_mut();
        if let Some(known) = latest.as_ref().filter(|known| known.coordinates == *coordinates) {
            return Ok(known.clone());
        }
        let evaluation = self.evaluate(coordinates);
        if !evaluation.value.is_finite() {
            return Err(Error::msg("the objective is not finite"));
        }
        Ok(latest.insert(evaluation).clone())
    }

    fn evaluate(&self, coordinates: &Coordinates) -> Evaluation {
        let mut value = 0.0;
        let mut gradient = vec![0.0; 5];
        for point in self.points {
            let (residual, [e, a, b]) = point.residual(coordinates);
            value += point.count * huber(residual);
            let slope = point.count * (residual / DELTA).clamp(-1.0, 1.0);
            gradient[0] += slope * e;
            gradient[1] += slope * a;
            gradient[2] += slope * b;
            gradient[3] -= slope * a * point.x;
            gradient[4] -= slope * b * point.y;
        }
        Evaluation { coordinates: coordinates.clone(), value, gradient }
    }
}

/// Huber loss of a residual, divided by delta.
fn huber(residual: f64) -> f64 {
    let size = residual.abs();
    if size <= DELTA { size * size / (2.0 * DELTA) } else { size - DELTA / 2.0 }
}

impl CostFunction for Objective<'_> {
    type Param = Coordinates;
    type Output = f64;

    fn cost(&self, coordinates: &Coordinates) -> Result<f64, Error> {
        Ok(self.at(coordinates)?.value)
    }
}

impl Gradient for Objective<'_> {
    type Param = Coordinates;
    type Gradient = Vec<f64>;

    fn gradient(&self, coordinates: &Coordinates) -> Result<Vec<f64>, Error> {
        Ok(self.at(coordinates)?.gradient)
    }
}

/// Where one BFGS search ends; `None` where its line search gives up, as one in a few hundred does
/// when rounding turns its direction uphill.
fn search(points: &[Point], start: Coordinates) -> Option<f64> {
    let solver = BFGS::new(MoreThuenteLineSearch::new()).with_tolerance_grad(1e-10).ok()?;
    let row = |i| (0..5).map(|j| if i == j { 1e-2 } else { 0.0 }).collect();
    let identity: Vec<Vec<f64>> = (0..5).map(row).collect();
    let result = Executor::new(Objective::new(points), solver)
        .configure(|state| state.param(start).inv_hessian(identity).max_iters(500))
        .timer(false)
        .run()
        .ok()?;
    Some(result.state.get_best_cost())
}
