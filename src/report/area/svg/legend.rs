//! The names of the bands and their figures.

use super::super::{Band, Stacked, Words, cut, real};
use super::{Drawn, INK, PALE, Root, clean, colour, font, length, px};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

/// What stands at the right: every band in the picture's order, with its figures.
pub(super) struct Legend {
    title: &'static str,
    rows: Vec<(String, String)>,
    /// Pixels.
    pub width: f64,
}

impl Legend {
    const SIZE: f64 = 12.0;
    const SWATCH: f64 = 20.0;

    pub fn of(areas: &dyn Stacked, bands: &[Band], words: &Words) -> Self {
        let sets: Vec<&[usize]> = bands.iter().map(|band| &*band.members).collect();
        let names = bands.iter().map(|band| cut(&clean(&band.name), 24, '…'));
        let figures = areas.figures(&sets).into_iter();
        let rows: Vec<_> =
            names.zip(figures.map(|figures| figures.join(&words.between) + words.unit)).collect();
        let title = words.legend_short;
        let longest = |part: fn(&(String, String)) -> &String| {
            rows.iter().map(|row| length(part(row), Self::SIZE)).fold(0.0, f64::max)
        };
        let width = Self::SWATCH + longest(|row| &row.0) + 10.0 + longest(|row| &row.1);
        Self { title, width: width.max(length(title, Self::SIZE) + Self::SWATCH), rows }
    }

    /// Draws it at a left end, between a top and a bottom, in pixels.
    pub fn draw(&self, root: &Root, bands: &[Band], (left, top, bottom): (f64, f64, f64)) -> Drawn {
        let step = ((bottom - top) / real(self.rows.len() + 1)).min(20.0);
        let right = left + self.width;
        let size = Self::SIZE.min(step - 2.0);
        let number = |colour| font(size, colour, HPos::Right, VPos::Center);
        let middle = |row: usize| top + step * (real(row) + 0.5);
        root.draw(&Text::new(self.title, (px(right), px(middle(0))), number(PALE)))?;
        for (index, (name, figures)) in self.rows.iter().enumerate() {
            let y = middle(index + 1);
            let half = size / 2.0;
            let square = [(px(left), px(y - half)), (px(left + 2.0 * half), px(y + half))];
            root.draw(&Rectangle::new(square, colour(bands, index).filled()))?;
            let style = font(size, INK, HPos::Left, VPos::Center);
            root.draw(&Text::new(name.clone(), (px(left + Self::SWATCH), px(y)), style))?;
            root.draw(&Text::new(figures.clone(), (px(right), px(y)), number(PALE)))?;
        }
        Ok(())
    }
}
