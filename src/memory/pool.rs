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

/// What was taken of a pool, until it is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken(usize);

#[derive(Debug, Clone, Copy)]
struct Block {
    start: u128,
    size: u128,
    free: bool,
    /// The neighbours in its segment.
    before: Option<usize>,
    after: Option<usize>,
}

/// The segments of one stream and one class of sizes.
#[derive(Debug)]
pub(super) struct Pool {
    segments: Segments,
    small: bool,
    /// Address behind the last segment.
    end: u128,
    reserved: u128,
    blocks: Vec<Block>,
    /// Places in `blocks` that are no blocks any more.
    unused: Vec<usize>,
    /// The block at the end.
    last: Option<usize>,
    /// Free blocks by size, then address: few at any time.
    holes: Vec<(u128, u128, usize)>,
}

impl Pool {
    pub fn new(segments: Segments, small: bool) -> Self {
        let (blocks, unused, holes) = (Vec::new(), Vec::new(), Vec::new());
        Self { segments, small, end: 0, reserved: 0, blocks, unused, last: None, holes }
    }

    /// Units that the driver has given so far.
    pub fn reserved(&self) -> u128 {
        self.reserved
    }

    /// The address of what was taken.
    #[cfg(test)]
    pub fn address(&self, taken: Taken) -> u128 {
        self.blocks[taken.0].start
    }

    /// Takes so many units.
    pub fn take(&mut self, size: u128) -> Taken {
        let at = self.holes.partition_point(|hole| hole.0 < size);
        let block = if at < self.holes.len() { self.holes.remove(at).2 } else { self.grow(size) };
        let Block { start, size: held, after, .. } = self.blocks[block];
        let left = held - size;
        if left > 0 && self.cuts(left) {
            let rest =
                Block { start: start + size, size: left, free: true, before: Some(block), after };
            let rest = self.insert(rest);
            match after {
                Some(after) => self.blocks[after].before = Some(rest),
                None if self.last == Some(block) => self.last = Some(rest),
                None => {}
            }
            let cut = &mut self.blocks[block];
            (cut.size, cut.after) = (size, Some(rest));
            self.open(rest);
        }
        self.blocks[block].free = false;
        Taken(block)
    }

    /// Gives back what was taken.
    pub fn give(&mut self, taken: Taken) {
        let mut block = taken.0;
        if self.blocks[block].free {
            return;
        }
        if let Some(after) = self.blocks[block].after.filter(|&after| self.blocks[after].free) {
            self.close(after);
            self.join(block, after);
        }
        if let Some(before) = self.blocks[block].before.filter(|&before| self.blocks[before].free) {
            self.close(before);
            self.join(before, block);
            block = before;
        }
        self.blocks[block].free = true;
        self.open(block);
    }

    /// Makes two neighbours one.
    fn join(&mut self, first: usize, second: usize) {
        let Block { size, after, .. } = self.blocks[second];
        let joined = &mut self.blocks[first];
        joined.size += size;
        joined.after = after;
        match after {
            Some(after) => self.blocks[after].before = Some(first),
            None if self.last == Some(second) => self.last = Some(first),
            None => {}
        }
        self.unused.push(second);
    }

    fn insert(&mut self, block: Block) -> usize {
        if let Some(place) = self.unused.pop() {
            self.blocks[place] = block;
            return place;
        }
        self.blocks.push(block);
        self.blocks.len() - 1
    }

    /// Where a free block stands among the holes, or belongs.
    fn place(&self, block: usize) -> usize {
        let Block { size, start, .. } = self.blocks[block];
        self.holes.partition_point(|hole| (hole.0, hole.1) < (size, start))
    }

    fn open(&mut self, block: usize) {
        let Block { size, start, .. } = self.blocks[block];
        self.holes.insert(self.place(block), (size, start, block));
    }

    fn close(&mut self, block: usize) {
        self.holes.remove(self.place(block));
    }

    /// Whether what is left of a block becomes a hole.
    fn cuts(&self, left: u128) -> bool {
        self.small || self.segments == Segments::Expandable || left > MIB
    }

    /// Makes a free block for so many units with new memory.
    fn grow(&mut self, size: u128) -> usize {
        if self.segments == Segments::Fixed {
            let asked = match size {
                _ if self.small => 2 * MIB,
                size if size < 10 * MIB => 20 * MIB,
                size => size.next_multiple_of(2 * MIB),
            };
            return self.map(asked, None);
        }
        let page = if self.small { 2 * MIB } else { 20 * MIB };
        // the hole at the end, if there is one, grows
        let last = self.last;
        if let Some(last) = last.filter(|&last| self.blocks[last].free) {
            self.close(last);
            let more = (size - self.blocks[last].size).next_multiple_of(page);
            self.end += more;
            self.reserved += more;
            self.blocks[last].size += more;
            return last;
        }
        let block = self.map(size.next_multiple_of(page), last);
        if let Some(last) = last {
            self.blocks[last].after = Some(block);
        }
        self.last = Some(block);
        block
    }

    /// A free block of new memory behind a neighbour.
    fn map(&mut self, size: u128, before: Option<usize>) -> usize {
        let start = self.end;
        self.end += size;
        self.reserved += size;
        self.insert(Block { start, size, free: true, before, after: None })
    }
}

#[cfg(test)]
mod tests {
    use super::{MIB, Pool, Segments, units};

    /// Takes so many units; their address.
    fn taken_at(pool: &mut Pool, size: u128) -> u128 {
        let taken = pool.take(size);
        pool.address(taken)
    }

    #[test]
    fn the_loss_of_two_tensors_freed_and_two_made_grows_an_expandable_segment() {
        // 2, 4 and 4 are made, the first two go; of two more of 4 one finds its place
        let size = 1000 * MIB;
        let mut pool = Pool::new(Segments::Expandable, false);
        let [logits, wide, kept] = [2, 4, 4].map(|times| pool.take(times * size));
        let addresses = [logits, wide, kept].map(|taken| pool.address(taken));
        assert_eq!(addresses, [0, 2 * size, 6 * size]);
        pool.give(logits);
        pool.give(wide);
        assert_eq!(taken_at(&mut pool, 4 * size), 0);
        // a hole of 2 is left in front: the segment grows by what 4 lack at its end
        assert_eq!(taken_at(&mut pool, 4 * size), 10 * size);
        assert_eq!(pool.reserved(), 14 * size);
    }

    #[test]
    fn an_expandable_segment_is_mapped_in_pages_of_20_mib() {
        let mut pool = Pool::new(Segments::Expandable, false);
        let first = pool.take(12 * MIB);
        assert_eq!(pool.reserved(), 20 * MIB);
        // 8 are left at the end: 12 more need one page
        assert_eq!(taken_at(&mut pool, 20 * MIB), 12 * MIB);
        assert_eq!(pool.reserved(), 40 * MIB);
        pool.give(first);
        assert_eq!(taken_at(&mut pool, 5 * MIB), 32 * MIB, "the smallest hole that holds it");
        assert_eq!(taken_at(&mut pool, 5 * MIB), 0);
    }

    #[test]
    fn a_small_segment_is_mapped_in_pages_of_2_mib() {
        let mut pool = Pool::new(Segments::Expandable, true);
        pool.take(units(1.0));
        assert_eq!(taken_at(&mut pool, units(513.0)), 1);
        assert_eq!(taken_at(&mut pool, MIB), 3);
        assert_eq!(taken_at(&mut pool, MIB), 3 + MIB);
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
