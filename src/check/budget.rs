//! Rules about what the run may spend.

use super::rule::rule;
use super::{Finding, Rule, Subject};
use crate::plan::{Cap, Chosen, KeyPath};
use crate::quantity::{Quantity, significant};

/// How far a run may pass its cap: sizes and tokens are stated to two digits.
const ROUNDING: f64 = 1.05;
/// Two caps further apart than this cannot describe the same run.
const CONTRADICTION: f64 = 10.0;
/// A run below this share of its budget leaves the rest unexplained.
const LEFT_OVER: f64 = 0.5;

pub(super) static RUN_EXCEEDS_BUDGET: Rule = rule!(
    "run-exceeds-budget",
    Budget,
    Error,
    "0.1.0",
    "the run needs more compute than its tightest cap leaves it",
    run_exceeds_budget
);
pub(super) static CAPS_CONTRADICT: Rule = rule!(
    "caps-contradict",
    Budget,
    Error,
    "0.1.0",
    "two caps are ten times apart or more",
    caps_contradict
);
pub(super) static BUDGET_LEFT_OVER: Rule = rule!(
    "budget-left-over",
    Budget,
    Warning,
    "0.1.0",
    "the run needs less than half of its budget",
    budget_left_over
);
pub(super) static CAP_NOT_COUNTED: Rule = rule!(
    "cap-not-counted",
    Budget,
    Warning,
    "0.1.0",
    "a cap cannot be turned into FLOP because a fact is missing",
    cap_not_counted
);

fn run_exceeds_budget(subject: &Subject) -> Vec<Finding> {
    let derivation = subject.derivation;
    let (Some(point), Some(budget)) = (derivation.point, derivation.run_flops()) else {
        return Vec::new();
    };
    let times = point.flops.0 / budget.0;
    // a law that counts D in its own way spends its own C; that is told, not a fault of the plan
    let by_law = point.free && derivation.wanted.loss.is_none();
    if times <= ROUNDING || by_law || derivation.serves_budget() {
        return Vec::new();
    }
    let cap = derivation.caps.tightest().map_or("flops", |(key, _)| *key);
    let k = derivation.k;
    let (over, need) = (times_text(times), point.flops.human());
    let mut finding =
        Finding::new(format!("the run needs {need}, {over} its budget of {}", budget.human()));
    let chosen = &subject.document.chosen;
    if let Some(params) = point.params {
        let arithmetic = format!(
            "{k} x {} x {} = {}: {over} the budget",
            significant(params.0, 3),
            significant(point.tokens.0, 3),
            significant(point.flops.0, 4),
        );
        finding = finding.at(sized_by(chosen), arithmetic);
        let product = params.0 * point.tokens.0;
        if product > budget.0 && k.0 > 1.0 && chosen.run.tokens.is_some() {
            let text = format!(
                "even the bare product N x D = {} is {} the budget",
                significant(product, 4),
                times_text(product / budget.0)
            );
            finding = finding.at("run.tokens", text);
        }
        if let Some((best_params, best_tokens)) = derivation.objective().map(|o| o.optimum(budget))
        {
            finding = finding.help(format!(
                "{} buys {} parameters on {} tokens at the optimum; with {} parameters, {} tokens",
                budget.human(),
                best_params.human(),
                best_tokens.human(),
                params.human(),
                k.tokens(budget, params).human()
            ));
        }
    }
    vec![
        finding
            .at(
                KeyPath::from("budget").join(cap),
                format!("the tightest cap leaves {}", budget.human()),
            )
            .measured(times),
    ]
}

/// The chosen value that makes the run so large.
pub(super) fn sized_by(chosen: &Chosen) -> &'static str {
    let run = &chosen.run;
    match () {
        () if chosen.model.params.is_some() => "model.params",
        () if run.tokens.is_some() => "run.tokens",
        () if run.loss.is_some() => "run.loss",
        () if run.matches.is_some() => "run.match",
        () if run.epochs.is_some() => "run.epochs",
        () => "run.tokens_per_param",
    }
}

fn times_text(times: f64) -> String {
    if times >= 2.0 {
        format!("{} times", significant(times, 3))
    } else {
        format!("{} %  of", significant(times * 100.0, 3)).replace("  ", " ")
    }
}

fn caps_contradict(subject: &Subject) -> Vec<Finding> {
    let caps = &subject.derivation.caps;
    let Some((tight_key, tight)) = caps.tightest() else {
        return Vec::new();
    };
    caps.caps
        .iter()
        .filter(|(_, cap)| cap.flops.0 >= tight.flops.0 * CONTRADICTION)
        .map(|(key, cap)| {
            let times = significant(cap.flops.0 / tight.flops.0, 3);
            Finding::new(format!(
                "budget.{key} is worth {}, {times} times budget.{tight_key}",
                cap.flops.human()
            ))
            .at(KeyPath::from("budget").join(*key), worth(cap))
            .at(KeyPath::from("budget").join(*tight_key), worth(tight))
            .help("caps this far apart do not describe one run; correct one, or leave it out")
            .measured(cap.flops.0 / tight.flops.0)
        })
        .collect()
}

fn worth(cap: &Cap) -> String {
    match cap.arithmetic.as_str() {
        "as stated" => format!("worth {}", cap.flops.human()),
        arithmetic => format!("{arithmetic} = {}", significant(cap.flops.0, 4)),
    }
}

fn budget_left_over(subject: &Subject) -> Vec<Finding> {
    let derivation = subject.derivation;
    let (Some(point), Some(budget)) = (derivation.point, derivation.run_flops()) else {
        return Vec::new();
    };
    let share = point.flops.0 / budget.0;
    if share >= LEFT_OVER {
        return Vec::new();
    }
    let cap = derivation.caps.tightest().map_or("flops", |(key, _)| *key);
    let percent = significant(share * 100.0, 3);
    vec![
        Finding::new(format!("the run needs {}, {percent} % of its budget", point.flops.human()))
            .at(KeyPath::from("budget").join(cap), format!("leaves {}", budget.human()))
            .help("train longer or larger, lower the cap, or say in `budget.reserve` what the rest is for")
            .measured(1.0 - share),
    ]
}

fn cap_not_counted(subject: &Subject) -> Vec<Finding> {
    let budget = &subject.document.chosen.budget;
    let stated = [
        ("accelerator_hours", budget.accelerator_hours.is_some()),
        ("days", budget.days.is_some()),
        ("usd", budget.usd.is_some()),
    ];
    let counted = |key: &str| subject.derivation.caps.caps.iter().any(|(cap, _)| *cap == key);
    stated
        .into_iter()
        .filter(|(key, stated)| *stated && !counted(key))
        .map(|(key, _)| {
            let what = format!("budget.{key} in FLOP");
            let missing = subject.derivation.missing.iter().filter(|missing| missing.what == what);
            let keys: Vec<String> = missing.map(|missing| format!("`{}`", missing.key)).collect();
            Finding::new(format!("budget.{key} cannot be turned into FLOP, so it does not bind"))
                .at(KeyPath::from("budget").join(key), "not counted")
                .help(format!("add {}", listed(&keys)))
        })
        .collect()
}

/// `a`, `a and b`, `a, b and c`.
fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_overruns_read_as_shares() {
        assert_eq!(times_text(1.05), "105 % of");
        assert_eq!(times_text(600.6), "601 times");
    }
}
