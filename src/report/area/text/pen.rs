//! The characters of a picture.

/// The characters that a picture is made of.
pub(super) struct Pen {
    pub ascii: bool,
    pub wall: char,
    pub mark: char,
    pub corner: char,
    pub floor: char,
    pub tick: char,
    pub boundary: char,
    pub edge: char,
    pub more: char,
    pub arrow: &'static str,
    /// Up to what is above the picture.
    pub up: char,
    /// Down to a point.
    pub point: char,
    /// A line across, and where an area reaches above it.
    pub line: char,
    pub crossed: char,
}

pub(super) const UNICODE: Pen = Pen {
    ascii: false,
    wall: '│',
    mark: '┤',
    corner: '└',
    floor: '─',
    tick: '┬',
    boundary: '┼',
    edge: '│',
    more: '…',
    arrow: "→",
    up: '↑',
    point: '▼',
    line: '╌',
    crossed: '═',
};

pub(super) const ASCII: Pen = Pen {
    ascii: true,
    wall: '|',
    mark: '+',
    corner: '+',
    floor: '-',
    tick: '+',
    boundary: '|',
    edge: '|',
    more: '~',
    arrow: "->",
    up: '^',
    point: 'v',
    line: '-',
    crossed: '=',
};

/// Fills of neighbouring bands, by turns.
const FILLS: [char; 4] = ['░', '▓', '·', '▒'];

impl Pen {
    /// A name without line breaks and other control characters, in ASCII if need be.
    pub fn clean(&self, name: &str) -> String {
        let plain = |c: char| if c.is_control() || self.ascii && !c.is_ascii() { '?' } else { c };
        name.chars().map(plain).collect()
    }

    /// A text with the pen's arrows.
    pub fn arrows(&self, text: &str) -> String {
        text.replace('→', self.arrow)
    }

    /// What names a band: a letter, or a star for the others.
    pub fn letter(band: usize, others: bool) -> char {
        let letter = u8::try_from(band).ok().and_then(|i| b'a'.checked_add(i));
        if others { '*' } else { letter.map_or('?', char::from) }
    }

    /// What a band is filled with.
    pub fn fill(&self, band: usize, others: bool) -> char {
        match (self.ascii, others) {
            (true, _) => Self::letter(band, others),
            (false, true) => ' ',
            (false, false) => FILLS[band % FILLS.len()],
        }
    }
}
