//! Why a layout is none.

use std::fmt;

/// Why a split or a layout is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// What is fixed does not divide the devices that are left for it.
    Devices,
    /// Tensor-parallel devices would lie in more than one node.
    AcrossNodes,
    /// Heads do not divide by tp.
    Heads,
    /// More pipeline stages than layers.
    Stages,
    /// The tokens of a sequence do not divide by cp.
    Sequence,
    /// The sequences of a step do not divide by the data-parallel devices.
    Batch,
    /// The strategy has no such copies and shards.
    Copies,
    /// Experts do not divide by ep.
    Experts,
    /// The sequences of a device do not divide by the micro-batch.
    MicroBatch,
    /// The pipeline's schedule has no such chunks.
    Schedule,
    /// The engine's memory is not known for such a split, by the key of `[layout]` at fault.
    Engine(&'static str),
}

impl Reason {
    /// Its name in JSON.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Devices => "devices".to_owned(),
            Self::AcrossNodes => "across-nodes".to_owned(),
            Self::Heads => "heads".to_owned(),
            Self::Stages => "stages".to_owned(),
            Self::Sequence => "sequence".to_owned(),
            Self::Batch => "batch".to_owned(),
            Self::Copies => "copies".to_owned(),
            Self::Experts => "experts".to_owned(),
            Self::MicroBatch => "micro-batch".to_owned(),
            Self::Schedule => "schedule".to_owned(),
            Self::Engine(key) => {
                format!("engine-{}", key.rsplit('.').next().unwrap_or(key).replace('_', "-"))
            }
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Devices => "a fixed degree does not divide the devices",
            Self::AcrossNodes => "tensor-parallel devices in more than one node",
            Self::Heads => "heads do not divide by tp",
            Self::Stages => "more stages than layers",
            Self::Sequence => "the tokens of a sequence do not divide by cp",
            Self::Batch => "the sequences of a step do not divide by the data-parallel devices",
            Self::Copies => "copies and shards that the strategy does not have",
            Self::Experts => "experts do not divide by ep",
            Self::MicroBatch => "the micro-batch does not divide a device's sequences",
            Self::Schedule => "chunks of layers that the schedule does not have",
            Self::Engine(key) => {
                return write!(f, "`{key}` as the engine's memory is not known or not split");
            }
        })
    }
}
