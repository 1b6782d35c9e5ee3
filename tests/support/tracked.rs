//! Rows of the tracker's table as what is simulated.

use crate::rows::{Row, number, shape};
use crate::setting::plain;
use plan::layout::{LayoutKeys, Recompute};
use plan::memory::{LossKernel, Setting};
use plan::model::{Shape, ShapeKeys};

/// The model and the setting of a row of `fsdp_memory.csv`.
pub fn tracked(row: &Row) -> (Shape, Setting) {
    let keys: ShapeKeys = toml::from_str(&shape(row)).unwrap();
    let layout = LayoutKeys {
        micro_batch: Some(number(row, "micro_batch")),
        recompute: (row["recompute"] == "true").then_some(Recompute::Full),
        reshard: Some(row["reshard"] == "true"),
        ..LayoutKeys::default()
    };
    let loss = if row["logits_kept"] == "true" { LossKernel::Eager } else { LossKernel::Released };
    let sequence = number(row, "sequence");
    let setting = Setting { sequence, loss, ..plain(&layout, number(row, "ranks")) };
    (keys.shape().unwrap(), setting)
}
