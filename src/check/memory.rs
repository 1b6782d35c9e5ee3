//! Rules about what a training step holds on one device.
//!
//! What is compared with the accelerator is what a GPU allocates at the peak and CUDA's context;
//! what the allocator reserves in vain comes on top and is told, not counted (`memory::fits`).

use super::rule::rule;
use super::{Finding, Rule, Subject};
use crate::derive::{StepMemory, on_gpu};
use crate::layout::Recompute;
use crate::memory::{Context, Label, Ratios, Setting, remedies};
use crate::quantity::{Bytes, Quantity, significant};
use crate::search::HEADROOM;

/// Share of the peak that recomputation has to save to be worth its time.
const WORTH: f64 = 0.01;

pub(super) static EXCEEDS_DEVICE_MEMORY: Rule = rule!(
    "exceeds-device-memory",
    Memory,
    Error,
    "0.1.0",
    "a training step holds more than the accelerator has",
    exceeds_device_memory
);
pub(super) static STATES_EXCEED_DEVICE: Rule = rule!(
    "states-exceed-device",
    Memory,
    Error,
    "0.1.0",
    "the layout cannot hold the model, whatever the micro-batch",
    states_exceed_device
);
pub(super) static LITTLE_HEADROOM: Rule = rule!(
    "little-headroom",
    Memory,
    Warning,
    "0.1.0",
    "a training step leaves less than 5 % of the accelerator's memory",
    little_headroom
);
pub(super) static RECOMPUTE_BUYS_NOTHING: Rule = rule!(
    "recompute-buys-nothing",
    Memory,
    Warning,
    "0.1.0",
    "recomputation takes time and does not lower the peak",
    recompute_buys_nothing
);
pub(super) static MEMORY_UNTESTED: Rule = rule!(
    "memory-untested",
    Memory,
    Warning,
    "0.1.0",
    "the memory of a step like this one was not tested",
    memory_untested
);

/// The step of a plan that says how many devices of which memory there are.
fn placed<'a>(subject: &Subject<'a>) -> Option<(&'a StepMemory, f64)> {
    let step = subject.derivation.memory.as_ref()?;
    Some((step, step.accelerator_bytes()?)).filter(|_| step.devices_stated)
}

/// Bytes of a step whose micro-batch is a single token: what no micro-batch can get rid of.
fn least(step: &StepMemory) -> f64 {
    step.cuda.timeline.peak(1.0).bytes
}

fn human(bytes: f64) -> String {
    Bytes(bytes).human()
}

fn has(step: &StepMemory, bytes: f64) -> String {
    let title = step.accelerator.map_or("", |accelerator| accelerator.title.as_str());
    format!("{title} has {}", human(bytes))
}

fn exceeds_device_memory(subject: &Subject) -> Vec<Finding> {
    let Some((step, bytes)) = placed(subject) else {
        return Vec::new();
    };
    let context = step.context;
    if step.fits() == Some(true) || least(step) > context.room(bytes) {
        return Vec::new();
    }
    let needs = step.cuda_bytes + context.bytes;
    let ratios = Ratios::of(&step.setting);
    let [_, _, median, _, _] = ratios.rounded();
    let text = format!(
        "{} {} in the {}, {} of {}; half of {} {}",
        human(step.cuda_bytes),
        ratios.over.held(),
        step.cuda.peak().phase,
        human(context.bytes),
        context.what,
        ratios.cases,
        ratios.words(&format!("over {median}")),
    );
    vec![
        Finding::new(format!(
            "a step holds {}, but the accelerator has {}",
            human(needs),
            human(bytes)
        ))
        .at("layout.micro_batch", text)
        .at("cluster.accelerator", has(step, bytes))
        .help(remedy(step, bytes))
        .measured(needs / bytes),
    ]
}

/// What makes it fit: the largest saving first.
fn remedy(step: &StepMemory, bytes: f64) -> String {
    let on_gpu = Setting { profile: step.setting.profile.on_gpu(), ..step.setting };
    let found = remedies(&step.shape, &on_gpu);
    let room = |setting: &Setting| Context::of(setting).room(bytes);
    let fitting: Vec<String> = found
        .iter()
        .filter(|remedy| remedy.peak_bytes <= room(&remedy.setting))
        .take(3)
        .map(|remedy| format!("`{}` ({})", remedy.line(), human(remedy.peak_bytes)))
        .collect();
    match (fitting.as_slice(), found.first()) {
        ([], Some(best)) => format!(
            "no single change is enough; the best is `{}` ({})",
            best.line(),
            human(best.peak_bytes)
        ),
        ([], None) => "spread the model over more devices".to_owned(),
        (all, _) => format!("enough is {}", all.join(", or ")),
    }
}

fn states_exceed_device(subject: &Subject) -> Vec<Finding> {
    let Some((step, bytes)) = placed(subject) else {
        return Vec::new();
    };
    let (least, context) = (least(step), step.context);
    if least <= context.room(bytes) {
        return Vec::new();
    }
    let states = [Label::Parameters, Label::Gradients, Label::Optimizer];
    let stretches = step.cuda.timeline.stretches(1.0);
    let moments = stretches.flat_map(|stretch| stretch.moments);
    let states = moments
        .map(|moment| states.iter().map(|label| moment.held(*label)).sum::<f64>())
        .fold(0.0, f64::max);
    let layout = &step.setting.layout;
    let strategy = layout.strategy;
    let shards = match layout.shards() {
        1 => "every device".to_owned(),
        shards => format!("each of {shards} shards"),
    };
    vec![
        Finding::new(format!(
            "{strategy} holds {} before it has read a token, but the accelerator has {}",
            human(least + context.bytes),
            human(bytes)
        ))
        .at(
            "layout.strategy",
            format!(
                "{} of parameters, gradients and optimizer on {shards}, the rest in units \
                 at work",
                human(states)
            ),
        )
        .at("cluster.accelerator", has(step, bytes))
        .help("a smaller micro-batch does not help: share the states out over more devices")
        .measured(least / bytes),
    ]
}

fn little_headroom(subject: &Subject) -> Vec<Finding> {
    let Some((step, bytes)) = placed(subject) else {
        return Vec::new();
    };
    let (context, ratios) = (step.context, Ratios::of(&step.setting));
    let needs = step.cuda_bytes + context.bytes;
    if needs > bytes || needs <= bytes * (1.0 - HEADROOM) {
        return Vec::new();
    }
    let percent = significant((1.0 - needs / bytes) * 100.0, 2);
    let [least, _, _, _, most] = ratios.rounded();
    vec![
        Finding::new(format!("a step leaves {percent} % of the accelerator's memory"))
            .at(
                "layout.micro_batch",
                format!(
                    "{} {} and {} of {}",
                    human(step.cuda_bytes),
                    ratios.over.held(),
                    human(context.bytes),
                    context.what
                ),
            )
            .at("cluster.accelerator", has(step, bytes))
            .help(format!(
                "PyTorch's allocator keeps blocks that fit nothing else: {} {}",
                ratios.cases,
                ratios.words(&format!("{least} to {most}"))
            ))
            .measured(needs / bytes),
    ]
}

fn recompute_buys_nothing(subject: &Subject) -> Vec<Finding> {
    let Some(step) = &subject.derivation.memory else {
        return Vec::new();
    };
    let recompute = step.setting.layout.recompute;
    if recompute == Recompute::None {
        return Vec::new();
    }
    let mut without = step.setting;
    without.layout.recompute = Recompute::None;
    let Ok(without) = on_gpu(&step.shape, &without) else {
        return Vec::new();
    };
    let (with, without) = (step.cuda_bytes, without.peak());
    let saved = without.bytes - with;
    if saved > without.bytes * WORTH {
        return Vec::new();
    }
    let text = format!("{} with it, {} without", human(with), human(without.bytes));
    vec![
        Finding::new(format!(
            "recomputation does not lower the peak, which is in the {}",
            step.cuda.peak().phase
        ))
        .at("layout.recompute", text)
        .help("leave `recompute` out: it takes compute and gives nothing"),
    ]
}

fn memory_untested(subject: &Subject) -> Vec<Finding> {
    let Some(step) = &subject.derivation.memory else {
        return Vec::new();
    };
    let evidence = step.evidence();
    if evidence.inside() {
        return Vec::new();
    }
    let suite = evidence.suite;
    vec![
        Finding::new("the memory of a step like this one was not tested")
            .at("layout", evidence.outside.join("; "))
            .help(format!(
                "compare a step with `torch.cuda.max_memory_allocated()`, or keep to what {} \
                 {} cover",
                suite.cases, suite.what
            )),
    ]
}
