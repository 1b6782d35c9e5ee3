//! Flags that stand for keys of a plan.

mod choice;
mod site;
mod step;

pub use choice::one_of;
pub use site::Site;
pub use step::Step;

use anyhow::{Result, bail};
use clap::Args;
use plan::data::{Quality, Source};
use plan::plan::Goal;
use plan::quantity::{
    AcceleratorHours, Days, Devices, Epochs, Flops, FlopsPerParamToken, Fraction, Loss, Params,
    Tokens, TokensPerParam, Usd, UsdPerAcceleratorHour, UsdPerBillionTokens,
};

/// The source that `--unique-tokens` and its siblings describe.
const SOURCE: &str = "data";

/// One table of every flag and the key that it stands for: name, key, and where it is set.
macro_rules! flags {
    ($($heading:literal { $($(#[$doc:meta])* $field:ident: $type:ty = $value:literal, $key:literal, $($target:ident).+;)+ })+) => {
        /// Values of a plan, given as flags.
        #[derive(Debug, Args)]
        pub struct Chosen {
            $($($(#[$doc])*
            #[arg(long, value_name = $value, help_heading = $heading, allow_hyphen_values = true)]
            pub $field: Option<$type>,)+)+
            /// Scaling law: `llmplan explain --list laws`, or a file such as `llmplan fit` writes
            #[arg(long, value_name = "NAME|FILE.toml", help_heading = "Law")]
            pub law: Option<String>,
            /// A published model whose quality is to be matched
            #[arg(long = "match", value_name = "MODEL", help_heading = "Run")]
            pub matches: Option<String>,
            /// What the plan claims to be
            #[arg(long, value_name = "GOAL", help_heading = "Run", value_parser = one_of::<Goal>())]
            pub goal: Option<Goal>,
            /// Distinct tokens at hand; several sources need a plan file
            #[arg(long, value_name = "TOKENS", help_heading = "Data", allow_hyphen_values = true)]
            pub unique_tokens: Option<Tokens>,
            /// How good the text is
            #[arg(long, value_name = "QUALITY", help_heading = "Data", value_parser = one_of::<Quality>())]
            pub quality: Option<Quality>,
            /// Most passes over the data
            #[arg(long, value_name = "EPOCHS", help_heading = "Data", allow_hyphen_values = true)]
            pub max_epochs: Option<Epochs>,
        }

        impl Chosen {
            /// Sets what the flags say in a plan.
            pub fn apply(self, plan: &mut plan::plan::Chosen) -> Result<()> {
                self.apply_source(plan)?;
                $($(if self.$field.is_some() {
                    plan.$($target).+ = self.$field;
                })+)+
                if let Some(law) = self.law {
                    let is_file = is_law_file(&law);
                    plan.law.name = Some(law.clone()).filter(|_| !is_file);
                    plan.law.file = Some(law).filter(|_| is_file);
                }
                if self.matches.is_some() {
                    plan.run.matches = self.matches;
                }
                plan.run.goal = self.goal.or(plan.run.goal);
                Ok(())
            }
        }

        /// Every flag with the key that it stands for.
        #[cfg(test)]
        pub const KEYS: &[(&str, &str)] = &[
            $($((stringify!($field), $key),)+)+
            ("law", "law.name"),
            ("match", "run.match"),
            ("goal", "run.goal"),
            ("unique_tokens", "sources.data.unique_tokens"),
            ("quality", "sources.data.quality"),
            ("max_epochs", "sources.data.max_epochs"),
        ];
    };
}

flags! {
    "Budget" {
        /// Compute, FLOP: 1e21
        flops: Flops = "FLOP", "budget.flops", budget.flops;
        /// Accelerator-hours; needs --accelerator and --mfu
        accelerator_hours: AcceleratorHours = "HOURS", "budget.accelerator_hours", budget.accelerator_hours;
        /// Wall-clock days; needs --accelerator, --devices and --mfu
        days: Days = "DAYS", "budget.days", budget.days;
        /// US dollars; needs --usd-per-accelerator-hour, --accelerator and --mfu
        usd: Usd = "USD", "budget.usd", budget.usd;
        /// Share kept for ladder, ablations, restarts and evaluations: 0.2
        reserve: Fraction = "SHARE", "budget.reserve", budget.reserve;
    }
    "Cluster" {
        /// Accelerator: a100-sxm-80gb
        accelerator: String = "NAME", "cluster.accelerator", cluster.accelerator;
        /// Accelerators that work on the run
        devices: Devices = "COUNT", "cluster.devices", cluster.devices;
        /// Utilisation of the dense peak over the whole run: 0.4
        mfu: Fraction = "SHARE", "cluster.mfu", cluster.mfu;
        /// Price of an accelerator-hour
        usd_per_accelerator_hour: UsdPerAcceleratorHour = "USD", "cost.usd_per_accelerator_hour", cost.usd_per_accelerator_hour;
    }
    "Run" {
        /// Parameters N: 13e9 or 13B
        params: Params = "PARAMS", "model.params", model.params;
        /// Training tokens D: 300e9 or 300B
        tokens: Tokens = "TOKENS", "run.tokens", run.tokens;
        /// Training tokens per parameter
        tokens_per_param: TokensPerParam = "RATIO", "run.tokens_per_param", run.tokens_per_param;
        /// Passes over the data
        epochs: Epochs = "EPOCHS", "run.epochs", run.epochs;
        /// The loss to reach, nats per token
        loss: Loss = "LOSS", "run.loss", run.loss;
        /// Tokens to serve over the model's life
        inference_tokens: Tokens = "TOKENS", "run.inference_tokens", run.inference_tokens;
    }
    "Law" {
        /// FLOPs per parameter per token, the k of C = kND [default: 6]
        k: FlopsPerParamToken = "FLOPS", "law.k", law.k;
    }
    "Data" {
        /// Price of a billion bought tokens
        usd_per_billion_tokens: UsdPerBillionTokens = "USD", "cost.usd_per_billion_tokens", cost.usd_per_billion_tokens;
    }
}

/// Whether `--law` names a file: no law of the catalogue ends so.
pub fn is_law_file(law: &str) -> bool {
    std::path::Path::new(law).extension().is_some_and(|end| end.eq_ignore_ascii_case("toml"))
}

impl Chosen {
    fn apply_source(&self, plan: &mut plan::plan::Chosen) -> Result<()> {
        if self.unique_tokens.is_none() && self.quality.is_none() && self.max_epochs.is_none() {
            return Ok(());
        }
        let others: Vec<&str> =
            plan.sources.keys().map(String::as_str).filter(|name| *name != SOURCE).collect();
        if !others.is_empty() {
            bail!(
                "--unique-tokens, --quality and --max-epochs describe a single source, but the plan has {}; change it there",
                others.join(", ")
            );
        }
        let source: &mut Source = plan.sources.entry(SOURCE.to_owned()).or_default();
        source.unique_tokens = self.unique_tokens.or(source.unique_tokens);
        source.quality = self.quality.or(source.quality);
        source.max_epochs = self.max_epochs.or(source.max_epochs);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Arguments, Command};
    use clap::{CommandFactory as _, Parser as _};

    fn sample(flag: &str) -> &'static str {
        match flag {
            "accelerator" => "a100-sxm-80gb",
            "law" => "chinchilla",
            "match" => "llama-2-7b",
            "goal" => "inference",
            "quality" => "good",
            "reserve" | "mfu" => "0.25",
            _ => "100000000000000",
        }
    }

    fn value_for(flag: &str) -> String {
        match flag {
            "epochs"
            | "max_epochs"
            | "loss"
            | "days"
            | "k"
            | "usd_per_accelerator_hour"
            | "tokens_per_param"
            | "devices" => "4".to_owned(),
            other => sample(other).to_owned(),
        }
    }

    /// Every flag sets exactly the key that the table names, and is that key in kebab-case.
    #[test]
    fn every_flag_is_its_key() {
        for (flag, key) in KEYS {
            let long = format!("--{}", flag.replace('_', "-"));
            let arguments = ["llmplan", "budget", &long, &value_for(flag)];
            let parsed = Arguments::try_parse_from(arguments).unwrap_or_else(|e| panic!("{e}"));
            let Command::Budget(budget) = parsed.command else { panic!("budget is parsed") };
            let mut chosen = plan::plan::Chosen::default();
            budget.chosen.apply(&mut chosen).unwrap();
            let tree = toml::Table::try_from(&chosen).unwrap();
            let mut set = Vec::new();
            leaves(&toml::Value::Table(tree), String::new(), &mut set);
            assert_eq!(set, ["format", key], "{long}");
            if *flag != "law" {
                assert_eq!(key.rsplit('.').next(), Some(*flag), "{long}");
            }
        }
    }

    /// No flag of `budget` is missing from the table but those that only shape the answer.
    #[test]
    fn every_flag_is_in_the_table() {
        let command = Arguments::command();
        let budget = command.find_subcommand("budget").unwrap();
        let answer = ["laws", "regret", "format", "output", "force", "help", "color"];
        for long in budget.get_arguments().filter_map(clap::Arg::get_long) {
            let known = KEYS.iter().any(|(flag, _)| flag.replace('_', "-") == long);
            assert!(known || answer.contains(&long), "--{long}");
        }
    }

    fn leaves(value: &toml::Value, path: String, found: &mut Vec<String>) {
        match value {
            toml::Value::Table(table) => {
                for (key, value) in table {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    leaves(value, path, found);
                }
            }
            _ => found.push(path),
        }
        found.sort_by_key(|key| (key != "format", key.clone()));
    }
}
