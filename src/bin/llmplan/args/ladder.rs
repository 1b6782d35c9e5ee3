//! Arguments of `ladder`.

use super::{MixFormat, ObjectiveName};
use clap::{ArgGroup, Args, ValueEnum};
use plan::quantity::{
    AcceleratorHours, Days, Devices, Flops, FlopsPerParamToken, Fraction, Usd,
    UsdPerAcceleratorHour,
};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("written").multiple(true))]
pub struct Ladder {
    /// The plan of the run that the ladder serves (`-` for standard input); flags override it
    pub file: Option<PathBuf>,
    /// The budget whose optimum is wanted, FLOP
    #[arg(long, value_name = "FLOP", help_heading = "Target", allow_hyphen_values = true)]
    pub flops: Option<Flops>,
    /// The same in accelerator-hours; needs --accelerator and --mfu
    #[arg(long, value_name = "HOURS", help_heading = "Target", allow_hyphen_values = true)]
    pub accelerator_hours: Option<AcceleratorHours>,
    /// The same in days; needs --accelerator, --devices and --mfu
    #[arg(long, value_name = "DAYS", help_heading = "Target", allow_hyphen_values = true)]
    pub days: Option<Days>,
    /// The same in US dollars; needs --usd-per-accelerator-hour, --accelerator and --mfu
    #[arg(long, value_name = "USD", help_heading = "Target", allow_hyphen_values = true)]
    pub usd: Option<Usd>,
    /// The law that places the runs: `llmplan explain --list laws`, or a law file
    #[arg(long, value_name = "NAME|FILE.toml", help_heading = "Target")]
    pub law: Option<String>,
    /// FLOPs per parameter per token, the k of C = kND [default: 6]
    #[arg(long, value_name = "FLOPS", help_heading = "Target", allow_hyphen_values = true)]
    pub k: Option<FlopsPerParamToken>,
    /// Share of the budget that the ladder may take [default: the plan's reserve, or 0.02]
    #[arg(long, value_name = "SHARE", help_heading = "Runs", allow_hyphen_values = true)]
    pub share: Option<Fraction>,
    /// Budgets, evenly spaced in the logarithm
    #[arg(long, value_name = "COUNT", help_heading = "Runs", default_value_t = plan::ladder::Settings::GRID.0)]
    pub budgets: u32,
    /// Sizes at each budget, around its optimum
    #[arg(long, value_name = "COUNT", help_heading = "Runs", default_value_t = plan::ladder::Settings::GRID.1)]
    pub sizes: u32,
    /// The largest budget over the smallest [default: 100, or 30 or 10 where the smallest model would
    /// have no shape]
    #[arg(long, value_name = "TIMES", help_heading = "Runs", allow_hyphen_values = true)]
    pub span: Option<f64>,
    /// The largest size over the optimum, and the optimum over the smallest
    #[arg(long, value_name = "TIMES", help_heading = "Runs", default_value_t = plan::ladder::Settings::GRID.2, allow_hyphen_values = true)]
    pub reach: f64,
    /// Rows of the models' embeddings; by size, or those of the plan's model, unless given
    #[arg(long, value_name = "ROWS", help_heading = "Runs")]
    pub vocab: Option<u64>,
    /// Accelerator: a100-sxm-80gb
    #[arg(long, value_name = "NAME", help_heading = "Cluster")]
    pub accelerator: Option<String>,
    /// Accelerators that work on a run
    #[arg(long, value_name = "COUNT", help_heading = "Cluster", allow_hyphen_values = true)]
    pub devices: Option<Devices>,
    /// Utilisation of the dense peak over a whole run: 0.4
    #[arg(long, value_name = "SHARE", help_heading = "Cluster", allow_hyphen_values = true)]
    pub mfu: Option<Fraction>,
    /// Price of an accelerator-hour
    #[arg(long, value_name = "USD", help_heading = "Cluster", allow_hyphen_values = true)]
    pub usd_per_accelerator_hour: Option<UsdPerAcceleratorHour>,
    /// Standard deviation of the loss around the law, as a share of it
    #[arg(long, value_name = "SHARE", help_heading = "Simulation", default_value_t = plan::ladder::NOISE, allow_hyphen_values = true)]
    pub noise: f64,
    /// Simulated outcomes behind what is predicted; 0 for none
    #[arg(long, value_name = "COUNT", help_heading = "Simulation", default_value_t = plan::ladder::Sets::USUAL.0, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub sets: u32,
    /// Seed of the outcomes
    #[arg(long, value_name = "SEED", help_heading = "Simulation", default_value = "0")]
    pub seed: u64,
    /// What the fits minimise
    #[arg(long, value_enum, help_heading = "Simulation", default_value = "log-huber")]
    pub objective: ObjectiveName,
    /// Fill in one simulated outcome, and show the fit to it
    #[arg(long, help_heading = "Simulation")]
    pub simulate: bool,
    /// Format of the answer; csv is the manifest
    #[arg(long, value_enum, help_heading = "Answer", default_value = "text")]
    pub format: LadderFormat,
    /// Keep the ladder as a picture; `-` prints it
    #[arg(long, value_name = "FILE.svg", help_heading = "Answer", group = "written")]
    pub plot: Option<PathBuf>,
    /// Keep the runs in FOLDER: a plan each, and manifest.csv to fill in
    #[arg(
        short = 'o',
        long = "output",
        value_name = "FOLDER",
        help_heading = "Answer",
        group = "written"
    )]
    pub keep: Option<PathBuf>,
    /// Let -o and --plot replace existing files
    #[arg(long, help_heading = "Answer", requires = "written")]
    pub force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LadderFormat {
    Text,
    Json,
    Csv,
    Markdown,
}

impl LadderFormat {
    /// The format of a fit beside it; a CSV has none.
    pub fn of_fit(self) -> Option<MixFormat> {
        match self {
            Self::Text => Some(MixFormat::Text),
            Self::Json => Some(MixFormat::Json),
            Self::Markdown => Some(MixFormat::Markdown),
            Self::Csv => None,
        }
    }
}

impl Ladder {
    /// Sets what the flags say in the plan that the ladder serves.
    pub fn apply(&self, plan: &mut plan::plan::Chosen) {
        macro_rules! set {
            ($($flag:ident => $($key:ident).+;)+) => {
                $(if self.$flag.is_some() { plan.$($key).+ = self.$flag.clone(); })+
            };
        }
        set! {
            flops => budget.flops;
            accelerator_hours => budget.accelerator_hours;
            days => budget.days;
            usd => budget.usd;
            k => law.k;
            accelerator => cluster.accelerator;
            devices => cluster.devices;
            mfu => cluster.mfu;
            usd_per_accelerator_hour => cost.usd_per_accelerator_hour;
        }
        if let Some(law) = &self.law {
            let is_file = crate::flags::is_law_file(law);
            plan.law.name = Some(law.clone()).filter(|_| !is_file);
            plan.law.file = Some(law.clone()).filter(|_| is_file);
        }
    }
}
