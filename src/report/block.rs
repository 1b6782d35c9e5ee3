//! The pieces of an answer, and how text and Markdown show them.

use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};
use std::fmt::Write as _;
use std::ops::Range;

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A title.
    Heading(String),
    /// A sentence.
    Line(String),
    /// A sentence about the answer rather than of it.
    Note(String),
    /// Lines that stand as they are.
    Picture(String),
    /// Rows of name, value and remarks.
    Rows {
        /// Column titles; empty ones for none.
        header: Vec<String>,
        /// Cells.
        rows: Vec<Vec<String>>,
        /// Columns, from the left, that hold words rather than numbers.
        words: usize,
    },
}

impl Block {
    /// A table; the first `words` columns are aligned left, the others right.
    #[must_use]
    pub fn table(header: &[&str], rows: Vec<Vec<String>>, words: usize) -> Self {
        Self::Rows { header: header.iter().map(|&title| title.to_owned()).collect(), rows, words }
    }
}

const BOLD: &str = "\u{1b}[1m";
const DIM: &str = "\u{1b}[2m";
const RESET: &str = "\u{1b}[0m";

/// Blocks as text of a width, in columns.
#[must_use]
pub fn text(blocks: &[Block], width: u16) -> String {
    let mut out = String::new();
    for (index, block) in blocks.iter().enumerate() {
        match block {
            Block::Heading(title) => {
                let gap = if index == 0 { "" } else { "\n" };
                let _ = writeln!(out, "{gap}{BOLD}{title}{RESET}");
            }
            Block::Line(line) => styled(&mut out, line, width, ""),
            Block::Note(line) => {
                if !matches!(index.checked_sub(1).map(|i| &blocks[i]), Some(Block::Note(_))) {
                    out.push('\n');
                }
                styled(&mut out, line, width, DIM);
            }
            Block::Picture(picture) => out.push_str(picture),
            Block::Rows { header, rows, words } => {
                out.push_str(&table(header, rows, *words, width));
            }
        }
    }
    out
}

/// A sentence, wrapped; every line keeps its indentation.
fn styled(out: &mut String, line: &str, width: u16, style: &str) {
    let end = if style.is_empty() { "" } else { RESET };
    let sentence = line.trim_start();
    let indent = line.len() - sentence.len();
    for part in wrap(sentence, usize::from(width.max(20)) - indent) {
        let _ = writeln!(out, "{:indent$}{style}{part}{end}", "");
    }
}

/// Lines of at most so many columns, as a table of one cell wraps them.
fn wrap(line: &str, width: usize) -> Vec<String> {
    let mut table = Table::new();
    let columns = u16::try_from(width + 2).unwrap_or(u16::MAX);
    table.load_style(presets::NOTHING).set_width(columns);
    table.set_content_arrangement(ContentArrangement::Dynamic).add_row([line]);
    table.lines().map(|part| part.trim().to_owned()).collect()
}

/// Columns that words keep in a table that is too wide.
const LEAST: usize = 24;

fn table(header: &[String], rows: &[Vec<String>], words: usize, width: u16) -> String {
    // where all of it is too wide, a single column of words gives way, and no number is broken
    let longest = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).chain(header.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let needed = |columns: Range<usize>| columns.map(|column| longest(column) + 2).sum::<usize>();
    let numbers = needed(words..header.len());
    let room = usize::from(width);
    let narrow = words == 1 && needed(0..header.len()) > room && numbers + LEAST <= room;
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_width(width);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    if header.iter().any(|title| !title.is_empty()) {
        let cells = header.iter().map(Cell::new);
        table.set_header(cells);
    }
    for row in rows {
        table.add_row(row.iter().map(Cell::new));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((if index == 0 { 2 } else { 1 }, 1));
        let kept = if narrow { index >= words } else { index == 0 };
        if kept {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
        if index >= words {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().fold(String::new(), |mut out, line| {
        let _ = writeln!(out, "{}", line.trim_end());
        out
    })
}

/// Blocks as Markdown.
#[must_use]
pub fn markdown(blocks: &[Block]) -> String {
    let mut out = String::new();
    for block in blocks {
        match block {
            Block::Heading(title) => {
                let _ = writeln!(out, "## {title}\n");
            }
            Block::Line(line) => {
                // four spaces would make it code
                let _ = writeln!(out, "{}\n", line.trim_start());
            }
            Block::Note(line) => {
                let _ = writeln!(out, "> {line}\n");
            }
            Block::Picture(picture) => {
                let _ = writeln!(out, "```text\n{picture}```\n");
            }
            Block::Rows { header, rows, words } => {
                let rule = (0..header.len()).map(|i| if i < *words { "---" } else { "---:" });
                let rule = rule.collect::<Vec<_>>().join(" | ");
                let _ = writeln!(out, "| {} |\n| {rule} |", header.join(" | "));
                for row in rows {
                    let cells: Vec<String> =
                        row.iter().map(|cell| cell.replace('|', "\\|")).collect();
                    let _ = writeln!(out, "| {} |", cells.join(" | "));
                }
                out.push('\n');
            }
        }
    }
    out
}

/// Columns of a name in a table.
const NAME: usize = 26;

/// A name that leaves room for the numbers of a table: a long one loses its middle.
#[must_use]
pub fn shortened(name: &str) -> String {
    let count = name.chars().count();
    if count <= NAME {
        return name.to_owned();
    }
    let first: String = name.chars().take(NAME / 2 - 2).collect();
    let last: String = name.chars().skip(count - NAME / 2).collect();
    format!("{first}..{last}")
}
