//! The tables of one shape.

use super::float;
use crate::law::{Counting, Law};
use crate::model::{Attention, BlockCount, Convention, FeedForward, Shape, Warning, Weights};
use crate::quantity::{grouped, significant};
use crate::report::block::Block;

fn count_text(weights: Weights) -> String {
    grouped(float(weights.total()))
}

/// The shape in a line or two.
pub(super) fn outline(shape: &Shape) -> Block {
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

pub(super) fn parameters(shape: &Shape) -> Block {
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
pub(super) fn by_law(shape: &Shape, law: Option<&Law>) -> Block {
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
        let own = law
            .filter(|law| names.contains(&law.name.as_str()) || law.counting == counting)
            .map(|law| law.name.as_str());
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

pub(super) fn kv(shape: &Shape) -> Block {
    let width = shape.kv_width();
    let all = float(width.into()) * float(shape.layers().into());
    Block::Line(format!(
        "  KV width: {} numbers a token and layer, {} bytes a token in bf16 over all layers.",
        grouped(float(width.into())),
        grouped(all * 2.0)
    ))
}

pub(super) fn flops(shape: &Shape, sequence: u64) -> Block {
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

pub(super) fn hurts(warnings: Vec<Warning>) -> Vec<Block> {
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
