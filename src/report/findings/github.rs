//! A check as workflow commands, which GitHub shows as annotations.
//!
//! Escaped as `actions/toolkit` does in `packages/core/src/command.ts`: `%`, carriage return and
//! newline everywhere, and `:` and `,` in properties too. GitHub shows few annotations of a step, so
//! the worst come first.

use super::{CheckReport, Diagnosis};
use std::fmt::Write as _;

/// A check as workflow commands, a line each.
#[must_use]
pub fn github(report: &CheckReport) -> String {
    let mut out = String::new();
    for failure in &report.failures {
        let (path, message) = (property(&failure.path), data(&failure.message));
        let _ = writeln!(out, "::error file={path},title=not read::{message}");
    }
    for (file, one) in report.worst_first() {
        let _ = writeln!(
            out,
            "::{} file={}{},title={}::{}",
            one.finding.level,
            property(&file.path),
            place(one),
            property(one.finding.rule),
            data(&one.said())
        );
    }
    out
}

/// Lines, and columns where the place is on one line: GitHub takes them for that case alone.
fn place(one: &Diagnosis) -> String {
    match one.main() {
        None => String::new(),
        Some(at) if at.line == at.end_line => format!(
            ",line={},endLine={},col={},endColumn={}",
            at.line, at.end_line, at.column, at.end_column
        ),
        Some(at) => format!(",line={},endLine={}", at.line, at.end_line),
    }
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the runner makes of a command: `actions/runner`, `ActionCommand.cs`.
    fn unescaped(text: &str, property: bool) -> String {
        let text =
            if property { text.replace("%3A", ":").replace("%2C", ",") } else { text.into() };
        text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
    }

    proptest! {
        #[test]
        fn escapes_survive_the_runner(text in "[%:,\r\n0-9A-D a]{0,12}") {
            prop_assert_eq!(unescaped(&data(&text), false), text.as_str());
            prop_assert_eq!(unescaped(&property(&text), true), text.as_str());
            prop_assert!(!property(&text).contains([':', ',', '\r', '\n']));
        }
    }

    #[test]
    fn what_would_end_a_command_is_escaped() {
        assert_eq!(data("50 %\r\n::error::no"), "50 %25%0D%0A::error::no");
        assert_eq!(property("a,b:c%\n"), "a%2Cb%3Ac%25%0A");
    }
}
