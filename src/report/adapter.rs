//! Low-rank adapters beside training the whole model.

use super::answer::Answer;
use super::block::Block;
use crate::quantity::{grouped, round_significant, significant};
use crate::throughput::{LORA_MEASURED, QLORA_80};

/// Bytes of a GiB.
const GIB: f64 = 1_073_741_824.0;

fn number(value: f64) -> String {
    if value < 1000.0 { significant(value, 3) } else { grouped(round_significant(value, 3)) }
}

fn optional(value: Option<f64>, words: impl Fn(f64) -> String) -> String {
    value.map_or_else(String::new, words)
}

pub(super) fn section(answer: &Answer) -> Vec<Block> {
    let Some(own) = &answer.derivation.derived.adapter else {
        return Vec::new();
    };
    let rows = own.ways.iter().map(|way| {
        let range = way.time_over_full_range.map_or_else(String::new, |[low, high]| {
            format!("{} to {}", significant(low, 2), significant(high, 2))
        });
        vec![
            way.way.clone(),
            optional(way.trained_params, |params| format!("{} M", number(params / 1e6))),
            significant(way.flops_per_token / 1e9, 3),
            significant(way.time_over_full, 3),
            range,
            optional(way.accelerator_hours, number),
            optional(way.usd, number),
            optional(way.peak_bytes, |bytes| significant(bytes / GIB, 3)),
        ]
    });
    let ([low, high], [least, most]) = (LORA_MEASURED, QLORA_80);
    let header = ["trained", "parameters", "GFLOP/token", "time", "range", "hours", "USD", "GiB"];
    vec![
        Block::Heading("Adapters beside the whole model".to_owned()),
        Block::table(&header, rows.collect(), 1),
        Block::Line(format!(
            "  Time by FLOPs: a frozen matrix has no gradient of its own, 4 of 6. Published LoRA \
                 steps took {low:.2} to {high:.2} times that, from GPT-3 175B to Llama 3 70B; 4-bit \
                 models {least:.2} to {most:.2} times as long as BF16 ones. Small models and short \
                 sequences gain less. What is reached by so few parameters is another matter."
        )),
    ]
}
