//! Flags of the place where a run is.

use clap::Args;
use plan::plan::Chosen;
use plan::quantity::{GramsPerKilowattHour, Hours, Overhead, Watts};
use std::path::Path;

/// One table of the flags and the keys of `[site]` that they stand for.
macro_rules! flags {
    ($($(#[$doc:meta])* $field:ident: $type:ty = $value:literal;)+) => {
        /// Values of `[site]`, given as flags.
        #[derive(Debug, Args)]
        pub struct Site {
            /// Grid: `llmplan explain --list grids`, or a CSV of its intensity over time
            #[arg(long, value_name = "NAME|FILE.csv", help_heading = "Site")]
            pub grid: Option<String>,
            $($(#[$doc])*
            #[arg(long, value_name = $value, help_heading = "Site", allow_hyphen_values = true)]
            pub $field: Option<$type>,)+
            /// The day that --usd-per-accelerator-hour is of: 2025-03-01
            #[arg(long, value_name = "DATE", help_heading = "Cluster")]
            pub price_as_of: Option<String>,
        }

        impl Site {
            /// Sets what the flags say in a plan, which then has a site.
            pub fn apply(self, plan: &mut Chosen) {
                let site = plan.site.get_or_insert_default();
                if let Some(grid) = self.grid {
                    let file = is_series(&grid);
                    *(if file { &mut site.grid_series } else { &mut site.grid }) = Some(grid);
                }
                $(if self.$field.is_some() {
                    site.$field = self.$field;
                })+
                if self.price_as_of.is_some() {
                    plan.cost.price_as_of = self.price_as_of;
                }
            }
        }

        /// Every flag that is the key of its own name.
        #[cfg(test)]
        pub const KEYS: &[&str] = &[$(stringify!($field),)+];
    };
}

flags! {
    /// Column of that CSV, where several could be the intensity
    grid_column: String = "NAME";
    /// What a kWh emits, grams of CO2 equivalent
    grams_per_kwh: GramsPerKilowattHour = "GRAMS";
    /// When the run may start: 2025-03-01T00:00Z [default: with the CSV]
    earliest_start: String = "TIME";
    /// When it has to have ended [default: with the CSV]
    deadline: String = "TIME";
    /// Hours at full draw without progress after a pause [default: 1]
    resume_hours: Hours = "HOURS";
    /// Who runs the data centre, for its PUE: `llmplan explain --list operators`
    operator: String = "NAME";
    /// Energy of the site over that of its computers
    pue: Overhead = "FACTOR";
    /// Mean draw of an accelerator [default: 0.8 of its rated power]
    watts_per_accelerator: Watts = "WATTS";
    /// Draw of a server over that of its accelerators [default: 1.5]
    server_overhead: Overhead = "FACTOR";
}

/// Whether `--grid` names a file: no grid of the catalogue ends so.
pub fn is_series(grid: &str) -> bool {
    Path::new(grid).extension().is_some_and(|end| end.eq_ignore_ascii_case("csv"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Arguments, Command};
    use clap::{CommandFactory as _, Parser as _};

    fn sample(flag: &str) -> &'static str {
        match flag {
            "earliest_start" | "deadline" => "2025-03-01T00:00Z",
            "grid_column" => "intensity",
            "operator" => "google",
            _ => "2",
        }
    }

    fn set(flag: &str, value: &str) -> serde_json::Value {
        let long = format!("--{}", flag.replace('_', "-"));
        let parsed = Arguments::try_parse_from(["llmplan", "footprint", &long, value]);
        let Command::Footprint(footprint) = parsed.unwrap_or_else(|e| panic!("{e}")).command else {
            panic!("footprint is parsed")
        };
        let mut chosen = Chosen::default();
        footprint.site.apply(&mut chosen);
        serde_json::to_value(&chosen).unwrap()
    }

    /// Every flag sets exactly the key of its own name.
    #[test]
    fn every_flag_is_its_key() {
        for flag in KEYS {
            let site = set(flag, sample(flag))["site"].clone();
            let keys: Vec<_> = site.as_object().unwrap().keys().cloned().collect();
            assert_eq!(keys, [*flag]);
        }
        assert_eq!(set("grid", "us")["site"]["grid"], "us");
        assert_eq!(set("grid", "a/b.csv")["site"]["grid_series"], "a/b.csv");
        assert_eq!(set("price_as_of", "2025-03-01")["cost"]["price_as_of"], "2025-03-01");
    }

    /// No key of a site is without its flag.
    #[test]
    fn every_key_of_a_site_is_a_flag() {
        let schema = plan::file::schema();
        let keys = schema.pointer("/definitions/Site/properties").unwrap();
        for key in keys.as_object().unwrap().keys().filter(|key| !key.starts_with("grid")) {
            assert!(KEYS.contains(&key.as_str()), "{key}");
        }
        assert!(Arguments::command().find_subcommand("footprint").is_some());
    }
}
