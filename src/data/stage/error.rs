//! Why stages do not make a run.

use super::Kind;
use crate::data::weights::MixtureError;
use crate::quantity::{Epochs, Quantity, Tokens, exact, round_significant};

/// A sum of printed shares, without the noise of its last bits.
pub(in crate::data) fn sum_text(sum: f64) -> String {
    exact(round_significant(sum, 8))
}

fn is_one(passes: Epochs) -> bool {
    (passes.0 - 1.0).abs() < 1e-9
}

fn counted(passes: Epochs) -> String {
    format!("{} {}", passes.human(), if is_one(passes) { "pass" } else { "passes" })
}

/// Why stages do not make a run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StageError {
    /// A mixture that is none; the field is `mixture` or `from`.
    #[error(transparent)]
    Mixture(#[from] MixtureError),
    /// A stage with two lengths.
    #[error("a stage has `tokens`, `steps` or a `share` of the run, and only one of them")]
    TwoLengths,
    /// Two stages that are both the rest.
    #[error("two stages have no length; one can be the rest of the run")]
    TwoRests,
    /// Shares that pass the end of the run.
    #[error("the stages take {} of the run; there is no more than all of it", sum_text(*.share))]
    PastTheEnd {
        /// Sum of the shares.
        share: f64,
    },
    /// Shares that end before the run.
    #[error("the stages take {} of the run; the rest has no mixture", sum_text(*.share))]
    Gap {
        /// Sum of the shares.
        share: f64,
    },
    /// Tokens and shares without a rest, which would fix the run's length in a hidden way.
    #[error("with both `tokens` and `share`, one stage must be the rest: leave its length out")]
    NoRest,
    /// A stage after the run without a length of its own.
    #[error("a stage of kind `{0}` comes on top of the run: give it `tokens`, or `steps`")]
    OwnLength(Kind),
    /// Stages that all come on top of a run that is not there.
    #[error("no stage is of kind `pretrain` or `anneal`, so there is no run to plan")]
    NoRun,
    /// Steps without their size.
    #[error(
        "`steps` need `batch_tokens`, here or in a stage before{}",
        if *.stepped { "; the plateaus of a step ramp are `plateaus`" } else { "" }
    )]
    StepsOfWhat {
        /// Whether the stage has a step ramp, whose plateaus may be meant.
        stepped: bool,
    },
    /// A setting without what it belongs to.
    #[error("`{setting}` belongs to {to}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// What it belongs to.
        to: &'static str,
    },
    /// A choice without a setting that it cannot do without.
    #[error("{choice} needs `{setting}`")]
    Needs {
        /// The choice.
        choice: &'static str,
        /// The setting.
        setting: &'static str,
    },
    /// A setting outside its range.
    #[error("`{setting}` must be {range}")]
    Range {
        /// The setting.
        setting: &'static str,
        /// Its range in words.
        range: &'static str,
    },
    /// A step ramp with too few or too many plateaus.
    #[error("a step ramp has 2 to 10000 plateaus, not {0}")]
    Plateaus(u32),
    /// A stage without a name.
    #[error("a stage needs a name")]
    Name,
    /// Two stages of one name.
    #[error("two stages are called `{name}`; a stage needs a name of its own")]
    NameTwice {
        /// The name.
        name: String,
        /// Place of the first of them.
        first: usize,
    },
    /// A blend without a stage to blend into.
    #[error("`blend` leads into the next stage, and this is the last")]
    BlendIntoNothing,
    /// A replay without a stage before it.
    #[error(
        "`replay` draws on the stage before, and this is the first; give the first stage its weights"
    )]
    ReplayOfNothing,
    /// A method that lacks a fact of a source.
    #[error("stage `{stage}` is mixed {method} and needs the `{fact}` of `{of}`")]
    Fact {
        /// The stage.
        stage: String,
        /// The method.
        method: &'static str,
        /// The fact.
        fact: &'static str,
        /// The source.
        of: String,
    },
    /// A name in `over` that no source has.
    #[error(transparent)]
    NotASource(MixtureError),
    /// A source that a method mixes twice.
    #[error("`{0}` stands twice in `over`")]
    Twice(String),
    /// A method over nothing.
    #[error("there is no source to mix: the plan has no [sources]")]
    NoSources,
    /// A method over an empty list.
    #[error("`over` is empty: name the sources to mix, or leave it out for all")]
    Over,
    /// `UniMax` for a stage of open length.
    #[error(
        "unimax gives weights for a length that is known: state the `tokens` of the stage or of the run"
    )]
    OpenLength,
    /// `UniMax` for more tokens than all passes together.
    #[error(
        "`{stage}` reads {} tokens, but {} over its sources {} {}",
        .wanted.human(), counted(*.passes), if is_one(*.passes) { "gives" } else { "give" },
        .most.human()
    )]
    TooLong {
        /// The stage.
        stage: String,
        /// Most passes over a source.
        passes: Epochs,
        /// Tokens of the stage.
        wanted: Tokens,
        /// Tokens that the sources give.
        most: Tokens,
    },
}
