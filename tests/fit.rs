//! `plan::fit` against published fits, a fit of its own, and laws that are known.
//!
//! The tests of published fits need files of others, and say that they skip where those are absent.

#[path = "support/chinchilla.rs"]
mod chinchilla;
#[path = "fit/coverage.rs"]
mod coverage;
#[path = "support/data.rs"]
mod data;
#[path = "fit/forms.rs"]
mod forms;
#[path = "fit/global.rs"]
mod global;
#[path = "fit/mixing.rs"]
mod mixing;
#[path = "support/mixtures.rs"]
mod mixtures;
#[path = "fit/published.rs"]
mod published;
#[path = "fit/reading.rs"]
mod reading;
#[path = "support/reference.rs"]
mod reference;
#[path = "fit/runs.rs"]
mod runs;
#[path = "support/simulate.rs"]
mod simulate;
