//! Rules about what the house asks of every plan, in `llmplan.toml`.

use super::budget::sized_by;
use super::rule::rule;
use super::{Finding, Limits, Rule, Subject};
use crate::derive::Derivation;
use crate::plan::{Chosen, KeyPath};
use crate::quantity::{
    AcceleratorHours, Days, Flops, Quantity, TonnesCo2e, Usd, exact, round_significant, significant,
};
use crate::{footprint, hardware};

/// How far a run may pass a limit: derived values are written with 7 digits.
const ROUNDING: f64 = 1.0 + 1e-6;

pub(super) static OVER_HOUSE_LIMIT: Rule = rule!(
    "over-house-limit",
    Policy,
    Error,
    "0.1.0",
    "the plan states or comes to more than `llmplan.toml` allows",
    over_house_limit
);
pub(super) static HOUSE_LIMIT_NOT_CHECKED: Rule = rule!(
    "house-limit-not-checked",
    Policy,
    Warning,
    "0.1.0",
    "a limit of `llmplan.toml` cannot be held against the plan, which lacks a fact",
    house_limit_not_checked
);
pub(super) static UNAPPROVED_ACCELERATOR: Rule = rule!(
    "unapproved-accelerator",
    Policy,
    Error,
    "0.1.0",
    "the plan's accelerator is not among those that `llmplan.toml` allows",
    unapproved_accelerator
);
pub(super) static UNAPPROVED_REGION: Rule = rule!(
    "unapproved-region",
    Policy,
    Error,
    "0.1.0",
    "the plan's grid is not among the regions that `llmplan.toml` allows, or is not said",
    unapproved_region
);
pub(super) static EVALUATED_TOO_RARELY: Rule = rule!(
    "evaluated-too-rarely",
    Policy,
    Error,
    "0.1.0",
    "the plan evaluates more rarely than `llmplan.toml` requires, or does not say when",
    evaluated_too_rarely
);
pub(super) static MFU_WITHOUT_EVIDENCE: Rule = rule!(
    "mfu-without-evidence",
    Policy,
    Error,
    "0.1.0",
    "the plan's utilisation has less evidence than `llmplan.toml` requires",
    mfu_without_evidence
);

/// A limit of the policy beside what a plan has to say about it.
struct Held {
    /// Its key in `limits`; but for carbon's, also in `budget` and in `derived.allocation`.
    key: &'static str,
    limit: f64,
    /// The cap that the plan states.
    stated: Option<f64>,
    /// What the run comes to.
    derived: Option<f64>,
    /// Keys of the plan that the derived value needs, and whether they stand.
    needs: Vec<(&'static str, bool)>,
    human: fn(f64) -> String,
}

fn held(limits: &Limits, chosen: &Chosen, derivation: &Derivation) -> Vec<Held> {
    let (budget, cluster) = (&chosen.budget, &chosen.cluster);
    let run = derivation.derived.allocation.as_ref();
    let rate = [
        ("cluster.accelerator", cluster.accelerator.is_some() || cluster.peak_flops.is_some()),
        ("cluster.mfu", cluster.mfu.is_some()),
    ];
    let with = |key, stands| rate.into_iter().chain([(key, stands)]).collect::<Vec<_>>();
    let all = [
        limits.flops.map(|limit| Held {
            key: "flops",
            limit: limit.0,
            stated: budget.flops.map(|cap| cap.0),
            derived: run.map(|run| run.flops.0),
            needs: Vec::new(),
            human: |value| Flops(value).human(),
        }),
        limits.accelerator_hours.map(|limit| Held {
            key: "accelerator_hours",
            limit: limit.0,
            stated: budget.accelerator_hours.map(|cap| cap.0),
            derived: run.and_then(|run| run.accelerator_hours),
            needs: rate.to_vec(),
            human: |value| AcceleratorHours(value).human(),
        }),
        limits.days.map(|limit| Held {
            key: "days",
            limit: limit.0,
            stated: budget.days.map(|cap| cap.0),
            derived: run.and_then(|run| run.days),
            needs: with("cluster.devices", cluster.devices.is_some()),
            human: |value| Days(value).human(),
        }),
        limits.usd.map(|limit| Held {
            key: "usd",
            limit: limit.0,
            stated: budget.usd.map(|cap| cap.0),
            derived: run.and_then(|run| run.usd).map(|usd| usd.0),
            needs: with(
                "cost.usd_per_accelerator_hour",
                chosen.cost.usd_per_accelerator_hour.is_some(),
            ),
            human: |value| Usd(value).human(),
        }),
        limits.tonnes_co2e.map(|limit| Held {
            key: "tonnes_co2e",
            limit: limit.0,
            stated: None,
            derived: emitted(derivation).map(|kg| kg / 1e3),
            needs: carbon_needs(chosen),
            human: |value| TonnesCo2e(value).human(),
        }),
    ];
    all.into_iter().flatten().collect()
}

/// Kilograms of CO2 equivalents of the run, as it is scheduled where it waits for a clean grid.
fn emitted(derivation: &Derivation) -> Option<f64> {
    let own = derivation.derived.footprint.as_ref()?;
    let scheduled = own.schedule.as_ref().map(|schedule| schedule.kg_co2e);
    scheduled.or(own.kg_co2e)
}

/// Keys that the carbon of a run needs.
fn carbon_needs(chosen: &Chosen) -> Vec<(&'static str, bool)> {
    let grid = chosen.site.as_ref().is_some_and(|site| {
        site.grid.is_some() || site.grams_per_kwh.is_some() || site.grid_series.is_some()
    });
    let cluster = &chosen.cluster;
    vec![
        ("cluster.accelerator", cluster.accelerator.is_some()),
        ("cluster.mfu", cluster.mfu.is_some() || chosen.layout.is_some()),
        ("site.grid", grid),
    ]
}

fn all_held(subject: &Subject) -> Vec<Held> {
    held(&subject.policy.limits, &subject.document.chosen, subject.derivation)
}

fn over_house_limit(subject: &Subject) -> Vec<Finding> {
    let over = |held: Held| {
        let passes = |value: &f64| *value > held.limit * ROUNDING;
        let (value, verb, at) = match (held.stated.filter(passes), held.derived.filter(passes)) {
            (Some(stated), _) => (stated, "states", KeyPath::from("budget").join(held.key)),
            (None, Some(derived)) => (derived, "comes to", derived_key(subject, held.key)),
            (None, None) => return None,
        };
        let times = value / held.limit;
        let (mut told, mut limit) = ((held.human)(value), (held.human)(held.limit));
        if told == limit {
            (told, limit) = (exact(round_significant(value, 7)), exact(held.limit));
        }
        let subject = if verb == "states" { "the budget" } else { "the run" };
        Some(
            Finding::new(format!("{subject} {verb} {told}; the house allows {limit}"))
                .at(at, format!("{} times `limits.{}`", significant(times, 4), held.key))
                .concerning(format!("limits.{}", held.key))
                .help("plan less, or have the limit in llmplan.toml raised")
                .measured(times),
        )
    };
    all_held(subject).into_iter().filter_map(over).collect()
}

/// Where a derived value stands, or what sizes the run where nothing is written.
fn derived_key(subject: &Subject, key: &str) -> KeyPath {
    let document = subject.document;
    if key == "tonnes_co2e" {
        return KeyPath::from("site");
    }
    let written = match &document.derived {
        _ if document.as_derived => toml::Table::try_from(&subject.derivation.derived).ok(),
        derived => derived.clone(),
    };
    let run = written.as_ref().and_then(|derived| derived.get("allocation"));
    if run.is_some_and(|run| run.get(key).is_some()) {
        return KeyPath::from("derived.allocation").join(key);
    }
    let run = &document.chosen.run;
    let sized = document.chosen.model.params.is_some()
        || run.tokens.is_some()
        || run.loss.is_some()
        || run.matches.is_some()
        || run.epochs.is_some()
        || run.tokens_per_param.is_some();
    match subject.derivation.caps.tightest() {
        _ if sized => KeyPath::from(sized_by(&document.chosen)),
        Some((cap, _)) => KeyPath::from("budget").join(*cap),
        None => KeyPath::from("format"),
    }
}

fn house_limit_not_checked(subject: &Subject) -> Vec<Finding> {
    let unchecked = |held: Held| {
        if held.derived.is_some() {
            return None;
        }
        let missing: Vec<&str> =
            held.needs.iter().filter(|(_, stands)| !stands).map(|(key, _)| *key).collect();
        let help = match missing.as_slice() {
            [] => "the plan does not determine its run: see `llmplan plan`".to_owned(),
            keys => format!("add `{}`", keys.join("`, `")),
        };
        let key = held.key;
        Some(
            Finding::new(format!("the house's limit on {key} cannot be held against this plan"))
                .at(nearest_place(subject, &missing), format!("no {key} follow from this plan"))
                .help(help)
                .concerning(format!("limits.{key}")),
        )
    };
    all_held(subject).into_iter().filter_map(unchecked).collect()
}

/// The table that lacks a key, where it stands.
fn nearest_place(subject: &Subject, missing: &[&str]) -> KeyPath {
    let chosen = &subject.document.chosen;
    let stands = |table: &str| match table {
        "cluster" => chosen.cluster != crate::plan::Cluster::default(),
        "cost" => chosen.cost != crate::plan::Cost::default(),
        "operations" => chosen.operations != crate::plan::Operations::default(),
        _ => false,
    };
    let tables = missing.iter().filter_map(|key| key.split('.').next());
    KeyPath::from(tables.into_iter().find(|table| stands(table)).unwrap_or("format"))
}

fn unapproved_accelerator(subject: &Subject) -> Vec<Finding> {
    let cluster = &subject.document.chosen.cluster;
    let Some(allowed) = &subject.policy.allowed.accelerators else {
        return Vec::new();
    };
    let (what, key) = match cluster.accelerator.as_deref() {
        Some(name) => {
            let own = hardware::catalogue().find(name).map_or(name, |known| known.name.as_str());
            if allowed.iter().any(|allowed| allowed == own) {
                return Vec::new();
            }
            (format!("`{own}`"), "cluster.accelerator")
        }
        None if cluster.peak_flops.is_some() => {
            ("an accelerator of one's own".to_owned(), "cluster.peak_flops")
        }
        None => return Vec::new(),
    };
    let finding = Finding::new(format!("{what} is not among the accelerators of the house"));
    vec![finding.at(key, "").help(allows(allowed))]
}

/// What the house allows.
fn allows(names: &[String]) -> String {
    match names {
        [] => "the house allows none".to_owned(),
        all => format!("the house allows `{}`", all.join("`, `")),
    }
}

/// A plan with machines and without a grid does not say where they are.
fn unapproved_region(subject: &Subject) -> Vec<Finding> {
    let chosen = &subject.document.chosen;
    let Some(allowed) = &subject.policy.allowed.regions else {
        return Vec::new();
    };
    let Some(grid) = chosen.site.as_ref().and_then(|site| site.grid.as_deref()) else {
        let place = match (&chosen.site, chosen.cluster.accelerator.is_some()) {
            (Some(_), _) => "site",
            (None, true) => "cluster",
            (None, false) => return Vec::new(),
        };
        let finding = Finding::new("the plan does not say in which region it runs");
        let help = format!("add `site.grid`; {}", allows(allowed));
        return vec![finding.at(place, "no `site.grid`").concerning("site.grid").help(help)];
    };
    let own = footprint::grids().find(grid).map_or(grid, |known| known.name.as_str());
    if allowed.iter().any(|allowed| allowed == own) {
        return Vec::new();
    }
    let finding = Finding::new(format!("`{own}` is not among the regions of the house"));
    vec![finding.at("site.grid", "").help(allows(allowed))]
}

fn evaluated_too_rarely(subject: &Subject) -> Vec<Finding> {
    let (required, chosen) = (&subject.policy.required, &subject.document.chosen);
    let place = || nearest_place(subject, &["operations"]);
    let mut findings = Vec::new();
    if let Some(most) = required.evaluate_every_steps {
        let help = format!("the house requires `evaluate_every_steps` of at most {most}");
        match chosen.operations.evaluate_every_steps {
            None => findings.push(
                Finding::new("the plan does not say how often it evaluates")
                    .at(place(), "no `operations.evaluate_every_steps`")
                    .concerning("operations.evaluate_every_steps")
                    .help(help)
                    .measured(f64::INFINITY),
            ),
            Some(steps) if steps.0 > most.0 => findings.push(
                Finding::new(format!("the plan evaluates every {steps} steps"))
                    .at("operations.evaluate_every_steps", "")
                    .help(help)
                    .measured(steps.0),
            ),
            Some(_) => {}
        }
    }
    let at_hand_offs = chosen.operations.evaluate_at_hand_offs == Some(true);
    if required.evaluate_at_hand_offs && chosen.stages.len() > 1 && !at_hand_offs {
        findings.push(
            Finding::new("the plan does not evaluate where one stage hands over to the next")
                .at(
                    match chosen.operations.evaluate_at_hand_offs {
                        Some(_) => KeyPath::from("operations.evaluate_at_hand_offs"),
                        None => KeyPath::from("stages"),
                    },
                    "",
                )
                .help("the house requires `operations.evaluate_at_hand_offs = true`")
                .concerning("operations.evaluate_at_hand_offs"),
        );
    }
    findings
}

fn mfu_without_evidence(subject: &Subject) -> Vec<Finding> {
    let cluster = &subject.document.chosen.cluster;
    let Some((mfu, least)) = cluster.mfu.zip(subject.policy.required.mfu_evidence) else {
        return Vec::new();
    };
    let (at, told) = match cluster.mfu_evidence {
        Some(evidence) if evidence >= least => return Vec::new(),
        Some(evidence) => ("cluster.mfu_evidence", format!("is {evidence}")),
        None => ("cluster.mfu", "does not say how it is known".to_owned()),
    };
    vec![
        Finding::new(format!("the utilisation of {} {told}", mfu.human()))
            .at(at, "")
            .help(format!("the house requires `cluster.mfu_evidence = \"{least}\"` or better")),
    ]
}
