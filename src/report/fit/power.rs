//! Powers of the budget that were fitted to optima.

use super::{Source, between};
use crate::fit::{MeasuredOptimum, PowerFit, Settings, interval_80, representatives};
use crate::law::{LawFile, Power};
use crate::plan::Interval;
use crate::quantity::{Flops, Params, Quantity, Tokens, TokensPerParam, significant};
use crate::report::block::Block;
use serde_json::{Value, json};

/// Version of the JSON.
const VERSION: u32 = 1;

/// Powers of the budget with what they were fitted to.
#[derive(Debug, Clone, Copy)]
pub struct PowerView<'a> {
    /// Where the optima or runs come from.
    pub source: Source<'a>,
    /// How they were fitted.
    pub settings: &'a Settings,
    /// The powers.
    pub fit: &'a PowerFit,
}

impl PowerView<'_> {
    /// The fit as blocks.
    #[must_use]
    pub fn blocks(&self) -> Vec<Block> {
        let [params, tokens] = self.powers();
        let written = |name: &str, power: Power| {
            format!(
                "  {name} = {} C^{}",
                significant(power.coefficient, 5),
                significant(power.exponent, 5)
            )
        };
        let mut blocks = vec![
            Block::Heading(format!("Optimum of {}", self.source.text())),
            Block::Line(written("N*", params)),
            Block::Line(written("D*", tokens)),
            self.constants(),
            Block::Heading(format!(
                "Optimum at {}, {}",
                self.fit.target.flops.human(),
                super::far(self.fit.target.extrapolation, "optima")
            )),
            self.target(),
            Block::Heading(match self.fit.isoflop {
                Some(_) => "Minima of parabolas through the runs of a budget".to_owned(),
                None => "Optima furthest from the powers".to_owned(),
            }),
            self.optima(),
        ];
        blocks.extend(self.fit.remarks.iter().map(|remark| Block::Note(remark.clone())));
        blocks
    }

    fn powers(&self) -> [Power; 2] {
        let none = Power { coefficient: f64::NAN, exponent: f64::NAN };
        [self.fit.law.params.unwrap_or(none), self.fit.law.tokens.unwrap_or(none)]
    }

    fn over(&self, of: impl Fn(&[Power; 2]) -> f64) -> Option<Interval> {
        interval_80(of(&self.powers()), self.fit.draws.iter().map(of))
    }

    fn constants(&self) -> Block {
        let rows = [("N*", 0), ("D*", 1)].into_iter().flat_map(|(name, which)| {
            let power = self.powers()[which];
            let errors = self.fit.standard_errors.map(|errors| errors[which]);
            let error = |at: usize| errors.map_or(String::new(), |one| significant(one[at], 3));
            let ends = |ends: Option<Interval>| {
                ends.map_or(String::new(), |ends| between(ends, |x| significant(x, 4)))
            };
            [
                vec![
                    format!("exponent of {name}"),
                    significant(power.exponent, 6),
                    error(1),
                    ends(self.over(|draw| draw[which].exponent)),
                ],
                vec![
                    format!("coefficient of {name}"),
                    significant(power.coefficient, 6),
                    String::new(),
                    ends(self.over(|draw| draw[which].coefficient)),
                ],
                vec![
                    "its logarithm".to_owned(),
                    significant(libm::log(power.coefficient), 6),
                    error(0),
                    String::new(),
                ],
            ]
        });
        Block::table(&["", "value", "standard error", "80 %"], rows.collect(), 1)
    }

    fn target(&self) -> Block {
        let target = &self.fit.target;
        let ratio = TokensPerParam(target.tokens.0 / target.params.0);
        let flops = target.flops.0;
        let at = |power: &Power| power.coefficient * libm::pow(flops, power.exponent);
        let ends = |ends: Option<Interval>, show: fn(f64) -> String| {
            ends.map_or(String::new(), |ends| between(ends, show))
        };
        let rows = vec![
            vec![
                "N*".to_owned(),
                target.params.human(),
                ends(target.params_80, |x| Params(x).human()),
            ],
            vec![
                "D*".to_owned(),
                target.tokens.human(),
                ends(target.tokens_80, |x| Tokens(x).human()),
            ],
            vec![
                "D*/N*".to_owned(),
                ratio.human(),
                ends(self.over(|draw| at(&draw[1]) / at(&draw[0])), |x| TokensPerParam(x).human()),
            ],
        ];
        Block::table(&["", "this law", "80 %"], rows, 1)
    }

    /// All minima of parabolas, or the measured optima that lie furthest off.
    fn optima(&self) -> Block {
        let [params, _] = self.powers();
        let k = self.settings.k;
        let off = |one: &MeasuredOptimum| {
            one.both(k)[0] / (params.coefficient * libm::pow(one.flops, params.exponent)) - 1.0
        };
        let mut shown: Vec<&MeasuredOptimum> = self.fit.optima.iter().collect();
        if self.fit.isoflop.is_none() {
            shown.sort_by(|a, b| off(b).abs().total_cmp(&off(a).abs()));
            shown.truncate(5);
        }
        let parabolas = self.fit.isoflop.as_ref().map(|isoflop| &isoflop.parabolas);
        let rows = shown.iter().enumerate().map(|(index, one)| {
            let first = match parabolas {
                Some(parabolas) => format!("{} runs", parabolas[index].runs),
                None => one.line.to_string(),
            };
            let [params, tokens] = one.both(k);
            vec![
                first,
                Flops(one.flops).human(),
                Params(params).human(),
                Tokens(tokens).human(),
                format!("{:+.2} %", 100.0 * off(one)),
            ]
        });
        let first = if parabolas.is_some() { "through" } else { "line" };
        Block::table(&[first, "FLOP", "N*", "D*", "N* off by"], rows.collect(), 0)
    }

    /// The law as a file, with its draws.
    #[must_use]
    pub fn law_file(&self, name: &str, form: &str) -> LawFile {
        let exponent = |draw: &[Power; 2]| draw[0].exponent;
        let kept = representatives(&self.powers(), &self.fit.draws, exponent, 1.0);
        let mut file = LawFile::of_powers(name, self.fit.law.clone(), &kept);
        file.data = Some(self.source.text());
        file.range = self.fit.range;
        let objective = format!("{form}, log-squares");
        let value = self.fit.rms;
        file.provenance = Some(self.source.provenance(&objective, None, value, self.settings));
        file
    }

    /// The fit as JSON, with a final newline.
    ///
    /// # Panics
    /// Never: the document has string keys only.
    #[must_use]
    pub fn json(&self, form: &str) -> String {
        let target = &self.fit.target;
        let [params, tokens] = self.powers();
        let power = |power: Power, which: usize| {
            let mut value = json!({ "coefficient": power.coefficient, "exponent": power.exponent });
            if let Some(errors) = self.fit.standard_errors {
                value["standard_errors"] =
                    json!({ "ln_coefficient": errors[which][0], "exponent": errors[which][1] });
            }
            value
        };
        let k = self.settings.k;
        let optima = self.fit.optima.iter().map(|one| {
            let [params, tokens] = one.both(k);
            json!({ "flops": one.flops, "params": params, "tokens": tokens, "weight": one.weight })
        });
        let mut value = json!({
            "version": VERSION,
            "form": form,
            "params": power(params, 0),
            "tokens": power(tokens, 1),
            "params_exponent": params.exponent,
            "tokens_exponent": tokens.exponent,
            "optimum": {
                "flops": target.flops,
                "params": target.params,
                "tokens": target.tokens,
                "tokens_per_param": target.tokens.0 / target.params.0,
                "extrapolation": target.extrapolation,
            },
            "optima": optima.collect::<Vec<Value>>(),
            "log_rms": self.fit.rms,
            "bootstrap": { "resamples": self.fit.draws.len(), "seed": self.settings.seed },
            "data": self.source.json(),
            "remarks": self.fit.remarks,
        });
        let mut put = |table: Option<&str>, key: &str, ends: Option<Interval>| {
            if let Some(ends) = ends {
                let place = match table {
                    Some(table) => &mut value[table],
                    None => &mut value,
                };
                place[key] = json!(ends);
            }
        };
        put(None, "params_exponent_80", self.over(|draw| draw[0].exponent));
        put(None, "tokens_exponent_80", self.over(|draw| draw[1].exponent));
        put(Some("optimum"), "params_80", target.params_80);
        put(Some("optimum"), "tokens_80", target.tokens_80);
        serde_json::to_string_pretty(&value).expect("a fit is JSON") + "\n"
    }
}
