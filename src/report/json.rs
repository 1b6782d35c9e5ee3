//! Answers as JSON: versioned, in base units, unrounded.

use super::answer::{Answer, Show};
use super::laws::{LawRow, compared, law_rows};
use crate::allocation::{Regret, regrets};
use crate::derive::Round;
use crate::plan::Derived;
use serde::Serialize;
use serde_json::{Value, json};

/// Version of the JSON of an answer.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    #[serde(flatten)]
    derived: &'a Derived,
    #[serde(skip_serializing_if = "<[Round]>::is_empty")]
    rounds: &'a [Round],
    laws: Vec<LawRow<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    regret: Option<Vec<Value>>,
    missing: Vec<Value>,
    remarks: &'a [String],
}

/// The answer as JSON, with a final newline.
///
/// # Panics
/// Never: the document has string keys and finite numbers only.
#[must_use]
pub fn json(answer: &Answer, show: Show) -> String {
    let flops = compared(answer);
    let k = answer.derivation.k;
    let model = answer.derivation.model_shape();
    let missing = answer.derivation.missing.iter();
    let document = Document {
        version: VERSION,
        derived: &answer.derivation.derived,
        rounds: &answer.derivation.rounds,
        laws: flops.map_or_else(Vec::new, |flops| {
            law_rows(Some(&answer.derivation.law), flops, k, model.as_ref())
        }),
        regret: flops.filter(|_| show.regret).map(|flops| {
            regrets(Some(&answer.derivation.law), flops, k).iter().map(regret).collect()
        }),
        missing: missing.map(|m| json!({ "what": m.what, "key": m.key.to_string() })).collect(),
        remarks: &answer.derivation.remarks,
    };
    let mut value = serde_json::to_value(&document).expect("answers are JSON");
    if let Some((section, _)) = super::Section::ALL.iter().find(|(_, s)| show.only == Some(*s)) {
        let part = value.get(section).cloned().unwrap_or(Value::Null);
        value = json!({ "version": VERSION, (*section): part });
    } else {
        return serde_json::to_string_pretty(&document).expect("answers are JSON") + "\n";
    }
    serde_json::to_string_pretty(&value).expect("answers are JSON") + "\n"
}

fn regret(regret: &Regret<'_>) -> Value {
    let under = regret.under.iter().map(|under| {
        json!({
            "truth": under.truth,
            "loss_difference": under.loss_difference,
            "wasted": under.wasted,
        })
    });
    json!({
        "choice": regret.choice,
        "params": regret.params,
        "tokens": regret.tokens,
        "worst": regret.worst().map(|worst| worst.truth),
        "worst_wasted": regret.worst().map(|worst| worst.wasted),
        "under": under.collect::<Vec<_>>(),
    })
}
