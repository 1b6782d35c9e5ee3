//! A check as Markdown, for a pull request or a job's summary.

use super::{CheckReport, counted};
use crate::report::words::cell;
use std::fmt::Write as _;

/// Findings that are shown; a comment has to stay readable, and GitHub cuts long ones.
const SHOWN: usize = 50;

/// A check as Markdown.
#[must_use]
pub fn check_markdown(report: &CheckReport) -> String {
    let mut out = format!("### llmplan check\n\n{}\n", cell(&report.totals().line()));
    for failure in &report.failures {
        let _ = writeln!(out, "\n**not read**: `{}`: {}", failure.path, cell(&failure.message));
    }
    let all = report.worst_first();
    if !all.is_empty() {
        out.push_str("\n| | rule | where | what |\n| --- | --- | --- | --- |\n");
    }
    for (file, one) in all.iter().take(SHOWN) {
        let line = one.main().map_or(String::new(), |at| format!(":{}", at.line));
        let place = if one.finding.about.is_empty() {
            String::new()
        } else {
            format!("<br>`{}`", cell(&one.finding.about))
        };
        let help = one.finding.help.as_ref().map_or(String::new(), |h| format!("<br>{}", cell(h)));
        let _ = writeln!(
            out,
            "| {} | `{}` | `{}{line}`{place} | {}{help} |",
            one.finding.level,
            one.finding.rule,
            cell(&file.path),
            cell(&one.finding.message)
        );
    }
    if all.len() > SHOWN {
        let _ = writeln!(out, "\nand {}", counted(all.len() - SHOWN, "more finding"));
    }
    let allowed = report.files.iter().flat_map(|file| file.allowed.iter().map(move |a| (file, a)));
    let allowed: Vec<_> = allowed.collect();
    if !allowed.is_empty() {
        let _ = writeln!(out, "\n<details><summary>{} allowed</summary>\n", allowed.len());
        out.push_str("| rule | plan | why |\n| --- | --- | --- |\n");
        for (file, (one, reason)) in allowed {
            let rule = one.finding.rule;
            let _ = writeln!(out, "| `{rule}` | `{}` | {} |", cell(&file.path), cell(reason));
        }
        out.push_str("\n</details>\n");
    }
    out
}
