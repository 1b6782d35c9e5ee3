//! The step laid out from 0 to 1.

use super::groups::{GROUPS, group};
use crate::memory::{Phase, Step, Stretch};
use crate::report::area::{real, whole};

/// The step laid out from 0 to 1.
pub(super) struct Track {
    /// Parts of stretches, each with its highest moment; they follow one another.
    pub cells: Vec<Cell>,
    /// Name, start and end of the phases.
    pub parts: Vec<(&'static str, f64, f64)>,
    /// Layers in a row, forward or backward.
    passes: Vec<Pass>,
}

/// Layers in a row: place and number, from 1, of the first and the last.
struct Pass {
    side: Side,
    first: (f64, u64),
    last: (f64, u64),
}

/// A part of a stretch.
pub(super) struct Cell {
    pub from: f64,
    pub to: f64,
    /// Bytes of every area.
    pub held: [f64; GROUPS.len()],
    /// Bytes in all.
    bytes: f64,
}

/// What takes a share of the width of its own.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Layer { forward: bool },
    Around { forward: bool },
    Loss,
    Optimizer,
}

impl Side {
    fn of(phase: Phase) -> Self {
        match phase {
            Phase::Forward(_) => Self::Layer { forward: true },
            Phase::Backward(_) => Self::Layer { forward: false },
            Phase::Start | Phase::Embedding | Phase::Head => Self::Around { forward: true },
            Phase::HeadBackward | Phase::EmbeddingBackward | Phase::Reduce => {
                Self::Around { forward: false }
            }
            Phase::Loss | Phase::LossBackward => Self::Loss,
            Phase::Optimizer => Self::Optimizer,
        }
    }

    /// The share of the width that all stretches of the kind have together: as much as their
    /// names need in a terminal, and the rest to the layers.
    fn share(self) -> f64 {
        match self {
            Self::Layer { .. } => 0.335,
            Self::Around { .. } => 0.05,
            Self::Loss => 0.09,
            Self::Optimizer => 0.14,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Layer { forward: true } | Self::Around { forward: true } => "forward",
            Self::Layer { forward: false } | Self::Around { forward: false } => "backward",
            Self::Loss => "loss",
            Self::Optimizer => "optimizer",
        }
    }
}

/// Cells of the whole width, about.
const CELLS: f64 = 300.0;

/// The least width of a cell: stretches that are narrower share one.
const LEAST: f64 = 1.0 / 1200.0;

impl Track {
    pub fn of(step: &Step) -> Self {
        let stretches = || step.timeline.stretches(step.tokens);
        let mut counts: Vec<(Side, usize)> = Vec::new();
        for side in stretches().map(|stretch| Side::of(stretch.phase)) {
            match counts.iter_mut().find(|(other, _)| *other == side) {
                Some((_, count)) => *count += 1,
                None => counts.push((side, 1)),
            }
        }
        let sum: f64 = counts.iter().map(|(side, _)| side.share()).sum();
        let width = |side: Side| {
            let count = counts.iter().find(|(other, _)| *other == side);
            side.share() / sum / real(count.map_or(1, |(_, count)| *count))
        };
        let mut track = Self { cells: Vec::new(), parts: Vec::new(), passes: Vec::new() };
        let mut from = 0.0;
        for stretch in stretches() {
            let side = Side::of(stretch.phase);
            let to = from + width(side);
            track.push(&stretch, side, from, to);
            from = to;
        }
        // whatever the rounding
        if let (Some(cell), Some(part)) = (track.cells.last_mut(), track.parts.last_mut()) {
            (cell.to, part.2) = (1.0, 1.0);
        }
        track
    }

    fn push(&mut self, stretch: &Stretch, side: Side, from: f64, to: f64) {
        let events = stretch.moments.len();
        let count = match stretch.phase {
            Phase::Start => 1, // all of it is there when the step begins
            _ => whole((CELLS * (to - from)).round()).clamp(1, events.max(1)),
        };
        let at = |part: usize| from + (to - from) * real(part) / real(count);
        for part in 0..count {
            let moments = &stretch.moments[part * events / count..(part + 1) * events / count];
            let highest = moments.iter().max_by(|a, b| a.bytes.total_cmp(&b.bytes));
            let to = if part + 1 == count { to } else { at(part + 1) };
            self.cells.extend(highest.map(|moment| Cell {
                from: at(part),
                to,
                held: group(|label| moment.held(label)),
                bytes: moment.bytes,
            }));
        }
        self.join();
        match self.parts.last_mut() {
            Some((name, _, end)) if *name == side.name() => *end = to,
            _ => self.parts.push((side.name(), from, to)),
        }
        if let Phase::Forward(layer) | Phase::Backward(layer) = stretch.phase {
            let (x, number) = (f64::midpoint(from, to), layer.saturating_add(1));
            let pass = self.passes.last_mut().filter(|pass| pass.side == side);
            match pass {
                Some(pass) => pass.last = (x, number),
                None => self.passes.push(Pass { side, first: (x, number), last: (x, number) }),
            }
        }
    }

    /// Lets the last two cells be one where the first of them is too narrow.
    fn join(&mut self) {
        let [.., before, last] = &mut self.cells[..] else { return };
        if before.to - before.from < LEAST && last.to - last.from < LEAST {
            last.from = before.from;
            if before.bytes > last.bytes {
                (last.held, last.bytes) = (before.held, before.bytes);
            }
            let at = self.cells.len() - 2;
            self.cells.remove(at);
        }
    }

    /// What is held at the highest moment between two places; nothing where there is none.
    pub fn most(&self, from: f64, to: f64) -> [f64; GROUPS.len()] {
        let inside = |cell: &&Cell| cell.from.max(from) + 1e-9 < cell.to.min(to);
        let cells = self.cells.iter().filter(inside);
        let highest = cells.max_by(|a, b| a.bytes.total_cmp(&b.bytes));
        highest.map_or([0.0; GROUPS.len()], |cell| cell.held)
    }

    /// The place of the highest moment of all.
    pub fn highest(&self) -> f64 {
        let mut cells = self.cells.iter();
        let Some(mut highest) = cells.next() else { return 0.0 };
        for cell in cells {
            if cell.bytes > highest.bytes {
                highest = cell;
            }
        }
        f64::midpoint(highest.from, highest.to)
    }

    /// The places and numbers of the first and the last layer of every pass.
    pub fn layers(&self, gap: f64) -> Vec<(f64, String)> {
        let mut ticks: Vec<(f64, String)> = Vec::new();
        for (x, number) in self.passes.iter().flat_map(|pass| [pass.first, pass.last]) {
            if ticks.last().is_none_or(|last| x - last.0 > gap) {
                ticks.push((x, number.to_string()));
            }
        }
        ticks
    }
}
