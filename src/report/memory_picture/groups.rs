//! The areas of the picture.

use crate::memory::{Group, Label};

/// The areas, the topmost first.
pub(super) const GROUPS: [Group; 5] =
    [Group::Work, Group::Loss, Group::Activations, Group::Gathered, Group::States];

/// Bytes of every area, given those of every kind.
pub(super) fn group(held: impl Fn(Label) -> f64) -> [f64; GROUPS.len()] {
    let of = |group: Group| Label::ALL.into_iter().filter(move |label| label.group() == group);
    GROUPS.map(|group| of(group).map(&held).sum())
}
