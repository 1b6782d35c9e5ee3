//! The rows of the oracle's tables of memory.

use std::collections::HashMap;

pub type Row = HashMap<String, String>;

pub fn rows(file: &str) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(format!("tests/oracle/{file}")).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

pub fn number(row: &Row, key: &str) -> u64 {
    row[key].parse().unwrap_or_else(|_| panic!("{key} of {row:?}"))
}

/// Its shape as the generic keys of a plan.
pub fn shape(row: &Row) -> String {
    let sizes = ["layers", "hidden", "heads", "kv_heads", "head_dim", "ffn", "vocab", "tied"];
    let mut keys: Vec<String> = sizes.map(|key| format!("{key} = {}", row[key])).to_vec();
    if row["block"] == "llama" {
        keys.push(format!("qkv_bias = {}", row["qkv_bias"]));
    } else {
        keys.push("gated = false\nbias = true\nnorm = \"layer\"".to_owned());
        keys.push(format!("qkv_bias = {}\npositions = {}", row["qkv_bias"], row["sequence"]));
    }
    keys.join("\n")
}
