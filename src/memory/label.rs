//! What a stretch of memory holds.

/// What a stretch of memory holds; the breakdown of a peak is by these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label {
    /// Parameters as the optimizer keeps them: this device's shards, or all.
    Parameters,
    /// The optimizer's moments, master weights and counters.
    Optimizer,
    /// Gradients as the optimizer reads them.
    Gradients,
    /// Parameters of a unit while it works: gathered, or cast.
    Gathered,
    /// Gradients of a unit before they are reduced.
    UnitGradients,
    /// Buffers of collectives.
    Communication,
    /// Workspaces of the matrix library.
    Workspace,
    /// Token ids and labels.
    Inputs,
    /// The embedded tokens, tables of positions and rotations.
    Embedding,
    /// The stream between the parts of a block.
    Residual,
    /// Norms: inputs, statistics and outputs kept for backward.
    Norms,
    /// Queries, keys and values.
    Qkv,
    /// The output of attention and its statistics; the score matrix where there is one.
    Attention,
    /// The feed-forward's inner activations.
    FeedForward,
    /// The router's scores and the tokens sorted by expert.
    Router,
    /// Inputs that recomputation keeps.
    Checkpoints,
    /// Logits in the model's precision.
    Logits,
    /// Copies of the logits in FP32 and their gradients.
    Loss,
    /// Gradients of activations.
    ActivationGradients,
    /// Temporaries of the optimizer's step.
    OptimizerWork,
}

impl Label {
    /// All of them, in the order of the report.
    pub const ALL: [Self; 20] = [
        Self::Parameters,
        Self::Gradients,
        Self::Optimizer,
        Self::Gathered,
        Self::UnitGradients,
        Self::Communication,
        Self::Workspace,
        Self::Inputs,
        Self::Embedding,
        Self::Residual,
        Self::Norms,
        Self::Qkv,
        Self::Attention,
        Self::FeedForward,
        Self::Router,
        Self::Checkpoints,
        Self::Logits,
        Self::Loss,
        Self::ActivationGradients,
        Self::OptimizerWork,
    ];

    /// The JSON key.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Parameters => "parameters",
            Self::Gradients => "gradients",
            Self::Optimizer => "optimizer",
            Self::Gathered => "gathered",
            Self::UnitGradients => "unit_gradients",
            Self::Communication => "communication",
            Self::Workspace => "workspace",
            Self::Inputs => "inputs",
            Self::Embedding => "embedding",
            Self::Residual => "residual",
            Self::Norms => "norms",
            Self::Qkv => "qkv",
            Self::Attention => "attention",
            Self::FeedForward => "feed_forward",
            Self::Router => "router",
            Self::Checkpoints => "checkpoints",
            Self::Logits => "logits",
            Self::Loss => "loss",
            Self::ActivationGradients => "activation_gradients",
            Self::OptimizerWork => "optimizer_work",
        }
    }

    /// What it belongs to.
    #[must_use]
    pub fn group(self) -> Group {
        match self {
            Self::Parameters | Self::Gradients | Self::Optimizer => Group::States,
            Self::Gathered | Self::Communication | Self::Workspace => Group::Gathered,
            Self::Inputs
            | Self::Embedding
            | Self::Residual
            | Self::Norms
            | Self::Qkv
            | Self::Attention
            | Self::FeedForward
            | Self::Router
            | Self::Checkpoints => Group::Activations,
            Self::Logits | Self::Loss => Group::Loss,
            Self::UnitGradients | Self::ActivationGradients | Self::OptimizerWork => Group::Work,
        }
    }
}

/// Kinds of memory that people tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// What the optimizer keeps: parameters, gradients, its states.
    States,
    /// Parameters at work, buffers of collectives and of the matrix library.
    Gathered,
    /// What forward leaves for backward.
    Activations,
    /// Logits, their copies and gradients.
    Loss,
    /// What backward and the optimizer hold for a moment.
    Work,
}

impl Group {
    /// All of them, from what stays to what comes and goes.
    pub const ALL: [Self; 5] =
        [Self::States, Self::Gathered, Self::Activations, Self::Loss, Self::Work];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::States => "model and optimizer",
            Self::Gathered => "gathered, communication",
            Self::Activations => "activations",
            Self::Loss => "logits and loss",
            Self::Work => "gradients, temporaries",
        }
    }
}
