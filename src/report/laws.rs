//! All laws side by side, and the regret of trusting one.

use super::answer::Answer;
use super::block::Block;
use crate::allocation::regrets;
use crate::law::{Architecture, Law, Status, catalogue};
use crate::model::Shape;
use crate::quantity::{
    Flops, FlopsPerParamToken, Params, Quantity, Tokens, TokensPerParam, significant,
};
use serde::Serialize;

/// One law's answer to a budget. Losses are left out: laws from different data do not compare.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LawRow<'a> {
    /// Law.
    pub name: &'a str,
    /// N*, as the law counts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub params: Option<Params>,
    /// M*, FLOPs per token, where the law counts that instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flops_per_token: Option<f64>,
    /// D*.
    pub tokens: Tokens,
    /// D*/N*.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_param: Option<TokensPerParam>,
    /// kN*D*/C.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute_ratio: Option<f64>,
    /// Times outside the range of the law's data; absent inside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extrapolation: Option<f64>,
    /// What the law counts as N.
    pub counts: &'a str,
    /// N of the plan's own model, or of the shape picked for it, as the law counts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_params: Option<Params>,
    /// `current`, `historical` or `warned`.
    pub status: &'a str,
    /// `dense` or `moe`.
    pub architecture: &'a str,
    /// Where the law is from.
    pub source: &'a str,
}

/// Every law's answer to a budget, and what each counts of a model; a law of the user's own stands
/// first.
#[must_use]
pub fn law_rows<'a>(
    own: Option<&'a Law>,
    flops: Flops,
    k: FlopsPerParamToken,
    model: Option<&Shape>,
) -> Vec<LawRow<'a>> {
    let six = Flops(flops.0 * FlopsPerParamToken::TRAINING.0 / k.0);
    let row = |law: &'a Law| {
        let optimum = law.optimum(flops, k);
        let outside = law.extrapolation(six, optimum.params, optimum.tokens);
        LawRow {
            name: &law.name,
            params: optimum.params,
            flops_per_token: optimum.flops_per_token,
            tokens: optimum.tokens,
            tokens_per_param: optimum.tokens_per_param(),
            compute_ratio: optimum.params.map(|n| k.cost(n, optimum.tokens).0 / flops.0),
            extrapolation: outside.map(|outside| outside.factor),
            counts: &law.counts,
            model_params: model.and_then(|shape| shape.counted_by(law.counting)),
            status: match law.status {
                Status::Current => "current",
                Status::Historical => "historical",
                Status::Warned => "warned",
            },
            architecture: match law.architecture {
                Architecture::Dense => "dense",
                Architecture::Moe => "moe",
            },
            source: &law.source,
        }
    };
    let own = own.filter(|own| catalogue().iter().all(|known| known != *own));
    own.into_iter().chain(catalogue().iter()).map(row).collect()
}

/// The compute at which laws are compared: the run's budget, else what the run needs.
pub(super) fn compared(answer: &Answer) -> Option<Flops> {
    let own = answer.derivation.point.map(|point| point.flops);
    let by_loss = answer.derivation.wanted.loss.is_some();
    answer.derivation.run_flops().filter(|_| !by_loss).or(own)
}

/// One line with the range over all laws and the 20:1 rule.
pub(super) fn summary(answer: &Answer, hint: bool) -> Vec<Block> {
    let Some(flops) = compared(answer) else {
        return Vec::new();
    };
    let rows = law_rows(None, flops, answer.derivation.k, None);
    let sound: Vec<(&str, Params, Tokens)> = rows
        .iter()
        .filter(|row| row.architecture == "dense" && row.status != "warned")
        .filter_map(|row| Some((row.name, row.params?, row.tokens)))
        .collect();
    let least = sound.iter().min_by(|a, b| a.1.0.total_cmp(&b.1.0));
    let most = sound.iter().max_by(|a, b| a.1.0.total_cmp(&b.1.0));
    let rule = sound.iter().find(|row| row.0 == "rule-20");
    let (Some(least), Some(most), Some(rule)) = (least, most, rule) else {
        return Vec::new();
    };
    let hint = if hint { " `--laws` shows all." } else { "" };
    let line = format!(
        "At {} N*, as each law counts it, is {} ({}) to {} ({}) over {} dense laws; the 20:1 rule says {} on {} tokens.{hint}",
        flops.human(),
        least.1.human(),
        least.0,
        most.1.human(),
        most.0,
        sound.len(),
        rule.1.human(),
        rule.2.human()
    );
    vec![Block::Heading("Other laws".to_owned()), Block::Line(format!("  {line}"))]
}

/// All laws with what each counts and how far the budget lies outside its data.
pub(super) fn table(answer: &Answer) -> Vec<Block> {
    let Some(flops) = compared(answer) else {
        return Vec::new();
    };
    let model = answer.derivation.model_shape();
    let rows = law_rows(Some(&answer.derivation.law), flops, answer.derivation.k, model.as_ref());
    let cells = rows.iter().map(|row| {
        let size = row.params.map(Quantity::human);
        let per_token = row.flops_per_token.map(|m| format!("M {}", significant(m, 3)));
        vec![
            row.name.to_owned(),
            size.or(per_token).unwrap_or_default(),
            row.tokens.human(),
            row.tokens_per_param.map_or(String::new(), Quantity::human),
            row.extrapolation.map_or("inside".to_owned(), |x| format!("x {}", significant(x, 2))),
            remark(row),
        ]
    });
    let header = ["law", "N*", "D*", "D/N", "data", "remark"];
    let mut blocks = vec![
        Block::Heading(format!("All laws at {}", flops.human())),
        Block::table(&header, cells.collect(), 1),
        Block::Line(
            "  data: how many times the budget lies outside what the law was fitted on.".to_owned(),
        ),
    ];
    blocks.push(Block::Heading("What each counts as N".to_owned()));
    let mut counts: Vec<(&LawRow, Vec<&str>)> = Vec::new();
    for row in &rows {
        match counts.iter_mut().find(|(first, _)| first.counts == row.counts) {
            Some((_, names)) => names.push(row.name),
            None => counts.push((row, vec![row.name])),
        }
    }
    let own = if answer.derivation.shape.is_some() { "this model" } else { "the shape picked" };
    blocks.extend(counts.into_iter().map(|(row, names)| {
        let size = row.model_params.map(|n| format!(" (of {own}: {})", n.human()));
        let size = size.unwrap_or_default();
        Block::Line(format!("  {}{size}: {}", row.counts, names.join(", ")))
    }));
    blocks
}

/// What sets a law apart from the current dense ones.
fn remark(row: &LawRow<'_>) -> String {
    let ratio = row.compute_ratio.filter(|ratio| (ratio - 1.0).abs() > 0.02);
    let ratio = ratio.map(|ratio| format!("6ND/C {}", significant(ratio, 3)));
    let status = (row.status != "current").then(|| row.status.to_owned());
    let moe = (row.architecture == "moe").then(|| "MoE".to_owned());
    status.into_iter().chain(moe).chain(ratio).collect::<Vec<_>>().join(", ")
}

/// Every law's choice and what it costs if another law is true, the safest choice first.
pub(super) fn regret(answer: &Answer) -> Vec<Block> {
    let Some(flops) = compared(answer) else {
        return Vec::new();
    };
    let regrets = regrets(Some(&answer.derivation.law), flops, answer.derivation.k);
    let rows = regrets.iter().filter_map(|regret| {
        let worst = regret.worst()?;
        Some(vec![
            regret.choice.to_owned(),
            regret.params.human(),
            significant(worst.loss_difference, 2),
            worst.wasted.human(),
            worst.truth.to_owned(),
        ])
    });
    let header = ["choice of", "N", "loss lost", "wasted", "if true"];
    let mut blocks = vec![
        Block::Heading(format!("Worst regret of each law's choice at {}", flops.human())),
        Block::table(&header, rows.collect(), 1),
    ];
    if let Some(best) = regrets.first() {
        blocks.push(Block::Line(format!(
            "  Smallest worst regret: the choice of {}. Only laws with a loss can judge; `--format json` has every pair.",
            best.choice
        )));
    }
    blocks
}
