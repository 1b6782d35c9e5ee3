//! Rules about the model's shape.

use super::rule::rule;
use super::stages::stage;
use super::{Finding, Rule, Subject};
use crate::model::{Shape, Warning, WarningKind};
use crate::plan::KeyPath;
use crate::quantity::Quantity;

/// By what share stated parameters may differ from those of the shape: printed sizes are rounded.
const ROUNDED: f64 = 0.02;

pub(super) static PARAMS_CONTRADICT_SHAPE: Rule = rule!(
    "params-contradict-shape",
    Model,
    Error,
    "0.1.0",
    "the stated parameters are not those of the shape",
    params_contradict_shape
);
pub(super) static WIDTHS_MISALIGNED: Rule = rule!(
    "widths-misaligned",
    Model,
    Warning,
    "0.1.0",
    "a width or a head does not fill the tiles of the kernels",
    widths_misaligned
);
pub(super) static VOCABULARY_NOT_PADDED: Rule = rule!(
    strict "vocabulary-not-padded",
    Model,
    Warning,
    "0.1.0",
    "the vocabulary is no multiple of 128",
    vocabulary_not_padded
);
pub(super) static UNUSUAL_DEPTH: Rule = rule!(
    "unusual-depth",
    Model,
    Warning,
    "0.1.0",
    "the model is deeper or wider than any of the catalogue",
    unusual_depth
);

pub(super) static SEQUENCE_BEYOND_POSITIONS: Rule = rule!(
    "sequence-beyond-positions",
    Model,
    Error,
    "0.1.0",
    "a stage has longer sequences than the model has learned positions",
    sequence_beyond_positions
);

/// The key that states the shape.
fn key(subject: &Subject) -> KeyPath {
    let model = &subject.document.chosen.model;
    KeyPath::from(match (&model.name, &model.config) {
        (Some(_), _) => "model.name",
        (None, Some(_)) => "model.config",
        (None, None) => "model.shape",
    })
}

fn params_contradict_shape(subject: &Subject) -> Vec<Finding> {
    let stated = subject.document.chosen.model.params;
    let Some((stated, counted)) = stated.zip(subject.derivation.shape_params()) else {
        return Vec::new();
    };
    if (stated.0 / counted.0 - 1.0).abs() <= ROUNDED {
        return Vec::new();
    }
    let (own, shape) = (stated.human(), counted.human());
    let experts = subject.derivation.shape.as_ref().is_some_and(Shape::has_experts);
    let counts =
        if experts { "those that work on a token" } else { &subject.derivation.law.counts };
    vec![
        Finding::new(format!("{own} parameters are stated, but the shape has {shape}"))
            .at("model.params", format!("{own}; the law counts {counts}"))
            .at(key(subject), shape)
            .help("state one of the two: the size of a shape is counted"),
    ]
}

fn warned(
    subject: &Subject,
    kinds: &[WarningKind],
    place: fn(&Warning) -> &'static str,
) -> Vec<Finding> {
    let Some(shape) = &subject.derivation.shape else {
        return Vec::new();
    };
    let warnings = shape.warnings(1).into_iter().filter(|warning| kinds.contains(&warning.kind));
    let findings = warnings.map(|warning| {
        let stated = subject.document.chosen.model.shape.is_some();
        let at = if stated { key(subject).join(place(&warning)) } else { key(subject) };
        Finding::new(warning.message).at(at, warning.evidence).help(warning.help)
    });
    findings.collect()
}

fn widths_misaligned(subject: &Subject) -> Vec<Finding> {
    warned(subject, &[WarningKind::Hidden, WarningKind::Ffn, WarningKind::HeadDim], |warning| {
        match warning.kind {
            WarningKind::Hidden => "hidden",
            WarningKind::Ffn if warning.message.starts_with("expert") => "expert_ffn",
            WarningKind::Ffn => "ffn",
            _ => "head_dim",
        }
    })
}

fn vocabulary_not_padded(subject: &Subject) -> Vec<Finding> {
    warned(subject, &[WarningKind::Vocab], |_| "vocab")
}

fn unusual_depth(subject: &Subject) -> Vec<Finding> {
    warned(subject, &[WarningKind::Aspect], |_| "layers")
}

fn sequence_beyond_positions(subject: &Subject) -> Vec<Finding> {
    let Some(shape) = &subject.derivation.shape else {
        return Vec::new();
    };
    let model = if subject.document.chosen.model.shape.is_some() {
        key(subject).join("positions")
    } else {
        key(subject)
    };
    let stages = subject.document.chosen.stages.iter().enumerate();
    let findings = stages.filter_map(|(index, own)| {
        let warning = shape.too_few_positions(own.sequence?.0)?;
        Some(
            Finding::new(warning.message)
                .at(stage(index).join("sequence"), "")
                .at(model.clone(), "")
                .help(warning.help),
        )
    });
    findings.collect()
}
