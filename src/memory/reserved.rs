//! What the allocator reserves for a step: its events, one block each, through the pools.

use super::label::Label;
use super::pool::{Pool, Segments, Taken, bytes, small, units};
use super::timeline::{Event, Lane, Phase, Timeline};
use std::collections::HashMap;

/// Steps until holes are where they stay: the first has no optimizer states before its end.
const STEPS: usize = 3;
/// Most events of a step that are walked: a thousand layers and more.
const MOST_EVENTS: u64 = 1_000_000;

/// The most that the allocator reserves, bytes. A step of very many layers is not walked, and reserves
/// at least what it allocates.
pub(super) fn reserved(timeline: &Timeline, tokens: f64, segments: Segments) -> f64 {
    let events =
        timeline.runs().map(|(_, times, events)| times.saturating_mul(events.len() as u64));
    let long = events.fold(0, u64::saturating_add) > MOST_EVENTS;
    if long || segments == Segments::Counted {
        return timeline.peak(tokens).bytes;
    }
    bytes(Allocator::after(timeline, tokens, segments, STEPS).reserved())
}

/// An event of a step, ready to happen: which kind of block it makes or frees.
#[derive(Debug, Clone, Copy)]
struct Act {
    kind: usize,
    makes: bool,
    name: u32,
}

/// Blocks of one label and size on one lane.
#[derive(Debug)]
struct Kind {
    label: Label,
    pool: usize,
    size: u128,
    live: Vec<Block>,
}

#[derive(Debug, Clone, Copy)]
struct Block {
    taken: Taken,
    /// The phase that made it, and its name there.
    phase: Phase,
    name: u32,
}

/// A block that is freed and not yet given back: it may only change its kind.
#[derive(Debug, Clone, Copy)]
struct Leaving {
    pool: usize,
    size: u128,
    taken: Taken,
    name: u32,
}

struct Allocator {
    /// For each lane one of large and one of small blocks.
    pools: Vec<Pool>,
    kinds: Vec<Kind>,
    leaving: Option<Leaving>,
    /// Frees that found no block.
    missed: u64,
}

impl Allocator {
    /// The allocator after so many steps.
    fn after(timeline: &Timeline, tokens: f64, segments: Segments, steps: usize) -> Self {
        let pools = (0..2 * Lane::COUNT).map(|index| Pool::new(segments, index % 2 == 1)).collect();
        let mut allocator = Self { pools, kinds: Vec::new(), leaving: None, missed: 0 };
        let mut numbers = HashMap::new();
        let runs: Vec<(Phase, u64, Vec<Act>)> = timeline
            .runs()
            .map(|(phase, times, events)| {
                let acts =
                    events.iter().filter_map(|event| allocator.act(event, tokens, &mut numbers));
                (phase, times, acts.collect())
            })
            .collect();
        let accumulates = runs.iter().any(|(phase, _, acts)| {
            *phase == Phase::Start && acts.iter().any(|act| allocator.is(*act, Label::Gradients))
        });
        let mut states = Vec::new();
        for (phase, times, acts) in runs.iter().filter(|(phase, ..)| *phase == Phase::Start) {
            for act in (0..*times).flat_map(|_| acts) {
                if allocator.is(*act, Label::Optimizer) {
                    states.push(*act);
                } else {
                    allocator.happen(*phase, *act);
                }
            }
        }
        for _ in 0..steps {
            for (phase, times, acts) in runs.iter().filter(|(phase, ..)| *phase != Phase::Start) {
                if *phase == Phase::Optimizer {
                    states.drain(..).for_each(|state| allocator.happen(*phase, state));
                }
                for repeat in 0..*times {
                    let phase = phase.later(repeat);
                    for act in acts {
                        allocator.happen(phase, *act);
                    }
                }
            }
            if !accumulates {
                allocator.forget(Label::Gradients);
            }
        }
        allocator
    }

    /// What an event does; nothing where it is smaller than a unit.
    fn act(
        &mut self,
        event: &Event,
        tokens: f64,
        numbers: &mut HashMap<(Label, usize, u128), usize>,
    ) -> Option<Act> {
        let bytes = event.size.at(tokens);
        let size = units(bytes.abs());
        let pool = 2 * event.lane as usize + usize::from(small(size));
        let kinds = &mut self.kinds;
        let kind = *numbers.entry((event.label, pool, size)).or_insert_with(|| {
            kinds.push(Kind { label: event.label, pool, size, live: Vec::new() });
            kinds.len() - 1
        });
        (size > 0).then_some(Act { kind, makes: bytes > 0.0, name: event.name })
    }

    fn is(&self, act: Act, label: Label) -> bool {
        self.kinds[act.kind].label == label
    }

    /// Units that the driver has given.
    fn reserved(&self) -> u128 {
        self.pools.iter().map(Pool::reserved).sum()
    }

    fn happen(&mut self, phase: Phase, act: Act) {
        if act.makes {
            self.make(phase, act);
        } else if self.free(phase, act).is_none() {
            self.missed += 1;
        }
    }

    fn make(&mut self, phase: Phase, Act { kind, name, .. }: Act) {
        let Kind { pool, size, .. } = self.kinds[kind];
        let taken = match self.leaving.take() {
            Some(gone) if name != 0 && gone.name == name && gone.size == size => gone.taken,
            leaving => {
                self.leaving = leaving;
                self.leave();
                self.pools[pool].take(size)
            }
        };
        self.kinds[kind].live.push(Block { taken, phase, name });
    }

    /// Frees a block: the one of this name that the layer has made; or else the youngest of this
    /// kind that another phase has left.
    fn free(&mut self, phase: Phase, Act { kind, name, .. }: Act) -> Option<()> {
        let Kind { pool, size, live, .. } = &mut self.kinds[kind];
        let (pool, size) = (*pool, *size);
        let own = |block: &Block| block.name == name && layer(block.phase) == layer(phase);
        let at = if name == 0 {
            live.len().checked_sub(1)
        } else {
            let others = |block: &Block| block.phase != phase;
            live.iter().rposition(own).or_else(|| live.iter().rposition(others))
        };
        let taken = live.remove(at?).taken;
        self.leave();
        self.leaving = Some(Leaving { pool, size, taken, name });
        Some(())
    }

    fn leave(&mut self) {
        if let Some(Leaving { pool, taken, .. }) = self.leaving.take() {
            self.pools[pool].give(taken);
        }
    }

    /// Frees all blocks of a label.
    fn forget(&mut self, label: Label) {
        self.leave();
        for kind in self.kinds.iter_mut().filter(|kind| kind.label == label) {
            let pool = &mut self.pools[kind.pool];
            kind.live.drain(..).for_each(|block| pool.give(block.taken));
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

    fn setting(profile: Profile) -> Setting {
        Setting {
            layout: Layout::of(&LayoutKeys::default(), 64).unwrap(),
            sequence: 2048,
            precision: Precision::Bf16,
            optimizer: Optimizer::AdamW,
            attention: AttentionKernel::Sdpa,
            loss: LossKernel::Eager,
            profile,
            adapter: None,
            family: None,
        }
    }

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
                    let setting =
                        Setting { layout: Layout::of(&keys, 64).unwrap(), ..setting(*profile) };
                    let Ok(step) = step(&shape, &setting) else { continue };
                    steps += 1;
                    let after =
                        |n| Allocator::after(&step.timeline, step.tokens, Segments::Expandable, n);
                    let name = &published.name;
                    let (first, second) = (after(1), after(2));
                    assert_eq!(second.missed, 0, "{name} {profile} {recompute:?}");
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
            self.kinds.iter().map(|kind| kind.live.len()).sum()
        }
    }
}
