//! The names of the parts above the picture.

use super::super::{cut, whole, wide};
use super::length;
use plotters::style::text_anchor::HPos;

/// Lines for names above the picture.
pub(super) const LINES: usize = 4;

/// Size of the names of parts, pixels.
pub(super) const SIZE: f64 = 12.0;

/// A name of a part above the picture; all in pixels.
#[derive(Clone)]
pub(super) struct Label {
    pub name: String,
    /// Line above the picture, 0 the lowest.
    pub line: usize,
    /// Left and right end.
    pub ends: (f64, f64),
    /// Middle of the part, where a leader to it starts.
    pub middle: f64,
    /// Whether the leader is at the name's start, middle or end.
    pub side: HPos,
}

impl Label {
    fn new(name: String, line: usize, middle: f64, side: HPos) -> Self {
        let long = length(&name, SIZE);
        let start = match side {
            HPos::Left => middle - 4.0,
            HPos::Center => middle - long / 2.0,
            HPos::Right => middle + 4.0 - long,
        };
        Self { name, line, ends: (start, start + long), middle, side }
    }

    /// Where its text is anchored.
    pub fn anchor(&self) -> f64 {
        match self.side {
            HPos::Left => self.ends.0,
            HPos::Center => self.middle,
            HPos::Right => self.ends.1,
        }
    }
}

/// Places the names of parts, given as name and span in pixels: over the span where a name fits,
/// else on a higher line with a leader to the part, else cut, else not at all.
pub(super) fn labels(parts: &[(String, f64, f64)], limits: (f64, f64)) -> Vec<Label> {
    let mut low = Vec::new();
    let mut high = Vec::new();
    for (name, from, to) in parts {
        let middle = f64::midpoint(*from, *to);
        let label = Label::new(cut(name, 48, '…'), 0, middle, HPos::Center);
        let fits = label.ends.1 - label.ends.0 <= to - from;
        if fits { &mut low } else { &mut high }.push(label);
    }
    let mut search = Search { high: &high, limits, best: low.clone(), steps: 20_000 };
    search.place(0, &mut low);
    let mut done = search.best;
    for (name, from, to) in parts {
        let middle = f64::midpoint(*from, *to);
        let short = cut(name, whole((to - from) / length("x", SIZE)), '…');
        let short = Label::new(short, 0, middle, HPos::Center);
        // what is placed already is in its own way
        let free = done.iter().all(|old| apart(&short, old));
        if wide(&short.name) >= 3 && free {
            done.push(short);
        }
    }
    done
}

/// A search for places above the lowest line.
struct Search<'a> {
    /// What to place.
    high: &'a [Label],
    /// Ends of the lines.
    limits: (f64, f64),
    /// The first way that shows most names.
    best: Vec<Label>,
    /// Steps left; many parts are not searched to the end.
    steps: usize,
}

impl Search<'_> {
    /// Places the names from an index on in every way, beside those that are placed.
    fn place(&mut self, index: usize, done: &mut Vec<Label>) {
        if done.len() > self.best.len() {
            self.best.clone_from(done);
        }
        let Some(label) = self.high.get(index) else {
            return;
        };
        for line in 1..LINES {
            for side in [HPos::Center, HPos::Left, HPos::Right] {
                let possible = done.len() + self.high.len() - index;
                if self.steps == 0 || possible <= self.best.len() {
                    return;
                }
                self.steps -= 1;
                let new = Label::new(label.name.clone(), line, label.middle, side);
                let inside = new.ends.0 >= self.limits.0 && new.ends.1 <= self.limits.1;
                if inside && done.iter().all(|old| apart(&new, old)) {
                    done.push(new);
                    self.place(index + 1, done);
                    done.pop();
                }
            }
        }
        self.place(index + 1, done);
    }
}

/// Whether neither name is on the other or on its leader.
fn apart(a: &Label, b: &Label) -> bool {
    let clear = a.ends.1 + 10.0 <= b.ends.0 || b.ends.1 + 10.0 <= a.ends.0;
    let beside = |low: &Label, high: &Label| {
        let leader = high.middle + 3.0 < low.ends.0 || high.middle - 3.0 > low.ends.1;
        low.line < high.line && leader
    };
    (a.line == b.line && clear) || beside(a, b) || beside(b, a)
}
