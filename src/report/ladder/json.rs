//! A ladder as JSON: versioned, in base units, unrounded.

use super::LadderView;
use crate::ladder::{Coverage, Simulation, log_spread, others};
use serde_json::{Map, Value, json};

/// Version of the JSON of a ladder.
const VERSION: u32 = 1;

impl LadderView<'_> {
    /// The ladder as JSON, with a final newline.
    ///
    /// # Panics
    /// Never: the document has string keys only.
    #[must_use]
    pub fn json(&self) -> String {
        let settings = &self.ladder.settings;
        let mut map = Map::new();
        let mut put = |key: &str, value: Value| {
            if !value.is_null() {
                map.insert(key.to_owned(), value);
            }
        };
        put("version", json!(VERSION));
        put("law", json!({ "name": self.law, "constants": settings.law }));
        let optimum = settings.optimum();
        put(
            "target",
            json!({
                "flops": settings.target,
                "params": optimum.params,
                "tokens": optimum.tokens,
                "loss": optimum.loss,
            }),
        );
        put("flops", json!(self.ladder.flops()));
        put("share", json!(self.ladder.flops().0 / settings.target.0));
        put("extrapolation", json!(settings.target.0 / self.ladder.largest().0));
        if let Some(cost) = self.cost {
            put("accelerator_hours", json!(cost.accelerator_hours));
            put("days", json!(cost.days));
            put("usd", json!(cost.usd));
        }
        put(
            "grid",
            json!({
                "budgets": settings.budgets,
                "sizes": settings.sizes,
                "span": settings.span,
                "reach": settings.reach,
                "noise": settings.noise,
                "k": settings.k,
            }),
        );
        let runs = self.ladder.rungs.iter().map(|rung| {
            json!({
                "name": rung.name(),
                "params": rung.params,
                "tokens": rung.tokens,
                "flops": rung.flops,
                "shape": rung.shape,
            })
        });
        put("runs", json!(runs.collect::<Vec<_>>()));
        put("predicted", json!(self.simulation.map(|simulation| self.predicted_json(simulation))));
        put("log_params_deviation", json!(log_spread(self.ladder, self.sets.objective)));
        let others = others(settings, self.sets.objective).into_iter().map(|(other, deviation)| {
            json!({
                "budgets": other.budgets,
                "sizes": other.sizes,
                "span": other.span,
                "flops": other.spend,
                "log_params_deviation": deviation,
            })
        });
        put("others", json!(others.collect::<Vec<_>>()));
        serde_json::to_string_pretty(&map).expect("a ladder is JSON") + "\n"
    }

    fn predicted_json(&self, simulation: &Simulation) -> Value {
        json!({
            "seed": self.sets.seed,
            "objective": self.sets.objective.name(),
            "bootstrap": self.sets.bootstrap,
            "params_80": simulation.params_80,
            "tokens_80": simulation.tokens_80,
            "tokens_per_param_80": simulation.tokens_per_param_80,
            "loss_80": simulation.loss_80,
            "params_exponent_80": simulation.params_exponent_80,
            "coverage": coverage_json(simulation),
        })
    }
}

/// How often 80 % intervals hold the truth.
pub(in crate::report) fn coverage_json(simulation: &Simulation) -> Value {
    let of = |coverage: &Coverage| {
        json!({
            "held": coverage.held,
            "times": if coverage.times.is_finite() { json!(coverage.times) } else { Value::Null },
            "widened": coverage.widening(),
        })
    };
    json!({
        "sets": simulation.sets,
        "failed": simulation.failed,
        "params": of(&simulation.params),
        "loss": of(&simulation.loss),
    })
}
