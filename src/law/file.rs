//! A law in a file of its own.
//!
//! ```toml
//! kind = "law"
//! format = 1
//! name = "ours"
//!
//! [constants]
//! e = 1.8172
//! a = 482.01
//! b = 2085.43
//! alpha = 0.3478
//! beta = 0.3658
//! ```
//!
//! `llmplan fit` writes it with the range of the runs, where it comes from, and the draws behind
//! its intervals. All but the constants may be left out. A law that knows the optimum of a budget
//! alone has `[power]` in their place, `params = [c, x]` for N* = c C^x and `tokens` for D*; one that
//! knows what repeated data are worth has `[repeats]` beside them.

use super::{
    Architecture, Counting, Draws, Form, Law, Power, PowerLaw, Range, Repeats, Status, Surface,
};
use crate::fact::nearest;
use crate::quantity::exact;
use serde::Deserialize;
use std::fmt::Write as _;
use std::str::FromStr as _;
use toml::value::Datetime;

/// The version of the format.
const FORMAT: u64 = 1;

/// What stands in a law file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LawFile {
    kind: Kind,
    format: u64,
    /// The name under which plans show it.
    pub name: String,
    /// What N counts, in words.
    #[serde(default)]
    pub counts: Option<String>,
    /// The same, for a program.
    #[serde(default)]
    pub counting: Counting,
    /// What it was measured on.
    #[serde(default)]
    pub data: Option<String>,
    /// What a reader must know.
    #[serde(default)]
    pub note: Option<String>,
    /// Day of the fit.
    #[serde(default)]
    pub as_of: Option<Datetime>,
    /// E, A, B, α and β, of a law of the loss.
    #[serde(default)]
    pub constants: Option<Surface>,
    /// N* and D* as powers of the budget, of a law of the optimum alone.
    #[serde(default)]
    pub power: Option<PowerLaw>,
    /// How repeated tokens and excess parameters decay.
    #[serde(default)]
    pub repeats: Option<Repeats>,
    /// Where the runs lie.
    #[serde(default)]
    pub range: Range,
    /// What computed it from what.
    #[serde(default)]
    pub provenance: Option<Provenance>,
    /// The draws behind its intervals.
    #[serde(default)]
    draws: Rows,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Law,
}

/// Draws, each as E, A, B, α, β, or as coefficient and exponent of N*, then of D*.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    #[serde(default)]
    rows: Vec<[f64; 5]>,
    #[serde(default)]
    powers: Vec<[f64; 4]>,
}

/// What computed a law from what.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Version of llmplan.
    pub llmplan: String,
    /// FNV-1a of the file of runs, 64 bit, in hexadecimal digits.
    pub data_hash: String,
    /// Runs that were fitted.
    pub rows: u64,
    /// What was minimised.
    pub objective: String,
    /// Its delta, where it has one.
    pub delta: Option<f64>,
    /// Its value at the minimum.
    pub value: f64,
    /// Resamples behind the draws.
    pub bootstrap: u64,
    /// Their seed.
    pub seed: u64,
}

/// Why a text is no law file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LawFileError {
    /// What is wrong, and on which line.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

impl LawFile {
    /// A file for a law that was fitted.
    #[must_use]
    pub fn new(name: &str, constants: Surface, draws: &[Surface]) -> Self {
        let row = |s: &Surface| [s.e, s.a, s.b, s.alpha, s.beta];
        Self {
            constants: Some(constants),
            draws: Rows { rows: draws.iter().map(row).collect(), powers: Vec::new() },
            ..Self::empty(name)
        }
    }

    /// A file for powers of the budget that were fitted.
    #[must_use]
    pub fn of_powers(name: &str, power: PowerLaw, draws: &[[Power; 2]]) -> Self {
        let row = |[n, d]: &[Power; 2]| [n.coefficient, n.exponent, d.coefficient, d.exponent];
        Self {
            power: Some(power),
            draws: Rows { rows: Vec::new(), powers: draws.iter().map(row).collect() },
            ..Self::empty(name)
        }
    }

    fn empty(name: &str) -> Self {
        Self {
            kind: Kind::Law,
            format: FORMAT,
            name: name.to_owned(),
            counts: None,
            counting: Counting::default(),
            data: None,
            note: None,
            as_of: None,
            constants: None,
            power: None,
            repeats: None,
            range: Range::default(),
            provenance: None,
            draws: Rows::default(),
        }
    }

    /// Reads a law file.
    ///
    /// # Errors
    /// Text that is no TOML or no law, with its line; constants that make no law.
    pub fn read(text: &str) -> Result<Self, LawFileError> {
        let wrong = |message: String, help: &str| LawFileError {
            message,
            help: (!help.is_empty()).then(|| help.to_owned()),
        };
        let begin = "a law file begins with `kind = \"law\"`; `llmplan fit` writes one";
        let table = toml::Table::from_str(text).map_err(|error| located(text, &error))?;
        if table.get("kind").and_then(toml::Value::as_str) != Some("law") {
            return Err(wrong(" is no law file".to_owned(), begin));
        }
        let file: Self = toml::from_str(text).map_err(|error| located(text, &error))?;
        if file.format != FORMAT {
            let message = format!(": the format {} of law files is not known", file.format);
            return Err(wrong(message, "this program reads `format = 1`"));
        }
        file.sound().map_err(|message| wrong(message, "they are positive, finite numbers"))?;
        Ok(file)
    }

    /// Whether all numbers can be those of a law.
    fn sound(&self) -> Result<(), String> {
        let good = |row: &[f64]| row.iter().all(|value| value.is_finite() && *value > 0.0);
        // an exponent of D* or N* may lie beyond nought or one where the runs tell little
        let power = |[c, x]: [f64; 2]| c.is_finite() && c > 0.0 && x.is_finite() && x.abs() < 10.0;
        match (&self.constants, &self.power) {
            (Some(_), Some(_)) => {
                return Err(
                    ": `constants` and `power` are two laws; leave one out: numbers".to_owned()
                );
            }
            (None, None) => return Err(": there are neither `constants` nor `power`".to_owned()),
            (Some(s), None) if !good(&[s.e, s.a, s.b, s.alpha, s.beta]) => {
                return Err(": `constants` make no law".to_owned());
            }
            (None, Some(law)) => {
                let stated: Vec<Power> = [law.params, law.tokens].into_iter().flatten().collect();
                let sound = stated.iter().all(|of| power([of.coefficient, of.exponent]));
                if stated.is_empty() || !sound || !good(&[law.unit_flops]) {
                    return Err(": `power` makes no law".to_owned());
                }
            }
            (Some(_), None) => {}
        }
        if self.repeats.is_some_and(|of| !good(&[of.tokens, of.params])) {
            return Err(": `repeats` make no law".to_owned());
        }
        let surfaces = self.draws.rows.iter().position(|row| !good(row));
        let powers = &self.draws.powers;
        let powers = powers.iter().position(|&[c, x, d, y]| !power([c, x]) || !power([d, y]));
        match surfaces.or(powers) {
            Some(row) => Err(format!(": row {} of `draws` makes no law", row + 1)),
            None => Ok(()),
        }
    }

    /// The law.
    ///
    /// # Panics
    /// Never: the day that stands for none is one.
    #[must_use]
    pub fn law(self) -> Law {
        let draws =
            self.draws.rows.iter().map(|&[e, a, b, alpha, beta]| Surface { e, a, b, alpha, beta });
        let draws: Vec<Surface> = draws.collect();
        let powers = self.draws.powers.iter().map(|&[c, x, d, y]| PowerLaw::new([c, x], [d, y]));
        let draws = match self.power {
            _ if !draws.is_empty() && self.constants.is_some() => Draws::Own(draws),
            Some(_) if !self.draws.powers.is_empty() => Draws::Powers(powers.collect()),
            _ => Draws::None,
        };
        let form = match (self.constants, self.power) {
            (Some(constants), _) => Form::Surface(constants),
            (None, power) => Form::Power(power.expect("reading asks for one of the two")),
        };
        let source = self.provenance.as_ref().map_or("a law file".to_owned(), Provenance::source);
        Law {
            title: format!("{}, from a law file", self.name),
            name: self.name,
            aliases: Vec::new(),
            form,
            repeats: self.repeats,
            counts: self.counts.unwrap_or_else(|| "parameters as the runs count them".to_owned()),
            counting: self.counting,
            data: self.data.unwrap_or_else(|| "not stated".to_owned()),
            range: self.range,
            architecture: Architecture::Dense,
            status: Status::Current,
            draws,
            source,
            as_of: self
                .as_of
                .unwrap_or_else(|| Datetime::from_str("1970-01-01").expect("a date that is one")),
            note: self.note,
        }
    }

    /// The file's text, which [`LawFile::read`] reads.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = format!("kind = \"law\"\nformat = {FORMAT}\nname = {}\n", quoted(&self.name));
        for (key, value) in [("counts", &self.counts), ("data", &self.data), ("note", &self.note)] {
            if let Some(value) = value {
                let _ = writeln!(out, "{key} = {}", quoted(value));
            }
        }
        let _ = writeln!(out, "counting = {}", quoted(self.counting.name()));
        if let Some(day) = self.as_of {
            let _ = writeln!(out, "as_of = {day}");
        }
        if let Some(s) = &self.constants {
            let _ = writeln!(
                out,
                "\n[constants] # L = e + a/N^alpha + b/D^beta\ne = {}\na = {}\nb = {}\nalpha = {}\nbeta = {}",
                exact(s.e),
                exact(s.a),
                exact(s.b),
                exact(s.alpha),
                exact(s.beta)
            );
        }
        if let Some(power) = &self.power {
            out.push_str("\n[power] # [c, x]: c C^x, C in FLOP\n");
            for (key, power) in [("params", power.params), ("tokens", power.tokens)] {
                if let Some(Power { coefficient, exponent }) = power {
                    let _ = writeln!(out, "{key} = [{}, {}]", float(coefficient), float(exponent));
                }
            }
        }
        if let Some(Repeats { tokens, params }) = self.repeats {
            let _ = writeln!(
                out,
                "\n[repeats] # R_D* and R_N*\ntokens = {}\nparams = {}",
                float(tokens),
                float(params)
            );
        }
        let r = &self.range;
        out.push_str("\n[range] # of the runs\n");
        for (key, ends) in [
            ("flops", r.flops),
            ("params", r.params),
            ("tokens", r.tokens),
            ("tokens_per_param", r.tokens_per_param),
        ] {
            if let Some([low, high]) = ends {
                let _ = writeln!(out, "{key} = [{}, {}]", float(low), float(high));
            }
        }
        if let Some(provenance) = &self.provenance {
            out.push_str(&provenance.text());
        }
        if !self.draws.rows.is_empty() {
            out.push_str("\n[draws] # refits to resampled runs: e, a, b, alpha, beta\nrows = [\n");
            for row in &self.draws.rows {
                let row = row.map(|value| format!("{value:.7e}")).join(", ");
                let _ = writeln!(out, "    [{row}],");
            }
            out.push_str("]\n");
        }
        if !self.draws.powers.is_empty() {
            out.push_str(
                "\n[draws] # refits to resamples: c and x of N*, then of D*\npowers = [\n",
            );
            for row in &self.draws.powers {
                let row = row.map(|value| format!("{value:.7e}")).join(", ");
                let _ = writeln!(out, "    [{row}],");
            }
            out.push_str("]\n");
        }
        out
    }
}

impl Provenance {
    fn source(&self) -> String {
        format!(
            "fitted by llmplan {} to {} runs ({}), data {}",
            self.llmplan, self.rows, self.objective, self.data_hash
        )
    }

    fn text(&self) -> String {
        let mut out = format!(
            "\n[provenance]\nllmplan = {}\ndata_hash = {}\nrows = {}\nobjective = {}\n",
            quoted(&self.llmplan),
            quoted(&self.data_hash),
            self.rows,
            quoted(&self.objective)
        );
        if let Some(delta) = self.delta {
            let _ = writeln!(out, "delta = {}", float(delta));
        }
        let _ = writeln!(
            out,
            "value = {}\nbootstrap = {}\nseed = {}",
            float(self.value),
            self.bootstrap,
            self.seed
        );
        out
    }
}

/// A number that TOML reads as a float.
fn float(value: f64) -> String {
    let text = exact(value);
    if text.contains(['.', 'e']) { text } else { format!("{text}.0") }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A fault of the TOML, with its line and the nearest key.
fn located(text: &str, error: &toml::de::Error) -> LawFileError {
    let line =
        error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    let place = line.map_or(String::new(), |line| format!(", line {line}"));
    let message = error.message();
    let mut words = message.split('`').skip(1).step_by(2);
    let near =
        words.next().filter(|_| message.starts_with("unknown")).map(|word| nearest(word, words));
    LawFileError {
        message: format!("{place}: {message}"),
        help: near.and_then(|near| Some(format!("did you mean `{}`?", near.first()?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surface(b: f64) -> Surface {
        Surface { e: 1.8172, a: 482.01, b, alpha: 0.3478, beta: 0.3658 }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut file = LawFile::new("a \"b\"\n", surface(2085.43), &[surface(2e3), surface(1.5e3)]);
        file.range.flops = Some([1e18, 3e21]);
        file.provenance = Some(Provenance {
            llmplan: "0.1.0".into(),
            rows: 7,
            delta: Some(1.0),
            ..Provenance::default()
        });
        let text = file.text();
        assert!(text.starts_with("kind = \"law\"\n"), "{text}");
        assert_eq!(LawFile::read(&text).unwrap(), file, "{text}");
        let law = file.law();
        assert_eq!(law.draws(), [surface(2e3), surface(1.5e3)]);
        assert_eq!(law.surface(), Some(surface(2085.43)));
    }

    #[test]
    fn what_is_no_law_is_told_with_its_line() {
        let fails = |text: &str| LawFile::read(text).unwrap_err();
        assert!(fails("format = 1").help.unwrap().contains("kind = \"law\""));
        let text = LawFile::new("x", surface(2085.43), &[]).text();
        let misspelt = fails(&text.replace("alpha =", "alfa ="));
        assert!(misspelt.message.contains("line 10"), "{misspelt:?}");
        assert_eq!(misspelt.help.unwrap(), "did you mean `alpha`?");
        assert!(fails(&text.replace("e = 1.8172", "e = -1.0")).message.contains("constants"));
        assert!(fails(&text.replace("format = 1", "format = 9")).message.contains("format 9"));
    }
}
