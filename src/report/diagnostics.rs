//! Findings as text with carets.

use super::findings::clipped;
use crate::check::{Finding, Level};
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level as Shown, Origin, Renderer, Snippet};

/// Findings with their source lines and carets.
#[must_use]
pub fn diagnostics(path: &str, text: &str, findings: &[Finding], width: u16) -> String {
    let renderer = Renderer::styled().decor_style(DecorStyle::Ascii).term_width(usize::from(width));
    findings.iter().fold(String::new(), |mut out, finding| {
        out.push_str(&renderer.render(&[group(path, text, finding)]));
        out.push_str("\n\n");
        out
    })
}

fn group<'a>(path: &'a str, text: &'a str, finding: &'a Finding) -> Group<'a> {
    let level = match finding.level {
        Level::Error => Shown::ERROR,
        Level::Warning => Shown::WARNING,
    };
    let mut snippet = Snippet::source(text).path(path).fold(true);
    for (index, label) in finding.labels.iter().enumerate() {
        let Some(span) = &label.span else { continue };
        let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let annotation = kind.span(clipped(span, text));
        let annotation =
            if label.text.is_empty() { annotation } else { annotation.label(label.text.as_str()) };
        snippet = snippet.annotation(annotation);
    }
    let title = level.primary_title(finding.message.as_str()).id(finding.rule);
    let placed = finding.labels.iter().any(|label| label.span.is_some()) && !text.is_empty();
    let mut group = if placed { title.element(snippet) } else { title.element(Origin::path(path)) };
    if !placed {
        for label in finding.labels.iter().filter(|label| !label.text.is_empty()) {
            group = group.element(Shown::NOTE.message(label.text.as_str()));
        }
    }
    if let Some(help) = &finding.help {
        group = group.element(Shown::HELP.message(help.as_str()));
    }
    group
}
