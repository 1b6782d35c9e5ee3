//! The front of time and memory: in a terminal, and as SVG.
//!
//! Across is what a device holds, up are tokens per second of one device, from 0.

use super::{GIB, LayoutView};
use crate::quantity::significant;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use std::fmt::Write as _;

/// Rows of the picture in a terminal.
const HEIGHT: usize = 12;
/// Columns of the numbers beside it.
const NUMBERS: usize = 9;
/// Pixels of the picture.
const SIZE: (u32, u32) = (900, 420);
/// Blue, orange and grey of Okabe and Ito (2008).
const FRONT: RGBColor = RGBColor(0x00, 0x72, 0xB2);
const BEST: RGBColor = RGBColor(0xD5, 0x5E, 0x00);
const INK: RGBColor = RGBColor(0x33, 0x33, 0x33);

/// What is drawn: GiB and tokens/s.
struct Points {
    front: Vec<(f64, f64)>,
    best: Option<(f64, f64)>,
    room: f64,
    /// Ends of the axes.
    right: f64,
    top: f64,
}

impl Points {
    fn of(view: &LayoutView) -> Self {
        let point = |c: &crate::search::Candidate| (c.bytes / GIB, view.rate(c));
        let front: Vec<_> = view.found.front.iter().map(point).collect();
        let room = view.search.room() / GIB;
        let widest = front.iter().map(|(x, _)| *x).fold(0.0, f64::max);
        let top = front.iter().map(|(_, y)| *y).fold(0.0, f64::max) * 1.08;
        Self {
            best: view.found.best.as_ref().map(point),
            // layouts far too large would squeeze the others
            right: (widest.min(2.5 * room).max(room)) * 1.05,
            front,
            room,
            top,
        }
    }

    fn shown(&self) -> impl Iterator<Item = (f64, f64)> {
        self.front.iter().copied().filter(|(x, _)| *x <= self.right)
    }
}

/// No line is longer than `width` columns, at least 40.
pub(super) fn text(view: &LayoutView, width: u16, ascii: bool) -> String {
    let points = Points::of(view);
    let columns = usize::from(width.clamp(40, 100)) - NUMBERS - 2;
    let [on_front, best, room, bar, dash, corner] = if ascii {
        ['o', '*', ':', '|', '-', '+']
    } else {
        ['o', '◆', '┊', '│', '─', '└']
    };
    let mut cells = vec![vec![' '; columns]; HEIGHT];
    let column = |x: f64| place(x / points.right, columns);
    let row = |y: f64| HEIGHT - 1 - place(y / points.top, HEIGHT);
    for line in &mut cells {
        line[column(points.room)] = room;
    }
    for (x, y) in points.shown() {
        cells[row(y)][column(x)] = on_front;
    }
    if let Some((x, y)) = points.best {
        cells[row(y)][column(x)] = best;
    }
    let mut out = format!("{:>NUMBERS$} tokens/s per device\n", "");
    for (index, line) in cells.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a few rows")]
        let level = points.top * (HEIGHT - index) as f64 / HEIGHT as f64;
        let label = if index % 4 == 0 { significant(level, 3) } else { String::new() };
        let line: String = line.iter().collect();
        let _ = writeln!(out, "{label:>NUMBERS$} {bar}{}", line.trim_end());
    }
    let axis = String::from(dash).repeat(columns);
    let _ = writeln!(out, "{:>NUMBERS$} {corner}{axis}", "0");
    let right = format!("{} GiB", significant(points.right, 3));
    let _ = writeln!(out, "{:>NUMBERS$}  0{right:>width$}", "", width = columns - 1);
    let free = significant(points.room, 3);
    let left = points.front.len() - points.shown().count();
    let more = if left > 0 { format!("; {left} hold more than is shown") } else { String::new() };
    let _ = writeln!(
        out,
        "{:>NUMBERS$}  {best} best  {on_front} front  {room} {free} GiB to be had{more}",
        ""
    );
    out
}

/// A share of so many places.
fn place(share: f64, places: usize) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "clamped"
    )]
    let at = (share.clamp(0.0, 1.0) * places as f64) as usize;
    at.min(places - 1)
}

/// A picture of 900 x 420 pixels on white. The same search gives the same bytes.
pub(super) fn svg(view: &LayoutView) -> String {
    let points = Points::of(view);
    let mut out = String::new();
    {
        let root = SVGBackend::with_string(&mut out, SIZE).into_drawing_area();
        draw(&points, view.model, &root).expect("a picture is written to memory");
    }
    out
}

type Root<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn draw(
    points: &Points,
    model: &str,
    root: &Root,
) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
    root.fill(&WHITE)?;
    let model: String = model.chars().filter(|c| !c.is_control()).collect();
    let mut chart = ChartBuilder::on(root)
        .caption(format!("{model}: time and memory of its layouts"), ("sans-serif", 18, &INK))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(80)
        .build_cartesian_2d(0.0..points.right, 0.0..points.top)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc("GiB held on one device")
        .y_desc("tokens/s per device")
        .label_style(("sans-serif", 14, &INK))
        .draw()?;
    let limit = [(points.room, 0.0), (points.room, points.top)];
    chart.draw_series([DashedPathElement::new(limit, 6, 4, INK.stroke_width(1))])?;
    // what a budget of memory brings: steps between the points
    let mut sorted: Vec<_> = points.shown().collect();
    sorted.reverse();
    let stairs = sorted.iter().zip(sorted.iter().skip(1));
    let stairs = stairs.flat_map(|(a, b)| [*a, (b.0, a.1), *b]).collect::<Vec<_>>();
    chart.draw_series([PathElement::new(stairs, FRONT.stroke_width(1))])?;
    chart.draw_series(sorted.iter().map(|point| Circle::new(*point, 3, FRONT.filled())))?;
    chart.draw_series(points.best.map(|point| Circle::new(point, 6, BEST.filled())))?;
    let small = ("sans-serif", 14).into_font();
    let label =
        |text: String, at, colour: RGBColor| Text::new(text, at, small.clone().color(&colour));
    let at = (points.room, points.top * 0.06);
    chart.draw_series([label(
        format!(" {} GiB to be had", significant(points.room, 3)),
        at,
        INK,
    )])?;
    if let Some((x, y)) = points.best {
        let text = format!("   best: {} tokens/s", significant(y, 4));
        chart.draw_series([label(text, (x, y * 0.97), BEST)])?;
    }
    root.present()
}
