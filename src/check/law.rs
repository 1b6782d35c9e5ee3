//! Rules about the scaling law.

use super::rule::rule;
use super::{Finding, Rule, Subject};
use crate::law::{self, Status};
use crate::plan::KeyPath;
use crate::quantity::{exact, significant};

/// How far outside its data a law may be used without a word. Hoffmann et al. 2022 themselves
/// went from 3e21 to 5.76e23 FLOP; their own approaches differ twofold there.
const FACTOR: f64 = 10.0;

pub(super) static LAW_EXTRAPOLATED: Rule = rule!(
    "law-extrapolated",
    Law,
    Warning,
    "0.1.0",
    "the run lies more than ten times outside the data of its law",
    law_extrapolated
);
pub(super) static LAW_NOT_CURRENT: Rule = rule!(
    "law-not-current",
    Law,
    Warning,
    "0.1.0",
    "the law is superseded, or contradicts its own source",
    law_not_current
);

fn law_extrapolated(subject: &Subject) -> Vec<Finding> {
    let derivation = subject.derivation;
    let Some(outside) = derivation.extrapolation().filter(|outside| outside.factor > FACTOR) else {
        return Vec::new();
    };
    let (law, factor) = (&derivation.law.name, significant(outside.factor, 3));
    vec![
        Finding::new(format!("extrapolated x {factor}: `{law}` was not measured here"))
            .at(
                sized_by(subject, outside.side),
                format!(
                    "{} {}; the law's data reach from {} to {}",
                    outside.side,
                    significant(outside.value, 3),
                    exact(outside.low),
                    exact(outside.high)
                ),
            )
            .help("compare `llmplan budget --laws`, or measure the law nearer to this run")
            .measured(outside.factor),
    ]
}

/// The chosen value that takes a side of the run so far.
fn sized_by(subject: &Subject, side: &str) -> KeyPath {
    let (chosen, derivation) = (&subject.document.chosen, subject.derivation);
    let (params, tokens) = (chosen.model.params.is_some(), derivation.wanted.tokens.is_some());
    let tokens_key = match &chosen.run {
        run if run.tokens.is_some() => "run.tokens",
        run if run.epochs.is_some() => "run.epochs",
        _ => "stages",
    };
    match (side, derivation.caps.tightest()) {
        ("parameters", _) if params => KeyPath::from("model.params"),
        ("tokens", _) if tokens => KeyPath::from(tokens_key),
        _ if params && tokens => KeyPath::from(tokens_key),
        _ if chosen.run.loss.is_some() => KeyPath::from("run.loss"),
        _ if chosen.run.matches.is_some() => KeyPath::from("run.match"),
        (_, Some((cap, _))) => KeyPath::from("budget").join(*cap),
        _ if params => KeyPath::from("model.params"),
        _ if tokens => KeyPath::from(tokens_key),
        _ => KeyPath::from("law.name"),
    }
}

fn law_not_current(subject: &Subject) -> Vec<Finding> {
    let law = &subject.derivation.law;
    let what = match law.status {
        Status::Current => return Vec::new(),
        Status::Historical => "is superseded",
        Status::Warned => "contradicts its own source",
    };
    let note = law.note.as_deref().unwrap_or_default();
    vec![
        Finding::new(format!("the law `{}` {what}", law.name))
            .at("law.name", "")
            .help(format!("{note} `{}` is the default.", law::DEFAULT)),
    ]
}
