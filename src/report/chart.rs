//! What pictures with logarithmic axes share: ends, ticks, colours, marks.

use crate::quantity::{exact, round_significant};
use libm::{floor, log10, pow};
use plotters::coord::Shift;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint};
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use std::ops::Range;

/// Blue, vermilion and orange of Okabe and Ito (2008).
pub(super) const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xB2);
pub(super) const RED: RGBColor = RGBColor(0xD5, 0x5E, 0x00);
/// Colours of text and axes, and of what is less important.
pub(super) const INK: RGBColor = RGBColor(0x33, 0x33, 0x33);
pub(super) const PALE: RGBColor = RGBColor(0x99, 0x99, 0x99);

pub(super) type Root<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;
pub(super) type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Scale, Scale>>;

/// Plotters draws in whole units; so many are a pixel.
const UNITS: u32 = 10;

/// An axis: its ends, its ticks and what each says. A logarithmic one holds decadic logarithms.
pub(super) struct Axis {
    pub(super) ends: [f64; 2],
    ticks: Vec<f64>,
    said: fn(f64) -> String,
    log: bool,
    title: &'static str,
}

impl Axis {
    /// From values, with some room on either side.
    pub(super) fn log(
        title: &'static str,
        values: impl Iterator<Item = f64>,
        said: fn(f64) -> String,
    ) -> Self {
        let [low, high] = ends(values.map(log10));
        let room = 0.04 * (high - low).max(0.2);
        let ends = [low - room, high + room];
        Self { ends, ticks: decades(ends), said, log: true, title }
    }

    /// From values, with some room on either side.
    pub(super) fn linear(
        title: &'static str,
        values: impl Iterator<Item = f64>,
        said: fn(f64) -> String,
    ) -> Self {
        let [low, high] = ends(values);
        let room = 0.05 * (high - low).max(1e-9);
        let ends = [low - room, high + room];
        Self { ends, ticks: even(ends), said, log: false, title }
    }

    fn scale(&self) -> Scale {
        Scale { ends: self.ends, ticks: self.ticks.clone() }
    }

    fn label(&self, at: f64) -> String {
        (self.said)(if self.log { pow(10.0, at) } else { at })
    }
}

/// A linear coordinate with ticks of its own.
pub(super) struct Scale {
    ends: [f64; 2],
    ticks: Vec<f64>,
}

impl Ranged for Scale {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let [low, high] = self.ends;
        let place = f64::from(limit.1 - limit.0) * (value - low) / (high - low);
        #[expect(clippy::cast_possible_truncation, reason = "saturates")]
        let pixels = place.round() as i32;
        limit.0.saturating_add(pixels)
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.ends[0]..self.ends[1]
    }
}

/// A number as a tick says it: 1e19, 0.5.
pub(super) fn plain(value: f64) -> String {
    exact(round_significant(value, 3))
}

/// A count as a tick says it: 300 M.
pub(super) fn count(value: f64) -> String {
    let units = [("T", 1e12), ("B", 1e9), ("M", 1e6), ("K", 1e3)];
    let unit = units.into_iter().find(|(_, factor)| value >= factor * 0.999);
    unit.map_or_else(|| plain(value), |(name, factor)| format!("{} {name}", plain(value / factor)))
}

fn ends(values: impl Iterator<Item = f64>) -> [f64; 2] {
    let finite = values.filter(|value| value.is_finite());
    let ends = finite.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| {
        [low.min(value), high.max(value)]
    });
    if ends[0] <= ends[1] { ends } else { [0.0, 1.0] }
}

/// Ticks of a logarithmic axis: the decades, or more where there are few of them.
fn decades([low, high]: [f64; 2]) -> Vec<f64> {
    let within: &[f64] = match high - low {
        wide if wide > 3.0 => &[1.0],
        wide if wide > 1.5 => &[1.0, 3.0],
        _ => &[1.0, 2.0, 5.0],
    };
    let every = if high - low > 7.0 { 2 } else { 1 };
    #[expect(clippy::cast_possible_truncation, reason = "exponents of numbers")]
    let (first, last) = (floor(low) as i32, floor(high) as i32);
    let all = (first..=last)
        .step_by(every)
        .flat_map(|decade| within.iter().map(move |digit| f64::from(decade) + log10(*digit)));
    all.filter(|tick| (low..=high).contains(tick)).collect()
}

/// Ticks of a linear axis: multiples of 1, 2 or 5 times a power of ten.
fn even([low, high]: [f64; 2]) -> Vec<f64> {
    let about = (high - low) / 5.0;
    let power = pow(10.0, floor(log10(about)));
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|digit| digit * power);
    let step = step.into_iter().find(|step| *step >= about).unwrap_or(power);
    #[expect(clippy::cast_possible_truncation, reason = "a few ticks")]
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    #[expect(clippy::cast_precision_loss, reason = "a few ticks")]
    let ticks = (first..=last).map(|i| i as f64 * step);
    ticks.collect()
}

/// A picture of so many pixels on white. The same values give the same bytes.
pub(super) fn svg((width, height): (u32, u32), draw: impl FnOnce(&Root) -> Drawn) -> String {
    let mut out = String::new();
    {
        let size = (units(width), units(height));
        let root = SVGBackend::with_string(&mut out, size).into_drawing_area();
        root.fill(&WHITE)
            .and_then(|()| draw(&root))
            .and_then(|()| root.present())
            .expect("a picture is written to memory");
    }
    let header = |width: u32, height: u32| format!(r#"<svg width="{width}" height="{height}""#);
    out.replacen(&header(units(width), units(height)), &header(width, height), 1)
}

/// Pixels in the units of drawing.
pub(super) fn units(pixels: u32) -> u32 {
    pixels * UNITS
}

/// A line so many tenths of a pixel wide.
pub(super) fn line<C>(
    points: impl Into<Vec<C>>,
    colour: impl Color,
    tenths: u32,
) -> PathElement<C> {
    PathElement::new(points, colour.stroke_width(tenths))
}

/// The same, dashed.
pub(super) fn dashed<I: Iterator + Clone>(
    points: impl IntoIterator<IntoIter = I>,
    colour: impl Color,
    tenths: u32,
) -> DashedPathElement<I, u32> {
    DashedPathElement::new(points, units(5), units(4), colour.stroke_width(tenths))
}

/// A dot of so many pixels from its middle to its edge.
pub(super) fn dot<C>(at: C, pixels: u32, colour: impl Color) -> Circle<C, u32> {
    Circle::new(at, units(pixels), colour.filled())
}

/// A dot with a white edge, which stands out from others.
pub(super) fn marks(at: (f64, f64), pixels: u32, colour: RGBColor) -> [Circle<(f64, f64), u32>; 2] {
    [dot(at, pixels + 1, WHITE), dot(at, pixels, colour)]
}

/// A name without what XML cannot hold.
pub(super) fn clean(name: &str) -> String {
    name.chars().filter(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')).collect()
}

/// Text of so many pixels; plotters divides by 1.24.
pub(super) fn font(pixels: f64, colour: RGBColor) -> TextStyle<'static> {
    ("sans-serif", pixels * f64::from(UNITS) * 1.24).into_font().color(&colour)
}

/// Axes and a caption.
pub(super) fn chart<'a, 'b>(
    root: &'a Root<'b>,
    caption: &str,
    across: &Axis,
    up: &Axis,
) -> Result<Chart<'a, 'b>, DrawingAreaErrorKind<std::io::Error>> {
    let mut chart = ChartBuilder::on(root)
        .caption(clean(caption), font(13.0, INK))
        .margin(units(12))
        .x_label_area_size(units(42))
        .y_label_area_size(units(66))
        .build_cartesian_2d(across.scale(), up.scale())?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(0xEE, 0xEE, 0xEE).stroke_width(8))
        .axis_style(INK.stroke_width(10))
        .set_all_tick_mark_size(units(5))
        .x_desc(across.title)
        .y_desc(up.title)
        .x_label_formatter(&|x| across.label(*x))
        .y_label_formatter(&|y| up.label(*y))
        .label_style(font(12.0, INK))
        .draw()?;
    Ok(chart)
}

/// Dark to light over a share of 0 to 1, as budgets grow: viridis without its yellow end.
pub(super) fn shade(share: f64) -> RGBColor {
    const STOPS: [[f64; 3]; 5] = [
        [68.0, 1.0, 84.0],
        [59.0, 82.0, 139.0],
        [33.0, 145.0, 140.0],
        [94.0, 201.0, 98.0],
        [190.0, 200.0, 20.0],
    ];
    let place = share.clamp(0.0, 1.0) * 3.999;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 3")]
    let (index, part) = (place as usize, place.fract());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
    let [r, g, b] = std::array::from_fn(|c| {
        (STOPS[index][c] + (STOPS[index + 1][c] - STOPS[index][c]) * part).round() as u8
    });
    RGBColor(r, g, b)
}

/// The share of a value between two ends, in logarithms.
pub(super) fn log_share(value: f64, [low, high]: [f64; 2]) -> f64 {
    if high > low { log10(value / low) / log10(high / low) } else { 0.5 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        assert_eq!(decades([17.9, 22.1]), [18.0, 19.0, 20.0, 21.0, 22.0]);
        let two: Vec<String> = decades([7.0, 9.0]).iter().map(|t| count(pow(10.0, *t))).collect();
        assert_eq!(two, ["10 M", "30 M", "100 M", "300 M", "1 B"]);
        let even: Vec<String> = even([-0.83, 0.9]).iter().map(|t| plain(*t)).collect();
        assert_eq!(even, ["-0.5", "0", "0.5"]);
    }
}
