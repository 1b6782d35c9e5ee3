//! Mixing laws that were fitted, and the mixture that they propose.

use super::{Source, between, delta};
use crate::fit::{Caps, MixingFit, MixtureRun, Proposal, Settings};
use crate::quantity::{exact, significant};
use crate::report::block::Block;
use serde_json::{Value, json};

/// Version of the JSON.
const VERSION: u32 = 1;
/// Losses whose constants are shown.
const SHOWN: usize = 4;

/// Mixing laws with the runs that they come from.
#[derive(Debug, Clone, Copy)]
pub struct MixingView<'a> {
    /// Where the runs come from.
    pub source: Source<'a>,
    /// Names of the sources.
    pub sources: &'a [String],
    /// Names of the losses.
    pub losses: &'a [String],
    /// The runs.
    pub runs: &'a [MixtureRun],
    /// How they were fitted.
    pub settings: &'a Settings,
    /// The laws.
    pub fit: &'a MixingFit,
    /// What the proposal is limited by, beside the runs.
    pub caps: Option<&'a Caps>,
    /// The best mixture.
    pub proposal: &'a Proposal,
}

impl MixingView<'_> {
    /// The least mean loss of a run, and the run's line.
    #[expect(clippy::cast_precision_loss, reason = "a few losses")]
    fn best(&self) -> (f64, u64) {
        let run = &self.runs[self.fit.best];
        (run.losses.iter().sum::<f64>() / run.losses.len() as f64, run.line)
    }

    /// The fit as blocks.
    #[must_use]
    pub fn blocks(&self) -> Vec<Block> {
        let fit = self.fit;
        let delta =
            delta(fit.objective).map_or(String::new(), |d| format!(" (delta {})", exact(d)));
        let digits = |value: f64| significant(value, 4);
        let mut quality = vec![
            vec![
                "objective".to_owned(),
                format!("{}{delta}", fit.objective.name()),
                significant(fit.values.iter().sum(), 8),
            ],
            vec![
                "residuals".to_owned(),
                "root mean square of the log loss".to_owned(),
                digits(fit.rms),
            ],
        ];
        if let Some(held) = fit.held_out {
            quality.push(vec![
                "left out".to_owned(),
                "rank correlation (Spearman)".to_owned(),
                significant(held.spearman, 4),
            ]);
            quality.push(vec![
                String::new(),
                "mean error of the loss".to_owned(),
                digits(held.mean_error),
            ]);
        }
        let losses = if self.losses.len() == 1 { "loss" } else { "losses" };
        let mut blocks = vec![
            Block::Heading(format!("Mixing law of {}", self.source.text())),
            Block::Line(format!(
                "  L(r) = c + k exp(t·r) over {} sources, for {} {losses}.",
                self.sources.len(),
                self.losses.len()
            )),
            self.constants(),
            Block::Heading("Fit".to_owned()),
            Block::table(&["", "", ""], quality, 2),
            Block::Heading("Best mixture within what the runs tried".to_owned()),
            self.shares(),
            self.expected(),
            Block::Line(format!("  mixture = {}", self.toml())),
        ];
        blocks.extend(fit.remarks.iter().map(|remark| Block::Note(remark.clone())));
        blocks
    }

    fn constants(&self) -> Block {
        let shown = self.fit.laws.iter().zip(self.losses).take(SHOWN);
        let header: Vec<&str> =
            std::iter::once("").chain(shown.clone().map(|(_, name)| name.as_str())).collect();
        let row = |name: &str, of: &dyn Fn(usize) -> f64| {
            let values = (0..shown.len()).map(|law| significant(of(law), 4));
            std::iter::once(name.to_owned()).chain(values).collect::<Vec<_>>()
        };
        let laws = &self.fit.laws;
        let mut rows = vec![row("c", &|law| laws[law].c), row("k", &|law| laws[law].k)];
        for (source, name) in self.sources.iter().enumerate() {
            rows.push(row(&format!("t of {name}"), &|law| laws[law].t[source]));
        }
        Block::table(&header, rows, 1)
    }

    fn shares(&self) -> Block {
        let p = self.proposal;
        let rows = self.sources.iter().enumerate().map(|(source, name)| {
            let share = p.shares[source];
            let [low, high] = p.allowed[source];
            let near = |end: f64| (share - end).abs() < 1e-7;
            let end = match (near(high), near(low)) {
                (true, _) if p.capped[source] => "max_epochs",
                (true, _) => "largest of the runs",
                (_, true) => "least of the runs",
                _ => "",
            };
            let epochs = p.epochs.as_ref().and_then(|epochs| epochs[source]);
            vec![
                name.clone(),
                percent(share),
                percent(self.fit.mean[source]),
                between(self.fit.range[source], percent),
                epochs.map_or(String::new(), |epochs| significant(epochs, 3)),
                end.to_owned(),
            ]
        });
        Block::table(
            &["source", "share", "mean of runs", "runs", "epochs", "held at"],
            rows.collect(),
            1,
        )
    }

    fn expected(&self) -> Block {
        let p = self.proposal;
        let mean = self.fit.loss(&self.fit.mean);
        let rows = vec![
            vec![
                "proposed".to_owned(),
                significant(p.loss, 5),
                p.loss_80.map_or(String::new(), |ends| between(ends, |x| significant(x, 5))),
            ],
            vec!["mean mixture of the runs".to_owned(), significant(mean, 5), String::new()],
            vec![
                format!("best run, line {}, as measured", self.best().1),
                significant(self.best().0, 5),
                String::new(),
            ],
        ];
        let of = if self.losses.len() == 1 { "loss" } else { "mean loss" };
        Block::table(&["", of, "80 %"], rows, 1)
    }

    /// The proposal as a plan has it, rounded so that it sums to one.
    fn toml(&self) -> String {
        let rounded = rounded(&self.proposal.shares);
        let kept = self.sources.iter().zip(&rounded).filter(|(_, share)| **share > 0.0);
        let parts = kept.map(|(name, share)| {
            let bare = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
            let name =
                if bare { name.clone() } else { toml::Value::String(name.clone()).to_string() };
            format!("{name} = {share}")
        });
        format!("{{ {} }}", parts.collect::<Vec<_>>().join(", "))
    }

    /// The fit as JSON, with a final newline.
    ///
    /// # Panics
    /// Never: the document has string keys only.
    #[must_use]
    pub fn json(&self) -> String {
        let (fit, p) = (self.fit, self.proposal);
        let laws = fit.laws.iter().zip(self.losses).zip(&fit.values).map(|((law, name), value)| {
            let t = self.sources.iter().zip(&law.t);
            let t: serde_json::Map<String, Value> =
                t.map(|(source, t)| (source.clone(), json!(t))).collect();
            json!({ "loss": name, "c": law.c, "k": law.k, "t": t, "value": value })
        });
        let by_source = |values: &[f64]| -> serde_json::Map<String, Value> {
            let named = self.sources.iter().zip(values);
            named.map(|(source, value)| (source.clone(), json!(value))).collect()
        };
        let mut proposal = json!({
            "mixture": by_source(&p.shares),
            "loss": p.loss,
            "gap": p.gap,
            "least": by_source(&p.allowed.iter().map(|ends| ends[0]).collect::<Vec<_>>()),
            "largest": by_source(&p.allowed.iter().map(|ends| ends[1]).collect::<Vec<_>>()),
        });
        if let Some(ends) = p.loss_80 {
            proposal["loss_80"] = json!(ends);
        }
        if let (Some(epochs), Some(caps)) = (&p.epochs, self.caps) {
            let named = self.sources.iter().zip(epochs);
            let stated = named.filter_map(|(name, epochs)| Some((name.clone(), json!((*epochs)?))));
            proposal["epochs"] = stated.collect::<serde_json::Map<_, _>>().into();
            proposal["tokens"] = json!(caps.tokens);
        }
        let objective = match delta(fit.objective) {
            Some(delta) => json!({ "name": fit.objective.name(), "delta": delta }),
            None => json!({ "name": fit.objective.name() }),
        };
        let mut value = json!({
            "version": VERSION,
            "form": "mixing",
            "laws": laws.collect::<Vec<_>>(),
            "objective": objective,
            "log_rms": fit.rms,
            "mean": by_source(&fit.mean),
            "mean_loss": fit.loss(&fit.mean),
            "best_run": { "line": self.best().1, "loss": self.best().0 },
            "proposal": proposal,
            "bootstrap": { "resamples": fit.draws.len(), "seed": self.settings.seed },
            "data": self.source.json(),
            "remarks": fit.remarks,
        });
        if let Some(held) = fit.held_out {
            value["held_out"] = json!({ "spearman": held.spearman, "mean_error": held.mean_error });
        }
        serde_json::to_string_pretty(&value).expect("a fit is JSON") + "\n"
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// Four digits after the point, with what is left over put to the largest.
fn rounded(shares: &[f64]) -> Vec<f64> {
    #[expect(clippy::cast_possible_truncation, reason = "shares of ten thousand")]
    let mut parts: Vec<i32> = shares.iter().map(|share| (share * 1e4).round() as i32).collect();
    let left = 10_000 - parts.iter().sum::<i32>();
    if let Some(largest) = parts.iter_mut().max() {
        *largest += left;
    }
    parts.into_iter().map(|part| f64::from(part) / 1e4).collect()
}
