//! The areas of the picture.

use crate::memory::Label;

/// The areas' names, the topmost first.
pub(super) const GROUPS: [&str; 5] = [
    "gradients, temporaries",
    "logits and loss",
    "activations",
    "gathered, communication",
    "model and optimizer",
];

/// Bytes of every area, given those of every kind.
pub(super) fn group(held: impl Fn(Label) -> f64) -> [f64; GROUPS.len()] {
    let mut bytes = [0.0; GROUPS.len()];
    for label in Label::ALL {
        bytes[index(label)] += held(label);
    }
    bytes
}

fn index(label: Label) -> usize {
    match label {
        Label::UnitGradients | Label::ActivationGradients | Label::OptimizerWork => 0,
        Label::Logits | Label::Loss => 1,
        Label::Inputs
        | Label::Embedding
        | Label::Residual
        | Label::Norms
        | Label::Qkv
        | Label::Attention
        | Label::FeedForward
        | Label::Router
        | Label::Checkpoints => 2,
        Label::Gathered | Label::Communication | Label::Workspace => 3,
        Label::Parameters | Label::Gradients | Label::Optimizer => 4,
    }
}
