//! Rules about what is reported of the run, held against what follows from the plan.

use super::rule::rule;
use super::{Finding, Rule, Subject};
use crate::hardware::{self, Accelerator};
use crate::memory::Precision;
use crate::model::Convention;
use crate::plan::Reported;
use crate::quantity::{Flops, FlopsPerParamToken, Quantity, exact, grouped, significant};

/// Reported FLOPs of sound runs over 6ND: from 0.89 (`SmolLM2` 1.7B, a rounded figure) to 1.60
/// (Hunyuan-Large, its authors' own count); small models with long sequences need more.
const FLOPS: [f64; 2] = [0.8, 2.0];
/// How far a utilisation may pass the best one unremarked: hours are printed to two digits.
const ROUNDED: f64 = 1.02;
/// Hours over days times devices: a run may have fewer devices at first, but not more in the end.
const HOURS: [f64; 2] = [0.5, 1.1];
/// Utilisation of the whole run over the printed MFU. Sound runs reach 0.77 (GLM-130B), 0.80
/// (Gopher) and 0.91 (`TinyLlama`); an HFU comes to 0.75 at most, for it counts 8ND.
const GOODPUT: [f64; 2] = [0.76, 1.1];
/// Grids of countries, g/kWh: Lesotho and Turkmenistan in 2022; Our World in Data (Ember, Energy
/// Institute), CC BY 4.0, as shipped in codecarbon 3.3.2, `global_energy_mix.json`.
const GRIDS: [f64; 2] = [20.0, 1306.0];
/// Emissions over energy times grid: printed digits.
const ENERGY: [f64; 2] = [0.9, 1.1];
/// The same where the energy is that of the accelerators: buildings add up to 58 % on the average
/// of Uptime's survey of 2023, best ones 4 %.
const POWER: [f64; 2] = [0.9, 1.6];

pub(super) static REPORTED_COMPUTE_IMPOSSIBLE: Rule = rule!(
    "reported-compute-impossible",
    Reported,
    Error,
    "0.1.0",
    "the reported hours cannot hold the run's compute, or its FLOPs are not those of the run",
    reported_compute_impossible
);
pub(super) static REPORTED_FIGURES_DISAGREE: Rule = rule!(
    "reported-figures-disagree",
    Reported,
    Warning,
    "0.1.0",
    "hours and days, MFU and hours, or emissions and energy are reported and do not agree",
    reported_figures_disagree
);
pub(super) static WHOLE_RUN_ABOVE_PUBLISHED: Rule = rule!(
    "whole-run-above-published",
    Reported,
    Warning,
    "0.1.0",
    "by its reported hours the run is above the best whole run known for the accelerator",
    whole_run_above_published
);

fn percent(share: f64) -> String {
    format!("{} %", significant(share * 100.0, 3))
}

/// A share above one, as a share or as times.
fn of_it(share: f64) -> String {
    if share < 10.0 {
        format!("{} of", percent(share))
    } else {
        format!("{} times", grouped(share.round()))
    }
}

fn within(value: f64, [low, high]: [f64; 2]) -> bool {
    (low..=high).contains(&value)
}

/// Hours that are reported, and the key that says so.
struct Hours {
    count: f64,
    key: &'static str,
    arithmetic: String,
}

fn by_days(subject: &Subject) -> Option<Hours> {
    let chosen = &subject.document.chosen;
    let (days, devices) = (chosen.reported.days?, chosen.cluster.devices?);
    let hours = days.0 * 24.0 * devices.0;
    let arithmetic = format!("{devices} devices x {days} days = {} h", grouped(hours.round()));
    Some(Hours { count: hours, key: "reported.days", arithmetic })
}

fn hours(subject: &Subject) -> Option<Hours> {
    let stated = subject.document.chosen.reported.accelerator_hours.map(|hours| Hours {
        count: hours.0,
        key: "reported.accelerator_hours",
        arithmetic: format!("{} h", grouped(hours.0)),
    });
    stated.or_else(|| by_days(subject))
}

/// 6ND, where the plan states size and tokens.
fn six_n_d(subject: &Subject) -> Option<Flops> {
    let wanted = &subject.derivation.wanted;
    Some(FlopsPerParamToken::TRAINING.cost(wanted.params?, wanted.tokens?))
}

fn accelerator(subject: &Subject) -> Option<&'static Accelerator> {
    let name = subject.document.chosen.cluster.accelerator.as_deref()?;
    hardware::catalogue().find(name).ok()
}

fn fp8(subject: &Subject) -> bool {
    subject.document.chosen.training.precision.is_some_and(Precision::fp8)
}

/// Peak of one device in the plan's number format, and what to call it.
fn peak(subject: &Subject) -> Option<(f64, String)> {
    let cluster = &subject.document.chosen.cluster;
    let known = accelerator(subject);
    let own = if fp8(subject) {
        cluster.fp8_flops.or(known.and_then(|known| known.fp8_flops))
    } else {
        cluster.peak_flops.or(known.map(|known| known.peak_flops))
    };
    let title = known.map_or("the accelerator", |known| known.title.as_str());
    Some((own?.0, title.to_owned()))
}

fn reported_compute_impossible(subject: &Subject) -> Vec<Finding> {
    let reported = &subject.document.chosen.reported;
    let mut findings = Vec::new();
    let needed = reported.flops.or_else(|| six_n_d(subject));
    if let (Some(flops), Some(hours), Some((peak, title))) = (needed, hours(subject), peak(subject))
    {
        let used = flops.0 / (hours.count * 3600.0 * peak);
        if used > 1.0 {
            let what = if reported.flops.is_some() { "reported" } else { "6ND" };
            let (compute, share) = (flops.human(), of_it(used));
            let label = format!("{}; {compute} ({what}) are {share} its peak", hours.arithmetic);
            let mut finding =
                Finding::new(format!("the reported hours would need {share} the peak of {title}"))
                    .at(hours.key, label);
            if reported.flops.is_some() {
                finding = finding.at("reported.flops", "of these hours, or of a base model?");
            }
            let least = grouped((flops.0 / peak / 3600.0).ceil());
            findings.push(finding.help(format!(
                "at its peak the accelerator takes {least} h; are the hours of a part of the run, \
                 or the FLOPs of more than the run?"
            )));
        }
    }
    if let (Some(flops), Some(own)) = (reported.flops, six_n_d(subject)) {
        let times = flops.0 / own.0;
        if !within(times, FLOPS) {
            let message = format!("the reported FLOPs are {} times 6ND", significant(times, 3));
            findings.push(
                Finding::new(message).at("reported.flops", format!("6ND is {}", own.human())).help(
                    "sound runs report 0.9 to 1.6 times 6ND; are the tokens those that were \
                         trained on, and the FLOPs of this run alone?",
                ),
            );
        }
    }
    findings
}

fn whole_run_above_published(subject: &Subject) -> Vec<Finding> {
    let own = subject.document.chosen.cluster.peak_flops.is_some();
    let (Some(flops), Some(hours), Some(known)) =
        (six_n_d(subject), hours(subject), accelerator(subject))
    else {
        return Vec::new();
    };
    let Some(best) = known.best_run.filter(|_| !own && !fp8(subject)) else {
        return Vec::new();
    };
    let used = flops.0 / (hours.count * 3600.0 * known.peak_flops.0);
    // more than the peak is an error of its own
    if used <= best * ROUNDED || used > 1.0 {
        return Vec::new();
    }
    let source = known.best_run_source.as_deref().unwrap_or_default();
    let (share, best) = (percent(used), percent(best));
    vec![
        Finding::new(format!("a whole run at {share} of the peak is above what was published"))
            .at(hours.key, format!("{} for {} on {}", hours.arithmetic, flops.human(), known.title))
            .help(format!(
                "{best} is the best whole run that is known here: {source}; are these hours of the \
                 whole run?"
            )),
    ]
}

fn reported_figures_disagree(subject: &Subject) -> Vec<Finding> {
    let reported = &subject.document.chosen.reported;
    let found = [days_and_hours(subject), mfu_and_hours(subject), carbon(reported, subject)];
    found.into_iter().flatten().collect()
}

fn days_and_hours(subject: &Subject) -> Option<Finding> {
    let stated = subject.document.chosen.reported.accelerator_hours?;
    let days = by_days(subject)?;
    let times = stated.0 / days.count;
    (!within(times, HOURS)).then(|| {
        let message =
            format!("the reported hours are {} times devices x days", significant(times, 3));
        Finding::new(message)
            .at("reported.accelerator_hours", stated.human())
            .at(days.key, days.arithmetic)
            .help("one of the three is of another run, or of a part of it")
    })
}

/// FLOPs of the run as its MFU is likely to count them: with attention, where the plan states a
/// shape and the length of its sequences.
fn counted(subject: &Subject) -> Option<(f64, &'static str)> {
    let six = six_n_d(subject)?;
    let palm = || {
        let model = subject.derivation.derived.model.as_ref()?;
        let chosen = &subject.document.chosen;
        let stated = chosen.stages.iter().map(|stage| stage.sequence);
        subject.derivation.shape.as_ref()?;
        chosen.training.sequence.or_else(|| stated.flatten().next())?;
        let per_token = model.flops_per_token.get(Convention::Palm.name())?;
        Some(per_token * subject.derivation.wanted.tokens?.0)
    };
    Some(palm().map_or((six.0, "6ND"), |palm| (palm, Convention::Palm.formula())))
}

fn mfu_and_hours(subject: &Subject) -> Option<Finding> {
    let mfu = subject.document.chosen.reported.mfu?;
    let ((flops, formula), hours, (peak, _)) = (counted(subject)?, hours(subject)?, peak(subject)?);
    let used = flops / (hours.count * 3600.0 * peak);
    let share = used / mfu.0;
    if mfu.0 <= 0.0 || used > 1.0 || within(share, GOODPUT) {
        return None;
    }
    let message = format!(
        "the reported hours come to {} of the peak, the reported MFU is {}",
        percent(used),
        percent(mfu.0)
    );
    let help = if share < 1.0 {
        "whole runs reach about 0.8 of a printed MFU; were all these devices at work all the time, \
         and does the MFU leave recomputation out (an HFU is 4/3 of it)?"
    } else {
        "a whole run takes longer than its steps: are the hours of the whole run?"
    };
    Some(
        Finding::new(message)
            .at("reported.mfu", format!("the hours are {} of it", significant(share, 2)))
            .at(hours.key, format!("{}; the FLOPs are {formula}", hours.arithmetic))
            .help(help),
    )
}

fn carbon(reported: &Reported, subject: &Subject) -> Option<Finding> {
    let emitted = reported.tco2e?;
    let by_power = || {
        let (watts, hours) = (reported.watts_per_accelerator?, hours(subject)?);
        let energy = hours.count * watts.0 / 1000.0;
        let arithmetic =
            format!("{} x {watts} W = {} kWh", hours.arithmetic, grouped(energy.round()));
        Some((energy, "reported.watts_per_accelerator", arithmetic))
    };
    let (energy, key, arithmetic) = match reported.energy_kwh {
        Some(energy) => (energy.0, "reported.energy_kwh", energy.human()),
        None => by_power()?,
    };
    let grams = emitted.0 * 1e6 / energy;
    let range = if reported.energy_kwh.is_some() { ENERGY } else { POWER };
    let (wrong, help) = match reported.grams_per_kwh {
        Some(grid) => (
            !within(grams, range.map(|times| times * grid.0)),
            format!("the reported grid has {}; is the energy that of the same work?", grid.human()),
        ),
        None => (
            !within(grams, [GRIDS[0], GRIDS[1] * range[1]]),
            format!(
                "the grids of countries have {} to {} g/kWh; state the grid in \
                 `reported.grams_per_kwh`, or correct a figure",
                exact(GRIDS[0]),
                exact(GRIDS[1])
            ),
        ),
    };
    wrong.then(|| {
        Finding::new(format!("the reported emissions are {} g/kWh", significant(grams, 3)))
            .at("reported.tco2e", emitted.human())
            .at(key, arithmetic)
            .help(help)
    })
}
