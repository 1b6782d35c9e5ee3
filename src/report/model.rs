//! A model's shape: parameters, FLOPs per token, and shapes for a size.

mod proposals;
mod tables;

use super::answer::Answer;
use super::block::Block;
use crate::data::Stage;
use crate::law::{Counting, Law};
use crate::model::{Convention, Form, Shape, Warning, nearest_published};
use crate::plan::Chosen;
use crate::quantity::{Quantity, grouped, significant};
use serde_json::{Value, json};
use std::borrow::Cow;
use tables::{by_law, flops, hurts, kv, outline, parameters};

pub use proposals::{proposals, proposals_json};

/// Version of the JSON of a model.
const VERSION: u32 = 1;
/// Published models that are named beside a shape.
const RELATIVES: usize = 3;

/// A shape with where it comes from and how it is to be looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSheet {
    /// What it is called.
    pub name: String,
    /// Where the shape was read, for a published one.
    pub source: Option<String>,
    /// How the numbers of a published shape were seen.
    pub form: Option<Form>,
    /// The shape.
    pub shape: Shape,
    /// What a reader must know of how it was read.
    pub notes: Vec<String>,
    /// The sequence whose attention is counted.
    pub sequence: Sequence,
    /// Tensor-parallel ranks that the widths are to fit.
    pub tp: u64,
    /// The law of the plan that the shape is from.
    pub law: Option<Cow<'static, Law>>,
}

/// Tokens per sequence, and who says so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sequence {
    /// Tokens.
    pub tokens: u64,
    /// The stage that states them, of a plan.
    pub stage: Option<String>,
    /// Later stages with sequences of another length.
    pub others: Vec<(String, u64)>,
    /// Whether anyone says so, be it a stage or a flag.
    pub stated: bool,
}

/// The sequences of a plan's stages: those of the first stage that states them, and where later
/// stages have others. `None` where no stage states any.
#[must_use]
pub fn stage_sequences(chosen: &Chosen) -> Option<Sequence> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, checked")]
    let length = |stage: &Stage| stage.sequence.map(|length| length.0 as u64);
    let mut stated = chosen.stages.iter().filter_map(|stage| Some((&stage.name, length(stage)?)));
    let (first, tokens) = stated.next()?;
    let others = stated.filter(|(_, length)| *length != tokens);
    let others = others.map(|(name, length)| (name.clone(), length)).collect();
    Some(Sequence { tokens, stage: Some(first.clone()), others, stated: true })
}

impl ModelSheet {
    /// Parameters, FLOPs by convention, what hurts, and relatives.
    #[must_use]
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = vec![Block::Heading(self.name.clone()), outline(&self.shape)];
        blocks.extend([Block::Heading("Parameters".to_owned()), parameters(&self.shape)]);
        blocks.push(kv(&self.shape));
        blocks.push(Block::Heading("N as scaling laws count it".to_owned()));
        blocks.push(by_law(&self.shape, self.law.as_deref()));
        let of = self.sequence.stage.as_ref().map(|stage| format!(" (stage {stage})"));
        let title = format!(
            "Training FLOPs per token, in sequences of {} tokens{}",
            grouped(float(self.sequence.tokens.into())),
            of.unwrap_or_default()
        );
        blocks.extend([Block::Heading(title), flops(&self.shape, self.sequence.tokens)]);
        blocks.extend(self.sequence.others.iter().map(|(stage, length)| {
            let palm = float(self.shape.flops_per_token(Convention::Palm, *length));
            Block::Line(format!(
                "  In stage {stage}, of {} tokens: {} G by palm.",
                grouped(float((*length).into())),
                significant(palm / 1e9, 4)
            ))
        }));
        blocks.push(Block::Line(
            "  N works on a token, E is only looked up; an MFU means little without its convention."
                .to_owned(),
        ));
        blocks.extend(hurts(self.warnings()));
        let names = nearest_published(&self.shape, RELATIVES + 1).into_iter();
        let others = names.filter(|relative| relative.published.title != self.name);
        let others = others
            .take(RELATIVES)
            .map(|relative| format!("{} ({})", relative.published.name, relative.params.human()));
        let others: Vec<String> = others.collect();
        blocks.push(Block::Heading("Nearest published shapes".to_owned()));
        blocks.push(Block::Line(format!("  {}.", others.join(", "))));
        blocks.extend(self.notes.iter().cloned().map(Block::Note));
        if let Some(source) = &self.source {
            let seen = match self.form {
                Some(Form::Config) => "a copy of its config.json",
                Some(Form::Fields) => "the same numbers under another repository's names",
                Some(Form::Defaults) => "the defaults of its configuration class",
                None => "its file",
            };
            blocks.push(Block::Note(format!("Shape from {seen}: {source}.")));
        }
        blocks
    }

    /// What hurts, the longest sequence among it.
    fn warnings(&self) -> Vec<Warning> {
        let others = self.sequence.others.iter().map(|(_, length)| *length);
        let longest = others.chain([self.sequence.tokens]).max().unwrap_or_default();
        let mut warnings = self.shape.warnings(self.tp);
        if self.sequence.stated {
            warnings.extend(self.shape.too_few_positions(float(longest.into())));
        }
        warnings
    }

    /// The same as JSON: versioned, unrounded.
    ///
    /// # Panics
    /// Never: the document has string keys only.
    #[must_use]
    pub fn json(&self) -> String {
        let warnings = self.warnings().into_iter().map(|warning| {
            json!({ "message": warning.message, "help": warning.help, "evidence": warning.evidence })
        });
        let mut document = shape_json(&self.shape, self.sequence.tokens);
        if let Some(map) = document.as_object_mut() {
            map.insert("version".to_owned(), json!(VERSION));
            map.insert("name".to_owned(), json!(self.name));
            map.insert("source".to_owned(), json!(self.source));
            map.insert("sequence_of".to_owned(), json!(self.sequence.stage));
            map.insert("law".to_owned(), json!(self.law.as_ref().map(|law| &law.name)));
            map.insert("warnings".to_owned(), warnings.collect());
            map.insert("notes".to_owned(), json!(self.notes));
        }
        serde_json::to_string_pretty(&document).expect("a model is JSON") + "\n"
    }
}

/// The shape of a plan's model, in short.
pub(super) fn section(answer: &Answer) -> Vec<Block> {
    let Some(model) = &answer.derivation.derived.model else {
        return Vec::new();
    };
    let palm = model.flops_per_token.get(Convention::Palm.name()).copied().unwrap_or_default();
    let flops = format!(
        "{} G training FLOPs per token ({}) in sequences of {}{}.",
        significant(palm / 1e9, 4),
        Convention::Palm.formula(),
        grouped(float(model.sequence.into())),
        stage_sequences(answer.chosen)
            .and_then(|sequence| sequence.stage)
            .map_or(String::new(), |stage| format!(" (stage {stage})"))
    );
    let active = model.active_params.map_or(String::new(), |active| {
        format!(", {} of them active", grouped(float(active.into())))
    });
    let by_law = model.law_params.map_or(String::new(), |params| {
        let law = &answer.derivation.law;
        format!("; N as {} counts it is {}", law.name, grouped(float(params.into())))
    });
    let exact = format!("{} parameters{active}{by_law}", grouped(float(model.params.into())));
    let (title, of) = match (&answer.derivation.shape, &model.shape) {
        (Some(shape), _) => ("Model", outline(shape)),
        (None, Some(keys)) => match keys.shape() {
            Ok(shape) => ("A shape for this size", outline(&shape)),
            Err(_) => return Vec::new(),
        },
        (None, None) => return Vec::new(),
    };
    let mut blocks =
        vec![Block::Heading(title.to_owned()), of, Block::Line(format!("  {exact}; {flops}"))];
    if model.shape.is_some() {
        blocks.push(Block::Line(
            "  Picked as published models have it; `llmplan model` shows why, and others."
                .to_owned(),
        ));
    }
    blocks
}

fn shape_json(shape: &Shape, sequence: u64) -> Value {
    let count = shape.count();
    let counted = Counting::ALL.into_iter().filter_map(|counting| {
        Some((counting.name().to_owned(), whole(count.counted_by(counting)?)))
    });
    let flops = Convention::ALL.into_iter().map(|convention| {
        let flops = shape.flops_per_token(convention, sequence);
        (convention.name().to_owned(), whole(flops))
    });
    json!({
        "params": whole(count.total()),
        "active_params": whole(count.active()),
        "params_by_counting": counted.collect::<serde_json::Map<_, _>>(),
        "embedding_params": whole(count.input_embedding.total()),
        "position_params": whole(count.position_embedding.total()),
        "head_params": whole(count.output_head.total()),
        "tied": count.tied,
        "kv_width": shape.kv_width(),
        "layers": shape.layers(),
        "hidden": shape.hidden,
        "vocab": shape.vocab,
        "sequence": sequence,
        "flops_per_token": flops.collect::<serde_json::Map<_, _>>(),
    })
}

/// A whole number as JSON; beyond 2^64 as a float.
fn whole(number: u128) -> Value {
    u64::try_from(number).map_or_else(|_| json!(float(number)), |number| json!(number))
}

#[expect(clippy::cast_precision_loss, reason = "for people, or beyond 2^64")]
fn float(number: u128) -> f64 {
    number as f64
}
