//! The runs as a table to fill in.

use super::Ladder;
use crate::fit::Run;
use crate::quantity::exact;
use std::fmt::Write as _;

/// The runs as CSV, which [`read`](crate::fit::read) reads once the losses are filled in: the name
/// of each run's plan, N, D, kND, and its loss where there is an outcome.
#[must_use]
pub fn manifest(ladder: &Ladder, outcome: Option<&[Run]>) -> String {
    let mut out = "plan,params,tokens,flops,loss\n".to_owned();
    for (index, rung) in ladder.rungs.iter().enumerate() {
        let loss = outcome.and_then(|runs| runs.get(index));
        let loss = loss.map_or(String::new(), |run| format!("{:.5}", run.loss));
        let _ = writeln!(
            out,
            "{}.toml,{},{},{},{loss}",
            rung.name(),
            exact(rung.params.0),
            exact(rung.tokens.0),
            exact(rung.flops.0),
        );
    }
    out
}
