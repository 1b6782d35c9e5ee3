//! How allocated, reserved and shown memory differ, and how well the number is known.

use super::{GIB, gib};
use crate::derive::StepMemory;
use crate::memory::{MEASURED_STEPS, Profile, RESERVED, reserved, shown};
use crate::quantity::significant;
use crate::report::block::Block;

/// What tensors hold, what the allocator keeps for them, and what the device shows.
pub(super) fn told_apart(step: &StepMemory) -> Vec<Block> {
    let (reserved, shown) = (reserved(step.cuda_bytes), shown(step.cuda_bytes));
    let range = |[low, high]: [f64; 2]| format!("{} to {}", gib(low), gib(high));
    let mut rows = Vec::new();
    let mut row = |name: &str, bytes: f64, range: String| {
        rows.push(vec![name.to_owned(), format!("{:.2}", bytes / GIB), range]);
    };
    if step.setting.profile == Profile::Eager {
        let name = "allocated by PyTorch's own count, without a GPU";
        row(name, step.peak.bytes, String::new());
    }
    row("allocated on an NVIDIA GPU", step.cuda_bytes, String::new());
    row("reserved there by PyTorch", reserved.bytes, range(reserved.range));
    row("in use as nvidia-smi shows it", shown.bytes, range(shown.range));
    let [least, _, lower, median, upper, _, most] = RESERVED.map(|ratio| significant(ratio, 3));
    vec![
        Block::table(&["", "GiB", "80 % interval"], rows, 1),
        Block::Line(format!(
            "  {MEASURED_STEPS} steps on an H100 reserved {median} times what they allocated in the \
             median (quartiles {lower} and {upper}, {least} to {most}), and the device showed 0.80 \
             to 0.91 GB more: CUDA's context. PyTorch's own advice against the part that is \
             reserved in vain is PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True."
        )),
    ]
}

/// What tested a number like this.
pub(super) fn evidence(step: &StepMemory) -> Vec<Block> {
    let evidence = step.evidence();
    let suite = evidence.suite;
    let error = if suite.worst_error == 0.0 {
        "exact to the byte".to_owned()
    } else {
        let percent = |share: f64| significant(share * 100.0, 2);
        format!(
            "{} % off in the median, {} % at worst",
            percent(suite.median_error),
            percent(suite.worst_error)
        )
    };
    let inside = if evidence.inside() {
        "This step lies inside what they cover.".to_owned()
    } else {
        format!("Not tested: {}.", evidence.outside.join("; "))
    };
    vec![Block::Line(format!(
        "  Profile {}: {} {}, {error} ({}). {inside}",
        step.setting.profile, suite.cases, suite.what, suite.file
    ))]
}
