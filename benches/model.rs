//! Times of counting a model and of reading its configuration: `cargo bench --bench model`.
//!
//! Each line is the median over batches, of a dense configuration of 126 layers (Llama 3.1 405B) and
//! of one whose every layer differs from its neighbours. It reports and does not judge: machines
//! differ.

use plan::model::{Convention, Wanted, propose, read_config, shapes};
use plan::quantity::Params;
use std::hint::black_box;
use std::time::Instant;

const BATCHES: usize = 101;
const BATCH: u32 = 200;

fn main() {
    let dense = &shapes().find("llama-3.1-405b").expect("the catalogue has it").config;
    let striped = r#"{"model_type": "qwen3_moe", "num_hidden_layers": 126, "decoder_sparse_step": 2,
        "vocab_size": 151936, "hidden_size": 2048, "intermediate_size": 6144,
        "num_attention_heads": 32, "num_key_value_heads": 4, "head_dim": 128,
        "num_experts": 128, "num_experts_per_tok": 8, "moe_intermediate_size": 768}"#;
    for (name, text) in [("126 like layers", dense.as_str()), ("126 striped layers", striped)] {
        let shape = read_config(text).expect("the configuration reads").shape;
        report(&format!("{name}: count"), || shape.count().total());
        report(&format!("{name}: FLOPs, all conventions"), || {
            Convention::ALL.map(|convention| shape.flops_per_token(convention, 8192))
        });
        report(&format!("{name}: parse and count"), || {
            read_config(text).map(|config| config.shape.count().total())
        });
    }
    let wanted = Wanted { params: Params(13e9), ..Wanted::default() };
    report("proposals for 13B", || propose(&wanted).map(|proposals| proposals.len()));
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn report<T>(name: &str, work: impl Fn() -> T) {
    let batch = || {
        let start = Instant::now();
        for _ in 0..BATCH {
            black_box(work());
        }
        start.elapsed() / BATCH
    };
    let mut times: Vec<_> = (0..BATCHES).map(|_| batch()).collect();
    times.sort_unstable();
    println!("{name:44} {:>9.2} µs", times[BATCHES / 2].as_secs_f64() * 1e6);
}
