//! Values to text, Markdown, CSV and JSON.
//!
//! An answer is a list of [`Block`]s, made once and rendered per format. Text carries ANSI
//! styles; whoever prints it strips them where they are not wanted.

mod adapter;
mod answer;
mod area;
mod block;
mod chart;
mod csv_view;
mod data;
mod diagnostics;
mod diff;
mod explain;
mod findings;
mod fit;
mod fleet;
mod footprint;
mod json;
mod ladder;
mod laws;
mod layout;
mod loader;
mod memory;
pub mod memory_picture;
mod mix;
mod model;
mod operations;
mod page;
mod recipe;
mod run;
mod step;
mod summary;
mod throughput;
mod utilisation;
mod words;

pub use answer::{Answer, Section, Show, Tally};
pub use block::{Block, markdown, text};
pub use csv_view::csv;
pub use diagnostics::diagnostics;
pub use diff::{diff_blocks, diff_json};
pub use explain::{Kind, explain, explain_law, list};
pub use findings::{
    CheckReport, Diagnosed, Diagnosis, Failure, Region, Totals, check_json, check_markdown, github,
    sarif,
};
pub use fit::{ConstrainedView, FitView, MixingView, PowerView, Source};
pub use footprint::{FootprintView, footprint_csv, footprint_json, footprint_svg};
pub use json::json;
pub use ladder::LadderView;
pub use laws::{LawRow, law_rows};
pub use layout::{LayoutView, model_words};
pub use memory::{MemoryView, memory_csv, memory_json, memory_svg};
pub use mix::{mix_json, mix_svg};
pub use model::{ModelSheet, Sequence, proposals, proposals_json, stage_sequences};
pub use throughput::{throughput_csv, throughput_json};
