//! The picture as SVG.

mod labels;
mod legend;
mod marks;

use super::{Band, Stacked, Words, real, whole, wide};
use labels::labels;
use legend::Legend;
use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Width and height of the picture, pixels.
const SIZE: (u32, u32) = (900, 420);

/// Plotters draws in whole units; so many are a pixel.
const UNITS: i32 = 10;

/// Bands in a picture.
const MOST: usize = 20;

/// Colours of bands in order: those of Okabe and Ito (2008) without black, then the same lighter
/// and darker, so that neighbours differ in lightness too.
const COLOURS: [RGBColor; 20] = [
    RGBColor(0x00, 0x72, 0xB2),
    RGBColor(0xE6, 0x9F, 0x00),
    RGBColor(0x00, 0x9E, 0x73),
    RGBColor(0xCC, 0x79, 0xA7),
    RGBColor(0x56, 0xB4, 0xE9),
    RGBColor(0xD5, 0x5E, 0x00),
    RGBColor(0xF0, 0xE4, 0x42),
    RGBColor(0x80, 0xB9, 0xD9),
    RGBColor(0x96, 0x67, 0x00),
    RGBColor(0x80, 0xCF, 0xB9),
    RGBColor(0x85, 0x4F, 0x6D),
    RGBColor(0xAB, 0xDA, 0xF4),
    RGBColor(0x8A, 0x3D, 0x00),
    RGBColor(0xF8, 0xF2, 0xA1),
    RGBColor(0x00, 0x4A, 0x74),
    RGBColor(0xF3, 0xCF, 0x80),
    RGBColor(0x00, 0x67, 0x4B),
    RGBColor(0xE6, 0xBC, 0xD3),
    RGBColor(0x38, 0x75, 0x97),
    RGBColor(0xEA, 0xAF, 0x80),
];

/// Colour of the others.
const OTHERS: RGBColor = RGBColor(0x99, 0x99, 0x99);

/// Colour of text and axes.
const INK: RGBColor = RGBColor(0x33, 0x33, 0x33);

/// Colour of what is less important.
const PALE: RGBColor = RGBColor(0x66, 0x66, 0x66);

/// A picture of 900 x 420 pixels on white, as an SVG document.
///
/// The same areas give the same bytes. Names may hold any characters. More than 20 areas are
/// shown as the 19 largest and the others.
///
/// # Panics
/// Never: writing to memory does not fail.
#[must_use]
pub fn svg(areas: &dyn Stacked) -> String {
    let mut out = String::new();
    let units = SIZE.0 * UNITS.unsigned_abs();
    {
        let size = (units, SIZE.1 * UNITS.unsigned_abs());
        let root = SVGBackend::with_string(&mut out, size).into_drawing_area();
        draw(areas, &root).expect("a picture is written to memory");
    }
    let [drawn, shown] = [(units, SIZE.1 * UNITS.unsigned_abs()), SIZE]
        .map(|(width, height)| format!(r#"<svg width="{width}" height="{height}""#));
    out.replacen(&drawn, &shown, 1)
}

type Root<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// Pixels in the units of drawing.
fn px(pixels: f64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "saturates")]
    let units = (pixels * f64::from(UNITS)).round() as i32;
    units
}

/// Text of so many pixels; plotters divides by 1.24.
fn font(size: f64, colour: RGBColor, h: HPos, v: VPos) -> TextStyle<'static> {
    let font = ("sans-serif", size * f64::from(UNITS) * 1.24).into_font();
    TextStyle { color: colour.to_backend_color(), ..TextStyle::from(font) }.pos(Pos::new(h, v))
}

fn line(colour: RGBColor, pixels: f64) -> ShapeStyle {
    ShapeStyle::from(colour).stroke_width(px(pixels).unsigned_abs())
}

/// A name without what XML cannot hold.
fn clean(name: &str) -> String {
    let strange = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
    name.chars().map(|c| if strange(c) { '\u{fffd}' } else { c }).collect()
}

/// Pixels that a text takes up at most, about: fonts differ.
fn length(text: &str, size: f64) -> f64 {
    real(wide(text)) * size * 0.6
}

fn draw(areas: &dyn Stacked, root: &Root) -> Drawn {
    root.fill(&WHITE)?;
    let bands = areas.bands(&areas.smallest(MOST));
    let words = areas.words();
    let (width, height) = (f64::from(SIZE.0), f64::from(SIZE.1));

    let legend = Legend::of(areas, &bands, &words);
    let (left, right) = (66.0, (width - legend.width - 36.0).round());
    let across = |x: f64| left + (right - left) * x;
    let parts: Vec<_> =
        areas.parts().iter().map(|&(name, a, b)| (clean(name), across(a), across(b))).collect();
    let labels = labels(&parts, (left, width - 8.0));
    let lines = labels.iter().map(|label| label.line + 1).max().unwrap_or(0);
    let (top, bottom) = (16.0 + 18.0 * real(lines), height - 52.0);
    let frame = Frame { left, right, top, bottom };

    bands_of(areas, &bands, root, &frame)?;
    axes(areas, &words, root, &frame)?;
    for x in areas.boundaries() {
        let ends = [(px(across(x)), px(top - 4.0)), (px(across(x)), px(bottom))];
        root.draw(&DashedPathElement::new(ends, px(5.0), px(4.0), line(INK, 1.2)))?;
    }
    for label in labels {
        let base = top - 7.0 - 18.0 * real(label.line);
        if label.line > 0 {
            let ends = [(px(label.middle), px(base + 3.0)), (px(label.middle), px(top - 2.0))];
            root.draw(&PathElement::new(ends, line(PALE, 0.8)))?;
        }
        let at = (px(label.anchor()), px(base));
        let style = font(labels::SIZE, INK, label.side, VPos::Bottom);
        root.draw(&Text::new(label.name, at, style))?;
    }
    marks::draw(areas, root, &frame)?;
    legend.draw(root, &bands, (right + 24.0, top, bottom))
}

/// Where the areas are, in pixels.
struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Frame {
    fn across(&self, x: f64) -> f64 {
        self.left + (self.right - self.left) * x
    }

    fn up(&self, height: f64) -> f64 {
        self.bottom + (self.top - self.bottom) * height
    }
}

fn bands_of(areas: &dyn Stacked, bands: &[Band], root: &Root, frame: &Frame) -> Drawn {
    let outline: Vec<(f64, Vec<f64>)> = areas
        .outline()
        .into_iter()
        .map(|(x, heights)| (x, bands.iter().map(|band| band.height(&heights)).collect()))
        .collect();
    for index in 0..bands.len() {
        // the band and all below it; the next one is drawn over it
        let edge = outline.iter().map(|(x, heights)| {
            let height: f64 = heights[index..].iter().sum();
            (px(frame.across(*x)), px(frame.up(height)))
        });
        let edge: Vec<_> = edge.collect();
        let floor = [(px(frame.right), px(frame.bottom)), (px(frame.left), px(frame.bottom))];
        let area: Vec<_> = edge.iter().copied().chain(floor).collect();
        root.draw(&Polygon::new(area, colour(bands, index).filled()))?;
        if index > 0 {
            root.draw(&PathElement::new(edge, line(WHITE, 0.6)))?;
        }
    }
    Ok(())
}

fn axes(areas: &dyn Stacked, words: &Words, root: &Root, frame: &Frame) -> Drawn {
    let &Frame { left, right, top, bottom } = frame;
    let axis = [(left, top), (left, bottom), (right, bottom)].map(|(x, y)| (px(x), px(y)));
    root.draw(&PathElement::new(axis, line(INK, 1.0)))?;
    for (height, name) in areas.levels(4) {
        let y = px(frame.up(height));
        root.draw(&PathElement::new([(px(left - 5.0), y), (px(left), y)], line(INK, 1.0)))?;
        let style = font(12.0, INK, HPos::Right, VPos::Center);
        root.draw(&Text::new(name, (px(left - 9.0), y), style))?;
    }
    let long = right - left;
    for (x, name) in areas.ticks(whole(long / 85.0), 42.0 / long) {
        let x = px(frame.across(x));
        root.draw(&PathElement::new([(x, px(bottom)), (x, px(bottom + 5.0))], line(INK, 1.0)))?;
        let style = font(12.0, INK, HPos::Center, VPos::Top);
        root.draw(&Text::new(name, (x, px(bottom + 8.0)), style))?;
    }
    let middle = f64::midpoint(left, right);
    let title = font(13.0, INK, HPos::Center, VPos::Bottom);
    let at = (px(middle), px(f64::from(SIZE.1) - 8.0));
    root.draw(&Text::new(words.across_title, at, title.clone()))?;
    let title = title.transform(FontTransform::Rotate270).pos(Pos::new(HPos::Center, VPos::Top));
    let at = (px(8.0), px(f64::midpoint(top, bottom)));
    root.draw(&Text::new(words.up.clone(), at, title))
}

fn colour(bands: &[Band], index: usize) -> RGBColor {
    if bands[index].others { OTHERS } else { COLOURS[index % COLOURS.len()] }
}

#[cfg(test)]
mod tests;
