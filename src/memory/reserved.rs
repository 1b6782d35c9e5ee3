//! What the allocator reserves for a step: its events, one block each, through the pools.

use super::label::Label;
use super::pool::{Pool, Segments, bytes, small, units};
use super::timeline::{Event, Lane, Phase, Timeline};
use std::collections::HashMap;

/// Steps until holes are where they stay: the first has no optimizer states before its end.
const STEPS: usize = 3;

/// The most that the allocator reserves, bytes.
pub(super) fn reserved(timeline: &Timeline, tokens: f64, segments: Segments) -> f64 {
    if segments == Segments::Counted {
        return timeline.peak(tokens).bytes;
    }
    bytes(after(timeline, tokens, segments, STEPS).0.reserved())
}

/// The allocator after so many steps, and how many frees found no block.
fn after(timeline: &Timeline, tokens: f64, segments: Segments, steps: usize) -> (Allocator, u64) {
    let mut missed = 0;
    let mut allocator = Allocator::new(segments, tokens);
    let mut states = Vec::new();
    let mut accumulates = false;
    timeline.each(|phase, event| match (phase, event.label) {
        (Phase::Start, Label::Optimizer) => states.push(*event),
        (Phase::Start, label) => {
            accumulates |= label == Label::Gradients;
            allocator.happen(phase, event);
        }
        _ => {}
    });
    for _ in 0..steps {
        timeline.each(|phase, event| {
            if phase == Phase::Start {
                return;
            }
            if phase == Phase::Optimizer {
                for state in states.drain(..) {
                    allocator.happen(phase, &state);
                }
            }
            missed += u64::from(!allocator.happen(phase, event));
        });
        if !accumulates {
            allocator.forget(Label::Gradients);
        }
    }
    (allocator, missed)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Block {
    pool: usize,
    start: u128,
    /// The phase that made it, and its name there.
    phase: Phase,
    name: u32,
}

/// Blocks of one kind and size on one lane.
type Kind = (Label, Lane, u128);

struct Allocator {
    tokens: f64,
    /// For each lane one of large and one of small blocks.
    pools: Vec<Pool>,
    live: HashMap<Kind, Vec<Block>>,
    /// The block freed last, not yet given back: it may only change its kind.
    leaving: Option<(Block, u128)>,
}

impl Allocator {
    fn new(segments: Segments, tokens: f64) -> Self {
        let pools = (0..2 * Lane::COUNT).map(|index| Pool::new(segments, index % 2 == 1)).collect();
        Self { tokens, pools, live: HashMap::new(), leaving: None }
    }

    /// Units that the driver has given.
    fn reserved(&self) -> u128 {
        self.pools.iter().map(Pool::reserved).sum()
    }

    /// Allocates or frees; whether there was something to free.
    fn happen(&mut self, phase: Phase, event: &Event) -> bool {
        let size = event.size.at(self.tokens);
        let asked = units(size.abs());
        let kind = (event.label, event.lane, asked);
        if asked == 0 {
            return true;
        }
        if size > 0.0 {
            self.make(phase, kind, event.name);
            return true;
        }
        self.free(phase, kind, event.name).is_some()
    }

    fn make(&mut self, phase: Phase, kind: Kind, name: u32) {
        let asked = kind.2;
        let pool = 2 * kind.1 as usize + usize::from(small(asked));
        let start = match self.leaving.take() {
            Some((block, size)) if name != 0 && block.name == name && size == asked => block.start,
            leaving => {
                self.leaving = leaving;
                self.leave();
                self.pools[pool].take(asked)
            }
        };
        self.live.entry(kind).or_default().push(Block { pool, start, phase, name });
    }

    /// Frees a block: the one of this name that the layer has made; or else the youngest of this
    /// kind and size that another phase has left.
    fn free(&mut self, phase: Phase, kind: Kind, name: u32) -> Option<()> {
        let blocks = self.live.get_mut(&kind)?;
        let own = |block: &Block| block.name == name && layer(block.phase) == layer(phase);
        let at = if name == 0 {
            blocks.len().checked_sub(1)
        } else {
            let others = |block: &Block| block.phase != phase;
            blocks.iter().rposition(own).or_else(|| blocks.iter().rposition(others))
        };
        let block = blocks.remove(at?);
        self.leave();
        self.leaving = Some((Block { name, ..block }, kind.2));
        Some(())
    }

    fn leave(&mut self) {
        if let Some((block, _)) = self.leaving.take() {
            self.pools[block.pool].give(block.start);
        }
    }

    /// Frees all blocks of a kind.
    fn forget(&mut self, label: Label) {
        let mut gone: Vec<Block> = self
            .live
            .iter_mut()
            .filter(|(kind, _)| kind.0 == label)
            .flat_map(|(_, blocks)| std::mem::take(blocks))
            .collect();
        // in one order on every machine
        gone.sort_unstable_by_key(|block| (block.pool, block.start));
        self.leave();
        for block in gone {
            self.pools[block.pool].give(block.start);
        }
    }
}

/// What phases share the names of their blocks.
fn layer(phase: Phase) -> (u8, u64) {
    match phase {
        Phase::Forward(layer) | Phase::Backward(layer) => (0, layer),
        Phase::Embedding | Phase::EmbeddingBackward => (1, 0),
        Phase::Head | Phase::HeadBackward => (2, 0),
        _ => (3, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{Layout, LayoutKeys, Recompute};
    use crate::memory::setting::{
        AttentionKernel, LossKernel, Optimizer, Precision, Profile, Setting,
    };
    use crate::memory::step;
    use crate::model::shapes;

    /// What a step makes and does not hold throughout is freed by name or by kind and size: no free
    /// misses its block, whatever the model, the recomputation and the profile (one in five
    /// published shapes: each step is walked block by block).
    #[test]
    fn every_free_finds_its_block() {
        let mut steps = 0;
        for published in shapes().iter().step_by(5) {
            let shape = published.shape().unwrap();
            for profile in Profile::ALL {
                for recompute in [Recompute::None, Recompute::Selective, Recompute::Full] {
                    let recompute = Some(recompute);
                    let keys = LayoutKeys { recompute, ..LayoutKeys::default() };
                    let setting = Setting {
                        layout: Layout::of(&keys, 64).unwrap(),
                        sequence: 2048,
                        precision: Precision::Bf16,
                        optimizer: Optimizer::AdamW,
                        attention: AttentionKernel::Sdpa,
                        loss: LossKernel::Eager,
                        profile: *profile,
                        adapter: None,
                        family: None,
                    };
                    let Ok(step) = step(&shape, &setting) else { continue };
                    steps += 1;
                    let after = |n| after(&step.timeline, step.tokens, Segments::Expandable, n);
                    let name = &published.name;
                    let ((first, _), (second, missed)) = (after(1), after(2));
                    assert_eq!(missed, 0, "{name} {profile} {recompute:?}");
                    assert_eq!(first.live(), second.live(), "{name} {profile} {recompute:?}");
                    let reserved = bytes(second.reserved());
                    assert!(reserved >= step.peak().bytes, "{name} {profile} {recompute:?}");
                }
            }
        }
        assert!(steps > 50, "{steps}");
    }

    impl Allocator {
        /// Blocks that are held.
        fn live(&self) -> usize {
            self.live.values().map(Vec::len).sum()
        }
    }
}
