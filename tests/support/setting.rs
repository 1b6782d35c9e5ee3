//! Settings of a step.

use plan::layout::{Layout, LayoutKeys};
use plan::memory::{AttentionKernel, LossKernel, Optimizer, Precision, Profile, Setting};

/// A setting where nothing is stated but the layout.
pub fn plain(keys: &LayoutKeys, devices: u64) -> Setting {
    Setting {
        layout: Layout::of(keys, devices).unwrap(),
        sequence: 2048,
        precision: Precision::Bf16,
        optimizer: Optimizer::AdamW,
        attention: AttentionKernel::Sdpa,
        loss: LossKernel::Eager,
        profile: Profile::Eager,
        adapter: None,
        family: None,
    }
}
