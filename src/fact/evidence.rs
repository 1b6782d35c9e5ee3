//! What tested a prediction, and whether a case is like what was tested.

/// The evidence for one case.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence<Suite: 'static> {
    /// The suite that is nearest to the case.
    pub suite: &'static Suite,
    /// In what the case lies outside it; inside where empty.
    pub outside: Vec<String>,
}

impl<Suite> Evidence<Suite> {
    /// Whether the case is like those that were tested.
    #[must_use]
    pub fn inside(&self) -> bool {
        self.outside.is_empty()
    }
}
