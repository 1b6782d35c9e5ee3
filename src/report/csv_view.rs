//! Answers as CSV, unrounded: the run, or all laws, or the regrets.

use super::answer::{Answer, Show};
use super::laws::{compared, law_rows};
use crate::allocation::regrets;
use crate::plan::Interval;
use crate::quantity::exact;

/// One table: all laws with `laws`, every choice under every truth with `regret`, else the run.
///
/// # Panics
/// Never: writing to memory does not fail.
#[must_use]
pub fn csv(answer: &Answer, show: Show) -> String {
    let rows = match (compared(answer), show) {
        (Some(flops), Show { regret: true, .. }) => regret_rows(flops, answer),
        (Some(flops), Show { laws: true, .. }) => laws_rows(flops, answer),
        _ => run_rows(answer),
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).expect("rows of one length are written to memory");
    }
    let bytes = writer.into_inner().expect("memory is flushed");
    String::from_utf8(bytes).expect("cells are text")
}

fn owned(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|&cell| cell.to_owned()).collect()
}

fn optional(value: Option<f64>) -> String {
    value.map_or(String::new(), exact)
}

fn run_rows(answer: &Answer) -> Vec<Vec<String>> {
    let mut rows = vec![owned(&["quantity", "value", "low_80", "high_80"])];
    let Some(run) = &answer.derivation.derived.allocation else {
        return rows;
    };
    let mut row = |name: &str, value: Option<f64>, interval: Option<Interval>| {
        if let Some(value) = value {
            let [low, high] = interval.map_or([None; 2], |ends| ends.map(Some));
            rows.push(vec![name.to_owned(), exact(value), optional(low), optional(high)]);
        }
    };
    row("params", run.params.map(|n| n.0), run.params_80);
    row("flops_per_token", run.flops_per_token, None);
    row("tokens", Some(run.tokens.0), run.tokens_80);
    row("tokens_per_param", run.tokens_per_param.map(|r| r.0), run.tokens_per_param_80);
    row("loss", run.loss.map(|l| l.0), run.loss_80);
    row("flops", Some(run.flops.0), run.flops_80);
    row("days", run.days, None);
    row("accelerator_hours", run.accelerator_hours, None);
    row("usd", run.usd.map(|usd| usd.0), None);
    rows
}

fn laws_rows(flops: crate::quantity::Flops, answer: &Answer) -> Vec<Vec<String>> {
    let model = answer.derivation.model_shape();
    let mut rows = vec![owned(&[
        "law",
        "params",
        "tokens",
        "tokens_per_param",
        "flops_per_token",
        "compute_ratio",
        "extrapolation",
        "status",
        "architecture",
        "counts",
        "model_params",
        "source",
    ])];
    rows.extend(
        law_rows(Some(&answer.derivation.law), flops, answer.derivation.k, model.as_ref())
            .into_iter()
            .map(|row| {
                vec![
                    row.name.to_owned(),
                    optional(row.params.map(|n| n.0)),
                    exact(row.tokens.0),
                    optional(row.tokens_per_param.map(|r| r.0)),
                    optional(row.flops_per_token),
                    optional(row.compute_ratio),
                    optional(row.extrapolation),
                    row.status.to_owned(),
                    row.architecture.to_owned(),
                    row.counts.to_owned(),
                    optional(row.model_params.map(|n| n.0)),
                    row.source.to_owned(),
                ]
            }),
    );
    rows
}

fn regret_rows(flops: crate::quantity::Flops, answer: &Answer) -> Vec<Vec<String>> {
    let mut rows =
        vec![owned(&["choice", "params", "tokens", "truth", "loss_difference", "wasted"])];
    for regret in regrets(Some(&answer.derivation.law), flops, answer.derivation.k) {
        rows.extend(regret.under.iter().map(|under| {
            vec![
                regret.choice.to_owned(),
                exact(regret.params.0),
                exact(regret.tokens.0),
                under.truth.to_owned(),
                exact(under.loss_difference),
                exact(under.wasted.0),
            ]
        }));
    }
    rows
}
