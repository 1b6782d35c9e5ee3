//! From bytes to lines and columns.

use std::ops::Range;

/// A stretch of a text file, both ways of saying where: bytes from its start, and lines and columns.
///
/// Lines and columns count from 1, columns in characters (Unicode code points); the end is the place
/// behind the last character. A byte order mark is a byte of the file but no column, as SARIF 2.1.0,
/// section 3.30.2, has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// First byte.
    pub start: usize,
    /// The byte behind the last.
    pub end: usize,
    /// Line of the first character.
    pub line: usize,
    /// Its column.
    pub column: usize,
    /// Line of the end.
    pub end_line: usize,
    /// Its column.
    pub end_column: usize,
}

const BOM: char = '\u{feff}';

impl Region {
    /// The region of bytes, kept inside the text and on the boundaries of characters.
    #[must_use]
    pub fn of(text: &str, span: &Range<usize>) -> Self {
        let Range { start, end } = clipped(span, text);
        let (line, column) = line_and_column(text, start);
        let (end_line, end_column) = line_and_column(text, end);
        Self { start, end, line, column, end_line, end_column }
    }
}

/// Keeps a span inside the text and on character boundaries.
pub(in crate::report) fn clipped(span: &Range<usize>, text: &str) -> Range<usize> {
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    floor(span.start)..floor(span.end.max(span.start))
}

fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before[start..].trim_start_matches(if start == 0 { BOM } else { '\n' });
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_characters() {
        let text = "\u{feff}a = 1\r\nb\t= \"日本🦙\" # x\n";
        let at = |piece: &str| {
            let start = text.find(piece).unwrap();
            let region = Region::of(text, &(start..start + piece.len()));
            (region.line, region.column, region.end_line, region.end_column)
        };
        assert_eq!(at("a"), (1, 1, 1, 2), "the byte order mark is no column");
        assert_eq!(at("1"), (1, 5, 1, 6));
        assert_eq!(at("\"日本🦙\""), (2, 5, 2, 10), "a tab is one column, as is a wide character");
        assert_eq!(at("x\n"), (2, 13, 3, 1), "a line break ends on the next line");
        let beyond = Region::of(text, &(text.len()..text.len() + 9));
        assert_eq!((beyond.line, beyond.column, beyond.start), (3, 1, text.len()));
        assert_eq!(Region::of("", &(0..5)), Region::of("", &(0..0)));
    }
}
