//! The 240 runs of Besiroglu et al. 2024 (arXiv:2404.10102): 245 points read off Figure 4 of
//! Hoffmann et al. 2022 (arXiv:2203.15556), less the five with the largest losses, with
//! D = FLOP / (6 N).

use super::data;
use plan::fit::{Role, Run, Runs, read};
use plan::quantity::FlopsPerParamToken;

/// The runs, or `None`, with a line on standard error, where the file is absent.
pub fn runs() -> Option<Vec<Run>> {
    Some(read_file(&[], 5)?.runs)
}

/// The runs that meet conditions, less those with the largest losses.
pub fn read_file(filters: &[plan::fit::Filter], drop: usize) -> Option<Runs> {
    let path = data::find(
        "epoch_svg_extracted_data.csv",
        "data/svg_extracted_data.csv of https://github.com/epoch-research/analyzing-chinchilla",
    )?;
    let file = std::fs::File::open(path).unwrap();
    let columns = [(Role::Params, "Model Size"), (Role::Flops, "Training FLOP")];
    let columns = columns.map(|(role, name)| (role, name.to_owned()));
    let runs = read(file, &columns, filters, drop, FlopsPerParamToken::TRAINING).unwrap();
    assert_eq!(runs.rows, 245, "rows of the file");
    Some(runs)
}
