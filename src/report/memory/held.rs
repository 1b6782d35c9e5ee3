//! The breakdown of a peak, grouped for people.

use super::GIB;
use crate::memory::{Group, Label, Peak};
use crate::report::block::Block;

/// The groups that hold anything, with their parts.
fn groups(peak: &Peak) -> Vec<(&'static str, Vec<Label>)> {
    let parts = |group: Group| Label::ALL.into_iter().filter(move |label| label.group() == group);
    let all = Group::ALL.map(|group| (group.name(), parts(group).collect::<Vec<_>>()));
    all.into_iter().filter(|(_, labels)| sum(peak, labels) > 0.0).collect()
}

fn sum(peak: &Peak, labels: &[Label]) -> f64 {
    labels.iter().map(|label| peak.held(*label)).sum()
}

/// The group that holds most, as a sentence begins, and its bytes.
pub(super) fn largest(peak: &Peak) -> (String, f64) {
    let all = groups(peak).into_iter().map(|(name, labels)| (name, sum(peak, &labels)));
    let (name, bytes) = all.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default();
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    (first.into_iter().chain(letters).collect(), bytes)
}

/// Groups and their parts, GiB and share of the peak.
pub(super) fn table(peak: &Peak) -> Block {
    let row = |name: String, bytes: f64| {
        let share = bytes / peak.bytes * 100.0;
        vec![name, format!("{:.2}", bytes / GIB), format!("{share:.1} %")]
    };
    let mut rows = vec![row("all".to_owned(), peak.bytes)];
    for (name, labels) in groups(peak) {
        rows.push(row(name.to_owned(), sum(peak, &labels)));
        let parts = labels.into_iter().filter(|label| peak.held(*label) > 0.0);
        let parts: Vec<Label> = parts.collect();
        if parts.len() > 1 {
            let parts = parts
                .into_iter()
                .map(|label| row(format!("  {}", label.key().replace('_', " ")), peak.held(label)));
            rows.extend(parts);
        }
    }
    Block::table(&["", "GiB", "share"], rows, 1)
}
