//! PyTorch's caching allocator: blocks, holes and the memory that it asks the driver for.
//!
//! The rules are those of `c10/cuda/CUDACachingAllocator.cpp`, recalled, and held against
//! measurements (`tests/oracle/engine_memory_torch.md`): requests are rounded up to 512 bytes;
//! those up to 1 MiB are served apart from larger ones; a request takes the smallest hole that
//! holds it, the lowest of equal ones; freed blocks join free neighbours. With expandable segments
//! there is one growing segment for each stream and class of size, mapped in pages of 2 MiB
//! (small) or 20 MiB (large), every block is cut exactly. Without them every miss is a segment of
//! its own: 2 MiB for small requests, 20 MiB for those under 10 MiB, whole multiples of 2 MiB above;
//! blocks never join across segments, and a large one is cut only where more than 1 MiB is left.
//! Nothing is given back.

use std::collections::{BTreeMap, BTreeSet};

/// Bytes of the allocator's unit; sizes and addresses below are counted in it.
const UNIT: f64 = 512.0;
const MIB: u128 = 2048;
/// Largest request of the small class.
const SMALL: u128 = MIB;

/// How an allocator asks the driver for memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Segments {
    /// One growing segment (`expandable_segments:True`).
    Expandable,
    /// A segment for every miss: what PyTorch does unless told otherwise.
    #[default]
    Fixed,
    /// Not simulated: the profile's events are what is reserved.
    Counted,
}

/// Units that hold so many bytes.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates")]
pub(super) fn units(bytes: f64) -> u128 {
    (bytes / UNIT).ceil() as u128
}

/// Bytes of so many units.
#[expect(clippy::cast_precision_loss, reason = "sizes of a device are exact")]
pub(super) fn bytes(units: u128) -> f64 {
    units as f64 * UNIT
}

/// Whether a request belongs to the small class.
pub(super) fn small(units: u128) -> bool {
    units <= SMALL
}

#[derive(Debug, Clone, Copy)]
struct Block {
    size: u128,
    free: bool,
}

/// The segments of one stream and one class of sizes.
#[derive(Debug)]
pub(super) struct Pool {
    segments: Segments,
    small: bool,
    /// Address behind the last segment.
    end: u128,
    reserved: u128,
    blocks: BTreeMap<u128, Block>,
    /// Free blocks by size, then address.
    holes: BTreeSet<(u128, u128)>,
}

impl Pool {
    pub fn new(segments: Segments, small: bool) -> Self {
        let (blocks, holes) = (BTreeMap::new(), BTreeSet::new());
        Self { segments, small, end: 0, reserved: 0, blocks, holes }
    }

    /// Units that the driver has given so far.
    pub fn reserved(&self) -> u128 {
        self.reserved
    }

    /// Takes so many units; their address.
    pub fn take(&mut self, size: u128) -> u128 {
        let hole = self.holes.range((size, 0)..).next().copied();
        let (held, start) = hole.unwrap_or_else(|| self.grow(size));
        self.holes.remove(&(held, start));
        let left = held - size;
        let cut = if left > 0 && self.cuts(left) { size } else { held };
        self.blocks.insert(start, Block { size: cut, free: false });
        if cut < held {
            self.put(start + cut, held - cut);
        }
        start
    }

    /// Gives back what was taken at an address.
    pub fn give(&mut self, start: u128) {
        let Some(Block { mut size, free: false }) = self.blocks.get(&start).copied() else {
            return;
        };
        let mut start = start;
        if let Some(after) = self.free_at(start + size) {
            self.blocks.remove(&(start + size));
            self.holes.remove(&(after, start + size));
            size += after;
        }
        let before = self.blocks.range(..start).next_back().map(|(at, block)| (*at, *block));
        if let Some((at, block)) = before
            && block.free
            && at + block.size == start
        {
            self.blocks.remove(&start);
            self.holes.remove(&(block.size, at));
            (start, size) = (at, size + block.size);
        }
        self.put(start, size);
    }

    fn put(&mut self, start: u128, size: u128) {
        self.blocks.insert(start, Block { size, free: true });
        self.holes.insert((size, start));
    }

    fn free_at(&self, start: u128) -> Option<u128> {
        self.blocks.get(&start).filter(|block| block.free).map(|block| block.size)
    }

    /// Whether what is left of a block becomes a hole.
    fn cuts(&self, left: u128) -> bool {
        self.small || self.segments == Segments::Expandable || left > MIB
    }

    /// Makes a hole for so many units with new memory.
    fn grow(&mut self, size: u128) -> (u128, u128) {
        if self.segments == Segments::Fixed {
            // one unit between segments, so that blocks of two never touch
            let start = self.end + 1;
            let asked = match size {
                _ if self.small => 2 * MIB,
                size if size < 10 * MIB => 20 * MIB,
                size => size.next_multiple_of(2 * MIB),
            };
            self.end = start + asked;
            self.reserved += asked;
            self.put(start, asked);
            return (asked, start);
        }
        let page = if self.small { 2 * MIB } else { 20 * MIB };
        // the hole at the end, if there is one, grows
        let last = self.blocks.last_key_value().filter(|(_, block)| block.free);
        let (start, has) = last.map_or((self.end, 0), |(at, block)| (*at, block.size));
        self.holes.remove(&(has, start));
        let more = (size - has).next_multiple_of(page);
        self.end += more;
        self.reserved += more;
        self.put(start, has + more);
        (has + more, start)
    }
}

#[cfg(test)]
mod tests {
    use super::{MIB, Pool, Segments, units};

    #[test]
    fn the_loss_of_two_tensors_freed_and_two_made_grows_an_expandable_segment() {
        // 2, 4 and 4 are made, the first two go; of two more of 4 one finds its place
        let size = 1000 * MIB;
        let mut pool = Pool::new(Segments::Expandable, false);
        let [logits, wide, kept] = [2, 4, 4].map(|times| pool.take(times * size));
        assert_eq!((logits, wide, kept), (0, 2 * size, 6 * size));
        pool.give(logits);
        pool.give(wide);
        assert_eq!(pool.take(4 * size), 0);
        // a hole of 2 is left in front: the segment grows by what 4 lack at its end
        assert_eq!(pool.take(4 * size), 10 * size);
        assert_eq!(pool.reserved(), 14 * size);
    }

    #[test]
    fn an_expandable_segment_is_mapped_in_pages_of_20_mib() {
        let mut pool = Pool::new(Segments::Expandable, false);
        let first = pool.take(12 * MIB);
        assert_eq!(pool.reserved(), 20 * MIB);
        // 8 are left at the end: 12 more need one page
        assert_eq!(pool.take(20 * MIB), 12 * MIB);
        assert_eq!(pool.reserved(), 40 * MIB);
        pool.give(first);
        assert_eq!(pool.take(5 * MIB), 32 * MIB, "the smallest hole that holds it");
        assert_eq!(pool.take(5 * MIB), 0);
    }

    #[test]
    fn a_small_segment_is_mapped_in_pages_of_2_mib() {
        let mut pool = Pool::new(Segments::Expandable, true);
        pool.take(units(1.0));
        assert_eq!(pool.take(units(513.0)), 1);
        assert_eq!(pool.take(MIB), 3);
        assert_eq!(pool.take(MIB), 3 + MIB);
        assert_eq!(pool.reserved(), 4 * MIB);
    }

    #[test]
    fn fixed_segments_are_sized_by_the_request_and_never_join() {
        let mut pool = Pool::new(Segments::Fixed, false);
        let small = pool.take(3 * MIB);
        assert_eq!(pool.reserved(), 20 * MIB);
        let large = pool.take(21 * MIB);
        assert_eq!(pool.reserved(), 42 * MIB, "21 rounded up to 22");
        pool.give(small);
        pool.give(large);
        pool.take(23 * MIB);
        assert_eq!(pool.reserved(), (42 + 24) * MIB, "20 and 22 are no 23");
    }

    #[test]
    fn a_large_block_of_a_fixed_segment_is_cut_where_more_than_1_mib_is_left() {
        let mut pool = Pool::new(Segments::Fixed, false);
        let whole = pool.take(20 * MIB);
        pool.give(whole);
        pool.take(19 * MIB);
        pool.take(MIB);
        assert_eq!(pool.reserved(), 40 * MIB, "the rest of 1 MiB is no hole");
        pool.take(18 * MIB - 1);
        assert_eq!(pool.reserved(), 40 * MIB, "the rest of 19 MiB is one");
    }
}
