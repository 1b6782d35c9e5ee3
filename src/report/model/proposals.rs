//! Shapes for a size, with their reasons.

use super::{VERSION, shape_json};
use crate::law::{Counting, Law};
use crate::model::{Proposal, ShapeKeys, Wanted};
use crate::quantity::Quantity;
use crate::report::block::Block;
use serde_json::json;

/// Shapes for a size, with reasons; the law is that of the plan whose size it is.
#[must_use]
pub fn proposals(found: &[Proposal], wanted: &Wanted, law: Option<&Law>) -> Vec<Block> {
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
