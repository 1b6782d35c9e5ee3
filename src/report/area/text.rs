//! The picture as text, for terminals.

mod legend;
mod marks;
mod pen;

use super::{Band, Stacked, Words, cut, real, whole, wide};
use pen::{ASCII, Pen, UNICODE};
use std::fmt::Write as _;

/// What a remainder gains, in rows, where the column before was rounded up.
const STEADY: f64 = 0.25;

/// So many rows per height: rounded down, and the rows left over go to the largest remainders.
/// Close ones go as in the column before, so that ramps have no jitter.
fn rows(heights: &[f64], height: usize, before: &[usize]) -> Vec<usize> {
    let exact: Vec<f64> = heights.iter().map(|share| share * real(height)).collect();
    let mut rows: Vec<usize> = exact.iter().map(|&x| whole(x)).collect();
    let claim = |i: usize| {
        let steady = before.get(i).is_some_and(|&count| count > whole(exact[i]));
        exact[i].fract() + if steady { STEADY } else { 0.0 }
    };
    let mut order: Vec<usize> = (0..exact.len()).filter(|&i| exact[i].fract() > 0.0).collect();
    order.sort_by(|&a, &b| claim(b).total_cmp(&claim(a)));
    let all = whole((heights.iter().sum::<f64>() * real(height)).round()).min(height);
    let left = all.saturating_sub(rows.iter().sum());
    for &i in order.iter().take(left) {
        rows[i] += 1;
    }
    rows
}

/// Columns to the left of the picture: a label and the axis.
const LEFT: usize = 7;

/// Bands in a picture of text.
const MOST: usize = 12;

/// A picture for terminals, without colour: `height` rows of bands, below them the axis and the
/// parts, then a legend with the figures of every area.
///
/// Heights are rounded to rows. More than 12 areas are shown as the 11 largest and the others;
/// areas too thin for a row in any column join the others. The legend lists them all. No line is
/// longer than `width` columns, at least 24. With `ascii` no character is outside ASCII.
#[must_use]
pub fn text(areas: &dyn Stacked, width: u16, height: u16, ascii: bool) -> String {
    let pen = if ascii { &ASCII } else { &UNICODE };
    let width = usize::from(width).max(24);
    let words = areas.words();
    let (bands, grid) = visible(areas, width - LEFT, usize::from(height).max(1));
    let mut out = picture(areas, &bands, &grid, pen);
    let (axis, complete) = axes(areas, &words, pen, width - LEFT);
    out.push_str(&axis);
    out.push('\n');
    if !complete {
        out.push_str(&parts(areas, &words, pen, width));
    }
    out.push_str(&legend::legend(areas, &bands, &words, pen, width));
    out
}

/// The parts one by one with what they span, where that can be said.
fn parts(areas: &dyn Stacked, words: &Words, pen: &Pen, width: usize) -> String {
    let mut out = String::new();
    for (name, from, to) in areas.parts() {
        let Some(span) = areas.span(from, to) else { continue };
        let room = width.saturating_sub(span.len() + words.part.len() + 4);
        let name = cut(&pen.clean(name), room, pen.more);
        let _ = writeln!(out, "{} {name}: {span}", words.part);
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// The band of every cell, row by row from the top.
type Grid = Vec<Vec<Option<usize>>>;

/// The bands and where they are; those too thin for any row are gathered too.
fn visible(areas: &dyn Stacked, width: usize, height: usize) -> (Vec<Band>, Grid) {
    let mut gathered = areas.smallest(MOST);
    loop {
        let bands = areas.bands(&gathered);
        let grid = grid(areas, &bands, width, height);
        let seen = |band: usize| grid.iter().flatten().any(|&cell| cell == Some(band));
        let thin: Vec<usize> = (0..bands.len())
            .filter(|&band| !bands[band].others && !seen(band))
            .map(|band| bands[band].members[0])
            .collect();
        if thin.is_empty() || gathered.len() + thin.len() < 2 {
            return (bands, grid);
        }
        gathered.extend(thin);
    }
}

/// Where the bands are.
fn grid(areas: &dyn Stacked, bands: &[Band], width: usize, height: usize) -> Grid {
    let mut grid = vec![vec![None; width]; height];
    let mut counts = Vec::new();
    for column in 0..width {
        let heights = areas.column(column, width);
        let heights: Vec<f64> = bands.iter().map(|band| band.height(&heights)).collect();
        counts = rows(&heights, height, &counts);
        let above = height - counts.iter().sum::<usize>();
        let cells = counts.iter().enumerate().flat_map(|(band, &n)| std::iter::repeat_n(band, n));
        for (line, band) in grid.iter_mut().skip(above).zip(cells) {
            line[column] = Some(band);
        }
    }
    grid
}

/// The bands, with the axis of heights.
fn picture(areas: &dyn Stacked, bands: &[Band], grid: &Grid, pen: &Pen) -> String {
    let height = grid.len();
    let mut cells: Vec<Vec<char>> =
        grid.iter().enumerate().map(|(row, line)| filled(bands, row, line, pen)).collect();
    marks::draw(areas, grid, &mut cells, pen);
    let mut labels = vec![String::new(); height];
    for (at, label) in areas.levels((height / 2).clamp(1, 2)).split_off(1) {
        labels[whole(real(height) * (1.0 - at)).min(height - 1)] = label;
    }
    let mut out = String::new();
    for (label, cells) in labels.iter().zip(cells) {
        let wall = if label.is_empty() { pen.wall } else { pen.mark };
        let cells: String = cells.into_iter().collect();
        let _ = writeln!(out, "{}", format!("{label:>5} {wall}{cells}").trim_end());
    }
    out
}

/// A row of bands, with letters in them.
fn filled(bands: &[Band], row: usize, line: &[Option<usize>], pen: &Pen) -> Vec<char> {
    let mut cells: Vec<char> = line
        .iter()
        .map(|cell| cell.map_or(' ', |band| pen.fill(band, bands[band].others)))
        .collect();
    let mut start = 0;
    for run in line.chunk_by(|a, b| a == b) {
        if let Some(band) = run[0] {
            for at in letters(start, run.len(), row) {
                cells[at] = Pen::letter(band, bands[band].others);
            }
        }
        start += run.len();
    }
    cells
}

/// Columns between two letters in a row.
const BETWEEN: usize = 8;

/// Where letters stand in a run of one band: in a pattern, or in its middle.
fn letters(start: usize, length: usize, row: usize) -> Vec<usize> {
    let shift = if row.is_multiple_of(2) { 0 } else { BETWEEN / 2 };
    let inside = start..start + length;
    let all: Vec<usize> =
        inside.clone().filter(|at| (at + shift) % BETWEEN == BETWEEN / 2 - 1).collect();
    if all.is_empty() && length >= 2 { vec![start + length / 2] } else { all }
}

/// Puts a text into a line at a column if it finds only blanks there and beside it.
fn put(line: &mut [char], at: usize, text: &str) -> bool {
    let end = at + text.chars().count();
    let free = end <= line.len()
        && line[at.saturating_sub(1)..(end + 1).min(line.len())].iter().all(|&c| c == ' ');
    if free {
        for (cell, c) in line[at..end].iter_mut().zip(text.chars()) {
            *cell = c;
        }
    }
    free
}

/// The axis, its ticks and the parts, and whether all parts are named in full.
fn axes(areas: &dyn Stacked, words: &Words, pen: &Pen, width: usize) -> (String, bool) {
    let first = |x: f64| whole((x * real(width) - 0.5).ceil().max(0.0)).min(width - 1);
    let mut floor = vec![pen.floor; width];
    let mut numbers = vec![' '; width];
    let mut ticks = areas.ticks(width / 12, 1.0 / real(width));
    let end = ticks.pop();
    for (x, label) in end.into_iter().chain(ticks) {
        let column = first(x);
        let half = if x > 0.0 { label.len() / 2 } else { 0 };
        let at = column.saturating_sub(half).min(width.saturating_sub(label.len()));
        if put(&mut numbers, at, &label) {
            floor[column] = pen.tick;
        }
    }
    let boundaries: Vec<usize> = areas.boundaries().into_iter().map(first).collect();
    for &column in &boundaries {
        floor[column] = pen.boundary;
        put(&mut numbers, column, &pen.edge.to_string());
    }
    let mut parts = String::new();
    let mut used = 0;
    let mut complete = true;
    for (name, from, to) in areas.parts() {
        let name = pen.clean(name);
        let edge = usize::from(from > 0.0);
        let start = first(from);
        let end = if to < 1.0 { first(to) } else { width };
        let room = end.saturating_sub(start + edge + usize::from(to < 1.0));
        complete &= wide(&name) <= room;
        if start < used || start == end {
            continue;
        }
        let shown =
            if room < 2 && wide(&name) > room { String::new() } else { cut(&name, room, pen.more) };
        parts.extend(std::iter::repeat_n(' ', start - used));
        parts.extend(std::iter::repeat_n(pen.edge, edge));
        parts.push_str(&shown);
        used = start + edge + wide(&shown);
    }
    let [floor, numbers] = [floor, numbers].map(|line| line.into_iter().collect::<String>());
    let zero = areas.levels(1).swap_remove(0).1;
    let zero = format!("{zero:>5}");
    let mut out = String::new();
    for (label, wall, line) in
        [(&*zero, pen.corner, floor), (words.across, ' ', numbers), (words.part, ' ', parts)]
    {
        let _ = writeln!(out, "{}", format!("{label:<6}{wall}{line}").trim_end());
    }
    (out, complete)
}

#[cfg(test)]
mod tests;
