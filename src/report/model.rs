//! A model's shape: parameters, FLOPs per token, and shapes for a size.

use super::answer::Answer;
use super::block::Block;
use crate::data::Stage;
use crate::law::{Counting, Law};
use crate::model::{
    Attention, BlockCount, Convention, FeedForward, Form, Proposal, Shape, ShapeKeys, Wanted,
    Warning, Weights, nearest_published,
};
use crate::plan::Chosen;
use crate::quantity::{Quantity, grouped, significant};
use serde_json::{Value, json};

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
    pub law: Option<&'static Law>,
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
        blocks.push(by_law(&self.shape, self.law));
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
            map.insert("law".to_owned(), json!(self.law.map(|law| &law.name)));
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
        let law = answer.derivation.law;
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

/// Shapes for a size, with reasons; the law is that of the plan whose size it is.
#[must_use]
pub fn proposals(found: &[Proposal], wanted: &Wanted, law: Option<&'static Law>) -> Vec<Block> {
    let target = wanted.params.0;
    let size = |proposal: &Proposal| proposal.shape.size_by(wanted.counting);
    let number = |value: Option<u64>| value.map_or("-".to_owned(), |value| value.to_string());
    let row = |name: &str, cell: &dyn Fn(&Proposal) -> String| -> Vec<String> {
        std::iter::once(name.to_owned()).chain(found.iter().map(cell)).collect()
    };
    let mixture = found.iter().any(|proposal| proposal.shape.has_experts());
    let mut rows = vec![
        row("parameters", &|p| p.shape.params().human()),
        row("off the target", &|p| format!("{:+.2} %", (size(p).0 / target - 1.0) * 100.0)),
        row("layers", &|p| number(p.keys.layers)),
        row("hidden", &|p| number(p.keys.hidden)),
        row("heads", &|p| number(p.keys.heads)),
        row("key and value heads", &|p| number(p.keys.kv_heads)),
        row("head width", &|p| number(p.keys.head_dim)),
        row("feed-forward", &|p| number(p.keys.ffn)),
    ];
    if mixture {
        rows.insert(1, row("active", &|p| p.shape.active_params().human()));
        rows.push(row("experts", &|p| number(p.keys.experts)));
        rows.push(row("experts per token", &|p| number(p.keys.experts_per_token)));
        rows.push(row("expert width", &|p| number(p.keys.expert_ffn)));
    }
    if let Some(law) = law.filter(|_| wanted.counting != Counting::All) {
        rows.insert(1, row(&format!("N of {}", law.name), &|p| size(p).human()));
    }
    rows.push(row("vocabulary", &|p| number(p.keys.vocab)));
    rows.push(row("head", &|p| {
        if p.keys.tied == Some(true) { "tied".to_owned() } else { "own".to_owned() }
    }));
    let mut header = vec![""];
    header.extend(found.iter().map(|proposal| proposal.title));
    let mut blocks =
        vec![Block::Heading("Shapes for this size".to_owned()), Block::table(&header, rows, 1)];
    if let Some(law) = law {
        let (wanted, counts) = (wanted.params.human(), &law.counts);
        blocks.push(Block::Line(format!(
            "  The target is {wanted}, N as {} counts it: {counts}.",
            law.name
        )));
    }
    for proposal in found {
        blocks.push(Block::Heading(format!("Why: {}", proposal.title)));
        blocks.extend(proposal.reasons.iter().map(|reason| Block::Line(format!("  {reason}."))));
        let kin = proposal
            .relatives
            .iter()
            .map(|relative| format!("{} ({})", relative.published.name, relative.params.human()));
        let kin: Vec<String> = kin.collect();
        blocks.push(Block::Line(format!("  Nearest published: {}.", kin.join(", "))));
        blocks.push(Block::Line("  In a plan:".to_owned()));
        blocks.push(Block::Picture(pasted(&proposal.keys)));
    }
    blocks
}

/// The keys as a table that a plan can have.
fn pasted(keys: &ShapeKeys) -> String {
    format!("[model.shape]\n{}", toml::to_string(keys).unwrap_or_default())
}

/// The same as JSON.
///
/// # Panics
/// Never: the document has string keys only.
#[must_use]
pub fn proposals_json(found: &[Proposal], wanted: &Wanted, sequence: u64) -> String {
    let shapes = found.iter().map(|proposal| {
        let mut document = shape_json(&proposal.shape, sequence);
        if let Some(map) = document.as_object_mut() {
            let kin = proposal.relatives.iter().map(|relative| &relative.published.name);
            map.insert("title".to_owned(), json!(proposal.title));
            let size = proposal.shape.size_by(wanted.counting);
            map.insert("wanted_params".to_owned(), json!(wanted.params));
            map.insert("counting".to_owned(), json!(wanted.counting.name()));
            map.insert("counted_params".to_owned(), json!(size));
            map.insert("keys".to_owned(), json!(proposal.keys));
            map.insert("reasons".to_owned(), json!(proposal.reasons));
            map.insert("nearest".to_owned(), json!(kin.collect::<Vec<_>>()));
        }
        document
    });
    let document = json!({ "version": VERSION, "shapes": shapes.collect::<Vec<_>>() });
    serde_json::to_string_pretty(&document).expect("shapes are JSON") + "\n"
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

fn count_text(weights: Weights) -> String {
    grouped(float(weights.total()))
}

/// The shape in a line or two.
fn outline(shape: &Shape) -> Block {
    let rows = shape.blocks().map(|(layers, block)| {
        let attention = match block.attention {
            Attention::Grouped(grouped) => format!(
                "{} heads of {}, {} for keys and values",
                grouped.heads, grouped.head_dim, grouped.kv_heads
            ),
            Attention::Latent(latent) => format!(
                "{} latent heads of {} + {}, rank {}",
                latent.heads, latent.nope_dim, latent.rope_dim, latent.kv_rank
            ),
        };
        let feed = match block.feed_forward {
            FeedForward::Dense(mlp) => {
                format!("{}{}", mlp.width, if mlp.gated { ", gated" } else { "" })
            }
            FeedForward::Experts(experts) => format!(
                "{} of {} experts of {}{}",
                experts.per_token,
                experts.count,
                experts.expert.width,
                experts.shared.map_or(String::new(), |mlp| format!(", {} shared", mlp.width))
            ),
        };
        vec![layers.to_string(), shape.hidden.to_string(), attention, feed]
    });
    Block::table(&["layers", "hidden", "attention", "feed-forward"], rows.collect(), 4)
}

fn parameters(shape: &Shape) -> Block {
    let count = shape.count();
    let of = |part: fn(&BlockCount) -> Weights| count.sum(part);
    let parts = [
        ("embedding", count.input_embedding),
        ("positions", count.position_embedding),
        ("around the embedding", count.embedding_extra),
        ("attention", of(|block| block.attention)),
        ("feed-forward", of(|block| block.mlp)),
        ("experts", of(|block| block.routed_experts)),
        ("routers", of(|block| block.router)),
        ("norms", of(|block| block.norms) + count.final_norm),
        ("head", count.output_head),
    ];
    let mut rows = vec![vec!["all".to_owned(), grouped(float(count.total())), String::new()]];
    if shape.has_experts() {
        let active = "work on a token, both embeddings among them";
        rows.push(vec!["active".to_owned(), grouped(float(count.active())), active.to_owned()]);
    }
    for (name, weights) in parts {
        let head = name == "head" && count.tied;
        if weights.total() == 0 && !head {
            continue;
        }
        let percent = significant(float(weights.total()) / float(count.total()) * 100.0, 3);
        let text = if head { "tied: the embedding".to_owned() } else { format!("{percent} %") };
        rows.push(vec![format!("  {name}"), count_text(weights), text]);
    }
    Block::table(&["", "parameters", ""], rows, 1)
}

/// N by what laws leave out, and which laws do; a plan's law is named first.
fn by_law(shape: &Shape, law: Option<&'static Law>) -> Block {
    let all = if shape.has_experts() { "what works on a token" } else { "all" };
    let ways = [
        (Counting::All, all.to_owned()),
        (Counting::WithoutEmbeddings, format!("{all} without embeddings")),
        (Counting::OneVocabulary, format!("{all} with one vocabulary matrix")),
    ];
    let count = shape.count();
    let rows = ways.into_iter().filter_map(|(counting, text)| {
        let n = grouped(float(count.counted_by(counting)?));
        let laws =
            counting.laws().chain(Counting::Active.laws().filter(|_| counting == Counting::All));
        let names: Vec<&str> = laws.map(|law| law.name.as_str()).collect();
        let own = law.filter(|law| names.contains(&law.name.as_str())).map(|law| law.name.as_str());
        let first = own.or(names.first().copied())?;
        let more = match names.len() {
            0 | 1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let mark = if own.is_some() { ", the plan's law," } else { "" };
        Some(vec![text, format!("{first}{mark}{more}"), n])
    });
    Block::table(&["counted", "laws", "N"], rows.collect(), 2)
}

fn kv(shape: &Shape) -> Block {
    let width = shape.kv_width();
    let all = float(width.into()) * float(shape.layers().into());
    Block::Line(format!(
        "  KV width: {} numbers a token and layer, {} bytes a token in bf16 over all layers.",
        grouped(float(width.into())),
        grouped(all * 2.0)
    ))
}

fn flops(shape: &Shape, sequence: u64) -> Block {
    let rows = Convention::ALL.into_iter().map(|convention| {
        let flops = float(shape.flops_per_token(convention, sequence));
        vec![
            convention.name().to_owned(),
            convention.formula().to_owned(),
            convention.used_by().join(", "),
            format!("{} G", significant(flops / 1e9, 4)),
        ]
    });
    Block::table(&["convention", "formula", "used by", "FLOP"], rows.collect(), 3)
}

fn hurts(warnings: Vec<Warning>) -> Vec<Block> {
    if warnings.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![Block::Heading("What this shape costs".to_owned())];
    for warning in warnings {
        blocks.push(Block::Line(format!("  {}: {}.", warning.message, warning.help)));
        blocks.push(Block::Line(format!("    {}.", warning.evidence)));
    }
    blocks
}
