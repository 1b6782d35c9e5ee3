//! A named point of the picture and a named line across it.

use super::super::{Point, Stacked};
use super::{Drawn, Frame, INK, Root, clean, font, length, line, px};
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

/// Colour of the line.
const LIMIT: RGBColor = RGBColor(0xB0, 0x00, 0x20);

/// Size of the names, pixels.
const SIZE: f64 = 12.0;

pub(super) fn draw(areas: &dyn Stacked, root: &Root, frame: &Frame) -> Drawn {
    if let Some((height, name)) = areas.line() {
        let (name, y) = (clean(&name), frame.up(height.min(1.0)));
        let left = frame.left + 8.0;
        if height > 1.0 {
            named(root, &format!("↑ {name}"), (left, y + SIZE + 3.0), LIMIT, HPos::Left)?;
        } else {
            let ends = [(px(frame.left), px(y)), (px(frame.right), px(y))];
            root.draw(&DashedPathElement::new(ends, px(8.0), px(4.0), line(LIMIT, 1.6)))?;
            named(root, &name, (left, y - 5.0), LIMIT, HPos::Left)?;
        }
    }
    if let Some(Point { x, height, name, .. }) = areas.point() {
        let name = clean(&name);
        let (x, y) = (frame.across(x), frame.up(height));
        let half = length(&name, SIZE) / 2.0;
        let side = if x - half < frame.left + 8.0 {
            HPos::Left
        } else if x + half > frame.right - 8.0 {
            HPos::Right
        } else {
            HPos::Center
        };
        let tip = [(x, y - 1.0), (x - 4.5, y - 9.0), (x + 4.5, y - 9.0)];
        let tip = tip.map(|(x, y)| (px(x), px(y)));
        root.draw(&Polygon::new(tip, INK.filled()))?;
        named(root, &name, (x, y - 12.0), INK, side)?;
    }
    Ok(())
}

/// A name whose lower edge is at a place, in pixels, on white.
fn named(root: &Root, name: &str, at: (f64, f64), colour: RGBColor, side: HPos) -> Drawn {
    let long = length(name, SIZE);
    let left = match side {
        HPos::Left => at.0,
        HPos::Center => at.0 - long / 2.0,
        HPos::Right => at.0 - long,
    };
    let corners = [(left - 3.0, at.1 - SIZE - 3.0), (left + long + 3.0, at.1 + 2.0)];
    let corners = corners.map(|(x, y)| (px(x), px(y)));
    root.draw(&Rectangle::new(corners, WHITE.mix(0.85).filled()))?;
    let style = font(SIZE, colour, side, VPos::Bottom);
    root.draw(&Text::new(name.to_owned(), (px(at.0), px(at.1)), style))
}
