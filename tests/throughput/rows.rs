//! Tables of published runs, where they are on this machine.

use crate::data::find;
use crate::network::{grouped, network};
use plan::model::{Attention, Block, Experts, FeedForward, Latent, Mlp, Shape, Stack};
use std::collections::HashMap;

/// A row by its columns.
pub struct Row(HashMap<String, String>);

impl Row {
    pub fn text(&self, column: &str) -> &str {
        self.0.get(column).unwrap_or_else(|| panic!("no column {column}"))
    }

    /// The leading number of a cell; none where it has none.
    pub fn maybe(&self, column: &str) -> Option<f64> {
        self.text(column).split(" (").next()?.trim().parse().ok()
    }

    pub fn number(&self, column: &str) -> f64 {
        self.maybe(column).unwrap_or_else(|| panic!("{column}: {}", self.text(column)))
    }

    pub fn count(&self, column: &str) -> u64 {
        self.number(column) as u64
    }

    /// A degree, 1 where the cell is empty.
    pub fn degree(&self, column: &str) -> u64 {
        match self.text(column) {
            "" | "n/a" => 1,
            _ => self.count(column),
        }
    }
}

/// The rows of a table; none, and a line that says so, where it is absent.
pub fn table(name: &str) -> Option<Vec<Row>> {
    let path = find(name, "the pages that src/throughput/constants.toml names")?;
    let mut reader = csv::Reader::from_path(&path).expect("the table opens");
    let headers = reader.headers().expect("it has a header").clone();
    let rows = reader.records().map(|record| {
        let record = record.expect("rows are well formed");
        let cells = headers.iter().zip(record.iter());
        Row(cells.map(|(header, cell)| (header.to_owned(), cell.to_owned())).collect())
    });
    Some(rows.collect())
}

/// The sizes of a model that its rows state.
#[derive(Clone, Copy)]
pub struct Sizes {
    pub layers: u64,
    pub hidden: u64,
    pub heads: u64,
    pub kv_heads: u64,
    pub ffn: u64,
    pub vocab: u64,
    pub gated: bool,
    pub tied: bool,
}

impl Sizes {
    pub fn gpt(layers: u64, hidden: u64, heads: u64, ffn: u64, vocab: u64) -> Self {
        Self { layers, hidden, heads, kv_heads: heads, ffn, vocab, gated: false, tied: true }
    }

    pub fn shape(self) -> Shape {
        let mlp = Mlp { width: self.ffn, gated: self.gated, bias: false };
        let head_dim = self.hidden / self.heads;
        let attention = grouped(self.heads, self.kv_heads, head_dim);
        let block = Block { attention, feed_forward: FeedForward::Dense(mlp), norms: 2 };
        network(self.hidden, self.vocab, self.tied, vec![Stack { layers: self.layers, block }])
    }
}

/// DeepSeek-V2 or V3 with so many layers, the first ones dense.
pub fn deepseek(v3: bool, layers: u64, dense: u64) -> Shape {
    let (hidden, vocab, ffn) = if v3 { (7168, 129_280, 18_432) } else { (5120, 102_400, 12_288) };
    let (count, per_token, width, shared) =
        if v3 { (256, 8, 2048, 2048) } else { (160, 6, 1536, 3072) };
    let attention = Attention::Latent(Latent {
        heads: 128,
        q_rank: Some(1536),
        kv_rank: 512,
        nope_dim: 128,
        rope_dim: 64,
        value_dim: 128,
        bias: false,
    });
    let mlp = |width| Mlp { width, gated: true, bias: false };
    let experts = experts(count, per_token, width, Some(mlp(shared)));
    let block = |feed_forward| Block { attention, feed_forward, norms: 2 };
    let stacks = vec![
        Stack { layers: dense, block: block(FeedForward::Dense(mlp(ffn))) },
        Stack { layers: layers - dense, block: block(FeedForward::Experts(experts)) },
    ];
    network(hidden, vocab, false, stacks)
}

pub fn experts(count: u64, per_token: u64, width: u64, shared: Option<Mlp>) -> Experts {
    Experts {
        count,
        per_token,
        expert: Mlp { width, gated: true, bias: false },
        shared,
        shared_gate: false,
        router_bias: false,
    }
}
