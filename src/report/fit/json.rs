//! A fit as JSON: versioned, in base units, unrounded.

use super::{FitView, Source, delta, params_exponent};
use crate::fit::{IsoFlop, Residual};
use crate::plan::Interval;
use serde_json::{Map, Value, json};

/// Version of the JSON of a fit.
const VERSION: u32 = 1;

impl FitView<'_> {
    /// The fit as JSON, with a final newline.
    ///
    /// # Panics
    /// Never: the document has string keys only.
    #[must_use]
    pub fn json(&self) -> String {
        let fit = self.fit;
        let mut map = Map::new();
        let mut put = |key: &str, value: Value| {
            if !value.is_null() {
                map.insert(key.to_owned(), value);
            }
        };
        put("version", json!(VERSION));
        put("form", json!(if self.is_tied() { "tied" } else { "parametric" }));
        put("constants", json!(fit.surface));
        put("standard_errors", json!(fit.bootstrap.as_ref().map(|own| own.standard_errors)));
        let name = fit.objective.name();
        put(
            "objective",
            match delta(fit.objective) {
                Some(delta) => json!({ "name": name, "delta": delta, "value": fit.value }),
                None => json!({ "name": name, "value": fit.value }),
            },
        );
        put("params_exponent", json!(params_exponent(&fit.surface)));
        put("params_exponent_80", json!(self.over(params_exponent)));
        put("tokens_exponent", json!(1.0 - params_exponent(&fit.surface)));
        put("tokens_exponent_80", json!(self.over(|s| 1.0 - params_exponent(s))));
        put("optimum", self.optimum_json());
        put(
            "isoflop",
            match &fit.isoflop {
                Ok(isoflop) => isoflop_json(isoflop),
                Err(why) => json!({ "missing": why }),
            },
        );
        put("roll_out", json!(self.roll_out.map(super::roll_out::json)));
        put("coverage", json!(self.coverage.map(crate::report::ladder::coverage_json)));
        put("condition_number", finite(fit.condition));
        put("condition_number_centred", finite(fit.condition_centred));
        put("residuals", residuals(fit.rms, &fit.worst));
        put(
            "bootstrap",
            json!(fit.bootstrap.as_ref().map(|own| json!({
                "resamples": own.draws.len(),
                "seed": self.settings.seed,
                "refitted": !own.linear,
                "at_ends": own.at_ends,
                "widened": own.wider,
            }))),
        );
        let mut data = Source::of_runs(self.name, self.runs).json();
        data["range"] = json!({
            "flops": fit.range.flops,
            "params": fit.range.params,
            "tokens": fit.range.tokens,
            "tokens_per_param": fit.range.tokens_per_param,
        });
        put("data", data);
        put("remarks", json!(fit.remarks));
        serde_json::to_string_pretty(&map).expect("a fit is JSON") + "\n"
    }

    fn optimum_json(&self) -> Value {
        let target = &self.fit.target;
        let optimum = &target.optimum;
        let mut value = json!({
            "flops": target.flops,
            "params": optimum.params,
            "tokens": optimum.tokens,
            "tokens_per_param": optimum.tokens_per_param(),
            "loss": optimum.loss,
            "extrapolation": target.extrapolation,
        });
        let intervals: [(&str, Option<Interval>); 4] = [
            ("params_80", target.params_80),
            ("tokens_80", target.tokens_80),
            ("tokens_per_param_80", target.tokens_per_param_80),
            ("loss_80", target.loss_80),
        ];
        for (key, ends) in intervals {
            if let Some(ends) = ends {
                value[key] = json!(ends);
            }
        }
        value
    }
}

/// The deviations of runs from a law.
pub(super) fn residuals(log_rms: f64, worst: &[Residual]) -> Value {
    let worst = worst.iter().map(|worst| {
        json!({
            "line": worst.run.line,
            "params": worst.run.params,
            "tokens": worst.run.tokens,
            "loss": worst.run.loss,
            "predicted": worst.predicted,
            "log_residual": worst.log_residual,
        })
    });
    json!({ "log_rms": log_rms, "worst": worst.collect::<Vec<_>>() })
}

fn isoflop_json(isoflop: &IsoFlop) -> Value {
    let parabolas = isoflop.parabolas.iter().map(|one| {
        json!({
            "flops": one.flops,
            "params": one.params,
            "loss": one.least,
            "bend": one.bend,
            "runs": one.runs,
        })
    });
    json!({
        "params_exponent": isoflop.params_exponent,
        "tokens_exponent": isoflop.tokens_exponent,
        "params": isoflop.params,
        "tokens": isoflop.tokens,
        "parabolas": parabolas.collect::<Vec<_>>(),
    })
}

/// JSON has no infinity: a singular problem has no number.
fn finite(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { Value::Null }
}
