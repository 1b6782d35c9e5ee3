//! Stacked-area pictures, as text and as SVG.

#[cfg(test)]
mod cases;
mod shares;
mod svg;
mod text;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

pub use shares::Areas;
pub use svg::svg;
pub use text::text;

/// What a stacked-area picture shows. Across and up, 0 to 1 is the whole picture.
///
/// The first area is the topmost band; pictures and legends keep the order of the names.
pub trait Stacked {
    /// Names of the areas. They may hold any characters.
    fn names(&self) -> &[String];

    /// Name, start and end of the parts along the picture, in order; each has a length.
    fn parts(&self) -> Vec<(&str, f64, f64)>;

    /// Heights of all areas that one of so many columns shows.
    fn column(&self, column: usize, of: usize) -> Vec<f64>;

    /// Places from 0 to 1 and the heights of all areas there, joined by straight lines.
    fn outline(&self) -> Vec<(f64, Vec<f64>)>;

    /// The words of the picture.
    fn words(&self) -> Words;

    /// Places and labels across: about so many, with a gap before the last one.
    fn ticks(&self, about: usize, gap: f64) -> Vec<(f64, String)>;

    /// Heights and labels up, 0 first: at least so many intervals.
    fn levels(&self, least: usize) -> Vec<(f64, String)>;

    /// What the legend says of areas taken together: as many texts for each.
    fn figures(&self, sets: &[&[usize]]) -> Vec<Vec<String>>;

    /// What a part spans, for a list of the parts.
    fn span(&self, _from: f64, _to: f64) -> Option<String> {
        None
    }

    /// A point of the picture that is named.
    fn point(&self) -> Option<Point> {
        None
    }

    /// The height of a line across the whole picture, and its name; above 1 only the name is
    /// shown, with an arrow.
    fn line(&self) -> Option<(f64, String)> {
        None
    }

    /// Where one part ends and another starts, ascending, without the picture's own ends.
    fn boundaries(&self) -> Vec<f64> {
        let mut all: Vec<f64> =
            self.parts().into_iter().flat_map(|(_, from, to)| [from, to]).collect();
        all.retain(|&x| x > 0.0 && x < 1.0);
        all.sort_by(f64::total_cmp);
        all.dedup_by(|b, a| *b - *a < BESIDE);
        all
    }

    /// The areas beyond so many bands: those with the smallest means.
    fn smallest(&self, most: usize) -> Vec<usize> {
        let count = self.names().len();
        if count <= most {
            return Vec::new();
        }
        let mut means = vec![0.0; count];
        for column in 0..MEANS {
            for (mean, height) in means.iter_mut().zip(self.column(column, MEANS)) {
                *mean += height;
            }
        }
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by(|&a, &b| means[b].total_cmp(&means[a]));
        order.split_off(most.saturating_sub(1))
    }

    /// One band per area, and a last one for all that are gathered.
    fn bands(&self, gathered: &[usize]) -> Vec<Band> {
        let all = 0..self.names().len();
        let (others, own): (Vec<_>, Vec<_>) = all.partition(|i| gathered.contains(i));
        let single =
            |i: usize| Band { name: self.names()[i].clone(), members: vec![i], others: false };
        let mut bands: Vec<Band> = own.into_iter().map(single).collect();
        if !others.is_empty() {
            let name = format!("{} others", others.len());
            bands.push(Band { name, members: others, others: true });
        }
        bands
    }
}

/// The words of a picture. `→` is an arrow in ASCII too.
pub struct Words {
    /// What is told across, in a word.
    pub across: &'static str,
    /// The same as a title.
    pub across_title: &'static str,
    /// What is told upward.
    pub up: String,
    /// What a part is.
    pub part: &'static str,
    /// What the figures of the legend are.
    pub legend: String,
    /// The same in short.
    pub legend_short: &'static str,
    /// Between two figures of a legend's line.
    pub between: String,
    /// After the last.
    pub unit: &'static str,
}

/// A point of a picture.
pub struct Point {
    /// Place across.
    pub x: f64,
    /// Height.
    pub height: f64,
    /// Its name.
    pub name: String,
    /// The same where there is little room.
    pub short: String,
}

/// A band of a picture: an area, or the smallest ones together.
pub struct Band {
    /// The area's name, or how many are gathered.
    pub name: String,
    /// Indices of the areas in it.
    pub members: Vec<usize>,
    /// Whether small areas are gathered in it.
    pub others: bool,
}

impl Band {
    /// The band's height, given every area's.
    pub fn height(&self, heights: &[f64]) -> f64 {
        self.members.iter().map(|&i| heights[i]).sum()
    }
}

/// How far beside a jump its two sides are read, and how near two boundaries are one.
const BESIDE: f64 = 1e-9;

/// Columns at which the mean height of an area is read.
const MEANS: usize = 256;

/// The middle of a column of so many.
fn middle(column: usize, of: usize) -> f64 {
    (real(column) + 0.5) / real(of)
}

#[expect(clippy::cast_precision_loss, reason = "rows, columns, areas")]
pub fn real(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
pub fn whole(value: f64) -> usize {
    value as usize
}

/// How near two numbers are one.
const NEAR: f64 = 1e-12;

/// The largest step of 1, 2, 2.5 or 5 times a power of ten that is not above a value, which is
/// finite and above 0, or the smallest that is not below it.
pub fn round_step(value: f64, above: bool) -> f64 {
    let exponent = format!("{value:e}");
    let exponent = exponent.split('e').nth(1).unwrap_or("0").to_owned();
    let power: f64 = format!("1e{exponent}").parse().unwrap_or(1.0);
    let mut steps = [1.0, 2.0, 2.5, 5.0].map(|x| x * power).into_iter();
    if above {
        steps.find(|&step| step >= value * (1.0 - NEAR)).unwrap_or(10.0 * power)
    } else {
        steps.rfind(|&step| step <= value * (1.0 + NEAR)).unwrap_or(power)
    }
}

/// Columns of a text in a terminal.
fn wide(text: &str) -> usize {
    text.width()
}

/// A text of at most so many columns; a longer one ends with the mark, which has one column.
pub fn cut(text: &str, most: usize, mark: char) -> String {
    if wide(text) <= most {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > most {
            break;
        }
        out.push(c);
    }
    out.truncate(out.trim_end().len());
    if most > 0 {
        out.push(mark);
    }
    out
}
