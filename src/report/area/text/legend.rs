//! The names of the bands and their figures.

use super::super::{Band, Stacked, Words, cut, wide};
use super::pen::Pen;
use std::fmt::Write as _;

/// Every area with its figures.
pub(super) fn legend(
    areas: &dyn Stacked,
    bands: &[Band],
    words: &Words,
    pen: &Pen,
    width: usize,
) -> String {
    let mut entries = Vec::new();
    let mut sets: Vec<&[usize]> = Vec::new();
    for (index, band) in bands.iter().enumerate() {
        let [letter, fill] = [Pen::letter(index, band.others), pen.fill(index, band.others)];
        entries.push(([fill, letter, fill].iter().collect(), pen.clean(&band.name)));
        sets.push(&band.members);
        for i in band.members.iter().filter(|_| band.others) {
            entries.push(("   ".to_owned(), pen.clean(&areas.names()[*i])));
            sets.push(std::slice::from_ref(i));
        }
    }
    let figures = aligned(&areas.figures(&sets), words, pen);
    let longest = |texts: &mut dyn Iterator<Item = &String>| texts.map(|t| wide(t)).max();
    let beside = "abc   ".len() + longest(&mut figures.iter()).unwrap_or(0);
    let name = longest(&mut entries.iter().map(|(_, name)| name)).unwrap_or(0);
    let name = name.min(width.saturating_sub(beside)).min(32);
    let apart = 3;
    let across = ((width + apart) / (beside + name + apart)).max(1);
    let across = if entries.len() <= 6 { 1 } else { across.min(3) };
    let down = entries.len().div_ceil(across);
    let mut out = format!("{}\n", cut(&pen.arrows(&words.legend), width, pen.more));
    for row in 0..down {
        let mut line = String::new();
        for ((swatch, full), figures) in entries.iter().zip(&figures).skip(row).step_by(down) {
            let gap = if line.is_empty() { 0 } else { apart };
            let shown = cut(full, name, pen.more);
            let pad = name - wide(&shown);
            let _ = write!(line, "{:gap$}{swatch} {shown}{:pad$}  {figures}", "", "");
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

/// The figures of every line, one under the other.
fn aligned(figures: &[Vec<String>], words: &Words, pen: &Pen) -> Vec<String> {
    let count = figures.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count)
        .map(|i| figures.iter().filter_map(|line| line.get(i)).map(|t| wide(t)).max().unwrap_or(0))
        .collect();
    let between = pen.arrows(&words.between);
    let line = |line: &Vec<String>| {
        let padded = line.iter().zip(&widths).map(|(text, &width)| format!("{text:>width$}"));
        padded.collect::<Vec<_>>().join(&between) + words.unit
    };
    figures.iter().map(line).collect()
}
