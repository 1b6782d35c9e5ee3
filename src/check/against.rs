//! What got worse since another version of a plan.

use super::Finding;

/// A relative rise that is no rounding of the derived values.
const ROUNDING: f64 = 1.0 + 1e-6;

/// Parts the findings of a plan into those that another version of it does not have as bad, and
/// those that it has.
///
/// A finding is known by its rule and what it is about. It got worse where its level rose, or its
/// measure, of rules that have one. One that stands for many is known where the old plan had as
/// many.
#[must_use]
pub fn worse(new: Vec<Finding>, old: &[Finding]) -> (Vec<Finding>, Vec<Finding>) {
    new.into_iter().partition(|finding| !old.iter().any(|before| covers(before, finding)))
}

fn covers(before: &Finding, now: &Finding) -> bool {
    let many = before.count > 1 && before.count >= now.count;
    let same = before.rule == now.rule && (many || before.about == now.about);
    let risen = match (before.measure, now.measure) {
        (Some(before), Some(now)) => now > before.max(before * ROUNDING),
        _ => false,
    };
    same && before.level >= now.level && !risen && before.count >= now.count
}
