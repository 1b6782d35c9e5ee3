//! A named point of the picture and a named line across it.

use super::super::{Point, Stacked, cut, real, whole, wide};
use super::Grid;
use super::pen::Pen;

/// Writes them over the cells.
pub(super) fn draw(areas: &dyn Stacked, grid: &Grid, cells: &mut [Vec<char>], pen: &Pen) {
    let (height, width) = (grid.len(), grid[0].len());
    let line = areas.line().map(|(at, name)| {
        let name = pen.clean(&name);
        if at > 1.0 {
            return (0, ' ', format!("{} {name}", pen.up));
        }
        let row = height.saturating_sub(whole((at * real(height)).ceil())).min(height - 1);
        for (column, cell) in cells[row].iter_mut().enumerate() {
            let above = areas.column(column, width).iter().sum::<f64>() > at;
            *cell = if above { pen.crossed } else { pen.line };
        }
        (row, pen.line, format!(" {name} "))
    });
    if let Some(point) = areas.point() {
        let column = whole(point.x * real(width)).min(width - 1);
        let top = (0..height).find(|&row| grid[row][column].is_some()).unwrap_or(height);
        let (start, text) = beside(column, &point, width, pen);
        write(&mut cells[top.saturating_sub(1)], start, &text);
    }
    if let Some((row, on, name)) = line {
        let name = cut(&name, width, pen.more);
        let last = width.saturating_sub(wide(&name) + 2);
        let free = |&start: &usize| {
            let end = (start + wide(&name)).min(width);
            cells[row][start..end].iter().all(|&cell| cell == on)
        };
        let start = [2.min(last), last].into_iter().find(free).unwrap_or(2.min(last));
        write(&mut cells[row], start, &name);
    }
}

/// Where a text starts that has a mark at a column: right of the mark, or left of it.
fn beside(column: usize, point: &Point, width: usize, pen: &Pen) -> (usize, String) {
    let (right, left) = ((width - column).saturating_sub(2), column.saturating_sub(1));
    for name in [&point.name, &point.short].map(|name| pen.clean(name)) {
        if wide(&name) <= right {
            return (column, format!("{} {name}", pen.point));
        }
        if wide(&name) <= left {
            return (left - wide(&name), format!("{name} {}", pen.point));
        }
    }
    (column, pen.point.to_string())
}

fn write(line: &mut [char], start: usize, text: &str) {
    for (cell, c) in line.iter_mut().skip(start).zip(text.chars()) {
        *cell = c;
    }
}
