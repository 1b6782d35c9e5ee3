//! The command line.

mod check;
mod ladder;

use crate::flags::{Chosen, Site, Step};
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use plan::fit::{Filter, Role};
use plan::plan::SourceCaps;
use plan::quantity::{Devices, Flops, Params, SequenceTokens};
use plan::report::{Kind, Section};
use std::path::PathBuf;

pub use check::{Check, CheckFormat, Diff, DiffFormat, FailOn, Levels, PolicyFlags};
pub use ladder::{Ladder, LadderFormat};

/// Plan LLM training runs: from a compute budget to model size, tokens and epochs, as a plan file
/// that can be committed and checked.
#[derive(Debug, Parser)]
#[command(name = "llmplan", version, max_term_width = 80)]
pub struct Arguments {
    #[command(flatten)]
    pub color: colorchoice_clap::Color,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// What to train with a budget: size, tokens, loss, epochs
    Budget(Box<Budget>),
    /// Derive everything that follows from a plan file
    Plan(Plan),
    /// What the run reads, when, and how often: stages, mixtures, epochs
    Mix(Mix),
    /// A model's parameters and FLOPs per token, or shapes for a size
    Model(Model),
    /// What a training step holds on one device, what fits, and what would save
    Memory(Box<Memory>),
    /// How long a training step takes: tokens/s, where the time goes, MFU by convention
    Throughput(Box<Throughput>),
    /// The best layout on a cluster: tokens/s, memory, what the others lose by
    Layout(Box<Layout>),
    /// Accelerator-hours, money, energy and carbon, and when to run
    Footprint(Box<Footprint>),
    /// Check plans against their own claims, their budget and their law
    Check(Box<Check>),
    /// What two plans choose differently, and what follows
    Diff(Diff),
    /// Fit a scaling law to one's own runs
    Fit(Box<Fit>),
    /// Plan the runs that measure a scaling law: which, what they cost, how well they tell
    Ladder(Box<Ladder>),
    /// Explain a law, rule, accelerator, model, loader, node, engine, grid or operator
    Explain(Explain),
    /// Print the JSON Schema of a plan file
    Schema,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print a manual page
    Man {
        /// A command; without one, the page of llmplan itself
        command: Option<String>,
    },
}

#[derive(Debug, Args)]
pub struct Budget {
    /// A plan to start from (`-` for standard input); flags override it
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub chosen: Chosen,
    /// Show every law's answer
    #[arg(long, help_heading = "Answer")]
    pub laws: bool,
    /// Show what each law's choice costs if another law is true
    #[arg(long, help_heading = "Answer")]
    pub regret: bool,
    #[command(flatten)]
    pub to: Output,
}

#[derive(Debug, Args)]
pub struct Plan {
    /// The plan (`-` for standard input)
    pub file: PathBuf,
    /// Show one section alone
    #[arg(long, value_parser = section)]
    pub only: Option<Section>,
    /// Write the derived table into the file
    #[arg(long)]
    pub write: bool,
    #[command(flatten)]
    pub to: Output,
}

#[derive(Debug, Args)]
pub struct Mix {
    /// The plan (`-` for standard input)
    pub file: PathBuf,
    /// The data loader that reads it: `llmplan explain --list loaders`
    #[arg(long, value_name = "NAME")]
    pub loader: Option<String>,
    /// What to do where a source is read more often than its `max_epochs`: check, project or
    /// project-per-stage
    #[arg(long, value_name = "HOW", value_parser = crate::flags::one_of::<SourceCaps>())]
    pub caps: Option<SourceCaps>,
    /// Format of the answer
    #[arg(long, value_enum, default_value = "text")]
    pub format: MixFormat,
    /// Points of the run at which the mixture is shown
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub points: u32,
    /// Draw the picture in ASCII
    #[arg(long)]
    pub ascii: bool,
    /// Keep the picture as an SVG; `-` prints it
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
    /// Let --plot replace an existing file
    #[arg(long, requires = "plot")]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct Model {
    /// A config.json, a plan (`-` for standard input), or a published model:
    /// `llmplan explain --list models`
    #[arg(required_unless_present = "params", conflicts_with = "params", value_name = "MODEL")]
    pub what: Option<String>,
    /// Propose shapes of so many parameters
    #[arg(long)]
    pub params: Option<Params>,
    /// Experts of the proposed shapes, for a mixture of experts
    #[arg(long)]
    pub experts: Option<u64>,
    /// Parameters that work on a token, for a mixture of experts
    #[arg(long, value_name = "PARAMS")]
    pub active_params: Option<Params>,
    /// Vocabulary of the proposed shapes; by size unless given
    #[arg(long)]
    pub vocab: Option<u64>,
    /// Whether the proposed shapes use the embedding as the head; by size unless given
    #[arg(long)]
    pub tied: Option<bool>,
    /// Tokens per sequence, for the cost of attention: those of a plan's stages, or 4096, unless
    /// given
    #[arg(long, value_name = "TOKENS")]
    pub sequence: Option<SequenceTokens>,
    /// Tensor-parallel ranks that the widths are to fit
    #[arg(long, value_name = "RANKS", default_value = "1")]
    pub tp: Devices,
    /// Format of the answer
    #[arg(long, value_enum, default_value = "text")]
    pub format: MixFormat,
}

#[derive(Debug, Args)]
pub struct Memory {
    /// A plan to start from (`-` for standard input); flags override it
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub step: Step,
    /// The ways of training the model on these devices side by side
    #[arg(long, help_heading = "Answer")]
    pub compare: bool,
    /// Draw the picture in ASCII
    #[arg(long, help_heading = "Answer")]
    pub ascii: bool,
    /// Keep the picture as an SVG; `-` prints it
    #[arg(long, value_name = "FILE", help_heading = "Answer", group = "written")]
    pub plot: Option<PathBuf>,
    #[command(flatten)]
    pub to: Output,
}

#[derive(Debug, Args)]
pub struct Throughput {
    /// A plan to start from (`-` for standard input); flags override it
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub step: Step,
    #[command(flatten)]
    pub to: Output,
}

#[derive(Debug, Args)]
pub struct Layout {
    /// A plan to start from (`-` for standard input); its `[layout]` is searched anew, and the
    /// flags of a layout fix what they say
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub step: Step,
    /// Draw the picture in ASCII
    #[arg(long, help_heading = "Answer")]
    pub ascii: bool,
    /// Keep the picture as an SVG; `-` prints it
    #[arg(long, value_name = "FILE", help_heading = "Answer", group = "written")]
    pub plot: Option<PathBuf>,
    /// Write the layout, and what follows from it, into the plan
    #[arg(long, help_heading = "Answer")]
    pub write: bool,
    #[command(flatten)]
    pub to: Output,
}

#[derive(Debug, Args)]
pub struct Footprint {
    /// A plan to start from (`-` for standard input); flags override it
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub site: Site,
    #[command(flatten)]
    pub chosen: Chosen,
    /// Draw the picture in ASCII
    #[arg(long, help_heading = "Answer")]
    pub ascii: bool,
    /// Keep the picture of --grid FILE.csv as an SVG; `-` prints it
    #[arg(long, value_name = "FILE", help_heading = "Answer", group = "written")]
    pub plot: Option<PathBuf>,
    #[command(flatten)]
    pub to: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MixFormat {
    Text,
    Json,
    Markdown,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("written").multiple(true))]
pub struct Output {
    /// Format of the answer; toml is the plan itself
    #[arg(long, value_enum, help_heading = "Answer")]
    pub format: Option<Format>,
    /// Keep the plan in FILE, or with --format that format
    #[arg(
        short = 'o',
        long = "output",
        id = "kept",
        value_name = "FILE",
        help_heading = "Answer",
        group = "written"
    )]
    pub keep: Option<PathBuf>,
    /// Let what is written replace an existing file
    #[arg(long, help_heading = "Answer", requires = "written")]
    pub force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Toml,
    Json,
    Csv,
    Markdown,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("written").multiple(true))]
pub struct Fit {
    /// Runs as CSV with a header (`-` for standard input)
    ///
    /// params, tokens or flops, loss; weight and `unique_tokens` where there are any. For --form
    /// power-law flops, params or tokens, and weight or `log_std`; for --form mixing columns that
    /// begin with mixture, and loss or columns that begin with it.
    pub file: PathBuf,
    /// What is fitted
    #[arg(long, value_enum, default_value = "parametric")]
    pub form: FitForm,
    /// Which column is what, where its name does not tell: params="Model Size"; repeatable; of
    /// mixtures and their losses also all that a pattern fits: mixture="`train_*`"
    #[arg(long = "column", value_name = "WHAT=NAME", value_parser = column)]
    pub columns: Vec<(Role, String)>,
    /// Only rows that meet a condition: "flops<1e21"; repeatable
    #[arg(long = "where", value_name = "CONDITION")]
    pub filters: Vec<Filter>,
    /// Leave out the runs with the largest losses
    #[arg(long, value_name = "COUNT", default_value = "0")]
    pub drop_largest_loss: usize,
    /// What is minimised
    ///
    /// [default: log-huber]
    #[arg(long, value_enum)]
    pub objective: Option<ObjectiveName>,
    /// Where the Huber loss turns from quadratic to linear [default: 0.001]
    #[arg(long, value_name = "DELTA", value_parser = delta, allow_hyphen_values = true)]
    pub delta: Option<f64>,
    /// Refits to resampled rows, behind errors and intervals; 0 for none
    #[arg(long, value_name = "COUNT", default_value = "4000", value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub bootstrap: u32,
    /// Seed of the resamples
    #[arg(long, value_name = "SEED", default_value = "0")]
    pub seed: u64,
    /// The budget whose optimum is wanted, FLOP; the largest of the runs unless given
    #[arg(long, value_name = "FLOP", allow_hyphen_values = true)]
    pub flops: Option<Flops>,
    /// The law whose constants are held under --form data-constrained: a name or a file; that of the
    /// runs without repeats unless given
    #[arg(long, value_name = "LAW")]
    pub law: Option<String>,
    /// The plan whose run and sources limit the mixture of --form mixing
    #[arg(long, value_name = "PLAN")]
    pub plan: Option<PathBuf>,
    /// Fit the smaller runs alone, and tell how far off that is of the largest
    #[arg(long)]
    pub roll_out: bool,
    /// Simulate outcomes of the law at these runs [default: 500], tell how often 80 % intervals
    /// hold the truth, and widen those that do too rarely
    #[arg(long, value_name = "SETS", num_args = 0..=1, default_missing_value = "500", require_equals = true, value_parser = clap::value_parser!(u32).range(50..=100_000))]
    pub coverage: Option<u32>,
    /// Keep IsoFLOP curves, frontier and residuals as a picture; `-` prints it
    #[arg(long, value_name = "FILE.svg", group = "written")]
    pub plot: Option<PathBuf>,
    /// Format of the answer
    #[arg(long, value_enum, default_value = "text")]
    pub format: MixFormat,
    /// Keep the law in FILE, for `--law FILE` and `[law] file`
    #[arg(short = 'o', long = "output", value_name = "FILE.toml", group = "written")]
    pub keep: Option<PathBuf>,
    /// Let -o and --plot replace existing files
    #[arg(long, requires = "written")]
    pub force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FitForm {
    /// L = E + A/N^alpha + B/D^beta
    Parametric,
    /// The same with one exponent for both
    Tied,
    /// What repeated data are worth, `R_D*` and `R_N*`, with the other constants held
    DataConstrained,
    /// Optima of budgets by parabolas through their runs, and the power that goes through them
    Isoflop,
    /// The power of the budget that goes through measured optima
    PowerLaw,
    /// The loss over the mixture, `L_i = c_i + k_i exp(sum t_ij r_j)`, and the best mixture
    Mixing,
}

impl FitForm {
    /// The id that the flag uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Parametric => "parametric",
            Self::Tied => "tied",
            Self::DataConstrained => "data-constrained",
            Self::Isoflop => "isoflop",
            Self::PowerLaw => "power-law",
            Self::Mixing => "mixing",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ObjectiveName {
    /// Sum of Huber losses of the log loss
    LogHuber,
    /// Sum of absolute deviations of the log loss
    LogL1,
    /// Sum of squared deviations of the loss
    Mse,
}

#[derive(Debug, Args)]
pub struct Explain {
    /// Name of a law, rule, accelerator, model, loader, node, engine, grid or operator; or a law file
    #[arg(required_unless_present = "list")]
    pub name: Option<String>,
    /// List all of a kind: laws, rules, accelerators, models, loaders, nodes, engines, grids or
    /// operators
    #[arg(long, value_name = "KIND", conflicts_with = "name", value_parser = kind)]
    pub list: Option<Kind>,
}

fn column(text: &str) -> Result<(Role, String), String> {
    let (what, name) = text.split_once('=').ok_or("write WHAT=NAME, such as loss=val_loss")?;
    let all = Role::ALL.map(|role| (role.name(), role));
    Ok((one_of(&all, what.trim())?, name.trim().to_owned()))
}

fn delta(text: &str) -> Result<f64, String> {
    let delta = text.parse().ok().filter(|delta: &f64| delta.is_finite() && *delta > 0.0);
    delta.ok_or_else(|| "a number above 0".to_owned())
}

fn section(name: &str) -> Result<Section, String> {
    one_of(&Section::ALL, name)
}

fn kind(name: &str) -> Result<Kind, String> {
    one_of(&Kind::ALL, name)
}

fn one_of<T: Copy>(all: &[(&str, T)], name: &str) -> Result<T, String> {
    let known: Vec<&str> = all.iter().map(|(known, _)| *known).collect();
    let found = all.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| *value).ok_or_else(|| format!("known are {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
