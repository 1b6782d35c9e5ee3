//! What fits to the smaller runs said of the largest ones.

use crate::fit::RollOut;
use crate::quantity::{Params, Quantity as _, significant};
use crate::report::block::Block;
use serde_json::{Value, json};

pub(super) fn blocks(roll_out: &Result<RollOut, String>) -> Vec<Block> {
    let roll_out = match roll_out {
        Ok(roll_out) => roll_out,
        Err(why) => {
            return vec![
                Block::Heading("Roll-out".to_owned()),
                Block::Line(format!("  Nothing smaller can be fitted: {why}.")),
            ];
        }
    };
    let [least, most] = roll_out.flops;
    let held = match (roll_out.held_out, least.human() == most.human()) {
        (1, _) => format!("the run of {}", most.human()),
        (count, true) => format!("the {count} runs of {}", most.human()),
        (count, false) => format!("the {count} runs of {} to {}", least.human(), most.human()),
    };
    let percent = |share: f64| format!("{:+.2} %", 100.0 * share);
    let rows = roll_out.steps.iter().map(|step| {
        let ends = step.params_80.map(|ends| ends.map(|end| Params(end).human()));
        vec![
            step.flops.human(),
            step.rows.to_string(),
            format!("x {}", significant(step.extrapolation, 3)),
            percent(step.mean),
            percent(step.rms).trim_start_matches('+').to_owned(),
            step.params.human(),
            ends.map_or(String::new(), |[low, high]| format!("{low} to {high}")),
        ]
    });
    let header = ["fitted up to", "runs", "beyond", "off by", "rms", "N*", "80 %"];
    vec![
        Block::Heading(format!("Roll-out: fits to smaller runs predict {held}")),
        Block::table(&header, rows.collect(), 1),
        Block::Line(format!(
            "  off by: mean of the losses over those predicted; N* is that at {}, by all runs {}.",
            most.human(),
            roll_out.params.human()
        )),
    ]
}

pub(super) fn json(roll_out: &Result<RollOut, String>) -> Value {
    let roll_out = match roll_out {
        Ok(roll_out) => roll_out,
        Err(why) => return json!({ "missing": why }),
    };
    let steps = roll_out.steps.iter().map(|step| {
        let mut value = json!({
            "rows": step.rows,
            "flops": step.flops,
            "extrapolation": step.extrapolation,
            "log_mean": step.mean,
            "log_rms": step.rms,
            "params": step.params,
        });
        if let Some(ends) = step.params_80 {
            value["params_80"] = json!(ends);
        }
        value
    });
    json!({
        "held_out": roll_out.held_out,
        "flops": roll_out.flops,
        "params": roll_out.params,
        "steps": steps.collect::<Vec<_>>(),
    })
}
