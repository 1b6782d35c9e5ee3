//! How allocated, reserved and shown memory differ, and how well the number is known.

use super::{GIB, gib};
use crate::derive::StepMemory;
use crate::memory::{Context, NCCL, Over, Profile, Ratios};
use crate::quantity::significant;
use crate::report::block::Block;

/// What tensors hold, what the allocator keeps for them, and what the device shows.
pub(super) fn told_apart(step: &StepMemory) -> Vec<Block> {
    let device = step.device();
    let range = |[low, high]: [f64; 2]| format!("{} to {}", gib(low), gib(high));
    let mut rows = Vec::new();
    let mut row = |name: &str, bytes: f64, range: String| {
        rows.push(vec![name.to_owned(), format!("{:.2}", bytes / GIB), range]);
    };
    if step.setting.profile == Profile::Eager {
        let name = "allocated by PyTorch's own count, without a GPU";
        row(name, step.peak.bytes, String::new());
    }
    if let Some(allocated) = device.allocated {
        row("allocated on an NVIDIA GPU", allocated, String::new());
    }
    let (reserved, shown) = (device.reserved, device.shown);
    row("reserved by PyTorch on an NVIDIA GPU", reserved.bytes, range(reserved.range));
    row("in use as nvidia-smi shows it", shown.bytes, range(shown.range));
    vec![
        Block::table(&["", "GiB", "80 % interval"], rows, 1),
        Block::Line(format!(
            "  {} {}",
            ratios(device.ratios, step.setting.profile),
            outside(&device.context)
        )),
    ]
}

/// What the estimates rest on.
fn ratios(ratios: &Ratios, profile: Profile) -> String {
    let [least, lower, median, upper, most] = ratios.rounded();
    let fixed = ratios.over == Over::Allocated || profile.on_gpu() == Profile::Cuda;
    let advice = if fixed {
        " PyTorch's own advice against the part that is reserved in vain is \
         PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True."
    } else {
        ""
    };
    format!(
        "{} {} in the median (quartiles {lower} and {upper}, {least} to {most}; {}).{advice}",
        ratios.cases,
        ratios.words(&median),
        ratios.file
    )
}

/// What the device shows beside what is reserved.
fn outside(context: &Context) -> String {
    let more = format!("The device shows {} GiB more: {}", gib(context.bytes), context.what);
    let Some([least, most]) = context.range else {
        if context.assumed > 0.0 {
            return format!("{more}, {} of them assumed.", gib(context.assumed));
        }
        return format!("{more}.");
    };
    let whose = if context.own { "" } else { " under FSDP2, of this profile not" };
    let text = format!("{more} ({} to {} measured{whose}).", gib(least), gib(most));
    if !context.nccl_beside {
        return text;
    }
    let [one, two] = NCCL.map(gib);
    format!(
        "{text} What NCCL holds between devices comes on top: {one} GiB on two NVIDIA H200, {two} \
         where the model is split too; more devices were not measured."
    )
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
