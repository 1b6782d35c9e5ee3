//! The forms in which laws are printed, each with the constants of its source.

use super::{Optimum, Surface};
use crate::quantity::{Flops, Loss, Params, Tokens};
use libm::{exp, log, pow};
use serde::Deserialize;

/// A law's functional form.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// L(N, D) = E + A/N^α + B/D^β.
    Surface(Surface),
    /// The same with E, A and B printed as natural logarithms.
    SurfaceLogs(LogSurface),
    /// The over-training law of Gadre et al. 2024.
    OverTraining(OverTraining),
    /// Optimum as powers of the compute.
    Power(PowerLaw),
    /// Printed optima; the law is the log-log least-squares line through them.
    Table(Vec<TableRow>),
    /// A fixed number of tokens per parameter.
    Ratio(f64),
}

/// A printed optimum: parameters, FLOPs, tokens.
pub type TableRow = [f64; 3];

/// [`Surface`] with ln E, ln A and ln B.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSurface {
    ln_e: f64,
    ln_a: f64,
    ln_b: f64,
    alpha: f64,
    beta: f64,
}

impl From<LogSurface> for Surface {
    fn from(logs: LogSurface) -> Self {
        Self {
            e: exp(logs.ln_e),
            a: exp(logs.ln_a),
            b: exp(logs.ln_b),
            alpha: logs.alpha,
            beta: logs.beta,
        }
    }
}

/// L = alpha N^b + beta 6^(b/2) D^b + E with b < 0, as the code of Gadre et al. 2024 has it.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverTraining {
    alpha: f64,
    beta: f64,
    b: f64,
    e: f64,
}

impl From<OverTraining> for Surface {
    fn from(form: OverTraining) -> Self {
        Self {
            e: form.e,
            a: form.alpha,
            b: form.beta * pow(6.0, form.b / 2.0),
            alpha: -form.b,
            beta: -form.b,
        }
    }
}

/// y = coefficient · C^exponent.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(from = "[f64; 2]")]
pub struct Power {
    /// Value at a compute of one unit.
    pub coefficient: f64,
    /// Exponent of the compute.
    pub exponent: f64,
}

impl From<[f64; 2]> for Power {
    fn from([coefficient, exponent]: [f64; 2]) -> Self {
        Self { coefficient, exponent }
    }
}

impl Power {
    fn at(self, compute: f64) -> f64 {
        self.coefficient * pow(compute, self.exponent)
    }

    /// Unweighted least squares of ln y on ln C.
    fn through(points: impl Iterator<Item = (f64, f64)> + Clone) -> Self {
        let logs = points.map(|(c, y)| (log(c), log(y)));
        let count = logs.clone().fold(0.0, |n, _| n + 1.0);
        let mean = |pick: fn((f64, f64)) -> f64| logs.clone().map(pick).sum::<f64>() / count;
        let (mean_c, mean_y) = (mean(|p| p.0), mean(|p| p.1));
        let sums = logs.fold((0.0, 0.0), |(xy, xx), (c, y)| {
            (xy + (c - mean_c) * (y - mean_y), xx + (c - mean_c) * (c - mean_c))
        });
        let exponent = sums.0 / sums.1;
        Self { coefficient: exp(mean_y - exponent * mean_c), exponent }
    }
}

/// Optimum as powers of the compute C in units of `unit_flops`; what is absent follows from
/// C = 6ND.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PowerLaw {
    /// FLOP per unit of compute: 1, or 8.64e19 for PF-days.
    #[serde(default = "one")]
    pub unit_flops: f64,
    /// N*(C).
    pub params: Option<Power>,
    /// D*(C).
    pub tokens: Option<Power>,
    /// M*(C), FLOPs per token.
    pub flops_per_token: Option<Power>,
    /// L*: `[c, x]` stands for (c/C)^x.
    pub loss: Option<Power>,
}

fn one() -> f64 {
    1.0
}

impl PowerLaw {
    /// N* and D* as powers of the FLOP, each `[coefficient, exponent]`.
    #[must_use]
    pub fn new(params: [f64; 2], tokens: [f64; 2]) -> Self {
        Self {
            unit_flops: 1.0,
            params: Some(params.into()),
            tokens: Some(tokens.into()),
            flops_per_token: None,
            loss: None,
        }
    }

    /// The two lines through a printed table of optima.
    #[must_use]
    pub fn through(rows: &[TableRow]) -> Self {
        Self {
            unit_flops: 1.0,
            params: Some(Power::through(rows.iter().map(|[n, c, _]| (*c, *n)))),
            tokens: Some(Power::through(rows.iter().map(|[_, c, d]| (*c, *d)))),
            flops_per_token: None,
            loss: None,
        }
    }

    pub(super) fn optimum(&self, flops: Flops) -> Optimum {
        let compute = flops.0 / self.unit_flops;
        let fitted_params = self.params.map(|power| power.at(compute));
        let fitted_tokens = self.tokens.map(|power| power.at(compute));
        let flops_per_token = self.flops_per_token.map(|power| power.at(compute));
        let params = match (fitted_params, fitted_tokens, flops_per_token) {
            (Some(params), _, _) => Some(params),
            (None, Some(tokens), None) => Some(flops.0 / (6.0 * tokens)),
            _ => None,
        };
        let tokens = fitted_tokens.or(params.map(|n| flops.0 / (6.0 * n))).unwrap_or(f64::NAN);
        Optimum {
            params: params.map(Params),
            tokens: Tokens(tokens),
            flops_per_token,
            loss: self.loss.map(|loss| Loss(pow(loss.coefficient / compute, loss.exponent))),
        }
    }
}
