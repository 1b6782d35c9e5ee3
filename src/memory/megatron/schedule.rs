//! The passes of a device over its micro-batches: 1F1B, or interleaved.
//!
//! Source: Megatron-LM's `pipeline_parallel/schedules.py`.

use crate::layout::Layout;

/// Like passes in a row: a forward, a backward, or one after the other, over the same chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub forward: Option<usize>,
    pub backward: Option<usize>,
    pub times: u64,
}

/// Groups of micro-batches after which an interleaved schedule has come to repeat itself: one and
/// a bit to warm up, two in which it runs steadily.
const GROUPS: u64 = 4;

/// All passes of a device; micro-batches that repeat what those before them did are left out.
pub(super) fn rows(layout: &Layout, place: u64) -> Vec<Row> {
    let (pp, chunks) = (layout.pp, layout.interleave);
    let batches = match (pp, chunks) {
        (1, _) => 1,
        (_, 1) => layout.micro_batches,
        _ => layout.micro_batches.min(pp * GROUPS),
    };
    let all = batches.saturating_mul(chunks);
    // chunks take turns, each with pp micro-batches
    let group = if chunks > 1 { pp } else { all };
    let after = pp - place - 1;
    let warm = if chunks > 1 { 2 * after + (chunks - 1) * pp } else { after }.min(all);
    let chunk = |pass: u64| pass / group % chunks;
    let forward = |pass: u64| usize::try_from(chunk(pass)).ok();
    let backward = |pass: u64| usize::try_from(chunks - 1 - chunk(pass)).ok();
    let left = |pass: u64| group - pass % group;
    let mut out = Vec::new();
    let mut pass = 0;
    while pass < warm {
        let times = left(pass).min(warm - pass);
        out.push(Row { forward: forward(pass), backward: None, times });
        pass += times;
    }
    while pass < all {
        let back = pass - warm;
        let times = left(pass).min(left(back)).min(all - pass);
        out.push(Row { forward: forward(pass), backward: backward(back), times });
        pass += times;
    }
    let mut back = all - warm;
    while back < all {
        let times = left(back).min(all - back);
        out.push(Row { forward: None, backward: backward(back), times });
        back += times;
    }
    out
}
