//! The ways of training one model on the same devices, side by side.

use super::setting::{Profile, Setting};
use super::{MemoryError, Step, step};
use crate::layout::{Layout, LayoutError, LayoutKeys, Strategy, Traffic, traffic};
use crate::model::Shape;

/// A way of splitting a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Its name.
    pub name: String,
    /// What it asks of the user.
    pub asks: &'static str,
}

/// What a way of splitting a model holds and moves.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The way.
    pub way: Way,
    /// What comes of it.
    pub outcome: Result<Outcome, MemoryError>,
}

/// What a way of splitting a model holds and moves.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The split.
    pub layout: Layout,
    /// The step of the device that holds most.
    pub step: Step,
    /// What a device receives in a step.
    pub traffic: Vec<Traffic>,
}

impl Outcome {
    /// Bytes that a device receives in a step.
    #[must_use]
    pub fn moved(&self) -> f64 {
        self.traffic.iter().map(|traffic| traffic.bytes).sum()
    }
}

/// Devices next to each other over which the rows split matrix products: a node's.
const NODE: u64 = 8;

/// Every way on so many devices, with the sequence, the micro-batch, the recomputation and the
/// operators of a setting. Ways that the devices or the model do not allow are left out.
#[must_use]
pub fn compare(shape: &Shape, setting: &Setting) -> Vec<Row> {
    let devices = setting.layout.devices();
    let ways = ways(shape, devices, setting.profile);
    ways.into_iter()
        .filter_map(|(way, keys)| {
            let common = LayoutKeys {
                micro_batch: Some(setting.layout.micro_batch),
                recompute: Some(setting.layout.recompute),
                ..keys
            };
            let layout = Layout::of(&common, devices).ok()?;
            let outcome = step(shape, &Setting { layout, ..*setting }).map(|step| {
                let traffic = traffic(shape, &layout, setting.sequence, setting.precision.kept());
                Outcome { layout, step, traffic }
            });
            Some(Row { way, outcome })
        })
        .collect()
}

fn ways(shape: &Shape, devices: u64, profile: Profile) -> Vec<(Way, LayoutKeys)> {
    let way = |name: &str, asks, keys| (Way { name: name.to_owned(), asks }, keys);
    let of = |strategy| LayoutKeys { strategy: Some(strategy), ..LayoutKeys::default() };
    // what shards the states beside the other splits
    let sharded = profile.strategy();
    let beside = if sharded == Strategy::Fsdp2 { "FSDP2" } else { "ZeRO-1" };
    let fsdp = of(Strategy::Fsdp2);
    let base = of(sharded);
    // the largest split within a node that the heads, the layers and the devices allow
    let within = |fits: &dyn Fn(u64) -> bool| {
        (1..=NODE.min(devices)).rev().find(|n| devices.is_multiple_of(*n) && fits(n.to_owned()))
    };
    let tp = within(&|n| shape.blocks().all(|(_, b)| b.attention.heads().is_multiple_of(n)));
    let pp = within(&|n| shape.layers().is_multiple_of(n));
    let cp = within(&|_| true);
    let ep = within(&|n| shape.experts().is_some_and(|count| count.is_multiple_of(n)));
    let mut out = vec![
        way("DP", "one line around the model; one process, so slow", of(Strategy::Dp)),
        way("DDP", "a process for every device; the model fits on each", of(Strategy::Ddp)),
        way("ZeRO-1", "DeepSpeed or a distributed optimizer", of(Strategy::Zero1)),
        way("ZeRO-2", "DeepSpeed", of(Strategy::Zero2)),
        way("ZeRO-3", "DeepSpeed; gathers in every pass", of(Strategy::Zero3)),
        way(
            "FSDP2",
            "units to wrap; gathers in forward and backward",
            LayoutKeys { reshard: Some(true), ..fsdp.clone() },
        ),
        way(
            "FSDP2, reshard off",
            "units to wrap; the gathered model fits",
            LayoutKeys { reshard: Some(false), ..fsdp.clone() },
        ),
        way("HSDP", "a mesh; copies between nodes, shards within", of(Strategy::Hsdp)),
    ];
    let mut split = |name: &str, asks, keys: Option<LayoutKeys>| {
        let name = format!("{name}, {beside}");
        out.extend(keys.map(|keys| way(&name, asks, keys)));
    };
    let more = |n: Option<u64>| n.filter(|n| *n > 1);
    split(
        "TP + SP",
        "a plan for every matrix; links of a node",
        more(tp).map(|n| LayoutKeys { tp: Some(n), ..base.clone() }),
    );
    split(
        "PP 1F1B",
        "stages to cut; many micro-batches",
        more(pp).map(|n| LayoutKeys { pp: Some(n), micro_batches: Some(4 * n), ..base.clone() }),
    );
    let chunks = more(pp).filter(|n| shape.layers().is_multiple_of(2 * n));
    split(
        "PP interleaved",
        "chunks of stages; more in flight",
        chunks.map(|n| LayoutKeys {
            pp: Some(n),
            interleave: Some(2),
            micro_batches: Some(4 * n),
            ..base.clone()
        }),
    );
    split(
        "CP",
        "attention over devices; long sequences",
        more(cp).map(|n| LayoutKeys { cp: Some(n), ..base.clone() }),
    );
    split(
        "EP",
        "experts over devices; balanced routing",
        more(ep).map(|n| LayoutKeys { ep: Some(n), ..base.clone() }),
    );
    let both = more(tp).zip(more(pp)).filter(|(t, p)| devices.is_multiple_of(t * p));
    let all = both.map(|(t, p)| LayoutKeys {
        tp: Some(t),
        pp: Some(p),
        micro_batches: Some(4 * p),
        ..of(Strategy::Zero1)
    });
    let asks = "3D: all of these (Megatron-LM's way)";
    out.extend(all.map(|keys| way("TP + PP, ZeRO-1", asks, keys)));
    out
}

impl From<LayoutError> for MemoryError {
    fn from(error: LayoutError) -> Self {
        Self { key: error.key, message: error.message, help: error.help }
    }
}
