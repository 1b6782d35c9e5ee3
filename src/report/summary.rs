//! The run on one screen: a line for each of its parts, and what is still open.

use super::answer::{Answer, Tally};
use super::block::Block;
use super::step::{count, degrees};
use super::words::interval;
use crate::data::{Curriculum, Placed};
use crate::plan::Derived;
use crate::quantity::{Loss, Quantity, Tokens, grouped, round_significant, significant};

/// Sources whose shares are told one by one.
const SOURCES: usize = 4;
/// Stages that are told one by one.
const STAGES: usize = 4;

/// A line for each part of the plan, from the budget to the findings.
pub(super) fn blocks(answer: &Answer, tally: Tally) -> Vec<Block> {
    let derived = &answer.derivation.derived;
    let parts = [
        ("budget", budget(derived)),
        ("size", size(derived)),
        ("loss", loss(derived)),
        ("data", data(derived)),
        ("curriculum", curriculum(answer)),
        ("model", model(answer)),
        ("layout", layout(answer)),
        ("memory", memory(answer)),
        ("step", step(answer)),
        ("time", time(answer)),
        ("recipe", recipe(derived)),
        ("operations", operations(derived)),
        ("footprint", footprint(derived)),
        ("open", open(answer)),
        ("findings", Some(tally.to_string())),
    ];
    let rows = parts.into_iter().filter_map(|(name, words)| Some(vec![name.to_owned(), words?]));
    let title = match &answer.chosen.name {
        Some(name) => format!("Run plan: {name}"),
        None => "Run plan".to_owned(),
    };
    vec![Block::Heading(title), Block::table(&["", ""], rows.collect(), 2)]
}

fn number(value: f64) -> String {
    if value.abs() < 1000.0 { significant(value, 3) } else { grouped(round_significant(value, 3)) }
}

fn percent(share: f64) -> String {
    format!("{} %", significant(share * 100.0, 3))
}

fn range(ends: Option<[f64; 2]>) -> String {
    ends.map_or_else(String::new, |[low, high]| {
        format!(" (80 %: {} to {})", number(low), number(high))
    })
}

fn budget(derived: &Derived) -> Option<String> {
    let budget = derived.budget.as_ref()?;
    let flops = budget.flops.human();
    let caps = budget.caps.len();
    let worth = match (budget.binding.as_str(), caps) {
        ("flops", 1) => flops,
        (binding, 1) => format!("{flops} by `{binding}`"),
        (binding, caps) => format!("{flops} by `{binding}`, the tightest of {caps} caps"),
    };
    let left = (budget.run_flops.0 / budget.flops.0 < 1.0 - 1e-9)
        .then(|| format!(", {} of it for this run", budget.run_flops.human()));
    let needed = derived.allocation.as_ref().map(|run| run.flops.0 / budget.run_flops.0);
    let over = needed
        .filter(|times| (times - 1.0).abs() > 1e-3)
        .map(|times| format!("; the run needs {} times that", significant(times, 3)));
    Some([worth, left.unwrap_or_default(), over.unwrap_or_default()].concat())
}

fn size(derived: &Derived) -> Option<String> {
    let run = derived.allocation.as_ref()?;
    let tokens = run.tokens.human();
    let Some((params, ratio)) = run.params.zip(run.tokens_per_param) else {
        return Some(format!("{tokens} tokens"));
    };
    let (params, ratio, flops) = (params.human(), ratio.human(), run.flops.human());
    Some(format!("{params} parameters on {tokens} tokens, {ratio} for each: {flops}"))
}

fn loss(derived: &Derived) -> Option<String> {
    let run = derived.allocation.as_ref()?;
    let loss = run.loss?.human();
    let range = interval::<Loss>(run.loss_80);
    let range = if range.is_empty() { range } else { format!(" (80 %: {range})") };
    let beside = derived.optimum.as_ref().and_then(|versus| {
        let (over, wasted) = (versus.loss_difference?, versus.wasted?);
        (wasted.0 >= 1e-3).then(|| {
            let (over, wasted) = (significant(over, 3), wasted.human());
            format!(", {over} above the optimum of its compute: {wasted} wasted")
        })
    });
    Some(format!("{loss} nats/token{range}{}", beside.unwrap_or_default()))
}

fn data(derived: &Derived) -> Option<String> {
    let data = derived.data.as_ref()?;
    let (unique, epochs) = (data.unique_tokens?.human(), data.epochs?);
    let noun = if (epochs.0 - 1.0).abs() < 1e-9 { "epoch" } else { "epochs" };
    let worth = data.effective_tokens.filter(|_| epochs.0 > 1.0);
    let worth = worth.map(|worth| format!(", worth {} fresh ones", worth.human()));
    Some(format!(
        "{} {noun} of {unique} unique tokens{}",
        epochs.human(),
        worth.unwrap_or_default()
    ))
}

fn curriculum(answer: &Answer) -> Option<String> {
    let curriculum = answer.derivation.curriculum.as_ref()?;
    let placed = curriculum.placed(answer.derivation.point?.tokens);
    let [only] = placed.as_slice() else {
        let stage = |stage: &Placed| format!("{} {}", stage.name, stage.tokens.human());
        let mut words: Vec<String> = placed.iter().take(STAGES).map(stage).collect();
        if placed.len() > STAGES {
            words.push(format!("{} more", placed.len() - STAGES));
        }
        return Some(format!("{} stages: {}", placed.len(), words.join(", ")));
    };
    Some(shares(curriculum, only))
}

/// The mixture of a run of one stage, from its start to its end.
fn shares(curriculum: &Curriculum, stage: &Placed) -> String {
    let part = |share: f64| significant(share * 100.0, 3);
    let words = curriculum.names.iter().zip(stage.first.iter().zip(&stage.last));
    let words = words.map(|(name, (first, last))| {
        if (first - last).abs() < 1e-9 {
            format!("{name} {} %", part(*first))
        } else {
            format!("{name} {} to {} %", part(*first), part(*last))
        }
    });
    let mut words: Vec<String> = words.collect();
    if words.len() > SOURCES {
        let rest = words.len() - SOURCES;
        words.truncate(SOURCES);
        words.push(format!("{rest} more"));
    }
    words.join(", ")
}

fn model(answer: &Answer) -> Option<String> {
    let shape = answer.derivation.model_shape()?;
    let how = if answer.derivation.shape.is_some() { "" } else { ", picked for the size" };
    Some(format!(
        "{} layers of width {}, {} parameters{how}",
        shape.layers(),
        count(shape.hidden),
        shape.params().human()
    ))
}

fn layout(answer: &Answer) -> Option<String> {
    let memory = answer.derivation.memory.as_ref().map(|step| step.setting.layout);
    let layout = memory.or(answer.derivation.throughput.as_ref().map(|step| step.layout))?;
    Some(format!(
        "{} on {} devices{}; micro-batch {}, recompute {}",
        layout.strategy,
        count(layout.devices()),
        degrees(&layout),
        count(layout.micro_batch),
        layout.recompute
    ))
}

fn memory(answer: &Answer) -> Option<String> {
    const GIB: f64 = 1_073_741_824.0;
    let step = answer.derivation.memory.as_ref()?;
    let needs = step.cuda_bytes + step.context.bytes;
    let gib = |bytes: f64| significant(bytes / GIB, 3);
    Some(match step.accelerator_bytes() {
        Some(bytes) if needs > bytes => {
            format!("{} of {} GiB a device: does not fit", gib(needs), gib(bytes))
        }
        Some(bytes) => {
            let left = percent(1.0 - needs / bytes);
            format!("{} of {} GiB a device: fits, {left} left", gib(needs), gib(bytes))
        }
        None => format!("{} GiB a device", gib(needs)),
    })
}

fn step(answer: &Answer) -> Option<String> {
    let step = answer.derivation.throughput.as_ref()?;
    Some(format!(
        "{} tokens/s a device{}, {} s a step of {} tokens",
        number(step.tokens_per_second_per_device()),
        range(step.range_80()),
        significant(step.step_seconds(), 3),
        Tokens(step.tokens).human()
    ))
}

fn time(answer: &Answer) -> Option<String> {
    let derived = &answer.derivation.derived;
    let told = |days: Option<f64>, hours: f64, ends| {
        let days = days.map_or_else(String::new, |days| format!("{} days, ", number(days)));
        format!("{days}{} accelerator-hours{}", number(hours), range(ends))
    };
    if let Some(own) = &derived.footprint {
        return Some(told(own.days, own.accelerator_hours, own.accelerator_hours_80));
    }
    let run = derived.allocation.as_ref()?;
    Some(told(run.days, run.accelerator_hours?, None))
}

fn recipe(derived: &Derived) -> Option<String> {
    let own = derived.recipe.as_ref()?;
    let [low, high] = own.laws_lr.map(|rate| significant(rate, 2));
    let steps = own.steps.map(|steps| format!("{} steps, ", steps.human()));
    Some(format!(
        "{}peak learning rate {}; laws {low} to {high}",
        steps.unwrap_or_default(),
        significant(own.peak_lr, 3)
    ))
}

fn operations(derived: &Derived) -> Option<String> {
    let own = derived.operations.as_ref()?;
    Some(format!(
        "a checkpoint every {} min, a failure every {} h, {} of the time trains",
        significant(own.checkpoint_every_seconds / 60.0, 3),
        significant(own.hours_between_failures, 3),
        own.goodput.human()
    ))
}

fn footprint(derived: &Derived) -> Option<String> {
    let own = derived.footprint.as_ref()?;
    let usd = own.usd.map(|usd| format!("{} USD{}", number(usd.0), range(own.usd_80)));
    let energy = own.kwh.map(|kwh| format!("{} MWh", number(kwh / 1e3)));
    let carbon = own.kg_co2e.map(|kg| format!("{} t CO2e", number(kg / 1e3)));
    let parts: Vec<String> = [usd, energy, carbon].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// What no part of the plan says yet, by the key that would bring it.
fn open(answer: &Answer) -> Option<String> {
    let derived = &answer.derivation.derived;
    let memory = answer.derivation.memory.is_some() || answer.derivation.throughput.is_some();
    let parts = [
        ("layout", "layout", memory),
        ("recipe", "training.peak_lr", derived.recipe.is_some()),
        ("operations", "operations.checkpoint_seconds", derived.operations.is_some()),
        ("footprint", "site", derived.footprint.is_some()),
    ];
    let open = parts.into_iter().filter(|(.., there)| !there);
    let words: Vec<String> = open.map(|(name, key, _)| format!("{name} (`{key}`)")).collect();
    (!words.is_empty()).then(|| words.join(", "))
}
