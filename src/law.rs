//! Scaling laws: loss or optimum as a function of parameters, tokens and compute.
//!
//! A [`Law`] is a catalogue entry: its form, what it counts as N, its data, the range in which
//! it was fitted, and its source. Laws of the form L(N, D) carry a [`Surface`]; the others know
//! only where the optimum lies.

mod draws;
mod file;
mod form;
mod prepared;
mod surface;

use crate::fact::{Catalogue, fact};
use crate::quantity::{Flops, FlopsPerParamToken, Loss, Params, Tokens, TokensPerParam};
use serde::Deserialize;
use std::sync::LazyLock;
use toml::value::Datetime;

pub use draws::{Draws, draws, interval_80};
pub use file::{LawFile, LawFileError, Provenance};
pub use form::{Form, LogSurface, OverTraining, Power, PowerLaw, TableRow};
pub use prepared::Prepared;
pub use surface::Surface;

/// Name of the law that is used when a plan names none.
pub const DEFAULT: &str = "besiroglu-2024";

/// The law whose decay of repeated tokens and excess parameters is applied to every surface.
pub const REPEATS: &str = "muennighoff-2023";

/// Every law, parsed when first asked for.
#[must_use]
pub fn catalogue() -> &'static Catalogue<Law> {
    static LAWS: LazyLock<Catalogue<Law>> =
        LazyLock::new(|| Catalogue::embedded(include_str!("law/laws.toml")));
    &LAWS
}

/// A published scaling law.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Law {
    /// The id that plans use.
    pub name: String,
    /// Other names that find it.
    pub aliases: Vec<String>,
    /// One line for people.
    pub title: String,
    /// The functional form with its constants.
    pub form: Form,
    /// How repeated tokens and excess parameters decay, where the law says so.
    pub repeats: Option<Repeats>,
    /// What the law counts as N.
    pub counts: String,
    /// The same, for a program.
    pub counting: Counting,
    /// What it was measured on.
    pub data: String,
    /// Where it was fitted.
    pub range: Range,
    /// Dense networks or mixtures of experts.
    #[serde(default)]
    pub architecture: Architecture,
    /// Whether to rely on it.
    pub status: Status,
    /// The bootstrap draws behind its intervals.
    #[serde(default)]
    pub draws: Draws,
    /// Paper, equation or table.
    pub source: String,
    /// Day of publication; 1970-01-01 where a law file does not say.
    pub as_of: Datetime,
    /// What a reader must know.
    pub note: Option<String>,
}

fact!(Law, "law");

/// Decay constants of repeated tokens, `R_D`*, and of excess parameters, `R_N`*
/// (Muennighoff et al. 2023, arXiv:2305.16264, eq. 5 and 6).
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeats {
    /// `R_D`*: repeats after which a token has lost 1/e of its value.
    pub tokens: f64,
    /// `R_N`*: the same for parameters beyond those that the unique tokens can feed.
    pub params: f64,
}

/// The constants of [`REPEATS`].
///
/// # Panics
/// Never: a test reads the embedded catalogue.
#[must_use]
pub fn repeats() -> Repeats {
    let law = catalogue().find(REPEATS).expect("the law of repeats is in the catalogue");
    law.repeats.expect("the law of repeats has its constants")
}

/// The range of a law's data; a side is absent where its source does not state it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// Training compute, FLOP.
    pub flops: Option<[f64; 2]>,
    /// Parameters, as the law counts them.
    pub params: Option<[f64; 2]>,
    /// Training tokens.
    pub tokens: Option<[f64; 2]>,
    /// Tokens per parameter.
    pub tokens_per_param: Option<[f64; 2]>,
}

/// What a law counts as N.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counting {
    /// All parameters, embeddings included.
    #[default]
    All,
    /// Parameters without embeddings and positions.
    WithoutEmbeddings,
    /// All with one vocabulary matrix, be the head tied or not.
    OneVocabulary,
    /// Parameters that work on a token.
    Active,
    /// FLOPs per token, not parameters.
    Flops,
}

impl Counting {
    /// Every way of counting.
    pub const ALL: [Self; 5] =
        [Self::All, Self::WithoutEmbeddings, Self::OneVocabulary, Self::Active, Self::Flops];

    /// The id that files use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::WithoutEmbeddings => "without-embeddings",
            Self::OneVocabulary => "one-vocabulary",
            Self::Active => "active",
            Self::Flops => "flops",
        }
    }

    /// The laws that count so.
    pub fn laws(self) -> impl Iterator<Item = &'static Law> {
        catalogue().iter().filter(move |law| law.counting == self)
    }
}

/// What kind of network a law describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// Every parameter works on every token.
    #[default]
    Dense,
    /// Mixture of experts; N counts the active parameters.
    Moe,
}

/// How far a law is to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// In use.
    Current,
    /// Superseded; kept for comparison.
    Historical,
    /// A printed variant that contradicts its own source.
    Warned,
}

/// Where a law puts the optimum for a budget.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Optimum {
    /// N*, absent where the law knows FLOPs per token only.
    pub params: Option<Params>,
    /// D*, by the law's own account: kN*D* may differ from C where both were fitted.
    pub tokens: Tokens,
    /// M*, FLOPs per token, where that is what the law counts.
    pub flops_per_token: Option<f64>,
    /// L*, absent where the law has no loss.
    pub loss: Option<Loss>,
}

impl Optimum {
    /// D*/N*.
    #[must_use]
    pub fn tokens_per_param(&self) -> Option<TokensPerParam> {
        self.params.map(|params| self.tokens / params)
    }
}

impl Law {
    /// L(N, D), where the law has one.
    #[must_use]
    pub fn surface(&self) -> Option<Surface> {
        match &self.form {
            Form::Surface(surface) => Some(*surface),
            Form::SurfaceLogs(logs) => Some((*logs).into()),
            Form::OverTraining(form) => Some((*form).into()),
            Form::Power(_) | Form::Table(_) | Form::Ratio(_) => None,
        }
    }

    /// The compute-optimal allocation of a budget.
    ///
    /// Power laws were fitted with C = 6ND: with another `k` they take C' = 6C/k.
    #[must_use]
    pub fn optimum(&self, flops: Flops, k: FlopsPerParamToken) -> Optimum {
        if let Some(surface) = self.surface() {
            return surface.optimum(flops, k);
        }
        let six = Flops(flops.0 * FlopsPerParamToken::TRAINING.0 / k.0);
        match &self.form {
            Form::Power(power) => power.optimum(six),
            Form::Table(rows) => PowerLaw::through(rows).optimum(six),
            Form::Ratio(ratio) => {
                let params = Params(libm::sqrt(flops.0 / (k.0 * ratio)));
                Optimum {
                    params: Some(params),
                    tokens: params * TokensPerParam(*ratio),
                    flops_per_token: None,
                    loss: None,
                }
            }
            Form::Surface(_) | Form::SurfaceLogs(_) | Form::OverTraining(_) => {
                unreachable!("surfaces returned above")
            }
        }
    }

    /// How many times a run of C = 6ND lies outside the range of the law's data: the largest factor over
    /// compute, parameters and tokens, or `None` inside it.
    #[must_use]
    pub fn extrapolation(
        &self,
        flops: Flops,
        params: Option<Params>,
        tokens: Tokens,
    ) -> Option<Extrapolation> {
        let params = params.map_or(f64::NAN, |params| params.0);
        let sides = [
            ("compute", self.range.flops, flops.0),
            ("parameters", self.range.params, params),
            ("tokens", self.range.tokens, tokens.0),
            ("tokens per parameter", self.range.tokens_per_param, tokens.0 / params),
        ];
        sides
            .into_iter()
            .filter_map(|(side, range, value)| {
                let [low, high] = range?;
                let factor = (value / high).max(low / value);
                (factor > 1.0).then_some(Extrapolation { side, factor, low, high, value })
            })
            .max_by(|a, b| a.factor.total_cmp(&b.factor))
    }
}

/// How far a run lies outside the data of its law.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extrapolation {
    /// What lies outside: compute, parameters, tokens, or tokens per parameter.
    pub side: &'static str,
    /// How many times beyond the nearer end.
    pub factor: f64,
    /// Lower end of the data.
    pub low: f64,
    /// Upper end of the data.
    pub high: f64,
    /// The run's own value.
    pub value: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_well_formed() {
        let mut seen = std::collections::BTreeSet::new();
        for law in catalogue().iter() {
            assert!(!law.source.is_empty() && !law.counts.is_empty() && !law.data.is_empty());
            for name in std::iter::once(&law.name).chain(&law.aliases) {
                assert!(seen.insert(name), "{name} stands twice");
            }
            assert!(
                law.status != Status::Warned || law.note.is_some(),
                "{} needs a note",
                law.name
            );
        }
        assert_eq!(catalogue().find("chinchilla").unwrap().name, DEFAULT);
        assert!(catalogue().find("chinchila").unwrap_err().nearest.contains(&"chinchilla".into()));
    }
}
