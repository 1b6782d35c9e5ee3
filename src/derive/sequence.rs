//! Tokens of a sequence: the plan's, the stages', or assumed.

use super::Notes;
use crate::plan::Chosen;
use crate::quantity::SequenceTokens;

/// Tokens of a sequence where nothing says how many.
pub const SEQUENCE: u64 = 4096;

/// For the FLOPs of the run: `training.sequence`, else that of the first stage that states one.
pub(super) fn first(chosen: &Chosen, notes: &mut Notes) -> u64 {
    let stages = chosen.stages.iter().find_map(|stage| stage.sequence);
    resolved(chosen.training.sequence.or(stages), notes)
}

/// For the memory of a step: `training.sequence`, else the longest of the stages.
pub(super) fn longest(chosen: &Chosen, notes: &mut Notes) -> u64 {
    let stages = chosen.stages.iter().filter_map(|stage| stage.sequence);
    let longest = stages.max_by(|a, b| a.0.total_cmp(&b.0));
    resolved(chosen.training.sequence.or(longest), notes)
}

fn resolved(stated: Option<SequenceTokens>, notes: &mut Notes) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, checked")]
    if let Some(length) = stated {
        return length.0 as u64;
    }
    let source = "no stage states its `sequence`; attention costs more in longer ones";
    notes.assume("stages.sequence", &SEQUENCE.to_string(), source);
    SEQUENCE
}
