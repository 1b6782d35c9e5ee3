//! Rules about how long a training step takes, and about utilisations that plans state.

use super::rule::rule;
use super::{Finding, Rule, Subject};
use crate::derive::StepThroughput;
use crate::hardware;
use crate::layout::{PipelineSchedule, Recompute};
use crate::memory::Precision;
use crate::model::Convention;
use crate::quantity::significant;

/// Share of a step that a bubble may take unremarked.
const BUBBLE: f64 = 0.1;
/// FLOPs with whole blocks recomputed over those without: four passes for three.
const RECOMPUTED: f64 = 4.0 / 3.0;
/// How near a stated utilisation has to be to one that follows from tokens/s.
const NEAR: f64 = 0.02;

pub(super) static TENSOR_PARALLEL_ACROSS_NODES: Rule = rule!(
    "tensor-parallel-across-nodes",
    Throughput,
    Warning,
    "0.1.0",
    "tensor-parallel devices lie in more than one node",
    tensor_parallel_across_nodes
);
pub(super) static PIPELINE_BUBBLE: Rule = rule!(
    "pipeline-bubble",
    Throughput,
    Warning,
    "0.1.0",
    "a pipeline waits for more than 10 % of a step",
    pipeline_bubble
);
pub(super) static UNEVEN_PIPELINE_STAGES: Rule = rule!(
    "uneven-pipeline-stages",
    Throughput,
    Warning,
    "0.1.0",
    "the layers do not share out evenly over the pipeline",
    uneven_pipeline_stages
);
pub(super) static MFU_ABOVE_PUBLISHED: Rule = rule!(
    "mfu-above-published",
    Throughput,
    Warning,
    "0.1.0",
    "the utilisation is above the best that was published for the accelerator",
    mfu_above_published
);
pub(super) static HFU_AS_MFU: Rule = rule!(
    "hfu-as-mfu",
    Throughput,
    Error,
    "0.1.0",
    "the utilisation counts recomputed FLOPs, which the run does not gain by",
    hfu_as_mfu
);

fn percent(share: f64) -> String {
    format!("{} %", significant(share * 100.0, 3))
}

fn step<'a>(subject: &Subject<'a>) -> Option<&'a StepThroughput> {
    subject.derivation.throughput.as_ref()
}

#[expect(clippy::cast_precision_loss, reason = "devices are below 2^53")]
fn tensor_parallel_across_nodes(subject: &Subject) -> Vec<Finding> {
    let Some(step) = step(subject) else { return Vec::new() };
    let (tp, node) = (step.layout.tp, step.device.links.node_devices);
    if tp <= node {
        return Vec::new();
    }
    let share = step.time.exposed.tp / step.time.seconds();
    let nodes = tp.div_ceil(node);
    let text =
        format!("{nodes} nodes of {node}; its collectives take {} of a step", percent(share));
    vec![
        Finding::new(format!("tp {tp} reaches over {nodes} nodes"))
            .at("layout.tp", text)
            .help(format!("take `tp = {node}` at most, and split further by `pp` or the data axes"))
            .measured(tp as f64 / node as f64),
    ]
}

fn pipeline_bubble(subject: &Subject) -> Vec<Finding> {
    let Some(step) = step(subject) else { return Vec::new() };
    let share = step.time.bubble / step.time.seconds();
    if share <= BUBBLE {
        return Vec::new();
    }
    let layout = &step.layout;
    let text = format!(
        "{} stages and {} micro-batches, {} chunk{} of layers on each device",
        layout.pp,
        layout.micro_batches,
        layout.interleave,
        if layout.interleave == 1 { "" } else { "s" }
    );
    let mut ways = vec!["more micro-batches (a larger `training.batch_tokens`)"];
    if layout.interleave == 1 {
        ways.push("`interleave`");
        if layout.schedule != PipelineSchedule::ZbH1 {
            ways.push("`schedule = \"zb-h1\"`");
        }
    }
    ways.push("fewer stages");
    vec![
        Finding::new(format!("the pipeline waits for {} of a step", percent(share)))
            .at("layout.pp", text)
            .help(format!("it shrinks with {}", ways.join(", or ")))
            .measured(share),
    ]
}

fn uneven_pipeline_stages(subject: &Subject) -> Vec<Finding> {
    let Some(step) = step(subject) else { return Vec::new() };
    let (layers, pp) = (step.shape.layers(), step.layout.pp);
    // embedding and head may stand for a layer each
    if layers.is_multiple_of(pp) || (layers + 2).is_multiple_of(pp) {
        return Vec::new();
    }
    let most = layers.div_ceil(pp);
    #[expect(clippy::cast_precision_loss, reason = "layers are few")]
    let over = (most * pp) as f64 / layers as f64 - 1.0;
    let text = format!(
        "the slowest stage has {most}: a step takes up to {} longer than with even ones",
        percent(over)
    );
    vec![
        Finding::new(format!("{layers} layers do not share out over {pp} stages"))
            .at("layout.pp", text)
            .help(
                "take stages that divide the layers, or the layers and two more where embedding and \
                 head count as layers",
            )
            .measured(over),
    ]
}

fn mfu_above_published(subject: &Subject) -> Vec<Finding> {
    let chosen = &subject.document.chosen;
    let cluster = &chosen.cluster;
    let Some(name) = cluster.accelerator.as_deref() else { return Vec::new() };
    let Ok(accelerator) = hardware::catalogue().find(name) else { return Vec::new() };
    if cluster.peak_flops.is_some()
        || subject.document.chosen.training.precision.is_some_and(Precision::fp8)
    {
        return Vec::new();
    }
    let product = accelerator.matmul_flops.map(|flops| flops.0 / accelerator.peak_flops.0);
    let (most, what) = match (accelerator.best_mfu, product) {
        (Some(best), _) => {
            let source = accelerator.best_mfu_source.as_deref().unwrap_or_default();
            (best, format!("{} is the best that is known here: {source}", percent(best)))
        }
        (None, Some(product)) => (
            product,
            format!("the fastest matrix product measured on it reaches {}", percent(product)),
        ),
        (None, None) => return Vec::new(),
    };
    let stated = [("cluster.mfu", cluster.mfu), ("reported.mfu", chosen.reported.mfu)];
    let above = stated.into_iter().filter_map(|(key, mfu)| Some((key, mfu?)));
    let findings = above.filter(|(_, mfu)| mfu.0 > most).map(|(key, mfu)| {
        Finding::new(format!("an MFU of {} is above what was published", percent(mfu.0)))
            .at(key, format!("on {}", accelerator.title))
            .help(format!(
                "{what}; over a whole run, restarts and evaluations included, runs reach about 0.8 \
                 of what their benchmarks print"
            ))
            .measured(mfu.0 / most)
    });
    findings.collect()
}

fn hfu_as_mfu(subject: &Subject) -> Vec<Finding> {
    let Some(step) = step(subject) else { return Vec::new() };
    let (Some(stated), Some(rate)) = (subject.document.chosen.cluster.mfu, step.measured) else {
        return Vec::new();
    };
    if step.layout.recompute != Recompute::Full {
        return Vec::new();
    }
    let near = |a: f64, b: f64| (a / b - 1.0).abs() < NEAR;
    if Convention::ALL.iter().any(|convention| near(stated.0, step.mfu(*convention))) {
        return Vec::new();
    }
    let counted = |convention: &&Convention| near(stated.0, RECOMPUTED * step.mfu(**convention));
    let Some(convention) = Convention::ALL.iter().find(counted) else { return Vec::new() };
    let mfu = step.mfu(*convention);
    vec![
        Finding::new(format!("{} is the HFU, not the MFU", percent(stated.0)))
            .at(
                "cluster.mfu",
                format!("4/3 of {}, the MFU by {}", percent(mfu), convention.formula()),
            )
            .at(
                "cluster.tokens_per_second_per_device",
                format!("{} tokens/s", significant(rate, 4)),
            )
            .at("layout.recompute", "a second forward pass counts for HFU alone")
            .help(format!("write `mfu = {}`, or leave it out", significant(mfu, 3))),
    ]
}
