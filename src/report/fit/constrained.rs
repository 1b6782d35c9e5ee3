//! Decay constants of repeated data that were fitted.

use super::{Source, between, delta, worst_runs};
use crate::fit::{ConstrainedFit, EPOCHS, Settings};
use crate::law::{Law, LawFile};
use crate::quantity::{exact, significant};
use crate::report::block::Block;
use serde_json::{Value, json};

/// Version of the JSON.
const VERSION: u32 = 1;

/// Decay constants with the runs that they come from.
#[derive(Debug, Clone, Copy)]
pub struct ConstrainedView<'a> {
    /// Where the runs come from.
    pub source: Source<'a>,
    /// How they were fitted.
    pub settings: &'a Settings,
    /// The law whose other constants were held.
    pub base: &'a Law,
    /// The constants.
    pub fit: &'a ConstrainedFit,
}

impl ConstrainedView<'_> {
    /// The fit as blocks.
    #[must_use]
    pub fn blocks(&self) -> Vec<Block> {
        let fit = self.fit;
        let digits = |value: f64| significant(value, 5);
        let ends = |ends: Option<[f64; 2]>| {
            ends.map_or(String::new(), |ends| between(ends, |x| significant(x, 4)))
        };
        let mut constants = vec![
            vec![
                "R_D*, repeated tokens".to_owned(),
                digits(fit.repeats.tokens),
                ends(fit.tokens_80),
                significant(fit.value, 9),
            ],
            vec![
                "R_N*, excess parameters".to_owned(),
                digits(fit.repeats.params),
                ends(fit.params_80),
                String::new(),
            ],
        ];
        for (other, value) in fit.minima.iter().take(3) {
            constants.push(vec![
                "another minimum".to_owned(),
                format!("{}, {}", digits(other.tokens), digits(other.params)),
                String::new(),
                significant(*value, 9),
            ]);
        }
        let worth = EPOCHS.map(|epochs| {
            let (worth, worth_80) = fit.worth(epochs);
            let percent = |x: f64| format!("{:.1} %", 100.0 * x);
            let beyond = if epochs > fit.most_epochs { "beyond the runs" } else { "" };
            vec![
                format!("{epochs}"),
                percent(worth),
                worth_80.map_or(String::new(), |ends| between(ends, percent)),
                beyond.to_owned(),
            ]
        });
        let [low, high] = fit.within;
        let delta =
            delta(fit.objective).map_or(String::new(), |d| format!(" (delta {})", exact(d)));
        let told = if fit.identified { "identified" } else { "not identified" };
        let mut blocks = vec![
            Block::Heading(format!("Worth of repeats in {}", self.source.text())),
            Block::Line(format!(
                "  Law {} is held; {} runs read their data more than once, up to {} times.",
                self.base.name,
                fit.repeated,
                significant(fit.most_epochs, 3)
            )),
            Block::Line(format!(
                "  R_D* is {told}: the objective rises by less than 1 % from {} to {}.",
                significant(low, 3),
                significant(high, 3)
            )),
            Block::table(
                &["", "value", "80 %", &format!("{}{delta}", fit.objective.name())],
                constants,
                1,
            ),
            Block::Heading("Worth of a run's tokens against as many fresh ones".to_owned()),
            Block::table(&["epochs", "worth", "80 %", ""], worth.to_vec(), 0),
        ];
        blocks.extend(worst_runs(&fit.worst, self.settings.k));
        blocks.extend(fit.remarks.iter().map(|remark| Block::Note(remark.clone())));
        blocks
    }

    /// The base law with these constants as a file. Draws of the base law are kept.
    #[must_use]
    pub fn law_file(&self, name: &str) -> LawFile {
        let mut file = LawFile::new(name, self.fit.base, self.base.draws());
        file.repeats = Some(self.fit.repeats);
        file.counts = Some(self.base.counts.clone());
        file.counting = self.base.counting;
        file.data = Some(format!("{}; other constants of {}", self.source.text(), self.base.name));
        file.range = self.base.range;
        if !self.fit.identified {
            file.note =
                Some("R_D* is not identified by the runs that it was fitted to.".to_owned());
        }
        let objective = self.fit.objective;
        let provenance = self.source.provenance(
            &format!("data-constrained, {}", objective.name()),
            delta(objective),
            self.fit.value,
            self.settings,
        );
        file.provenance = Some(provenance);
        file
    }

    /// The fit as JSON, with a final newline.
    ///
    /// # Panics
    /// Never: the document has string keys only.
    #[must_use]
    pub fn json(&self) -> String {
        let fit = self.fit;
        let name = fit.objective.name();
        let minima = fit.minima.iter().map(|(repeats, value)| {
            json!({ "tokens": repeats.tokens, "params": repeats.params, "value": value })
        });
        let worth = EPOCHS.map(|epochs| {
            let (worth, worth_80) = fit.worth(epochs);
            let mut value = json!({ "epochs": epochs, "worth": worth });
            if let Some(ends) = worth_80 {
                value["worth_80"] = json!(ends);
            }
            value
        });
        let mut repeats = json!({
            "tokens": fit.repeats.tokens,
            "params": fit.repeats.params,
            "identified": fit.identified,
            "tokens_within_1_percent": fit.within,
        });
        for (key, ends) in [("tokens_80", fit.tokens_80), ("params_80", fit.params_80)] {
            if let Some(ends) = ends {
                repeats[key] = json!(ends);
            }
        }
        let objective = match delta(fit.objective) {
            Some(delta) => json!({ "name": name, "delta": delta, "value": fit.value }),
            None => json!({ "name": name, "value": fit.value }),
        };
        let value = json!({
            "version": VERSION,
            "form": "data-constrained",
            "law": self.base.name,
            "constants": fit.base,
            "repeats": repeats,
            "objective": objective,
            "minima": minima.collect::<Vec<Value>>(),
            "worth": worth,
            "repeated": fit.repeated,
            "most_epochs": fit.most_epochs,
            "residuals": super::json::residuals(fit.rms, &fit.worst),
            "bootstrap": { "resamples": fit.draws.len(), "seed": self.settings.seed },
            "data": self.source.json(),
            "remarks": fit.remarks,
        });
        serde_json::to_string_pretty(&value).expect("a fit is JSON") + "\n"
    }
}
