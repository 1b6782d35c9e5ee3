//! From the fastest layout to the slowest.

use super::room::{Numbers, Room};
use super::{Breadth, Candidate, Found, Question, TOLD, space};
use crate::layout::{Layout, Recompute};
use crate::memory::Setting;

/// Layouts between two words of how far the walk is.
const STRIDE: usize = 256;

/// A legal layout as the walk keeps it: 24 bytes instead of a hundred.
#[derive(Clone, Copy)]
struct Timed {
    seconds: f64,
    /// Its split's place.
    split: u32,
    interleave: u32,
    micro_batch: u32,
    recompute: Recompute,
    reshard: bool,
}

/// Degrees of a layout that tell splits apart.
fn degrees(layout: &Layout) -> [u64; 5] {
    [layout.tp, layout.pp, layout.cp, layout.ep, layout.dp_shard]
}

pub(super) fn walk(question: &Question, step: &dyn Fn(f64)) -> Found {
    let mut splits: Vec<Layout> = Vec::new();
    let mut timed: Vec<Timed> = Vec::new();
    let counts = space::each(question, &mut |layout| {
        let like = |split: &Layout| {
            split.strategy == layout.strategy
                && split.dp_replicate == layout.dp_replicate
                && degrees(split) == degrees(layout)
        };
        if !splits.last().is_some_and(like) {
            splits.push(*layout);
        }
        timed.push(Timed {
            seconds: question.clock.step(layout).seconds(),
            split: small(splits.len() as u64 - 1),
            interleave: small(layout.interleave),
            micro_batch: small(layout.micro_batch),
            recompute: layout.recompute,
            reshard: layout.reshard,
        });
    });
    // stable: ties stay in the order of the search
    timed.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));

    let whole = |timed: &Timed| {
        let split = &splits[timed.split as usize];
        let local = question.sequences / split.data_parallel();
        let micro_batch = u64::from(timed.micro_batch);
        Layout {
            interleave: u64::from(timed.interleave),
            micro_batch,
            micro_batches: local / micro_batch,
            recompute: timed.recompute,
            reshard: timed.reshard,
            ..*split
        }
    };
    let mut walk = Walk {
        question,
        room: Room::new(question),
        numbers: Numbers::of(question.shape),
        found: Found { counts, ..Found::default() },
        least: f64::INFINITY,
    };
    for (place, each) in timed.iter().enumerate() {
        if place % STRIDE == 0 {
            #[expect(clippy::cast_precision_loss, reason = "a share")]
            step(place as f64 / timed.len() as f64);
        }
        walk.meet(&whole(each));
        // of a short list the best alone is asked for
        if question.breadth == Breadth::Short && walk.found.best.is_some() {
            break;
        }
    }
    walk.found.counts.simulated = walk.room.simulated();
    walk.found
}

/// Degrees and places are far below 2^32; what is not would only be kept as the largest.
fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

struct Walk<'a> {
    question: &'a Question<'a>,
    room: Room<'a>,
    numbers: Numbers,
    found: Found,
    /// The least that a faster layout holds.
    least: f64,
}

impl Walk<'_> {
    /// The next layout: none before it is slower.
    fn meet(&mut self, layout: &Layout) {
        let q = self.question;
        let bound = self.numbers.states(&Setting { layout: *layout, ..q.setting });
        let told = self.tells(layout);
        if bound >= self.least && !(told && bound <= q.room) {
            self.found.counts.discarded += 1;
            return;
        }
        self.found.counts.asked += 1;
        let bytes = self.room.bytes(layout);
        let fits = bytes <= q.room;
        if bytes >= self.least && !told {
            return;
        }
        let candidate = Candidate { layout: *layout, time: q.clock.step(layout), bytes, fits };
        if bytes < self.least {
            self.least = bytes;
            self.found.front.push(candidate);
        }
        match (&self.found.best, fits) {
            (None, true) => self.found.best = Some(candidate),
            (None, false) if told => self.found.too_large.push(candidate),
            (Some(_), true) if told => self.found.runners_up.push(candidate),
            _ => {}
        }
    }

    /// Whether the layout would be told beside the best: another split, and room for it.
    fn tells(&self, layout: &Layout) -> bool {
        let (best, list) = match &self.found.best {
            None => (None, &self.found.too_large),
            Some(best) => (Some(best), &self.found.runners_up),
        };
        let mut others = best.into_iter().chain(list);
        list.len() < TOLD && !others.any(|other| degrees(&other.layout) == degrees(layout))
    }
}
